"""Calls at the same time: in order, in time, whatever the pool is doing, and after a fork."""

import multiprocessing
import threading
import time

import attrs
import pytest

from openedx_webhooks.background import DaemonExecutor, process
from openedx_webhooks.skips import Reason
from openedx_webhooks.webfilters import calls
from openedx_webhooks.webfilters.calls import CallRequest, call_all
from tests.receiver import Reply


def request(url, timeout=2.0):
    return CallRequest(
        url, "msg", {}, b"{}", {"Content-Type": "application/json"}, {}, timeout=timeout, connect_timeout=1
    )


def soon(seconds=5.0):
    return time.monotonic() + seconds


def test_no_request():
    assert call_all([], soon()) == []


def test_outcomes_are_in_the_order_of_the_requests(receiver):
    """However long each takes."""
    urls = [receiver.on(f"/{n}", Reply(str(n).encode(), delay=(5 - n) / 50)) for n in range(5)]
    assert [outcome.body for outcome in call_all([request(url) for url in urls], soon())] == [
        b"0",
        b"1",
        b"2",
        b"3",
        b"4",
    ]


def test_one_call_needs_no_thread(receiver, monkeypatch):
    monkeypatch.setattr(calls, "process", None)
    assert call_all([request(receiver.url())], soon())[0].ok


def test_deadline_cuts_all_timeouts(receiver):
    urls = [receiver.on(f"/{n}", Reply(delay=4)) for n in range(4)]
    start = time.monotonic()
    outcomes = call_all([request(url, timeout=30) for url in urls], soon(0.3))
    assert [outcome.error for outcome in outcomes] == ["timeout"] * 4
    assert time.monotonic() - start < 3


def test_no_time_left(receiver):
    outcomes = call_all([request(receiver.url())] * 2, soon(-1))
    assert [outcome.error for outcome in outcomes] == [Reason.BUDGET] * 2
    assert not receiver.received


def test_busy_pool_leaves_the_calls_to_the_callers_thread(receiver):
    executor = process.get(calls._executor)
    done = threading.Event()
    for _ in range(calls.app_settings.WEBFILTER_THREADS):
        executor.submit(done.wait, 5)
    outcomes = call_all([request(receiver.url(f"/{n}")) for n in range(3)], soon())
    done.set()
    assert [outcome.ok for outcome in outcomes] == [True] * 3


def test_no_thread_to_be_had(receiver, monkeypatch):
    """As when the interpreter is shutting down."""

    def refuse(self, function, *args):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(DaemonExecutor, "submit", refuse)
    assert [outcome.ok for outcome in call_all([request(receiver.url())] * 3, soon())] == [True] * 3


def test_threads_do_not_pile_up(receiver):
    before = threading.active_count()
    for _ in range(20):
        call_all([request(receiver.url(f"/{n}")) for n in range(4)], soon())
    own = [thread for thread in threading.enumerate() if thread.name.startswith("openedx_webhooks-helper")]
    assert len(own) <= calls.app_settings.WEBFILTER_THREADS
    assert threading.active_count() < before + calls.app_settings.WEBFILTER_THREADS + 10


def _ask_in_child(results, urls):
    outcomes = call_all([request(url) for url in urls], soon())
    results.put([attrs.astuple(outcome)[:2] for outcome in outcomes])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_child_of_a_fork_makes_threads_of_its_own(receiver):
    """uWSGI and Celery fork after the first requests may have run."""
    urls = [receiver.url(f"/{n}") for n in range(3)]
    call_all([request(url) for url in urls], soon())
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=_ask_in_child, args=(results, urls))
    child.start()
    child.join(10)
    assert child.exitcode == 0
    assert results.get() == [(200, "")] * 3
