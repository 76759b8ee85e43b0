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

urllib3 does HTTP, and requests knows which proxy the environment wants.
"""

import re
import time
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import unquote

import attrs
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone
from requests.utils import get_environ_proxies, select_proxy
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from .. import __version__
from ..app_settings import app_settings
from . import connections, guard
from .connections import Connection, Origin, keep_seconds, proxy_headers
from .exchange import Exchange
from .failures import Failure, Phase, classify

USER_AGENT = f"openedx-webhooks/{__version__}"
# HTTP itself, or this client, decides about these.
_OWN_HEADERS = frozenset(
    ("connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade")
)
# What a response may be encoded in, and how its body may be framed.
_CONTENT_ENCODINGS = frozenset(("", "identity", "gzip", "x-gzip", "deflate"))
_TRANSFER_ENCODINGS: tuple[set[str], ...] = (set(), {"chunked"}, {"identity"})
# RFC 9110, 5.1 and 5.5: a token; no control characters that could end the line; and what fits into bytes.
_HEADER = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [^\r\n\0\u0100-\U0010ffff]*")
_READ_BYTES = 16384
_PORTS = {"http": 80, "https": 443}


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


@attrs.frozen
class _Target:
    """
    Where a URL leads, and what is the same in every request to it.

    Attributes:
        path: as the request line has it; to a proxy that forwards, the whole address without its credentials.
        headers: by their names in lower case, each with its name and value; sent if the caller has none of this name.
    """

    origin: Origin
    path: str
    headers: Mapping[str, tuple[str, str]]


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout: float,
    connect_timeout: float,
    max_bytes: int | None = None,
    method: str = "POST",
) -> Outcome:
    """
    POST a body.

    Args:
        url: absolute, http or https.
        headers: those that HTTP itself needs (Host, Content-Length, …) are set here and ignored if given.
        timeout: seconds for everything: DNS, connecting, TLS, sending, waiting, reading.
        connect_timeout: seconds for DNS and the TCP connection, over all addresses of the host.
        max_bytes: cap of the response's body; default is the setting RESPONSE_MAX_BYTES.
        method: another one, for :mod:`.redirects`.
    """
    outcome, start = Outcome(started_at=datetime.now(UTC)), time.monotonic()
    exchange = Exchange(start, start, app_settings.RESPONSE_MAX_BYTES if max_bytes is None else max_bytes)
    try:
        exchange.deadline, exchange.connect_deadline = start + timeout, start + connect_timeout
        if not isinstance(body, bytes):
            raise Failure("invalid", f"the body must be bytes, not {type(body).__name__}")
        outcome.request_bytes = len(body)
        _exchange(_target(url), method, body, headers, exchange, outcome)
    except SoftTimeLimitExceeded:
        # Of the Celery task that this is part of: it has to end.
        raise
    except Exception as exception:  # pylint: disable=broad-exception-caught
        # Whatever a server makes the libraries raise must not reach a learner's request.
        failure = classify(exception, exchange.phase)
        outcome.detail = failure.detail
        # 3xx, 4xx and 5xx are what they are, whatever becomes of their body.
        outcome.error = failure.kind if (outcome.status_code or 0) < 300 else ""
    outcome.duration = time.monotonic() - start
    return outcome


def _target(url: str) -> _Target:
    if not isinstance(url, str):
        raise Failure("invalid", f"the address of the endpoint must be a text, not {type(url).__name__}")
    return parse(url, guard.policy(), app_settings.CA_BUNDLE, bool(app_settings.VERIFY_TLS))


@lru_cache(maxsize=512)
def parse(url: str, policy: guard.Policy, ca_bundle: str | None, verify: bool) -> _Target:
    """
    Take a URL apart and find its proxy. The environment, too, is looked at only once.

    Raises:
        Failure: ``invalid``, or ``proxy`` if the environment names one that can't be used.
    """
    try:
        parts = parse_url(url)
    except LocationParseError as error:
        raise Failure("invalid", "the address of the endpoint is not a URL") from error
    if parts.scheme not in _PORTS or not parts.host:
        raise Failure("invalid", "the address of the endpoint must be http:// or https:// with a host")
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    shown_port = None if port == _PORTS[parts.scheme] else port
    bare = parts._replace(auth=None, fragment=None, port=shown_port, path=parts.path or "/")
    proxy = _proxy(bare.url)
    origin = Origin(parts.scheme, parts.host.strip("[]"), port, proxy, policy, ca_bundle, verify)
    headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
    if parts.auth:
        user, _, password = parts.auth.partition(":")
        pair = f"{unquote(user)}:{unquote(password)}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    path = bare.request_uri
    if proxy and parts.scheme == "http":
        path = bare.url
        headers |= proxy_headers(proxy)
    return _Target(origin, path, {name.lower(): (name, value) for name, value in headers.items()})


def _proxy(url: str) -> Url | None:
    """The proxy that the environment wants for an address."""
    found = select_proxy(url, get_environ_proxies(url))
    if not found:
        return None
    try:
        proxy = parse_url(found if "://" in found else f"http://{found}")
    except LocationParseError as error:
        raise Failure("proxy", "the environment's proxy is not a URL") from error
    if proxy.scheme not in _PORTS or not proxy.host:
        raise Failure("proxy", f"the environment's proxy must be http:// or https://, not {proxy.scheme}://")
    return proxy._replace(port=proxy.port or _PORTS[proxy.scheme])


def _headers(target: _Target, headers: Mapping[str, str]) -> dict[str, str]:
    """What is sent: the caller's headers, and of the target's those that the caller has not."""
    if not isinstance(headers, Mapping):
        raise Failure("invalid", f"the headers must be a mapping, not {type(headers).__name__}")
    merged = dict(target.headers)
    for name, value in headers.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            raise Failure("invalid", "the name or the value of a header is not a text")
        if ":" in name or not _HEADER.fullmatch(f"{name}: {value}"):
            raise Failure("invalid", "a header has characters that HTTP can't carry")
        lower = name.lower()
        if lower not in _OWN_HEADERS:
            merged[lower] = (name, value)
    return dict(merged.values())


def _exchange(
    target: _Target, method: str, body: bytes, headers: Mapping[str, str], exchange: Exchange, outcome: Outcome
) -> None:
    """Send on an idle connection if there is one, on a new one if that proves dead, and read the answer."""
    pool, sent, response = connections.pool(), _headers(target, headers), None
    while response is None:
        connection = pool.take(target.origin, exchange)
        is_new = connection.is_closed
        try:
            response = _send(connection, method, target.path, body, sent, exchange)
            _read(response, exchange, outcome)
        except BaseException as error:
            # A KeyboardInterrupt, too, leaves no socket behind.
            if response is not None:
                response.close()
            connection.close()
            # Of what was taken, even in part, nobody knows whether it was acted on.
            if is_new or exchange.sent or not isinstance(error, ConnectionError):
                raise
    # It is closed if the server said that it would close it.
    pool.give(connection, 0 if connection.is_closed else keep_seconds(outcome.headers.get("keep-alive", "")))


def _send(
    connection: Connection, method: str, path: str, body: bytes, headers: dict[str, str], exchange: Exchange
) -> BaseHTTPResponse:
    """Send the request; the response, of which the head was read."""
    if connection.is_closed:
        connection.connect()
    exchange.phase = Phase.SENDING
    try:
        connection.request(method, path, body, headers, preload_content=False)
    except (BrokenPipeError, ConnectionResetError):
        # A server may answer 401 or 413 and close before it has read the body: there may be a response to read.
        if not exchange.sent:
            raise
    exchange.phase = Phase.WAITING
    return connection.getresponse()


def _read(response: BaseHTTPResponse, exchange: Exchange, outcome: Outcome) -> None:
    """Read the response into the outcome, in pieces, so that what has arrived is there whatever comes next."""
    cap, exchange.phase = exchange.body_limit, Phase.READING
    outcome.status_code = response.status
    # Blanks as one, as a value may be folded over lines.
    outcome.headers = {name.lower(): " ".join(value.split()) for name, value in response.headers.itermerged()}
    if response.status == 101:
        raise Failure("bad_response", "the endpoint switched protocols unasked")
    # Exactly as the libraries look at them: what they don't understand, they pass over.
    if response.headers.get("content-encoding", "").lower() not in _CONTENT_ENCODINGS:
        raise Failure("bad_response", "the response has an encoding that was not asked for")
    if {value.lower() for value in response.headers.getlist("transfer-encoding")} not in _TRANSFER_ENCODINGS:
        raise Failure("bad_response", "the response has a transfer encoding that was not asked for")
    body = bytearray()
    try:
        # One byte more than allowed tells whether there is more.
        while piece := response.read1(min(_READ_BYTES, cap + 1 - len(body))):
            exchange.count_received(0)
            body += piece
            if len(body) > cap:
                raise Failure("too_large", f"the response is larger than {cap} bytes")
    finally:
        outcome.body, outcome.response_bytes = bytes(body[:cap]), min(response.tell(), cap)
