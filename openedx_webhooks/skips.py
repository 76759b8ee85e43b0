"""
Why nothing happened: counts of the times a hook was not called because of its own condition or shape, or of its
endpoint's failures. (Deliveries in the state *skipped* are another thing: see ``STATES`` in ``models/delivery.py``.)

A condition that does not match leaves no row, so an operator who asks "why is nothing sent?" finds the answer here. The
counts of the last day are kept in Django's default cache, by hook, reason and hour; they are a help, not a record: a
cache that is away or restarted loses some, and a process writes its own with a second's delay.
"""

import logging
import threading
import time
from collections import Counter

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from . import throttle
from .background import Job, process
from .shared_cache import ask, number
from .transport import authentication, signing

log = logging.getLogger(__name__)
_HOUR = 3600
_HOURS = 24
_MOST_KEYS = 10_000


class Reason(TextChoices):
    """Why a hook was not called; also the error of the attempt or call that was not made."""

    NO_MATCH = "no_match", _("The condition did not match")
    NO_SHAPE = "no_shape", _("The shape gave nothing to send")
    CONDITION_FAILED = "condition_failed", _("The condition failed on the payload")
    SHAPE_FAILED = "shape_failed", _("The shape failed on the payload")
    BREAKER_OPEN = "breaker_open", _("The circuit was open after failures of the endpoint")
    BUDGET = "budget", _("Other webfilters had used up the time")
    NO_TOKEN = authentication.NO_TOKEN, _("The token server gave no access token")
    KEY_LOST = "key_lost", _("The key that its secrets are encrypted with is lost or was changed")
    UNSENDABLE = signing.UNSENDABLE, _("It can't be signed: its secret is malformed")


class SkipCounts(Job):
    """What this process has counted and not yet written; the learner's request does not wait for the cache."""

    NAME = "skips"
    GATHER_SECONDS = 1.0

    def __init__(self):
        super().__init__()
        # Of the counts, and of writing them: whoever reads waits for what is being written.
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, key: str) -> None:
        """Count one."""
        with self._lock:
            if len(self._counts) < _MOST_KEYS:
                self._counts[key] += 1
        self.ask()

    def run(self) -> bool:
        """Write to the cache; what it does not take is lost."""
        with self._writing:
            with self._lock:
                counts, self._counts = self._counts, Counter()
            for key, count in counts.items():
                ask("add", key, 0, timeout=(_HOURS + 1) * _HOUR)
                ask("incr", key, count)
        return True


def note(hook, reason: Reason, error: Exception | None = None) -> None:
    """
    Count that a hook was not called, and log it once an hour if something failed. Takes microseconds, never raises.

    Args:
        hook: a Webhook or Webfilter.
        reason: why.
        error: what failed. Its kind is logged, not its text, which may quote the payload.
    """
    name = type(hook).__name__
    process.get(SkipCounts).add(_key(name, hook.pk, reason, int(time.time() // _HOUR)))
    if error is not None and throttle.allows("skips", name, hook.pk, reason, seconds=_HOUR):
        log.warning(
            "%s %s was not called: its %s fails on this payload (%s); told at most once an hour",
            name,
            hook.pk,
            "shape" if reason == Reason.SHAPE_FAILED else "condition",
            type(error.__cause__ or error).__name__,
        )


def last_day(hook) -> dict[Reason, int]:
    """How often a hook was not called in the last 24 hours, by reason; reasons without any are left out."""
    process.get(SkipCounts).run()
    now = int(time.time() // _HOUR)
    keys = {
        _key(type(hook).__name__, hook.pk, reason, hour): reason
        for reason in Reason
        for hour in range(now - _HOURS + 1, now + 1)
    }
    found: Counter[Reason] = Counter()
    for key, count in (ask("get_many", list(keys)) or {}).items():
        found[keys[key]] += number(count)
    return {reason: found[reason] for reason in Reason if found[reason]}


def _key(name: str, pk: int, reason: Reason, hour: int) -> str:
    return f"openedx_webhooks:skipped:{name}:{pk}:{reason.value}:{hour}"
