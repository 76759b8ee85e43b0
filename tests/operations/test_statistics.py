"""Figures about the last day."""

from collections import Counter
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Webhook
from openedx_webhooks.models.delivery import STATES
from openedx_webhooks.operations import statistics

pytestmark = pytest.mark.django_db
EVENT = "org.openedx.learning.auth.session.login.completed.v1"


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


def test_a_tally_counts_by_state_and_webhook(webhook):
    other = Webhook.objects.create(event=EVENT, webhook_url="https://example.com/")
    for state in ("delivered", *STATES):
        deliver(webhook, state)
    deliver(other, "failed")
    silent = Webhook.objects.create(event=EVENT, webhook_url="https://example.com/")
    found = statistics.tallies([webhook.pk, other.pk, silent.pk])
    assert found == {webhook.pk: Counter([*STATES, "delivered"]), other.pk: {"failed": 1}}


def test_only_the_last_day_counts(webhook):
    deliver(webhook, hours_ago=23)
    deliver(webhook, hours_ago=25)
    assert statistics.tallies([webhook.pk])[webhook.pk].total() == 1


@pytest.mark.parametrize(
    "tally, ratio",
    [
        (statistics.Tally(), None),
        (statistics.Tally(pending=5, cancelled=1), None),
        (statistics.Tally(delivered=3, failed=1, pending=9), 0.75),
        (statistics.Tally(failed=2), 0.0),
    ],
)
def test_the_success_ratio_is_of_those_that_are_decided(tally, ratio):
    assert tally.success_ratio == ratio


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


def test_the_latest_delivery_is_the_newest(webhook):
    deliver(webhook, "delivered", hours_ago=2)
    newest = deliver(webhook, "failed", hours_ago=1)
    silent = Webhook.objects.create(event=EVENT, webhook_url="https://example.com/")
    assert statistics.latest_deliveries([webhook.pk, silent.pk]) == {webhook.pk: ("failed", newest.created)}


def test_a_fast_result_is_always_fresh(webhook):
    deliver(webhook)
    statistics.tallies([webhook.pk])
    deliver(webhook)
    assert statistics.tallies([webhook.pk])[webhook.pk].total() == 2


def test_a_slow_result_is_kept_for_a_while(webhook, monkeypatch):
    clock = iter([0.0, 1.5, 100.0, 101.5])
    monkeypatch.setattr(statistics, "time", type("Clock", (), {"monotonic": lambda: next(clock)}))
    deliver(webhook)
    first = statistics.tallies([webhook.pk])
    deliver(webhook)
    assert statistics.tallies([webhook.pk]) == first


def test_a_state_that_somebody_wrote_past_us_breaks_no_figure(webhook):
    deliver(webhook)
    deliver(webhook, "expired")
    assert statistics.tallies([webhook.pk])[webhook.pk].success_ratio == 1
    assert statistics.hours(webhook.pk)[-1].tally.total() == 2
