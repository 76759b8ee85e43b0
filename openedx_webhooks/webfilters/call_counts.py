"""
Every call is counted, whether it is recorded or not.

In a learner's request that is one more in a dictionary. A job of the process adds what has come together to the tallies
every few seconds; what a process that is killed had not added yet is lost, and no more.
"""

import logging
import threading
from collections import Counter
from datetime import datetime
from typing import Any

from django.db import close_old_connections, router, transaction
from django.utils import timezone

from .. import tally_rows, throttle
from ..background import Job, process
from ..histogram import UNTIMED, Histogram, bucket_of
from ..models import Call, Tally, TallyMark, Webfilter
from ..models.tally import CallOutcome
from .calls import NOT_MADE

log = logging.getLogger(__name__)
_SOURCE = "call"
# Of which webfilter, in which hour, outcome, bucket of its duration.
_Counted = tuple[int, datetime, str, str]


def count(call: Any, result: str) -> None:
    """
    Count a call. Takes microseconds, and never waits for anything.

    Args:
        call: a :class:`~openedx_webhooks.webfilters.run.RunningCall` that is over.
        result: what it came to, of :class:`~openedx_webhooks.models.Call`.
    """
    outcome, hook = call.outcome, call.webfilter
    what = _outcome(call, result)
    is_timed = not call.is_cached and what != CallOutcome.NOT_CALLED
    process.get(CallCounts).add(
        (
            hook.pk,
            tally_rows.start_of(outcome.started_at, Tally.Span.HOUR),
            str(what),
            bucket_of(outcome.duration) if is_timed else UNTIMED,
        )
    )


def _outcome(call, result: str) -> str:
    failed = Call.is_failure(result, call.verdict.problem, call.outcome.status_code)
    if result == Call.Result.HALTED:
        if failed:
            return CallOutcome.WOULD_HALT_BY_FAILURE if call.observes else CallOutcome.HALTED_BY_FAILURE
        return CallOutcome.WOULD_HALT if call.observes else CallOutcome.HALTED
    if call.outcome.error in NOT_MADE:
        return CallOutcome.NOT_CALLED
    if result == Call.Result.CHANGED and call.observes:
        return CallOutcome.WOULD_CHANGE
    # What it did shows only if the endpoint did not fail in the same call.
    return CallOutcome.IGNORED if failed else CallOutcome(result)


class CallCounts(Job):
    """What this process has counted and not added to the tallies yet."""

    NAME = "call-counts"
    # Of many calls, one short transaction.
    GATHER_SECONDS = SPACING_SECONDS = 10.0
    RETRY_SECONDS = 5.0

    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()
        self._counts: Counter[_Counted] = Counter()

    def add(self, counted: _Counted) -> None:
        with self._lock:
            self._counts[counted] += 1
        self.ask()

    def run(self) -> bool:
        """Add them to the tallies; if that is not possible now, they are kept."""
        close_old_connections()
        return self.write()

    def write(self) -> bool:
        """The same on the connection that there is."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return True
        is_done = False
        try:
            is_done = _write(counts)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # The database may be away.
            if throttle.allows("call_counts", seconds=60):
                log.warning("Calls of webfilters are counted later: %s", type(error).__name__)
        finally:
            if not is_done:
                with self._lock:
                    self._counts.update(counts)
        return is_done


def _write(counts: Counter[_Counted]) -> bool:
    """Add to the tallies; False if another process does so just now."""
    using = router.db_for_write(Tally)
    by_hour: dict[tally_rows.Key, Histogram] = {}
    for (hook, start, outcome, bucket), number in counts.items():
        by_hour.setdefault((hook, Tally.Span.HOUR, start), Histogram()).add(outcome, bucket, number)
    marks = TallyMark.objects.using(using)
    if not marks.filter(source=_SOURCE).exists():
        marks.get_or_create(source=_SOURCE, defaults={"seen_at": timezone.now()})
    with transaction.atomic(using=using):
        if tally_rows.free_mark(_SOURCE, using) is None:
            return False
        tally_rows.write(Webfilter.__name__.lower() + "_id", using, tally_rows.with_days(by_hour))
    return True
