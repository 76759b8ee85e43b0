"""The pages of webhooks."""

from datetime import timedelta

from django.contrib import admin, messages
from django.db import router
from django.http import HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..models import Delivery, Webhook, signing_secrets
from ..operations import statistics
from ..webhooks import health, trial_delivery, wakeups
from . import options, parts, past_events, sending_again, waiting
from .chart import chart
from .deliveries import last_answers
from .filters import HealthFilter, KnownFilter, SubdomainFilter, TypeFilter
from .forms import WebhookForm
from .hooks import HookAdmin, hook_view, posted
from .past_events import may_send, parse_time
from .trying import result_page

_RECENT = 10


@admin.register(Webhook)
class WebhookAdmin(HookAdmin):
    """Webhooks: list, form, health and test."""

    form = WebhookForm
    sections = options.WEBHOOK
    list_display = ["event_column", "endpoint_column", "enabled", "health_column", "success_column", "latest_column"]
    list_display_links = ["event_column"]
    list_filter = ["enabled", "paused", HealthFilter, SubdomainFilter, TypeFilter, KnownFilter]
    actions = [*HookAdmin.actions, "pause_webhooks", "resume_webhooks"]
    records_name = Delivery._meta.verbose_name_plural
    buttons = {**HookAdmin.buttons, "replay-failed": "replay_failed", "past-events": "past_events"}

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
        if not hook.tally or hook.tally.success_ratio is None:
            return parts.EMPTY
        return format_html(
            '{} <span class="owh-quiet-text">{}</span>',
            percent(hook.tally.success_ratio),
            _("of %d") % hook.tally.total(),
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
        """Enable them with a clean slate, and send what waits."""
        count = health.enable(hooks)
        wakeups.nudge_on_commit(hooks.db)
        return count

    @admin.action(
        description=gettext_lazy("Pause selected %(verbose_name_plural)s: capture, send later"), permissions=["change"]
    )
    def pause_webhooks(self, request, queryset):
        """Events are captured, nothing is sent."""
        count = self.change_each(request, queryset, "paused", lambda hooks: set_paused(hooks, True))
        text = ngettext("%d webhook paused.", "%d webhooks paused.", count) % count
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(
        description=gettext_lazy("Resume selected %(verbose_name_plural)s: send what waits"), permissions=["change"]
    )
    def resume_webhooks(self, request, queryset):
        """What waits is sent, the oldest first."""
        count = self.change_each(request, queryset, "paused", lambda hooks: set_paused(hooks, False))
        text = ngettext("%d webhook resumed.", "%d webhooks resumed.", count) % count
        self.message_user(request, text, messages.SUCCESS)

    # --- The page

    def save_model(self, request, obj, form, change):
        """Start afresh with another address or after disabling; what may go now is sent."""
        super().save_model(request, obj, form, change)
        if change and {"enabled", "webhook_url"} & set(form.changed_data) and obj.enabled:
            Webhook.objects.filter(pk=obj.pk).update(**health.HEALTHY)
        if change and {"enabled", "paused", "webhook_url"} & set(form.changed_data):
            # What has waited need not wait for the next event.
            wakeups.nudge_on_commit(router.db_for_write(Webhook))

    def panels(self, request, hook):
        """Health and latest deliveries."""
        took = statistics.durations(hook.pk)
        return {
            **super().panels(request, hook),
            "kind": "webhook",
            "health": health_badge(hook),
            "chart": chart(statistics.hours(hook.pk)),
            "tally": (statistics.tallies([hook.pk]).get(hook.pk) or statistics.Tally()).shown(),
            "durations": took,
            "median": took and parts.seconds(took.median),
            "p95": took and parts.seconds(took.p95),
            "deliveries": self._latest(request, hook),
            "may_see_deliveries": request.user.has_perm("openedx_webhooks.view_delivery"),
            "may_replay": may_send(self, request, hook),
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

    def replay_failed(self, request, hook):
        """To the page that counts what failed since a time."""
        since = parse_time(request.POST.get("since", ""))
        if since is None:
            self.message_user(request, _("Enter a date and time, such as 2026-11-24 18:30."), messages.ERROR)
            return self.back(hook, "#owh-health")
        return HttpResponseRedirect(sending_again.failed_of(hook, since))

    replay_failed = posted(replay_failed, may_send)

    # How much happened before there was the webhook, and then send it.
    past_events = posted(past_events.page, may_send, has_page=True)


def set_paused(webhooks, paused: bool) -> int:
    """
    Pause the webhooks of a queryset, or resume them and have sent what waits.

    Returns:
        how many there are.
    """
    # ``update`` keeps ``modified``, by which other processes notice a change.
    count = webhooks.update(paused=paused, modified=timezone.now())
    if not paused:
        wakeups.nudge_on_commit(webhooks.db)
    return count


def health_badge(hook: Webhook):
    """Fine, failing since when, disabled and why, paused, of a type that never happens, or on its way out."""
    if hook.removing_since:
        return waiting.removing_badge(hook)
    if not hook.known_type:
        return parts.never_runs()
    if malformed := waiting.malformed(hook):
        return parts.misconfigured(malformed.values())
    if signing_secrets.is_malformed(hook):
        return parts.unsendable()
    if hook.disabled_reason:
        return parts.badge(_("disabled"), "bad", hook.disabled_reason)
    if not hook.enabled:
        return parts.badge(_("off"), "quiet")
    if hook.paused:
        return parts.badge(_("paused"), "warn", _("Events are captured, and nothing is sent."))
    if hook.failing_since:
        return parts.badge(
            _("failing"),
            "bad",
            _("%(count)d failures in a row, since %(since)s")
            % {"count": hook.consecutive_failures, "since": parts.moment(hook.failing_since)},
        )
    return parts.badge(_("fine"), "good")


def percent(ratio: float | None) -> str:
    """``97 %``; never 100 % unless all were accepted."""
    return parts.EMPTY if ratio is None else f"{int(ratio * 100)} %"
