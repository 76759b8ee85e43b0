"""One POST's clock and counters, and a socket that obeys them at every single operation."""

import socket
import time

import attrs

from .failures import Failure, Phase

# What a response may have besides its body: heads, informational responses, chunk framing.
_OVERHEAD_BYTES = 128 * 1024
# What each piece that arrives counts for besides its bytes: a packet, a TLS record, a chunk. A megabyte in pieces of
# one byte takes seconds of CPU.
_PIECE_BYTES = 100
# How much is handed to the kernel at once; between two pieces the clock is looked at.
_SEND_BYTES = 16384


@attrs.define
class Exchange:
    """
    The state of one POST. All times are seconds of the monotonic clock: setting the machine's clock changes nothing.

    Attributes:
        deadline: when everything must have ended.
        connect_deadline: when the name must be resolved and the TCP connection made.
        body_limit: how many bytes a body may have, before and after decompression.
        phase: what it is doing, for the operator.
        sent: bytes that the kernel has taken: of the request or its TLS records, and of what made a new connection.
        received: bytes that arrived, and some for each piece that they arrived in.
    """

    deadline: float
    connect_deadline: float
    body_limit: int
    phase: Phase = Phase.PREPARING
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

    def remaining_to_connect(self) -> float:
        """Seconds left for resolving and connecting; 0 if none is."""
        return max(0.0, min(self.deadline, self.connect_deadline) - time.monotonic())

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


class BoundedSocket(socket.socket):
    """
    A TCP socket whose every operation has what is left of the exchange as its time-out.

    A socket's own time-out begins anew with each operation, so that a server which sends one byte a second holds its
    client for ever. Here every ``recv`` of a header line or a body gets less time than the one before it.
    """

    exchange: Exchange | None = None

    def recv(self, *args, **kwargs):
        """As in the base class, within the deadline and the limit: what TLS reads with."""
        self.settimeout(self.exchange.remaining())
        data = super().recv(*args, **kwargs)
        self.exchange.count_received(len(data))
        return data

    def recv_into(self, *args, **kwargs):
        """As in the base class, within the deadline and the limit: what ``http.client`` reads with."""
        self.settimeout(self.exchange.remaining())
        size = super().recv_into(*args, **kwargs)
        self.exchange.count_received(size)
        return size

    def sendall(self, data, *args):
        """As in the base class, within the deadline, counting what was taken."""
        rest = memoryview(data)
        while rest:
            self.settimeout(self.exchange.remaining())
            size = self.send(rest[:_SEND_BYTES], *args)
            self.exchange.sent += size
            rest = rest[size:]
