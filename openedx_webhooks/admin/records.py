"""What the read-only pages of events, deliveries and calls have in common: they stay fast with millions of rows."""

import contextlib
import uuid

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from .permissions import PersonalDataMixin

COUNTED = 5000
_LONGEST_TERM = 255


class BoundedPaginator(Paginator):
    """Counts no further than :data:`COUNTED` rows, so that a page costs the same in a table of any size."""

    @cached_property
    def count(self):
        return self.object_list.order_by()[:COUNTED].count()


class RecordAdmin(PersonalDataMixin, admin.ModelAdmin):
    """Rows that the plugin writes: nobody adds, changes or deletes one by hand."""

    change_list_template = "admin/openedx_webhooks/record_change_list.html"
    change_form_template = "admin/openedx_webhooks/record_change_form.html"
    paginator = BoundedPaginator
    show_full_result_count = False
    # Counting the rows of each filter's choices would read the whole table several times.
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 200
    # Makes the search box appear; get_search_results decides what is searched.
    search_fields = ["pk"]
    # Columns that have an index: those with a UUID, with a number, and with a text.
    uuid_fields: tuple[str, ...] = ()
    number_fields: tuple[str, ...] = ("pk", "user_id")
    text_fields: tuple[str, ...] = ()

    class Media:
        css = {"all": ["openedx_webhooks/admin.css"]}

    def has_add_permission(self, request):
        """Nobody."""
        return False

    def has_change_permission(self, request, obj=None):
        """Nobody: what happened, happened."""
        return False

    def has_delete_permission(self, request, obj=None):
        """Nobody by hand: rows are deleted with their hook, or by retention."""
        return False

    def get_search_results(self, request, queryset, search_term):
        """Exact matches in indexed columns only: a search for parts would read the whole table."""
        term = search_term.strip()
        if not term:
            return queryset, False
        searched = [(field, value) for field, value in self._searched(term) if self.may_search(request, field)]
        if not searched:
            self.message_user(
                request,
                _("“%(term)s” was not searched for. %(help)s") % {"term": term[:50], "help": self.search_help_text},
                "WARNING",
            )
            return queryset.none(), False
        found: set[int] = set()
        for field, value in searched:
            # One query on one index each; an OR over two indexes may read the whole table.
            found.update(self.found(queryset, field, value))
        return queryset.filter(pk__in=found), False

    def _searched(self, term: str) -> list[tuple[str, object]]:
        """The columns in which a term is looked for, and as what."""
        with contextlib.suppress(ValueError):
            as_uuid = uuid.UUID(term)
            return [(field, as_uuid) for field in self.uuid_fields]
        if len(term) > _LONGEST_TERM or "\0" in term:
            return []
        is_number = term.isascii() and term.isdecimal() and len(term) < 19
        numbers = [(field, int(term)) for field in self.number_fields] if is_number else []
        return numbers + [(field, term) for field in self.text_fields]

    def found(self, queryset, field: str, value):
        """Primary keys of the newest rows whose column has a value."""
        return queryset.filter(**{field: value}).order_by("-pk").values_list("pk", flat=True)[:COUNTED]

    def changelist_view(self, request, extra_context=None):
        """Say how far the list goes back."""
        return super().changelist_view(request, {**(extra_context or {}), "counted": COUNTED})
