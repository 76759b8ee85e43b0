"""The geometry of the chart."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from openedx_webhooks.admin.chart import CALLS, HEIGHT, WIDTH, chart
from openedx_webhooks.operations.statistics import Hour

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def day(*hours):
    """The chart of these hours, each given as counts by state."""
    return chart([Hour(NOON + timedelta(hours=place), Counter(counts)) for place, counts in enumerate(hours)])


def test_the_bars_fill_the_width_without_touching():
    bars = day(*[{"delivered": 1}] * 24).bars
    assert len(bars) == 24
    for left, right in pairwise(bars):
        assert left.x + left.width < right.x
    assert bars[-1].x + bars[-1].width <= WIDTH


def test_the_busiest_hour_has_the_full_height_and_the_others_their_share():
    first, second = day({"delivered": 100}, {"delivered": 25}).bars
    assert first.parts[0].height == HEIGHT
    assert second.parts[0].height == HEIGHT / 4
    assert second.parts[0].y == HEIGHT * 3 / 4


def test_states_are_stacked_from_the_bottom():
    (hour,) = day({"delivered": 2, "pending": 1, "failed": 1}).bars
    assert [part.state for part in hour.parts] == ["delivered", "pending", "failed"]
    for lower, upper in pairwise(hour.parts):
        assert upper.y + upper.height == lower.y


def test_one_failure_among_thousands_is_seen_and_stays_inside():
    (hour,) = day({"delivered": 100_000, "failed": 1}).bars
    failed = hour.parts[-1]
    assert failed.height >= 2
    assert failed.y >= 0


@pytest.mark.parametrize("hours", [(), ({},), ({}, {})])
def test_nothing_is_no_bar(hours):
    drawn = day(*hours)
    assert drawn.most == 0
    assert not any(hour.parts for hour in drawn.bars)


def test_what_it_shows_is_said_in_words():
    assert day({"delivered": 3, "failed": 1}).label == "Deliveries in the last 24 hours: 4, of which 1 failed"


def test_the_results_of_calls_have_a_chart_too():
    drawn = chart([Hour(NOON, Counter(passed=3, halted=2, ignored=1))], CALLS)
    assert drawn.label == "Recorded calls in the last 24 hours: 6, of which 1 had no usable answer"
    assert [part.state for part in drawn.bars[0].parts] == ["passed", "halted", "ignored"]
    assert drawn.totals == [("Passed", 3), ("Halted", 2), ("Ignored: no usable answer", 1)]
