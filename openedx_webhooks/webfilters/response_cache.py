"""
Cached responses, for filters that run many times per page.

An endpoint says with ``Cache-Control: max-age`` for how long its answer holds for the same payload. Kept is the
response in Django's cache, by webfilter and payload without the id and time of the event; shared by all processes.
"""

import hashlib
import re
import time
from typing import Any

import attrs

from ..payloads import encode, shape
from ..shared_cache import ask
from ..transport.client import Outcome

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})")
_FORBIDDEN = re.compile(r"(?:^|[\s,])(?:no-store|no-cache)(?=$|[\s,=])")
_MAX_SECONDS = 7 * 24 * 3600
# How much longer an answer is kept for the time when its endpoint's circuit is open.
_STALE_SECONDS = 24 * 3600
_MAX_BYTES = 256 * 1024


@attrs.define
class CachedResponse:
    """The cached response of one webfilter for one payload."""

    key: str
    serves_stale: bool
    _kept: tuple[float, int, bytes] | None = None

    def fresh(self) -> Outcome | None:
        """The answer, if it still holds."""
        self._kept = ask("get", self.key)
        if not _is_kept(self._kept):
            self._kept = None
        if self._kept is None or time.time() >= self._kept[0]:
            return None
        return self._outcome()

    def stale(self) -> Outcome | None:
        """The last answer, if the operator wants it; to be read after :meth:`fresh`."""
        return self._outcome() if self.serves_stale and self._kept is not None else None

    def keep(self, outcome: Outcome) -> None:
        """Keep a 2xx outcome for as long as it says."""
        seconds = max_age(outcome.headers.get("cache-control", ""))
        if not seconds or len(outcome.body) > _MAX_BYTES:
            return
        kept = (time.time() + seconds, outcome.status_code, outcome.body)
        ask("set", self.key, kept, seconds + (_STALE_SECONDS if self.serves_stale else 0))

    def _outcome(self):
        _until, status_code, body = self._kept
        return Outcome(status_code=status_code, body=body)


def cached_response_of(webfilter, payload: dict[str, Any]) -> CachedResponse | None:
    """Where the response to a payload is cached; None if the webfilter has not opted in."""
    if not webfilter.cache_answers:
        return None
    metadata = {name: value for name, value in payload["event_metadata"].items() if name not in ("id", "time")}
    content: Any = {**payload, "event_metadata": metadata}
    if webfilter.compiled_shape is not None:
        try:
            content = shape.evaluate(webfilter.compiled_shape, content)
        except Exception:  # pylint: disable=broad-exception-caught
            # The shape has worked on the payload with id and time; whatever it makes of them can't be cached.
            return None
    body, _content_type = encode.encode(content, False)
    # A webfilter that was saved in the meantime may have another address or other headers.
    digest = hashlib.sha256(f"{webfilter.pk}:{webfilter.modified.timestamp()}:".encode() + body).hexdigest()
    return CachedResponse(f"openedx_webhooks:answer:{digest}", webfilter.serve_stale_answers)


def max_age(cache_control: str) -> int:
    """Seconds for which a response may be used again: at most a week, 0 if it must not."""
    cache_control = cache_control.lower()
    match = _MAX_AGE.search(cache_control)
    if match is None or _FORBIDDEN.search(cache_control):
        return 0
    return min(int(match[1]), _MAX_SECONDS)


def _is_kept(value) -> bool:
    """Other programs may share the cache."""
    return isinstance(value, (tuple, list)) and len(value) == 3 and isinstance(value[2], bytes)
