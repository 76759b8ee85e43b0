"""
The record of calls, written outside the learner's transaction and by another thread.

An exception that halts the request, or a transaction that is rolled back, must not take the record with it, and no
learner waits for it. So records go into a bounded queue, and a job with a database connection of its own writes them in
batches. When the queue is full, records are lost rather than memory or time, and the log says how many.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db import close_old_connections, router, transaction

from .. import throttle
from ..app_settings import app_settings
from ..background import Job, process
from ..models import Call, Webfilter
from ..payloads import redact, serialize, subject
from . import call_counts
from .calls import NOT_MADE

log = logging.getLogger(__name__)

_QUEUE_SIZE = 2000
_QUEUE_BYTES = 16 * 1024 * 1024
_BATCH_SIZE = 100
_EMPTY = {"request_body": None, "response_excerpt": ""}
# What is said beside the result may quote what was sent or answered.
NOTHING = {**_EMPTY, "error": "", "note": ""}


def record(calls: Iterable[Any], payload: dict[str, Any]) -> None:
    """Count the calls of one run, and queue their records, as far as webfilters want them. Never raises or waits."""
    try:
        for call in calls:
            call_counts.count(call, _result(call))
            if _is_wanted(call):
                process.get(CallRecords).put(_fields(call, payload), len(call.request.body))
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.error("A call could not be recorded: %s", type(error).__name__)


def _result(call) -> str:
    if call.has_halted or (call.observes and call.verdict.halt is not None):
        return Call.Result.HALTED
    if call.changed:
        return Call.Result.CHANGED
    return Call.Result.IGNORED if call.verdict.problem else Call.Result.PASSED


def _is_wanted(call) -> bool:
    wanted = call.webfilter.call_log
    if wanted == Webfilter.CallLog.NONE:
        return False
    if call.outcome.error in NOT_MADE and call.verdict.halt is None:
        # No request was made, and a page with a hundred runs of the filter would make as many rows.
        return False
    if wanted == Webfilter.CallLog.ALL or call.observes:
        return True
    return bool(call.verdict.problem) or _result(call) == Call.Result.HALTED


def _fields(call, payload) -> dict[str, Any]:
    outcome, user_id = call.outcome, serialize.user_id_of(payload)
    fields = {
        "webfilter_id": call.webfilter.pk,
        "message_id": call.request.message_id,
        "mode": call.webfilter.mode,
        "result": _result(call),
        "changed_keys": _listed(call.changed),
        "started_at": outcome.started_at,
        "duration": outcome.duration,
        "is_cached": call.is_cached,
        "status_code": outcome.status_code,
        "error": call.verdict.problem[:255],
        "note": "; ".join(call.notes)[:255],
        "request_body": call.request.content,
        "response_excerpt": redact.excerpt(outcome.body, app_settings.RESPONSE_EXCERPT_BYTES, call.request.secrets()),
        "user_id": user_id,
        # No column: the one who writes finds the id, by which the record is found when the user is retired.
        "username": "" if user_id is not None else subject.username_of(payload),
    }
    return fields if call.webfilter.keep_payloads else {**fields, **_EMPTY}


def _listed(keys: Iterable[str], size: int = 255) -> str:
    """As many of the keys as fit, none of them cut."""
    text = ", ".join(keys)
    return text if len(text) <= size else text[: size + 1].rpartition(", ")[0]


class CallRecords(Job):
    """
    The records of this process that wait to be written.

    Attributes:
        INLINE: write at once in the caller's thread and transaction instead; for tests that run in a transaction whose
            rows no other connection sees.
    """

    NAME = "call-log"
    # A page with many calls costs one INSERT.
    GATHER_SECONDS = 0.2
    INLINE = False

    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()
        self._waiting: deque[tuple[dict[str, Any], int]] = deque()
        self._bytes = 0
        self._lost = 0

    def put(self, fields: dict[str, Any], size: int = 0) -> None:
        """
        Take one record, or lose it if too many are waiting.

        Args:
            fields: of a :class:`~openedx_webhooks.models.Call`.
            size: about how many bytes it holds.
        """
        if self.INLINE:
            _write([fields])
            return
        with self._lock:
            is_full = len(self._waiting) >= _QUEUE_SIZE or self._bytes + size > _QUEUE_BYTES
            if is_full:
                self._lost += 1
            else:
                self._waiting.append((fields, size))
                self._bytes += size
        if is_full and throttle.allows("call_log", seconds=60):
            log.warning("The call log can't keep up: %d calls were not recorded so far", self._lost)
        self.ask()

    def forget(self, user_id: int, *names: str) -> None:
        """Keep of a user's records that wait only what became of the calls."""
        with self._lock:
            for fields, _size in self._waiting:
                if fields["user_id"] == user_id or (fields["username"] and fields["username"] in names):
                    fields.update(NOTHING)

    def run(self) -> bool:
        """Write what waits, in batches."""
        while batch := self._next_batch():
            close_old_connections()
            _write([fields for fields, _size in batch])
            with self._lock:
                self._bytes -= sum(size for _fields, size in batch)
        return True

    def _next_batch(self) -> list[tuple[dict[str, Any], int]]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(_BATCH_SIZE, len(self._waiting)))]


def _write(batch: list[dict[str, Any]]) -> None:
    """Write records; if one of them can't be, then at least the others."""
    _identify(batch)
    error = _insert(batch)
    if error is None:
        return
    if len(batch) > 1:
        for fields in batch:
            _write([fields])
        return
    # A table of another character set can't hold every body; what became of the call is worth more than they are.
    (fields,) = batch
    if _insert([{**fields, **_EMPTY}]) is not None:
        log.warning("A call of webfilter %s was not recorded: %s", fields["webfilter_id"], type(error).__name__)


def _identify(batch: list[dict[str, Any]]) -> None:
    """Find the ids of users who are only named: at a registration, the account that has been made since."""
    named = [(name, fields) for fields in batch if (name := fields.pop("username", ""))]
    if not named:
        return
    users = get_user_model()
    try:
        with transaction.atomic(using=router.db_for_read(users)):
            ids = dict(
                users.objects.filter(username__in=[name for name, _fields in named]).values_list("username", "pk")
            )
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.warning("The users of %d calls were not found: %s", len(named), type(error).__name__)
        return
    for name, fields in named:
        fields["user_id"] = ids.get(name)


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
