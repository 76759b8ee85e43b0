"""
Why nothing happened: counts of the times a hook was not called because of its own condition or shape, or of its
endpoint's failures.

A condition that does not match leaves no row, so an operator who asks "why is nothing sent?" finds the answer here. The
counts of the last day are kept in Django's default cache, by hook, reason and hour; they are a help, not a record: a
cache that is away or restarted loses some, and a process writes its own with a second's delay.
"""

import atexit
import logging
import os
import threading
import time
from collections import Counter

from django.core.cache import cache
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

log = logging.getLogger(__name__)
_HOUR = 3600
_HOURS = 24
_FLUSH_SECONDS = 1.0
_MOST_KEYS = 10_000


class Reason(TextChoices):
    """Why a hook was not called."""

    NO_MATCH = "no_match", _("The condition did not match")
    NO_SHAPE = "no_shape", _("The shape gave nothing to send")
    CONDITION_FAILED = "condition_failed", _("The condition failed on the payload")
    SHAPE_FAILED = "shape_failed", _("The shape failed on the payload")
    LEFT_ALONE = "left_alone", _("The endpoint was left alone after failures")
    NO_TIME = "no_time", _("Other webfilters had used up the time")
    UNSENDABLE = "unsendable", _("It can't be signed: its secret is malformed")


class _Counts:
    """
    What this process has counted and not yet written.

    A thread of its own writes, a second after the first count: the learner's request does not wait for the cache.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, key: str) -> None:
        """Count one."""
        with self._lock:
            is_first = not self._counts
            if len(self._counts) < _MOST_KEYS:
                self._counts[key] += 1
        if is_first:
            self._flush_later()

    def _flush_later(self) -> None:
        timer = threading.Timer(_FLUSH_SECONDS, self._flush_in_thread)
        timer.name, timer.daemon = "openedx_webhooks-skips", True
        try:
            timer.start()
        except RuntimeError:
            # No thread to be had, or the interpreter is shutting down.
            self.flush()

    def _flush_in_thread(self) -> None:
        self.flush()
        cache.close()

    def flush(self) -> None:
        """Write to the cache. Never raises."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        try:
            for key, count in counts.items():
                cache.add(key, 0, timeout=(_HOURS + 1) * _HOUR)
                cache.incr(key, count)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # Whatever the cache's client raises when its server is away; ValueError if it dropped the key meanwhile.
            log.debug("Counts of skipped hooks were lost: %s", type(error).__name__)


def note(hook, reason: Reason, error: Exception | None = None) -> None:
    """
    Count that a hook was not called, and log it once an hour if something failed. Takes microseconds, never raises.

    Args:
        hook: a Webhook or Webfilter.
        reason: why.
        error: what failed. Its kind is logged, not its text, which may quote the payload.
    """
    name = type(hook).__name__
    _counts.add(_key(name, hook.pk, reason, int(time.time() // _HOUR)))
    if error is None:
        return
    now = time.monotonic()
    key = (name, hook.pk, reason)
    if now >= _logged.get(key, 0.0):
        if len(_logged) > _MOST_KEYS:
            _logged.clear()
        _logged[key] = now + _HOUR
        log.warning(
            "%s %s was not called: its %s fails on this payload (%s); told at most once an hour",
            name,
            hook.pk,
            "shape" if reason == Reason.SHAPE_FAILED else "condition",
            type(error.__cause__ or error).__name__,
        )


def last_day(hook) -> dict[Reason, int]:
    """How often a hook was not called in the last 24 hours, by reason; reasons without any are left out."""
    _counts.flush()
    now = int(time.time() // _HOUR)
    keys = {
        _key(type(hook).__name__, hook.pk, reason, hour): reason
        for reason in Reason
        for hour in range(now - _HOURS + 1, now + 1)
    }
    found: Counter[Reason] = Counter()
    try:
        for key, count in (cache.get_many(keys) or {}).items():
            found[keys[key]] += count
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.warning("Counts of skipped hooks could not be read: %s", type(error).__name__)
    return {reason: found[reason] for reason in Reason if found[reason]}


def _key(name: str, pk: int, reason: Reason, hour: int) -> str:
    return f"openedx_webhooks:skipped:{name}:{pk}:{reason.value}:{hour}"


_counts = _Counts()
_logged: dict[tuple, float] = {}
# What the parent has not written is the parent's to write; and its lock may have been held while it forked.
os.register_at_fork(after_in_child=_counts.__init__)
atexit.register(_counts.flush)
