"""Filters beside the lists."""

from django.contrib import admin
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from .. import catalog
from ..models import CapturedEvent, Webfilter, Webhook
from .picker import subdomain_label

_MOST_HOOKS = 50
# Samples have no index: what every event would pay for, few would use.
SAMPLES_AMONG = 100_000


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
    hook_model = None

    def lookups(self, request, model_admin):
        """The types of the configured hooks, which are few where the deliveries are many."""
        model = self.hook_model or model_admin.model
        known = types_of(model)
        stored = model.objects.order_by("event").values_list("event", flat=True).distinct()
        return sorted(((event, known[event].name if event in known else event) for event in stored), key=lambda o: o[1])

    def queryset(self, request, queryset):
        """Hooks of the chosen type."""
        return queryset.filter(event=self.value()) if self.value() else queryset


class EventTypeFilter(TypeFilter):
    """By the type of a captured event."""

    parameter_name = "event_type"
    hook_model = Webhook

    def queryset(self, request, queryset):
        """Events of the chosen type."""
        return queryset.filter(event_type=self.value()) if self.value() else queryset


class SampleFilter(admin.BooleanFieldListFilter):
    """Whether no condition matched an event; such ones are looked for among the newest."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        count = number_format(SAMPLES_AMONG, force_grouping=True)
        self.title = _("sample (of the newest %(count)s events)") % {"count": count}

    def queryset(self, request, queryset):
        """With a bound where few of many may match."""
        found = super().queryset(request, queryset)
        if self.lookup_val != "1":
            return found
        newest = CapturedEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        return found.filter(pk__gt=newest - SAMPLES_AMONG)


class DeliveryTypeFilter(EventTypeFilter):
    """By the event of a delivery."""

    def queryset(self, request, queryset):
        """
        Deliveries of the chosen type, of webhooks that have it now.

        A delivery's own table does not have the type, but its webhook has an index: without it, a rare type would be
        looked for in the whole table.
        """
        if not self.value():
            return queryset
        webhooks = list(Webhook.objects.filter(event=self.value()).values_list("pk", flat=True))
        return queryset.filter(webhook_id__in=webhooks, event__event_type=self.value())


class HealthFilter(admin.SimpleListFilter):
    """Whether the endpoint accepts deliveries."""

    title = _("health")
    parameter_name = "health"

    def lookups(self, request, model_admin):
        """The three conditions worth looking for."""
        return [("failing", _("Failing")), ("disabled", _("Disabled after failures")), ("fine", _("Not failing"))]

    def queryset(self, request, queryset):
        """Webhooks in that condition."""
        if self.value() == "failing":
            return queryset.filter(failing_since__isnull=False)
        if self.value() == "disabled":
            return queryset.exclude(disabled_reason="")
        if self.value() == "fine":
            return queryset.filter(failing_since__isnull=True, disabled_reason="")
        return queryset


class _HookFilter(admin.RelatedFieldListFilter):
    """By hook: the newest ones, and the one that a link asked for."""

    hook_model: type

    def field_choices(self, field, request, model_admin):
        """At most fifty hooks: a site may have thousands."""
        hooks = list(self.hook_model.objects.order_by("-pk")[:_MOST_HOOKS])
        asked = str(self.lookup_val[-1] if isinstance(self.lookup_val, list) else self.lookup_val or "")
        if asked.isdecimal() and asked not in {str(hook.pk) for hook in hooks}:
            hooks += self.hook_model.objects.filter(pk=int(asked[:9]))
        return [(hook.pk, hook_label(hook)) for hook in hooks]


class WebhookFilter(_HookFilter):
    """By webhook."""

    hook_model = Webhook


class WebfilterFilter(_HookFilter):
    """By webfilter."""

    hook_model = Webfilter


def hook_label(hook) -> str:
    """``12: SESSION_LOGIN_COMPLETED, first words of the description``."""
    text = " ".join(hook.description.split())[:40]
    return f"{hook.pk}: {hook.event_name}" + (f", {text}" if text else "")
