"""
What makes a worker look for due deliveries: a nudge after each commit, and countdowns for what is due later.

None of it is needed for correctness. The rows are the truth; a lost message costs latency, until the next event, the
next look or ``manage.py webhooks_deliver`` finds what is due.
"""

import contextlib
import logging
import math
import time
from collections.abc import Callable

from celery import Celery, current_app, shared_task
from django.db import transaction

from .. import index, throttle
from ..app_settings import app_settings
from ..background import Job, process
from ..safe_log import where
from ..shared_cache import ask
from . import deliver
from .semaphore import WorkerSemaphore

log = logging.getLogger(__name__)
TASK_NAME = "openedx_webhooks.tasks.deliver_due"
# What else a worker does when it has delivered, never in a learner's request: functions that don't raise, and that see
# for themselves whether their time has come.
after_delivering: list[Callable[[], None]] = []
# The Redis transport hands a message out again if nobody acknowledged it for an hour, and a countdown waits in a
# worker's memory: longer waits are looked at again instead.
MAX_COUNTDOWN_SECONDS = 600
_CHORES_SECONDS = 3600
# What is due and can't be claimed, because somebody has locked it or can't read its webhook, is looked at again later.
_MOST_FRUITLESS = 2
_FRUITLESS_SECONDS = 5


@shared_task(name=TASK_NAME, ignore_result=True)
def deliver_due() -> None:
    """Deliver what is due, for a bounded time; then leave word for what is due later."""
    if is_eager():
        # Inside a request of a development site: what is due now, once. Retries are left to the command.
        deliver.deliver_due(max_seconds=deliver.EAGER_SECONDS)
        return
    try:
        _drain_with_permit()
    except Exception:
        # The database is away, for instance: without this nobody would look again.
        look_again(time.time() + 10)
        raise
    for chore in after_delivering:
        chore()


def _drain_with_permit() -> None:
    semaphore, fruitless = WorkerSemaphore(), 0
    while semaphore.acquire():
        try:
            counts = deliver.deliver_due(tick=lambda _counts: semaphore.renew())
        finally:
            semaphore.release()
        if counts.out_of_time:
            publish()
            return
        # A nudge that came between our last look and the release found the permit taken, and left.
        if not deliver.is_due():
            break
        fruitless = 0 if counts.attempts else fruitless + 1
        if fruitless > _MOST_FRUITLESS:
            look_again(time.time() + _FRUITLESS_SECONDS)
            return
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
        if is_eager():
            publish()
        else:
            process.get(Nudges).ask_through(celery_app.get())
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.error("No worker could be nudged; deliveries wait for the next look: %s", where(error))


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
    if _first_to_ask(second, now) and not is_eager():
        publish(countdown=second - now)


def _first_to_ask(second: int, now: float) -> bool:
    asked_for = process.get(_AskedFor)
    # What lies behind, and what a clock asked for that was ahead of now.
    asked_for -= {known for known in list(asked_for) if not now <= known <= now + MAX_COUNTDOWN_SECONDS + 2}
    if second in asked_for:
        return False
    asked_for.add(second)
    key = f"openedx_webhooks.look.{second}"
    # A cache that is away answers neither: then each process asks for itself.
    return bool(ask("add", key, 1, timeout=second - now + 60)) or ask("get", key) is None


class _AskedFor(set[int]):
    """The seconds since the epoch at which this process has had a look asked for."""


def publish(countdown: float | None = None, app: Celery | None = None, connection=None) -> bool:
    """
    Send the message; a broker that refuses costs one log line a minute.

    Args:
        countdown: seconds until a worker may start.
        app: default is the platform's.
        connection: to the broker; default is one of the app's.

    Returns:
        whether the broker took it.
    """
    try:
        if connection is not None:
            connection.connect()
        (app or celery_app.get()).tasks[TASK_NAME].apply_async(
            queue=app_settings.DELIVERY_QUEUE,
            countdown=countdown,
            retry=False,
            ignore_result=True,
            connection=connection,
        )
        return True
    except Exception as error:  # pylint: disable=broad-exception-caught
        if throttle.allows("broker", seconds=60):
            log.warning("Celery's broker takes no message (%s); deliveries wait", type(error).__name__)
        return False


def is_eager() -> bool:
    """Whether tasks run where they are asked for, as on development sites."""
    return bool(celery_app.get().conf.task_always_eager)


class _CeleryApp:
    """
    The platform's Celery app.

    To a thread other than the one that made it, Celery shows a default app without any settings, which would look for
    a broker on this machine. Web servers with threads are such a case, and so are our own threads.
    """

    _FALLBACK = "default"

    def __init__(self):
        self._app: Celery | None = None

    def remember(self) -> None:
        """Remember the app of the current thread, which is the one that started the process."""
        if current_app.main != self._FALLBACK:
            self._app = current_app._get_current_object()  # pylint: disable=protected-access

    def get(self) -> Celery:
        """The app of the current thread, or the one that was remembered if it has none."""
        if self._app is not None and current_app.main == self._FALLBACK:
            return self._app
        return current_app._get_current_object()  # pylint: disable=protected-access


class Nudges(Job):
    """
    Publishes from a thread of its own: a broker that is away costs seconds, one that hangs for ever, and neither must
    hold a request. What a broker refused is tried again until it takes it, or the process ends.

    Its connection is its own, too: those of the Celery app are shared by all processes that are forked from this one.
    """

    NAME = "nudges"
    # All events of one commit share a message, and so do the commits of a fifth of a second.
    GATHER_SECONDS = 0.005
    SPACING_SECONDS = 0.2
    RETRY_SECONDS = 5.0

    def __init__(self):
        super().__init__()
        self._app: Celery | None = None
        self._connection = None

    def ask_through(self, app: Celery) -> None:
        """Have a message sent soon through a Celery app."""
        self._app = app
        self.ask()

    def run(self) -> bool:
        """Send it; once more if the broker has closed the connection meanwhile."""
        was_open = self._connection is not None
        return self._publish() or (was_open and self._publish())

    def _publish(self) -> bool:
        if self._connection is None:
            self._connection = self._app.connection_for_write()
        is_sent = publish(app=self._app, connection=self._connection)
        if not is_sent:
            self._release()
        return is_sent

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.release()

    def close(self) -> None:
        """Close the connection to the broker, too."""
        self._release()
        super().close()


class Heart:
    """
    Nudges a worker every HEARTBEAT_SECONDS, or hourly if this process knows no webhook.

    There is no beat on a stock site. What a broker lost, or a killed worker had, is found by this; and what the worker
    does besides is due on sites that have only webfilters, or records of hooks that are gone.
    """

    def __init__(self):
        self.beats_at = 0.0
        # Not at once: a site that starts has other things to do.
        self.chores_at = _LOADED_AT + _CHORES_SECONDS / 6

    def beat(self) -> None:
        now = time.monotonic()
        if now >= self.beats_at:
            self.beats_at = now + app_settings.HEARTBEAT_SECONDS
            is_idle = index.webhooks.is_empty() and now < self.chores_at
            if not is_idle and not is_eager():
                self.chores_at = now + _CHORES_SECONDS
                nudge()


celery_app = _CeleryApp()
# In the process that loaded the site, whichever was forked from it: none need live for long.
_LOADED_AT = time.monotonic()
