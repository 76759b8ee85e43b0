"""
What a process has for itself, and what it does behind its requests.

Web servers load the site and fork, in the middle of whatever threads do. A child has its parent's objects, but not its
threads: a lock that one of them held stays held, and a connection is used by both. So what must not go through a fork
is asked for with :meth:`Process.get`, which compares process ids: uWSGI runs none of ``os.register_at_fork``'s hooks.

What no learner waits for (nudges of workers, counts, records of calls) is a :class:`Job`. Each has a thread of its own,
so that a broker that hangs holds up no record; it starts when the job is asked for, and ends when it has been idle.
"""

import atexit
import contextlib
import functools
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from celery.signals import worker_process_shutdown
from django.core.cache import caches
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connections
from django.utils.asyncio import async_unsafe

from .safe_log import where

log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
# A process that has served nothing yet may be the one that loads the site and forks: its jobs wait so long.
_SETTLE_SECONDS = 2.0
# A thread with nothing to do ends, and its connections with it.
_IDLE_SECONDS = 10.0
_EXIT_SECONDS = 2.0


class Process:
    """What this process has for itself: made when it is first asked for, and anew in the child of a fork."""

    def __init__(self):
        # By process id: of two threads that come first, setdefault() lets one win, and needs no lock.
        self._parts: dict[int, dict[Hashable, Any]] = {}
        # Kept, because whatever ended with the last reference to it might close its parent's connections.
        self._inherited: list[dict[Hashable, Any]] = []
        self._serving: int | None = None

    def get(self, make: Callable[[], _Result]) -> _Result:
        """This process's own object of a class, or whatever else the function makes."""
        parts = self._own()
        return parts[make] if make in parts else parts.setdefault(make, make())

    def lock(self, name: str) -> threading.Lock:
        """This process's own lock of this name."""
        return self._own().setdefault(("lock", name), threading.Lock())

    def _own(self) -> dict[Hashable, Any]:
        own = os.getpid()
        parts = self._parts.get(own)
        if parts is None:
            parts = self._parts.setdefault(own, {})
            self._inherited += [self._parts.pop(pid, {}) for pid in list(self._parts) if pid != own]
        return parts

    @property
    def is_serving(self) -> bool:
        """Whether this process has served a request or runs tasks, and so is none that loads the site and forks."""
        return self._serving == os.getpid() and not self.is_uwsgi_master

    @property
    def is_uwsgi_master(self) -> bool:
        """Whether this is the process from which uWSGI forks its workers, however many requests it has tried out."""
        uwsgi = sys.modules.get("uwsgi")
        return hasattr(uwsgi, "worker_id") and not (uwsgi.worker_id() or uwsgi.mule_id())

    def serve(self) -> None:
        """Note that this process serves."""
        self._serving = os.getpid()

    @contextlib.contextmanager
    def connections_as_found(self) -> Iterator[None]:
        """
        Close the database connections that the block opens, unless this process serves: children of the process that
        loads the site would all speak on them.
        """
        if self.is_serving:
            yield
            return
        before = [one for one in connections.all(initialized_only=True) if one.connection is not None]
        try:
            yield
        finally:
            for one in connections.all(initialized_only=True):
                if one.connection is not None and one not in before:
                    one.close()

    def flush(self, seconds: float = _EXIT_SECONDS) -> bool:
        """Have all jobs that were asked for done now; False if that takes longer."""
        end = time.monotonic() + seconds
        jobs = self._jobs()
        for job in jobs:
            job.hurry()
        are_done = [job.wait(end - time.monotonic()) for job in jobs]
        return all(are_done)

    def forget(self) -> None:
        """Begin anew, as after a fork, with the threads of the jobs ended: for tests."""
        for part in list(self._own().values()):
            if isinstance(part, Job):
                part.stop()
            elif isinstance(part, Executor):
                part.shutdown()
        self._own().clear()
        self._serving = None

    def _jobs(self) -> list["Job"]:
        return [part for part in list(self._own().values()) if isinstance(part, Job)]


class Job:
    """
    Something that a thread does soon after it was asked for: once for all who ask in the meantime.

    Made by ``process.get(Class)``, so that a child of a fork has its own, with nothing in it of what its parent has not
    done yet: that is the parent's to do.

    Attributes:
        NAME: of the thread.
        GATHER_SECONDS: from the first who asks to the run.
        SPACING_SECONDS: from the end of a run to the next.
        RETRY_SECONDS: the same if it has failed.
    """

    NAME = ""
    GATHER_SECONDS = SPACING_SECONDS = RETRY_SECONDS = 0.0

    def __init__(self):
        self._changed = threading.Condition()
        self._asked_at: float | None = None
        self._not_before = 0.0
        self._is_running = self._is_hurried = self._is_stopped = False
        self._thread: threading.Thread | None = None

    def run(self) -> bool:
        """Do it; False if it has to be tried again."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connections of the job's thread."""
        connections.close_all()
        caches.close_all()

    def ask(self) -> None:
        """Have it done soon. Takes microseconds."""
        with self._changed:
            if self._asked_at is None:
                self._asked_at = time.monotonic()
                self._changed.notify_all()
            self._start()

    def hurry(self) -> None:
        """If it was asked for, have it done now."""
        with self._changed:
            self._is_hurried = self._is_busy()
            if self._is_hurried:
                self._start()
                self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """After :meth:`hurry`: wait until it was done; False if that takes longer, or if it failed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_hurried or self._thread is None, max(0.0, seconds))
            return not self._is_busy()

    def stop(self) -> None:
        """End the thread, when what it does has come to its end."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(1.0)

    def _is_busy(self) -> bool:
        return self._asked_at is not None or self._is_running

    def _start(self) -> None:
        if self._thread is not None or process.is_uwsgi_master:
            return
        thread = threading.Thread(target=self._work, name=f"openedx_webhooks-{self.NAME}", daemon=True)
        # RuntimeError: there is no thread to be had now, or never again, as the interpreter is shutting down.
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def _work(self) -> None:
        while True:
            while self._is_due():
                self._run()
            with contextlib.suppress(Exception):
                self.close()
            with self._changed:
                if self._asked_at is None or self._is_stopped:
                    self._thread = None
                    self._changed.notify_all()
                    return

    def _is_due(self) -> bool:
        """Wait until it is to be run; False if there was nothing to do for long."""
        idle_at = time.monotonic() + _IDLE_SECONDS
        with self._changed:
            while not self._is_stopped:
                due_at = idle_at if self._asked_at is None else self._due_at()
                if (seconds := due_at - time.monotonic()) > 0:
                    self._changed.wait(seconds)
                elif self._asked_at is None:
                    break
                else:
                    self._asked_at = None
                    self._is_running = True
                    return True
            return False

    def _due_at(self) -> float:
        if self._is_hurried:
            return 0.0
        gather = self.GATHER_SECONDS if process.is_serving else max(self.GATHER_SECONDS, _SETTLE_SECONDS)
        return max(self._asked_at + gather, self._not_before)

    def _run(self) -> None:
        is_done = True
        try:
            is_done = self.run()
        except Exception as error:  # pylint: disable=broad-exception-caught
            log.error("The job %s failed: %s", self.NAME, where(error))
        now = time.monotonic()
        with self._changed:
            self._is_running = False
            self._not_before = now + (self.SPACING_SECONDS if is_done else self.RETRY_SECONDS)
            if not is_done:
                self._asked_at = now
            # Those who hurry wait for what was asked for meanwhile, but not for a second try.
            self._is_hurried = self._is_hurried and is_done and self._asked_at is not None
            self._changed.notify_all()


class DaemonExecutor(Executor):
    """
    Threads that help a request, started when they are needed.

    At its end, a process waits for the threads of the standard library's ThreadPoolExecutor. In a process that uWSGI
    has forked these may be its parent's, for which it waits until it is killed.

    Args:
        threads: at most so many.
    """

    def __init__(self, threads: int):
        self._started, self._most = 0, threads
        self._idle = threading.Semaphore(0)
        self._tasks: queue.SimpleQueue[tuple[Future, Callable[[], Any]] | None] = queue.SimpleQueue()

    def submit(self, fn, /, *args, **kwargs) -> Future:
        """
        Have a function called.

        Raises:
            RuntimeError: there is no thread to be had, or the interpreter is shutting down.
        """
        future: Future = Future()
        if not self._idle.acquire(blocking=False) and self._started < self._most:
            threading.Thread(target=self._work, name="openedx_webhooks-helper", daemon=True).start()
            self._started += 1
        self._tasks.put((future, functools.partial(fn, *args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads when they have done what there is to do; nothing waits for them."""
        for _ in range(self._started):
            self._tasks.put(None)

    def _work(self) -> None:
        while task := self._tasks.get():
            future, function = task
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:
                    future.set_exception(error)
            # Nothing of the last task may live until the next one comes.
            del task, future, function
            self._idle.release()


def outside_async(function: Callable[[], _Result]) -> _Result:
    """
    Call a function that uses the database. In an async context, where Django forbids that, a thread with connections of
    its own calls it, while this one waits.

    Raises:
        whatever the function raises.
    """
    try:
        _refuse_async()
    except SynchronousOnlyOperation:
        with ThreadPoolExecutor(1, thread_name_prefix="openedx_webhooks-async") as thread:
            return thread.submit(copy_context().run, _with_own_connections, function).result()
    return function()


@async_unsafe("The database can't be used here.")
def _refuse_async() -> None:
    """Raises SynchronousOnlyOperation where Django's own functions would."""


def _with_own_connections(function: Callable[[], _Result]) -> _Result:
    try:
        return function()
    finally:
        connections.close_all()


process = Process()


def _flush_before_the_end(**_kwargs) -> None:
    process.flush()


atexit.register(_flush_before_the_end)
# The processes of a Celery worker end without the functions of atexit.
worker_process_shutdown.connect(_flush_before_the_end)
