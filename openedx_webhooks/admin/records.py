"""What the read-only pages of deliveries and calls have in common: they stay fast with millions of rows."""

import uuid

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

COUNTED = 5000


class BoundedPaginator(Paginator):
    """Counts no further than :data:`COUNTED` rows, so that a page costs the same in a table of any size."""

    @cached_property
    def count(self):
        return self.object_list.order_by()[:COUNTED].count()


class RecordAdmin(admin.ModelAdmin):
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
    # Columns with a UUID, and columns with a number, that have an index.
    uuid_fields: tuple[str, ...] = ()
    number_fields: tuple[str, ...] = ("pk", "user_id")

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
        try:
            # One query on one index each; an OR over two indexes may read the whole table.
            message = uuid.UUID(term)
            for field in self.uuid_fields:
                if (found := queryset.filter(**{field: message})).exists():
                    return found, False
            return queryset.none(), False
        except ValueError:
            pass
        if not (term.isascii() and term.isdecimal() and len(term) < 19):
            self.message_user(
                request,
                _("“%(term)s” was not searched for. %(help)s") % {"term": term[:50], "help": self.search_help_text},
                "WARNING",
            )
            return queryset.none(), False
        matches = queryset.none()
        for field in self.number_fields:
            matches = matches | queryset.filter(**{field: int(term)})
        return matches, False

    def changelist_view(self, request, extra_context=None):
        """Say how far the list goes back."""
        return super().changelist_view(request, {**(extra_context or {}), "counted": COUNTED})
