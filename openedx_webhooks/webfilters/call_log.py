"""
The record of calls, written outside the learner's transaction and by another thread.

An exception that halts the request, or a transaction that is rolled back, must not take the record with it, and no
learner waits for it. So records go into a bounded queue, and a thread with a database connection of its own writes them
in batches. When the queue is full, records are lost rather than memory or time, and the log says how many.
"""

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Iterable
from typing import Any

from celery.signals import worker_process_shutdown
from django.db import close_old_connections, connections, router, transaction

from ..app_settings import app_settings
from ..models import Call, Webfilter
from ..payloads import redact, serialize
from .calls import NOT_MADE

log = logging.getLogger(__name__)

_QUEUE_SIZE = 2000
_QUEUE_BYTES = 16 * 1024 * 1024
_BATCH_SIZE = 100
# The writer gathers for this long, so that a page with many calls costs one INSERT.
_LINGER_SECONDS = 0.2
# A writer with nothing to do ends, and its database connection with it.
_IDLE_SECONDS = 10.0
_EXIT_SECONDS = 2.0
_WARN_SECONDS = 60.0


def record(asked: Iterable[Any], payload: dict[str, Any]) -> None:
    """Queue the records of one run, as far as each webfilter wants them. Never raises, never waits."""
    try:
        for one in asked:
            if _is_wanted(one):
                recorder.put(_fields(one, payload), len(one.request.body))
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.error("A call could not be recorded: %s", type(error).__name__)


def _result(one) -> str:
    if one.has_halted or (one.observes and one.verdict.halt is not None):
        return Call.Result.HALTED
    if one.changed:
        return Call.Result.CHANGED
    return Call.Result.IGNORED if one.verdict.problem else Call.Result.PASSED


def _is_wanted(one) -> bool:
    wanted = one.webfilter.call_log
    if wanted == Webfilter.CallLog.NONE:
        return False
    if one.outcome.error in NOT_MADE and one.verdict.halt is None:
        # No request was made, and a page with a hundred runs of the filter would make as many rows.
        return False
    if wanted == Webfilter.CallLog.ALL or one.observes:
        return True
    return bool(one.verdict.problem) or _result(one) == Call.Result.HALTED


def _fields(one, payload) -> dict[str, Any]:
    outcome = one.outcome
    return {
        "webfilter_id": one.webfilter.pk,
        "message_id": one.request.message_id,
        "mode": one.webfilter.mode,
        "result": _result(one),
        "changed_keys": _listed(one.changed),
        "started_at": outcome.started_at,
        "duration": outcome.duration,
        "is_cached": one.is_cached,
        "status_code": outcome.status_code,
        "error": one.verdict.problem[:255],
        "note": "; ".join(one.notes)[:255],
        "request_body": one.request.content,
        "response_excerpt": redact.excerpt(
            outcome.body, app_settings.RESPONSE_EXCERPT_BYTES, one.webfilter.readable_headers.values()
        ),
        "user_id": serialize.user_id_of(payload),
    }


def _listed(keys: Iterable[str], size: int = 255) -> str:
    """As many of the keys as fit, none of them cut."""
    text = ", ".join(keys)
    return text if len(text) <= size else text[: size + 1].rpartition(", ")[0]


class Recorder:
    """
    Writes records from a queue in a thread of its own.

    Attributes:
        inline: write at once in the caller's thread and transaction instead; for tests that run in a transaction whose
            rows no other connection sees.
    """

    def __init__(self):
        self.inline = False
        self._reset()

    def _reset(self):
        self._lock = threading.Lock()
        self._queue: queue.Queue[tuple[dict[str, Any], int]] = queue.Queue(_QUEUE_SIZE)
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._bytes = 0
        self._lost = 0
        self._warn_at = 0.0

    def put(self, fields: dict[str, Any], size: int = 0) -> None:
        """
        Take one record, or lose it if too many are waiting.

        Args:
            fields: of a :class:`~openedx_webhooks.models.Call`.
            size: about how many bytes it holds.
        """
        if self.inline:
            _write([fields])
            return
        if self._pid != os.getpid():
            self._reset()
        if self._bytes + size > _QUEUE_BYTES:
            self._lose()
        else:
            try:
                self._queue.put_nowait((fields, size))
                self._bytes += size
            except queue.Full:
                self._lose()
        self._start()

    def _lose(self):
        self._lost += 1
        if time.monotonic() >= self._warn_at:
            self._warn_at = time.monotonic() + _WARN_SECONDS
            log.warning("The call log can't keep up: %d calls were not recorded so far", self._lost)

    def flush(self, seconds: float = _EXIT_SECONDS) -> bool:
        """Wait until everything is written; false if that took longer than ``seconds``."""
        end = time.monotonic() + seconds
        while self._queue.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.01)
        return not self._queue.unfinished_tasks

    def _start(self):
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="openedx_webhooks-call-log", daemon=True)
                self._thread.start()

    def _work(self):
        try:
            while batch := self._next_batch():
                try:
                    close_old_connections()
                    _write([fields for fields, _size in batch])
                finally:
                    # Without a lock: the sum may drift a little, and is exact again when the queue is empty.
                    self._bytes = max(0, self._bytes - sum(size for _fields, size in batch))
                    for _record in batch:
                        self._queue.task_done()
        finally:
            connections.close_all()

    def _next_batch(self) -> list[tuple[dict[str, Any], int]]:
        try:
            batch = [self._queue.get(timeout=_IDLE_SECONDS)]
        except queue.Empty:
            with self._lock:
                # Decided under the lock, so that a record that comes now starts a new thread.
                if self._queue.empty():
                    self._thread = None
                    self._bytes = 0
                    return []
            return self._next_batch()
        end = time.monotonic() + _LINGER_SECONDS
        while len(batch) < _BATCH_SIZE:
            try:
                batch.append(self._queue.get(timeout=max(0.0, end - time.monotonic())))
            except queue.Empty:
                break
        return batch


def _write(batch: list[dict[str, Any]]) -> None:
    """Write records; if one of them can't be, then at least the others."""
    error = _insert(batch)
    if error is None:
        return
    if len(batch) > 1:
        for fields in batch:
            _write([fields])
        return
    # A table of another character set can't hold every body; what became of the call is worth more than they are.
    (fields,) = batch
    if _insert([{**fields, "request_body": None, "response_excerpt": ""}]) is not None:
        log.warning("A call of webfilter %s was not recorded: %s", fields["webfilter_id"], type(error).__name__)


def _insert(batch: list[dict[str, Any]]) -> Exception | None:
    """Insert all of them or none, in a savepoint; what went wrong, if anything."""
    try:
        database = router.db_for_write(Call)
        with transaction.atomic(using=database):
            Call.objects.using(database).bulk_create([Call(**fields) for fields in batch])
    except Exception as error:  # pylint: disable=broad-exception-caught
        # The database may be away, or the webfilter of one of them deleted in the meantime.
        return error
    return None


recorder = Recorder()
os.register_at_fork(after_in_child=recorder._reset)  # pylint: disable=protected-access
atexit.register(recorder.flush)


def _flush_before_the_end(**_kwargs) -> None:
    recorder.flush()


# The processes of a Celery worker end without the functions of atexit.
worker_process_shutdown.connect(_flush_before_the_end)
