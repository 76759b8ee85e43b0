"""
Whether something grows: a rule that a leak fails, and that faults which come and go do not.

What comes before the end of the warm-up does not count. Of the rest, the median of the last third is compared with that
of the first: a peak moves neither, and all that grows steadily moves one of them.
"""

import statistics
from collections.abc import Sequence

import attrs

WARM_UP_SHARE = 0.15


@attrs.frozen
class Bound:
    """
    How much more the last third may have than the first: a share of it, and something.

    Attributes:
        share: 0.1 for a tenth.
        plus: in the series' unit.
    """

    share: float
    plus: float


@attrs.frozen
class Growth:
    """
    What came out.

    Attributes:
        first: median of the first third.
        last: median of the last third.
        most: what the last might be.
    """

    first: float
    last: float
    most: float

    @property
    def is_bounded(self) -> bool:
        """Whether the rule holds."""
        return self.last <= self.most


def growth(points: Sequence[tuple[float, float]], seconds: float, bound: Bound) -> Growth:
    """
    Compare.

    Args:
        points: time in seconds since the start, and value.
        seconds: how long the run takes.
        bound: see there.

    Raises:
        ValueError: a third has fewer than three points: nothing can be said.
    """
    begin = seconds * WARM_UP_SHARE
    third = (seconds - begin) / 3
    first = [value for at, value in points if begin <= at < begin + third]
    last = [value for at, value in points if seconds - third <= at <= seconds]
    if min(len(first), len(last)) < 3:
        raise ValueError(f"too few points: {len(first)} and {len(last)}")
    before, after = statistics.median(first), statistics.median(last)
    return Growth(before, after, before * (1 + bound.share) + bound.plus)
