"""Endpoints with bad days."""

import time

from tests.live.endpoints import WELL, Endpoints, Mood

PATHS = ("/steady", "/flaps", "/hangs", "/busy", "/hostile")
_HANGING = 12
_BUSY_SECONDS = 8


class MoodyEndpoints(Endpoints):
    """
    ``/steady`` takes 10 ms; ``/flaps`` fails every other second; ``/hangs`` never answers its first requests; ``/busy``
    says 429 with ``Retry-After`` for a while, and ``/hostile`` with dates that no calendar has.
    """

    _first_at: float | None = None

    def mood(self, path):
        now = time.monotonic()
        self._first_at = self._first_at or now
        age = now - self._first_at
        if path == "/flaps" and int(age) % 2:
            return Mood(503)
        if path == "/busy" and age < _BUSY_SECONDS:
            return Mood(429, {"Retry-After": "1"})
        if path == "/hostile" and age < _BUSY_SECONDS:
            return Mood(503, {"Retry-After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"})
        if path == "/hangs" and self.refused[path] < _HANGING:
            return Mood(None)
        return WELL
