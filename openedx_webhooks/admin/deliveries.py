"""The pages of deliveries."""

from django.contrib import admin, messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db.models import Prefetch
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..models import Attempt, CapturedEvent, Delivery
from ..models.delivery import FINAL_STATES, REPLAYABLE_STATES, STATES
from ..webhooks import replay
from . import newest, parts, searching, times, trying, waiting, words
from .record_filters import (
    DeliveryAnswerFilter,
    DeliveryEventFilter,
    StateFilter,
    TimeFilter,
    WebhookFilter,
    with_last_status,
)
from .records import RecordAdmin, may_see_payload

_PENDING = tuple(state for state in STATES if state not in FINAL_STATES)
# Name → label of the button, what it does with a queryset (returns how many), and for which states.
_OPERATIONS = {
    "replay": (gettext_lazy("Replay"), replay.replay, REPLAYABLE_STATES),
    "retry": (gettext_lazy("Retry now"), replay.retry_now, _PENDING),
    "cancel": (gettext_lazy("Cancel"), replay.cancel, _PENDING),
}
_DONE = {
    "replay": gettext_lazy("will be sent again"),
    "retry": gettext_lazy("will be tried now"),
    "cancel": gettext_lazy("cancelled"),
}
_CANNOT = {
    "replay": gettext_lazy("Nothing to replay: only finished deliveries whose payload is still kept can be."),
    "retry": gettext_lazy("Nothing to retry: only pending deliveries that are not being sent right now can be."),
    "cancel": gettext_lazy("Nothing to cancel: only pending deliveries can be."),
}
# Lines in the history for one action; a thousand would slow it down and tell nobody more.
_MOST_LOGGED = 100


@admin.register(Delivery)
class DeliveryAdmin(RecordAdmin):
    """Deliveries: what was owed to whom, and every attempt."""

    list_display = ["when_column", "state_column", "what_column", "whom_column", "answer_column"]
    list_filter = [WebhookFilter, DeliveryEventFilter, StateFilter, DeliveryAnswerFilter, TimeFilter]
    search = searching.deliveries
    search_help_text = gettext_lazy(
        "Learner (beginning of the username or name, e-mail address, user id), course or organisation (also a part), "
        "event id, message id or number of a delivery."
    )
    change_form_template = "admin/openedx_webhooks/delivery_change_form.html"
    actions = ["replay_deliveries", "retry_deliveries", "cancel_deliveries"]
    readonly_fields = ["state_column", "event_link", "webhook_link", "learner_column", "course_column"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "state_column",
                    "event_link",
                    "learner_column",
                    "course_column",
                    "webhook_link",
                    "created",
                    "finished_at",
                    "attempt_count",
                    "message_id",
                ]
            },
        )
    ]

    def has_operate_permission(self, request):
        """Replaying, retrying and cancelling need the permission to change deliveries."""
        return request.user.has_perm("openedx_webhooks.change_delivery")

    def get_queryset(self, request):
        """
        With webhooks and events, without the payloads, which a list doesn't show.

        Each by a query of its own: from a join the optimizer of MySQL may begin with the webhooks, and sort all.
        """
        events = CapturedEvent.objects.defer("payload")
        rows = with_last_status(super().get_queryset(request))
        return rows.prefetch_related("webhook", Prefetch("event", events))

    def get_changelist_instance(self, request):
        """Attach the last answer of each delivery on the page."""
        changes = super().get_changelist_instance(request)
        answers = last_answers([delivery.pk for delivery in changes.result_list])
        for delivery in changes.result_list:
            delivery.answer = answers.get(delivery.pk, "")
        return changes

    # --- Columns

    @admin.display(description=gettext_lazy("when"))
    def when_column(self, delivery):
        """When the event happened and the delivery was made."""
        return times.shown(delivery.created)

    @admin.display(description=gettext_lazy("state"))
    def state_column(self, delivery):
        """The state as a badge, and when it is tried next."""
        badge = parts.delivery_badge(delivery.state)
        if delivery.traits.is_final or not delivery.next_attempt_at:
            return badge
        next_at = _("next try %s") % times.relative(delivery.next_attempt_at)
        return format_html(
            '{}<br><span class="owh-quiet-text" title="{}">{}</span>',
            badge,
            words.exact(delivery.next_attempt_at),
            next_at,
        )

    @admin.display(description=gettext_lazy("event and webhook"))
    def what_column(self, delivery):
        """The event's short name, and below it what the webhook is for, or its server."""
        event, webhook = of(delivery, "event"), of(delivery, "webhook")
        name = parts.hook_in_short(webhook) if webhook else _("deleted webhook %d") % delivery.webhook_id
        return format_html('{}<br><span class="owh-quiet-text">{}</span>', parts.event_name(event), name)

    @admin.display(description=gettext_lazy("learner and course"))
    def whom_column(self, delivery):
        """Whom and which course it is about."""
        return parts.whom(of(delivery, "event"))

    @admin.display(description=gettext_lazy("answer"))
    def answer_column(self, delivery):
        """The status code or error of the last attempt, and how many there were."""
        if not delivery.answer:
            return parts.EMPTY
        count = delivery.attempt_count
        attempts = ngettext("%d attempt", "%d attempts", count) % count
        return format_html('{}<br><span class="owh-quiet-text">{}</span>', delivery.answer, attempts)

    # --- The page

    @admin.display(description=gettext_lazy("webhook"))
    def webhook_link(self, delivery):
        """The webhook, as a link."""
        webhook = of(delivery, "webhook")
        return parts.link(webhook, str(webhook)) if webhook else _("Deleted")

    @admin.display(description=gettext_lazy("event"))
    def event_link(self, delivery):
        """The captured event, as a link."""
        event = of(delivery, "event")
        return parts.link(event, parts.event_name(event)) if event else _("Deleted")

    @admin.display(description=gettext_lazy("learner"))
    def learner_column(self, delivery):
        """The user whom the event is about."""
        return parts.learner(of(delivery, "event"))

    @admin.display(description=gettext_lazy("course"))
    def course_column(self, delivery):
        """The course that the event is about."""
        event = of(delivery, "event")
        return (event and event.course_key) or parts.EMPTY

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The delivery, every attempt, and the buttons that fit its state."""
        delivery = self.get_object(request, object_id)
        extra = {**(extra_context or {}), **(self._page(request, delivery) if delivery else {})}
        return super().change_view(request, object_id, form_url, extra)

    def _page(self, request, delivery) -> dict:
        attempts = list(delivery.attempts.all())
        may = self.has_operate_permission(request)
        return {
            "attempts": [shown(attempt) for attempt in attempts],
            "outlook": words.outlook(delivery, attempts[-1]) if attempts else "",
            "buttons": [
                (reverse(f"admin:openedx_webhooks_delivery_{name}", args=[delivery.pk]), label)
                for name, (label, _operate, states) in _OPERATIONS.items()
                if may and delivery.state in states
            ],
            "may_operate": may,
            "note": waiting.delivery_note(delivery, of(delivery, "webhook")),
            "payload": self._payload(request, delivery),
        }

    @staticmethod
    def _payload(request, delivery):
        if not may_see_payload(request):
            return ""
        event = of(delivery, "event")
        return parts.payload(event and event.payload)

    def get_urls(self):
        """Django's, and one for each button."""
        return [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(self._view(name)),
                name=f"openedx_webhooks_delivery_{name}",
            )
            for name in _OPERATIONS
        ] + super().get_urls()

    def _view(self, name):
        def view(request, object_id):
            if not self.has_operate_permission(request) or not self.has_view_permission(request):
                raise PermissionDenied
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            delivery = self.get_object(request, object_id)
            if delivery is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            self._operate(request, name, Delivery.objects.filter(pk=delivery.pk))
            return HttpResponseRedirect(reverse("admin:openedx_webhooks_delivery_change", args=[delivery.pk]))

        return view

    # --- Actions

    @admin.action(description=gettext_lazy("Replay: send again from the beginning"), permissions=["operate"])
    def replay_deliveries(self, request, queryset):
        """Send finished deliveries again."""
        self._operate(request, "replay", queryset)

    @admin.action(description=gettext_lazy("Retry now: do not wait for the next attempt"), permissions=["operate"])
    def retry_deliveries(self, request, queryset):
        """Make pending deliveries due now."""
        self._operate(request, "retry", queryset)

    @admin.action(description=gettext_lazy("Cancel: do not send what is pending"), permissions=["operate"])
    def cancel_deliveries(self, request, queryset):
        """Give up pending deliveries."""
        self._operate(request, "cancel", queryset)

    def _operate(self, request, name, queryset):
        label, operate, states = _OPERATIONS[name]
        # As many as the list counted and the person was told, even if “all” of them are selected.
        chosen = list(queryset.values_list("pk", flat=True)[: newest.COUNTED])
        deliveries = Delivery.objects.filter(pk__in=chosen, state__in=states)
        logged = list(deliveries[:_MOST_LOGGED])
        count = operate(deliveries)
        if not count:
            self.message_user(request, _CANNOT[name], messages.WARNING)
            return
        for delivery in logged:
            self.log_change(request, delivery, str(label))
        self.message_user(
            request,
            ngettext("%(count)d delivery: %(done)s.", "%(count)d deliveries: %(done)s.", count)
            % {"count": count, "done": _DONE[name]},
            messages.SUCCESS,
        )


def of(delivery: Delivery, name: str):
    """A delivery's ``webhook`` or ``event``; None if it has been deleted a moment ago."""
    try:
        return getattr(delivery, name)
    except ObjectDoesNotExist:
        return None


def shown(attempt: Attempt) -> dict:
    """An attempt in words: what was sent, what came back, and what that means."""
    headers = attempt.request_headers if isinstance(attempt.request_headers, dict) else {}
    return {
        "attempt": attempt,
        "verdict": parts.answer_badge(attempt.status_code, attempt.error),
        "started": words.exact(attempt.started_at),
        "duration": parts.seconds(attempt.duration) if attempt.request_bytes or attempt.status_code else "",
        "meaning": words.meaning(attempt),
        "detail": words.detail(attempt),
        "headers": parts.plain("\n".join(trying.header_lines(headers))) if headers else "",
        "request": parts.excerpt(attempt.request_excerpt) if headers or attempt.request_bytes else "",
        "response": parts.excerpt(attempt.response_excerpt),
    }


def last_answers(delivery_ids) -> dict[int, str]:
    """Status code or error of the last attempt of each delivery."""
    attempts = Attempt.objects.filter(delivery_id__in=list(delivery_ids)).order_by("pk")
    return {
        delivery: parts.answered(status, error)
        for delivery, status, error in attempts.values_list("delivery_id", "status_code", "error")
    }
