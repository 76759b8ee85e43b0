"""
How tallies are written: what began in an hour is added to the rows of that hour and of its day.

Whoever adds holds the lock of a mark, and whoever finds that held by another comes again later: so rows are read,
changed and written by one at a time, nobody waits, and no row is hot.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from .histogram import Histogram
from .models import Tally, TallyMark
from .rows import lock_free, raw_delete

# Longer than any page looks back.
KEPT = timedelta(days=35)
# Of which hook (primary key), in which hour or day (span, start).
Key = tuple[int, int, datetime]
# In place of a hook's key: of the whole site.
SITE = 0


def start_of(moment: datetime, span: int) -> datetime:
    """The beginning of the hour or day (UTC) that a moment is in."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour if span == Tally.Span.HOUR else hour.replace(hour=0)


def with_days(by_hour: dict[Key, Histogram]) -> dict[Key, Histogram]:
    """What was counted by hour, by hour and by day."""
    found = dict(by_hour)
    for (hook, _span, start), histogram in by_hour.items():
        day = (hook, Tally.Span.DAY, start_of(start, Tally.Span.DAY))
        found.setdefault(day, Histogram()).add_all(histogram.counts)
    return found


def free_mark(source: str, using: str) -> TallyMark | None:
    """The mark of a source, locked until the transaction ends; None if there is none, or another has locked it."""
    return lock_free(TallyMark.objects.using(using)).filter(source=source).first()


def of_column(rows: QuerySet[Tally], column: str, hooks: Collection[int]) -> QuerySet[Tally]:
    """
    The tallies of some hooks, or with an empty column of the whole site.

    Args:
        column: of :class:`~openedx_webhooks.models.Tally`: ``webhook_id`` or ``webfilter_id``.
    """
    return rows.filter(**{f"{column}__in": hooks}) if column else rows.filter(webhook=None, webfilter=None)


def write(column: str, using: str, counts: dict[Key, Histogram]) -> None:
    """
    Add to the tallies, under the lock of a mark, in its transaction.

    Args:
        column: of :class:`~openedx_webhooks.models.Tally`, for the hook; empty: of the whole site.
    """
    kept = timezone.now() - KEPT
    counts = {key: histogram for key, histogram in counts.items() if key[2] >= kept}
    if not counts:
        return
    rows = Tally.objects.using(using)
    there = _there(column, rows, counts)
    for key, row in there.items():
        counts[key].add_all(row.counts)
    # Made anew: to change hundreds of rows, each to something else, takes a database longer.
    raw_delete(rows.filter(pk__in=[row.pk for row in there.values()]))
    rows.bulk_create(
        (
            Tally(**({column: hook} if column else {}), span=span, start=start, counts=histogram.counts)
            for (hook, span, start), histogram in counts.items()
        ),
        batch_size=500,
    )


def _there(column: str, rows: QuerySet[Tally], keys: Collection[Key]) -> dict[Key, Tally]:
    """The tallies that there are already."""
    hooks, spans, starts = (set(values) for values in zip(*keys, strict=True))
    found = of_column(rows, column, hooks).filter(span__in=spans, start__in=starts).order_by()
    by_key = {(getattr(row, column) if column else SITE, row.span, row.start): row for row in found}
    return {key: row for key, row in by_key.items() if key in keys}
