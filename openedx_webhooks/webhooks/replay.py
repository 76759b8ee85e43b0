"""
Operators' interventions: send again, send what happened before there was the webhook, try now, give up.

Each says how many deliveries it changed; others may be working on the same rows meanwhile. The sending itself is the
workers' business.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import attrs
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from ..app_settings import app_settings
from ..models import CapturedEvent, Delivery, Webhook
from ..models.delivery_verbs import chunked
from . import sending
from .wakeups import nudge_on_commit

# Of past events, at least so many are looked at, and else ten times the limit: a range may hold millions that a
# condition does not match.
_LOOKED_AT_LEAST = 10_000


def failed_since(webhook: Webhook, since: datetime) -> QuerySet[Delivery]:
    """The deliveries of a webhook that were given up since then (aware)."""
    return Delivery.objects.filter(webhook=webhook, state=Delivery.State.FAILED, finished_at__gte=since)


def replay(deliveries: QuerySet[Delivery], progress: Callable[[int], None] | None = None) -> int:
    """
    Owe finished deliveries again, REPLAY_PER_SECOND of them each second; see :meth:`DeliveryQuerySet.replay`.

    What is sent is made anew, by the webhook as it is now: a correction since then counts.
    """
    return _done(deliveries.writable().replay(_per_second(), progress))


def retry_now(deliveries: QuerySet[Delivery]) -> int:
    """Make pending deliveries due, unless one is being sent at this moment."""
    return _done(deliveries.writable().retry_now())


def cancel(deliveries: QuerySet[Delivery]) -> int:
    """Give up pending deliveries. One that is being sent at this moment may arrive all the same."""
    return deliveries.writable().cancel()


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
        """The events whose payload is still kept, oldest first."""
        events = CapturedEvent.objects.filter(event_type=self.event_type, payload__isnull=False)
        if self.since:
            events = events.filter(created__gte=self.since)
        if self.until:
            events = events.filter(created__lte=self.until)
        if self.learner.isascii() and self.learner.isdigit() and len(self.learner) < 19:
            events = events.filter(user_id=int(self.learner))
        elif self.learner:
            events = events.filter(username=self.learner)
        if self.course_key:
            events = events.filter(course_key=self.course_key)
        return events.order_by("pk")


@attrs.define
class Backfill:
    """
    What sending past events to a webhook comes to.

    Attributes:
        owed: events that the webhook is to be sent, or now is.
        had: events that it was owed before; they are left alone, replay is for them. Counted to ten times the limit.
        unmatched: events that its condition does not match.
        is_cut: there are more than the limit, or than were looked at: ten times the limit, and at least 10,000.
        reached: when the last event happened that was looked at; None: there was none. After a cut, the rest is since
            then.
    """

    owed: int = 0
    had: int = 0
    unmatched: int = 0
    is_cut: bool = False
    reached: datetime | None = None


def count_past(webhook: Webhook, past: Past, limit: int) -> Backfill:
    """What :func:`send_past` would do now."""
    return _backfill(webhook, past, limit, lambda _events, _count: None)


def send_past(webhook: Webhook, past: Past, limit: int) -> Backfill:
    """
    Owe captured events to a webhook that may not have been there when they happened.

    As if it had been: its condition counts, and REPLAY_PER_SECOND become due each second. Events that it was owed
    already are not sent again.

    Args:
        limit: at most so many events are owed; the oldest first.
    """
    start, using = timezone.now(), Delivery.objects.writable().db

    def owe(events: list[CapturedEvent], count: int) -> None:
        rows = [
            Delivery(
                webhook=webhook,
                event=event,
                next_attempt_at=start + timedelta(seconds=(count + place) // _per_second()),
            )
            for place, event in enumerate(events)
        ]
        with transaction.atomic(using=using):
            # Somebody else may have done the same a moment ago.
            Delivery.objects.using(using).bulk_create(rows, ignore_conflicts=True)
            CapturedEvent.objects.using(using).filter(pk__in=[event.pk for event in events]).update(is_sample=False)

    done = _backfill(webhook, past, limit, owe)
    _done(done.owed)
    return done


def _backfill(webhook, past, limit, owe: Callable[[list[CapturedEvent], int], None]) -> Backfill:
    events, was_owed = past.events(), Exists(Delivery.objects.filter(webhook=webhook, event=OuterRef("pk")))
    most = max(_LOOKED_AT_LEAST, 10 * limit)
    # What it was owed does not count: doing the same again must get to the rest.
    ids = list(events.filter(~was_owed).values_list("pk", flat=True)[: most + 1])
    done = Backfill(had=events.filter(was_owed).order_by()[:most].count(), is_cut=len(ids) > most)
    for chunk in chunked(ids[:most]):
        matching, is_full = [], False
        for event in events.filter(pk__in=chunk):
            if is_full := done.owed + len(matching) >= limit:
                done.is_cut = True
                break
            done.reached = event.created
            if _matches(webhook, event):
                matching.append(event)
            else:
                done.unmatched += 1
        if matching:
            owe(matching, done.owed)
            done.owed += len(matching)
        if is_full:
            break
    return done


def _matches(webhook: Webhook, event: CapturedEvent) -> bool:
    """Whether its condition matches, or can't say: then the delivery fails, where the operator sees why."""
    try:
        sending.content_of(webhook, event)
    except sending.NothingToSend as reason:
        return reason.kind not in sending.SKIPPED
    return True


def _per_second() -> int:
    return max(1, app_settings.REPLAY_PER_SECOND)


def _done(count: int) -> int:
    if count:
        nudge_on_commit(Delivery.objects.writable().db)
    return count
