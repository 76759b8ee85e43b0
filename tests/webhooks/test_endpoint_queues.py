"""Threads shared between endpoints."""

import threading
import time

import pytest

from openedx_webhooks.webhooks.endpoint_queues import EndpointQueues

from ..receiver import wait_until


@pytest.fixture
def lanes():
    made = []

    def make(work, threads=8, per_endpoint=8):
        made.append(EndpointQueues(work, threads, per_endpoint))
        made[-1].work = work
        return made[-1]

    yield make
    for each in made:
        if isinstance(each.work, Gate):
            each.work.open.set()
        each.close()


def collect(lanes, count, seconds=5.0):
    results, end = [], time.monotonic() + seconds
    while len(results) < count and time.monotonic() < end:
        results += lanes.collect(0.05)
    return results


class Gate:
    """Work that blocks for endpoint "slow" until it is opened, and counts what is under way."""

    def __init__(self):
        self.open, self.under_way, self.most = threading.Event(), 0, 0
        self.lock = threading.Lock()

    def __call__(self, job):
        endpoint, _number = job
        if endpoint != "fast":
            with self.lock:
                self.under_way += 1
                self.most = max(self.most, self.under_way)
            self.open.wait(10)
            with self.lock:
                self.under_way -= 1
        return job, True


def test_every_job_is_worked_off_once(lanes):
    pool = lanes(lambda job: (job, True))
    for number in range(500):
        pool.add(f"endpoint{number % 7}", number)
    assert sorted(collect(pool, 500)) == list(range(500))
    assert pool.outstanding == 0


def test_endpoints_take_turns_however_much_waits_for_one_of_them(lanes):
    begun, may_begin = [], threading.Event()

    def work(job):
        may_begin.wait(10)
        begun.append(job)
        return job, True

    pool = lanes(work, threads=1)
    for endpoint in ("first", "a", "b", "c"):
        for _ in range(1 if endpoint == "first" else 4):
            pool.add(endpoint, endpoint)
    may_begin.set()
    collect(pool, 13)
    assert begun == ["first", *["a", "b", "c"] * 4]


def test_unknown_endpoint_that_hangs_gets_two_threads(lanes):
    gate = Gate()
    pool = lanes(gate)
    for number in range(100):
        pool.add("slow", ("slow", number))
    time.sleep(0.2)
    assert gate.under_way == 2
    gate.open.set()
    assert len(collect(pool, 100)) == 100


def test_suspect_that_hangs_gets_one_thread(lanes):
    gate = Gate()
    pool = lanes(gate)
    pool.suspect("slow")
    for number in range(10):
        pool.add("slow", ("slow", number))
    time.sleep(0.2)
    assert gate.under_way == 1


def test_endpoint_that_was_fast_and_then_hangs_leaves_half_of_the_threads(lanes):
    gate = Gate()
    gate.open.set()
    pool = lanes(gate)
    for number in range(100):
        pool.add("slow", ("slow", number))
    collect(pool, 100)
    gate.open.clear()
    for number in range(100):
        pool.add("slow", ("slow", number))
    wait_until(lambda: gate.under_way == 4)
    time.sleep(0.1)
    assert gate.under_way == 4


def test_window_grows_with_each_success_and_a_failure_takes_it_back_to_one(lanes):
    pool = lanes(lambda ok: (ok, ok), threads=8, per_endpoint=5)
    assert pool.window("a") == 2
    for ok, window in ((True, 3), (True, 4), (True, 5), (True, 5), (False, 1), (True, 2)):
        pool.add("a", ok)
        collect(pool, 1)
        wait_until(lambda window=window: pool.window("a") == window)


def test_however_many_endpoints_hang_one_more_is_served(lanes):
    gate = Gate()
    pool = lanes(gate, threads=80, per_endpoint=40)
    for number in range(39):
        for job in range(100):
            pool.add(f"slow{number}", (f"slow{number}", job))
    time.sleep(0.2)
    start = time.monotonic()
    pool.add("fast", ("fast", 1))
    assert ("fast", 1) in collect(pool, 1)
    assert time.monotonic() - start < 3


def test_more_threads_than_the_endpoint_may_have_are_not_used(lanes):
    gate = Gate()
    pool = lanes(gate, threads=20, per_endpoint=3)
    gate.open.set()
    for number in range(500):
        pool.add("slow", ("slow", number))
    collect(pool, 500)
    gate.open.clear()
    for number in range(50):
        pool.add("slow", ("slow", number))
    time.sleep(0.2)
    assert gate.under_way == gate.most == 3


def test_cleared_jobs_are_given_back_and_never_run(lanes):
    gate = Gate()
    pool = lanes(gate, threads=2)
    pool.suspect("slow")
    for number in range(10):
        pool.add("slow", ("slow", number))
    time.sleep(0.1)
    assert len(pool.clear()) == 9
    gate.open.set()
    assert len(collect(pool, 1)) == 1
    assert pool.outstanding == 0


def test_no_thread_is_left_behind():
    before = threading.active_count()
    pool = EndpointQueues(lambda job: (job, True), 8, 8)
    for number in range(100):
        pool.add(number, number)
    collect(pool, 100)
    pool.close()
    assert threading.active_count() == before


def test_threads_that_the_machine_refuses_are_not_missed(lanes, monkeypatch):
    """Containers have limits: those threads that there are do all of it."""
    real, started = threading.Thread.start, []

    def start(thread):
        if thread.name == "openedx_webhooks-sender":
            if started:
                raise RuntimeError("can't start new thread")
            started.append(thread)
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    queues = lanes(lambda job: (job, True))
    for number in range(6):
        queues.add(number, number)
    assert sorted(collect(queues, 6)) == list(range(6))


def test_without_any_thread_the_caller_hears_of_it(lanes, monkeypatch):
    def start(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError):
        lanes(lambda job: (job, True)).add("any", 1)
