"""
Cached responses, for filters that run many times per page.

An endpoint says with ``Cache-Control: max-age`` for how long its answer holds for the same payload. Kept is the
response in Django's cache, by webfilter and payload without the id and time of the event; shared by all processes.

Beside the answers about a person their places are noted, so that they can be forgotten with the person.
"""

import hashlib
import re
import time
from collections.abc import Mapping
from typing import Any

import attrs
from django.core.cache import cache

from ..payloads import encode, shape, subject
from ..payloads.mentions import Person
from ..shared_cache import ask, count_up
from ..transport.client import Outcome

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})")
_FORBIDDEN = re.compile(r"(?:^|[\s,])(?:no-store|no-cache)(?=$|[\s,=])")
_MAX_SECONDS = 7 * 24 * 3600
# How much longer an answer is kept for the time when its endpoint's circuit is open.
_STALE_SECONDS = 24 * 3600
_MAX_BYTES = 256 * 1024


@attrs.define
class CachedResponse:
    """
    The cached response of one webfilter for one payload.

    Attributes:
        payload: tells whom the answer is about.
    """

    key: str
    serves_stale: bool
    payload: Mapping[str, Any] = attrs.field(repr=False)
    _kept: tuple[float, int, bytes] | None = None

    def fresh(self) -> Outcome | None:
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
        about = subject.subject_of(self.payload)
        place = _place_of(about.user_id if about.user_id is not None else about.username)
        if place and not _note(place, self.key):
            return
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
    return CachedResponse(f"openedx_webhooks:answer:{digest}", webfilter.serve_stale_answers, payload)


# --- Of a person who is retired

# So many of a person's answers can be found again. One that loses its note to a later one is about to expire, or its
# endpoint says that it holds for days while the payload changes all the time.
_NOTES = 500
_NOTE_SECONDS = _MAX_SECONDS + _STALE_SECONDS + 3600


def forget(person: Person) -> None:
    """Remove the answers about a person; raises what a cache raises that is away."""
    for known in filter(None, map(_place_of, (person.user_id, *person.names))):
        count = cache.get(known) or 0
        notes = [f"{known}:{number}" for number in range(min(count, _NOTES))] if isinstance(count, int) else []
        kept = [key for key in cache.get_many(notes).values() if isinstance(key, str)]
        cache.delete_many([*kept, *notes, known])


def _place_of(identity: int | str | None) -> str:
    """The cache's key of how many answers about somebody were kept; not their name, which others may read there."""
    if identity is None or identity == "":
        return ""
    return f"openedx_webhooks:answers_about:{hashlib.sha256(str(identity).lower().encode()).hexdigest()[:40]}"


def _note(about: str, key: str) -> bool:
    """Remember where an answer about somebody will be; false if that can't be."""
    count = count_up(about, _NOTE_SECONDS)
    if not count:
        return False
    ask("touch", about, _NOTE_SECONDS)
    return ask("set", f"{about}:{(count - 1) % _NOTES}", key, _NOTE_SECONDS) is not False


def max_age(cache_control: str) -> int:
    """Seconds for which a response may be used again: at most a week, 0 if it must not."""
    cache_control = cache_control.lower()
    match = _MAX_AGE.search(cache_control)
    if match is None or _FORBIDDEN.search(cache_control):
        return 0
    return min(int(match[1]), _MAX_SECONDS)


def _is_kept(value) -> bool:
    """Other programs may share the cache."""
    return isinstance(value, (tuple, list)) and [type(part) for part in value] == [float, int, bytes]
