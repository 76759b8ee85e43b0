"""
Deliver what is due: claim, send, record, until nothing is due or the time is over.

The thread that calls :func:`deliver_due` talks to the database, in short transactions; the threads of its lanes talk
HTTP. No transaction is open while anything is sent.
"""

import contextlib
import logging
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import attrs
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.db.models import Min
from django.utils import timezone

from ..app_settings import app_settings
from ..models import Delivery, Webhook
from ..safe_log import where
from . import claims, results, schedule, sending
from .endpoint_queues import EndpointQueues
from .results import Counts

log = logging.getLogger(__name__)
# In a request of a development site: a learner waits.
EAGER_SECONDS = 5
# While requests are under way, others' deliveries are looked for this often.
_LOOK_SECONDS = 0.25
# Results are written together with those that come within this time.
_LINGER_SECONDS = 0.02
_WEBHOOKS_FRESH_SECONDS = 5
_RECONNECT_SECONDS = (0.2, 1, 3, 5, 5, 5)
_ORPHANS_SECONDS = 3600
_orphans = {"look_at": 0.0}


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
    if time.monotonic() >= _orphans["look_at"]:
        _orphans["look_at"] = time.monotonic() + _ORPHANS_SECONDS
        claims.drop_orphans()
    drain = _Drain(time.monotonic() + max_seconds, stop, tick)
    try:
        drain.run()
    finally:
        drain.close()
    return drain.counts


def is_due() -> bool:
    """Whether anything is due."""
    return claims.due(timezone.now()).exists()


def next_due() -> datetime | None:
    """When the next delivery becomes due; None if nothing is pending for an enabled webhook."""
    pending = Delivery.objects.using(claims.database()).filter(state=Delivery.State.PENDING, webhook__enabled=True)
    return pending.aggregate(at=Min("next_attempt_at"))["at"]


@attrs.frozen
class _Job:
    delivery: Delivery
    webhook: Webhook
    lapses_at: float  # time.monotonic(): begun later than this, it might outlive its lease


class _Drain:
    """One run of :func:`deliver_due`."""

    def __init__(self, end: float, stop: Callable[[], bool], tick: Callable[[Counts], None]):
        self.counts = Counts()
        self._end, self._stop, self._tick = end, stop, tick
        self._holder = uuid.uuid4()
        self._queues = EndpointQueues(_send, app_settings.DELIVERY_THREADS, app_settings.DELIVERY_THREADS_PER_ENDPOINT)
        self._claimed: dict[int, _Job] = {}
        self._webhooks: dict[int, Webhook] = {}
        self._webhooks_read_at = 0.0
        self._pace = _Pace()
        self._trouble: Exception | None = None

    def run(self) -> None:
        """Until nothing is due and nothing under way."""
        look_at, more = 0.0, True
        while True:
            self._tick(self.counts)
            now = time.monotonic()
            if self._trouble or now >= self._end or self._stop():
                self._give_back()
                if not self._queues.outstanding:
                    break
            elif more or now >= look_at:
                more = self._look()
                look_at = now + _LOOK_SECONDS
                if not self._queues.outstanding and not more and not self._trouble:
                    return
            found = self._queues.collect(_LOOK_SECONDS, _LINGER_SECONDS)
            if found:
                self._record(found)
                more = True
        if self._trouble:
            raise self._trouble
        self.counts.out_of_time = is_due()

    def close(self) -> None:
        """Leave nothing behind: no thread, and no claim on what was not begun."""
        try:
            self._give_back()
        finally:
            self._queues.close()

    def _look(self) -> bool:
        """Claim; if the database is away, end: but not before the results of what is under way are written."""
        try:
            return self._claim_and_queue()
        except (OperationalError, InterfaceError) as error:
            self._trouble = error
            return False

    def _claim_and_queue(self) -> bool:
        """Claim as much as may be sent soon; whether it found anything."""
        room = app_settings.DELIVERY_BATCH_SIZE - self._queues.outstanding
        full = self._full_webhooks()
        found = False
        while room > 0:
            rows = claims.candidates(timezone.now(), full, app_settings.DELIVERY_BATCH_SIZE)
            chosen = self._choose(rows, full, room)
            if chosen:
                claimed = claims.claim(chosen, self._holder)
                found = found or bool(claimed)
                room -= len(claimed)
                for delivery in claimed:
                    self._queue(delivery)
                if not claimed:
                    break  # others have them all, or hold locks on them: look again later
            if len(rows) < app_settings.DELIVERY_BATCH_SIZE:
                break
        return found

    def _choose(self, rows, full: set[int], room: int) -> list[int]:
        """Of the candidates, those whose endpoints have room; webhooks without go to ``full``."""
        self._read_webhooks({webhook_id for _, webhook_id in rows})
        rooms: dict[str, int] = {}
        chosen = []
        for pk, webhook_id in rows:
            webhook = self._webhooks.get(webhook_id)
            if webhook is None or pk in self._claimed:
                full.add(webhook_id)
                continue
            endpoint = endpoint_of(webhook)
            if endpoint not in rooms:
                rooms[endpoint] = self._room(endpoint)
            if rooms[endpoint] <= 0:
                full.add(webhook_id)
            elif len(chosen) < room:
                rooms[endpoint] -= 1
                chosen.append(pk)
        return chosen

    def _room(self, endpoint: str) -> int:
        """As many as it may have under way, and a queue as long as it lately worked off in a second."""
        return self._queues.window(endpoint) + self._pace.of(endpoint) - self._queues.load(endpoint)

    def _full_webhooks(self) -> set[int]:
        return {pk for pk, webhook in self._webhooks.items() if self._room(endpoint_of(webhook)) <= 0}

    def _read_webhooks(self, ids: set[int]) -> None:
        now = time.monotonic()
        if now - self._webhooks_read_at >= _WEBHOOKS_FRESH_SECONDS:
            self._webhooks, self._webhooks_read_at = {}, now
        missing = ids - self._webhooks.keys()
        if missing:
            self._webhooks.update(Webhook.objects.using(claims.database()).in_bulk(missing))

    def _queue(self, delivery: Delivery) -> None:
        webhook = self._webhooks[delivery.webhook_id]
        lapses_at = time.monotonic() + claims.lease().total_seconds() - app_settings.DELIVERY_TIMEOUT_SECONDS - 5
        job = self._claimed[delivery.pk] = _Job(delivery, webhook, lapses_at)
        endpoint = endpoint_of(webhook)
        if webhook.consecutive_failures:
            self._queues.suspect(endpoint)
        self._queues.add(endpoint, job)

    def _record(self, found: list[tuple[_Job, sending.Result | None]]) -> None:
        for job, result in found:
            del self._claimed[job.delivery.pk]
            if result is not None:
                self._pace.note(endpoint_of(job.webhook), result.outcome.is_accepted)
        done = [result for _, result in found if result is not None]
        if done:
            _persist(lambda: results.write(done, self._holder, self.counts))

    def _give_back(self) -> None:
        jobs = self._queues.clear()
        for job in jobs:
            del self._claimed[job.delivery.pk]
        if jobs:
            with contextlib.suppress(OperationalError, InterfaceError):  # then they wait for the end of their lease
                claims.release([job.delivery.pk for job in jobs], self._holder)


class _Pace:
    """How many deliveries each endpoint accepted lately in a second."""

    def __init__(self):
        self._second = 0
        self._now: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def note(self, endpoint: str, ok: bool) -> None:
        """Count a result; a failure forgets the pace."""
        self._turn()
        if ok:
            self._now[endpoint] = self._now.get(endpoint, 0) + 1
        else:
            self._now.pop(endpoint, None)
            self._before.pop(endpoint, None)

    def of(self, endpoint: str) -> int:
        """The better of this second and the one before."""
        self._turn()
        return max(self._now.get(endpoint, 0), self._before.get(endpoint, 0))

    def _turn(self) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._before = self._now if second == self._second + 1 else {}
            self._second, self._now = second, {}


def endpoint_of(webhook: Webhook) -> str:
    """What shares a share: the server, whatever the path."""
    return urlsplit(webhook.webhook_url).netloc.lower()


def _send(job: _Job) -> tuple[tuple[_Job, sending.Result | None], bool]:
    if time.monotonic() >= job.lapses_at:
        return (job, None), False
    result = sending.attempt(job.delivery, job.webhook)
    return (job, result), schedule.verdict(result.outcome) is not schedule.Verdict.RETRY


def _persist(write: Callable[[], None]) -> None:
    """Write results; if the database is away for a moment, wait for it: without the record all would be sent again."""
    using = claims.database()
    for wait in (*_RECONNECT_SECONDS, None):
        try:
            write()
            return
        except (OperationalError, InterfaceError) as error:
            if wait is None or connections[using].in_atomic_block:
                raise
            log.warning("Results could not be written (%s); trying again in %s s", type(error).__name__, wait)
            connections[using].close()
            time.sleep(wait)
        except DatabaseError as error:
            log.error("Results could not be written; sent again when their leases end: %s", where(error))
            return
