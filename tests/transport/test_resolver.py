"""Name lookups that hang hold nobody up, and never take more than a few threads."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from openedx_webhooks.transport import resolver as resolver_module
from openedx_webhooks.transport.failures import Failure
from openedx_webhooks.transport.resolver import Resolver, numeric

from .conftest import use_resolver

ROWS = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]


class HangingNameServer:
    """A lookup that blocks until it is let go, as getaddrinfo does with dead name servers."""

    def __init__(self):
        self.calls = []
        self.released = threading.Event()

    def __call__(self, host):
        self.calls.append(host)
        self.released.wait(10)
        return ROWS


@pytest.fixture
def hanging():
    """A name server that hangs until the test ends."""
    server = HangingNameServer()
    yield server
    server.released.set()
    assert _wait_until(lambda: not lookups()), "a lookup's thread outlived its lookup"


def lookups() -> int:
    """Threads that look names up."""
    return sum(thread.name == "webhooks-dns" for thread in threading.enumerate())


def _wait_until(condition, seconds=2.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False


def _failure(resolver, host, seconds) -> Failure:
    with pytest.raises(Failure) as info:
        resolver.resolve(host, seconds)
    return info.value


def test_a_hanging_lookup_ends_at_the_time_for_connecting(hanging, post, monkeypatch):
    use_resolver(monkeypatch, Resolver(hanging))
    start = time.monotonic()
    outcome = post("http://hangs.test/", timeout=5, connect_timeout=0.2)
    assert (outcome.error, time.monotonic() - start < 2) == ("dns", True)


def test_a_hanging_lookup_ends_at_the_deadline(hanging, post, monkeypatch):
    use_resolver(monkeypatch, Resolver(hanging))
    start = time.monotonic()
    outcome = post("http://hangs.test/", timeout=0.2, connect_timeout=5)
    assert (outcome.error, time.monotonic() - start < 2) == ("dns", True)


def test_many_callers_of_one_name_share_one_lookup(hanging):
    resolver = Resolver(hanging)
    with ThreadPoolExecutor(32) as executor:
        kinds = list(executor.map(lambda _: _failure(resolver, "hangs.test", 0.1).kind, range(64)))
    assert (set(kinds), hanging.calls) == ({"dns"}, ["hangs.test"])


def test_hanging_lookups_of_many_names_take_a_few_threads_only(hanging):
    resolver = Resolver(hanging, threads=3)
    with ThreadPoolExecutor(16) as executor:
        list(executor.map(lambda number: _failure(resolver, f"{number}.test", 0.05), range(48)))
    assert (len(hanging.calls), lookups()) == (3, 3)


def test_a_caller_waits_for_a_free_thread_no_longer_than_its_time(hanging):
    resolver = Resolver(hanging, threads=1)
    _failure(resolver, "first.test", 0.01)
    start = time.monotonic()
    assert "hang" in _failure(resolver, "second.test", 0.1).detail
    assert 0.1 <= time.monotonic() - start < 2


def test_after_the_name_server_is_back_names_resolve_again(hanging):
    resolver = Resolver(hanging, threads=1)
    _failure(resolver, "first.test", 0.01)
    _failure(resolver, "second.test", 0.01)
    hanging.released.set()
    assert resolver.resolve("second.test", 1)


def test_numeric_hosts_resolve_while_all_threads_hang(hanging):
    resolver = Resolver(hanging, threads=1)
    _failure(resolver, "first.test", 0.01)
    assert resolver.resolve("127.0.0.1", 0.01) == [(socket.AF_INET, ("127.0.0.1", 0))]


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "Name or service not known"), OSError(), UnicodeError(), ValueError()]
)
def test_whatever_a_lookup_raises_is_a_failure(error):
    def lookup(_host):
        raise error

    assert _failure(Resolver(lookup), "name.test", 1).kind == "dns"


def test_answers_are_kept_for_a_while(monkeypatch):
    calls = []
    resolver = Resolver(lambda host: calls.append(host) or ROWS)
    monkeypatch.setattr(resolver_module, "KEEP_SECONDS", 0.1)
    for _ in range(3):
        resolver.resolve("name.test", 1)
    assert calls == ["name.test"]
    time.sleep(0.12)
    resolver.resolve("name.test", 1)
    assert calls == ["name.test"] * 2


def test_failures_are_kept_for_a_shorter_while(monkeypatch):
    calls = []

    def lookup(host):
        calls.append(host)
        raise socket.gaierror(-2, "Name or service not known")

    resolver = Resolver(lookup)
    monkeypatch.setattr(resolver_module, "KEEP_FAILURE_SECONDS", 0.1)
    for _ in range(3):
        _failure(resolver, "name.test", 1)
    assert calls == ["name.test"]
    time.sleep(0.12)
    _failure(resolver, "name.test", 1)
    assert calls == ["name.test"] * 2


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(resolver_module, "KEEP_NAMES", 10)
    resolver = Resolver(lambda host: ROWS)
    for number in range(100):
        resolver.resolve(f"{number}.test", 1)
    assert len(resolver._kept) <= 10  # pylint: disable=protected-access


def test_addresses_keep_their_order_and_appear_once():
    rows = [(socket.AF_INET, 1, 6, "", (f"127.0.0.{n}", 0)) for n in (3, 1, 3, 2)]
    found = Resolver(lambda host: rows).resolve("many.test", 1)
    assert [address[0] for _family, address in found] == ["127.0.0.3", "127.0.0.1", "127.0.0.2"]


@pytest.mark.parametrize(
    "host, address",
    [
        ("127.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("::1", "::1"),
        ("example.test", None),
        ("1.2.3.4.5", None),
        ("", None),
        ("a\x00b", None),
    ],
)
def test_numeric_hosts_are_read_as_the_system_reads_them(host, address):
    assert [found[0] for _family, found in numeric(host)] == ([address] if address else [])
