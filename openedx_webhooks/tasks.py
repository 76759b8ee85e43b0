"""Celery's way in. Celery looks for this module, and messages carry its task names, so they stay for ever."""

from .operations import removal, retention
from .webhooks import deliver, wakeups
from .webhooks.wakeups import deliver_due

__all__ = ["deliver_due"]

wakeups.after_delivering += [removal.run, deliver.repair_schedule, retention.run_when_due]
