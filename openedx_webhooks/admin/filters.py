"""Filters beside the lists."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from .. import catalog
from ..models import Webfilter
from ..operations.hook_health import OF, WORDS, Word
from .picker import subdomain_label


def types_of(model):
    """The catalog's mapping for a model of hooks."""
    return catalog.filters() if model is Webfilter else catalog.events()


class SubdomainFilter(admin.SimpleListFilter):
    """By the part of the platform that a type belongs to."""

    title = _("part of the platform")
    parameter_name = "subdomain"

    def lookups(self, request, model_admin):
        """The subdomains of the installed types."""
        subdomains = {known.subdomain for known in types_of(model_admin.model).values()}
        return [(subdomain, subdomain_label(subdomain)) for subdomain in sorted(subdomains)]

    def queryset(self, request, queryset):
        """Hooks of the types in the subdomain."""
        if not self.value():
            return queryset
        known = types_of(queryset.model).items()
        return queryset.filter(event__in=[dotted for dotted, entry in known if entry.subdomain == self.value()])


class KnownFilter(admin.SimpleListFilter):
    """Whether this installation has the type."""

    title = _("known to this installation")
    parameter_name = "known"

    def lookups(self, request, model_admin):
        """Yes and no."""
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request, queryset):
        """Hooks whose type is in the catalog, or is not."""
        if self.value() not in ("yes", "no"):
            return queryset
        known = list(types_of(queryset.model))
        return queryset.filter(event__in=known) if self.value() == "yes" else queryset.exclude(event__in=known)


class TypeFilter(admin.SimpleListFilter):
    """By type, of those that hooks have; they are named by their short names."""

    title = _("event")
    parameter_name = "event"

    def lookups(self, request, model_admin):
        """The types of the configured hooks."""
        return types_in_use(model_admin.model)

    def queryset(self, request, queryset):
        """Hooks of the chosen type."""
        return queryset.filter(event=self.value()) if self.value() else queryset


class HealthFilter(admin.SimpleListFilter):
    """By the word that the list shows for a hook's health."""

    title = _("health")
    parameter_name = "health"

    def lookups(self, request, model_admin):
        """The words that this kind of hook may have."""
        return [(word.value, word.label.capitalize()) for word in WORDS[model_admin.model]]

    def queryset(self, request, queryset):
        """
        Hooks that have it now.

        The word is decided from many facts, so it is decided for every hook, as for the list: hooks are few where their
        deliveries are many.
        """
        if self.value() not in Word.values:
            return queryset
        # The page that shows them needs it again.
        request.owh_health = found = OF[queryset.model](queryset.order_by())
        return queryset.filter(pk__in=[pk for pk, health in found.items() if health.word == self.value()])


def types_in_use(model) -> list[tuple[str, str]]:
    """Dotted type and short name of the types of the configured hooks, which are few where the records are many."""
    known = types_of(model)
    stored = model.objects.order_by("event").values_list("event", flat=True).distinct()
    return sorted(((event, known[event].name if event in known else event) for event in stored), key=lambda o: o[1])
