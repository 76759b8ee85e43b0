"""
Connections to endpoints, and a pool of them for each process.

urllib3 and the standard library speak HTTP and TLS. What is added here: a connection goes to a checked address only,
every operation on it is bounded by the exchange that uses it, and a response is the final one and has a whole head.
"""

import http.client
import io
import os
import re
import socket
import ssl
import threading
import time
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from requests.certs import where
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.util import Url, make_headers
from urllib3.util.ssltransport import SSLTransport

from ..background import process
from .exchange import BoundedSocket, Exchange
from .failures import Failure, Phase
from .guard import Policy
from .resolver import Endpoint, Resolver

# How long after its last response a connection is used again if the server doesn't say (Keep-Alive: timeout). Many
# close after 5 s, and a request that crosses the server's FIN is lost, as it may not be sent twice.
IDLE_SECONDS = 4.0
# The same if the server says longer.
IDLE_MAX_SECONDS = 60.0
# Of all endpoints together; more than that are closed after use.
IDLE_TOTAL = 256
# A name with hundreds of addresses must not divide the time for connecting into nothing.
MAX_ADDRESSES = 6
# Informational responses and the final one. Parsing them by the thousand costs seconds of CPU.
MAX_HEADS = 20
# Who says which certificates to trust if the setting CA_BUNDLE doesn't: what requests, curl and OpenSSL obey.
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")

_KEEP_ALIVE_TIMEOUT = re.compile(r"(?:^|[\s,])timeout=(\d{1,6})", re.I)


class Origin(NamedTuple):
    """
    What one kept-alive connection can serve. The settings are part of it: a connection made when an address was
    allowed, or certificates were not verified, is of no use after the setting has changed.

    Attributes:
        scheme: ``http`` or ``https``.
        host: without brackets.
        proxy: None for none.
        ca_bundle: path of the certificates to trust; None for the environment's or certifi's.
    """

    scheme: str
    host: str
    port: int
    proxy: Url | None
    policy: Policy
    ca_bundle: str | None
    verify: bool


class _Lines(io.BufferedReader):
    """
    What ``http.client`` reads from. It would take the end of the stream for the end of a head, and its parser, which is
    one for e-mails, a lone carriage return for the end of a line: half a million of them are seconds of CPU.
    """

    def readline(self, size=-1, /):
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:
            raise ConnectionResetError("the connection ended within a line")
        if line.find(b"\r", 0, -2) >= 0:
            raise http.client.HTTPException("a line has a carriage return within")
        return line


class FinalResponse(http.client.HTTPResponse):
    """The final response: ``http.client`` takes 103 for one."""

    def __init__(self, sock, *args, **kwargs):
        super().__init__(sock, *args, **kwargs)
        self.fp = _Lines(self.fp.detach())

    def _read_status(self):
        for _ in range(MAX_HEADS):
            version, status, reason = super()._read_status()
            if status >= 200 or status == 101:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise Failure("bad_response", "too many informational responses")

    def begin(self):
        """As in the base class."""
        super().begin()
        # Or urllib3 would log the address, and with it perhaps a secret, because of a malformed header.
        self.msg.defects.clear()
        self.msg.set_payload(None)


class Connection(HTTPConnection):
    """One connection, straight or through a proxy; used by one exchange at a time, and within its bounds."""

    response_class = FinalResponse

    def __init__(self, origin: Origin, resolver: Resolver, **options):
        address = origin.proxy or origin
        super().__init__(address.host.strip("[]"), address.port, **options)
        self.origin = origin
        self.usable_until = 0.0
        self._resolver = resolver
        self._exchange: Exchange | None = None
        self._tcp: BoundedSocket | None = None

    def bind(self, exchange: Exchange | None) -> None:
        """Let an exchange use it, or none."""
        self._exchange = exchange
        if self._tcp is not None:
            self._tcp.exchange = exchange

    def connect(self) -> None:
        """
        Resolve, check, connect, ask the proxy for a tunnel, agree on TLS.

        Raises:
            Failure, OSError, http.client.HTTPException
        """
        super().connect()
        if isinstance(self.sock, SSLTransport):
            # Anybody on the way can end TCP: a refusal would become an answer without content.
            self.sock.suppress_ragged_eofs = False

    def _new_conn(self) -> BoundedSocket:
        """Replaces what resolves without a limit and checks nothing."""
        exchange, origin = self._exchange, self.origin
        exchange.phase = Phase.RESOLVING
        if origin.proxy:
            # The proxy's own address is the operator's choice and usually private; its egress rules are theirs, too.
            origin.policy.check_behind_proxy(origin.host)
        exchange.remaining()
        endpoints = self._resolver.resolve(self._dns_host, exchange.remaining_to_connect())
        if not origin.proxy:
            origin.policy.check(self._dns_host, [address[0] for _family, address in endpoints])
        exchange.phase = Phase.CONNECTING
        self._tcp = connect_any(endpoints[:MAX_ADDRESSES], self.port, exchange)
        return self._tcp

    def _tunnel(self) -> None:
        self._exchange.phase = Phase.TUNNEL
        super()._tunnel()
        self._exchange.phase = Phase.TLS

    def is_usable(self) -> bool:
        """Whether the server has neither closed it nor said anything unasked, and it isn't old."""
        return time.monotonic() < self.usable_until and not _has_more(self.sock) and self.is_connected


class TLSConnection(Connection, HTTPSConnection):
    """The same with TLS to the endpoint, to the proxy, or to the one within that to the other."""


def connect_any(endpoints: list[Endpoint], port: int, exchange: Exchange) -> BoundedSocket:
    """
    Connect to the first address that answers. Each has an equal share of the time that is left, so that one which drops
    packets does not keep the others from being tried.

    Raises:
        Failure: ``connect``.
    """
    reason = "no time was left"
    for index, (family, address) in enumerate(endpoints):
        seconds = exchange.remaining_to_connect() / (len(endpoints) - index)
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


class _TLS(SSLTransport):
    """TLS through buffers in memory; it may be under another, for which the socket at the bottom counts its readers."""

    # pylint: disable=protected-access
    @property
    def _io_refs(self):
        return self.socket._io_refs

    @_io_refs.setter
    def _io_refs(self, count):
        self.socket._io_refs = count


def _has_more(sock) -> bool:
    """Whether TLS has received something that nobody has asked for; all else that was not read is with the kernel."""
    if not isinstance(sock, SSLTransport):
        return False
    return bool(sock.incoming.pending or sock.sslobj.pending()) or _has_more(sock.socket)


class _TLSContext(ssl.SSLContext):
    """
    TLS through buffers in memory, so that every byte passes the bounded socket. OpenSSL left alone with a socket goes
    on for as long as records come that carry no data, such as updates of keys, whatever the time and however many.
    """

    def wrap_socket(self, sock, *_args, server_hostname=None, **_kwargs):
        """TLS over a connected socket."""
        sock.exchange.phase = Phase.TLS
        return _TLS(sock, self, server_hostname)


@lru_cache(maxsize=8)
def tls_context(ca_bundle: str | None, verify: bool) -> ssl.SSLContext:
    """
    The context for a certificate bundle, kept because it takes some 20 ms of CPU.

    Raises:
        Failure: ``tls``, the bundle can't be read.
    """
    context = _TLSContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Some releases of Python 3.11 set it: what anybody on the way has cut off would have ended like any other answer.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # pylint: disable=no-member  # OpenSSL 3 has it
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    sources = (("CA_BUNDLE", ca_bundle), *((name, os.environ.get(name)) for name in CA_VARIABLES), ("certifi", where()))
    name, path = next(source for source in sources if source[1])
    try:
        context.load_verify_locations(capath=path) if os.path.isdir(path) else context.load_verify_locations(path)
    except OSError as error:
        raise Failure("tls", f"the certificate bundle of {name} can't be read: {error}") from error
    return context


class Pool:
    """Idle connections of one process, and its name lookups. Safe between threads."""

    def __init__(self, resolver: Resolver | None = None):
        self._resolver = resolver or Resolver()
        self._lock = threading.Lock()
        # The one used last is at the end.
        self._idle: list[Connection] = []

    def take(self, origin: Origin, exchange: Exchange) -> Connection:
        """
        A connection for an exchange: an idle one, or a new one that is not connected yet.

        Raises:
            Failure: ``tls``, the certificates to trust can't be read.
        """
        connection = self._take_idle(origin) or self._new(origin)
        connection.bind(exchange)
        return connection

    def give(self, connection: Connection, seconds: float) -> None:
        """
        Keep a connection whose response was read to its end.

        Args:
            seconds: for how long it may be used again; if none are left, it is closed.
        """
        now = time.monotonic()
        connection.bind(None)
        connection.usable_until = now + seconds
        with self._lock:
            idle = [*self._idle, connection]
            self._idle = [each for each in idle if each.usable_until > now][-IDLE_TOTAL:]
            unwanted = set(idle) - set(self._idle)
        for each in unwanted:
            each.close()

    def close(self) -> None:
        """Close what is idle. Needs no lock: in a forked child, whoever held it in the parent never lets go."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # Of the parent's pool in a forked child, where it closes the child's copies only; and at the end of a process.
    __del__ = close

    def _take_idle(self, origin: Origin) -> Connection | None:
        while True:
            with self._lock:
                found = next((each for each in reversed(self._idle) if each.origin == origin), None)
                if found is not None:
                    self._idle.remove(found)
            if found is None or found.is_usable():
                return found
            found.close()

    def _new(self, origin: Origin) -> Connection:
        proxy = origin.proxy
        if "https" not in (origin.scheme, proxy and proxy.scheme):
            return Connection(origin, self._resolver)
        with self._lock:
            # One thread makes the context, and the others wait rather than make their own.
            context = tls_context(origin.ca_bundle, origin.verify)
        config = ProxyConfig(context, use_forwarding_for_https=False, assert_hostname=None, assert_fingerprint=None)
        connection = TLSConnection(origin, self._resolver, ssl_context=context, proxy_config=config)
        if proxy and origin.scheme == "https":
            # Which of these has brackets around an IPv6 address differs between releases of Python.
            host = f"[{origin.host.partition('%')[0]}]" if ":" in origin.host else origin.host
            headers = {**proxy_headers(proxy), "Host": f"{host}:{origin.port}"}
            connection.set_tunnel(host, origin.port, headers, scheme=proxy.scheme)
        return connection


def proxy_headers(proxy: Url) -> dict[str, str]:
    """The headers by which a proxy knows us."""
    return make_headers(proxy_basic_auth=unquote(proxy.auth)) if proxy.auth else {}


def keep_seconds(keep_alive: str) -> float:
    """
    How long a connection may be used again: a second less than the server says, lest the request cross its FIN.

    Args:
        keep_alive: the header; empty for none.
    """
    match = _KEEP_ALIVE_TIMEOUT.search(keep_alive) if keep_alive else None
    return min(IDLE_MAX_SECONDS, int(match[1]) - 1) if match else IDLE_SECONDS


def pool() -> Pool:
    """This process's pool: on its parent's connections both would read each other's answers."""
    return process.get(Pool)
