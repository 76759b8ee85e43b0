"""Not more often than every so many seconds."""

import pytest

from openedx_webhooks import throttle


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

    monkeypatch.setattr(throttle.time, "monotonic", lambda: Clock.now)
    return Clock


def test_allows_once_in_its_time(clock):
    allowed = []
    for clock.now in (1000, 1001, 1009.9, 1010, 1011, 1020):
        allowed.append(throttle.allows("key", seconds=10))
    assert allowed == [True, False, False, True, False, True]


def test_keys_are_apart(clock):
    assert [throttle.allows(*key, seconds=10) for key in (("a",), ("a", 1), ("a", 2), ("a",))] == [True] * 3 + [False]


def test_keys_that_are_never_seen_again_do_not_fill_the_memory(clock):
    for number in range(25_000):
        throttle.allows(number, seconds=10)
    assert len(throttle.process.get(throttle._AllowedAt)) <= 10_000
