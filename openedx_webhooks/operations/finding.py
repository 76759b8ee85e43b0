"""One thing that was looked at: how it is, and what to do about it."""

from datetime import timedelta
from enum import StrEnum

import attrs
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import ngettext


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


LEVELS = list(Level)


@attrs.frozen
class Finding:
    """
    One thing that was looked at.

    Attributes:
        name: stable, for programs: database, tables, start, worker, backlog, clock, queue, broker, cache, alerts.
        words: what was found, for an operator.
        remedy: what to do; empty if nothing need be done.
    """

    name: str
    level: Level
    words: str
    remedy: str = ""


def lasting(time: timedelta) -> str:
    """How long, in one unit."""
    seconds = max(0, int(time.total_seconds()))
    if seconds < 60:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    now = timezone.now()
    return timesince(now - time, now, depth=1)
