"""
The response to a POST.

``http.client`` leaves headers to the parser for e-mails, which takes as long as the rest of a POST together; it also
takes 103 for the final response, the end of the stream for the end of the head, and any two bytes for the end of a
chunk.
"""

import http.client
import re

from .exchange import BoundedSocket
from .failures import Failure

# Informational responses and the final one.
MAX_HEADS = 20
# Of each of them; the same as http.client's own.
MAX_HEADERS = 100
MAX_LINE = 65536
# Of a body in chunks, and one more for every hundred bytes that it may have: a chunk takes microseconds of CPU, so that
# a megabyte of single bytes would take most of a second.
MAX_CHUNKS = 10_000

_RECEIVE_BYTES = 16384
_WITHOUT_BODY = frozenset((101, 204, 304))
_BLANKS = " \t\r\n"
_ENDS = (b"\r\n", b"\n")
_LENGTH = re.compile(r"[0-9]{1,18}")
# Some servers pad the size with blanks.
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(?:;[^\n]*)?\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.([0-9])[ \t]+([1-9][0-9]{2})(?:[ \t][^\r\n]*)?\r?\n")


class Stream:
    """What was received and not yet read."""

    __slots__ = ("_received", "_sock")

    def __init__(self, sock: BoundedSocket):
        self._sock = sock
        self._received = bytearray()

    def readline(self, limit: int) -> bytes:
        """
        The next line with its end, or as much of it as ``limit`` bytes.

        Raises:
            ConnectionResetError: it has no end.
            Failure, OSError
        """
        searched = 0
        while (end := self._received.find(b"\n", searched, limit)) < 0:
            searched = len(self._received)
            if searched >= limit:
                return self._take(limit)
            if not self._receive():
                raise ConnectionResetError("the connection ended within the head")
        return self._take(end + 1)

    def read(self, size: int) -> bytes:
        """
        So many bytes, or fewer if the stream ends.

        Raises:
            Failure, OSError
        """
        while len(self._received) < size and self._receive():
            pass
        return self._take(size)

    @property
    def is_empty(self) -> bool:
        """Whether all that was received was read."""
        return not self._received

    def _receive(self) -> bool:
        data = self._sock.recv(_RECEIVE_BYTES)
        self._received += data
        return bool(data)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken


class Response:
    """
    A response whose head was read.

    Attributes:
        headers: names in lower case.
        will_close: whether the connection is of no use after it.
        missing: how many bytes are known to be missing at the end of the body.

    Raises:
        Failure, OSError, http.client.HTTPException: there is none.
    """

    __slots__ = ("headers", "missing", "status", "will_close", "_encoding", "_length", "_stream")

    def __init__(self, sock: BoundedSocket):
        self._stream = stream = Stream(sock)
        for _ in range(MAX_HEADS):
            minor, self.status = _read_status(stream)
            self.headers = headers = _read_headers(stream)
            if self.status >= 200 or self.status == 101:
                break
        else:
            # Parsing them by the thousand costs seconds of CPU, within any limit of bytes.
            raise Failure("bad_response", "too many informational responses")
        self._encoding = _transfer_encoding(headers)
        self._length = 0 if self.status in _WITHOUT_BODY else None if self._encoding else _content_length(headers)
        self.missing: int | None = None
        # Without a length, the body ends where the connection does. HTTP/1.0 has no chunks: who knows who sent them.
        has_end = self._length is not None or (minor and self._encoding == "chunked")
        self.will_close = not (has_end and _stays_open(minor, headers))

    def read(self, limit: int) -> tuple[bytes, bool]:
        """
        The body as it was sent, at most ``limit`` bytes, and whether that is its end.

        Raises:
            Failure, OSError, http.client.HTTPException
        """
        if self._length is not None:
            body = self._stream.read(min(limit, self._length))
            self.missing = self._length - len(body)
            is_whole = not self.missing
        elif self._encoding == "chunked":
            body, is_whole = _read_chunks(self._stream, limit)
        elif self._encoding:
            raise Failure("bad_response", "the response has a transfer encoding that was not asked for")
        else:
            body, is_whole = self._stream.read(limit), True
        # What comes after it is the answer to nothing; what else would come on this connection?
        self.will_close = self.will_close or not self._stream.is_empty
        return body, is_whole


def _read_status(stream: Stream) -> tuple[int, int]:
    """The second number of HTTP's version, and the status."""
    line = stream.readline(MAX_LINE + 1)
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise http.client.BadStatusLine("")
    return int(match[1]), int(match[2])


def _read_headers(stream: Stream) -> dict[str, str]:
    """
    The headers, values of the same name joined as RFC 9110, 5.3, says. A line that is no header is passed over.

    Raises:
        OSError, http.client.HTTPException: the head has no end, or is too long.
    """
    headers: dict[str, str] = {}
    name = ""
    for _ in range(MAX_HEADERS + 1):
        line = stream.readline(MAX_LINE + 1)
        if len(line) > MAX_LINE:
            raise http.client.LineTooLong("header line")
        if line in _ENDS:
            return headers
        text = line.decode("latin-1")
        if text[0] in " \t":
            # Folded, as RFC 9112, 5.2, forbids.
            if name:
                headers[name] = f"{headers[name]} {text.strip(_BLANKS)}".rstrip(_BLANKS)
            continue
        name, colon, value = text.partition(":")
        name, value = name.strip(_BLANKS).lower(), value.strip(_BLANKS)
        if not colon or not name:
            name = ""
        elif name in headers:
            headers[name] = f"{headers[name]}, {value}"
        else:
            headers[name] = value
    raise http.client.HTTPException(f"more than {MAX_HEADERS} headers")


def _read_chunks(stream: Stream, limit: int) -> tuple[bytes, bool]:
    """
    A body in chunks, at most ``limit`` bytes, and whether that is its end.

    Raises:
        Failure, OSError, http.client.HTTPException
    """
    pieces, left = [], limit
    for _ in range(MAX_CHUNKS + limit // 100):
        line = stream.readline(MAX_LINE + 1)
        match = _CHUNK_LINE.fullmatch(line)
        if match is None:
            raise http.client.HTTPException("a chunk has no size")
        size = int(match[1], 16)
        if not size:
            _skip_trailers(stream)
            return b"".join(pieces), True
        if size > left:
            return b"".join(pieces) + stream.read(left), False
        piece = stream.read(size + 2)
        if len(piece) < size + 2:
            raise http.client.IncompleteRead(b"")
        if piece[size:] != b"\r\n":
            raise http.client.HTTPException("a chunk is longer than its size")
        pieces.append(piece[:size])
        left -= size
    raise Failure("too_large", "the response has too many chunks")


def _skip_trailers(stream: Stream) -> None:
    for _ in range(MAX_HEADERS + 1):
        line = stream.readline(MAX_LINE + 1)
        if len(line) > MAX_LINE:
            raise http.client.LineTooLong("trailer line")
        if line in _ENDS:
            return
    raise Failure("too_large", f"the response has more than {MAX_HEADERS} trailers")


def _transfer_encoding(headers: dict[str, str]) -> str:
    """How the body is framed: ``chunked``, empty for not at all, or something else that nobody asked for."""
    encoding = headers.get("transfer-encoding", "")
    if not encoding:
        return ""
    # Proxies that pass an endpoint's header on and add their own say it twice and do it once. What remains after many
    # commas is no encoding.
    names = {name.strip(_BLANKS).lower() for name in encoding.split(",", MAX_HEADERS)} - {"", "identity"}
    return "chunked" if names == {"chunked"} else ", ".join(names)


def _content_length(headers: dict[str, str]) -> int | None:
    """Bytes of the body; None where no or no clear length is given."""
    given = headers.get("content-length", "")
    if _LENGTH.fullmatch(given):
        return int(given)
    # In the last part is what remains: a million commas are no length, and need not be taken apart to tell.
    lengths = {length.strip(_BLANKS) for length in given.split(",", MAX_HEADERS)}
    length = lengths.pop()
    return int(length) if not lengths and _LENGTH.fullmatch(length) else None


def _stays_open(minor: int, headers: dict[str, str]) -> bool:
    """RFC 9112, 9.3."""
    connection = headers.get("connection", "").lower()
    return "close" not in connection if minor else "keep-alive" in connection
