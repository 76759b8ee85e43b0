"""What is stored of a person, for those who ask for it (GDPR, article 15)."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Model, QuerySet

from ..models import Attempt, CapturedEvent, Delivery
from ..payloads.mentions import Person
from . import recorded

_AT_ONCE = 100


def records_of(person: Person) -> Iterator[tuple[str, dict[str, Any]]]:
    """
    Everything that is stored of a person: kind → one record after the other, as many as there are.

    A payload may name others, too: whoever hands this on has to look.
    """
    seen: set[int] = set()
    for rows in _events(person):
        for event in rows.order_by("pk").iterator(_AT_ONCE):
            if event.pk not in seen:
                seen.add(event.pk)
                yield "captured_event", _event(event, rows.db)
    for rows in _found(recorded.attempts_naming(person)):
        # Those of the events are with these already.
        for attempt in rows.exclude(delivery__event__in=seen).order_by("pk").iterator(_AT_ONCE):
            yield "attempt", _fields(attempt)
    for rows in (*recorded.calls_about(person), *_found(recorded.calls_naming(person))):
        for call in rows.order_by("pk").defer().iterator(_AT_ONCE):
            yield "webfilter_call", _fields(call)
    for rows in recorded.versions_by(person):
        for version in rows.order_by("pk").iterator(_AT_ONCE):
            kept = ("id", "history_id", "history_date", "history_type", "history_change_reason", "history_user_id")
            yield f"{version.instance_type._meta.model_name}_version", {name: getattr(version, name) for name in kept}


def _events(person: Person) -> Iterator[QuerySet]:
    yield from recorded.events_about(person)
    yield from _found(recorded.events_naming(person))


def _found(naming: Iterable[recorded.Naming]) -> Iterator[QuerySet]:
    for some in naming:
        yield some.rows.filter(pk__in=some.ids)


def _event(event: CapturedEvent, using: str) -> dict[str, Any]:
    deliveries = Delivery.objects.using(using).filter(event=event).order_by("pk")
    attempts: dict[int, list] = {}
    for attempt in Attempt.objects.using(using).filter(delivery__event=event).order_by("pk"):
        attempts.setdefault(attempt.delivery_id, []).append(_fields(attempt))
    sent = [{**_fields(delivery), "attempts": attempts.get(delivery.pk, [])} for delivery in deliveries]
    return {**_fields(event), "deliveries": sent}


def _fields(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
