"""
Names to addresses, within a time limit.

``getaddrinfo`` has no time-out and can't be interrupted: with dead name servers it blocks for half a minute or longer.
So each lookup has a thread of its own, which ends with the lookup. There are never more than a few: a second caller
that wants the same name waits for the same lookup, and when all threads hang, further callers wait for a free one until
their own time is up. Good answers are kept for some seconds, failures for a shorter time.
"""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from .failures import Failure

# The family and the address as socket.connect takes it, with port 0.
Endpoint = tuple[int, tuple]

THREADS = 8
KEEP_SECONDS = 30.0
KEEP_FAILURE_SECONDS = 2.0
KEEP_NAMES = 512


def numeric(host: str) -> list[Endpoint]:
    """
    The address that a host is, in any notation the C library takes (``127.0.0.1``, ``::1``, ``0x7f.1``,
    ``2130706433``); empty if it is a name. Never asks the network.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, ValueError):
        return []
    return [(family, address) for family, _type, _protocol, _name, address in found]


class Resolver:
    """
    Looks names up in bounded threads.

    Args:
        lookup: like ``socket.getaddrinfo``, called with the host only.
        threads: lookups at the same time.
    """

    def __init__(self, lookup: Callable[[str], list[tuple]] | None = None, threads: int = THREADS):
        self._lookup = lookup or partial(socket.getaddrinfo, port=None, type=socket.SOCK_STREAM)
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(threads)
        self._pending: dict[str, Future] = {}
        self._kept: dict[str, tuple[float, list[Endpoint] | Failure]] = {}

    def resolve(self, host: str, seconds: float) -> list[Endpoint]:
        """
        The addresses of a host, in the order to try them.

        Args:
            seconds: how long the caller can wait.

        Raises:
            Failure: ``dns``.
        """
        addresses = numeric(host)
        if addresses:
            return addresses
        end = time.monotonic() + seconds
        with self._lock:
            kept = self._kept.get(host)
            if kept and kept[0] > time.monotonic():
                return self._unpack(kept[1])
            pending = self._pending.get(host)
            is_mine = pending is None
            if is_mine:
                pending = self._pending[host] = Future()
        if is_mine:
            self._start(host, pending, end)
        try:
            return self._unpack(pending.result(max(0.0, end - time.monotonic())))
        except TimeoutError:
            raise Failure("dns", f"the name was not resolved within {seconds:.1f} s") from None

    @staticmethod
    def _unpack(answer: list[Endpoint] | Failure) -> list[Endpoint]:
        if isinstance(answer, Failure):
            # A new one each time: an exception that is raised twice collects the tracebacks of both.
            raise Failure(answer.kind, answer.detail)
        return answer

    def _start(self, host: str, pending: Future, end: float) -> None:
        """Look it up in a thread of its own, as soon as one is free."""
        if not self._free.acquire(timeout=max(0.0, end - time.monotonic())):
            self._finish(host, pending, Failure("dns", "all name lookups of this process hang"))
            return
        try:
            threading.Thread(target=self._run, args=(host, pending), name="webhooks-dns", daemon=True).start()
        except RuntimeError:
            self._free.release()
            self._finish(host, pending, Failure("dns", "no thread could be started to resolve the name"))

    def _run(self, host: str, pending: Future) -> None:
        answer: list[Endpoint] | Failure = Failure("dns", "the name could not be resolved")
        keep = 0.0
        try:
            # A set would lose the order, which is the system's preference; a dict keeps it.
            found = dict.fromkeys((family, address) for family, _type, _protocol, _name, address in self._lookup(host))
            answer, keep = list(found), KEEP_SECONDS
        except socket.gaierror as error:
            answer, keep = Failure("dns", f"the name could not be resolved: {error.strerror}"), KEEP_FAILURE_SECONDS
        except (OSError, UnicodeError, ValueError) as error:
            answer, keep = Failure("dns", f"the name can't be looked up: {type(error).__name__}"), KEEP_FAILURE_SECONDS
        finally:
            # Whatever happened, the permit is free again and nobody waits for ever.
            self._free.release()
            self._finish(host, pending, answer, keep)

    def _finish(self, host: str, pending: Future, answer: list[Endpoint] | Failure, keep: float = 0.0) -> None:
        with self._lock:
            if keep:
                if len(self._kept) >= KEEP_NAMES:
                    self._kept.clear()
                self._kept[host] = (time.monotonic() + keep, answer)
            self._pending.pop(host, None)
        pending.set_result(answer)
