"""What servers say, as it is understood: heads of any shape, and bodies however they arrive."""

import http.client
import socket
import struct
import threading
import time

import pytest

from openedx_webhooks.transport import connections

from .servers import keeps_alive, says

OK = b"HTTP/1.1 200 OK\r\n"
END = b"Content-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize(
    "lines, headers",
    [
        (b"X-Two:a\r\nx-two:\t b \r\n", {"x-two": "a, b"}),
        (b"X-Empty:\r\n", {"x-empty": ""}),
        (b"X-Colon: a:b\r\n", {"x-colon": "a:b"}),
        (b"X-Folded: a\r\n  b\r\n\tc\r\n \r\n", {"x-folded": "a b c"}),
        (b"X-Latin: caf\xe9\r\n", {"x-latin": "caf\xe9"}),
        (b"X-Bare: a\nX: b\n", {"x-bare": "a", "x": "b"}),
        (b"X: %s\r\n" % (b"y" * 60_000), {"x": "y" * 60_000}),
    ],
    ids=["twice", "empty", "colon", "folded", "latin-1", "bare", "long"],
)
def test_headers_are_read_as_they_come(raw, post, lines, headers):
    outcome = post(raw(says(OK + lines + END)).url())
    assert (outcome.body, outcome.error) == (b"hello", ""), outcome.detail
    assert outcome.headers == headers | {"content-length": "5"}


@pytest.mark.parametrize("count, error", [(98, ""), (100, "bad_response")])
def test_there_may_be_a_hundred_headers(raw, post, count, error):
    assert post(raw(says(OK + b"X: y\r\n" * count + END)).url()).error == error


@pytest.mark.parametrize("size, error", [(65_000, ""), (65_536, "bad_response")])
def test_a_header_may_have_64_kilobytes(raw, post, size, error):
    assert post(raw(says(OK + b"X: " + b"y" * size + b"\r\n" + END)).url()).error == error


@pytest.mark.parametrize(
    "head, is_kept",
    [
        (b"Content-Length: 5\r\nContent-Length: 5\r\n", True),
        (b"Transfer-Encoding: CHUNKED\r\n", True),
        (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", True),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: Chunked\r\n", True),
        (b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", True),
        (b"Content-Length: five\r\n", False),
        (b"Content-Length: -5\r\n", False),
        (b"Content-Length: \xb2\r\n", False),
        (b"Content-Length: %s\r\n" % (b"5," * 30_000), False),
        (b"", False),
    ],
)
def test_a_body_has_the_length_that_is_clear_or_ends_with_the_connection(raw, post, head, is_kept):
    body = b"5\r\nhello\r\n0\r\n\r\n" if b"chunked" in head.lower() else b"hello"
    server = raw(keeps_alive(OK + head + b"\r\n" + body) if is_kept else says(OK + head + b"\r\n" + body, close=True))
    outcomes = [post(server.url()) for _ in range(2)]
    assert [(outcome.body, outcome.error) for outcome in outcomes] == [(b"hello", "")] * 2, outcomes
    assert server.accepted == (1 if is_kept else 2)


@pytest.mark.parametrize(
    "encoding",
    [b"gzip, chunked", b"xchunked", b"gzip", b"chunked;q=1", b"identity\r\nTransfer-Encoding: chunked", b"chunked "],
)
def test_a_transfer_encoding_that_was_not_asked_for_is_an_error(raw, post, encoding):
    """Its Content-Length is not its length: what follows would be taken for the answer to the next request."""
    server = raw(keeps_alive(OK + b"Transfer-Encoding: " + encoding + b"\r\n" + END))
    outcomes = [post(server.url()) for _ in range(2)]
    assert [(outcome.status_code, outcome.error) for outcome in outcomes] == [(200, "bad_response")] * 2
    assert server.accepted == 2


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "chunks",
    [
        b"5\r\nhello\r\n0\r\n\r\n",
        b"005\nhello\r\n000\n\n",
        b"5 \r\nhello\r\n0;end\r\n\r\n",
        b"3;a=b;c\r\nhel\r\n2 ; x\r\nlo\r\n0\r\n" + b"T: x\r\n" * 100 + b"\r\n",
        b"1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n1\r\nl\r\n1\r\no\r\n0\r\n\r\n",
    ],
)
def test_chunks_are_put_together(raw, post, chunks):
    server = raw(keeps_alive(OK + CHUNKED + chunks))
    assert [post(server.url()).body for _ in range(2)] == [b"hello"] * 2
    assert server.accepted == 1


@pytest.mark.parametrize(
    "chunks",
    [
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello\r\n0\r\n\r\n",
        b";5\r\nhello\r\n0\r\n\r\n",
        b"3\r\nhello\r\n0\r\n\r\n",
        b"5;" + b"e" * 65_536 + b"\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_chunks_of_unclear_size_are_an_error(raw, post, chunks):
    outcome = post(raw(says(OK + CHUNKED + chunks, close=True)).url())
    assert (outcome.status_code, outcome.error in ("reset", "bad_response")) == (200, True)


def test_lengths_that_contradict_each_other_are_an_error(raw, post):
    outcome = post(raw(says(OK + b"Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello")).url())
    assert (outcome.error, "lengths" in outcome.detail) == ("bad_response", True)


def test_what_had_arrived_when_it_broke_off_is_kept(raw, post):
    outcome = post(raw(says(OK + b"Content-Length: 9\r\n\r\nhello", close=True)).url())
    assert (outcome.error, outcome.body, outcome.response_bytes) == ("reset", b"hello", 5)


@pytest.mark.parametrize("cap, error", [(4, "too_large"), (5, "")])
def test_chunks_beyond_the_cap_are_cut(raw, post, cap, error):
    outcome = post(raw(says(OK + CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")).url(), max_bytes=cap)
    assert (outcome.body, outcome.error) == (b"hello"[:cap], error)


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", OK + b"Connection: X-Y\r\n"])
def test_a_connection_stays_open_if_the_server_says_so(raw, post, head):
    server = raw(keeps_alive(head + END))
    assert [post(server.url()).body for _ in range(2)] == [b"hello"] * 2
    assert server.accepted == 1


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_is_waited_for_no_longer(raw, post, status):
    server = raw(keeps_alive(b"HTTP/1.1 %d X\r\n\r\n" % status))
    outcomes = [post(server.url()) for _ in range(2)]
    assert [(outcome.status_code, outcome.error) for outcome in outcomes] == [(status, "")] * 2
    assert server.accepted == 1


@pytest.mark.parametrize("body", [END, b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nT: x\r\n\r\n"])
def test_a_response_may_arrive_byte_by_byte(raw, post, body):
    def script(connection, server):
        server.read_request(connection)
        for byte in OK + body:
            connection.sendall(bytes((byte,)))
            time.sleep(0.0005)

    assert post(raw(script).url()).body == b"hello"


def test_what_comes_after_a_response_is_the_answer_to_nothing(raw, post):
    """Both arrive at once, so that nothing is left in the socket to tell."""
    extra = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    server = raw(keeps_alive(OK + END + extra))
    assert [post(server.url()).status_code for _ in range(2)] == [200, 200]


def test_what_comes_after_a_response_over_tls_is_the_answer_to_nothing(raw_tls, post, settings, authority):
    """It was read from the socket with the response, and waits, encrypted, for somebody to ask."""
    settings.OPENEDX_WEBHOOKS = {"CA_BUNDLE": str(authority.path)}

    def script(connection, server):
        while True:
            server.read_request(connection)
            # Two records that arrive at once.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            connection.sendall(OK + END)
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    server = raw_tls(script)
    assert [post(server.url()).status_code for _ in range(2)] == [200, 200]
    assert server.accepted == 2


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1  200  OK", b"HTTP/1.1\t200\tOK", b"HTTP/1.9 200 \xe9"]
)
def test_status_lines_that_mean_200(raw, post, line):
    assert post(raw(says(line + b"\r\n" + END)).url()).status_code == 200


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"HTTP/1.1",
        b"HTTP/1.1 20",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 200OK",
        b"ICY 200 OK",
        b"http/1.1 200 OK",
        b"HTTP/1.1 \xb2\xb0\xb0 OK",
        b"HTTP/1.1 +20 OK",
    ],
)
def test_lines_that_are_no_status_line(raw, post, line):
    outcome = post(raw(says(line + b"\r\n" + END)).url())
    assert (outcome.status_code, outcome.error) == (None, "bad_response")
    assert http.client.BadStatusLine.__name__ in outcome.detail


@pytest.mark.parametrize(
    "head, is_ended, error",
    [
        (b"\r\n", True, ""),
        (b"\r\n", False, "reset"),
        (b"Content-Length: 5\r\n\r\n", False, ""),
        (CHUNKED + b"5\r\n", False, "reset"),
    ],
    ids=["ended", "cut off", "length", "in a chunk"],
)
def test_the_end_of_tcp_is_not_the_end_of_tls(raw_tls, post, settings, authority, head, is_ended, error):
    """Anybody on the way can end TCP: a webfilter's refusal would become an answer without content."""
    settings.OPENEDX_WEBHOOKS = {"CA_BUNDLE": str(authority.path)}

    def script(connection, server):
        server.read_request(connection)
        connection.sendall(OK + head + b"hello")
        if is_ended:
            connection.unwrap()
        connection.close()

    outcome = post(raw_tls(script).url())
    assert (outcome.status_code, outcome.error) == (200, error)


def test_a_server_that_hangs_up_before_tls_is_no_surprise(post, monkeypatch, caplog):
    """It hangs up when the client is connected, and the client begins with TLS when it has hung up."""
    is_connected, has_hung_up = threading.Event(), threading.Event()

    def hang_up(listener):
        connection, _address = listener.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        is_connected.wait(5)
        connection.close()
        has_hung_up.set()

    def connect(*args):
        sock = connect_any(*args)
        is_connected.set()
        has_hung_up.wait(5)
        return sock

    connect_any = connections.connect_any
    monkeypatch.setattr(connections, "connect_any", connect)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hang_up, args=(listener,), daemon=True)
        thread.start()
        outcome = post(f"https://127.0.0.1:{listener.getsockname()[1]}/", timeout=10)
        thread.join(2)
    assert (outcome.error, caplog.text) == ("reset", "")
