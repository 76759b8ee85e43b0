"""Celery's way in. Celery looks for this module, and messages carry its task names, so they stay for ever."""

from .operations import chores
from .webhooks import wakeups
from .webhooks.wakeups import deliver_due

__all__ = ["deliver_due"]

wakeups.after_delivering.append(chores.run_when_due)
