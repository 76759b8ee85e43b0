"""
A circuit breaker per endpoint, shared by all processes through Django's default cache.

Closed: everybody calls. After some failures in a row the circuit is open: nobody calls for some time. Then it is
half-open: one call in all processes probes, the others are still refused; success closes it, failure opens it again.

What the cache holds, all under a hash of the URL (which may have secrets in it, and characters that memcached refuses):

* ``failures``: how many in a row. Missing in the good case, which therefore costs no write.
* ``open``: there while it is open. Its expiry is the cache's, so that clocks of different machines don't matter.
* ``since``: when this outage began, in seconds since 1970, for people to look at; nothing is decided by it.
* ``probe``: there while somebody probes. Expires, too, so that a prober that was killed does not hold it for ever.

The cache is a help, not a need: whether it raises or, as django-redis does on request, returns None, circuits are then
closed.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import attrs

from .. import shared_cache
from ..app_settings import app_settings
from ..background import process

log = logging.getLogger(__name__)


class State(StrEnum):
    """Of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@attrs.frozen
class Circuit:
    """
    A breaker as it was found.

    Attributes:
        failures: in a row.
        since: when it opened, aware, whatever was probed since; None while it is closed, or if nobody knows.
    """

    state: State
    failures: int = 0
    since: datetime | None = None


@attrs.define
class Storage:
    """
    The shared cache, and what a process keeps of it: filters run hundreds of times per page, and the shared cache is
    away by a network.

    Attributes:
        ask: does an operation of the cache, like :func:`openedx_webhooks.shared_cache.ask`.
        believe_seconds: for how long a process believes that an endpoint had no failure. One that another process
            counts is seen after it; one of this process at once.
        believe_max: of how many endpoints.
    """

    ask: Callable[..., Any]
    believe_seconds: float = 1.0
    believe_max: int = 1024
    _believed_until: dict[str, float] = attrs.field(factory=dict, init=False)

    def failures(self, key: str) -> int:
        """A number of failures."""
        if time.monotonic() < self._believed_until.get(key, 0.0):
            return 0
        failures = shared_cache.number(self.ask("get", key))
        if not failures:
            if len(self._believed_until) >= self.believe_max:
                self._believed_until.clear()
            self._believed_until[key] = time.monotonic() + self.believe_seconds
        return failures

    def add_failure(self, key: str, seconds: float) -> int:
        """Count one more, forgotten some seconds after the first; how many they are, 0 if the cache is away."""
        self._believed_until.pop(key, None)
        return shared_cache.number(shared_cache.count_up(key, seconds, self.ask))


@attrs.define(kw_only=True)
class Breaker:
    """
    For one call to an endpoint: :meth:`allow` before it, :meth:`record` after it.

    Attributes:
        url: of the endpoint. Hooks with the same URL share a breaker; two paths on one server do not, as on many
            servers they are different programs.
        failures_to_open: failures in a row that open the circuit; 0 switches the breaker off.
        open_seconds: for how long nobody calls.
        row_seconds: failures count as in a row if they are within this time of the first.
        probe_seconds: a probe is over after this time; not less than the longest call.
        remember_seconds: an endpoint that is dead and asked at least once in this time stays half-open rather than
            being forgotten.
        is_probing: the call that was allowed is the probe of a half-open circuit.
    """

    url: str
    storage: Storage
    failures_to_open: int
    open_seconds: float
    row_seconds: float = 3600
    probe_seconds: float = 31
    remember_seconds: float = 24 * 3600
    is_probing: bool = attrs.field(default=False, init=False)
    # What allow() read, so that record() after a success need not read again.
    _seen: int | None = attrs.field(default=None, init=False)
    failures_key: str = attrs.field(init=False)
    open_key: str = attrs.field(init=False)
    since_key: str = attrs.field(init=False)
    _probe_key: str = attrs.field(init=False)

    def __attrs_post_init__(self):
        name = hashlib.sha256(self.url.encode(errors="backslashreplace")).hexdigest()[:32]
        prefix = f"openedx_webhooks:breaker:{name}"
        self.failures_key, self.open_key, self._probe_key = f"{prefix}:failures", f"{prefix}:open", f"{prefix}:probe"
        self.since_key = f"{prefix}:since"

    def allow(self) -> bool:
        """Whether to make the call. If so, :meth:`record` or :meth:`withdraw` must follow."""
        if self.failures_to_open <= 0:
            return True
        self._seen = self.storage.failures(self.failures_key)
        if self._seen < self.failures_to_open:
            return True
        if self.storage.ask("get", self.open_key):
            return False
        is_prober = self.storage.ask("add", self._probe_key, 1, max(self.probe_seconds, self.open_seconds))
        self.is_probing = bool(is_prober)
        return is_prober is None or self.is_probing

    def withdraw(self) -> None:
        """Tell that the call came to nothing for reasons of our own: if it was the probe, somebody else may probe."""
        if self.is_probing:
            self.is_probing = False
            self.storage.ask("delete", self._probe_key)

    def record(self, ok: bool) -> None:
        """
        Tell how the call went.

        Args:
            ok: the endpoint did its work. A 4xx is an answer, too: not ok are request exceptions and 5xx.
        """
        if self.failures_to_open <= 0:
            return
        if not ok:
            self._record_failure()
            return
        if self._seen is None:
            self._seen = self.storage.failures(self.failures_key)
        if self._seen >= self.failures_to_open:
            log.info("The circuit of an endpoint on %s is closed again", _host(self.url))
        if self._seen:
            self.reset()

    def _record_failure(self) -> None:
        failures = self.storage.add_failure(self.failures_key, self.row_seconds)
        if failures < self.failures_to_open:
            return
        if failures == self.failures_to_open:
            # Not at each probe that fails: one line per outage.
            log.warning("The circuit of an endpoint on %s is open after %s failures", _host(self.url), failures)
            # Over what a process of an older version, which does not know this key, may have left at a reset.
            self.storage.ask("set", self.since_key, int(time.time()), self.remember_seconds)
        elif not self.storage.ask("touch", self.since_key, self.remember_seconds):
            self.storage.ask("add", self.since_key, int(time.time()), self.remember_seconds)
        # In this order: while the probe's key is there nobody else probes, and then it is open.
        self.storage.ask("set", self.open_key, 1, max(1, self.open_seconds))
        self.storage.ask("set", self.failures_key, failures, self.remember_seconds)
        self.storage.ask("delete", self._probe_key)

    def reset(self) -> None:
        """Close the circuit and forget all failures."""
        self.storage.ask("delete_many", [self.failures_key, self.open_key, self.since_key, self._probe_key])
        self._seen = 0

    def state(self) -> State:
        """What it is now; for people to look at."""
        return self.circuit().state

    def circuit(self) -> Circuit:
        """The same, and since when."""
        return circuits([self])[0]

    def circuit_in(self, found: dict[str, Any]) -> Circuit:
        """What it is by what the cache holds."""
        failures = shared_cache.number(found.get(self.failures_key))
        if self.failures_to_open <= 0 or failures < self.failures_to_open:
            return Circuit(State.CLOSED, failures)
        state = State.OPEN if found.get(self.open_key) else State.HALF_OPEN
        return Circuit(state, failures, _moment(found.get(self.since_key)))


def _storage() -> Storage:
    """This process's own."""
    return Storage(shared_cache.ask)


def breaker(url: str) -> Breaker:
    """The breaker of an endpoint, for one call, with the thresholds of the settings."""
    failures, seconds = app_settings.BREAKER_FAILURES, app_settings.BREAKER_OPEN_SECONDS
    return Breaker(url=url, storage=process.get(_storage), failures_to_open=failures, open_seconds=seconds)


def circuits(breakers: Iterable[Breaker]) -> list[Circuit]:
    """Many as they are now, in their order, with one read of the cache."""
    breakers = list(breakers)
    keys = [key for each in breakers for key in (each.failures_key, each.open_key, each.since_key)]
    found = shared_cache.ask("get_many", keys) or {}
    return [each.circuit_in(found) for each in breakers]


def _moment(value: Any) -> datetime | None:
    """A time that was kept; None for what some other program may have left there."""
    try:
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int) and value > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _host(url: str) -> str:
    """What of an endpoint may stand in a log; its path may be as secret as its query."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
