"""
Counts by outcome and duration, small enough to keep by the hour, and what can be read from them.

Durations are kept in buckets that are a fixed ratio apart, 2^(1/8), from 1 ms to 4 minutes. A percentile is the middle
of its bucket, to two digits: less than 10 % off, however many durations there were, and however they are added up.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

_PER_DOUBLING = 8
_LAST = 18 * _PER_DOUBLING
# What took no time of an endpoint's: nothing was sent, or an earlier answer was used.
UNTIMED = ""
_BUCKETS = frozenset((UNTIMED, *map(str, range(_LAST + 1))))
# No more than this happens in a day.
_MOST = 2**53


def bucket_of(seconds: float) -> str:
    """The bucket of a duration; a text, as JSON has them for keys. Without a duration: :data:`UNTIMED`."""
    if not seconds > 0:
        return UNTIMED
    return str(min(max(math.ceil(math.log2(seconds * 1000) * _PER_DOUBLING), 0), _LAST))


@attrs.define
class Histogram:
    """Outcome → bucket → how many; the same as :attr:`openedx_webhooks.models.Tally.counts`."""

    counts: dict[str, dict[str, int]] = attrs.field(factory=dict)

    def add(self, outcome: str, bucket: str, count: int = 1) -> None:
        """Count some."""
        buckets = self.counts.setdefault(outcome, {})
        buckets[bucket] = buckets.get(bucket, 0) + count

    def add_all(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Count what another one has; of a tally that somebody has written to, what still counts something."""
        for outcome, buckets in counts.items() if isinstance(counts, dict) else ():
            if not _is_sound(buckets):
                continue
            ours = self.counts.get(outcome)
            if ours is None:
                self.counts[outcome] = dict(buckets)
                continue
            for bucket, count in buckets.items():
                ours[bucket] = ours.get(bucket, 0) + count

    @property
    def tally(self) -> Counter[str]:
        """Outcome → how many."""
        return Counter({outcome: sum(buckets.values()) for outcome, buckets in self.counts.items()})

    def percentiles(self, shares: Iterable[float]) -> list[float] | None:
        """
        How many seconds the fastest took of such a share (0 to 1) of what was timed; None if nothing was.

        Args:
            shares: such as 0.5, the median.
        """
        timed: Counter[int] = Counter()
        for buckets in self.counts.values():
            for bucket, count in buckets.items():
                if bucket != UNTIMED:
                    timed[int(bucket)] += count
        ordered = sorted(timed.items())
        return [_seconds(_reached(ordered, share * timed.total())) for share in shares] if ordered else None


def _is_sound(buckets: Any) -> bool:
    """Whether it says how many of which bucket."""
    if not isinstance(buckets, dict) or not _BUCKETS.issuperset(buckets):
        return False
    numbers = buckets.values()
    return {int}.issuperset(map(type, numbers)) and min(numbers, default=0) >= 0 and max(numbers, default=0) <= _MOST


def _reached(ordered: list[tuple[int, int]], wanted: float) -> int:
    so_far = 0
    for bucket, count in ordered:
        so_far += count
        if so_far >= wanted:
            return bucket
    return ordered[-1][0]


def _seconds(bucket: int) -> float:
    """The middle of a bucket, to two digits."""
    return float(f"{2 ** ((bucket - 0.5) / _PER_DOUBLING) / 1000:.2g}")
