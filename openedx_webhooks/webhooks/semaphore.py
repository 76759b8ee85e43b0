"""
How many workers may deliver at the same time: the platform's own tasks share the workers with ours.

The permits are keys in Django's cache. A cache that is away, or that every process has for itself, means no limit: more
workers deliver than should, and nothing is lost.
"""

import time
import uuid
from typing import Any

from ..app_settings import app_settings
from ..shared_cache import ask

# A permit that was renewed longer ago than this, or will be, is from a clock that was wrong; the cache, which went by
# it too, may keep it for as long as it was wrong. Machines' clocks differ by less.
_CLOCKS_DIFFER_SECONDS = 60


class WorkerSemaphore:
    """Gives one of ``DELIVERY_WORKERS`` permits; free again by itself ``SECONDS`` after its holder was killed."""

    SECONDS = 5

    def __init__(self):
        self._key: str | None = None
        self._renew_at = 0.0
        self._holder = uuid.uuid4().hex

    def acquire(self) -> bool:
        """Take a free permit; False if all are taken."""
        answered = False
        for number in range(app_settings.DELIVERY_WORKERS):
            key = f"openedx_webhooks.permit.{number}"
            if ask("add", key, self._permit(), timeout=self.SECONDS):
                self._key = key
                return True
            permit = ask("get", key)
            if permit is not None and abs(time.time() - _read(permit)[1]) > _CLOCKS_DIFFER_SECONDS:
                self._key = key
                ask("set", key, self._permit(), timeout=self.SECONDS)
                return True
            answered = answered or permit is not None
        return not answered

    def renew(self) -> None:
        """Keep the permit for another ``SECONDS``; may be called as often as one likes."""
        if self._key and time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + self.SECONDS / 5
            ask("set", self._key, self._permit(), timeout=self.SECONDS)

    def release(self) -> None:
        """Give the permit back."""
        if self._key and _read(ask("get", self._key))[0] == self._holder:
            ask("delete", self._key)
        self._key = None

    def _permit(self) -> list:
        # A list, as some caches write JSON.
        return [self._holder, time.time()]


def _read(permit: Any) -> tuple[str, float]:
    """Whose it is and when it was renewed; nobody's and never, for what some other program may have left there."""
    try:
        holder, renewed_at = permit
        return str(holder), float(renewed_at)
    except (TypeError, ValueError, OverflowError):
        return "", float("-inf")
