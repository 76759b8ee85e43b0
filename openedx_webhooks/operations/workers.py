"""
Whether anybody delivers: workers leave a mark when they have looked, and one that nobody has seen is asked to look.

A worker that has nothing to do is not nudged for long on a quiet site. So no mark lately means little by itself, and
much if a worker was asked since.
"""

import functools
import socket
from datetime import datetime, timedelta

import attrs
from celery import current_task
from django.db import DatabaseError, InterfaceError

from .. import throttle
from ..app_settings import app_settings
from ..models import Mark
from ..models.mark import LONGEST_NAME, WORKER
from ..webhooks import wakeups
from . import reachability

# Workers are nudged every minute while requests come; cron may run the command every ten minutes, or every half hour.
_LATELY, _COMMAND_LATELY = timedelta(minutes=5), timedelta(hours=1)
_COMMAND = "webhooks_deliver@"
_ASKED = "asked"
_NOTE_SECONDS = 60
# Names of machines and of containers come and go.
_FORGET = timedelta(days=7)


@attrs.frozen
class Worker:
    """
    A process that delivers.

    Attributes:
        name: as Celery or we name it.
        seen_at: when it looked for deliveries, by the database's clock.
        seen_ago: how long ago that is.
        clock_ahead: by how many seconds its clock is ahead of the database's.
    """

    name: str
    seen_at: datetime
    seen_ago: timedelta
    clock_ahead: float

    @property
    def is_seen_lately(self) -> bool:
        """If not, it may have ended, or nobody has asked it."""
        if self.name.startswith(_COMMAND):
            return self.seen_ago < _COMMAND_LATELY
        # It leaves its mark at the end of a task.
        return self.seen_ago < max(_LATELY, timedelta(seconds=2 * app_settings.DELIVERY_TASK_SECONDS))


def note() -> None:
    """Leave a mark that this process looked for deliveries, once a minute at most. For workers; never raises."""
    if not throttle.allows("worker seen", seconds=_NOTE_SECONDS):
        return
    node = current_task.request.hostname if current_task else None
    name = (WORKER + (node or f"{_COMMAND}{socket.gethostname()}"))[:LONGEST_NAME]
    marks = Mark.objects.writable()
    try:
        if not marks.filter(name=name).exists():
            marks.filter(name__startswith=WORKER, at__lt=marks.now() - _FORGET).forget()
        marks.note(name, f"{-marks.clock_ahead():.0f}")
    except (DatabaseError, InterfaceError):
        # As before the first migration. Whoever looks for the mark says what is wrong.
        return


def last() -> Worker | None:
    """
    The one that looked last; None if there was none in the last days.

    Raises:
        django.db.Error: the database is away.
    """
    marks = Mark.objects.writable()
    now = marks.now()
    # One in the future would be the last for ever.
    mark = marks.filter(name__startswith=WORKER, at__lte=now + _LATELY).order_by("-at").first()
    if mark is None:
        return None
    ahead = float(mark.value) if mark.value.lstrip("-").isdecimal() else 0.0
    return Worker(mark.name.removeprefix(WORKER), mark.at, now - mark.at, ahead)


def is_seen() -> bool:
    """Whether one looked lately. Raises what :func:`last` does."""
    worker = last()
    return worker is not None and worker.is_seen_lately


def ask() -> bool:
    """Ask a worker to look, and wait for the broker to take the message, but not for long; whether it did."""
    if asked_ago(last()) is None:
        Mark.objects.writable().note(_ASKED)
    publish = functools.partial(wakeups.publish, app=wakeups.celery_app.get())
    return reachability.within(reachability.SECONDS, publish, lambda _error: False)


def ask_soon(*, is_asked: bool) -> None:
    """
    The same after the current transaction, once a minute at most, and without waiting for the broker.

    Args:
        is_asked: one was asked, and has not answered. From when on an answer is waited for stays then.
    """
    marks = Mark.objects.writable()
    if not is_asked:
        marks.note(_ASKED)
    if throttle.allows("worker asked", seconds=_NOTE_SECONDS):
        wakeups.nudge_on_commit(marks.db)


def asked_ago(worker: Worker | None) -> timedelta | None:
    """
    How long ago a worker was asked to look, if none has done so since.

    Args:
        worker: the last that looked.
    """
    marks = Mark.objects.writable()
    asked_at = marks.filter(name=_ASKED).values_list("at", flat=True).first()
    if asked_at is None or (worker and worker.seen_at >= asked_at):
        return None
    ago = marks.now() - asked_at
    # One far in the future was set by a clock that was wrong.
    return ago if ago >= -_LATELY else None
