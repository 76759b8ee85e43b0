"""One POST's clock and counters, and sockets that obey them at every single operation."""

import io
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import attrs

from .failures import Failure, Phase

# What a response may have besides its body: heads, informational responses, chunk framing.
_OVERHEAD_BYTES = 128 * 1024
# What each piece that arrives counts for besides its bytes, as packets and TLS records have heads, too. A megabyte in
# pieces of one byte takes two seconds of CPU.
_PIECE_BYTES = 100


@attrs.define
class Exchange:
    """
    The state of one POST. All times are seconds of the monotonic clock: setting the machine's clock changes nothing.

    Attributes:
        deadline: when everything must have ended.
        connect_deadline: when the name must be resolved and the TCP connection made.
        body_limit: how many bytes a body may have, before and after decompression.
        phase: what it is doing, for the operator.
        sent: bytes of this request, or of its TLS records, that the kernel has taken.
        received: bytes that arrived, and some for each piece that they arrived in.
    """

    deadline: float
    connect_deadline: float
    body_limit: int
    phase: Phase = Phase.RESOLVING
    sent: int = 0
    received: int = 0

    def remaining(self) -> float:
        """
        Seconds left.

        Raises:
            Failure: none is left.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Failure("timeout", f"time was up while {self.phase}")
        return left

    def count_received(self, size: int) -> None:
        """
        Add a piece to what was received.

        Raises:
            Failure: it is more than the limit. Stops endless headers, 1xx responses, chunk framing and bodies alike.
        """
        self.received += size + _PIECE_BYTES
        limit = _OVERHEAD_BYTES + 2 * self.body_limit
        if self.received > limit:
            raise Failure("too_large", f"more than {limit} bytes arrived, heads and framing included")


class Lines(io.BufferedReader):
    """What ``http.client`` reads a proxy's answer from. It takes the end of the stream for the end of the head."""

    def readline(self, size=-1, /):
        """
        A whole line, or as much as was asked for.

        Raises:
            ConnectionResetError: it has no end.
        """
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:
            raise ConnectionResetError("the connection ended within the head")
        return line


class BoundedSocket(socket.socket):
    """
    A TCP socket whose every operation has what is left of the exchange as its time-out.

    A socket's own time-out begins anew with each operation, so that a server which sends one byte a second holds its
    client for ever. Here every ``recv`` of a header line or a body gets less time than the one before it.
    """

    exchange: Exchange | None = None
    # All that was received and not read is with the kernel.
    has_more = False

    def makefile(self, *_args, **_kwargs):
        """What a proxy's answer is read from."""
        return Lines(super().makefile("rb", buffering=0))

    def recv(self, *args, **kwargs):
        """As in the base class, within the deadline and the limit."""
        self.settimeout(self.exchange.remaining())
        data = super().recv(*args, **kwargs)
        self.exchange.count_received(len(data))
        return data

    def recv_into(self, *args, **kwargs):
        """As in the base class, within the deadline and the limit."""
        self.settimeout(self.exchange.remaining())
        size = super().recv_into(*args, **kwargs)
        self.exchange.count_received(size)
        return size

    def sendall(self, data: bytes, *args):
        """As in the base class, within the deadline, counting what was taken."""
        # In pieces, between which the clock is looked at.
        position = 0
        while position < len(data):
            self.settimeout(self.exchange.remaining())
            size = self.send(data[position : position + 16384], *args)
            position += size
            self.exchange.sent += size


class BoundedTLSSocket:
    """
    TLS over a bounded socket, through which every byte passes.

    OpenSSL left alone with a socket goes on for as long as records come that carry no data, such as updates of keys,
    whatever the time and however many.

    Raises:
        Failure, OSError, ssl.SSLError: of the handshake.
    """

    def __init__(self, sock: BoundedSocket, context: ssl.SSLContext, host: str):
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._run(self._tls.do_handshake)
        self.fileno, self.close, self.setsockopt = sock.fileno, sock.close, sock.setsockopt

    @property
    def exchange(self) -> Exchange | None:
        """Whose clock and counters its operations obey."""
        return self._sock.exchange

    @exchange.setter
    def exchange(self, exchange: Exchange | None) -> None:
        self._sock.exchange = exchange

    @property
    def has_more(self) -> bool:
        """Whether something was received that nobody has asked for."""
        return bool(self._incoming.pending or self._tls.pending())

    def recv(self, size: int) -> bytes:
        """
        Up to so many bytes; none at the end of TLS.

        Raises:
            ssl.SSLEOFError: the connection ended without an end of TLS's own: anybody on the way may have cut it off.
            Failure, OSError
        """
        try:
            return self._run(self._tls.read, size)
        except ssl.SSLZeroReturnError:
            return b""

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        position = 0
        while position < len(data):
            position += self._run(self._tls.write, data[position : position + 16384])

    def _run(self, operation, *args):
        while True:
            try:
                result = operation(*args)
            except ssl.SSLWantReadError:
                self._flush()
                if data := self._sock.recv(16384):
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
                continue
            except ssl.SSLError:
                # The alert that tells the server why.
                with suppress(Failure, OSError):
                    self._flush()
                raise
            self._flush()
            return result

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._sock.sendall(self._outgoing.read())


def wrap_tls(sock: BoundedSocket, context: ssl.SSLContext, host: str) -> BoundedTLSSocket:
    """
    TLS over a connected socket. The handshake, too, ends at the deadline, however slowly its records arrive.

    Raises:
        Failure, OSError, ssl.SSLError: the socket is then closed.
    """
    sock.exchange.phase = Phase.TLS
    with closing_on_error(sock):
        return BoundedTLSSocket(sock, context, host)


@contextmanager
def closing_on_error(resource) -> Iterator[None]:
    """Close it if the block raises anything, a KeyboardInterrupt included, so that no socket stays behind."""
    try:
        yield
    except BaseException:
        resource.close()
        raise
