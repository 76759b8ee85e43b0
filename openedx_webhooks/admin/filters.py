"""Filters of the lists of hooks, in a bar above them; those of records are in record_filters.py."""

from collections.abc import Mapping

from django.contrib import admin
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from .. import catalog
from ..models import Hook, Webfilter
from ..operations.hook_health import OF, WORDS
from ..operations.schema import HookType


def types_of(model: type[Hook]) -> Mapping[str, HookType]:
    """Dotted type → catalog entry, of those that a kind of hook may have."""
    return catalog.filters() if model is Webfilter else catalog.events()


class BarFilter(admin.SimpleListFilter):  # pylint: disable=abstract-method
    """A choice in the bar above a list; a value that is none of its choices counts as none."""

    template = "admin/openedx_webhooks/bar_filter.html"

    @cached_property
    def chosen(self) -> str:
        """The value that was chosen; empty if none was."""
        value = self.value() or ""
        return value if value in {str(key) for key, _label in self.lookup_choices} else ""

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        """Value, label, and whether it is chosen."""
        return [(key, label, str(key) == self.chosen) for key, label in self.lookup_choices]


# In one word each.
MODES = ((Webfilter.Mode.ENFORCE, _("enforce")), (Webfilter.Mode.OBSERVE, _("observe")))


class HookModeFilter(BarFilter):
    """By whether a webfilter's answers count."""

    title, parameter_name = _("mode"), "mode"

    def lookups(self, request, model_admin):
        return MODES

    def queryset(self, request, queryset):
        return queryset.filter(mode=self.chosen) if self.chosen else queryset


class TypeFilter(BarFilter):
    """By type, of those that hooks have; they are named by their short names."""

    title = _("event")
    parameter_name = "event"

    def lookups(self, request, model_admin):
        return types_in_use(model_admin.model)

    def queryset(self, request, queryset):
        return queryset.filter(event=self.chosen) if self.chosen else queryset


class HealthFilter(BarFilter):
    """By the word that the list shows for a hook's health."""

    title = _("health")
    parameter_name = "health"

    def lookups(self, request, model_admin):
        return [(word.value, word.label.capitalize()) for word in WORDS[model_admin.model]]

    def queryset(self, request, queryset):
        """
        Hooks that have it now.

        The word is decided from many facts, so it is decided for every hook, as for the list: hooks are few where their
        deliveries are many.
        """
        if not self.chosen:
            return queryset
        # The page that shows them needs it again.
        request.owh_health = found = OF[queryset.model](queryset.order_by())
        return queryset.filter(pk__in=[pk for pk, health in found.items() if health.word == self.chosen])


def types_in_use(model) -> list[tuple[str, str]]:
    """Dotted type and short name of the types of the configured hooks, which are few where the records are many."""
    known = types_of(model)
    stored = model.objects.order_by("event").values_list("event", flat=True).distinct()
    return sorted(((event, known[event].name if event in known else event) for event in stored), key=lambda o: o[1])
