"""Why nothing happened: what is counted when a hook's own condition or shape keeps it from being called."""

import multiprocessing
import threading
import time

import pytest
from django.core.cache import cache
from django.test import override_settings

from openedx_webhooks import skips
from openedx_webhooks.background import process
from openedx_webhooks.models import Webfilter, Webhook
from openedx_webhooks.skips import Reason, SkipCounts


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_is_counted_for_its_hook(reason):
    for _ in range(3):
        skips.note(Webhook(pk=1), reason)
    skips.note(Webhook(pk=2), reason)
    assert skips.last_day(Webhook(pk=1)) == {reason: 3}


def test_hook_that_was_always_called_counts_nothing():
    assert skips.last_day(Webhook(pk=1)) == {}


def test_webhook_and_webfilter_of_the_same_number_are_counted_apart():
    skips.note(Webhook(pk=1), Reason.NO_MATCH)
    assert skips.last_day(Webfilter(pk=1)) == {}
    assert skips.last_day(Webhook(pk=1)) == {Reason.NO_MATCH: 1}


def test_counts_of_more_than_a_day_ago_are_left_out(monkeypatch):
    now = skips.time.time()
    skips.note(Webhook(pk=1), Reason.NO_MATCH)
    monkeypatch.setattr(skips.time, "time", lambda: now + 25 * 3600)
    assert skips.last_day(Webhook(pk=1)) == {}


@pytest.mark.parametrize(
    "backend",
    [
        {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"},
    ],
)
def test_cache_that_is_away_costs_the_counts_and_nothing_else(backend):
    with override_settings(CACHES={"default": backend}):
        skips.note(Webhook(pk=1), Reason.NO_MATCH)
        assert skips.last_day(Webhook(pk=1)) == {}


def test_who_reads_waits_for_what_is_being_written(monkeypatch):
    """Or an operator would see nothing of what happened a moment ago."""
    is_writing, may_write, real, found = threading.Event(), threading.Event(), skips.ask, []

    def ask(*args, **kwargs):
        is_writing.set()
        may_write.wait(10)
        return real(*args, **kwargs)

    monkeypatch.setattr(skips, "ask", ask)
    skips.note(Webhook(pk=1), Reason.NO_MATCH)
    writing = threading.Thread(target=process.get(SkipCounts).run)
    writing.start()
    is_writing.wait(10)
    reading = threading.Thread(target=lambda: found.append(skips.last_day(Webhook(pk=1))))
    reading.start()
    reading.join(0.2)
    may_write.set()
    reading.join()
    writing.join()
    assert found == [{Reason.NO_MATCH: 1}]


def test_counts_reach_the_cache_without_being_asked_for(monkeypatch):
    monkeypatch.setattr(SkipCounts, "GATHER_SECONDS", 0.01)
    skips.note(Webhook(pk=1), Reason.NO_MATCH)
    counts = process.get(SkipCounts)
    end = time.monotonic() + 5
    while counts._counts and time.monotonic() < end:
        time.sleep(0.01)
    process.forget()
    assert skips.last_day(Webhook(pk=1)) == {Reason.NO_MATCH: 1}


def test_counts_reach_the_cache_before_the_process_ends():
    skips.note(Webhook(pk=1), Reason.NO_MATCH)
    assert process.flush()
    process.forget()
    assert skips.last_day(Webhook(pk=1)) == {Reason.NO_MATCH: 1}


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_child_process_does_not_write_what_its_parent_counted():
    skips.note(Webhook(pk=1), Reason.NO_MATCH)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(_pending) == 0


def _pending():
    return len(process.get(SkipCounts)._counts)


def test_what_another_program_left_in_the_cache_counts_nothing():
    skips.note(Webhook(pk=1), Reason.NO_MATCH)
    process.flush()
    key = skips._key("Webhook", 1, Reason.NO_SHAPE, int(time.time() // 3600))  # pylint: disable=protected-access
    cache.set(key, "garbage")
    assert skips.last_day(Webhook(pk=1)) == {Reason.NO_MATCH: 1}
