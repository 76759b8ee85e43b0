"""
Access tokens of OAuth 2.0, client credentials grant (RFC 6749, 4.4): fetched, kept, and renewed before they expire.

oauthlib knows the protocol; what goes over the network goes through :mod:`.transport.client`, so that the token URL
obeys the same guard of addresses, deadline and caps as any endpoint.

A token is kept in the process, and encrypted in the shared cache for the others; without a cache each process has its
own. Who needs one that nobody has waits for it, within the deadline of the request that it is for; of several at a time
one asks, and the others wait for the same answer. A token that nears its end is used, and renewed in the background.
"""

import json
import re
import time
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote_plus

import attrs
from django.utils.crypto import salted_hmac
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error

from .app_settings import app_settings
from .background import Job, process
from .models.encrypted_fields import decrypt, encrypt
from .payloads.encode import FORM_TYPE
from .shared_cache import ask
from .transport import client
from .transport.authentication import CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_URL

Credentials = Mapping[str, str]

# What part of its life a token is used for, and used without being renewed.
_USED, _USED_AS_IT_IS = 0.9, 0.7
# The life of a token of which the server does not say how long it is; and of any at most.
_UNSAID_SECONDS, _MOST_SECONDS = 600.0, 24 * 3600.0
# A younger one was not refused for its age: fetching another for each request would not help.
_YOUNG_SECONDS = 5.0
# How long nobody asks again after a failure: doubled with each in a row.
_REST_SECONDS, _MOST_REST_SECONDS = 1.0, 30.0
_RENEWAL_SECONDS = 10.0
_MAX_BYTES = 64 * 1024
_MOST_KEPT = 1000
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_ERROR_CODE = re.compile(r"[a-zA-Z_.-]{1,60}")


class NoToken(Exception):
    """There is no token to be had. The text says why, in a line for the operator, without secrets."""


@attrs.frozen
class Token:
    """An access token; times in seconds since the epoch, by the clock that the processes of a site share."""

    value: str = attrs.field(repr=False)
    fetched_at: float
    renewed_at: float
    expires_at: float


def token_of(credentials: Credentials, seconds: float) -> Token:
    """
    The token for an OAuth 2.0 client: a kept one, or a new one.

    Args:
        credentials: those of :data:`.authentication.OAUTH2`.
        seconds: for which the caller can wait.

    Raises:
        NoToken: the token server gave none, or not in time.
    """
    deadline = time.monotonic() + seconds
    tokens, key = process.get(_Tokens), _key(credentials)
    token = tokens.kept(key)
    if token is None:
        token = tokens.fetched_once(key, credentials, deadline)
    elif time.time() >= token.renewed_at:
        process.get(_Renewals).add(key, credentials)
    return token


def reject(credentials: Credentials, token: Token) -> None:
    """Forget a token that an endpoint has refused, unless it was new: the next request fetches another."""
    if not 0 <= time.time() - token.fetched_at < _YOUNG_SECONDS:
        process.get(_Tokens).forget(_key(credentials), token)


def _key(credentials: Credentials) -> str:
    """What the token of these credentials is kept under; tells nothing about them."""
    text = json.dumps([credentials.get(name, "") for name in (TOKEN_URL, CLIENT_ID, CLIENT_SECRET, SCOPE)])
    return f"openedx_webhooks:token:{salted_hmac('openedx_webhooks.oauth', text, algorithm='sha256').hexdigest()}"


@attrs.define
class _Failures:
    """Of the requests for one token, in a row."""

    reason: str
    count: int = 0
    rest_until: float = 0.0


class _Tokens:
    """The tokens of this process, with what the shared cache has of the other processes'."""

    def __init__(self):
        self._tokens: dict[str, Token] = {}
        self._failures: dict[str, _Failures] = {}

    def kept(self, key: str) -> Token | None:
        """The token that can be used now; None if there is none."""
        now, token = time.time(), self._tokens.get(key)
        if token is None or now >= token.renewed_at:
            token = _shared(key) or token
            if token is not None:
                self._tokens[key] = token
        return token if token is not None and now < token.expires_at else None

    def fetched_once(self, key: str, credentials: Credentials, deadline: float) -> Token:
        """A new token, or the one that another thread has fetched meanwhile. Raises NoToken."""
        lock = process.lock(key)
        if not lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise NoToken("timeout: time was up while another request waited for the token server")
        try:
            return self.kept(key) or self.fetch(key, credentials, deadline)
        finally:
            lock.release()

    def fetch(self, key: str, credentials: Credentials, deadline: float) -> Token:
        """A new token; none is asked for while the last failure is fresh. Raises NoToken."""
        failures = self._failures.get(key)
        if failures and time.monotonic() < failures.rest_until:
            raise NoToken(failures.reason)
        try:
            token = _request(credentials, deadline)
        except NoToken as error:
            failures = self._failures.setdefault(key, _Failures(str(error)))
            rest = min(_REST_SECONDS * 2**failures.count, _MOST_REST_SECONDS)
            failures.reason, failures.count = str(error), min(failures.count + 1, 10)
            failures.rest_until = time.monotonic() + rest
            raise
        if len(self._tokens) + len(self._failures) > _MOST_KEPT:
            # Of credentials that have changed since, mostly.
            self._tokens, self._failures = {}, {}
        self._failures.pop(key, None)
        self._tokens[key] = token
        ask("set", key, encrypt(json.dumps(attrs.astuple(token))), max(1, int(token.expires_at - time.time())))
        return token

    def forget(self, key: str, token: Token) -> None:
        """Forget a token; not the one that has come in its place."""
        if self._tokens.get(key) == token:
            self._tokens.pop(key, None)
        if _shared(key) == token:
            ask("delete", key)


def _shared(key: str) -> Token | None:
    """The token in the shared cache. Other programs may write there, too."""
    try:
        value, *times = json.loads(decrypt(ask("get", key)))
        return Token(str(value), *map(float, times))
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError):
        return None


class _Renewals(Job):
    """Renews tokens while the ones before them still hold; of all processes one does it."""

    NAME = "tokens"
    SPACING_SECONDS = 1.0

    def __init__(self):
        super().__init__()
        self._wanted: dict[str, Credentials] = {}

    def add(self, key: str, credentials: Credentials) -> None:
        """Have a token renewed soon. Takes microseconds."""
        self._wanted[key] = credentials
        self.ask()

    def run(self) -> bool:
        tokens = process.get(_Tokens)
        while self._wanted:
            key, credentials = self._wanted.popitem()
            token = tokens.kept(key)
            is_renewed = token is not None and time.time() < token.renewed_at
            # None: there is no cache, and so nobody to agree with.
            if is_renewed or ask("add", f"{key}:renewal", 1, timeout=int(_RENEWAL_SECONDS)) is False:
                continue
            try:
                tokens.fetch(key, credentials, time.monotonic() + _RENEWAL_SECONDS)
            except NoToken:
                # The old one is used to its end; who then needs another hears why there is none.
                continue
        return True


def _request(credentials: Credentials, deadline: float) -> Token:
    """
    Ask the token server.

    Clients should be known by HTTP Basic, says the RFC, and every server must take that; some take the body only.
    """
    oauth_client = BackendApplicationClient(credentials[CLIENT_ID])
    pair = f"{quote_plus(credentials[CLIENT_ID])}:{quote_plus(credentials[CLIENT_SECRET])}"
    basic = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    scope = credentials.get(SCOPE) or None
    outcome = _post(credentials, oauth_client.prepare_request_body(scope=scope), basic, deadline)
    if outcome.status_code in (400, 401):
        body = oauth_client.prepare_request_body(
            scope=scope, include_client_id=True, client_secret=credentials[CLIENT_SECRET]
        )
        second = _post(credentials, body, {}, deadline)
        outcome = second if second.ok or outcome.status_code == 400 else outcome
    return _token(oauth_client, outcome)


def _post(credentials: Credentials, body: str, headers: dict[str, str], deadline: float) -> client.Outcome:
    return client.post(
        credentials[TOKEN_URL],
        body.encode(),
        {"Content-Type": FORM_TYPE, "Accept": "application/json", **headers},
        timeout=max(0.0, deadline - time.monotonic()),
        connect_timeout=app_settings.WEBFILTER_CONNECT_TIMEOUT_SECONDS,
        max_bytes=_MAX_BYTES,
    )


def _token(oauth_client: BackendApplicationClient, outcome: client.Outcome) -> Token:
    """The token in a response. Of what the server says, only its error code is told: the rest may hold secrets."""
    if outcome.error:
        raise NoToken(f"the token server did not answer: {outcome.error}: {outcome.detail}")
    try:
        found = oauth_client.parse_request_body_response(outcome.body.decode("utf-8", "replace"))
        seconds = float(found.get("expires_in") or _UNSAID_SECONDS)
    except OAuth2Error as error:
        code = error.error if isinstance(error.error, str) and _ERROR_CODE.fullmatch(error.error) else ""
        if code and code != "missing_token":
            raise NoToken(f"the token server refused: {code}") from None
        raise NoToken(_unusable(outcome)) from None
    except Exception:
        # Whatever a response that is none makes oauthlib raise, with the response in its text.
        raise NoToken(_unusable(outcome)) from None
    value, kind = found.get("access_token"), str(found.get("token_type") or "bearer")
    if not outcome.ok or not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise NoToken(_unusable(outcome))
    if kind.lower() != "bearer":
        raise NoToken("the token server gave a token of another type than Bearer")
    now, seconds = time.time(), min(max(seconds, 1.0), _MOST_SECONDS)
    return Token(value, now, now + _USED_AS_IT_IS * seconds, now + _USED * seconds)


def _unusable(outcome: client.Outcome) -> str:
    if outcome.ok:
        return "the token server's answer has no access token"
    return f"the token server answered with status {outcome.status_code}"
