"""One POST's clock and counters, and sockets that obey them at every single operation."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

import attrs


class Failure(Exception):
    """
    Why an exchange gave no usable response.

    Attributes:
        kind: a short, stable word (see :class:`~openedx_webhooks.transport.client.Outcome`).
        detail: one line for the operator; no secrets, no URL.
    """

    def __init__(self, kind: str, detail: str):
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail


@attrs.define
class Exchange:
    """
    The state of one POST. All times are seconds of the monotonic clock: setting the machine's clock changes nothing.

    Attributes:
        deadline: when everything must have ended.
        connect_deadline: when the name must be resolved and the TCP connection made.
        receive_limit: how many bytes the sockets may receive, heads and framing included.
        phase: what it is doing, for the operator.
        sent: bytes of this request that the kernel (or TLS) has taken.
        received: bytes that arrived.
    """

    deadline: float
    connect_deadline: float
    receive_limit: int
    phase: str = "resolving the name"
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
        Add to what was received.

        Raises:
            Failure: it is more than the limit. Stops endless headers, 1xx responses, chunk framing and bodies alike.
        """
        self.received += size
        if self.received > self.receive_limit:
            raise Failure("too_large", f"more than {self.receive_limit} bytes arrived")


class _Bounded:
    """
    Mixed into sockets: before each operation the time-out is set to what is left of the exchange.

    A socket's own time-out begins anew with each operation, so that a server which sends one byte a second holds its
    client for ever. Here every ``recv`` of a header line or a body gets less time than the one before it.
    """

    exchange: Exchange | None = None

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

    def sendall(self, data, *args):
        """As in the base class, within the deadline, counting what was taken."""
        # In pieces of a TLS record: a record that was cut off can't be decrypted, so what failed was not received.
        with memoryview(data) as view, view.cast("B") as octets:
            position = 0
            while position < len(octets):
                self.settimeout(self.exchange.remaining())
                size = self.send(octets[position : position + 16384], *args)
                position += size
                self.exchange.sent += size


class BoundedSocket(_Bounded, socket.socket):
    """A TCP socket that obeys the exchange it is bound to."""


class BoundedTLSSocket(_Bounded, ssl.SSLSocket):
    """A TLS socket that obeys the exchange it is bound to."""


def wrap_tls(sock: BoundedSocket, context: ssl.SSLContext, host: str) -> BoundedTLSSocket:
    """
    TLS over a connected socket. The handshake, too, ends at the deadline, however slowly its records arrive.

    Raises:
        Failure, OSError, ssl.SSLError: the socket is then closed.
    """
    exchange = sock.exchange
    exchange.phase = "agreeing on TLS"
    try:
        sock.settimeout(exchange.remaining())
        # The time-out of a socket covers its whole handshake, not each step: _ssl.c computes a deadline from it.
        wrapped = context.wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise
    wrapped.exchange = exchange
    return wrapped


@contextmanager
def closing_on_error(resource) -> Iterator[None]:
    """Close it if the block raises anything, a KeyboardInterrupt included, so that no socket stays behind."""
    try:
        yield
    except BaseException:
        resource.close()
        raise
