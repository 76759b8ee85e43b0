"""
Deliver what is due: claim, send, record, until nothing is due or the time is over.

The thread that calls :func:`deliver_due` talks to the database, in short transactions; the threads of its queues talk
HTTP. No transaction is open while anything is sent. Nothing that one delivery, webhook or answer does may touch another
one's delivery: what can go wrong with a row is met where that row is handled.
"""

import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import attrs
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.db.models import Exists, OuterRef
from django.utils import timezone

from .. import tracing
from ..app_settings import app_settings
from ..models import CapturedEvent, Delivery, Webhook
from ..safe_log import where
from . import results, sending
from .endpoint_queues import EndpointQueues
from .health import HealthBook
from .preparation import Job, Preparation
from .results import Counts

log = logging.getLogger(__name__)
# In a request of a development site: a learner waits.
EAGER_SECONDS = 5
# While requests are under way, others' deliveries are looked for this often.
_LOOK_SECONDS = 0.25
# Results are written together with those that come within this time.
_LINGER_SECONDS = 0.02
_WEBHOOKS_FRESH_SECONDS = 5
# What is queued may be cancelled, and its webhook paused: this is how long it may be sent all the same.
_RECALL_SECONDS = 1
_RECONNECT_SECONDS = (0.2, 1, 3, 5, 5, 5)
# How many windows of requests an endpoint may have claimed, under way and queued.
_WINDOWS_CLAIMED = 3


def deliver_due(
    max_seconds: float | None = None,
    tick: Callable[[Counts], None] = lambda _counts: None,
    stop: Callable[[], bool] = lambda: False,
) -> Counts:
    """
    Deliver everything that is due. Safe beside any number of others that do the same.

    Args:
        max_seconds: no new delivery is begun after this time; DELIVERY_TASK_SECONDS if None.
        tick: called now and then while this runs, with what was done so far.
        stop: asked now and then; once true, no new delivery is begun.

    Returns:
        what was done.

    Raises:
        django.db.Error: the database is away. What was claimed becomes due again when its lease ends.
    """
    if max_seconds is None:
        max_seconds = app_settings.DELIVERY_TASK_SECONDS
    drain = _Drain(time.monotonic() + max_seconds, stop, tick)
    with tracing.span("deliver"):
        try:
            drain.run()
        finally:
            drain.close()
        tracing.note(**attrs.asdict(drain.counts))
    return drain.counts


def is_due() -> bool:
    """Whether anything is due."""
    return Delivery.objects.writable().due(timezone.now()).exists()


def next_due() -> datetime | None:
    """When the next delivery becomes due; None if nothing is pending for a webhook that takes it."""
    return Delivery.objects.writable().next_due()


def lease() -> timedelta:
    """How long a claim holds: longer than any attempt takes, whatever the settings say."""
    seconds = max(app_settings.DELIVERY_LEASE_SECONDS, 2 * app_settings.DELIVERY_TIMEOUT_SECONDS + 10)
    return timedelta(seconds=seconds)


def repair_schedule() -> None:
    """
    Make due what a clock that was ahead has scheduled: it would wait for as long as the clock was wrong. Never raises.

    For workers, now and then.
    """
    try:
        if count := Delivery.objects.writable().repair_schedule(lease()):
            log.warning("%d deliveries were scheduled by a clock that was ahead: they are due now", count)
    except DatabaseError as error:
        log.warning("Schedules could not be looked through: %s", type(error).__name__)


def _endpoint(webhook: Webhook) -> str:
    """What has a queue of its own: the server, whatever the path."""
    return webhook.server.lower()


class _Drain:
    """One run of :func:`deliver_due`."""

    def __init__(self, end: float, stop: Callable[[], bool], tick: Callable[[Counts], None]):
        self.counts = Counts()
        self._end, self._stop, self._tick = end, stop, tick
        self._holder = uuid.uuid4()
        self._queues = EndpointQueues(_send, app_settings.DELIVERY_THREADS, app_settings.DELIVERY_THREADS_PER_ENDPOINT)
        self._preparation = Preparation(self._holder)
        self._claimed: set[int] = set()
        self._webhooks: dict[int, Webhook] = {}
        self._webhooks_read_at = self._recalled_at = 0.0
        self._health = HealthBook()
        # Somebody has locked their deliveries: an operator's action that is not committed yet.
        self._unwritten: list[sending.Result] = []
        self._trouble: Exception | None = None

    def run(self) -> None:
        """Until nothing is due and nothing under way."""
        look_at, more = 0.0, True
        while True:
            self._tick(self.counts)
            now = time.monotonic()
            if self._trouble or now >= self._end or self._stop():
                self._give_back()
                if not self._outstanding:
                    break
            elif more or now >= look_at or self._preparation.waiting():
                more = self._look()
                look_at = now + _LOOK_SECONDS
                if not self._outstanding and not more and not self._trouble:
                    return
            # What is not prepared yet waits for this thread.
            patience = 0 if self._preparation.waiting() else _LOOK_SECONDS
            found = self._queues.collect(patience, _LINGER_SECONDS)
            more = more or bool(found)
            self._record(found)
        if self._trouble:
            raise self._trouble
        self.counts.out_of_time = is_due()

    def close(self) -> None:
        """Leave nothing behind: no thread, no claim on what was not begun, no result that is not recorded."""
        try:
            self._give_back()
            # After an error that nobody has foreseen, or the soft time limit of a task: what is under way arrives.
            while self._queues.outstanding:
                self._record(self._queues.collect(_LOOK_SECONDS, _LINGER_SECONDS))
            self._write([], can_wait=True)
            self._health.write()
        finally:
            self._queues.close()

    @property
    def _outstanding(self) -> int:
        return self._queues.outstanding + len(self._preparation.waiting())

    def _look(self) -> bool:
        """Claim; if the database is away, end: but not before the results of what is under way are written."""
        try:
            return self._claim_and_queue()
        except (OperationalError, InterfaceError) as error:
            self._trouble = error
            return False

    def _claim_and_queue(self) -> bool:
        """Claim as much as may be sent soon; whether it found anything."""
        self._recall()
        self._prepare()
        room = app_settings.DELIVERY_BATCH_SIZE - self._outstanding
        full = self._full_webhooks()
        found = False
        while room > 0:
            rows = self._candidates(full)
            chosen = self._choose(rows, full, room)
            if chosen:
                claimed = Delivery.objects.writable().claim(chosen, self._holder, lease(), self._always_messages())
                found = found or bool(claimed)
                room -= len(claimed)
                self._queue(claimed)
                if not claimed:
                    break  # others have them all, or hold locks on them: look again later
            if len(rows) < app_settings.DELIVERY_BATCH_SIZE:
                break
        return found

    @staticmethod
    def _candidates(full: set[int]) -> list[tuple[int, int]]:
        """Deliveries and webhooks of what has been due the longest, without locking anything."""
        due = Delivery.objects.writable().due(timezone.now()).exclude(webhook_id__in=full).order_by("next_attempt_at")
        return list(due.values_list("pk", "webhook_id")[: app_settings.DELIVERY_BATCH_SIZE])

    def _choose(self, rows, full: set[int], room: int) -> list[int]:
        """Of the candidates, those whose endpoints have room; webhooks without go to ``full``."""
        self._read_webhooks({webhook_id for _, webhook_id in rows})
        rooms: dict[str, int] = {}
        chosen, orphans = [], []
        for pk, webhook_id in rows:
            webhook = self._webhooks.get(webhook_id)
            if webhook is None:
                orphans.append(pk)
                full.add(webhook_id)
                continue
            endpoint = _endpoint(webhook)
            if endpoint not in rooms:
                rooms[endpoint] = self._room(endpoint)
            if rooms[endpoint] <= 0 or pk in self._claimed:
                full.add(webhook_id)
            elif len(chosen) < room:
                rooms[endpoint] -= 1
                chosen.append(pk)
        if orphans:
            _drop_orphans(orphans)
        return chosen

    def _room(self, endpoint: str) -> int:
        load = self._queues.load(endpoint) + self._preparation.load(endpoint)
        return _WINDOWS_CLAIMED * self._queues.window(endpoint) - load

    def _full_webhooks(self) -> set[int]:
        return {pk for pk, webhook in self._webhooks.items() if self._room(_endpoint(webhook)) <= 0}

    def _read_webhooks(self, ids: set[int]) -> None:
        now = time.monotonic()
        if now - self._webhooks_read_at >= _WEBHOOKS_FRESH_SECONDS:
            self._webhooks, self._webhooks_read_at = {}, now
        self._webhooks.update(_each(Webhook, ids - self._webhooks.keys()))

    def _queue(self, claimed: list[int]) -> None:
        lapses_at = time.monotonic() + lease().total_seconds() - app_settings.DELIVERY_TIMEOUT_SECONDS - 5
        deliveries = _each(Delivery, claimed)
        events = _each(CapturedEvent, {delivery.event_id for delivery in deliveries.values()})
        self._claimed.update(deliveries)
        for pk in claimed:  # in the order in which they became due
            if delivery := deliveries.get(pk):
                webhook, event = self._webhooks[delivery.webhook_id], events.get(delivery.event_id)
                self._preparation.add([Job(delivery, webhook, event, _endpoint(webhook), lapses_at)])
        self._prepare()

    def _always_messages(self) -> set[int]:
        """Webhooks that skip nothing."""
        return {pk for pk, webhook in self._webhooks.items() if sending.skips_nothing(webhook)}

    def _prepare(self) -> None:
        """Queue what can be sent; what can't be sent now is given back."""
        ready, refused = self._preparation.some()
        for job in ready:
            if job.webhook.consecutive_failures:
                self._queues.suspect(job.endpoint)
            self._queues.add(job.endpoint, job)
        self._release(refused)

    def _record(self, found: list[tuple[Job, sending.Result | None]]) -> None:
        self._claimed.difference_update(job.delivery.pk for job, _result in found)
        done = [result for _, result in found if result is not None]
        self._write(done, can_wait=False)
        if done:
            # Apart from the results, and later if somebody holds the webhook's row: an open page of the admin, for one.
            self._health.note(done)
            self._health.write()

    def _write(self, done: list[sending.Result], can_wait: bool) -> None:
        done = [*self._unwritten, *done]
        self._unwritten = []
        if done:
            self._unwritten = _persist(
                lambda is_repeated: results.write(done, self._holder, self.counts, is_repeated, can_wait)
            )

    def _recall(self) -> None:
        """Take back what was queued and is to be sent no more: cancelled, forgotten with its user, or put on hold."""
        now = time.monotonic()
        if now - self._recalled_at < _RECALL_SECONDS:
            return
        if not (jobs := [*self._queues.waiting(), *self._preparation.waiting()]):
            return
        self._recalled_at = now
        wanted = set(Delivery.objects.writable().wanted([job.delivery.pk for job in jobs], self._holder))
        self._give_back(keeps=lambda job: job.delivery.pk in wanted)

    def _give_back(self, keeps: Callable[[Job], bool] = lambda _job: False) -> None:
        jobs = [*self._queues.clear(keeps), *self._preparation.clear(keeps)]
        with contextlib.suppress(OperationalError, InterfaceError):  # then they wait for the end of their lease
            self._release(jobs)

    def _release(self, jobs: list[Job]) -> None:
        self._claimed.difference_update(job.delivery.pk for job in jobs)
        if jobs:
            Delivery.objects.writable().release([job.delivery.pk for job in jobs], self._holder)


def _drop_orphans(ids: list[int]) -> None:
    """Delete deliveries whose webhook is gone: an event came in another process in the seconds after its deletion."""
    rows = Delivery.objects.writable()
    webhooks = Webhook.objects.using(rows.db).filter(pk=OuterRef("webhook_id"))
    gone = list(rows.filter(~Exists(webhooks), pk__in=ids).order_by().values_list("pk", flat=True))
    rows.filter(pk__in=gone).delete()


def _each(model, ids: Iterable[int]) -> dict:
    """
    Rows by primary key. One that can't even be read costs itself, not the others.

    Raises:
        django.db.OperationalError, django.db.InterfaceError: the database is away.
    """
    ids = list(ids)
    rows = model.objects.using(Delivery.objects.writable().db)
    try:
        return rows.in_bulk(ids) if ids else {}
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # pylint: disable=broad-exception-caught
        if len(ids) == 1:
            log.error("%s %s can't be read: %s", model.__name__, ids[0], where(error))
            return {}
        return {pk: row for one in ids for pk, row in _each(model, [one]).items()}


def _send(job: Job) -> tuple[tuple[Job, sending.Result | None], bool]:
    if time.monotonic() >= job.lapses_at:
        return (job, None), False
    result = sending.attempt(job.delivery, job.webhook, job.event, job.content)
    return (job, result), result.is_endpoint_well


def _persist(write: Callable[[bool], list[sending.Result]]) -> list[sending.Result]:
    """
    Write results; if the database is away for a moment, wait for it: without the record all would be sent again.

    Returns:
        those that are to be written later.
    """
    using = Delivery.objects.writable().db
    is_repeated = False
    for wait in (*_RECONNECT_SECONDS, None):
        try:
            return write(is_repeated)
        except (OperationalError, InterfaceError) as error:
            if wait is None or connections[using].in_atomic_block:
                raise
            log.warning("Results could not be written (%s); trying again in %s s", type(error).__name__, wait)
            connections[using].close()
            is_repeated = True
            time.sleep(wait)
        except DatabaseError as error:
            log.error("Results could not be written; sent again when their leases end: %s", where(error))
            break
    return []
