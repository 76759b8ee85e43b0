"""What the page of one delivery shows: whom and what it is about, every attempt, and what would be sent now."""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Attempt, Delivery, Webhook
from ..rows import related
from . import parts, sending_again, times, trying, waiting, words
from .differences import difference
from .permissions import may_replay, sees_payload_of, withheld
from .records import learner

_REPLAY = ("replay", gettext_lazy("Send again"))
_PENDING = (("retry", gettext_lazy("Retry now")), ("cancel", gettext_lazy("Cancel")))


def context(request, delivery: Delivery) -> dict:
    """For the page, and for the part of it that follows a pending delivery."""
    webhook, event = related(delivery, "webhook"), related(delivery, "event")
    attempts = list(delivery.attempts.all())
    sees_payload, may = sees_payload_of(request, delivery), may_replay(request)
    last = attempts[-1] if attempts else None
    return {
        "facts": facts(request, delivery, webhook, event),
        "attempts": [shown(attempt, sees_payload) for attempt in attempts],
        "badge": parts.delivery_badge(delivery.state),
        "outlook": words.outlook(delivery, last) if last else "",
        "next_try": None if delivery.traits.is_final else delivery.next_attempt_at,
        "is_pending": not delivery.traits.is_final,
        "buttons": buttons(delivery) if may else [],
        "elsewhere": sending_again.link(verb="replay", deliveries=delivery.pk) if may and event else "",
        "follow": reverse("admin:openedx_webhooks_delivery_progress", args=[delivery.pk]),
        "note": waiting.delivery_note(delivery, webhook),
        "difference": difference(delivery, webhook, event, last) if sees_payload else None,
        "payload": parts.payload(event and event.payload) if sees_payload else "",
    }


def facts(request, delivery: Delivery, webhook: Webhook | None, event) -> list[tuple[str, object]]:
    sees_events = request.user.has_perm("openedx_webhooks.view_capturedevent")
    sees_hooks = request.user.has_perm("openedx_webhooks.view_webhook")
    name = parts.event_name(event) if event else _("Deleted")
    hook = parts.hook_and_server(webhook) if webhook else _("Deleted")
    found = [
        (_("Event"), parts.link(event, name) if event and sees_events else name),
        (_("Learner"), learner(request, event.user_id, event.username) if event else parts.EMPTY),
        (_("Course"), (event and event.course_key) or parts.EMPTY),
        (_("Webhook"), parts.link(webhook, hook) if webhook and sees_hooks else hook),
        (_("Happened"), times.shown(delivery.created)),
    ]
    if delivery.finished_at:
        found.append((_("Finished"), times.shown(delivery.finished_at)))
    if delivery.sequence is not None:
        found.append((_("Number of the message"), delivery.sequence))
    return [*found, (_("Message id"), delivery.message_id)]


def buttons(delivery: Delivery) -> list[tuple[str, str]]:
    fit = [_REPLAY] if delivery.traits.is_final else _PENDING
    return [(reverse(f"admin:openedx_webhooks_delivery_{name}", args=[delivery.pk]), label) for name, label in fit]


def shown(attempt: Attempt, sees_payload: bool) -> dict:
    """An attempt in words: what was sent, what came back, and what that means."""
    hidden = withheld()
    if not sees_payload:
        # The reason may quote the payload.
        attempt.request_headers, attempt.detail = {}, ""
    headers = attempt.request_headers if isinstance(attempt.request_headers, dict) else {}
    was_sent = bool(headers or attempt.request_bytes)
    return {
        "attempt": attempt,
        "verdict": parts.answer_badge(attempt.status_code, attempt.error),
        "started": words.exact(attempt.started_at),
        "ago": times.relative(attempt.started_at),
        "duration": parts.seconds(attempt.duration) if attempt.request_bytes or attempt.status_code else "",
        "meaning": words.meaning(attempt),
        "detail": words.detail(attempt),
        "headers": parts.plain("\n".join(trying.header_lines(headers))) if headers else "",
        "request": (parts.excerpt(attempt.request_excerpt) if sees_payload else hidden) if was_sent else "",
        "response": parts.excerpt(attempt.response_excerpt) if sees_payload else hidden,
    }


def last_answers(delivery_ids) -> dict[int, str]:
    """Status code or error of the last attempt of each delivery."""
    attempts = Attempt.objects.filter(delivery_id__in=list(delivery_ids)).order_by("pk")
    return {
        delivery: parts.answered(status, error)
        for delivery, status, error in attempts.values_list("delivery_id", "status_code", "error")
    }
