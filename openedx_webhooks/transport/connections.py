"""Connections to endpoints: guarded, bounded in time, kept alive, one pool per process."""

import http.client
import os
import re
import select
import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import attrs
from requests.auth import _basic_auth_str
from requests.certs import where

from .exchange import BoundedSocket, BoundedTLSSocket, Exchange, closing_on_error, wrap_tls
from .failures import Failure, Phase
from .guard import Policy
from .resolver import Resolver

# How long after its last response a connection is used again if the server doesn't say (Keep-Alive: timeout). Many
# close after 5 s, and a request that crosses the server's FIN is lost, as it may not be sent twice.
IDLE_SECONDS = 4.0
# The same if the server says longer.
IDLE_MAX_SECONDS = 60.0
# As many as there are threads that send at the same time; more than that are closed after use.
IDLE_PER_ORIGIN = 32
IDLE_TOTAL = 256
# A name with hundreds of addresses must not divide the time for connecting into nothing.
MAX_ADDRESSES = 6
# RFC 9110, 5.1 and 5.5: a token, and no control characters that could end the line.
_HEADERS = re.compile(r"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [^\r\n\0]*\r\n)*")


@attrs.frozen(cache_hash=True)
class Origin:
    """
    What one kept-alive connection can serve. The settings are part of it: a connection made when an address was
    allowed, or certificates were not verified, is of no use after the setting has changed.

    Attributes:
        scheme: ``http`` or ``https``.
        host: without brackets.
        proxy: URL of the proxy; empty for none.
        ca_bundle: path of the certificates to trust; None for certifi's.
    """

    scheme: str
    host: str
    port: int
    proxy: str
    policy: Policy
    ca_bundle: str | None
    verify: bool


class Connection(http.client.HTTPConnection):
    """One connection, straight or through a proxy; used by one thread at a time."""

    def __init__(self, origin: Origin, exchange: Exchange, resolver: Resolver):
        """Connects at :meth:`connect`, not before."""
        self.origin = origin
        self._exchange = exchange
        self._resolver = resolver
        self._poll: select.poll | None = None
        self.usable_until = 0.0
        proxy = urlsplit(origin.proxy) if origin.proxy else None
        if proxy:
            super().__init__(proxy.hostname or "", proxy.port or (443 if proxy.scheme == "https" else 80))
        else:
            super().__init__(origin.host, origin.port)
        self._proxy = proxy
        if proxy and origin.scheme == "https":
            self.set_tunnel(origin.host, origin.port, _proxy_headers(proxy))
            if ":" in origin.host:
                # Older Pythons ask for an IPv6 address without its brackets.
                self._tunnel_host = f"[{origin.host.partition('%')[0]}]"
                self._tunnel_headers["Host"] = f"{self._tunnel_host}:{origin.port}"
        self._create_connection = self._open

    def bind(self, exchange: Exchange) -> None:
        """Let another exchange use it."""
        self._exchange = exchange
        if self.sock is not None:
            self.sock.exchange = exchange

    def connect(self):
        """
        Resolve, check, connect, ask the proxy for a tunnel, agree on TLS.

        Raises:
            Failure, OSError, ssl.SSLError, http.client.HTTPException: nothing is left open.
        """
        with closing_on_error(self):
            super().connect()
            if self.origin.scheme == "https":
                context = tls_context(self.origin.ca_bundle, self.origin.verify)
                self.sock = wrap_tls(self.sock, context, self.origin.host.rstrip("."))
        self._exchange.sent = 0  # what a proxy or a handshake took is not the request

    def _open(self, address, *_unused) -> BoundedSocket | BoundedTLSSocket:
        """Replaces socket.create_connection, which resolves without a limit and checks nothing."""
        host, port = address
        exchange = self._exchange
        if self._proxy:
            # The proxy's own address is the operator's choice and usually private; its egress rules are theirs, too.
            self._check_proxy()
        endpoints = self._resolver.resolve(host, min(exchange.remaining(), _left(exchange)))
        if not self._proxy:
            self.origin.policy.check(host, [address[0] for _family, address in endpoints])
        exchange.phase = Phase.CONNECTING
        sock = connect_any(endpoints[:MAX_ADDRESSES], port, exchange)
        if self._proxy and self._proxy.scheme == "https":
            sock = wrap_tls(sock, tls_context(self.origin.ca_bundle, self.origin.verify), host)
        return sock

    def _check_proxy(self) -> None:
        if self._proxy.scheme not in ("http", "https") or not self._proxy.hostname:
            raise Failure("proxy", f"a proxy must be http:// or https://, not {self._proxy.scheme}://")
        if self._proxy.scheme == "https" and self.origin.scheme == "https":
            raise Failure("proxy", "an https:// endpoint needs an http:// proxy: TLS within TLS is not supported")
        self.origin.policy.check_behind_proxy(self.origin.host)

    def post(self, head: str, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """
        Send a request, head and body at once: one packet if it is small, and nothing if the head can't be made.

        Args:
            head: the request line and headers that are known to be well-formed, each line with its end.
            headers: their names have no colon.

        Raises:
            Failure, OSError
            ValueError: a header has characters that HTTP can't carry.
        """
        # Joined by "+", so that what isn't text is an error rather than sent as Python shows it.
        lines = "".join([name + ": " + value + "\r\n" for name, value in headers])
        if lines.count("\n") != len(headers) or not _HEADERS.fullmatch(lines):
            raise ValueError("a header has characters that HTTP can't carry")
        head = f"{head}{lines}Content-Length: {len(body)}\r\n\r\n"
        self.sock.sendall(head.encode("latin-1") + body)

    def is_usable(self) -> bool:
        """Whether the server has neither closed it nor said anything unasked, and it isn't old."""
        if self.sock is None or self.sock.has_more or time.monotonic() >= self.usable_until:
            return False
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self.sock, select.POLLIN | select.POLLPRI)
        return not self._poll.poll(0)


def _left(exchange: Exchange) -> float:
    """Seconds for connecting."""
    return max(0.0, exchange.connect_deadline - time.monotonic())


def connect_any(endpoints: list[tuple[int, tuple]], port: int, exchange: Exchange) -> BoundedSocket:
    """
    Connect to the first address that answers. Each has an equal share of the time that is left, so that one which drops
    packets does not keep the others from being tried.

    Raises:
        Failure: ``connect``.
    """
    reason = "no time was left"
    for index, (family, address) in enumerate(endpoints):
        seconds = _left(exchange) / (len(endpoints) - index)
        if not seconds:
            break
        sock = None
        try:
            sock = BoundedSocket(family, socket.SOCK_STREAM)
            sock.settimeout(seconds)
            sock.connect((address[0], port, *address[2:]))
            # Head and body are small and sent one after the other: don't wait for the acknowledgement of the first.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            if sock is not None:
                sock.close()
            reason = "it did not answer in time" if isinstance(error, TimeoutError) else error.strerror or "refused"
            continue
        sock.exchange = exchange
        return sock
    raise Failure("connect", f"no connection: {reason}")


def forward_headers(origin: Origin) -> dict[str, str]:
    """Headers for a proxy that is not a tunnel."""
    return _proxy_headers(urlsplit(origin.proxy)) if origin.proxy and origin.scheme == "http" else {}


def _proxy_headers(proxy) -> dict[str, str]:
    if proxy.username is None:
        return {}
    return {"Proxy-Authorization": _basic_auth_str(unquote(proxy.username), unquote(proxy.password or ""))}


_tls_lock = threading.Lock()


def tls_context(ca_bundle: str | None, verify: bool) -> ssl.SSLContext:
    """
    The context for a certificate bundle, built once: it takes some 20 ms of CPU.

    Raises:
        Failure: ``tls``, the bundle can't be read.
    """
    with _tls_lock:
        return _build_tls_context(ca_bundle, verify)


@lru_cache(maxsize=8)
def _build_tls_context(ca_bundle: str | None, verify: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    path = ca_bundle or where()
    try:
        context.load_verify_locations(capath=path) if os.path.isdir(path) else context.load_verify_locations(path)
    except (OSError, ssl.SSLError) as error:
        raise Failure("tls", f"the certificate bundle of the setting CA_BUNDLE can't be read: {error}") from error
    return context


class Pool:
    """Kept-alive connections of this process, at most :data:`IDLE_TOTAL`; safe between threads."""

    def __init__(self, resolver: Resolver | None = None):
        self.resolver = resolver or Resolver()
        self._lock = threading.Lock()
        self._idle: dict[Origin, list[Connection]] = defaultdict(list)
        self._pruned = 0.0

    def take(self, origin: Origin, exchange: Exchange) -> tuple[Connection, bool]:
        """A connection, bound to the exchange and perhaps not yet connected, and whether it was used before."""
        while True:
            with self._lock:
                idle = self._idle.get(origin)
                connection = idle.pop() if idle else None
            if connection is None:
                return Connection(origin, exchange, self.resolver), False
            if connection.is_usable():
                connection.bind(exchange)
                return connection, True
            connection.close()

    def give(self, connection: Connection, keep_seconds: float) -> None:
        """Keep a connection whose response was read to its end."""
        now = time.monotonic()
        connection.usable_until = now + keep_seconds
        connection.bind(None)
        unwanted = []
        with self._lock:
            idle = self._idle[connection.origin]
            idle.append(connection)
            if len(idle) > IDLE_PER_ORIGIN:
                unwanted.append(idle.pop(0))
            if now - self._pruned > IDLE_MAX_SECONDS or sum(map(len, self._idle.values())) > IDLE_TOTAL:
                self._pruned = now
                unwanted += self._prune(now)
        for old in unwanted:
            old.close()

    def _prune(self, now: float) -> list[Connection]:
        """Take out what is too old, and of the rest the oldest if there is too much."""
        everything = sorted((c for idle in self._idle.values() for c in idle), key=lambda c: c.usable_until)
        unwanted = [
            c for index, c in enumerate(everything) if c.usable_until <= now or index < len(everything) - IDLE_TOTAL
        ]
        for connection in unwanted:
            self._idle[connection.origin].remove(connection)
        # Also of origins whose last connection was taken and not given back.
        self._idle = defaultdict(list, {origin: idle for origin, idle in self._idle.items() if idle})
        return unwanted

    def close(self) -> None:
        """Close what is idle. Needs no lock, so that a forked child can call it whoever held the lock in the parent."""
        idle, self._idle = self._idle, defaultdict(list)
        for connections in idle.values():
            for connection in connections:
                connection.close()


pool = Pool()


def _after_fork() -> None:
    """
    A child must not speak on its parent's connections: both would read each other's answers. Its locks may be held by
    threads that it doesn't have. Closing here closes the child's copies only.
    """
    global pool, _tls_lock  # pylint: disable=global-statement
    inherited, pool, _tls_lock = pool, Pool(), threading.Lock()
    inherited.close()


os.register_at_fork(after_in_child=_after_fork)
