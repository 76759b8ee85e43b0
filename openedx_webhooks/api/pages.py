"""Lists of the API: filters, and pages, each of which says where the next begins, in bounded time."""

# Nothing is saved by a serializer here.
# pylint: disable=abstract-method

from collections.abc import Mapping
from typing import Any

from django.db.models import Model, Q
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from ..models.row_fields import bounded
from ..operations.newest import Condition, newest

_SIZE, _MOST = 50, 200
_BIGGEST = 2**63 - 1


class Moment(serializers.DateTimeField):
    """A time, of which one that no calendar can count with is the nearest that it can."""

    def to_internal_value(self, value):
        return bounded(super().to_internal_value(value))


class Number(serializers.IntegerField):
    """A primary key."""

    def __init__(self, **kwargs):
        super().__init__(min_value=0, max_value=_BIGGEST, **kwargs)


class Filters(serializers.Serializer):
    """
    The query of a list. Only what an index, or a bounded walk, can answer; and nothing that would tell of an address
    or a secret, letter by letter.

    Attributes:
        lookups: field → lookup of the model.
    """

    cursor = serializers.CharField(required=False, max_length=100, help_text="From `next` of the page before.")
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=_MOST, default=_SIZE)
    lookups: Mapping[str, str] = {}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what is no filter: without it the list would be another than was asked for."""
        if unknown := sorted(self.initial_data.keys() - self.fields.keys()):
            text = _("There is no such filter. There are: %s.") % ", ".join(self.fields)
            raise serializers.ValidationError({name[:100]: [text] for name in unknown[:20]})
        return attrs

    def conditions(self, model: type[Model]) -> list[Condition]:
        """What rows of a model must meet; for a valid query."""
        found = []
        for name, lookup in self.lookups.items():
            if name in self.validated_data:
                column, _separator, kind = lookup.partition("__")
                condition = Q(**{lookup: self.validated_data[name]})
                found.append(Condition(condition, model._meta.get_field(column).name, is_single=not kind))
        return found


class Newest(BasePagination):
    """The newest first. The view has ``filters`` (a class of the above) and ``time_field``."""

    _url = ""
    _next: str | None = None

    def paginate_queryset(self, queryset, request, view=None):
        query = view.filters(data=request.query_params.dict(), context={"request": request})
        query.is_valid(raise_exception=True)
        given, conditions = query.validated_data, query.conditions(queryset.model)
        self._url, size = request.build_absolute_uri(), given["page_size"]
        begin = _begin(given.get("cursor", ""), view.time_field)
        conditions += [begin] if begin and begin.column else []
        rows = queryset.order_by() if not begin or begin.column else queryset.order_by().filter(begin.q)
        edge, is_cut = None, False
        if conditions:
            found = newest(rows, conditions, view.time_field)
            ids, edge, is_cut = found.ids, found.edge, found.is_cut
        else:
            ids = list(rows.order_by("-pk").values_list("pk", flat=True)[: size + 1])
        if len(ids) > size or (ids and is_cut and edge is None):
            ids = ids[:size]
            self._next = f"before.{ids[-1]}"
        else:
            self._next = _cursor(edge, view.time_field)
        if self._next == given.get("cursor"):
            self._next = None
        return list(queryset.filter(pk__in=ids).order_by("-pk"))

    def get_paginated_response(self, data):
        """The rows, and where the next page is; null after the last."""
        url = replace_query_param(self._url, "cursor", self._next) if self._next else None
        return Response({"next": url, "results": data})

    def get_paginated_response_schema(self, schema):
        """The same for the OpenAPI description."""
        following = {"type": "string", "nullable": True, "format": "uri", "description": "The next page."}
        return {"type": "object", "required": ["next", "results"], "properties": {"next": following, "results": schema}}


def _cursor(edge: tuple[str, Any] | None, time_field: str) -> str | None:
    """How far it was looked before the time was over."""
    if edge is None:
        return None
    column, value = edge
    return f"at.{value.isoformat()}" if column == time_field else f"from.{value}"


def _begin(cursor: str, time_field: str) -> Condition | None:
    """Where a page begins; with the column of a time, if that says it."""
    if not cursor:
        return None
    kind, _dot, text = cursor.partition(".")
    if kind in ("before", "from") and text.isascii() and text.isdecimal() and int(text) <= _BIGGEST:
        return Condition(Q(**{"pk__lt" if kind == "before" else "pk__lte": int(text)}))
    try:
        at = parse_datetime(text) if kind == "at" else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise serializers.ValidationError({"cursor": [_("This is no cursor: begin again without it.")]})
    return Condition(Q(**{f"{time_field}__lte": bounded(at)}), time_field)
