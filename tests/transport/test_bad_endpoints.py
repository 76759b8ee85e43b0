"""Whatever an endpoint does: the call ends at its deadline, says what was wrong, and leaves nothing behind."""

import gzip
import logging
import socket
import struct
import threading
import time
import zlib

import pytest

from openedx_webhooks.transport import client
from openedx_webhooks.transport.exchange import Exchange
from openedx_webhooks.transport.failures import Failure

from .servers import drips, floods, says

DEADLINE = 0.25
# What ends by itself has more time, so that it is not the deadline that ends it.
LONG_DEADLINE = 5
# For a busy machine; the deadline itself is kept to the millisecond.
SLACK = 0.5
CAP = 64 * 1024

OK = b"HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(bytes(20_000_000))


def _hangs(_connection, server):
    """Accept, and never read or write."""
    server.stopped.wait(10)


def _resets_in_the_body(connection, server):
    server.read_request(connection)
    connection.sendall(OK + b"Content-Length: 100\r\n\r\nhalf of it")
    _reset(connection)


def _resets_at_once(connection, server):
    server.read_request(connection)
    _reset(connection)


def _reset(connection):
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _half_closes(connection, server):
    """Close the sending side only, and wait."""
    server.read_request(connection)
    connection.shutdown(socket.SHUT_WR)


def _answers_300_mb(connection, server):
    server.read_request(connection)
    connection.sendall(OK + b"Content-Length: 314572800\r\n\r\n")
    for _ in range(300):
        connection.sendall(bytes(1024 * 1024))


def _drips_chunks(connection, server):
    server.read_request(connection)
    connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while not server.stopped.wait(0.02):
        connection.sendall(b"1\r\nx\r\n")


def _reads_nothing(connection, server):
    """Let the client's send buffer fill up."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    server.stopped.wait(10)


# name, what the server does, the error, the status
TABLE = [
    # Slow
    ("hangs", _hangs, "timeout", None),
    ("drips the status line", drips(b"HTTP/1.1 200 OK" + b" " * 1000), "timeout", None),
    ("drips header lines", drips(b"X: y\r\n", before=OK), "timeout", None),
    ("drips one endless header", drips(b"y", before=OK + b"X: "), "timeout", None),
    ("drips the body", drips(b"x", before=OK + b"Content-Length: 100000\r\n\r\n"), "timeout", 200),
    ("drips chunks", _drips_chunks, "timeout", 200),
    ("drips a chunk size", drips(b"0", before=OK + b"Transfer-Encoding: chunked\r\n\r\n"), "timeout", 200),
    ("drips trailers", drips(b"X: y\r\n", before=OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"), "timeout", 200),
    ("drips until it closes", drips(b"x", before=OK + b"Connection: close\r\n\r\n"), "timeout", 200),
    ("drips informational responses", drips(b"HTTP/1.1 103 Early Hints\r\n\r\n"), "timeout", None),
    ("sends the head and hangs", says(OK + b"Content-Length: 10\r\n\r\n"), "timeout", 200),
    ("promises more than it sends, and waits", says(OK + b"Content-Length: 10\r\n\r\nabc"), "timeout", 200),
    # Ends too early
    ("half-closes", _half_closes, "reset", None),
    ("resets at once", _resets_at_once, "reset", None),
    ("resets in the body", _resets_in_the_body, "reset", 200),
    ("closes in the head", says(b"HTTP/1.1 200 OK\r\nContent-Le", close=True), "reset", None),
    ("closes between head and body", says(b"HTTP/1.1 200 OK\r\n", close=True), "reset", None),
    ("closes in the status line", says(b"HTTP/1.1 2", close=True), "reset", None),
    ("closes before the last chunk", says(OK + b"Transfer-Encoding: chunked\r\n\r\n", close=True), "reset", 200),
    ("closes before the body", says(OK + b"Content-Length: 10\r\n\r\n", close=True), "reset", 200),
    ("promises more than it sends", says(OK + b"Content-Length: 10\r\n\r\nabc", close=True), "reset", 200),
    ("closes in a chunk", says(OK + b"Transfer-Encoding: chunked\r\n\r\nA\r\nabc", close=True), "reset", 200),
    # Too much
    ("answers 300 MB", _answers_300_mb, "too_large", 200),
    ("sends an endless body", floods(bytes(65536), before=OK + b"Connection: close\r\n\r\n"), "too_large", 200),
    ("lies of 10^18 bytes", floods(b"x" * 999, OK + b"Content-Length: 1000000000000000000\r\n\r\n"), "too_large", 200),
    ("sends an endless header", floods(b"y" * 65536, before=OK + b"X: "), "bad_response", None),
    ("sends an endless status line", floods(b"y" * 65536), "bad_response", None),
    ("sends 10,000 headers", says(OK + b"X: y\r\n" * 10_000 + b"Content-Length: 0\r\n\r\n"), "bad_response", None),
    (
        "sends half a million lines as one",
        says(OK + b"Content-Type: multipart/mixed; boundary=x\r\n" + (b"--x" + b"\r--x\r" * 10_000 + b"\r\n") * 30),
        "bad_response",
        None,
    ),
    ("sends endless 100s", floods(b"HTTP/1.1 100 Continue\r\n\r\n" * 50), "bad_response", None),
    ("sends endless 103s", floods(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 50), "bad_response", None),
    (
        "sends endless trailers",
        floods(b"X: y\r\n" * 99, OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"),
        "too_large",
        200,
    ),
    (
        "sends endless chunk extensions",
        floods(b"1;" + b"e" * 9999 + b"\r\nx\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n"),
        "too_large",
        200,
    ),
    (
        "sends a chunk for every byte",
        says(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n"),
        "too_large",
        200,
    ),
    (
        "sends one trailer of 64 kB",
        says(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X" * 65_536 + b"\r\n\r\n"),
        "bad_response",
        200,
    ),
    (
        "sends a gzip bomb",
        says(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB), BOMB),
        "too_large",
        200,
    ),
    (
        "sends a deflate bomb",
        says(
            OK + b"Content-Encoding: deflate\r\nConnection: close\r\n\r\n", zlib.compress(bytes(20_000_000)), close=True
        ),
        "too_large",
        200,
    ),
    # Nonsense
    ("speaks HTTP/0.9", says(b"<html>Hello</html>\r\n", close=True), "bad_response", None),
    ("speaks SMTP", says(b"220 mail.example.com ESMTP\r\n", close=True), "bad_response", None),
    ("speaks HTTP/2", says(b"HTTP/2 200\r\n\r\n", close=True), "bad_response", None),
    ("sends binary", says(bytes(range(256)) * 4, close=True), "bad_response", None),
    ("has a status of words", says(b"HTTP/1.1 fine OK\r\n\r\n", close=True), "bad_response", None),
    ("has status 99", says(b"HTTP/1.1 99 Low\r\n\r\n", close=True), "bad_response", None),
    ("has chunks of garbage", says(OK + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n"), "reset", 200),
    (
        "has chunks of negative size",
        says(OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n", close=True),
        "reset",
        200,
    ),
    ("has gzip of garbage", says(OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"), "bad_response", 200),
    (
        "has an encoding of its own",
        says(OK + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx"),
        "bad_response",
        200,
    ),
    ("switches protocols", says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "bad_response", 101),
]

misbehaves = pytest.mark.parametrize("script, error, status", [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])


def _deadline(error):
    return DEADLINE if error == "timeout" else LONG_DEADLINE


@misbehaves
def test_it_ends_in_time(raw, post, script, error, status):  # pylint: disable=unused-argument
    server = raw(script)
    start = time.monotonic()
    post(server.url(), timeout=_deadline(error), max_bytes=CAP)
    assert time.monotonic() - start < _deadline(error) + SLACK


@misbehaves
def test_it_says_what_was_wrong(raw, post, script, error, status):
    outcome = post(raw(script).url(), timeout=_deadline(error), max_bytes=CAP)
    assert (outcome.error, outcome.status_code) == (error, status), outcome.detail
    assert len(outcome.detail.splitlines()) == 1


@misbehaves
def test_it_leaves_no_socket_and_no_thread_behind(raw, post, script, error, status):  # pylint: disable=unused-argument
    # Other tests' servers may still hold a connection that somebody keeps alive.
    before = set(threading.enumerate())
    server = raw(script)
    post(server.url(), timeout=_deadline(error), max_bytes=CAP)
    server.stopped.set()
    assert server.wait_for_end(), "the server still waits for the client to close"
    assert {thread.name for thread in set(threading.enumerate()) - before} <= {"raw-server"}


@pytest.mark.parametrize("status", [302, 403, 500])
@pytest.mark.parametrize(
    "rest",
    [b"Content-Length: 100\r\n\r\nhalf of it", b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"],
    ids=["ends early", "garbage"],
)
def test_a_refusal_counts_whatever_becomes_of_its_body(raw, post, status, rest):
    server = raw(says(b"HTTP/1.1 %d X\r\n" % status + rest, close=True))
    outcome = post(server.url())
    assert (outcome.status_code, outcome.error) == (status, "")
    assert outcome.detail


def test_a_body_beyond_the_cap_keeps_its_beginning(raw, post):
    server = raw(says(OK + b"Content-Length: 11\r\n\r\n", b"hello world"))
    outcome = post(server.url(), max_bytes=5)
    assert (outcome.body, outcome.error, outcome.is_accepted, outcome.ok) == (b"hello", "too_large", True, False)


def test_a_body_of_just_the_cap_is_whole(raw, post):
    outcome = post(raw(says(OK + b"Content-Length: 11\r\n\r\nhello world")).url(), max_bytes=11)
    assert (outcome.body, outcome.ok) == (b"hello world", True)


@pytest.mark.parametrize(
    "size, pieces, is_too_much",
    [(1400, CAP // 1400, False), (1, 1000, False), (1, 3000, True), (0, 3000, True), (16_384, 17, True)],
)
def test_pieces_count_besides_their_bytes(size, pieces, is_too_much):
    """Whether pieces of a byte stay so on their way is up to the kernel, so that this is no matter for a server."""
    exchange = Exchange(deadline=0, connect_deadline=0, body_limit=CAP)
    try:
        for _ in range(pieces):
            exchange.count_received(size)
    except Failure as failure:
        assert (failure.kind, is_too_much) == ("too_large", True)
    else:
        assert not is_too_much


def test_a_server_that_reads_nothing_holds_it_no_longer_than_the_deadline(raw, post):
    server = raw(_reads_nothing)
    start = time.monotonic()
    outcome = post(server.url(), body=bytes(50_000_000), timeout=DEADLINE)
    assert (outcome.error, "sending" in outcome.detail) == ("timeout", True)
    assert time.monotonic() - start < DEADLINE + SLACK


def test_an_answer_that_comes_before_the_body_was_read_is_heard(raw, post):
    def script(connection, _server):
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)

    assert post(raw(script).url(), body=bytes(5_000_000)).status_code == 413


@pytest.mark.parametrize(
    "url, error",
    [
        ("http://127.0.0.1:1/", "connect"),  # nobody listens
        ("http://no-such-host.invalid/", "dns"),
        ("http://" + "a" * 64 + ".test/", "dns"),  # a label that DNS can't have
        ("http://" + "ä" * 64 + ".test/", "invalid"),
        ("ftp://127.0.0.1/", "invalid"),
        ("file:///etc/passwd", "invalid"),
        ("http:///path", "invalid"),
        ("http://127.0.0.1:99999/", "invalid"),
        ("http://127.0.0.1:-1/", "invalid"),
        ("http://127.0.0.1:" + "9" * 5000 + "/", "invalid"),
        ("http://[bad/x", "invalid"),
        ("http://[]/", "invalid"),
        ("http://@/", "invalid"),
        ("http:127.0.0.1", "invalid"),
        ("javascript:alert(1)", "invalid"),
        ("\ud800", "invalid"),
        ("http://127.0.0.1:port/", "invalid"),
        ("http://[::1/", "invalid"),
        ("/relative", "invalid"),
        ("", "invalid"),
        ("http://exa mple.test/", "invalid"),
        ("http://127.0.0.1\x00.test/", "invalid"),
    ],
)
def test_an_address_that_leads_nowhere(post, url, error):
    outcome = post(url)
    assert (outcome.error, outcome.status_code) == (error, None), outcome.detail


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Bad": "a\r\nX-Injected: b"},
        {"X-Bad": "a\nb"},
        {"X-Bad\r\nX-Injected": "b"},
        {"X-Bad": "snow ☃"},
        {"": "empty"},
        {"Transfer-Encoding: chunked, ": "x"},
        {"Content-Length: 3": ""},
        {"Host: x": "", "X": "y"},
        {"X-Bad ": "a"},
        {"X-Bad": "a\r\nX-Injected: b", "X": ""},
    ],
)
def test_a_header_that_http_cannot_carry_is_sent_to_nobody(raw, post, headers):
    server = raw(says(OK + b"Content-Length: 0\r\n\r\n"))
    assert post(server.url(), headers=headers).error == "invalid"
    assert server.requests == []


def test_no_detail_shows_the_url(raw, post):
    server = raw(_resets_at_once)
    assert "hush" not in repr(post(server.url("/hook?token=hush")))


@pytest.mark.parametrize(
    "arguments, part",
    [
        ({"headers": 5}, "header"),
        ({"headers": ["X"]}, "header"),
        ({"headers": {"X": None}}, "header"),
        ({"headers": {"X": object()}}, "header"),
        ({"headers": {5: "6"}}, "header"),
        ({"headers": {b"X": b"y"}}, "header"),
        ({"headers": {"X": ["y"]}}, "header"),
        ({"body": None}, "body"),
        ({"body": "text"}, "body"),
        ({"body": {}}, "body"),
        ({"url": None}, "address"),
        ({"url": 5}, "address"),
        ({"url": ["http://endpoint.test/"]}, "address"),
    ],
)
def test_what_a_malformed_row_holds_is_invalid_and_says_which_part(raw, post, caplog, arguments, part):
    server = raw(says(OK + b"Content-Length: 0\r\n\r\n"))
    outcome = post(**{"url": server.url(), **arguments})
    assert (outcome.error, part in outcome.detail, caplog.text) == ("invalid", True, ""), outcome
    assert server.accepted == 0


@pytest.mark.parametrize("times", [{"timeout": None}, {"timeout": "5"}, {"timeout": 1e300}, {"connect_timeout": []}])
def test_a_time_that_is_none_is_invalid(raw, post, times):
    server = raw(says(OK + b"Content-Length: 0\r\n\r\n"))
    assert post(server.url(), **times).error == "invalid"
    assert server.requests == []


def test_a_mistake_of_ours_is_an_outcome_and_a_log_line(raw, post, caplog, monkeypatch):
    def broken(*_args):
        raise KeyError("hush")

    monkeypatch.setattr(client, "parse", broken)
    assert post(raw(says(OK)).url()).error == "invalid"
    assert [record.message for record in caplog.records] == ["Unexpected KeyError while preparing the request"]


@pytest.mark.parametrize(
    "header",
    [
        b"Retry-After: Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        b"Retry-After: " + b"9" * 5000,
        b"Retry-After: -1",
        b"Retry-After: Thu, 01 Jan 1970 00:00:00 +99999999999999",
        b"Keep-Alive: timeout=99999999999999999999",
        b"Keep-Alive: timeout=-5",
        b"Content-Type: multipart/mixed; boundary=x",
        b"Content-Type: message/rfc822",
    ],
)
def test_no_header_makes_it_raise(raw, post, header):
    outcome = post(raw(says(OK[:9] + b"503 X\r\n" + header + b"\r\nContent-Length: 2\r\n\r\n{}")).url())
    assert (outcome.status_code, outcome.body, outcome.error) == (503, b"{}", "")


def test_a_megabyte_of_empty_gzip_parts_takes_no_time(raw, post):
    """Each part costs a decoder of its own, and looking for the next one must not copy all the rest."""
    parts = gzip.compress(b"", mtime=0) * 50_000
    server = raw(says(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(parts), parts))
    start = time.process_time()
    assert post(server.url(), timeout=LONG_DEADLINE, max_bytes=1024 * 1024).body == b""
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"no header at all\r\n\r\n",
        OK + b"X: y\r\n folded\r\n: no name\r\nhush\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.test/?hush\r\n\r\n",
        b"hush",
        b"",
    ],
)
def test_neither_address_nor_header_nor_body_is_logged(raw, post, caplog, answer):
    server = raw(says(answer, close=True))
    with caplog.at_level(logging.DEBUG):
        post(server.url("/hook?token=hush"), headers={"X-Key": "hush"}, body=b"hush")
        post(f"http://user:hush@127.0.0.1:{server.port}/")
    assert "hush" not in caplog.text and str(server.port) not in caplog.text
