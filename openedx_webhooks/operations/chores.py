"""What a worker does now and then beside delivering, never in a learner's request."""

import logging

from celery.exceptions import SoftTimeLimitExceeded

from .. import throttle
from ..safe_log import where
from ..webhooks import deliver
from . import alerts, removal, retention_turns, tallies, workers

log = logging.getLogger(__name__)
_REMOVAL_SECONDS = 10
_CLOCK_SECONDS = 300


def run_when_due() -> None:
    """
    Do what is due: say that this worker runs, tell operators of trouble, go on with removals, repair what a wrong clock
    has scheduled, count attempts and events, purge what is old. Never raises.

    For workers and commands; it may take half a minute.
    """
    # Counted before anything of it is removed.
    chores = (workers.note, alerts.run_when_due, _remove, _repair, tallies.run_when_due, retention_turns.run_when_due)
    for chore in chores:
        try:
            chore()
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:  # pylint: disable=broad-exception-caught
            # A row that one of them can't read must not keep the others from theirs, least of all from purging.
            if throttle.allows("chores", chore, seconds=60):
                log.error("A chore failed, and is tried again later: %s", where(error))


def _remove() -> None:
    if throttle.allows("removal", seconds=_REMOVAL_SECONDS):
        removal.run()


def _repair() -> None:
    if throttle.allows("clock", seconds=_CLOCK_SECONDS):
        deliver.repair_schedule()
