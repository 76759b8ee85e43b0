"""
One POST to an endpoint, and its outcome. It never raises, but for the soft time limit of a Celery task, and it ends at
its deadline whatever the endpoint does.

Rules that callers and operators can rely on:

* Redirects are not followed: a 3xx is an outcome with that status.
* A request is sent a second time only if nothing of it was taken by the first connection: a kept-alive connection that
  the server has closed in the meantime. A request that was sent, even in part, may have been acted on.
* 3xx, 4xx and 5xx are what they are, whatever becomes of their body. With 2xx, a body that can't be read to its end is
  an error, and ``status_code`` (``is_accepted``) still tells what the endpoint decided.
* A body that is larger than the cap, before or after decompression, is the error ``too_large``; its beginning is kept.
"""

import re
import time
import zlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

import attrs
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone
from requests.utils import get_environ_proxies, select_proxy

from .. import __version__
from ..app_settings import app_settings
from . import connections, guard
from .connections import IDLE_MAX_SECONDS, IDLE_SECONDS, Connection, Origin, forward_headers
from .exchange import Exchange
from .failures import Failure, Phase, classify
from .response import Response

USER_AGENT = f"openedx-webhooks/{__version__}"
# HTTP itself, or this client, decides about these.
_OWN_HEADERS = frozenset(
    ("connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade")
)
_MAX_GZIP_MEMBERS = 16
_KEEP_ALIVE_TIMEOUT = re.compile(r"(?:^|[\s,])timeout=(\d{1,6})", re.I)


# Not frozen, though nobody changes one: that takes twice as long to make.
@attrs.define
class Outcome:
    """
    What came of one POST.

    Attributes:
        status_code: the status, once the head of a response has arrived; else None.
        error: empty, or why there is no usable response: ``invalid`` (the request can't be made), ``dns``,
            ``refused_address``, ``proxy``, ``connect``, ``tls``, ``timeout``, ``reset`` (the connection ended early),
            ``too_large``, ``bad_response`` (not HTTP, or not decodable).
        detail: one line about the error for the operator; no secrets.
        headers: of the response, names in lower case.
        body: decompressed, at most as long as the cap.
        response_bytes: length of the body as it was received.
        request_bytes: length of the body sent.
        duration: seconds.
        started_at: aware.
    """

    status_code: int | None = None
    error: str = ""
    detail: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""
    response_bytes: int = 0
    request_bytes: int = 0
    duration: float = 0.0
    started_at: datetime = attrs.field(factory=timezone.now)

    @property
    def ok(self) -> bool:
        """A 2xx response, read to its end."""
        return self.is_accepted and not self.error

    @property
    def is_accepted(self) -> bool:
        """The endpoint answered 2xx, whatever became of the body: all that a webhook needs to know."""
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def is_4xx(self) -> bool:
        """The endpoint refused."""
        return self.status_code is not None and 400 <= self.status_code < 500

    @property
    def is_5xx(self) -> bool:
        """The endpoint failed."""
        return self.status_code is not None and 500 <= self.status_code < 600

    @property
    def is_request_exception(self) -> bool:
        """There is no usable response."""
        return bool(self.error)


@attrs.define
class _Answer:
    """What has arrived so far."""

    status: int | None = None
    headers: dict[str, str] = attrs.field(factory=dict)
    body: bytes = b""
    size: int = 0


@attrs.frozen
class _Target:
    """
    Where a URL leads, and what is the same in every request to it.

    Attributes:
        head: the request line and the Host header.
        headers: names in lower case, each with the header that is sent if the caller has none of this name.
    """

    origin: Origin
    head: str
    headers: tuple[tuple[str, tuple[str, str]], ...]


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout: float,
    connect_timeout: float,
    max_bytes: int | None = None,
) -> Outcome:
    """
    POST a body.

    Args:
        url: absolute, http or https.
        headers: those that HTTP itself needs (Host, Content-Length, …) are set here and ignored if given.
        timeout: seconds for everything: DNS, connecting, TLS, sending, waiting, reading.
        connect_timeout: seconds for DNS and the TCP connection, over all addresses of the host.
        max_bytes: cap of the response's body; default is the setting RESPONSE_MAX_BYTES.
    """
    started_at, start = datetime.now(UTC), time.monotonic()
    body_limit = app_settings.RESPONSE_MAX_BYTES if max_bytes is None else max_bytes
    exchange = Exchange(start + timeout, start + min(timeout, connect_timeout), body_limit)
    answer, error, detail = _Answer(), "", ""
    try:
        _exchange(_target(url), body, headers, exchange, answer)
    except SoftTimeLimitExceeded:
        # Of the Celery task that this is part of: it has to end.
        raise
    except Exception as exception:  # pylint: disable=broad-exception-caught
        # Whatever a server makes the standard library raise must not reach a learner's request.
        failure = classify(exception, exchange.phase)
        error, detail = failure.kind, failure.detail
    if answer.status is not None and answer.status >= 300:
        error = ""
    return Outcome(
        status_code=answer.status,
        error=error,
        detail=detail,
        headers=answer.headers,
        body=answer.body,
        response_bytes=answer.size,
        request_bytes=len(body),
        duration=time.monotonic() - start,
        started_at=started_at,
    )


def _target(url: str) -> _Target:
    return parse(url, guard.policy(), app_settings.CA_BUNDLE, bool(app_settings.VERIFY_TLS))


@lru_cache(maxsize=512)
def parse(url: str, policy: guard.Policy, ca_bundle: str | None, verify: bool) -> _Target:
    """
    Take a URL apart and find its proxy. The environment, too, is looked at only once.

    Raises:
        Failure: ``invalid``.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
    except ValueError as error:
        raise Failure("invalid", "the address of the endpoint is not a URL") from error
    if parts.scheme not in ("http", "https") or not host:
        raise Failure("invalid", "the address of the endpoint must be http:// or https:// with a host")
    if not host.isprintable() or " " in host:
        raise Failure("invalid", "the address of the endpoint has characters that a URL can't have")
    proxy = select_proxy(url, get_environ_proxies(url)) or ""
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    default_port = 443 if parts.scheme == "https" else 80
    origin = Origin(parts.scheme, host, default_port if port is None else port, proxy, policy, ca_bundle, verify)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        path = f"{path}?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?[]')}"
    named = f"[{host.partition('%')[0]}]" if ":" in host else host
    if origin.port != default_port:
        named = f"{named}:{origin.port}"
    if proxy and parts.scheme == "http":
        # A proxy that is no tunnel is told the whole address, without the credentials.
        path = f"http://{named}{path}"
    headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    headers |= forward_headers(origin)
    constant = tuple((header[0].lower(), header) for header in headers.items())
    return _Target(origin, f"POST {path} HTTP/1.1\r\nHost: {named}\r\n", constant)


def _exchange(target: _Target, body: bytes, headers: Mapping[str, str], exchange: Exchange, answer: _Answer) -> None:
    """Send on a kept-alive connection if there is one, on a new one if that proves dead, and read the answer."""
    pool, sent = connections.pool, _headers(target, headers)
    connection, is_reused = pool.take(target.origin, exchange)
    try:
        try:
            _send(connection, target, body, sent, exchange)
        except OSError as error:
            if not is_reused or exchange.sent or isinstance(error, TimeoutError):
                raise
            connection.close()
            connection = connections.Connection(target.origin, exchange, pool.resolver)
            _send(connection, target, body, sent, exchange)
        keep_seconds = _read(connection, exchange, answer)
    except BaseException:
        # A KeyboardInterrupt, too, leaves no socket behind.
        connection.close()
        raise
    if keep_seconds > 0:
        pool.give(connection, keep_seconds)
    else:
        connection.close()


def _headers(target: _Target, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """
    What is sent beside the head that is always the same.

    Raises:
        ValueError: a name has a colon: it would be another name, one that the caller may not set.
    """
    sent, given = [], set()
    for name, value in headers.items():
        lower = name.lower()
        if ":" in lower:
            raise ValueError("the name of a header has a colon")
        if lower not in _OWN_HEADERS:
            given.add(lower)
            sent.append((name, value))
    return sent + [header for lower, header in target.headers if lower not in given]


def _send(
    connection: Connection, target: _Target, body: bytes, headers: list[tuple[str, str]], exchange: Exchange
) -> None:
    """
    Send the request.

    Raises:
        Failure, OSError, ValueError, http.client.HTTPException
    """
    if connection.sock is None:
        connection.connect()
    exchange.phase = Phase.SENDING
    try:
        connection.post(target.head, headers, body)
    except (BrokenPipeError, ConnectionResetError):
        # A server may answer 401 or 413 and close before it has read the body: there may be a response to read.
        if not exchange.sent:
            raise


def _read(connection: Connection, exchange: Exchange, answer: _Answer) -> float:
    """Read the response into ``answer``; the seconds for which the connection may be kept, 0 for not at all."""
    cap, exchange.phase = exchange.body_limit, Phase.WAITING
    response = Response(connection.sock)
    answer.status, answer.headers = response.status, response.headers
    if response.status == 101:
        raise Failure("bad_response", "the endpoint switched protocols unasked")
    exchange.phase = Phase.READING
    # One byte more than allowed tells whether there is more.
    raw, is_whole = response.read(cap + 1)
    answer.size = min(len(raw), cap)
    answer.body, problem = _decode(raw, answer.headers.get("content-encoding", ""), cap)
    if len(raw) > cap:
        problem = ("too_large", f"the response is larger than {cap} bytes")
    elif not is_whole:
        problem = ("reset", f"the connection ended {response.missing} bytes before the end of the response")
    if problem:
        raise Failure(*problem)
    return 0 if response.will_close else _keep_seconds(answer.headers.get("keep-alive", ""))


def _keep_seconds(keep_alive: str) -> float:
    """How long a connection may be used again: a second less than the server says, lest the request cross its FIN."""
    match = _KEEP_ALIVE_TIMEOUT.search(keep_alive) if keep_alive else None
    return min(IDLE_MAX_SECONDS, int(match[1]) - 1) if match else IDLE_SECONDS


def _decode(raw: bytes, encoding: str, cap: int) -> tuple[bytes, tuple[str, str] | None]:
    """Decompress up to the cap; what could be, and the kind and detail of a problem if there was one."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return raw[:cap], None
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return b"", ("bad_response", "the response has an encoding that was not asked for")
    result, rest = b"", raw
    # gzip allows several members in a row; a megabyte of empty ones is an attack on the CPU.
    for _member in range(_MAX_GZIP_MEMBERS):
        if not rest:
            return result, None
        # Some servers send deflate without the zlib header that it should have.
        is_bare = encoding == "deflate" and rest[0] & 0x0F != 8
        decoder = zlib.decompressobj(-zlib.MAX_WBITS if is_bare else zlib.MAX_WBITS | 32)
        try:
            # Never more than one byte beyond the cap is inflated: a bomb of a kilobyte can hold a gigabyte.
            result += decoder.decompress(rest, cap + 1 - len(result))
        except zlib.error:
            return result[:cap], ("bad_response", "the response can't be decompressed")
        if len(result) > cap:
            return result[:cap], ("too_large", f"the response is larger than {cap} bytes when decompressed")
        if not decoder.eof:
            return result, ("bad_response", "the compressed response has no end")
        rest = decoder.unused_data
    return result, ("bad_response", "the compressed response has too many parts")
