"""
Attempts and captured events become tallies: what each hook's came to, by hour and day, is counted once, and not at
every look. (Calls of webfilters are counted as they are made: :mod:`openedx_webhooks.webfilters.call_counts`.)

Counted is the hour in which something began. So nothing that happens to a delivery later changes a tally: a replay
makes attempts of its own, a cancelled delivery has none, and what retention removes stays counted. A test leaves no
attempt, and is not counted.

Workers count, now and then, and nobody waits for them: they read the rows after a mark, in chunks, and write the
tallies and the new mark in one transaction. One at a time does it; one that dies has counted nothing or a whole chunk.
The rows that were there before there were tallies are counted in the same way, those of the last month. Pages count
what lies after the mark themselves (:mod:`.statistics`), so that they are never late.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import attrs
from django.db import DatabaseError, router, transaction
from django.db.models import Max, Model, QuerySet
from django.utils import timezone

from .. import throttle
from ..histogram import UNTIMED, Histogram, bucket_of
from ..models import Attempt, CapturedEvent, Delivery, Tally, TallyMark
from ..models.tally import CAPTURED, AttemptOutcome
from ..rows import raw_delete
from ..tally_rows import KEPT, SITE, Key, free_mark, start_of, with_days, write
from ..webhooks.sending import NOT_SENT

log = logging.getLogger(__name__)
_EVERY_SECONDS = 30
_RUN_SECONDS = 10
_CHUNK = 10_000
# Numbers are given when a row is written, and seen when it is committed: for so long a lower one may still appear.
_SETTLED = timedelta(seconds=10)
_MOST_PURGED = 5000

# Primary key; of which hook, None if that is gone; when it began; outcome; bucket of its duration.
Row = tuple[int, int | None, datetime, str, str]


@attrs.frozen
class Source:
    """
    A table whose rows are counted.

    Attributes:
        model: the table.
        column: of :class:`Tally`, for the hook that they are about; empty: they are the site's.
        read: what counts of the rows of a queryset, in its order.
        since: a queryset of the rows since a moment, the first one first, over an index.
    """

    model: type[Model]
    column: str
    read: Callable[[QuerySet], list[Row]]
    since: Callable[[datetime], QuerySet]

    @property
    def name(self) -> str:
        """Of its mark."""
        return self.model.__name__.lower()

    def rows(self) -> QuerySet:
        """All of them, on the database that they are written to."""
        return self.model.objects.using(router.db_for_write(self.model)).order_by("pk")


def _read_attempts(rows: QuerySet) -> list[Row]:
    attempts = list(rows.values_list("pk", "delivery_id", "started_at", "duration", "status_code", "error"))
    # Not by a join: from one, an optimizer may begin with the deliveries.
    deliveries = Delivery.objects.using(rows.db).filter(pk__in={attempt[1] for attempt in attempts}).order_by()
    hooks = dict(deliveries.values_list("pk", "webhook_id")) if attempts else {}
    return [
        (pk, hooks.get(delivery), at, _attempt_outcome(status, error), bucket_of(duration))
        for pk, delivery, at, duration, status, error in attempts
    ]


def _attempt_outcome(status: int | None, error: str) -> str:
    if status is not None and 200 <= status < 300:
        return AttemptOutcome.ACCEPTED
    return AttemptOutcome.NOT_SENT if status is None and error in NOT_SENT else AttemptOutcome.REFUSED


def _read_events(rows: QuerySet) -> list[Row]:
    return [(pk, SITE, at, CAPTURED, UNTIMED) for pk, at in rows.values_list("pk", "created")]


def _attempts_since(moment: datetime) -> QuerySet:
    first = Delivery.objects.writable().filter(created__gte=moment).order_by("created").values_list("pk", flat=True)
    rows = Attempt.objects.using(router.db_for_write(Attempt))
    return rows.filter(delivery_id__gte=first[0]).order_by("delivery_id", "pk") if first[:1] else rows.none()


def _events_since(moment: datetime) -> QuerySet:
    rows = CapturedEvent.objects.using(router.db_for_write(CapturedEvent))
    return rows.filter(created__gte=moment).order_by("created")


ATTEMPTS = Source(Attempt, "webhook_id", _read_attempts, _attempts_since)
EVENTS = Source(CapturedEvent, "", _read_events, _events_since)
SOURCES = (ATTEMPTS, EVENTS)


def summed(rows: Iterable[Row]) -> dict[Key, Histogram]:
    """Rows by hook, hour and day."""
    by_hour: dict[Key, Histogram] = defaultdict(Histogram)
    for _pk, hook, at, outcome, bucket in rows:
        if hook is not None:
            by_hour[hook, Tally.Span.HOUR, start_of(at, Tally.Span.HOUR)].add(outcome, bucket)
    return with_days(by_hour)


def counted_to(source: Source) -> int:
    """The key of the last row that is in the tallies; 0 if none is."""
    mark = TallyMark.objects.using(source.rows().db).filter(source=source.name)
    return mark.values_list("counted_to", flat=True).first() or 0


def run_when_due() -> None:
    """
    Count what is new, and forget what is old, for a bounded time. Never raises.

    For workers and commands, now and then; two at a time do no harm.
    """
    if not throttle.allows("tallies", seconds=_EVERY_SECONDS):
        return
    end = time.monotonic() + _RUN_SECONDS
    try:
        for source in SOURCES:
            count(source, lambda: time.monotonic() < end)
        _purge()
    except DatabaseError as error:
        log.warning("Attempts and calls are counted later: %s", type(error).__name__)


def count(source: Source, may_go_on: Callable[[], bool] = lambda: True) -> None:
    """
    Count the rows that have come since, except those of the last seconds.

    Raises:
        django.db.DatabaseError: the database is away or busy. What was counted stays so.
    """
    using = source.rows().db
    if not TallyMark.objects.using(using).filter(source=source.name).exists():
        _begin(source, using)
    while _count_some(source, using) and may_go_on():
        pass


def _begin(source: Source, using: str) -> None:
    """Set the mark before the rows of the last month."""
    first = source.since(timezone.now() - KEPT).values_list("pk", flat=True).first()
    last = _last(source)
    fields = {"counted_to": last if first is None else first - 1, "seen_to": last, "seen_at": timezone.now()}
    TallyMark.objects.using(using).get_or_create(source=source.name, defaults=fields)


def _last(source: Source) -> int:
    return source.rows().aggregate(last=Max("pk"))["last"] or 0


def _count_some(source: Source, using: str) -> bool:
    """Count a chunk; whether there is another."""
    with transaction.atomic(using=using):
        mark = free_mark(source.name, using)
        # A clock that was ahead must not hold it up.
        if mark is None or abs(timezone.now() - mark.seen_at) < _SETTLED:
            return False
        new = source.rows().filter(pk__gt=mark.counted_to, pk__lte=mark.seen_to)
        rows = source.read(new[:_CHUNK])
        write(source.column, using, summed(rows))
        is_more = len(rows) == _CHUNK
        mark.counted_to = rows[-1][0] if is_more else mark.seen_to
        if not is_more:
            mark.seen_to, mark.seen_at = _last(source), timezone.now()
            # Keys begin anew in a table that was emptied.
            mark.counted_to = min(mark.counted_to, mark.seen_to)
        mark.save(using=using)
    return is_more


def _purge() -> None:
    rows = Tally.objects.using(router.db_for_write(Tally))
    old = list(
        rows.filter(start__lt=timezone.now() - KEPT).order_by("start").values_list("pk", flat=True)[:_MOST_PURGED]
    )
    if old:
        raw_delete(rows.filter(pk__in=old))
