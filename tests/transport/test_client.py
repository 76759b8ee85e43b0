"""What is sent, what is made of the answer, and how connections are used."""

import ctypes
import gzip
import multiprocessing
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib.util import find_spec

import pytest
from django.utils import timezone

from openedx_webhooks import __version__
from openedx_webhooks.transport import client, connections, guard
from openedx_webhooks.transport.resolver import Resolver

from ..receiver import Reply
from .conftest import use_resolver
from .servers import keeps_alive, says

OK = b"HTTP/1.1 200 OK\r\n"


class TestRequest:
    """What the endpoint sees."""

    def test_the_body_arrives_as_given(self, receiver, post):
        body = bytes(range(256)) * 1000
        post(receiver.url(), body=body)
        assert receiver.received[0].body == body

    def test_an_empty_body_has_its_length(self, receiver, post):
        post(receiver.url(), body=b"")
        assert receiver.received[0].headers["Content-Length"] == "0"

    def test_headers_arrive_as_given(self, receiver, post):
        post(receiver.url(), headers={"Content-Type": "application/json", "X-Key": "a, b=é"})
        assert receiver.received[0].headers["Content-Type"] == "application/json"
        assert receiver.received[0].headers["X-Key"] == "a, b=é"

    def test_it_says_who_it_is(self, receiver, post):
        post(receiver.url())
        assert receiver.received[0].headers["User-Agent"] == f"openedx-webhooks/{__version__}"

    def test_a_header_given_replaces_the_default(self, receiver, post):
        post(receiver.url(), headers={"user-agent": "mine"})
        assert {k: v for k, v in receiver.received[0].headers.items() if k.lower() == "user-agent"} == {
            "user-agent": "mine"
        }

    @pytest.mark.parametrize(
        "header", [{"Content-Length": "1"}, {"transfer-encoding": "chunked"}, {"Host": "x"}, {"Connection": "close"}]
    )
    def test_a_header_of_http_itself_is_not_taken_from_the_caller(self, receiver, post, header):
        post(receiver.url(), body=b"12345", headers=header)
        got = receiver.received[0]
        assert (got.body, got.headers["Content-Length"]) == (b"12345", "5")
        assert got.headers["Host"] == f"127.0.0.1:{receiver.port}"

    @pytest.mark.parametrize(
        "path, arrives",
        [
            ("", "/"),
            ("?a=b", "/?a=b"),
            ("/a/b%2Fc?x=%20y&z#fragment", "/a/b%2Fc?x=%20y&z"),
            ("/ümlaut", "/%C3%BCmlaut"),
            ("/a b", "/a%20b"),
            ("/hook?q='x'", "/hook?q='x'"),
        ],
    )
    def test_the_path_arrives_encoded(self, receiver, post, path, arrives):
        post(receiver.url(path))
        assert receiver.received[0].path == arrives

    def test_credentials_in_the_address_become_a_header(self, receiver, post):
        post(f"http://us%40er:p%3Aw@127.0.0.1:{receiver.port}/")
        assert receiver.received[0].headers["Authorization"] == "Basic dXNAZXI6cDp3"
        assert "us" not in receiver.received[0].headers["Host"]

    def test_a_header_of_the_caller_wins_over_credentials_in_the_address(self, receiver, post):
        post(f"http://user:pw@127.0.0.1:{receiver.port}/", headers={"Authorization": "Bearer x"})
        assert receiver.received[0].headers["Authorization"] == "Bearer x"

    @pytest.mark.parametrize(
        "url, origin, path",
        [
            ("http://a.test", ("http", "a.test", 80), "/"),
            ("http://a.test:80/x", ("http", "a.test", 80), "/x"),
            ("http://a.test:443/x", ("http", "a.test", 443), "/x"),
            ("https://a.test/x", ("https", "a.test", 443), "/x"),
            ("https://A.test:8443/x?", ("https", "a.test", 8443), "/x?"),
            ("HTTPS://u:p@a.test:/x", ("https", "a.test", 443), "/x"),
            ("http://[2001:db8::1]/", ("http", "2001:db8::1", 80), "/"),
            ("http://b\u00fccher.test/?q=\u00fc#part", ("http", "xn--bcher-kva.test", 80), "/?q=%C3%BC"),
            ("http://a.test/a b\u2028?c d\x7f", ("http", "a.test", 80), "/a%20b%E2%80%A8?c%20d%7F"),
        ],
    )
    def test_where_an_address_leads(self, url, origin, path):
        target = client.parse(url, guard.policy(), None, True)
        assert (target.origin[:3], target.path) == (origin, path)

    @pytest.mark.parametrize(
        "host, header", [("a.test", "a.test"), ("A.Test", "a.test"), ("b\u00fccher.test", "xn--bcher-kva.test")]
    )
    def test_the_host_comes_first_and_once(self, raw, post, names, host, header):
        names({header: ["127.0.0.1"]})
        server = raw(says(OK + b"Content-Length: 0\r\n\r\n"))
        assert post(server.url(host=host), headers={"Host": "other.test"}).ok
        lines = server.requests[0].decode().split("\r\n")
        assert lines[1] == f"Host: {header}:{server.port}"
        assert [line for line in lines if line.lower().startswith("host:")] == lines[1:2]

    @pytest.mark.parametrize("host", ["a b.test", "a\x00.test", "a\x7f.test", "\u2028.test", "a%0d%0a.test\x1f"])
    def test_a_host_of_other_characters_is_invalid(self, post, host):
        assert post(f"http://{host}/").error == "invalid"

    @pytest.mark.parametrize(
        "host, asked",
        [
            ("[2001:db8::1]:8443", "[2001:db8::1]:8443"),
            ("[2001:db8::1]", "[2001:db8::1]:443"),
            ("[2001:db8::1%25eth0]", "[2001:db8::1]:443"),
            ("192.0.2.1", "192.0.2.1:443"),
            ("A.test", "a.test:443"),
        ],
    )
    def test_what_a_proxy_is_asked_for(self, raw, post, monkeypatch, host, asked):
        proxy = raw(says(b"HTTP/1.1 403 Forbidden\r\n\r\n", close=True))
        monkeypatch.setenv("HTTPS_PROXY", proxy.url(""))
        client.parse.cache_clear()
        assert post(f"https://{host}/hook").error == "proxy"
        # Python 3.11 asks by an older HTTP.
        version = "1.0" if sys.version_info < (3, 12) else "1.1"
        assert proxy.requests == [f"CONNECT {asked} HTTP/{version}\r\nHost: {asked}\r\n\r\n".encode()]

    def test_ipv6(self, raw, post):
        try:
            server = raw(says(OK + b"Content-Length: 0\r\n\r\n"), host="::1")
        except OSError:
            pytest.skip("no IPv6 here")
        assert post(server.url(host="[::1]")).ok
        assert f"Host: [::1]:{server.port}".encode() in server.requests[0]


class TestResponse:
    """What the caller gets."""

    @pytest.mark.parametrize(
        "status, expected",
        [
            (200, "ok"),
            (204, "ok"),
            (299, "ok"),
            (301, ""),
            (304, ""),
            (400, "is_4xx"),
            (429, "is_4xx"),
            (500, "is_5xx"),
            (599, "is_5xx"),
            (600, ""),
        ],
    )
    def test_the_status_decides(self, receiver, post, status, expected):
        outcome = post(receiver.on("/hook", Reply(status=status)))
        names = ("ok", "is_4xx", "is_5xx", "is_request_exception")
        assert (outcome.status_code, [name for name in names if getattr(outcome, name)]) == (
            status,
            [expected] if expected else [],
        )

    def test_no_response_is_a_request_exception(self, post):
        outcome = post("http://127.0.0.1:1/")
        names = ("ok", "is_accepted", "is_4xx", "is_5xx", "is_request_exception")
        assert [name for name in names if getattr(outcome, name)] == ["is_request_exception"]

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, receiver, post, status):
        outcome = post(receiver.on("/hook", Reply(status=status, headers={"Location": receiver.url("/elsewhere")})))
        assert (outcome.status_code, outcome.error) == (status, "")
        assert receiver.at("/elsewhere") == []

    def test_headers_have_lower_case_names_and_repeated_ones_are_joined(self, raw, post):
        server = raw(says(OK + b"X-One: a\r\nContent-Length: 0\r\nx-one: b\r\n\r\n"))
        assert post(server.url()).headers == {"x-one": "a, b", "content-length": "0"}

    @pytest.mark.parametrize(
        "encoding, data",
        [
            ("gzip", gzip.compress(b"hello")),
            ("GZIP", gzip.compress(b"hel") + gzip.compress(b"lo")),
            ("x-gzip", gzip.compress(b"hello")),
            ("deflate", zlib.compress(b"hello")),
            ("deflate", zlib.compress(b"hello", wbits=-15)),
            ("identity", b"hello"),
        ],
        ids=["gzip", "two parts", "x-gzip", "deflate", "deflate without zlib", "identity"],
    )
    def test_compressed_bodies_are_unpacked(self, receiver, post, encoding, data):
        outcome = post(receiver.on("/hook", Reply(data, headers={"Content-Encoding": encoding})))
        assert (outcome.body, outcome.response_bytes, outcome.error) == (b"hello", len(data), "")

    def test_an_empty_body_may_claim_to_be_compressed(self, receiver, post):
        assert post(receiver.on("/hook", Reply(b"", headers={"Content-Encoding": "gzip"}))).ok

    @pytest.mark.parametrize(
        "pieces, close",
        [
            ([OK + b"Content-Length: 5\r\n\r\nhello"], False),
            ([OK + b"Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\nT: x\r\n\r\n"], False),
            ([OK + b"\r\n", b"hel", b"lo"], True),
            ([b"HTTP/1.0 200 OK\r\n\r\nhello"], True),
            ([b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"Content-Length: 5\r\n\r\nhello"], False),
            (
                [
                    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
                    OK + b"Content-Length: 5\r\n\r\nhello",
                ],
                False,
            ),
            ([b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello"], False),
            ([b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"], False),
        ],
        ids=["length", "chunked", "until close", "1.0", "100", "103 and 102", "no reason", "bare newlines"],
    )
    def test_every_framing_of_http_is_understood(self, raw, post, pieces, close):
        outcome = post(raw(says(*pieces, close=close)).url())
        assert (outcome.body, outcome.ok) == (b"hello", True), outcome.detail

    def test_sizes_and_times_are_told(self, receiver, post):
        before = timezone.now()
        outcome = post(receiver.on("/hook", Reply(b"12345", delay=0.1)), body=b"123")
        assert (outcome.request_bytes, outcome.response_bytes) == (3, 5)
        assert 0.1 <= outcome.duration < 5
        assert timedelta(0) <= outcome.started_at - before < timedelta(seconds=5)

    @pytest.mark.parametrize("cap, error", [(1000, ""), (999, "too_large")])
    def test_the_default_cap_is_the_setting(self, receiver, post, settings, cap, error):
        settings.OPENEDX_WEBHOOKS = {"RESPONSE_MAX_BYTES": cap}
        assert post(receiver.on("/hook", Reply(b"x" * 1000))).error == error


class TestDeadline:
    """One time for everything."""

    def test_a_slow_answer_within_it_is_heard(self, receiver, post):
        assert post(receiver.on("/hook", Reply(delay=0.2)), timeout=0.5).ok

    @pytest.mark.parametrize("timeout", [0, -1, 1e-9])
    def test_no_time_at_all_is_a_timeout(self, receiver, post, timeout):
        assert post(receiver.url(), timeout=timeout).is_request_exception

    def test_an_address_that_drops_packets_ends_at_the_time_for_connecting(self, post):
        # A listener whose queue is full drops what comes after.
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            fillers = [socket.socket() for _ in range(3)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            start = time.monotonic()
            outcome = post(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=5, connect_timeout=0.3)
            for filler in fillers:
                filler.close()
        assert (outcome.error, time.monotonic() - start < 3) == ("connect", True)

    def test_no_time_for_connecting_is_an_error(self, receiver, post):
        outcome = post(receiver.url(), connect_timeout=0)
        assert (outcome.error, receiver.connections) == ("connect", 0)

    def test_a_kind_of_address_that_this_machine_lacks_is_passed_over(self, receiver, post, monkeypatch):
        def lookup(_host):
            return [(family, 1, 6, "", ("127.0.0.1", 0)) for family in (socket.AF_IRDA, socket.AF_INET)]

        use_resolver(monkeypatch, Resolver(lookup))
        assert post(f"http://many.test:{receiver.port}/").ok

    def test_one_address_that_drops_packets_leaves_time_for_the_next(self, raw, post, monkeypatch):
        """127.0.0.2 has a full queue; 127.0.0.1 answers."""
        server = raw(keeps_alive())
        with socket.socket() as listener:
            listener.bind(("127.0.0.2", server.port))
            listener.listen(0)
            fillers = [socket.socket() for _ in range(3)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            rows = [(socket.AF_INET, 1, 6, "", (address, 0)) for address in ("127.0.0.2", "127.0.0.1")]
            use_resolver(monkeypatch, Resolver(lambda host: rows))
            outcome = post(server.url(host="many.test"), timeout=10, connect_timeout=2)
            for filler in fillers:
                filler.close()
        assert outcome.ok, outcome.detail

    def test_the_next_address_is_tried_if_one_refuses(self, receiver, post, names):
        names({"many.test": ["127.0.0.2", "127.0.0.3", "127.0.0.1"]})
        assert post(f"http://many.test:{receiver.port}/").ok

    @pytest.mark.parametrize("place, is_reached", [(6, True), (7, False)])
    def test_of_a_name_with_many_addresses_six_are_tried(self, receiver, post, names, place, is_reached):
        """Each has its share of the time: of hundreds none would have enough."""
        names({"many.test": [f"127.0.0.{number}" for number in range(2, place + 1)] + ["127.0.0.1"]})
        assert post(f"http://many.test:{receiver.port}/").ok is is_reached

    def test_the_host_header_has_the_name(self, receiver, post, names):
        names({"name.test": ["127.0.0.1"]})
        post(f"http://name.test:{receiver.port}/")
        assert receiver.received[0].headers["Host"] == f"name.test:{receiver.port}"


class TestConnections:
    """Kept alive, and never trusted too much."""

    def test_one_connection_serves_many_calls(self, receiver, post):
        for _ in range(10):
            post(receiver.url())
        assert (len(receiver.received), receiver.connections) == (10, 1)

    @pytest.mark.parametrize(
        "answer",
        [
            OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n",
            OK + b"Content-Length: 0\r\nKeep-Alive: timeout=1\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        ],
    )
    def test_a_connection_is_not_kept_if_the_server_says_so(self, raw, post, answer):
        server = raw(keeps_alive(answer))
        assert [post(server.url()).ok for _ in range(2)] == [True, True]
        assert server.accepted == 2

    @pytest.mark.parametrize(
        "header, seconds",
        [
            ("", connections.IDLE_SECONDS),
            ("timeout=5, max=100", 4),
            ("max=100, timeout=30", 29),
            ("timeout=86400", connections.IDLE_MAX_SECONDS),
            ("timeout=0", -1),
            ("timeout=soon", connections.IDLE_SECONDS),
        ],
    )
    def test_how_long_a_connection_is_kept(self, header, seconds):
        assert connections.keep_seconds(header) == seconds

    def test_a_connection_that_idled_too_long_is_replaced(self, raw, post, monkeypatch):
        monkeypatch.setattr(connections, "IDLE_SECONDS", 0.05)
        server = raw(keeps_alive())
        assert post(server.url()).ok
        time.sleep(0.06)
        assert post(server.url()).ok
        assert (server.accepted, server.wait_for_end()) == (2, True)

    def test_connections_that_idled_too_long_are_closed_when_others_are_kept(self, raw, post, monkeypatch):
        monkeypatch.setattr(connections, "IDLE_SECONDS", 0.05)
        monkeypatch.setattr(connections, "IDLE_MAX_SECONDS", 0.05)
        old, new = raw(keeps_alive()), raw(keeps_alive())
        post(old.url())
        time.sleep(0.06)
        post(new.url())
        assert old.wait_for_end()

    def test_a_connection_that_the_server_closed_meanwhile_is_replaced(self, raw, post):
        server = raw(says(OK + b"Content-Length: 0\r\n\r\n", close=True))
        assert post(server.url()).ok
        time.sleep(0.05)
        assert post(server.url()).ok
        assert (len(server.requests), server.accepted) == (2, 2)

    def test_a_request_that_was_sent_is_not_sent_again(self, raw, post):
        """The server takes the second request of the connection and closes without a word: it may have acted on it."""

        def script(connection, server):
            server.read_request(connection)
            connection.sendall(OK + b"Content-Length: 0\r\n\r\n")
            server.read_request(connection)
            connection.shutdown(socket.SHUT_RDWR)

        server = raw(script)
        post(server.url())
        outcome = post(server.url())
        assert (outcome.error, len(server.requests), server.accepted) == ("reset", 2, 1)

    def test_a_request_that_was_sent_in_part_is_not_sent_again(self, raw, post):
        """The server resets after the beginning, which it may have acted on, while the client still sends the rest."""

        def script(connection, server):
            server.read_request(connection)
            connection.sendall(OK + b"Content-Length: 0\r\n\r\n")
            connection.recv(1000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        server = raw(script)
        post(server.url())
        assert (post(server.url(), body=bytes(20_000_000)).error, server.accepted) == ("reset", 1)

    def test_a_request_of_which_nothing_was_taken_is_sent_on_a_new_connection(self, raw, post):
        """The connection dies between the look at it and the first byte."""
        server = raw(keeps_alive())
        post(server.url())
        (connection,) = connections.pool()._idle  # pylint: disable=protected-access
        connection.is_usable = lambda: True
        connection.sock.shutdown(socket.SHUT_RDWR)
        outcome = post(server.url())
        assert (outcome.ok, len(server.requests), server.accepted) == (True, 2, 2)

    def test_unasked_bytes_are_not_the_next_answer(self, raw, post):
        """A response longer than its Content-Length must not leak into the next call."""
        server = raw(
            keeps_alive(OK + b"Content-Length: 2\r\n\r\n{}HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        )
        assert post(server.url()).ok
        time.sleep(0.05)
        assert post(server.url()).ok

    def test_a_connection_is_not_kept_after_an_error(self, raw, post):
        server = raw(keeps_alive(OK + b"Content-Length: 9\r\n\r\n123456789"))
        assert post(server.url(), max_bytes=5).error == "too_large"
        assert post(server.url(), max_bytes=9).ok
        assert server.accepted == 2

    def test_a_changed_setting_does_not_find_the_connections_of_before(self, receiver, post, settings):
        assert post(receiver.url()).ok
        settings.OPENEDX_WEBHOOKS = {"DENY_PRIVATE_ADDRESSES": True}
        assert post(receiver.url()).error == "refused_address"

    def test_32_threads_get_their_own_answers(self, raw, post):
        def script(connection, server):
            while True:
                body = server.read_request(connection).partition(b"\r\n\r\n")[2]
                connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)

        server = raw(script)

        def send(number):
            body = b"%d" % number * 50
            return post(server.url(), body=body, timeout=20, connect_timeout=10).body == body

        with ThreadPoolExecutor(32) as executor:
            assert all(executor.map(send, range(2000)))
        assert server.accepted <= 32

    def test_idle_connections_are_bounded(self, raw, post, monkeypatch):
        monkeypatch.setattr(connections, "IDLE_TOTAL", 3)
        arrived = threading.Barrier(8)

        def script(connection, server):
            server.read_request(connection)
            arrived.wait(5)
            connection.sendall(OK + b"Content-Length: 0\r\n\r\n")

        server = raw(script)
        with ThreadPoolExecutor(8) as executor:
            assert all(outcome.ok for outcome in executor.map(post, [server.url()] * 8))
        assert server.wait_for_end(5)
        assert server.accepted - server.ended == 3

    def test_idle_connections_are_bounded_over_all_endpoints(self, raw, post, monkeypatch):
        monkeypatch.setattr(connections, "IDLE_TOTAL", 2)
        servers = [raw(keeps_alive()) for _ in range(4)]
        for server in servers:
            post(server.url())
        assert [server.wait_for_end() for server in servers[:2]] == [True, True]
        assert [server.ended for server in servers[2:]] == [0, 0]

    def test_a_forked_process_makes_connections_of_its_own(self, receiver, post):
        post(receiver.url())
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        child = context.Process(target=lambda: answers.put((post(receiver.url()).ok, os.getpid())))
        child.start()
        assert answers.get(timeout=10)[0] is True
        child.join(10)
        assert post(receiver.url()).ok
        assert receiver.connections == 2  # the child's, and the parent's which still works

    def test_a_process_can_fork_while_threads_hold_the_locks(self, receiver, post):
        stop = threading.Event()

        def keep_posting():
            while not stop.is_set():
                post(receiver.url())

        threads = [threading.Thread(target=keep_posting) for _ in range(4)]
        for thread in threads:
            thread.start()
        context = multiprocessing.get_context("fork")
        try:
            for _ in range(10):
                child = context.Process(target=post, args=(receiver.url(),))
                child.start()
                child.join(10)
                assert child.exitcode == 0
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_child_whose_server_runs_no_hooks_at_the_fork_has_connections_of_its_own(
        self, raw, raw_tls, post, settings, authority, scheme
    ):
        """uWSGI's workers, forked in C, while a thread of the parent holds the pool's and the resolver's locks."""
        settings.OPENEDX_WEBHOOKS = {"CA_BUNDLE": str(authority.path)}
        server = raw(keeps_alive()) if scheme == "http" else raw_tls(keeps_alive(), "localhost")
        url = server.url(host="localhost")
        assert post(url).ok
        pool, held, done = connections.pool(), threading.Event(), threading.Event()

        def hold():
            with pool._lock, pool._resolver._lock:  # pylint: disable=protected-access
                held.set()
                done.wait(60)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(5)
        try:
            assert succeeds_in_child_without_hooks(lambda: post(url).ok and post(url).ok)
        finally:
            done.set()
            holder.join()
        assert post(url).ok
        # The child's, and the parent's which still works.
        assert (server.accepted, len(server.requests)) == (2, 4)


def succeeds_in_child_without_hooks(function, seconds: float = 15.0) -> bool:
    """
    Whether a function returns something true in a child process, made without Python's hooks at a fork; tried in three
    of them, as a child can't go on at all if another thread was waiting for the interpreter at that moment.
    """
    return any(_succeeds_in_one_child(function, seconds) for _ in range(3))


def _succeeds_in_one_child(function, seconds: float) -> bool:
    # PyDLL keeps the interpreter's lock, which the child's only thread then holds.
    child = ctypes.PyDLL(None).fork()
    if not child:
        try:
            os._exit(0 if function() else 1)
        finally:
            os._exit(2)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            return status == 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


@pytest.mark.parametrize(
    "prelude",
    [
        "import select; del select.poll",
        "import eventlet; eventlet.monkey_patch()",
        "from gevent import monkey; monkey.patch_all()",
    ],
)
def test_a_worker_of_green_threads_keeps_connections_alive(receiver, prelude):
    """eventlet takes ``select.poll`` away."""
    library = prelude.split()[1].strip(";")
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    program = f"""
{prelude}
import django
django.setup()
from openedx_webhooks.transport.client import post
for _ in range(3):
    outcome = post({receiver.url()!r}, b"{{}}", {{}}, timeout=5, connect_timeout=5)
    assert outcome.ok, outcome
"""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "test_settings"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=60, env=environment)
    assert (len(receiver.received), receiver.connections) == (3, 1)
