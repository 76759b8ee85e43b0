"""
Attempts and calls become tallies: what each hook's came to, by hour and day, is counted once, and not at every look.

Counted are *attempts* and *recorded calls*, in the hour in which they began. So nothing that happens to a delivery
later changes a tally: a replay makes attempts of its own, a cancelled delivery has none, and what retention removes
stays counted. A test leaves no attempt, and is not counted.

Workers count, now and then, and nobody waits for them: they read the rows after a mark, in chunks, and write the
tallies and the new mark in one transaction. One at a time does it; one that dies has counted nothing or a whole chunk.
The rows that were there before there were tallies are counted in the same way, those of the last month. Pages count
what lies after the mark themselves (:mod:`.statistics`), so that they are never late.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta

import attrs
from django.db import DatabaseError, router, transaction
from django.db.models import Max, Model, QuerySet
from django.utils import timezone

from .. import throttle
from ..models import Attempt, Call, Delivery, Hook, Tally, TallyMark, Webfilter, Webhook
from ..models.tally import AttemptOutcome, CallOutcome
from ..row_locks import lock_free
from ..webhooks.sending import NOT_SENT
from .histogram import UNTIMED, Histogram, bucket_of
from .hook_figures import has_failed
from .retention_records import raw_delete

log = logging.getLogger(__name__)
_EVERY_SECONDS = 30
_RUN_SECONDS = 10
_CHUNK = 10_000
# Numbers are given when a row is written, and seen when it is committed: for so long a lower one may still appear.
_SETTLED = timedelta(seconds=10)
# Longer than any page looks back.
KEPT = timedelta(days=35)
_MOST_PURGED = 5000

# Of which hook (primary key), in which hour or day (span, start).
Key = tuple[int, int, datetime]
# Primary key; of which hook, None if that is gone; when it began; outcome; bucket of its duration.
Row = tuple[int, int | None, datetime, str, str]


@attrs.frozen
class Source:
    """
    A table whose rows are counted.

    Attributes:
        model: the table.
        hook: the kind of hook that they are about.
        column: of :class:`Tally`, for the hook.
        read: what counts of the rows of a queryset, in its order.
        since: a queryset of the rows since a moment, the first one first, over an index.
    """

    model: type[Model]
    hook: type[Hook]
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


def _read_calls(rows: QuerySet) -> list[Row]:
    columns = ("pk", "webfilter_id", "started_at", "duration", "is_cached", "result", "mode", "error", "status_code")
    return [
        (pk, hook, at, _call_outcome(result, mode, error, status), UNTIMED if is_cached else bucket_of(duration))
        for pk, hook, at, duration, is_cached, result, mode, error, status in rows.values_list(*columns)
    ]


def _call_outcome(result: str, mode: str, error: str, status: int | None) -> str:
    observes = mode == Webfilter.Mode.OBSERVE
    if result == Call.Result.HALTED:
        if has_failed(result, error, status):
            return CallOutcome.WOULD_HALT_BY_FAILURE if observes else CallOutcome.HALTED_BY_FAILURE
        return CallOutcome.WOULD_HALT if observes else CallOutcome.HALTED
    if result == Call.Result.CHANGED and observes:
        return CallOutcome.WOULD_CHANGE
    # What it did shows only if the endpoint did not fail in the same call.
    return CallOutcome.IGNORED if has_failed(result, error, status) else result


def _attempts_since(moment: datetime) -> QuerySet:
    first = Delivery.objects.writable().filter(created__gte=moment).order_by("created").values_list("pk", flat=True)
    rows = Attempt.objects.using(router.db_for_write(Attempt))
    return rows.filter(delivery_id__gte=first[0]).order_by("delivery_id", "pk") if first[:1] else rows.none()


def _calls_since(moment: datetime) -> QuerySet:
    return Call.objects.using(router.db_for_write(Call)).filter(started_at__gte=moment).order_by("started_at")


ATTEMPTS = Source(Attempt, Webhook, "webhook_id", _read_attempts, _attempts_since)
CALLS = Source(Call, Webfilter, "webfilter_id", _read_calls, _calls_since)
SOURCES = (ATTEMPTS, CALLS)
OF: dict[type[Hook], Source] = {source.hook: source for source in SOURCES}


def start_of(moment: datetime, span: int) -> datetime:
    """The beginning of the hour or day (UTC) that a moment is in."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour if span == Tally.Span.HOUR else hour.replace(hour=0)


def summed(rows: Iterable[Row]) -> dict[Key, Histogram]:
    """Rows by hook, hour and day."""
    by_hour: dict[Key, Histogram] = defaultdict(Histogram)
    for _pk, hook, at, outcome, bucket in rows:
        if hook is not None:
            by_hour[hook, Tally.Span.HOUR, start_of(at, Tally.Span.HOUR)].add(outcome, bucket)
    found = dict(by_hour)
    for (hook, _span, start), histogram in by_hour.items():
        day = (hook, Tally.Span.DAY, start_of(start, Tally.Span.DAY))
        found.setdefault(day, Histogram()).add_all(histogram.counts)
    return found


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
        marks = lock_free(TallyMark.objects.using(using))
        mark = marks.filter(source=source.name).first()
        # A clock that was ahead must not hold it up.
        if mark is None or abs(timezone.now() - mark.seen_at) < _SETTLED:
            return False
        new = source.rows().filter(pk__gt=mark.counted_to, pk__lte=mark.seen_to)
        rows = source.read(new[:_CHUNK])
        _write(source, using, summed(rows))
        is_more = len(rows) == _CHUNK
        mark.counted_to = rows[-1][0] if is_more else mark.seen_to
        if not is_more:
            mark.seen_to, mark.seen_at = _last(source), timezone.now()
            # Keys begin anew in a table that was emptied.
            mark.counted_to = min(mark.counted_to, mark.seen_to)
        mark.save(using=using)
    return is_more


def _write(source: Source, using: str, counts: dict[Key, Histogram]) -> None:
    """Add to the tallies. The mark is locked, so nobody else does."""
    kept = timezone.now() - KEPT
    counts = {key: histogram for key, histogram in counts.items() if key[2] >= kept}
    if not counts:
        return
    rows = Tally.objects.using(using)
    there = _there(source, rows, counts)
    for key, row in there.items():
        counts[key].add_all(row.counts)
    # Made anew: to change hundreds of rows, each to something else, takes a database longer.
    raw_delete(rows.filter(pk__in=[row.pk for row in there.values()]))
    rows.bulk_create(
        (
            Tally(**{source.column: hook}, span=span, start=start, counts=histogram.counts)
            for (hook, span, start), histogram in counts.items()
        ),
        batch_size=500,
    )


def _there(source: Source, rows: QuerySet, keys: Collection[Key]) -> dict[Key, Tally]:
    """The tallies that there are already."""
    hooks, spans, starts = (set(values) for values in zip(*keys, strict=True))
    found = rows.filter(**{f"{source.column}__in": hooks}, span__in=spans, start__in=starts).order_by()
    by_key = {(getattr(row, source.column), row.span, row.start): row for row in found}
    return {key: row for key, row in by_key.items() if key in keys}


def _purge() -> None:
    rows = Tally.objects.using(router.db_for_write(Tally))
    old = list(
        rows.filter(start__lt=timezone.now() - KEPT).order_by("start").values_list("pk", flat=True)[:_MOST_PURGED]
    )
    if old:
        raw_delete(rows.filter(pk__in=old))
