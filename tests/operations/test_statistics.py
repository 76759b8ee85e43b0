"""Figures of a day, a week or a month: from tallies, and from what is not in them yet."""

from collections import Counter
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.cache.backends.base import memcache_key_warnings
from django.utils import timezone

from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Webhook
from openedx_webhooks.operations import frequency, statistics, tallies
from openedx_webhooks.operations.statistics import Period

pytestmark = pytest.mark.django_db
EVENT = "org.openedx.learning.auth.session.login.completed.v1"
FILTER = "org.openedx.learning.student.login.requested.v1"


@pytest.fixture(name="webhook")
def _webhook():
    return Webhook.objects.create(event=EVENT, webhook_url="https://example.com/")


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()
    yield
    cache.clear()


def attempt(webhook, hours_ago=0.0, status=200, error="", duration=0.1):
    """An attempt of a delivery of its own."""
    moment = timezone.now() - timedelta(hours=hours_ago)
    event = CapturedEvent.objects.create(
        event_id=f"{Delivery.objects.count():032x}", event_type=EVENT, time=moment, created=moment
    )
    made = Delivery.objects.create(webhook=webhook, event=event, created=moment)
    return Attempt.objects.create(delivery=made, started_at=moment, duration=duration, status_code=status, error=error)


@pytest.mark.parametrize(
    "period, hours_ago, where",
    [
        (Period.DAY, (0, 5, 5, 22), {-1: 1, -6: 2, -23: 1}),
        (Period.WEEK, (0, 48, 48, 144, 200), {-1: 1, -3: 2, -7: 1}),
        (Period.MONTH, (0, 48, 29 * 24, 31 * 24), {-1: 1, -3: 1, -30: 1}),
    ],
)
def test_each_attempt_is_in_its_hour_or_day(webhook, period, hours_ago, where):
    for each in hours_ago:
        attempt(webhook, each)
    slices = statistics.of(webhook, period).slices
    assert len(slices) == period.slices
    assert [one.start for one in slices] == sorted(one.start for one in slices)
    assert {place - len(slices): one.tally.total() for place, one in enumerate(slices) if one.tally} == where


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu"])
def test_hours_do_not_depend_on_the_sites_time_zone(webhook, zone, settings):
    settings.TIME_ZONE = zone
    attempt(webhook)
    with timezone.override(zone):
        assert statistics.of(webhook).slices[-1].tally.total() == 1


def test_outcomes_rates_and_durations(webhook):
    for number in range(1, 101):
        attempt(webhook, status=200 if number % 4 else 503, duration=number / 100)
    attempt(webhook, status=None, error="timeout", duration=15)
    attempt(webhook, status=None, error="shape_failed", duration=0)
    # Neither is the endpoint's, nor the webhook's.
    attempt(webhook, status=None, error="no_match", duration=0)
    attempt(webhook, status=None, error="payload_removed", duration=0)
    found = statistics.of(webhook)
    assert found.tally == {"accepted": 75, "refused": 27, "not_sent": 2}
    assert found.accepted_share == 75 / 102
    assert found.durations == pytest.approx([0.51, 0.96], rel=0.1)


def test_without_attempts_there_is_no_share_and_no_duration(webhook):
    found = statistics.of(webhook)
    assert (found.accepted_share, found.durations, found.tally, found.is_complete) == (None, None, Counter(), True)


def test_what_is_counted_and_what_is_new_are_the_whole(webhook, monkeypatch):
    other = Webhook.objects.create(event=EVENT, webhook_url="https://example.org/")
    monkeypatch.setattr(tallies, "_SETTLED", timedelta())
    attempt(webhook)
    tallies.count(tallies.ATTEMPTS)
    attempt(webhook, status=500)
    attempt(other)
    found = statistics.of_hooks(Webhook, [webhook.pk, other.pk])
    assert (found[webhook.pk].tally, found[other.pk].tally) == ({"accepted": 1, "refused": 1}, {"accepted": 1})
    sum_of_both = statistics.total(found.values(), Period.DAY)
    assert (sum_of_both.tally, sum_of_both.slices[-1].tally.total()) == ({"accepted": 2, "refused": 1}, 3)


def test_too_much_that_is_new_is_told(webhook, monkeypatch):
    monkeypatch.setattr(statistics, "_MOST_NEW", 2)
    for _ in range(3):
        attempt(webhook)
    found = statistics.of(webhook)
    assert (found.is_complete, found.tally.total()) == (False, 2)


def test_a_worker_that_counts_meanwhile_does_not_double_it(webhook, monkeypatch):
    attempt(webhook)
    monkeypatch.setattr(tallies, "_SETTLED", timedelta())
    counted_to, asked = tallies.counted_to, []

    def in_between(source):
        mark = counted_to(source)
        if not asked:
            tallies.count(source)
        asked.append(mark)
        return mark

    monkeypatch.setattr(tallies, "counted_to", in_between)
    assert statistics.of(webhook).tally == {"accepted": 1}


def test_a_fast_result_is_always_fresh_and_a_slow_one_is_kept_for_a_while(monkeypatch):
    results = iter(range(9))
    assert [statistics.cached("fast", lambda: next(results)) for _ in range(2)] == [0, 1]
    clock = iter([0.0, 1.5, 100.0, 101.5])
    monkeypatch.setattr(statistics, "time", type("Clock", (), {"monotonic": lambda: next(clock)}))
    assert [statistics.cached("slow", lambda: next(results)) for _ in range(2)] == [2, 2]


@pytest.mark.parametrize("figures", [frequency.of_events, frequency.of_filters])
def test_memcached_takes_its_key(figures, monkeypatch):
    """One that it refuses would count as a cache that is away: for half a minute no circuit would be open."""
    keys = []
    monkeypatch.setattr(statistics, "ask", lambda operation, key, *args: keys.append(key))
    figures()
    assert keys
    assert [warning for key in keys for warning in memcache_key_warnings(key)] == []
