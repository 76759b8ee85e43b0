"""What a worker does now and then beside delivering, never in a learner's request."""

from .. import throttle
from ..webhooks import deliver
from . import alerts, removal, retention_turns, tallies, workers

_REMOVAL_SECONDS = 10
_CLOCK_SECONDS = 300


def run_when_due() -> None:
    """
    Do what is due: say that this worker runs, tell operators of trouble, go on with removals, repair what a wrong clock
    has scheduled, count attempts and events, purge what is old. Never raises.

    For workers and commands; it may take half a minute.
    """
    workers.note()
    alerts.run_when_due()
    if throttle.allows("removal", seconds=_REMOVAL_SECONDS):
        removal.run()
    if throttle.allows("clock", seconds=_CLOCK_SECONDS):
        deliver.repair_schedule()
    # Before anything of it is removed.
    tallies.run_when_due()
    retention_turns.run_when_due()
