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
from django.utils import timezone

from .. import throttle
from ..models import Mark
from ..models.mark import WORKER
from ..webhooks import wakeups
from . import reachability

# Workers are nudged every minute while requests come.
SEEN_LATELY = timedelta(minutes=5)
_ASKED = "asked"
_NOTE_SECONDS = 60
# Names of machines and of containers come and go.
_FORGET = timedelta(days=7)


@attrs.frozen
class Worker:
    """A process that delivers, as Celery or we name it, and when it last looked."""

    name: str
    seen_at: datetime


def note() -> None:
    """Leave a mark that this process looked for deliveries, once a minute at most. For workers; never raises."""
    if not throttle.allows("worker seen", seconds=_NOTE_SECONDS):
        return
    node = current_task.request.hostname if current_task else None
    name = WORKER + (node or f"webhooks_deliver@{socket.gethostname()}")
    marks = Mark.objects.writable()
    try:
        if not marks.filter(name=name).exists():
            marks.filter(name__startswith=WORKER, at__lt=timezone.now() - _FORGET).delete()
        marks.note(name)
    except (DatabaseError, InterfaceError):
        # As before the first migration. Whoever looks for the mark says what is wrong.
        return


def last() -> Worker | None:
    """
    The one that looked last; None if there was none in the last days.

    Raises:
        django.db.Error: the database is away.
    """
    mark = Mark.objects.writable().filter(name__startswith=WORKER).order_by("-at").first()
    return Worker(mark.name.removeprefix(WORKER), mark.at) if mark else None


def is_seen() -> bool:
    """Whether one looked lately. Raises what :func:`last` does."""
    worker = last()
    return worker is not None and worker.seen_at > timezone.now() - SEEN_LATELY


def ask() -> bool:
    """Ask a worker to look, and wait for the broker to take the message, but not for long; whether it did."""
    if asked_since(last()) is None:
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


def asked_since(worker: Worker | None) -> datetime | None:
    """When a worker was asked to look, if none has done so since."""
    asked_at = Mark.objects.writable().filter(name=_ASKED).values_list("at", flat=True).first()
    if asked_at is None or asked_at > timezone.now():
        return None
    return None if worker and worker.seen_at >= asked_at else asked_at
