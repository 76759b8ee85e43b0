"""
Sending many again, cancelling many: step by step, so that no request takes long, however many there are.

A choice says which, and to whom. Progress is what came of it so far and where to go on: a page keeps it between two
requests, a command in a variable. Counting is the same steps without doing anything.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic

import attrs
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.utils import timezone

from ..app_settings import app_settings
from ..models import CapturedEvent, Delivery, Webhook
from . import sending
from .wakeups import nudge_on_commit

_STEP = 500
# A row that is not wanted costs less than one that is sent.
_LOOKED_AT = 2000
# From its event to its last attempt. By default it is three days, and the payload is kept for seven.
_LONGEST_LIFE = timedelta(days=30)
KEPT = {"payload__isnull": False, "keep_payload": True}
_ROW = ("pk", "webhook_id", "event_id", "state")
# What may become of each, in the order in which pages list it.
DONE, RUNNING, DELIVERED, HAD, UNMATCHED, REMOVED, GONE, FINAL = (
    "done", "running", "delivered", "had", "unmatched", "removed", "gone", "final",
)  # fmt: skip


@attrs.frozen
class Past:
    """
    Which captured events.

    Attributes:
        event_type: dotted.
        since: aware; None: as far back as they are kept.
        until: aware; None: until now.
        learner: a username, or the number of a user; empty: any.
        course_key: empty: any.
    """

    event_type: str
    since: datetime | None = None
    until: datetime | None = None
    learner: str = ""
    course_key: str = ""

    def events(self) -> QuerySet[CapturedEvent]:
        """The events, oldest first; of old ones the payload is gone."""
        events = between(CapturedEvent.objects.filter(event_type=self.event_type), self.since, self.until)
        if self.learner.isascii() and self.learner.isdigit() and len(self.learner) < 19:
            events = events.filter(user_id=int(self.learner))
        elif self.learner:
            events = events.filter(username=self.learner)
        if self.course_key:
            events = events.filter(course_key=self.course_key)
        return events.order_by("created", "pk")


@attrs.frozen
class Choice:
    """
    What is done with which deliveries or events. ``deliveries``, ``events``, ``webhook_id`` or ``past`` is given.

    Attributes:
        verb: replay, retry or cancel.
        deliveries: numbers of deliveries.
        events: numbers of captured events; needs ``to``.
        webhook_id: whose deliveries, in ``states``, that were finished between ``since`` and ``until`` (aware; None:
            any time); of those that are pending it is when they were made.
        past: captured events that ``to`` was not owed yet.
        to: the webhook that is sent them; None: each to its own.
        with_delivered: send again also what the webhook has accepted before.
        limit: of those that are sent; None: all.
    """

    verb: str = "replay"
    deliveries: tuple[int, ...] = ()
    events: tuple[int, ...] = ()
    webhook_id: int | None = None
    states: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    past: Past | None = None
    to: Webhook | None = None
    with_delivered: bool = False
    limit: int | None = None


@attrs.define
class Progress:
    """
    Attributes:
        tally: how many of which the above became.
        cursor: where to go on, as JSON; None at the beginning.
        is_over: all were looked at, or the limit is reached.
        is_cut: there are more than the limit.
        webhooks: whose deliveries were changed.
        started: they become due from then on.
    """

    tally: Counter = attrs.field(factory=Counter)
    cursor: list | None = None
    is_over: bool = False
    is_cut: bool = False
    webhooks: set[int] = attrs.field(factory=set)
    started: datetime = attrs.field(factory=timezone.now)


def advance(choice: Choice, progress: Progress, *, act: bool, seconds: float | None = None) -> Progress:
    """
    Take steps until all is done, or the time is over.

    Args:
        act: do it; else only count.
        seconds: stop after the step with which they are over, the first at the earliest; None: when all is done.
    """
    deadline = None if seconds is None else monotonic() + seconds
    while not progress.is_over:
        _step(choice, progress, act)
        if deadline is not None and monotonic() >= deadline:
            break
    if act and progress.tally[DONE] and choice.verb != "cancel":
        nudge_on_commit(Delivery.objects.writable().db)
    return progress


def _step(choice: Choice, progress: Progress, act: bool) -> None:
    if choice.past:
        events, cursor = _past(choice.past, progress)
        _send_to(choice, progress, events, act)
    elif choice.events:
        events, cursor = _slice(choice.events, progress.cursor)
        _send_to(choice, progress, events, act)
    else:
        rows, cursor = _deliveries(choice, progress.cursor)
        if choice.verb != "replay":
            _intervene(choice, progress, rows, act)
        elif choice.to:
            _send_to(choice, progress, [event_id for _pk, _webhook, event_id, _state in rows], act)
        else:
            _send_again(choice, progress, rows, act)
    progress.cursor = cursor
    progress.is_over = progress.is_over or cursor is None


def _deliveries(choice: Choice, cursor):
    """Some of the chosen deliveries."""
    if choice.webhook_id is None:
        ids, cursor = _slice(choice.deliveries, cursor)
        return list(Delivery.objects.filter(pk__in=ids).order_by("pk").values_list(*_ROW)), cursor
    # What was given up in that time may have happened long before.
    earliest = choice.since and choice.since - _LONGEST_LIFE
    of_hook = between(Delivery.objects.filter(webhook_id=choice.webhook_id), earliest, choice.until)
    rows, cursor = _keyset(of_hook, cursor, (*_ROW, "finished_at", "created"), _LOOKED_AT)
    # Not by the database, which would look for a rare state in all rows at once.
    return [row[:4] for row in rows if row[3] in choice.states and _is_within(choice, row[4] or row[5])], cursor


def _is_within(choice: Choice, when: datetime) -> bool:
    return (not choice.since or when >= choice.since) and (not choice.until or when <= choice.until)


def _past(past: Past, progress: Progress):
    """The next past events whose payload is kept. Not by the database, which would pass over a million at once."""
    events = past.events().annotate(is_kept=ExpressionWrapper(Q(**KEPT), BooleanField()))
    rows, cursor = _keyset(events, progress.cursor, ("created", "pk", "is_kept"), _LOOKED_AT)
    chosen = []
    for created, pk, is_kept in rows:
        if len(chosen) == _STEP:
            return chosen, [created.isoformat(), pk - 1]
        if is_kept:
            chosen.append(pk)
        else:
            progress.tally[REMOVED] += 1
    return chosen, cursor


def _slice(ids: Sequence[int], cursor) -> tuple[list[int], list | None]:
    start = cursor[0] if cursor else 0
    end = start + _STEP
    return list(ids[start:end]), [end] if end < len(ids) else None


def _keyset(rows: QuerySet, cursor, columns: Sequence[str], most: int) -> tuple[list[tuple], list | None]:
    """The next rows in the order of time, and where to go on."""
    begin = (datetime.fromisoformat(cursor[0]), cursor[1]) if cursor else None
    if begin:
        at, pk = begin
        rows = rows.filter(Q(created__gt=at) | Q(pk__gt=pk), created__gte=at)
    found = list(rows.order_by("created", "pk").values_list("created", "pk", *columns)[:most])
    # Moments that no calendar can count with are elsewhere to the database: they must not lead back.
    end = max((row[:2] for row in found), default=None)
    is_over = len(found) < most or (begin is not None and end <= begin)
    return [row[2:] for row in found], None if is_over else [end[0].isoformat(), end[1]]


def between(rows: QuerySet, since: datetime | None, until: datetime | None) -> QuerySet:
    """Those that were made between two moments."""
    if since:
        rows = rows.filter(created__gte=since)
    return rows.filter(created__lte=until) if until else rows


# --- What is done with some of them


def _intervene(choice: Choice, progress: Progress, rows, act: bool) -> None:
    """Retry or cancel what is pending."""
    pending = {pk: webhook for pk, webhook, _event, state in rows if state == Delivery.State.PENDING}
    progress.tally[FINAL] += len(rows) - len(pending)
    count = len(pending)
    if act and pending:
        deliveries = Delivery.objects.writable().filter(pk__in=list(pending))
        count = deliveries.retry_now() if choice.verb == "retry" else deliveries.cancel()
        progress.tally[RUNNING] += len(pending) - count
    progress.tally[DONE] += count
    progress.webhooks.update(pending.values())


def _send_again(choice: Choice, progress: Progress, rows, act: bool) -> None:
    """Each to its own webhook."""
    kept = _kept({event for _pk, _webhook, event, _state in rows})
    alive = Webhook.objects.filter(pk__in={webhook for _pk, webhook, _event, _state in rows}, removing_since=None)
    alive = set(alive.values_list("pk", flat=True))
    chosen = []
    for pk, webhook, event, state in rows:
        if webhook not in alive:
            progress.tally[GONE] += 1
        elif _is_left(choice, progress, state):
            continue
        elif event not in kept:
            progress.tally[REMOVED] += 1
        else:
            chosen.append(pk)
            progress.webhooks.add(webhook)
    _replay(progress, chosen, act)


def _send_to(choice: Choice, progress: Progress, event_ids: list[int], act: bool) -> None:
    """All to one webhook: again what it had, and for the first time what it had not and its condition matches."""
    had = Delivery.objects.filter(webhook=choice.to, event_id__in=event_ids).order_by()
    had = {event: (pk, state) for event, pk, state in had.values_list("event_id", "pk", "state")}
    if choice.past:
        progress.tally[HAD] += len(had)
        had = dict.fromkeys(had)
    again, matching = [], []
    kept = {event.pk: event for event in CapturedEvent.objects.filter(pk__in=event_ids, **KEPT)}
    for event_id in event_ids:
        if event_id in had and had[event_id] is None:
            continue
        if choice.limit is not None and progress.tally[DONE] + len(matching) >= choice.limit:
            progress.is_over = progress.is_cut = True
            break
        if event_id not in kept:
            progress.tally[REMOVED] += 1
        elif event_id in had:
            pk, state = had[event_id]
            if not _is_left(choice, progress, state):
                again.append(pk)
        elif matches(choice.to, kept[event_id]):
            matching.append(kept[event_id])
        else:
            progress.tally[UNMATCHED] += 1
    _replay(progress, again, act)
    if act and matching:
        _owe(choice.to, matching, progress)
    progress.tally[DONE] += len(matching)
    progress.webhooks.add(choice.to.pk)


def _is_left(choice: Choice, progress: Progress, state: str) -> bool:
    """It is on its way, or was accepted and shall not be sent a second time."""
    left = RUNNING if state == Delivery.State.PENDING else DELIVERED if state == Delivery.State.DELIVERED else ""
    if not left or (left == DELIVERED and choice.with_delivered):
        return False
    progress.tally[left] += 1
    return True


def _kept(event_ids) -> set[int]:
    """The events whose payload is still kept."""
    kept = CapturedEvent.objects.filter(pk__in=event_ids, **KEPT)
    return set(kept.values_list("pk", flat=True))


def _replay(progress: Progress, ids: list[int], act: bool) -> None:
    if act and ids:
        start = progress.started + timedelta(seconds=progress.tally[DONE] // per_second())
        progress.tally[DONE] += Delivery.objects.writable().filter(pk__in=ids).replay(per_second(), start=start)
    else:
        progress.tally[DONE] += len(ids)


def _owe(webhook: Webhook, events: list[CapturedEvent], progress: Progress) -> None:
    using, count = Delivery.objects.writable().db, progress.tally[DONE]
    with transaction.atomic(using=using):
        kept = CapturedEvent.objects.using(using).hold(event.pk for event in events)
        rows = [
            Delivery(
                webhook=webhook,
                event_id=event_id,
                next_attempt_at=progress.started + timedelta(seconds=(count + place) // per_second()),
            )
            for place, event_id in enumerate(kept)
        ]
        # Somebody else may have done the same a moment ago.
        Delivery.objects.using(using).bulk_create(rows, ignore_conflicts=True)
        CapturedEvent.objects.using(using).filter(pk__in=kept).update(is_sample=False)


def matches(webhook: Webhook, event: CapturedEvent) -> bool:
    """Whether its condition matches, or can't say: then the delivery fails, where the operator sees why."""
    try:
        sending.content_of(webhook, event)
    except sending.NothingToSend as reason:
        return reason.kind not in sending.SKIPPED
    except ValueError:
        # Its settings are malformed.
        return True
    return True


def per_second() -> int:
    """How many become due each second."""
    return max(1, app_settings.REPLAY_PER_SECOND)
