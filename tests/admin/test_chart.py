"""The geometry of the chart."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from openedx_webhooks.admin.chart import ATTEMPTS, CALLS, HEIGHT, WIDTH, chart
from openedx_webhooks.histogram import Histogram
from openedx_webhooks.operations.statistics import Period, Series, Slice

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def series(*hours, period=Period.DAY):
    """These hours, each given as counts by outcome."""
    made = Series(period, [Slice(NOON + timedelta(hours=place)) for place in range(len(hours))])
    for place, counts in enumerate(hours):
        made.add(place, Histogram({outcome: {"": count} for outcome, count in counts.items()}))
    return made


def day(*hours):
    """Their chart."""
    return chart(series(*hours), ATTEMPTS)


def test_the_bars_fill_the_width_without_touching():
    bars = day(*[{"accepted": 1}] * 24).bars
    assert len(bars) == 24
    for left, right in pairwise(bars):
        assert left.x + left.width < right.x
    assert bars[-1].x + bars[-1].width <= WIDTH


def test_the_busiest_hour_has_the_full_height_and_the_others_their_share():
    drawn = day({"accepted": 1200}, {"accepted": 300})
    first, second = drawn.bars
    assert first.parts[0].height == HEIGHT
    assert second.parts[0].height == HEIGHT / 4
    assert second.parts[0].y == HEIGHT * 3 / 4
    assert drawn.scale == "up to 1,200 an hour"


def test_outcomes_are_stacked_from_the_bottom():
    (hour,) = day({"accepted": 2, "not_sent": 1, "refused": 1}).bars
    assert [part.outcome for part in hour.parts] == ["accepted", "not_sent", "refused"]
    for lower, upper in pairwise(hour.parts):
        assert upper.y + upper.height == lower.y


def test_one_failure_among_thousands_is_seen_and_stays_inside():
    (hour,) = day({"accepted": 100_000, "refused": 1}).bars
    refused = hour.parts[-1]
    assert refused.height >= 2
    assert refused.y >= 0


@pytest.mark.parametrize("hours", [(), ({},), ({}, {})])
def test_nothing_is_no_bar(hours):
    drawn = day(*hours)
    assert drawn.most == 0
    assert not any(hour.parts for hour in drawn.bars)


def test_what_it_shows_is_said_in_words():
    drawn = day({"accepted": 3, "refused": 1})
    assert drawn.label == "Attempts (24 hours): 4, of which 1 were not accepted"
    assert drawn.bars[0].counts == "Accepted: 3, Not accepted: 1"


def test_days_have_dates_and_their_scale():
    drawn = chart(series({"accepted": 3}, period=Period.WEEK), ATTEMPTS)
    assert (drawn.bars[0].start, drawn.scale, drawn.ends) == ("11/24/2026", "up to 3 a day", ("7 days ago", "now"))


def test_calls_have_a_chart_too_and_what_was_only_observed_is_told_apart():
    drawn = chart(series({"passed": 3, "halted": 2, "would_halt": 4, "ignored": 1}), CALLS)
    assert drawn.label == "Calls (24 hours): 10, of which 1 had no usable answer"
    assert [part.outcome for part in drawn.bars[0].parts] == ["passed", "halted", "would_halt", "ignored"]
    assert drawn.totals == [
        ("Passed", "3"),
        ("Halted", "2"),
        ("Would have halted", "4"),
        ("Ignored: no usable answer", "1"),
    ]
    assert drawn.legend[1] == ("warn", "Halted, Would have halted")
