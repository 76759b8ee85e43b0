"""When a delivery is tried again, row by row."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from openedx_webhooks.app_settings import DEFAULTS
from openedx_webhooks.transport.client import Outcome
from openedx_webhooks.webhooks.schedule import Policy, next_attempt, retry_after

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE, HOUR = 60, 3600


@pytest.mark.parametrize(
    "position, wait",
    list(
        enumerate([5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR], start=1)
    ),
)
@pytest.mark.parametrize("rand, share", [(0, 0.8), (0.5, 1.0), (1, 1.2)])
def test_every_row_of_the_default_schedule_with_its_jitter(position, wait, rand, share):
    policy = Policy(DEFAULTS["DELIVERY_SCHEDULE_SECONDS"], DEFAULTS["DELIVERY_JITTER_RATIO"])
    when = next_attempt(Outcome(status_code=500), position, policy, NOW, lambda: rand)
    assert (when - NOW).total_seconds() == pytest.approx(wait * share)


def test_default_schedule_lasts_about_three_days():
    assert timedelta(seconds=sum(DEFAULTS["DELIVERY_SCHEDULE_SECONDS"])) == timedelta(
        days=3, hours=3, minutes=35, seconds=5
    )


@pytest.mark.parametrize("waits, position", [([5], 2), ([], 1), ([1, 2, 3], 4), ([1, 2, 3], 99)])
def test_exhausted_schedule_gives_no_next_attempt(waits, position):
    assert next_attempt(Outcome(status_code=500), position, Policy(waits), NOW) is None


@pytest.mark.parametrize(
    "header, seconds",
    [
        ("120", 120),
        ("0", 0),
        (" 7 ", 7),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 400, None),
        ("9" * 5000, None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 9999999 00:00:00 GMT", None),
        ("\0", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after(header) == seconds


def test_retry_after_date_is_counted_from_now():
    header = format_datetime(datetime.now(UTC) + timedelta(hours=10), usegmt=True)
    assert retry_after(header) == pytest.approx(36000, abs=3)


@pytest.mark.parametrize(
    "header, rand, wait",
    [
        ("60", 0, 60),  # later than the schedule: never earlier than asked
        ("60", 1, 72),
        ("1", 0.5, 5),  # earlier than the schedule: the schedule stays
        ("9" * 30, 0, 100),  # beyond the bound
        ("nonsense", 0.5, 5),
    ],
)
def test_retry_after_lengthens_the_wait_within_bounds(header, rand, wait):
    outcome = Outcome(status_code=429, headers={"retry-after": header})
    when = next_attempt(outcome, 1, Policy([5], 0.2, retry_after_max=100), NOW, lambda: rand)
    assert (when - NOW).total_seconds() == pytest.approx(wait)


@pytest.mark.parametrize("policy", [Policy([1e20]), Policy([1e300]), Policy([5], retry_after_max=1e15)])
def test_wait_that_no_date_can_hold_is_a_year(policy):
    """Whatever the site's settings allow: an error here would be the error of every webhook."""
    outcome = Outcome(status_code=503, headers={"retry-after": "999999999999"})
    assert next_attempt(outcome, 1, policy, NOW, lambda: 0.5) == NOW + timedelta(days=366)


def test_jitter_never_schedules_into_the_past():
    assert next_attempt(Outcome(status_code=500), 1, Policy([100], jitter=20), NOW, lambda: 0) == NOW
