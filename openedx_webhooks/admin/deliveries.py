"""The pages of deliveries."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .. import catalog
from ..models import Attempt, Delivery
from ..models.delivery import REPLAYABLE_STATES
from ..webhooks import replay
from . import parts, records, waiting
from .filters import EventTypeFilter, WebhookFilter
from .records import RecordAdmin

_PENDING = (Delivery.State.PENDING,)
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

    list_display = ["number_column", "created_column", "state_column", "what_column", "answer_column", "next_column"]
    list_filter = ["state", "created", EventTypeFilter, ("webhook", WebhookFilter)]
    ordering = ["-created", "-pk"]
    sortable_by = ["created_column"]
    uuid_fields = ("event_id", "message_id")
    search_help_text = gettext_lazy("Search by event id, message id, user id or delivery number, each in full.")
    actions = ["replay_deliveries", "retry_deliveries", "cancel_deliveries"]
    readonly_fields = ["state_column", "event_column", "webhook_link", "payload_shown"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "state_column",
                    "event_column",
                    "webhook_link",
                    "created",
                    "finished_at",
                    "attempt_count",
                    "next_column",
                    "event_id",
                    "message_id",
                    "user_id",
                ]
            },
        ),
        (gettext_lazy("Payload"), {"fields": ["payload_shown"]}),
    ]

    def has_operate_permission(self, request):
        """Replaying, retrying and cancelling need the permission to change deliveries."""
        return request.user.has_perm("openedx_webhooks.change_delivery")

    def get_queryset(self, request):
        """With the webhook, without the payloads, which a list doesn't show."""
        return super().get_queryset(request).select_related("webhook", "event").defer("event__payload")

    def get_changelist_instance(self, request):
        """Attach the last answer of each delivery on the page."""
        changes = super().get_changelist_instance(request)
        answers = last_answers([delivery.pk for delivery in changes.result_list])
        for delivery in changes.result_list:
            delivery.answer = answers.get(delivery.pk, "")
        return changes

    # --- Columns

    @admin.display(description=gettext_lazy("number"))
    def number_column(self, delivery):
        """The primary key."""
        return delivery.pk

    @admin.display(description=gettext_lazy("state"))
    def state_column(self, delivery):
        """The state as a badge."""
        return parts.delivery_badge(delivery.state)

    @admin.display(description=gettext_lazy("event"))
    def event_column(self, delivery):
        """The short name, with the dotted type when pointed at."""
        event_type = delivery.event.event_type
        known = catalog.find_event(event_type)
        return parts.with_title(known.name if known else event_type, event_type)

    @admin.display(description=gettext_lazy("event and webhook"))
    def what_column(self, delivery):
        """The event's short name, and below it the webhook's number and server."""
        hook = f"{delivery.webhook_id}: {delivery.webhook.server}"
        return format_html('{}<br><span class="owh-quiet-text">{}</span>', self.event_column(delivery), hook)

    @admin.display(description=gettext_lazy("created"), ordering="created")
    def created_column(self, delivery):
        """Date and time, short."""
        return parts.moment(delivery.created)

    @admin.display(description=gettext_lazy("last answer"))
    def answer_column(self, delivery):
        """The status code or error of the last attempt, and how many there were."""
        if not delivery.answer:
            return parts.EMPTY
        count = delivery.attempt_count
        attempts = ngettext("%d attempt", "%d attempts", count) % count
        return format_html('{}<br><span class="owh-quiet-text">{}</span>', delivery.answer, attempts)

    @admin.display(description=gettext_lazy("next attempt"))
    def next_column(self, delivery):
        """When it is tried next."""
        is_due = delivery.state == Delivery.State.PENDING and delivery.next_attempt_at
        return parts.moment(delivery.next_attempt_at) if is_due else parts.EMPTY

    # --- The page

    @admin.display(description=gettext_lazy("webhook"))
    def webhook_link(self, delivery):
        """The webhook, as a link for those who may see it."""
        return parts.link(delivery.webhook, str(delivery.webhook))

    @admin.display(description=gettext_lazy("payload"))
    def payload_shown(self, delivery):
        """What is sent, with indentation."""
        if delivery.event.payload is None:
            return _("Removed: payloads are kept for a limited time, and not once the user is retired.")
        return parts.pretty(delivery.event.payload)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The delivery, every attempt, and the buttons that fit its state."""
        delivery = self.get_object(request, object_id)
        attempts = [
            (
                attempt,
                parts.answer_badge(attempt.status_code, attempt.error),
                parts.seconds(attempt.duration),
                parts.excerpt(attempt.response_excerpt),
            )
            for attempt in (delivery.attempts.all() if delivery else ())
        ]
        may = self.has_operate_permission(request)
        buttons = [
            (reverse(f"admin:openedx_webhooks_delivery_{name}", args=[object_id]), label)
            for name, (label, _operate, states) in _OPERATIONS.items()
            if may and delivery and delivery.state in states
        ]
        extra = {**(extra_context or {}), "attempts": attempts, "buttons": buttons}
        if delivery:
            extra["note"] = waiting.delivery_note(delivery)
        return super().change_view(request, object_id, form_url, extra)

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
        chosen = list(queryset.values_list("pk", flat=True)[: records.COUNTED])
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


def last_answers(delivery_ids) -> dict[int, str]:
    """Status code or error of the last attempt of each delivery."""
    attempts = Attempt.objects.filter(delivery_id__in=list(delivery_ids)).order_by("pk")
    return {
        delivery: parts.answered(status, error)
        for delivery, status, error in attempts.values_list("delivery_id", "status_code", "error")
    }
