"""The lists of hooks: columns, search, and what is done with several at once."""

from collections.abc import Callable

from django.contrib import admin
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from ..models import history as versions
from ..operations import hook_health, statistics
from . import bulk, cloning, health_words, parts, status_line
from .filters import types_of
from .removing import RemovingAdmin

_MOST_WORDS = 20


class HookListAdmin(RemovingAdmin):
    """What the list of hooks shows and does."""

    change_list_template = "admin/openedx_webhooks/hook_change_list.html"
    list_per_page = 50
    search_fields = ["description", "webhook_url", "event"]
    search_help_text = gettext_lazy("Search by event, address or description.")
    actions = [bulk.action("enable_hooks"), bulk.action("disable_hooks"), cloning.clone_hooks]
    actions_selection_counter = True

    # As for the page that deletes one: the action that deletes several is done here.
    @transaction.non_atomic_requests
    def changelist_view(self, request, extra_context=None):
        """With a line on whether anything is sent at all."""
        shown = status_line.context() if request.method == "GET" else {}
        return super().changelist_view(request, {**shown, **(extra_context or {})})

    def get_changelist_instance(self, request):
        """Attach the health of the page's hooks, and the figures of their day: a few queries for all of them."""
        changes = super().get_changelist_instance(request)
        # Who filters by health has decided it already.
        found = getattr(request, "owh_health", None) or hook_health.OF[self.model](changes.result_list)
        days = statistics.of_hooks(self.model, [hook.pk for hook in changes.result_list])
        for hook in changes.result_list:
            hook.health, hook.day = health_words.as_seen_by(request, found[hook.pk]), days[hook.pk]
        return changes

    @admin.display(description=gettext_lazy("health"))
    def health_column(self, hook):
        return health_words.column(hook, hook.health)

    @admin.display(description=gettext_lazy("event"), ordering="event")
    def event_column(self, hook):
        return parts.hook_name(hook)

    @admin.display(description=gettext_lazy("endpoint"), ordering="webhook_url")
    def endpoint_column(self, hook):
        """The server only: who may look need not know the path and query, which hold the secrets of many services."""
        return parts.with_title(parts.breakable(hook.server), hook.server)

    def get_list_display(self, request):
        """The columns; those who may not see addresses can't sort by them either."""
        shown = super().get_list_display(request)
        if self.has_change_permission(request):
            return shown
        return ["server_column" if name == "endpoint_column" else name for name in shown]

    @admin.display(description=gettext_lazy("endpoint"))
    def server_column(self, hook):
        """The same, in no order: the order of addresses tells of their paths."""
        return self.endpoint_column(hook)

    def lookup_allowed(self, lookup, value, request=None):
        """Nothing but the filters: ``?webhook_url__startswith=…`` would tell a viewer an address letter by letter."""
        return any(lookup == each.parameter_name for each in self.list_filter)

    def get_search_fields(self, request):
        """The address for those only who may see it: a search tells what it finds, letter by letter."""
        return [field for field in self.search_fields if field != "webhook_url" or self.has_change_permission(request)]

    def get_search_results(self, request, queryset, search_term):
        """Also by short name, which the table doesn't hold."""
        # Each word is a part of the query, and databases have limits.
        search_term = " ".join(search_term.split()[:_MOST_WORDS])
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        term = search_term.strip().lower()
        named = [dotted for dotted, known in types_of(self.model).items() if term and term in known.name.lower()]
        if named:
            found = found | queryset.filter(Q(event__in=named))
        return found, may_have_duplicates

    def change_each(self, request, queryset, field: str, change: Callable[[QuerySet], int]) -> int:
        """
        Change a field of the chosen hooks, but not of those that are being removed; how many.

        Args:
            field: for Django's log.
            change: gets the hooks, and returns how many it changed.
        """
        hooks = list(queryset.filter(removing_since=None))
        chosen = self.model.objects.filter(pk__in=[hook.pk for hook in hooks], removing_since=None)
        count = change(chosen)
        self.forget_index()
        versions.note(chosen)
        for hook in hooks:
            self.log_change(request, hook, [{"changed": {"fields": [field]}}])
        return count

    def set_state(self, hooks, field: str, value: bool) -> int:
        """Enable or disable the hooks of a queryset; how many. A subclass may have other states."""
        return self.enable(hooks) if value else hooks.update(**{field: value}, modified=timezone.now())

    def enable(self, hooks) -> int:
        """Enable the hooks of a queryset. ``update`` keeps ``modified``, by which other processes notice a change."""
        return hooks.update(enabled=True, modified=timezone.now())

    def has_clone_permission(self, request):
        return cloning.may_clone(self, request)
