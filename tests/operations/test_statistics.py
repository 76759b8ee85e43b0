"""Figures about the last day."""

from collections import Counter
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.cache.backends.base import memcache_key_warnings
from django.utils import timezone

from openedx_webhooks.models import Attempt, Call, CapturedEvent, Delivery, Webfilter, Webhook
from openedx_webhooks.operations import frequency, statistics

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


def deliver(webhook, state="delivered", hours_ago=0.0, duration=None):
    """A delivery, and an attempt if it has a duration (seconds)."""
    moment = timezone.now() - timedelta(hours=hours_ago)
    event = CapturedEvent.objects.create(
        event_id=f"{Delivery.objects.count():032x}", event_type=EVENT, time=moment, created=moment
    )
    made = Delivery.objects.create(webhook=webhook, event=event, state=state, created=moment)
    if duration is not None:
        Attempt.objects.create(delivery=made, started_at=timezone.now(), duration=duration)
    return made


def test_there_are_24_hours_and_each_delivery_is_in_its_own(webhook):
    for hours_ago in (0, 5, 5, 22):
        deliver(webhook, hours_ago=hours_ago)
    hours = statistics.hours(webhook.pk)
    assert len(hours) == 24
    assert [hour.start for hour in hours] == sorted(hour.start for hour in hours)
    assert [hour.tally.total() for hour in hours if hour.tally] == [1, 2, 1]
    assert hours[-1].tally.total() == 1


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu", "UTC"])
def test_hours_do_not_depend_on_the_sites_time_zone(webhook, zone, settings):
    """MySQL without time zone tables gives no hours at all in other zones than UTC."""
    settings.TIME_ZONE = zone
    deliver(webhook, hours_ago=0)
    with timezone.override(zone):
        assert statistics.hours(webhook.pk)[-1].tally.total() == 1


def test_durations_are_of_the_latest_attempts(webhook):
    for number in range(1, 101):
        deliver(webhook, duration=number / 100)
    found = statistics.durations(webhook.pk)
    assert (found.count, found.median, found.p95) == (100, 0.51, 0.96)


def test_without_attempts_there_are_no_durations(webhook):
    deliver(webhook)
    assert statistics.durations(webhook.pk) is None


def test_a_fast_result_is_always_fresh(webhook):
    deliver(webhook)
    statistics.hours(webhook.pk)
    deliver(webhook)
    assert statistics.hours(webhook.pk)[-1].tally.total() == 2


def test_a_slow_result_is_kept_for_a_while(webhook, monkeypatch):
    clock = iter([0.0, 1.5, 100.0, 101.5])
    monkeypatch.setattr(statistics, "time", type("Clock", (), {"monotonic": lambda: next(clock)}))
    deliver(webhook)
    first = statistics.hours(webhook.pk)
    deliver(webhook)
    assert statistics.hours(webhook.pk) == first


def test_calls_are_counted_by_hour_and_result_and_those_that_were_made_are_timed():
    webfilter = Webfilter.objects.create(event=FILTER, webhook_url="https://example.com/")
    now = timezone.now()
    for result, hours_ago, more in (
        ("passed", 0, {}),
        ("halted", 3, {}),
        ("passed", 30, {}),
        ("passed", 0, {"is_cached": True, "duration": 0}),
        ("halted", 0, {"error": "budget: no time", "duration": 0}),
    ):
        fields = {"duration": 0.2, "started_at": now - timedelta(hours=hours_ago), **more}
        Call.objects.create(webfilter=webfilter, mode="enforce", result=result, **fields)
    hours = statistics.hours_of_calls(webfilter.pk)
    assert sum((hour.tally for hour in hours), Counter()) == {"passed": 2, "halted": 2}
    assert statistics.durations_of_calls(webfilter.pk) == statistics.Durations(3, 0.2, 0.2)


@pytest.mark.parametrize(
    "figures",
    [
        frequency.of_events,
        frequency.of_filters,
        lambda: statistics.hours(1),
        lambda: statistics.hours_of_calls(1),
        lambda: statistics.durations(1),
        lambda: statistics.durations_of_calls(1),
    ],
)
def test_memcached_takes_its_key(figures, monkeypatch):
    """One that it refuses would count as a cache that is away: for half a minute no circuit would be open."""
    keys = []
    monkeypatch.setattr(statistics, "ask", lambda operation, key, *args: keys.append(key))
    figures()
    assert [warning for key in keys for warning in memcache_key_warnings(key)] == []
