"""What is stored of a person, for those who ask for it (GDPR, article 15)."""

from collections.abc import Collection, Iterator
from typing import Any

from django.db.models import Model

from ..models import Attempt, CapturedEvent, Delivery
from . import recorded

_AT_ONCE = 100


def records_of(user_id: int | None, names: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """
    Everything that is stored of a person: kind → one record after the other, as many as there are.

    A payload may name others, too: whoever hands this on has to look.

    Args:
        user_id: the platform's id; None if it is not known.
        names: usernames and e-mail addresses.
    """
    seen: set[int] = set()
    for rows in (*recorded.events_about(user_id, names), recorded.events_naming(names)):
        for event in rows.order_by("pk").iterator(_AT_ONCE):
            if event.pk not in seen:
                seen.add(event.pk)
                yield "captured_event", _event(event, rows.db)
    for rows in recorded.calls_about(user_id, names):
        for call in rows.order_by("pk").defer().iterator(_AT_ONCE):
            yield "webfilter_call", _fields(call)
    for rows in recorded.versions_by(user_id):
        for version in rows.order_by("pk").iterator(_AT_ONCE):
            kept = ("id", "history_id", "history_date", "history_type", "history_change_reason", "history_user_id")
            yield f"{version.instance_type._meta.model_name}_version", {name: getattr(version, name) for name in kept}


def _event(event: CapturedEvent, using: str) -> dict[str, Any]:
    deliveries = Delivery.objects.using(using).filter(event=event).order_by("pk")
    attempts: dict[int, list] = {}
    for attempt in Attempt.objects.using(using).filter(delivery__event=event).order_by("pk"):
        attempts.setdefault(attempt.delivery_id, []).append(_fields(attempt))
    sent = [{**_fields(delivery), "attempts": attempts.get(delivery.pk, [])} for delivery in deliveries]
    return {**_fields(event), "deliveries": sent}


def _fields(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
