"""
How long records are kept: payloads for days, rows for weeks, so that neither personal data nor tables pile up.

Age counts from the event or call. What is still owed is never touched, however old it is. The work is done in steps of
a few rows, each a transaction of its own, and is safe beside the workers, beside operators, and beside itself.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta

import attrs
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, connections, router, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from ..app_settings import app_settings
from ..background import process
from ..batches import batched
from ..models import Attempt, Call, CapturedEvent, Delivery, Webfilter
from ..shared_cache import ask

log = logging.getLogger(__name__)
State = Delivery.State
CALL_EMPTIED = Q(request_body__isnull=True, response_excerpt="")
_ATTEMPT_EMPTIED = Q(request_excerpt="", response_excerpt="")
_LOOK_ROWS = 1000
# A transaction changes these deliveries and their attempts, of which a delivery has nine or so at most.
_STEP_ROWS = 100
_EVERY_SECONDS = 3600
_RUN_SECONDS = 20
# A run that was out of time is followed by the next this much later.
_REST_SECONDS = 60
# From the place that the last run came to, except once in this time: what was pending then is finished now.
_SWEEP_SECONDS = 24 * 3600
_MOST_DAYS = 36_500
_TURN_KEY = "openedx_webhooks:retention:turn"
_PLACE_KEY = "openedx_webhooks:retention:place"


@attrs.define
class Counts:
    """What a purge did."""

    emptied: int = 0
    deleted: int = 0
    out_of_time: bool = False


@attrs.frozen
class Purge:
    """
    What to purge.

    Attributes:
        payloads_before: payloads and excerpts of what is older are emptied (aware); None: of nothing.
        rows_before: what is older is deleted (aware); None: nothing.
        webhook_id: only the deliveries of this webhook.
        webfilter_id: only the calls of this webfilter.
    """

    payloads_before: datetime | None = None
    rows_before: datetime | None = None
    webhook_id: int | None = None
    webfilter_id: int | None = None

    def records(self) -> list["_Records"]:
        """The records in question, of any age: deliveries before the events that they are about."""
        records: list[_Records] = []
        if self.webfilter_id is None:
            rows = Delivery.objects.writable().exclude(state=State.PENDING)
            if self.webhook_id is not None:
                rows = rows.filter(webhook=self.webhook_id)
            records.append(_Deliveries("deliveries", rows.order_by(), "created"))
        if self.webfilter_id is None and self.webhook_id is None:
            events = CapturedEvent.objects.using(router.db_for_write(CapturedEvent)).order_by()
            records.append(_Events("events", events.filter(~Exists(_owed())), "created"))
        if self.webhook_id is None:
            # One by one, because the index on their moments begins with the webfilter.
            calls = Call.objects.using(router.db_for_write(Call)).order_by()
            ids = (
                [self.webfilter_id]
                if self.webfilter_id is not None
                else list(Webfilter.objects.using(calls.db).order_by("pk").values_list("pk", flat=True))
            )
            records += [_Calls(f"calls {pk}", calls.filter(webfilter=pk), "started_at") for pk in ids]
        return records


def _owed() -> QuerySet:
    """The deliveries of an event, in a query of events, that are still to be made."""
    return Delivery.objects.filter(event=OuterRef("pk"), state=State.PENDING)


@attrs.frozen
class _Records:
    """
    One kind of record.

    Attributes:
        name: for the place where a run stops.
        rows: those in question; any of them may become owed meanwhile.
        moment: the field that their age counts from; has an index.
    """

    name: str
    rows: QuerySet
    moment: str

    def older(self, before: datetime) -> QuerySet:
        """Those from before a moment."""
        return self.rows.filter(**{f"{self.moment}__lt": before})

    def walk(self, before: datetime, place: tuple[datetime, int] | None = None) -> Iterator[list[tuple[datetime, int]]]:
        """Moments and primary keys, oldest first, after a place and before a moment, a thousand at a time."""
        while True:
            rows = self.older(before)
            if place:
                moment, pk = place
                # The first condition follows from the second; it is what the index understands.
                rows = rows.filter(
                    Q(**{f"{self.moment}__gt": moment}) | Q(pk__gt=pk), **{f"{self.moment}__gte": moment}
                )
            found = list(rows.order_by(self.moment, "pk").values_list(self.moment, "pk")[:_LOOK_ROWS])
            if not found:
                return
            yield found
            place = found[-1]

    def full(self) -> QuerySet:
        """Those with something to empty."""
        raise NotImplementedError

    def deletable(self) -> QuerySet:
        """Those that may be deleted."""
        return self.rows

    def delete(self, ids: Collection[int]) -> int:
        """Delete records with what belongs to them; how many."""
        with transaction.atomic(using=self.rows.db):
            ids = self._lock(ids)
            return self._delete(ids)

    def empty(self, ids: Collection[int]) -> int:
        """Empty records; how many."""
        with transaction.atomic(using=self.rows.db):
            ids = self._lock(ids)
            self._empty(ids)
        return len(ids)

    def _lock(self, ids) -> list[int]:
        """Those that are still in question, locked; those that somebody else has locked are left to the next run."""
        can_skip = connections[self.rows.db].features.has_select_for_update_skip_locked
        rows = self.rows.filter(pk__in=ids).select_for_update(skip_locked=can_skip)
        return list(rows.values_list("pk", flat=True))

    def _delete(self, ids: list[int]) -> int:
        raw_delete(self.rows.model.objects.using(self.rows.db).filter(pk__in=ids))
        return len(ids)

    def _empty(self, ids: list[int]) -> None:
        raise NotImplementedError


class _Deliveries(_Records):
    """Finished deliveries, with their attempts."""

    def full(self):
        attempts = Attempt.objects.filter(delivery=OuterRef("pk")).exclude(_ATTEMPT_EMPTIED)
        return self.rows.filter(Exists(attempts))

    def _delete(self, ids):
        delete_deliveries(self.rows.db, ids)
        return len(ids)

    def _empty(self, ids):
        empty_attempts(self.rows.db, ids)


class _Events(_Records):
    """Captured events that nothing is owed of."""

    def full(self):
        return self.rows.filter(payload__isnull=False)

    def deletable(self):
        # One that still has deliveries goes with the last of them.
        return self.rows.filter(~Exists(Delivery.objects.filter(event=OuterRef("pk"))))

    def _delete(self, ids):
        return super()._delete(list(self.deletable().filter(pk__in=ids).values_list("pk", flat=True)))

    def _empty(self, ids):
        self.rows.model.objects.using(self.rows.db).filter(pk__in=ids).update(payload=None)


class _Calls(_Records):
    """The calls of one webfilter."""

    def full(self):
        return self.rows.exclude(CALL_EMPTIED)

    def _empty(self, ids):
        self.rows.filter(pk__in=ids).update(request_body=None, response_excerpt="")


def from_settings(**hook: int | None) -> Purge:
    """
    What the settings want purged now.

    Args:
        hook: ``webhook_id`` or ``webfilter_id``; default is all.

    Raises:
        ImproperlyConfigured: a setting is not a number of days.
    """
    return Purge(payloads_before=_setting("RETENTION_PAYLOAD_DAYS"), rows_before=_setting("RETENTION_ROW_DAYS"), **hook)


def days_ago(days: float) -> datetime:
    """The moment so many days ago; more than a hundred years are a hundred years."""
    return timezone.now() - timedelta(days=min(days, _MOST_DAYS))


def _setting(name):
    days = getattr(app_settings, name)
    if isinstance(days, bool) or not isinstance(days, (int, float)) or not days >= 0:
        raise ImproperlyConfigured(f"OPENEDX_WEBHOOKS[{name!r}] must be a number of days, or 0 to keep for ever")
    return days_ago(days) if days else None


def count(what: Purge) -> Counts:
    """What :func:`purge` would do now."""
    counts = Counts()
    for records in what.records():
        if what.rows_before is not None:
            counts.deleted += records.deletable().filter(**{f"{records.moment}__lt": what.rows_before}).count()
        if what.payloads_before is not None:
            full = records.full().filter(**{f"{records.moment}__lt": what.payloads_before})
            if what.rows_before is not None:
                full = full.filter(**{f"{records.moment}__gte": what.rows_before})
            counts.emptied += full.count()
    return counts


def purge(
    what: Purge, max_seconds: float | None = None, tick: Callable[[Counts], None] = lambda _counts: None
) -> Counts:
    """
    Delete and empty what is old enough.

    Args:
        what: see there.
        max_seconds: no new step is begun after this time; None: until all is done.
        tick: called after each step with what was done so far.

    Raises:
        django.db.Error: the database is away, or busy for too long. What was done stays done.
    """
    run = _Run(None if max_seconds is None else time.monotonic() + max_seconds, tick)
    run.all(what)
    return run.counts


def run_when_due() -> None:
    """
    Purge by the settings, for a bounded time, if nobody else did within the hour. Never raises.

    For workers and commands: it may take 20 seconds.
    """
    turn = process.get(_Turn)
    if time.monotonic() < turn.due_at:
        return
    turn.due_at = time.monotonic() + _EVERY_SECONDS
    try:
        if ask("add", _TURN_KEY, 1, timeout=_EVERY_SECONDS) is False:
            # Another process's turn; if it is out of time, anybody may go on.
            turn.due_at = time.monotonic() + _REST_SECONDS
            return
        places = _Places()
        run = _Run(time.monotonic() + _RUN_SECONDS, lambda _counts: None, places)
        run.all(from_settings())
        places.keep()
        if run.counts.out_of_time:
            turn.due_at = time.monotonic() + _REST_SECONDS
            ask("set", _TURN_KEY, 1, timeout=_REST_SECONDS)
        if run.counts.emptied or run.counts.deleted:
            log.info("Retention: %d payloads emptied, %d records deleted", run.counts.emptied, run.counts.deleted)
    except ImproperlyConfigured as error:
        log.error("Nothing is removed: %s", error)
    except (DatabaseError, InterfaceError) as error:
        log.warning("Retention is broken off and goes on later: %s", type(error).__name__)
    except Exception as error:  # pylint: disable=broad-exception-caught
        # Whatever the cache's client raises when its server is away.
        log.error("Retention failed and is tried again later: %s", type(error).__name__)


@attrs.define
class _Turn:
    """When this process purges next, on the clock of ``time.monotonic``."""

    due_at: float = 0.0


class _Places:
    """
    How far payloads have been emptied, in Django's cache.

    No index tells the emptied from the others, so each run would look at all that the site keeps. If the cache forgets,
    one does.
    """

    def __init__(self):
        kept = ask("get", _PLACE_KEY)
        is_fresh = isinstance(kept, dict) and time.time() - kept.get("since", 0) < _SWEEP_SECONDS
        self._kept = kept if is_fresh else {"since": time.time()}

    def get(self, name: str) -> tuple[datetime, int] | None:
        """Moment and primary key of the last record that was looked at."""
        return self._kept.get(name)

    def note(self, name: str, place: tuple[datetime, int]) -> None:
        """So far we came."""
        self._kept[name] = place

    def keep(self) -> None:
        """Write it to the cache."""
        ask("set", _PLACE_KEY, self._kept, timeout=_SWEEP_SECONDS)


class _Run:
    """One purge."""

    def __init__(self, end: float | None, tick: Callable[[Counts], None], places: _Places | None = None):
        self.counts = Counts()
        self._end, self._tick, self._places = end, tick, places

    def all(self, what: Purge) -> None:
        """Rows first, for then their payloads need not be emptied."""
        for records in what.records():
            if what.rows_before is not None:
                self._delete(records, what.rows_before)
            if what.payloads_before is not None:
                self._empty(records, what.payloads_before)

    def _delete(self, records: _Records, before) -> None:
        for found in records.walk(before):
            for ids in batched((pk for _moment, pk in found), _STEP_ROWS):
                if self._is_over():
                    return
                self.counts.deleted += records.delete(ids)
                self._tick(self.counts)

    def _empty(self, records: _Records, before) -> None:
        for found in records.walk(before, self._places and self._places.get(records.name)):
            if self._is_over():
                return
            looked_at = [pk for _moment, pk in found]
            full = sorted(records.full().filter(pk__in=looked_at).values_list("pk", flat=True))
            for ids in batched(full, _STEP_ROWS):
                if self._is_over():
                    return
                self.counts.emptied += records.empty(ids)
                self._tick(self.counts)
            if self._places:
                self._places.note(records.name, found[-1])

    def _is_over(self) -> bool:
        if self._end is not None and time.monotonic() >= self._end:
            self.counts.out_of_time = True
        return self.counts.out_of_time


def empty_attempts(database: str, delivery_ids: list[int]) -> None:
    """Empty what is kept of the requests and responses of deliveries."""
    rows = Attempt.objects.using(database)
    full = rows.filter(delivery_id__in=delivery_ids).exclude(_ATTEMPT_EMPTIED).order_by()
    # By primary key: locks on ranges of the index would make the workers' inserts wait.
    rows.filter(pk__in=list(full.values_list("pk", flat=True))).update(request_excerpt="", response_excerpt="")


def delete_deliveries(database: str, ids: list[int]) -> None:
    """Delete deliveries with their attempts, and the events that nothing else is about."""
    deliveries = Delivery.objects.using(database)
    events = set(deliveries.filter(pk__in=ids).values_list("event_id", flat=True))
    raw_delete(Attempt.objects.using(database).filter(delivery_id__in=ids))
    raw_delete(deliveries.filter(pk__in=ids))
    events.difference_update(deliveries.filter(event_id__in=events).values_list("event_id", flat=True))
    raw_delete(CapturedEvent.objects.using(database).filter(pk__in=events))


def raw_delete(rows: QuerySet) -> None:
    """Delete rows without reading them: nothing else refers to them, and nobody listens to their deletion."""
    rows._raw_delete(rows.db)  # pylint: disable=protected-access
