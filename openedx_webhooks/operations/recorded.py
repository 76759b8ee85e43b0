"""
What is recorded about a person, or was done by one.

Found by an index, as far as a record is about somebody; what only names them, in a list or a text, is found by looking
through everything that still has content, a few records at a time.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs
from django.db import router
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from ..models import Attempt, Call, CapturedEvent, Webfilter, Webhook
from ..payloads.mentions import Person

# As many payloads are in memory at a time; the largest have 256 kB.
_AT_ONCE = 200


@attrs.frozen
class Naming:
    """
    Records of a model that name a person.

    Attributes:
        rows: of the model; the database that was looked through.
        ids: primary keys, few at a time.
        is_theirs: they are about nobody else.
    """

    rows: QuerySet
    ids: tuple[int, ...]
    is_theirs: bool = False


def events_about(person: Person) -> Iterator[QuerySet]:
    """Captured events; each of the querysets has an index."""
    events = CapturedEvent.objects.using(router.db_for_write(CapturedEvent))
    if person.user_id is not None:
        yield events.filter(user_id=person.user_id)
    if stored := {name[:150] for given in person.names if given for name in (given, given.lower())}:
        # An event that has somebody's id is about them, whoever else it names.
        yield events.filter(user_id=None, username__in=stored)


def events_naming(person: Person) -> Iterator[Naming]:
    """
    Captured events that no column says are about a person, and that name them all the same: as one of a list, by an
    anonymous id, as the one who enrolled a learner, in what somebody has written.
    """
    events = CapturedEvent.objects.using(router.db_for_write(CapturedEvent))
    rows = events.filter(payload__isnull=False).exclude(user_id=person.user_id or 0)

    def is_found(row: dict) -> bool:
        return person.is_in_json(row["payload_text"], row["event_type"])

    def is_theirs(row: dict) -> bool:
        is_nobodys = row["user_id"] is None and not row["username"]
        return is_nobodys and person.is_alone_in_json(row["payload_text"], row["event_type"])

    for found in _looked_through(rows, ("event_type", "user_id", "username"), ("payload",), is_found):
        for theirs in (True, False):
            ids = tuple(row["pk"] for row in found if is_theirs(row) is theirs)
            if ids:
                yield Naming(events, ids, theirs)


def attempts_naming(person: Person) -> Iterator[Naming]:
    """Attempts whose receivers name a person in their answers, whatever they were sent."""
    attempts = Attempt.objects.using(router.db_for_write(Attempt))
    rows = attempts.exclude(response_excerpt="", detail="")
    return _texts_naming(attempts, rows, ("response_excerpt", "detail"), person)


def calls_about(person: Person) -> Iterator[QuerySet]:
    """Calls of webfilters; the queryset has an index."""
    if person.user_id is not None:
        yield Call.objects.using(router.db_for_write(Call)).filter(user_id=person.user_id)


def calls_naming(person: Person) -> Iterator[Naming]:
    """Calls about nobody, such as of a registration that came to nothing, or about others, that name a person."""
    calls = Call.objects.using(router.db_for_write(Call))
    empty = Q(request_body=None, response_excerpt="", error="", note="")
    rows = calls.exclude(empty).exclude(user_id=person.user_id or 0)
    return _texts_naming(calls, rows, ("request_body", "response_excerpt", "error", "note"), person)


def versions_by(person: Person) -> Iterator[QuerySet]:
    """Versions of hooks that somebody made. There are few: no index is needed."""
    if person.user_id is not None:
        for model in (Webhook, Webfilter):
            # pylint: disable-next=no-member
            yield model.history.using(router.db_for_write(model)).filter(history_user_id=person.user_id)


def _texts_naming(records: QuerySet, rows: QuerySet, columns: tuple[str, ...], person: Person) -> Iterator[Naming]:
    def is_found(row: dict) -> bool:
        return any(person.is_in_json(row[f"{name}_text"]) for name in columns if row[f"{name}_text"])

    for found in _looked_through(rows, (), columns, is_found):
        yield Naming(records, tuple(row["pk"] for row in found))


def _looked_through(
    rows: QuerySet, columns: Iterable[str], texts: Iterable[str], is_found: Callable[[dict[str, Any]], bool]
) -> Iterator[list[dict[str, Any]]]:
    """
    The records that a test finds, along the primary key, so that no transaction and no query is long.

    Args:
        columns: what the test needs.
        texts: columns with content: as they are stored, under their name and ``_text``.
    """
    raw = {f"{name}_text": Cast(name, TextField()) for name in texts}
    rows, last = rows.order_by("pk").annotate(**raw), 0
    while last is not None:
        some = list(rows.filter(pk__gt=last).values("pk", *columns, *raw)[:_AT_ONCE])
        last = some[-1]["pk"] if len(some) == _AT_ONCE else None
        if found := [row for row in some if is_found(row)]:
            yield found
