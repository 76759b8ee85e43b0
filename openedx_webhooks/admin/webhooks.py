"""The pages of webhooks."""

from datetime import timedelta

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..models import Delivery, Webhook, signing_secrets
from ..operations import statistics
from ..webhooks import health, replay, trial_delivery
from . import parts, waiting
from .chart import chart
from .deliveries import last_answers
from .filters import HealthFilter, KnownFilter, SubdomainFilter, TypeFilter
from .forms import WebhookForm
from .hooks import HookAdmin, hook_view
from .trying import result_page

_RECENT = 10
_MOST_REPLAYED = 10_000


@admin.register(Webhook)
class WebhookAdmin(HookAdmin):
    """Webhooks: list, form, health and test."""

    form = WebhookForm
    list_display = ["event_column", "endpoint_column", "enabled", "health_column", "success_column", "latest_column"]
    list_display_links = ["event_column"]
    list_filter = ["enabled", HealthFilter, SubdomainFilter, TypeFilter, KnownFilter]
    fieldsets = [
        (gettext_lazy("What to send, and where"), {"fields": ["event", "webhook_url", "description", "enabled"]}),
        (
            gettext_lazy("Which of these events, and what of them"),
            {
                "fields": ["condition", "shape", "use_www_form_encoding"],
                "description": gettext_lazy(
                    "Leave these empty to send every event of this kind as a whole. The payload that they work on is "
                    "shown at the end of the page of a saved webhook, with what they make of it."
                ),
            },
        ),
        (gettext_lazy("How the receiver knows us"), {"fields": ["secret", "headers"]}),
        (gettext_lazy("If the receiver does not accept it"), {"fields": ["retry_schedule"]}),
    ]
    records_name = Delivery._meta.verbose_name_plural
    buttons = {**HookAdmin.buttons, "replay-failed": "replay_failed"}

    # --- The list

    def get_changelist_instance(self, request):
        """Attach the figures of the page's webhooks: two queries for all of them."""
        changes = super().get_changelist_instance(request)
        ids = [hook.pk for hook in changes.result_list]
        tallies, latest = statistics.tallies(ids), statistics.latest_deliveries(ids)
        for hook in changes.result_list:
            hook.tally, hook.latest = tallies.get(hook.pk), latest.get(hook.pk)
        return changes

    @admin.display(description=gettext_lazy("health"), ordering="failing_since")
    def health_column(self, hook):
        """Fine, failing since when, or why it was disabled."""
        return health_badge(hook)

    @admin.display(description=gettext_lazy("accepted, last day"))
    def success_column(self, hook):
        """The share of the decided deliveries that the endpoint accepted."""
        if not hook.tally:
            return parts.EMPTY
        return format_html(
            '{} <span class="owh-quiet-text">{}</span>',
            percent(hook.tally.success_ratio),
            _("of %d") % hook.tally.total,
        )

    @admin.display(description=gettext_lazy("latest delivery"))
    def latest_column(self, hook):
        """State and time of the newest delivery."""
        if not hook.latest:
            return parts.EMPTY
        state, created = hook.latest
        return format_html(
            '{}<br><span class="owh-quiet-text">{}</span>', parts.delivery_badge(state), parts.moment(created)
        )

    def enable(self, hooks):
        """Enable them with a clean slate."""
        return health.enable(hooks)

    # --- The page

    def save_model(self, request, obj, form, change):
        """Start afresh with another address or after disabling."""
        if change and ({"enabled", "webhook_url"} & set(form.changed_data)) and obj.enabled:
            for name, value in health.HEALTHY.items():
                setattr(obj, name, value)
        super().save_model(request, obj, form, change)

    def panels(self, request, hook):
        """Health and latest deliveries."""
        took = statistics.durations(hook.pk)
        return {
            **super().panels(request, hook),
            "kind": "webhook",
            "overdue": waiting.overdue_note(hook),
            "health": health_badge(hook),
            "chart": chart(statistics.hours(hook.pk)),
            "tally": statistics.tallies([hook.pk]).get(hook.pk) or statistics.Tally(),
            "durations": took,
            "median": took and parts.seconds(took.median),
            "p95": took and parts.seconds(took.p95),
            "deliveries": self._latest(request, hook),
            "may_see_deliveries": request.user.has_perm("openedx_webhooks.view_delivery"),
            "may_replay": request.user.has_perm("openedx_webhooks.change_delivery"),
            "since": timezone.localtime(timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        }

    @staticmethod
    def _latest(request, hook):
        if not request.user.has_perm("openedx_webhooks.view_delivery"):
            return []
        deliveries = list(Delivery.objects.filter(webhook=hook).order_by("-created", "-pk")[:_RECENT])
        answers = last_answers([delivery.pk for delivery in deliveries])
        for delivery in deliveries:
            delivery.answer = answers.get(delivery.pk)
        return [(delivery, parts.delivery_badge(delivery.state)) for delivery in deliveries]

    # --- Buttons

    @hook_view
    def send_test(self, request, hook):
        """Send the sample payload now, and show what came back."""
        sent, outcome = trial_delivery.send_sample(hook)
        return result_page(self, request, hook, sent=sent, outcome=outcome)

    @hook_view
    def replay_failed(self, request, hook):
        """Send again everything that failed since a time."""
        if not request.user.has_perm("openedx_webhooks.change_delivery"):
            raise PermissionDenied
        since = _parse_time(request.POST.get("since", ""))
        if since is None:
            self.message_user(request, _("Enter a date and time, such as 2026-11-24 18:30."), messages.ERROR)
            return self.back(hook, "#owh-health")
        failed = replay.failed_since(hook, since).replayable()
        # More than this would hold up the request; the command does any number.
        rest = failed.order_by("pk").values_list("pk", flat=True)[_MOST_REPLAYED : _MOST_REPLAYED + 1]
        is_cut = bool(rest)
        count = replay.replay(failed.filter(pk__lt=rest[0]) if is_cut else failed)
        if not count:
            self.message_user(request, _("Nothing that can be sent again has failed since then."), messages.WARNING)
            return self.back(hook, "#owh-health")
        text = ngettext("%d delivery will be sent again.", "%d deliveries will be sent again.", count) % count
        if is_cut:
            text += " " + _("More have failed: press again, or use manage.py webhooks_replay.")
        if not hook.enabled:
            text += " " + _("They wait until the webhook is enabled.")
        self.message_user(request, text, messages.SUCCESS if hook.enabled else messages.WARNING)
        self.log_change(request, hook, text)
        return self.back(hook, "#owh-health")


def health_badge(hook: Webhook):
    """Fine, failing since when, disabled and why, or of a type that never happens."""
    if not hook.known_type:
        return parts.never_runs()
    if signing_secrets.is_malformed(hook):
        return parts.unsendable()
    if hook.disabled_reason:
        return parts.badge(_("disabled"), "bad", hook.disabled_reason)
    if hook.failing_since:
        return parts.badge(
            _("failing"),
            "bad",
            _("%(count)d failures in a row, since %(since)s")
            % {"count": hook.consecutive_failures, "since": parts.moment(hook.failing_since)},
        )
    return parts.badge(_("fine"), "good") if hook.enabled else parts.badge(_("off"), "quiet")


def percent(ratio: float | None) -> str:
    """``97 %``; never 100 % unless all were accepted."""
    return parts.EMPTY if ratio is None else f"{int(ratio * 100)} %"


def _parse_time(text: str):
    """An aware time from a ``datetime-local`` input, in the site's time zone; None if it is none."""
    try:
        time = parse_datetime(text)
    except ValueError:
        return None
    return timezone.make_aware(time) if time and timezone.is_naive(time) else time
