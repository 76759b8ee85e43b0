"""
Django's default cache, as far as anybody waits for it: a help, never a need.

A cache that is away raises in as many ways as there are backends, returns None (django-redis on request), or lets its
client wait for seconds. So whatever it raises is None here, and a process that found it away, or that slow, asks it
nothing for half a minute: one learner waits, not every one.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.core.cache import cache

from .background import process

log = logging.getLogger(__name__)

_REST_SECONDS = 30.0
# Slower than this is no help to anybody.
_SLOW_SECONDS = 0.5


def ask(operation: str, *args, **kwargs) -> Any:
    """
    The result of a method of the cache, which is named because looking it up makes the connection in some caches.

    Returns:
        None, too, if the cache is away, or was within the last half minute, or if a counter to be changed has expired.
    """
    return process.get(_SharedCache).ask(operation, *args, **kwargs)


def count_up(key: str, seconds: float, using: Callable[..., Any] = ask) -> int | None:
    """
    Count one more; how many they are, None if the cache is away.

    Args:
        seconds: from the first one until the counter is forgotten.
        using: :func:`ask`, or what takes its place.
    """
    # add() does nothing if it is there; incr() is atomic where the cache can be.
    return 1 if using("add", key, 1, seconds) else using("incr", key)


def number(value: Any) -> int:
    """What a counter says; 0 for nothing, and for what some other program may have left there."""
    return value if isinstance(value, int) and value > 0 else 0


def is_away() -> bool:
    """Whether it was found away, or slow, within the last half minute; it is asked now if it was not."""
    ask("get", "openedx_webhooks:is_away")
    return process.get(_SharedCache).is_resting


class _SharedCache:
    """The cache as this process has found it."""

    def __init__(self):
        self._asked_again_at = float("-inf")

    @property
    def is_resting(self) -> bool:
        """Whether it is not asked."""
        return time.monotonic() < self._asked_again_at

    def ask(self, operation: str, *args, **kwargs) -> Any:
        start = time.monotonic()
        if start < self._asked_again_at:
            return None
        result, reason = None, ""
        try:
            result = getattr(cache, operation)(*args, **kwargs)
            if not process.is_serving:
                # The processes that are forked from this one would all speak on its connection.
                cache.close()
        except ValueError:
            # From incr(): the counter has expired in between, which is as good as none.
            return None
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:  # pylint: disable=broad-exception-caught
            reason = type(error).__name__
        end = time.monotonic()
        if not reason and end - start > _SLOW_SECONDS:
            reason = f"took {end - start:.1f} s"
        if reason:
            self._asked_again_at = end + _REST_SECONDS
            log.warning(
                "The cache failed (%s) and is not used for %d s: circuits count as closed, and nothing is cached",
                reason,
                _REST_SECONDS,
            )
        return result
