"""Whether broker and cache answer, for people who wait for a page or a command: in bounded time, whatever hangs."""

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
from django.conf import settings
from django.core.cache import caches
from kombu.exceptions import ChannelError

from ..app_settings import app_settings
from ..background import DaemonExecutor, process
from ..webhooks import wakeups

_Result = TypeVar("_Result")
SECONDS = 2.0
# What hangs keeps its thread until the system gives up: these are all that there will ever be.
_THREADS = 4
# Caches that no other process can read.
_PRIVATE_CACHES = ("locmem.LocMemCache", "dummy.DummyCache")


@attrs.frozen
class Broker:
    """
    What the broker answered.

    Attributes:
        error: the kind of the error, or of silence; empty if it answered.
        waiting: messages in the queue; None if it does not say.
    """

    error: str = ""
    waiting: int | None = None


def within(seconds: float, ask: Callable[[], _Result], failed: Callable[[str], Any]) -> Any:
    """
    What a function returns in a thread, or what is made of the kind of its error, or of its silence.

    Args:
        seconds: nobody waits longer, whatever the function does.
        ask: uses no database.
        failed: gets the name of the error's type.
    """
    try:
        return process.get(_threads).submit(ask).result(timeout=seconds)
    except Exception as error:  # pylint: disable=broad-exception-caught
        return failed(type(error).__name__)


def broker(queue: str) -> Broker:
    """Ask the broker of this process for the length of a queue."""
    app = wakeups.celery_app.get()

    def ask() -> Broker:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=SECONDS)
            try:
                return Broker(waiting=connection.default_channel.queue_declare(queue, passive=True).message_count)
            except ChannelError:
                # Nobody has put anything in yet.
                return Broker(waiting=0)
            except NotImplementedError:
                return Broker()

    return within(SECONDS, ask, Broker)


def queues_of_workers() -> dict[str, list[str]] | None:
    """
    Name of each Celery worker that answers within two seconds → the queues that it serves; None if this can't be told,
    because the site has switched off the workers' remote control.
    """
    app = wakeups.celery_app.get()
    if not app.conf.worker_enable_remote_control:
        return None

    def ask():
        return app.control.inspect(timeout=SECONDS / 2).active_queues() or {}

    found = within(2 * SECONDS, ask, lambda error: None)
    return found and {name: sorted(queue["name"] for queue in queues) for name, queues in found.items()}


def queue_name() -> str:
    """The queue through which this process asks for deliveries: the setting's, or where Celery's routes lead to."""
    app = wakeups.celery_app.get()
    try:
        return app.amqp.router.route({"queue": app_settings.DELIVERY_QUEUE}, wakeups.TASK_NAME)["queue"].name
    except Exception:  # pylint: disable=broad-exception-caught
        # A router of the site's own, that wants more than a name.
        return app_settings.DELIVERY_QUEUE or app.conf.task_default_queue


def cache_error() -> str:
    """The kind of what is wrong with the default cache; empty if it keeps what it is given."""
    key = f"openedx_webhooks:probe:{uuid.uuid4().hex}"

    def ask() -> str:
        cache = caches["default"]
        try:
            cache.set(key, 1, 10)
            kept = cache.get(key)
            cache.delete(key)
            return "" if kept == 1 else "KeepsNothing"
        finally:
            cache.close()

    return within(SECONDS, ask, str)


def is_cache_private() -> bool:
    """Whether each process has a cache of its own, or none."""
    return settings.CACHES.get("default", {}).get("BACKEND", "").endswith(_PRIVATE_CACHES)


def _threads() -> DaemonExecutor:
    return DaemonExecutor(_THREADS)
