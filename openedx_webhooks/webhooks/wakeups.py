"""
What makes a worker look for due deliveries: a nudge after each commit, and countdowns for what is due later.

None of it is needed for correctness. The rows are the truth; a lost message costs latency, until the next event, the
next look or ``manage.py webhooks_deliver`` finds what is due.
"""

import atexit
import logging
import math
import os
import threading
import time
from collections.abc import Callable

from celery import current_app, shared_task
from django.db import transaction

from .. import index
from ..app_settings import app_settings
from ..shared_cache import ask
from . import deliver
from .safe_log import where
from .semaphore import WorkerSemaphore

log = logging.getLogger(__name__)
TASK_NAME = "openedx_webhooks.tasks.deliver_due"
# What else a worker does when it has delivered, never in a learner's request: functions that don't raise, and that see
# for themselves whether their time has come.
after_delivering: list[Callable[[], None]] = []
# The Redis transport hands a message out again if nobody acknowledged it for an hour, and a countdown waits in a
# worker's memory: longer waits are looked at again instead.
MAX_COUNTDOWN_SECONDS = 600
# All events of one commit share a message, and so do the commits of a fifth of a second.
_GATHER_SECONDS = 0.005
_NUDGE_SPACING_SECONDS = 0.2
_REFUSED_SECONDS = 5
_COMPLAIN_SECONDS = 60
_EXIT_SECONDS = 2.0
_CHORES_SECONDS = 3600


@shared_task(name=TASK_NAME, ignore_result=True)
def deliver_due() -> None:
    """Deliver what is due, for a bounded time; then leave word for what is due later."""
    if _eager():
        # Inside a request of a development site: what is due now, once. Retries are left to the command.
        deliver.deliver_due(max_seconds=deliver.EAGER_SECONDS)
        return
    try:
        _drain_in_slot()
    except Exception:
        # The database is away, for instance: without this nobody would look again.
        look_again(time.time() + 10)
        raise
    for chore in after_delivering:
        chore()


def _drain_in_slot() -> None:
    slot = WorkerSemaphore()
    while slot.acquire():
        try:
            counts = deliver.deliver_due(tick=lambda _counts: slot.renew())
        finally:
            slot.release()
        if counts.out_of_time:
            publish()
            return
        # A nudge that came between our last look and the release found the slot taken, and left.
        if not deliver.is_due():
            break
    else:
        look_again(time.time() + WorkerSemaphore.SECONDS)
        return
    when = deliver.next_due()
    if when:
        look_again(when.timestamp())


def nudge_on_commit(using: str) -> None:
    """Nudge a worker once the current transaction of this database has committed; at once if there is none."""
    transaction.on_commit(nudge, using=using, robust=True)


def nudge() -> None:
    """
    Ask a worker to look for due deliveries now. Takes microseconds, never raises.

    With eager Celery the deliveries are made here and now.
    """
    try:
        if _eager():
            publish()
        else:
            _nudger.request(_app())
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.error("No worker could be nudged; deliveries wait for the next look: %s", where(error))


def heartbeat(**_kwargs) -> None:
    """
    Nudge a worker every HEARTBEAT_SECONDS, or hourly if this process knows no webhook: called with each request.

    There is no beat on a stock site. What a broker lost, or a killed worker had, is found by this; and what the worker
    does besides is due on sites that have only webfilters, or records of hooks that are gone.
    """
    now = time.monotonic()
    if now >= _heart["beats_at"]:
        _heart["beats_at"] = now + app_settings.HEARTBEAT_SECONDS
        is_idle = index.webhooks.is_empty() and now < _heart["chores_at"]
        if not is_idle and not _eager():
            _heart["chores_at"] = now + _CHORES_SECONDS
            nudge()


def look_again(at: float) -> None:
    """
    Have a worker look for due deliveries at a time, or earlier if it is more than ten minutes away.

    One message for all who ask for the same second; waits longer than ten minutes share the full ten minutes.

    Args:
        at: seconds since the epoch.
    """
    now = time.time()
    last = (math.floor(now / MAX_COUNTDOWN_SECONDS) + 1) * MAX_COUNTDOWN_SECONDS
    second = max(math.ceil(min(at, last)), math.ceil(now) + 1)
    if _first_to_ask(second, now) and not _eager():
        publish(countdown=second - now)


def _first_to_ask(second: int, now: float) -> bool:
    for old in [known for known in _asked_for if known < now]:
        _asked_for.discard(old)
    if second in _asked_for:
        return False
    _asked_for.add(second)
    key = f"openedx_webhooks.look.{second}"
    # A cache that is away answers neither: then each process asks for itself.
    return bool(ask("add", key, 1, timeout=second - now + 60)) or ask("get", key) is None


def remember_app() -> None:
    """Remember the Celery app of the current thread, which is the one that started the process."""
    if current_app.main != _FALLBACK_APP:
        _started["app"] = current_app._get_current_object()  # pylint: disable=protected-access


def _app():
    """
    The platform's Celery app.

    To a thread other than the one that made it, Celery shows a default app without any settings, which would look for
    a broker on this machine. Web servers with threads are such a case, and so is our own thread.
    """
    if current_app.main == _FALLBACK_APP and _started["app"] is not None:
        return _started["app"]
    return current_app._get_current_object()  # pylint: disable=protected-access


def publish(countdown: float | None = None, app=None) -> bool:
    """
    Send the message; a broker that refuses costs one log line a minute.

    Args:
        countdown: seconds until a worker may start.
        app: the Celery app; default is the current one.

    Returns:
        whether the broker took it.
    """
    try:
        (app or _app()).tasks[TASK_NAME].apply_async(
            queue=app_settings.DELIVERY_QUEUE, countdown=countdown, retry=False, ignore_result=True
        )
        return True
    except Exception as error:  # pylint: disable=broad-exception-caught
        if time.monotonic() - _complained["at"] >= _COMPLAIN_SECONDS:
            _complained["at"] = time.monotonic()
            log.warning("Celery's broker takes no message (%s); deliveries wait", type(error).__name__)
        return False


def _eager() -> bool:
    return bool(_app().conf.task_always_eager)


class _Nudger:
    """
    Publishes from a thread of its own: a broker that is away costs seconds, one that hangs for ever, and neither must
    hold a request.

    Requests that come while a message is on its way share the next one. What a broker refused is tried again until it
    takes it, or the process ends.
    """

    def __init__(self):
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        atexit.register(self._flush)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._wanted, self._idle = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._app = None

    def request(self, app) -> None:
        """Have a message sent soon through a Celery app."""
        self._app = app
        self._idle.clear()
        self._wanted.set()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="openedx_webhooks-nudger", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            time.sleep(_GATHER_SECONDS)
            self._wanted.clear()
            if not publish(app=self._app):
                self._wanted.set()
                time.sleep(_REFUSED_SECONDS)
            elif not self._wanted.is_set():
                self._idle.set()
            time.sleep(_NUDGE_SPACING_SECONDS)

    def _flush(self) -> None:
        # A short-lived process (a management command) exits right after its commit.
        if self._thread is not None:
            self._idle.wait(_EXIT_SECONDS)


_FALLBACK_APP = "default"
_started = {"app": None}
_asked_for: set[int] = set()
_complained = {"at": -math.inf}
# The first chores are not at once: a site that starts has other things to do.
_heart = {"beats_at": 0.0, "chores_at": time.monotonic() + _CHORES_SECONDS / 6}
_nudger = _Nudger()
