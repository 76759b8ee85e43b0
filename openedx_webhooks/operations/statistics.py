"""
Figures for the admin pages: what attempts and calls came to in the last day, week or month.

They come from the tallies (:mod:`.tallies`), and what is not in them yet is counted here, so that they are always
fresh. Where there is too much of that, as in the minutes after an upgrade, the figures say that they are incomplete.
"""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import attrs
from django.db import DatabaseError
from django.db.models import TextChoices
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from ..models import CapturedEvent, Hook, Tally
from ..models.tally import ATTEMPT_OUTCOMES, CALL_OUTCOMES
from ..shared_cache import ask
from . import tallies
from .histogram import Histogram
from .tallies import OF, Key, Source

log = logging.getLogger(__name__)
_CACHE_FACTOR = 100
_CACHE_MAX_SECONDS = 600
# Rows that a page counts by itself: a quarter of a second, and what a busy site writes in half a minute.
_MOST_NEW = 20_000
_TRAITS = {**ATTEMPT_OUTCOMES, **CALL_OUTCOMES}


class Period(TextChoices):
    """How far figures look back: over the current hour and those before it, or the current day of UTC and those."""

    DAY = "day", _("24 hours")
    WEEK = "week", _("7 days")
    MONTH = "month", _("30 days")

    @property
    def span(self) -> int:
        """Of one slice of it."""
        return Tally.Span.HOUR if self == Period.DAY else Tally.Span.DAY

    @property
    def slices(self) -> int:
        """How many it has."""
        return {Period.DAY: 24, Period.WEEK: 7, Period.MONTH: 30}[self]

    def starts(self) -> list[datetime]:
        """When each of its slices begins, the oldest first and the current one last."""
        current = tallies.start_of(now(), self.span)
        return [current - timedelta(hours=self.span * ago) for ago in reversed(range(self.slices))]


@attrs.frozen
class Slice:
    """How many attempts, or calls, that began in one hour or on one day had each outcome."""

    start: datetime
    tally: Counter[str] = attrs.field(factory=Counter)


@attrs.define
class Series:
    """
    What attempts or calls came to in a period.

    Attributes:
        slices: the oldest first.
        all: of the whole period.
        is_complete: nothing is missing.
    """

    period: Period
    slices: list[Slice]
    all: Histogram = attrs.field(factory=Histogram)
    is_complete: bool = True
    tally: Counter[str] = attrs.field(factory=Counter)

    def add(self, place: int, histogram: Histogram) -> None:
        """Count what began in a slice."""
        tally = histogram.tally
        self.slices[place].tally.update(tally)
        self.tally.update(tally)
        self.all.add_all(histogram.counts)

    @property
    def accepted(self) -> int:
        """The endpoint did what it should."""
        return self._counted_as(True)

    @property
    def refused(self) -> int:
        """It did not."""
        return self._counted_as(False)

    @property
    def tried(self) -> int:
        """Either."""
        return self.accepted + self.refused

    @property
    def accepted_share(self) -> float | None:
        """0 to 1; None if nothing was tried."""
        return self.accepted / self.tried if self.tried else None

    @property
    def durations(self) -> list[float] | None:
        """How many seconds half of them took at most, and 95 of 100; None if none was timed."""
        return self.all.percentiles((0.5, 0.95))

    def _counted_as(self, verdict: bool) -> int:
        return sum(
            n for outcome, n in self.tally.items() if outcome in _TRAITS and _TRAITS[outcome].counts_as is verdict
        )


def counted_as(tally: Counter[str], verdict: bool) -> int:
    """How many of the outcomes are successes (True), or failures (False)."""
    return sum(n for outcome, n in tally.items() if outcome in _TRAITS and _TRAITS[outcome].counts_as is verdict)


def of(hook: Hook, period: Period = Period.DAY) -> Series:
    """The figures of one hook."""
    return of_hooks(type(hook), [hook.pk], period)[hook.pk]


def of_hooks(kind: type[Hook], ids: Iterable[int], period: Period = Period.DAY) -> dict[int, Series]:
    """
    The figures of each of some hooks, by primary key: a few queries for all of them.

    Args:
        kind: Webhook or Webfilter.
        ids: primary keys.
    """
    source, ids, starts = OF[kind], list(ids), period.starts()
    places = {start: place for place, start in enumerate(starts)}
    counted, is_complete = _counted(source, ids, period.span, starts)
    found = {pk: Series(period, [Slice(start) for start in starts], is_complete=is_complete) for pk in ids}
    for (pk, _span, start), histogram in counted.items():
        found[pk].add(places[start], histogram)
    return found


def total(several: Iterable[Series], period: Period) -> Series:
    """The sum of some series of one period."""
    found = Series(period, [Slice(start) for start in period.starts()])
    for one in several:
        for ours, theirs in zip(found.slices, one.slices, strict=True):
            ours.tally.update(theirs.tally)
        found.tally.update(one.tally)
        found.all.add_all(one.all.counts)
        found.is_complete = found.is_complete and one.is_complete
    return found


def _counted(source: Source, ids: list[int], span: int, starts: list[datetime]) -> tuple[dict[Key, Histogram], bool]:
    """What the tallies have, and what is not in them yet; and whether that is all."""
    found: dict[Key, Histogram] = defaultdict(Histogram)
    is_complete, wanted, rows = True, {(pk, span, start) for pk in ids for start in starts}, source.rows()
    # Again, if a worker has counted at the same time: what it took from the one lot may be in neither, or in both.
    for _try in range(2):
        mark = tallies.counted_to(source)
        new = source.read(rows.filter(pk__gt=mark).order_by("-pk")[:_MOST_NEW])
        is_complete = len(new) < _MOST_NEW
        found = defaultdict(Histogram, {key: each for key, each in tallies.summed(new).items() if key in wanted})
        kept = Tally.objects.using(rows.db).filter(**{f"{source.column}__in": ids}, span=span, start__gte=starts[0])
        for *key, counts in kept.order_by().values_list(source.column, "span", "start", "counts"):
            if tuple(key) in wanted:
                found[tuple(key)].add_all(counts)
        if mark == tallies.counted_to(source):
            break
    return found, is_complete


def captured(period: Period) -> int:
    """How many events were captured. A day that is over is counted once, for that takes a while on a busy site."""
    starts = period.starts()
    over = starts[:-2] if period.span == Tally.Span.DAY else []
    keys = {f"openedx_webhooks:captured:{start:%Y%m%d}": start for start in over}
    known = ask("get_many", list(keys)) or {}
    for key, start in keys.items():
        if key not in known:
            known[key] = _captured(start, start + timedelta(days=1))
            ask("set", key, known[key], tallies.KEPT.total_seconds())
    return sum(known.values()) + _captured(starts[len(over)], now())


def count_days() -> None:
    """
    Count the days that are over before somebody asks for them. Never raises.

    For workers, now and then.
    """
    try:
        captured(Period.MONTH)
    except DatabaseError as error:
        log.warning("Captured events are counted later: %s", type(error).__name__)


def _captured(since: datetime, until: datetime) -> int:
    return CapturedEvent.objects.filter(created__gte=since, created__lt=until).count()


def cached(key: str, query: Callable[[], Any]) -> Any:
    """What a query finds, or found a short while ago if it is slow."""
    key = f"openedx_webhooks:statistics:{key}"
    value = ask("get", key)
    if value is None:
        started = time.monotonic()
        value = query()
        if (seconds := int((time.monotonic() - started) * _CACHE_FACTOR)) >= 10:
            ask("set", key, value, min(seconds, _CACHE_MAX_SECONDS))
    return value
