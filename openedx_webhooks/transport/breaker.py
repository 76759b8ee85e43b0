"""
A breaker per endpoint, shared by all processes through Django's default cache.

Closed: everybody calls. After BREAKER_FAILURES failures in a row it opens: nobody calls for BREAKER_OPEN_SECONDS. Then
it is half-open: one call in all processes probes, the others are still refused; success closes it, failure opens it
again. BREAKER_FAILURES = 0 switches it off.

What the cache holds, all under a hash of the URL (which may have secrets in it, and characters that memcached refuses):

* ``failures``: how many in a row. Missing in the good case, which therefore costs no write, and one read per second
  and process: that there was no failure is believed for a second.
* ``open``: there while it is open. Its expiry is the cache's, so that clocks of different machines don't matter.
* ``probe``: there while somebody probes. Expires, too, so that a prober that was killed does not hold it for ever.

The cache is a help, not a need: whether it raises or, as django-redis does on request, returns None, the breaker is
then closed.
"""

import hashlib
import logging
import time
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from ..app_settings import app_settings
from ..shared_cache import ask

log = logging.getLogger(__name__)

# Failures count as "in a row" if they are within this time of the first.
_COUNT_SECONDS = 3600
# An endpoint that is dead and asked at least once in this time stays half-open rather than being forgotten.
_REMEMBER_SECONDS = 24 * 3600
# A probe is over after this time, as no call takes longer: the longest that a webfilter may set.
_PROBE_SECONDS = 31


class State(StrEnum):
    """Of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """
    For one call to an endpoint: :meth:`allow` before it, :meth:`record` after it.

    Args:
        url: of the endpoint. Hooks with the same URL share a breaker; two paths on one server do not, as on many
            servers they are different programs.

    Attributes:
        is_probing: the call that was allowed is the probe of a half-open breaker.
    """

    def __init__(self, url: str):
        self._url = url
        self._failures_key, self._open_key, self._probe_key = _keys(url)
        # What allow() read, so that record() after a success need not read again.
        self._seen: int | None = None
        self.is_probing = False

    def allow(self) -> bool:
        """Whether to make the call. If so, :meth:`record` or :meth:`withdraw` must follow."""
        threshold = app_settings.BREAKER_FAILURES
        if threshold <= 0:
            return True
        if time.monotonic() < _believed_until.get(self._url, 0.0):
            self._seen = 0
            return True
        self._seen = _count(ask("get", self._failures_key))
        if self._seen < threshold:
            if not self._seen:
                _believe(self._url)
            return True
        if ask("get", self._open_key):
            return False
        is_prober = ask("add", self._probe_key, 1, max(_PROBE_SECONDS, app_settings.BREAKER_OPEN_SECONDS))
        self.is_probing = bool(is_prober)
        return is_prober is None or self.is_probing

    def withdraw(self) -> None:
        """Tell that the call came to nothing for reasons of our own: if it was the probe, somebody else may probe."""
        if self.is_probing:
            self.is_probing = False
            ask("delete", self._probe_key)

    def record(self, ok: bool) -> None:
        """
        Tell how the call went.

        Args:
            ok: the endpoint did its work. A 4xx is an answer, too: not ok are request exceptions and 5xx.
        """
        if app_settings.BREAKER_FAILURES <= 0:
            return
        if not ok:
            self._record_failure()
            return
        if self._seen is None:
            self._seen = _count(ask("get", self._failures_key))
        if self._seen:
            if self._seen >= app_settings.BREAKER_FAILURES:
                log.info("The breaker of an endpoint on %s is closed again", _host(self._url))
            self.reset()

    def _record_failure(self) -> None:
        _believed_until.pop(self._url, None)
        failures = self._increment()
        threshold = app_settings.BREAKER_FAILURES
        if not failures or failures < threshold:
            return
        if failures == threshold:
            # Not at each probe that fails: one line per outage.
            log.warning("The breaker of an endpoint on %s has opened after %s failures", _host(self._url), failures)
        # In this order: while the probe's key is there nobody else probes, and then it is open.
        ask("set", self._open_key, 1, max(1, app_settings.BREAKER_OPEN_SECONDS))
        ask("set", self._failures_key, failures, _REMEMBER_SECONDS)
        ask("delete", self._probe_key)

    def _increment(self) -> int | None:
        """Count one more; None if the cache is dead."""
        # add() does nothing if it is there; incr() is atomic where the cache can be.
        if ask("add", self._failures_key, 1, _COUNT_SECONDS):
            return 1
        return ask("incr", self._failures_key)

    def state(self) -> State:
        """What it is now; for people to look at."""
        return states([self])[0]

    def reset(self) -> None:
        """Close it and forget all failures."""
        ask("delete_many", [self._failures_key, self._open_key, self._probe_key])
        self._seen = 0

    @property
    def keys(self) -> tuple[str, str]:
        """Where failures and openness are kept."""
        return self._failures_key, self._open_key


# Filters run hundreds of times per page, and a shared cache is asked over the network. A failure that another process
# counts in this second is seen after it; one of this process at once.
_BELIEVE_SECONDS = 1.0
_BELIEVED_MAX = 1024
_believed_until: dict[str, float] = {}


def _believe(url: str) -> None:
    if len(_believed_until) >= _BELIEVED_MAX:
        _believed_until.clear()
    _believed_until[url] = time.monotonic() + _BELIEVE_SECONDS


def forget() -> None:
    """Ask the cache again about every endpoint."""
    _believed_until.clear()


@lru_cache(maxsize=512)
def _keys(url: str) -> tuple[str, str, str]:
    prefix = f"openedx_webhooks:breaker:{hashlib.sha256(url.encode(errors='backslashreplace')).hexdigest()[:32]}"
    return f"{prefix}:failures", f"{prefix}:open", f"{prefix}:probe"


def breaker(url: str) -> Breaker:
    """The breaker of an endpoint, for one call."""
    return Breaker(url)


def states(breakers: Iterable[Breaker]) -> list[State]:
    """The states of many, in their order, with one read of the cache."""
    pairs = [each.keys for each in breakers]
    found = ask("get_many", [key for pair in pairs for key in pair]) or {}
    threshold = app_settings.BREAKER_FAILURES
    result = []
    for failures_key, open_key in pairs:
        if threshold <= 0 or _count(found.get(failures_key)) < threshold:
            result.append(State.CLOSED)
        else:
            result.append(State.OPEN if found.get(open_key) else State.HALF_OPEN)
    return result


def _host(url: str) -> str:
    """What of an endpoint may stand in a log; its path may be as secret as its query."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _count(value: Any) -> int:
    """A number of failures; 0 for nothing, and for what some other program may have left there."""
    return value if isinstance(value, int) and value > 0 else 0
