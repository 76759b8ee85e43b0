"""What the read-only pages of events, deliveries and calls have in common: they stay fast with millions of rows."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ..operations import newest
from . import parts, searching, words
from .permissions import ViewOnly, may_see_payload


class BoundedPaginator(Paginator):
    """Counts no further than :data:`newest.COUNTED` rows, so that a page costs the same in a table of any size."""

    @cached_property
    def count(self):
        if (found := getattr(self.object_list, "found", None)) is not None:
            return len(found)
        return self.object_list.order_by()[: newest.COUNTED].count()


def only(rows: QuerySet, ids: Iterable[int]) -> QuerySet:
    """Those rows, the newest first; the paginator need not count them, which would read each."""
    ids = list(ids)
    rows = rows.filter(pk__in=ids).order_by("-pk")
    rows.found = ids
    return rows


class RecordList(ChangeList):
    """
    A list whose filters are :class:`~.filters.RecordFilter`: what they show is found by :mod:`.newest`.

    Attributes:
        back_to: how far it was looked, if that was not to the end for want of time.
    """

    back_to = None

    def get_queryset(self, request, *facets, **of_facets):  # no such arguments in Django 4.2
        """The rows, or after filters the newest of those that meet them."""
        rows = super().get_queryset(request, *facets, **of_facets)
        conditions = [each for spec in self.filter_specs for each in spec.conditions()]
        if not conditions:
            return rows
        searched = getattr(rows, "found", None)
        if searched is not None:
            every = self.root_queryset.filter(*(condition.q for condition in conditions))
            return only(self.root_queryset, newest.among(every, searched))
        found = newest.newest(self.root_queryset, conditions, self.model_admin.time_field)
        self.back_to = found.back_to
        return only(self.root_queryset, found.ids)

    def get_ordering(self, request, queryset):
        """The newest first, whatever the address says: no other order has an index."""
        return ["-pk"]


class RecordAdmin(ViewOnly, admin.ModelAdmin):
    """Rows that the plugin writes: nobody adds, changes or deletes one by hand."""

    change_list_template = "admin/openedx_webhooks/record_change_list.html"
    change_form_template = "admin/openedx_webhooks/record_change_form.html"
    paginator = BoundedPaginator
    show_full_result_count = False
    # Counting the rows of each filter's choices would read the whole table several times: neither ShowFacets.ALLOW nor
    # .ALWAYS, names that Django 4.2 does not have.
    show_facets = None
    list_per_page = 50
    list_max_show_all = 200
    sortable_by: list = []
    actions_selection_counter = True
    # Makes the search box appear; what is searched is said by:
    search_fields = ["pk"]
    search: Callable[[searching.Term], list[int]]
    # Of a request and a record: what the template shows.
    page_of: Callable[..., dict[str, Any]]
    # When a row's matter happened.
    time_field = "created"

    class Media:
        css = {"all": ["openedx_webhooks/admin.css", "openedx_webhooks/records.css"]}
        js = ["openedx_webhooks/records.js"]

    def get_changelist(self, request, **kwargs):
        return RecordList

    def get_changelist_instance(self, request):
        """Tell each row of the page whether its columns may show personal data."""
        changes = super().get_changelist_instance(request)
        shows_personal = may_see_payload(request)
        for row in changes.result_list:
            row.shows_personal = shows_personal
        return changes

    def lookup_allowed(self, lookup, value, request=None):
        """Nothing but the filters: another could read the whole table, and tell letter by letter what is in it."""
        return lookup in {name for each in self.list_filter for name in each.parameters}

    def get_search_results(self, request, queryset, search_term):
        """The rows that are found in indexed columns."""
        text = search_term.strip()
        if not text:
            return queryset, False
        term = searching.Term(text, may_see_payload(request))
        # Called as a function: it is one of searching.py.
        found = type(self).search(term)
        if not found and not request.POST:
            help_text = _("“%(term)s” was not found. %(help)s") % {"term": text[:50], "help": self.search_help_text}
            self.message_user(request, help_text, messages.WARNING)
        for note in term.notes:
            self.message_user(request, note, messages.WARNING)
        return only(queryset, found), False

    def changelist_view(self, request, extra_context=None):
        """Say how far the list goes back."""
        title = self.opts.verbose_name_plural
        extra = {"counted": newest.COUNTED, "title": title[:1].upper() + title[1:]}
        extra |= extra_context or {}
        response = super().changelist_view(request, extra)
        changes = getattr(response, "context_data", None) and response.context_data.get("cl")
        if changes and changes.back_to:
            response.context_data["back_to"] = words.exact(changes.back_to)
        return response

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The record, for those who may look at it."""
        record = self.get_object(request, object_id)
        shown = self.page_of(request, record) if record and self.has_view_permission(request, record) else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})


def learner(request, user_id: int | None, username: str = "") -> SafeString | str:
    """Whom a record is about, with a link to the user's own page for those who may see it."""
    name = parts.person(user_id, username if may_see_payload(request) else "")
    opts = get_user_model()._meta
    if not user_id or not request.user.has_perm(f"{opts.app_label}.view_{opts.model_name}"):
        return name
    try:
        url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[user_id])
    except NoReverseMatch:
        return name
    return format_html('<a href="{}">{}</a>', url, name)
