"""What a process has for itself, and what its threads do behind the requests."""

import asyncio
import multiprocessing
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from django.db import connection

from openedx_webhooks import background
from openedx_webhooks.background import DaemonExecutor, Job, outside_async, process

from .receiver import wait_until


class Work(Job):
    """Counts its runs; a test may have them fail, raise or hang."""

    NAME = "test"
    RETRY_SECONDS = 0.05

    def __init__(self):
        super().__init__()
        self.runs: list[float] = []
        self.results: list[object] = []
        self.hangs = threading.Event()
        self.hangs.set()

    def run(self):
        self.runs.append(time.monotonic())
        self.hangs.wait(20)
        result = self.results.pop(0) if self.results else True
        if isinstance(result, Exception):
            raise result
        return result


class OtherWork(Work):
    """Has another thread."""


@pytest.fixture
def work():
    job = process.get(Work)
    yield job
    job.hangs.set()


# --- What a process has for itself


def test_all_threads_have_the_same_object():
    start = threading.Barrier(8)
    found = []

    def get():
        start.wait()
        found.append(process.get(Work))

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {id(one) for one in found} == {id(process.get(Work))}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_child_of_a_fork_begins_anew(work):
    """Whatever its parent's threads were doing: without their locks, and with nothing of what they have to do."""
    work.hangs.clear()
    work.ask()
    wait_until(lambda: work.runs)
    process.lock("held").acquire()
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=_in_child, args=(results,))
    child.start()
    child.join(10)
    assert child.exitcode == 0
    assert results.get() == (True, False, 0, 1)


def _in_child(results):
    is_free, is_serving = process.lock("held").acquire(timeout=1), process.is_serving
    inherited_runs = len(process.get(Work).runs)
    process.serve()
    process.get(Work).ask()
    wait_until(lambda: process.get(Work).runs)
    results.put((is_free, is_serving, inherited_runs, len(process.get(Work).runs)))


@pytest.mark.parametrize("worker, mule, is_master", [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_process_from_which_uwsgi_forks_starts_no_thread(work, monkeypatch, worker, mule, is_master):
    uwsgi = SimpleNamespace(worker_id=lambda: worker, mule_id=lambda: mule)
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi)
    work.ask()
    assert (work._thread is None, process.is_serving) == (is_master, not is_master)
    # Nothing that could not start is waited for at its end.
    start = time.monotonic()
    assert process.flush(60) is not is_master
    assert time.monotonic() - start < 30


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("was_open", [True, False])
def test_process_that_has_served_nothing_closes_the_connections_that_it_opens_and_no_other(was_open, monkeypatch):
    """Its children would all speak on them; those of its caller are the caller's business."""
    if connection.vendor == "sqlite":
        pytest.skip("a database in memory is never closed")
    monkeypatch.setattr(process, "_serving", None)
    connection.close()
    if was_open:
        connection.ensure_connection()
    with process.connections_as_found(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert (connection.connection is not None) == was_open


def test_process_that_has_served_nothing_puts_its_jobs_off(work, monkeypatch):
    """It may load the site and fork."""
    monkeypatch.setattr(background, "_SETTLE_SECONDS", 0.4)
    process._serving = None
    asked_at = time.monotonic()
    work.ask()
    wait_until(lambda: work.runs)
    assert work.runs[0] - asked_at > 0.35


# --- Jobs


def test_those_who_ask_meanwhile_share_a_run(work, monkeypatch):
    monkeypatch.setattr(Work, "GATHER_SECONDS", 60)
    for _ in range(50):
        work.ask()
    assert process.flush(5)
    assert len(work.runs) == 1


def test_who_asks_during_a_run_gets_another_after_the_spacing(work, monkeypatch):
    monkeypatch.setattr(Work, "SPACING_SECONDS", 0.2)
    work.hangs.clear()
    work.ask()
    wait_until(lambda: work.runs)
    work.ask()
    work.hangs.set()
    wait_until(lambda: len(work.runs) == 2)
    assert work.runs[1] - work.runs[0] > 0.19


def test_what_failed_is_tried_again_until_it_succeeds(work):
    work.results = [False, False, True]
    work.ask()
    wait_until(lambda: len(work.runs) == 3)
    time.sleep(0.15)
    assert len(work.runs) == 3


def test_exception_is_logged_without_its_text_and_ends_no_thread(work, caplog):
    work.results = [ValueError("ada@example.com")]
    work.ask()
    wait_until(lambda: work.runs)
    work.ask()
    wait_until(lambda: len(work.runs) == 2)
    assert "The job test failed: ValueError" in caplog.text
    assert "ada" not in caplog.text


def test_job_that_hangs_holds_up_no_other(work):
    """A broker that takes no message must not cost the records of calls."""
    work.hangs.clear()
    work.ask()
    wait_until(lambda: work.runs)
    other = process.get(OtherWork)
    other.ask()
    wait_until(lambda: other.runs)
    assert not work.hangs.is_set()


def test_thread_ends_when_idle_and_starts_again(work, monkeypatch):
    monkeypatch.setattr(background, "_IDLE_SECONDS", 0.05)
    work.ask()
    wait_until(lambda: work.runs and work._thread is None)
    work.ask()
    wait_until(lambda: len(work.runs) == 2 and work._thread is None)


# --- The end of the process


def test_flush_has_done_at_once_what_would_have_waited(work, monkeypatch):
    monkeypatch.setattr(Work, "GATHER_SECONDS", 60)
    work.ask()
    assert process.flush(5)
    assert len(work.runs) == 1
    assert process.flush(5)
    assert len(work.runs) == 1


def test_flush_waits_for_a_run_and_for_what_came_during_it(work):
    work.hangs.clear()
    work.ask()
    wait_until(lambda: work.runs)
    work.ask()
    threading.Timer(0.2, work.hangs.set).start()
    assert process.flush(5)
    assert len(work.runs) == 2


def test_flush_does_not_wait_for_a_second_try(work, monkeypatch):
    monkeypatch.setattr(Work, "RETRY_SECONDS", 600)
    work.results = [False] * 5
    work.ask()
    start = time.monotonic()
    assert not process.flush(60)
    assert time.monotonic() - start < 30
    assert len(work.runs) <= 2


def test_flush_gives_up_a_job_that_hangs_but_not_the_others(work):
    work.hangs.clear()
    work.ask()
    other = process.get(OtherWork)
    other.ask()
    assert not process.flush(0.3)
    wait_until(lambda: other.runs)
    # It still does: nobody waited for it.
    assert process.get(Work)._is_busy()


# --- Async contexts


async def _outside(function):
    return outside_async(function)


def test_in_an_async_context_a_thread_calls_the_function():
    assert asyncio.run(_outside(threading.get_ident)) != threading.get_ident()
    assert outside_async(threading.get_ident) == threading.get_ident()


def test_its_exception_comes_through():
    with pytest.raises(ZeroDivisionError):
        asyncio.run(_outside(lambda: 1 / 0))


# --- Threads that help a request


def test_helpers_are_as_many_as_are_needed_and_no_more():
    executor = DaemonExecutor(3)
    for _ in range(20):
        executor.submit(int).result(5)
        wait_until(lambda: executor._idle._value)  # its thread is idle again
    assert executor._started == 1
    for future in [executor.submit(time.sleep, 0.02) for _ in range(20)]:
        future.result(5)
    assert executor._started == 3


def test_helper_gives_back_results_and_exceptions():
    executor = DaemonExecutor(1)
    futures = [executor.submit(divmod, 7, 2), executor.submit(divmod, 1, 0), executor.submit(divmod, 1, 1)]
    assert futures[0].result(5) == (3, 1)
    assert isinstance(futures[1].exception(5), ZeroDivisionError)
    assert futures[2].result(5) == (1, 0)
