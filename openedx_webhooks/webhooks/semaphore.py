"""
How many workers may deliver at the same time: the platform's own tasks share the workers with ours.

The slots are keys in Django's cache. A cache that is away, or that every process has for itself, means no limit: more
workers deliver than should, and nothing is lost.
"""

import time
import uuid

from ..app_settings import app_settings
from ..shared_cache import ask


class WorkerSemaphore:
    """One of ``DELIVERY_WORKERS`` places; free again by itself ``SECONDS`` after its holder was killed."""

    SECONDS = 5

    def __init__(self):
        self._key: str | None = None
        self._renew_at = 0.0
        self._mark = uuid.uuid4().hex

    def acquire(self) -> bool:
        """Take a free slot; False if all are taken."""
        answered = False
        for number in range(app_settings.DELIVERY_WORKERS):
            key = f"openedx_webhooks.slot.{number}"
            if ask("add", key, self._mark, timeout=self.SECONDS):
                self._key = key
                return True
            answered = answered or ask("get", key) is not None
        return not answered

    def renew(self) -> None:
        """Keep the slot for another ``SECONDS``; may be called as often as one likes."""
        if self._key and time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + self.SECONDS / 5
            ask("set", self._key, self._mark, timeout=self.SECONDS)

    def release(self) -> None:
        """Give the slot back."""
        if self._key and ask("get", self._key) == self._mark:
            ask("delete", self._key)
        self._key = None
