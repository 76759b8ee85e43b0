"""
Figures for the admin pages: what attempts and calls came to in the last day, week or month.

They come from the tallies (:mod:`.tallies`), and what is not in them yet is counted here, so that they are always
fresh. Where there is too much of that, as in the minutes after an upgrade, the figures say that they are incomplete.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs
from django.db import router
from django.db.models import F, TextChoices, Value
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from ..histogram import Histogram
from ..models import Hook, Tally, Webfilter, Webhook
from ..models.tally import ATTEMPT_OUTCOMES, CALL_OUTCOMES
from ..shared_cache import ask
from ..tally_rows import SITE, Key, of_column, start_of
from . import tallies
from .tallies import ATTEMPTS, EVENTS, Source

# Of the tallies, for the hook.
COLUMNS: dict[type[Hook], str] = {Webhook: "webhook_id", Webfilter: "webfilter_id"}
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
        return Tally.Span.HOUR if self == Period.DAY else Tally.Span.DAY

    @property
    def slices(self) -> int:
        return {Period.DAY: 24, Period.WEEK: 7, Period.MONTH: 30}[self]

    def starts(self) -> list[datetime]:
        """When each of its slices begins, the oldest first and the current one last."""
        current = start_of(now(), self.span)
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
        return counted_as(self.tally, True)

    @property
    def refused(self) -> int:
        return counted_as(self.tally, False)

    @property
    def tried(self) -> int:
        return self.accepted + self.refused

    @property
    def accepted_share(self) -> float | None:
        """0 to 1; None if nothing was tried."""
        return self.accepted / self.tried if self.tried else None

    @property
    def durations(self) -> list[float] | None:
        """How many seconds half of them took at most, and 95 of 100; None if none was timed."""
        return self.all.percentiles((0.5, 0.95))


def counted_as(tally: Counter[str], verdict: bool) -> int:
    """How many of the outcomes are successes (True), or failures (False)."""
    return sum(n for outcome, n in tally.items() if outcome in _TRAITS and _TRAITS[outcome].counts_as is verdict)


def of(hook: Hook, period: Period = Period.DAY) -> Series:
    return of_hooks(type(hook), [hook.pk], period)[hook.pk]


def of_hooks(kind: type[Hook], ids: Iterable[int], period: Period = Period.DAY) -> dict[int, Series]:
    """The figures of each of some hooks, by primary key: a few queries for all of them."""
    return _series(COLUMNS[kind], list(ids), period, ATTEMPTS if kind is Webhook else None)


def captured(period: Period) -> Series:
    return _series("", [SITE], period, EVENTS)[SITE]


def _series(column: str, ids: list[int], period: Period, source: Source | None) -> dict[int, Series]:
    starts = period.starts()
    places = {start: place for place, start in enumerate(starts)}
    wanted = {(pk, period.span, start) for pk in ids for start in starts}
    counted, is_complete = _counted(column, wanted, source)
    found = {pk: Series(period, [Slice(start) for start in starts], is_complete=is_complete) for pk in ids}
    for (pk, _span, start), histogram in counted.items():
        found[pk].add(places[start], histogram)
    return found


def total(several: Iterable[Series], period: Period) -> Series:
    found = Series(period, [Slice(start) for start in period.starts()])
    for one in several:
        for ours, theirs in zip(found.slices, one.slices, strict=True):
            ours.tally.update(theirs.tally)
        found.tally.update(one.tally)
        found.all.add_all(one.all.counts)
        found.is_complete = found.is_complete and one.is_complete
    return found


def _counted(column: str, wanted: set[Key], source: Source | None) -> tuple[dict[Key, Histogram], bool]:
    """What the tallies have, and what is not in them yet, if there is a table of it; and whether that is all."""
    found, is_complete = defaultdict(Histogram), True
    # Again, if a worker has counted at the same time: what it took from the one lot may be in neither, or in both.
    for _try in range(2):
        mark = tallies.counted_to(source) if source else None
        new = source.read(source.rows().filter(pk__gt=mark).order_by("-pk")[:_MOST_NEW]) if source else []
        is_complete = len(new) < _MOST_NEW
        found = defaultdict(Histogram, {key: each for key, each in tallies.summed(new).items() if key in wanted})
        for key, counts in _kept(column, wanted):
            found[key].add_all(counts)
        if source is None or mark == tallies.counted_to(source):
            break
    return found, is_complete


def _kept(column: str, wanted: set[Key]) -> Iterator[tuple[Key, dict[str, dict[str, int]]]]:
    if not wanted:
        return
    hooks, spans, starts = (set(values) for values in zip(*wanted, strict=True))
    rows = Tally.objects.using(router.db_for_write(Tally)).filter(span__in=spans, start__gte=min(starts))
    columns = [Value(SITE) if not column else F(column), F("span"), F("start"), F("counts")]
    for *key, counts in of_column(rows, column, hooks).order_by().values_list(*columns):
        if tuple(key) in wanted:
            yield tuple(key), counts


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
