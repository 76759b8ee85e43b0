"""The circuit of an endpoint that fails opens, one call probes it, and it closes; whatever the cache does."""

import multiprocessing
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import redis
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from openedx_webhooks import shared_cache
from openedx_webhooks.transport import breaker as breaker_module
from openedx_webhooks.transport.breaker import Breaker, Circuit, State, Storage, breaker, circuits

URL = "https://endpoint.test/hook?token=hush"
OTHER = "https://endpoint.test/other"
REDIS = "redis://127.0.0.1:6379/15"


class Counting(LocMemCache):
    """A cache that says what was asked of it."""

    calls: list[str] = []

    def __getattribute__(self, name):
        if name in ("get", "get_many", "set", "add", "incr", "delete", "delete_many"):
            Counting.calls.append(name)
        return super().__getattribute__(name)


class Raising(BaseCache):
    """A cache whose server is gone."""

    def __init__(self, _location, params):
        super().__init__(params)

    def _gone(self, *args, **kwargs):
        raise ConnectionError("the cache is gone")

    get = get_many = set = add = incr = delete = delete_many = touch = clear = _gone


class Silent(Raising):
    """A cache whose server is gone, and which returns None instead of raising, as django-redis does on request."""

    def _nothing(self, *args, **kwargs):
        return None

    get = get_many = set = add = incr = delete = delete_many = touch = clear = _nothing


class HalfDead(Silent):
    """Answers one question, then no more."""

    def get(self, key, *args, **kwargs):
        """The counter, but not whether it is open."""
        return 3 if key.endswith(":failures") else None


def use(settings, backend: type | str, location: str = ""):
    """Make a cache the default one, with nothing of ours in it."""
    path = backend if isinstance(backend, str) else f"{backend.__module__}.{backend.__name__}"
    settings.CACHES = {"default": {"BACKEND": path, "LOCATION": location, "KEY_PREFIX": uuid.uuid4().hex}}


def fail(times: int, url: str = URL) -> None:
    """Record failures."""
    for _ in range(times):
        breaker(url).record(False)


@pytest.fixture(autouse=True)
def _quick(settings):
    """Three failures open it, for a second."""
    settings.OPENEDX_WEBHOOKS = {"BREAKER_FAILURES": 3, "BREAKER_OPEN_SECONDS": 1}
    use(settings, LocMemCache)


def test_a_new_endpoint_is_allowed():
    assert (breaker(URL).allow(), breaker(URL).state()) == (True, State.CLOSED)


@pytest.mark.parametrize("failures, allowed", [(1, True), (2, True), (3, False), (9, False)])
def test_it_opens_after_failures_in_a_row(failures, allowed):
    fail(failures)
    assert breaker(URL).allow() is allowed


def test_a_success_between_begins_the_count_anew():
    fail(2)
    breaker(URL).record(True)
    fail(2)
    assert breaker(URL).allow()


def test_each_endpoint_has_its_own():
    fail(3)
    assert (breaker(URL).allow(), breaker(OTHER).allow()) == (False, True)


class TestHalfOpen:
    """After the time of BREAKER_OPEN_SECONDS."""

    @pytest.fixture(autouse=True)
    def _half_open(self):
        fail(3)
        assert breaker(URL).state() == State.OPEN
        time.sleep(1.05)

    def test_one_probes_and_the_others_wait(self):
        assert breaker(URL).state() == State.HALF_OPEN
        assert [breaker(URL).allow() for _ in range(4)] == [True, False, False, False]

    def test_success_closes_it(self):
        prober = breaker(URL)
        assert prober.allow()
        prober.record(True)
        assert [breaker(URL).allow() for _ in range(4)] == [True] * 4
        assert breaker(URL).state() == State.CLOSED

    def test_one_failure_opens_it_again(self):
        prober = breaker(URL)
        assert prober.allow()
        prober.record(False)
        assert (breaker(URL).allow(), breaker(URL).state()) == (False, State.OPEN)

    def test_after_a_failed_probe_there_is_another(self):
        prober = breaker(URL)
        prober.allow()
        prober.record(False)
        time.sleep(1.05)
        assert [breaker(URL).allow() for _ in range(3)] == [True, False, False]

    def test_a_prober_that_never_returns_does_not_hold_it_for_ever(self):
        def impatient():
            storage = Storage(shared_cache.ask)
            return Breaker(url=URL, storage=storage, failures_to_open=3, open_seconds=1, probe_seconds=1)

        assert impatient().allow()
        assert not impatient().allow()
        time.sleep(1.05)
        assert impatient().allow()

    def test_nobody_else_probes_while_a_probe_may_last(self):
        """A webfilter may wait for thirty seconds, longer than a breaker may be open."""
        assert breaker(URL).allow()
        time.sleep(1.05)
        assert not breaker(URL).allow()

    def test_a_prober_that_withdraws_leaves_the_probe_to_the_next(self):
        prober = breaker(URL)
        assert prober.allow()
        prober.withdraw()
        assert [breaker(URL).allow() for _ in range(3)] == [True, False, False]

    def test_only_the_prober_can_withdraw(self):
        assert breaker(URL).allow()
        refused = breaker(URL)
        assert not refused.allow()
        refused.withdraw()
        assert not breaker(URL).allow()


def test_an_outage_is_one_line_in_the_log(caplog):
    fail(9)
    assert [record.getMessage() for record in caplog.records] == [
        "The circuit of an endpoint on endpoint.test is open after 3 failures"
    ]


@pytest.mark.parametrize("url", ["", "http://[", "no url", "http://ü.test/\udcff"])
def test_any_text_has_a_breaker(url):
    fail(3, url)
    assert not breaker(url).allow()


def test_reset_closes_it():
    fail(5)
    breaker(URL).reset()
    assert (breaker(URL).state(), breaker(URL).allow()) == (State.CLOSED, True)
    fail(2)
    assert breaker(URL).allow()


def test_zero_failures_switches_it_off(settings):
    settings.OPENEDX_WEBHOOKS = {"BREAKER_FAILURES": 0}
    fail(50)
    assert (breaker(URL).allow(), breaker(URL).state()) == (True, State.CLOSED)


def test_many_states_at_once():
    fail(3)
    fail(1, OTHER)
    assert [each.state for each in circuits([breaker(URL), breaker(OTHER), breaker("https://third.test/")])] == [
        State.OPEN,
        State.CLOSED,
        State.CLOSED,
    ]


class TestSince:
    """Since when it is open."""

    def test_failed_probes_do_not_change_it_and_the_next_outage_has_its_own(self):
        assert breaker(URL).circuit().since is None
        fail(3)
        cache.set(breaker(URL).since_key, 1000)
        fail(1)
        assert breaker(URL).circuit() == Circuit(State.OPEN, 4, datetime.fromtimestamp(1000, UTC))
        breaker(URL).reset()
        assert breaker(URL).circuit() == Circuit(State.CLOSED)
        # As a process of an older version leaves it, which forgets the rest only.
        cache.set(breaker(URL).since_key, 1000)
        fail(3)
        assert breaker(URL).circuit().since.timestamp() > time.time() - 60

    def test_one_that_was_lost_begins_at_the_next_failure(self):
        fail(3)
        cache.delete(breaker(URL).since_key)
        assert breaker(URL).circuit() == Circuit(State.OPEN, 3)
        fail(1)
        assert breaker(URL).circuit().since is not None

    @pytest.mark.parametrize("value", ["soon", -5, 10**40, None, 1.5])
    def test_what_some_other_program_left_there_is_no_time(self, value):
        fail(3)
        cache.set(breaker(URL).since_key, value)
        assert breaker(URL).circuit() == Circuit(State.OPEN, 3)


class TestCost:
    """What is asked of the cache."""

    @pytest.fixture(autouse=True)
    def _counting(self, settings):
        use(settings, Counting)
        Counting.calls.clear()

    def test_a_good_call_reads_once_and_writes_nothing(self):
        call = breaker(URL)
        call.allow()
        call.record(True)
        assert Counting.calls == ["get"]

    def test_good_calls_read_once_a_second(self, monkeypatch):
        for _ in range(100):
            call = breaker(URL)
            call.allow()
            call.record(True)
        assert Counting.calls == ["get"]
        later = time.monotonic() + 1.05
        monkeypatch.setattr(breaker_module, "time", SimpleNamespace(monotonic=lambda: later))
        breaker(URL).allow()
        assert Counting.calls == ["get"] * 2

    def test_what_is_remembered_of_many_endpoints_has_a_limit(self):
        """The third endpoint makes it forget the first two, which are then read again."""
        storage = Storage(shared_cache.ask, believe_max=2)
        for name in "aab ca":
            Breaker(url=name, storage=storage, failures_to_open=3, open_seconds=1).allow()
        assert Counting.calls == ["get"] * 5

    def test_a_refused_call_reads_twice_and_writes_nothing(self):
        fail(3)
        Counting.calls.clear()
        assert not breaker(URL).allow()
        assert Counting.calls == ["get", "get"]

    def test_many_states_are_one_read(self):
        circuits([breaker(URL), breaker(OTHER)])
        # This cache asks itself once for each key.
        assert Counting.calls == ["get_many"] + ["get"] * 6


@pytest.mark.parametrize("backend", [Raising, Silent])
def test_a_dead_cache_means_closed(settings, backend):
    use(settings, backend)
    fail(9)
    call = breaker(URL)
    assert (call.allow(), call.state()) == (True, State.CLOSED)
    call.record(True)
    call.reset()


def test_a_cache_that_dies_while_half_open_means_closed(settings):
    """The counter was read, then add() returns None."""
    use(settings, HalfDead)
    assert breaker(URL).allow()


def test_a_dead_cache_is_logged_once_not_at_each_call(settings, caplog):
    use(settings, Raising)
    fail(20)
    (record,) = [record for record in caplog.records if record.name.startswith("openedx")]
    assert "ConnectionError" in record.getMessage()


@pytest.mark.parametrize("left", ["a string", -5, 1.5, [3], {"failures": 9}])
def test_what_something_else_left_in_the_cache_means_closed(left):
    cache.set(breaker(URL).failures_key, left)
    assert (breaker(URL).allow(), breaker(URL).state()) == (True, State.CLOSED)


def test_the_url_is_not_in_the_cache():
    keys = (breaker(URL).failures_key, breaker(URL).open_key)
    assert all("hush" not in key and "endpoint" not in key for key in keys)


def test_threads_count_every_failure(settings):
    settings.OPENEDX_WEBHOOKS = {"BREAKER_FAILURES": 1000}
    with ThreadPoolExecutor(32) as executor:
        list(executor.map(lambda _: fail(1), range(640)))
    assert cache.get(breaker(URL).failures_key) == 640


# --- Several processes, on a cache that they share


def _has_redis() -> bool:
    try:
        return redis.Redis.from_url(REDIS, socket_timeout=1, socket_connect_timeout=1).ping()
    except redis.exceptions.RedisError:
        return False


@pytest.fixture(params=["redis", "file"])
def shared(request, settings, tmp_path):
    """A cache that several processes share."""
    if request.param == "redis":
        if not _has_redis():
            pytest.skip("no Redis on 127.0.0.1:6379")
        use(settings, "django.core.cache.backends.redis.RedisCache", REDIS)
    else:
        use(settings, "django.core.cache.backends.filebased.FileBasedCache", str(tmp_path))
    yield request.param
    breaker(URL).reset()


def _in_processes(count: int, function) -> list:
    """Call it in so many processes at the same time, and return what it returned."""
    context = multiprocessing.get_context("fork")
    answers, ready = context.Queue(), context.Barrier(count)

    def run():
        ready.wait(10)
        answers.put(function())

    processes = [context.Process(target=run) for _ in range(count)]
    for process in processes:
        process.start()
    result = [answers.get(timeout=20) for _ in processes]
    for process in processes:
        process.join(10)
    return result


@pytest.mark.usefixtures("shared")
def test_failures_of_another_process_are_seen_within_a_second(settings):
    settings.OPENEDX_WEBHOOKS = {"BREAKER_FAILURES": 3, "BREAKER_OPEN_SECONDS": 30}
    assert breaker(URL).allow()
    _in_processes(1, lambda: fail(3))
    time.sleep(1.05)
    assert not breaker(URL).allow()


def test_failures_of_this_process_are_seen_at_once():
    assert breaker(URL).allow()
    fail(3)
    assert not breaker(URL).allow()


@pytest.mark.usefixtures("shared")
def test_processes_see_each_others_failures(settings):
    settings.OPENEDX_WEBHOOKS = {"BREAKER_FAILURES": 3, "BREAKER_OPEN_SECONDS": 30}
    _in_processes(1, lambda: fail(3))
    assert not breaker(URL).allow()


def test_failures_of_processes_add_up(shared, settings):
    if shared == "file":
        pytest.skip("the file cache can't count atomically; it only needs more failures then")
    settings.OPENEDX_WEBHOOKS = {"BREAKER_FAILURES": 1000}
    _in_processes(8, lambda: fail(50))
    assert cache.get(breaker(URL).failures_key) == 400


def test_one_of_many_processes_probes(shared):
    fail(3)
    time.sleep(1.1)
    allowed = _in_processes(8, lambda: sum(breaker(URL).allow() for _ in range(20)))
    if shared == "redis":
        assert sum(allowed) == 1
    else:
        # add() of the file cache is a look and a write: a few may slip through, not the 160 that asked.
        assert 1 <= sum(allowed) <= 8


def test_a_breaker_works_on_a_redis_that_is_gone(settings):
    use(settings, "django.core.cache.backends.redis.RedisCache", "redis://127.0.0.1:1/0")
    fail(9)
    assert breaker(URL).allow()
