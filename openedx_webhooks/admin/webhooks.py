"""The pages of webhooks."""

from datetime import timedelta

from django.contrib import admin, messages
from django.http import HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from ..models import Delivery, Webhook
from ..webhooks import health, trial_delivery, wakeups
from . import (
    bulk,
    cloning,
    configuration,
    expressions,
    health_words,
    options,
    parts,
    past_events,
    receiver_tokens,
    sending_again,
    waiting,
    words,
)
from .buttons import Button, Page, State, hook_view, posted
from .deliveries import last_answers
from .filters import HealthFilter, TypeFilter
from .forms import WebhookForm
from .hooks import HookAdmin
from .past_events import may_send
from .times import parse_time
from .trying import result_page

_RECENT = 10


def _may_send(page: Page) -> bool:
    return may_send(page.model_admin, page.request, page.hook)


def _waits_after_failures(page: Page) -> bool:
    is_sending = page.hook.enabled and not page.hook.paused and page.health.word in health_words.TROUBLE
    return is_sending and bool(page.health.figures.next_due) and _may_send(page)


def _has_failed(page: Page) -> bool:
    return _may_send(page) and bool(page.health.figures.all.lost)


@admin.register(Webhook)
class WebhookAdmin(HookAdmin):
    """Webhooks: list, form, health and test."""

    form = WebhookForm
    sections = options.WEBHOOK
    list_display = ["event_column", "endpoint_column", "health_column", "success_column", "latest_column"]
    list_display_links = ["event_column"]
    list_filter = [HealthFilter, TypeFilter]
    actions = [*HookAdmin.actions, bulk.action("pause_webhooks"), bulk.action("resume_webhooks")]
    records_name = Delivery._meta.verbose_name_plural
    buttons = (
        *HookAdmin.buttons,
        Button(
            name="retry-waiting", method="retry_waiting", label=gettext_lazy("Retry now…"), when=_waits_after_failures
        ),
        Button(opens="#owh-replay", label=gettext_lazy("Replay failed…"), when=_has_failed),
        Button(name="replay-failed", method="replay_failed"),
        Button(
            name="past-events",
            method="past_events",
            label=gettext_lazy("Send past events…"),
            when=_may_send,
            opens="page",
        ),
        Button(name="receiver-token", method="make_receiver_token"),
    )
    states = (
        State(
            "enabled",
            pgettext_lazy("state of a hook", "Enabled"),
            {"enabled": True, "paused": False},
            gettext_lazy("It is enabled: events are sent as they happen, and what waited is sent now."),
        ),
        State(
            "paused",
            pgettext_lazy("state of a hook", "Paused"),
            {"enabled": True, "paused": True},
            gettext_lazy("It is paused: events are captured, and nothing is sent until it is enabled."),
        ),
        State(
            "disabled",
            pgettext_lazy("state of a hook", "Disabled"),
            {"enabled": False},
            gettext_lazy("It is disabled: events are not recorded for it, and what is owed waits."),
        ),
    )

    def get_urls(self):
        page = self.admin_site.admin_view(configuration.page(self.admin_site))
        return [path("configuration/", page, name=self.url_name("configuration")), *super().get_urls()]

    # --- The list

    @admin.display(description=gettext_lazy("accepted, last day"))
    def success_column(self, hook):
        tried = hook.day.tried
        if not tried:
            return parts.EMPTY
        return format_html(
            '{} <span class="owh-quiet-text">{}</span>',
            parts.share(hook.day.accepted_share),
            ngettext("of %s attempt", "of %s attempts", tried) % parts.number(tried),
        )

    @admin.display(description=gettext_lazy("latest delivery"))
    def latest_column(self, hook):
        if not hook.health.figures.latest:
            return parts.EMPTY
        state, created = hook.health.figures.latest
        return format_html(
            '{}<br><span class="owh-quiet-text">{}</span>', parts.delivery_badge(state), words.exact(created)
        )

    def enable(self, hooks):
        """Enable them with a clean slate, and send what waits."""
        count = health.enable(hooks)
        wakeups.nudge_on_commit(hooks.db)
        return count

    def set_state(self, hooks, field, value):
        return set_paused(hooks, value) if field == "paused" else super().set_state(hooks, field, value)

    # --- The page

    def save_model(self, request, obj, form, change):
        """A new one, with those for further types that were chosen."""
        super().save_model(request, obj, form, change)
        if not change:
            self.save_more(request, obj, form)

    def save_more(self, request, webhook: Webhook, form) -> None:
        """A webhook like this one for each further type that was chosen, with a line in its history."""
        # Its receiver is the same: so are its secret and its pseudonyms.
        more = [
            cloning.copy_of(
                webhook, event=event, shape=expressions.shape_for(form, event), pseudonym_key=webhook.pseudonym_key
            )
            for event in form.more_events
        ]
        for hook in more:
            hook.save()
            self.log_addition(request, hook, [{"added": {}}])
        if more:
            self.forget_index()
            self.message_user(request, more_made(more), messages.SUCCESS)

    def panels(self, page):
        return {
            **super().panels(page),
            "kind": "webhook",
            "deliveries": self._latest(page.request, page.hook),
            "may_see_deliveries": page.request.user.has_perm("openedx_webhooks.view_delivery"),
            "may_replay": _may_send(page),
            "cancel_url": sending_again.link(verb="cancel", webhook=page.hook.pk),
            "receiver": receiver_tokens.panel(page.hook),
            "since": timezone.localtime(timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        }

    @staticmethod
    def _latest(request, hook):
        if not request.user.has_perm("openedx_webhooks.view_delivery"):
            return []
        deliveries = list(Delivery.objects.filter(webhook=hook).order_by("-created", "-pk")[:_RECENT])
        answers = last_answers([delivery.pk for delivery in deliveries])
        for delivery in deliveries:
            delivery.answer, delivery.when = answers.get(delivery.pk), words.exact(delivery.created)
        return [(delivery, parts.delivery_badge(delivery.state)) for delivery in deliveries]

    # --- Buttons

    @hook_view
    def send_test(self, request, hook):
        result = self.try_out(hook, None)
        page = result_page(self, request, hook, **result)
        is_sent = result["outcome"].is_accepted and hook.enabled and not hook.paused
        if is_sent and may_send(self, request, hook) and waiting.count(hook):
            page.context_data["retry_url"] = reverse(f"admin:{self.url_name('retry-waiting')}", args=[hook.pk])
        return page

    def try_out(self, hook, payload):
        """One POST, without a delivery."""
        sent, outcome = trial_delivery.send_test(hook, payload)
        return {"sent": sent, "outcome": outcome}

    def retry_waiting(self, request, hook):
        """To the page that counts what waits for its next attempt."""
        return HttpResponseRedirect(sending_again.link(verb="retry", webhook=hook.pk, count=1))

    retry_waiting = posted(retry_waiting, may_send)

    def replay_failed(self, request, hook):
        """To the page that counts what failed since a time."""
        since = parse_time(request.POST.get("since", ""))
        if since is None:
            self.message_user(request, _("Enter a date and time, such as 2026-11-24 18:30."), messages.ERROR)
            return self.back(hook, "#owh-deliveries")
        return HttpResponseRedirect(sending_again.failed_of(hook, since))

    replay_failed = posted(replay_failed, may_send)

    make_receiver_token = hook_view(receiver_tokens.make)

    # How much happened before there was the webhook, and then send it.
    past_events = posted(past_events.page, may_send, has_page=True)


def more_made(webhooks: list[Webhook]):
    """Which others were made with a new one, and what they have in common."""
    count = len(webhooks)
    text = ngettext(
        "%d more webhook was made, with the same settings and the same signing secret:",
        "%d more webhooks were made, with the same settings and the same signing secret:",
        count,
    )
    links = format_html_join(", ", "{}", ((parts.link(hook, hook.event_name),) for hook in webhooks))
    return format_html("{} {}", text % count, links)


def set_paused(webhooks, paused: bool) -> int:
    """Pause the webhooks of a queryset, or resume them and have sent what waits; how many there are."""
    # ``update`` keeps ``modified``, by which other processes notice a change.
    count = webhooks.update(paused=paused, modified=timezone.now())
    if not paused:
        wakeups.nudge_on_commit(webhooks.db)
    return count
