"""One POST's clock and counters, and sockets that obey them at every single operation."""

import io
import socket
import ssl
import time

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
        sent: bytes of this request that the kernel (or TLS) has taken.
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
        # In pieces of a TLS record: a record that was cut off can't be decrypted, so what failed was not received.
        position = 0
        while position < len(data):
            self.settimeout(self.exchange.remaining())
            size = self.send(data[position : position + 16384], *args)
            position += size
            self.exchange.sent += size


class BoundedTLSSocket(BoundedSocket, ssl.SSLSocket):  # pylint: disable=abstract-method
    """The same for TLS."""


def wrap_tls(sock: BoundedSocket, context: ssl.SSLContext, host: str) -> BoundedTLSSocket:
    """
    TLS over a connected socket. The handshake, too, ends at the deadline, however slowly its records arrive.

    Raises:
        Failure, OSError, ssl.SSLError: the socket is then closed.
    """
    exchange = sock.exchange
    exchange.phase = Phase.TLS
    try:
        sock.settimeout(exchange.remaining())
        # If the server has hung up already, wrap_socket() would go on without TLS, reading where nobody keeps the time.
        sock.getpeername()
        # The time-out of a socket covers its whole handshake, not each step: _ssl.c computes a deadline from it.
        # Without an end of TLS's own, anybody on the way may have cut the response off.
        wrapped = context.wrap_socket(sock, server_hostname=host, suppress_ragged_eofs=False)
    except BaseException:
        sock.close()
        raise
    wrapped.exchange = exchange
    return wrapped


class closing_on_error:  # pylint: disable=invalid-name
    """Close it if the block raises anything, a KeyboardInterrupt included, so that no socket stays behind."""

    __slots__ = ("_resource",)

    def __init__(self, resource):
        self._resource = resource

    def __enter__(self):
        return self._resource

    def __exit__(self, kind, _error, _traceback):
        if kind is not None:
            self._resource.close()
