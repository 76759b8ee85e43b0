"""A cache that is away, hangs or lies still is a help, and costs one learner's time, not every one's."""

import logging
import socket
import time

import pytest
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache

from openedx_webhooks import shared_cache
from openedx_webhooks.shared_cache import ask


class Away(BaseCache):
    """Raises at every use, and counts them."""

    calls = 0

    def __init__(self, _location, params):
        super().__init__(params)

    def _gone(self, *_args, **_kwargs):
        Away.calls += 1
        raise ConnectionError("redis://:hush@cache.test is away")

    get = set = add = incr = _gone


@pytest.fixture
def away(settings):
    """The default cache is away."""
    Away.calls = 0
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.Away"}}


@pytest.mark.parametrize(
    "operation, args, result",
    [
        ("set", ("a", 1), None),
        ("get", ("a",), 1),
        ("get", ("b",), None),
        ("add", ("a", 2), False),
        ("incr", ("a", 4), 5),
    ],
)
def test_a_good_cache_answers_as_ever(operation, args, result):
    cache.clear()
    if operation != "set":
        cache.set("a", 1)
    assert ask(operation, *args) == result


def test_a_counter_that_expired_is_no_failure_of_the_cache():
    cache.clear()
    cache.set("a", 1)
    assert (ask("incr", "missing"), ask("get", "a")) == (None, 1)


def test_a_cache_that_raises_is_left_alone_for_half_a_minute(away, monkeypatch):
    assert [ask("get", "a"), ask("add", "a", 1), ask("set", "a", 1)] == [None] * 3
    assert Away.calls == 1
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 31)
    ask("get", "a")
    assert Away.calls == 2


def test_its_failure_is_one_line_without_its_address(away, caplog):
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            ask("get", "a")
    (record,) = caplog.records
    assert "ConnectionError" in record.getMessage()
    assert "hush" not in record.getMessage()


def test_a_cache_that_hangs_costs_its_time_once(settings):
    """It takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": f"redis://127.0.0.1:{server.getsockname()[1]}/0",
                "OPTIONS": {"socket_timeout": 0.6, "retry": None},
            }
        }
        start = time.monotonic()
        assert ask("get", "a") is None
        first = time.monotonic() - start
        assert [ask("get", "a") for _ in range(50)] == [None] * 50
        assert first > 0.5
        assert time.monotonic() - start - first < 0.1


def test_a_slow_cache_is_left_alone_though_it_answers(monkeypatch):
    cache.set("a", 1)
    clock = iter([0.0, 0.6, 1.0, 31.0, 31.1])
    monkeypatch.setattr(shared_cache.time, "monotonic", lambda: next(clock))
    assert [ask("get", "a"), ask("get", "a"), ask("get", "a")] == [1, None, 1]
