"""
How long records are kept: payloads for days, rows for weeks, so that neither personal data nor tables pile up.

Age counts from the event or call. What is still owed is never touched, however old it is. The work is done in steps of
a few rows, each a transaction of its own, and is safe beside the workers, beside operators, and beside itself.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Protocol

import attrs
from django.db import router, transaction
from django.db.models import Q, QuerySet

from ..batches import batched
from ..models import Attempt, Call, CapturedEvent, Delivery, Webfilter
from ..row_locks import lock_free
from ..webhooks import discard
from .keeping import Ages, Keeping, Terms

State = Delivery.State
CALL_EMPTIED = Q(request_body__isnull=True, response_excerpt="")
# MariaDB takes a list of a thousand for a table, and reads all of another one to join them.
_LOOK_ROWS = 500
# A transaction changes these deliveries and their attempts, of which a delivery has nine or so at most.
_STEP_ROWS = 100


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
        before: what is older (aware), whatever the settings and hooks say; None: as they say.
        payloads_only: no record is deleted.
        webhook_id: only the deliveries of this webhook.
        webfilter_id: only the calls of this webfilter.
    """

    before: datetime | None = None
    payloads_only: bool = False
    webhook_id: int | None = None
    webfilter_id: int | None = None

    def records(self) -> list["_Records"]:
        """
        The records in question: deliveries before the events that they are about.

        Raises:
            ImproperlyConfigured: a setting is not a number of days.
        """
        keeping = self._keeping()
        found = [*self._deliveries(keeping), *self._events(keeping), *self._calls(keeping)]
        if self.payloads_only:
            found = [attrs.evolve(records, ages=attrs.evolve(records.ages, rows=None)) for records in found]
        return [records for records in found if not records.ages.are_forever]

    def _keeping(self) -> Keeping:
        given = Terms.all_before(self.before) if self.before else None
        if given and self.webhook_id is None:
            return Keeping(given)
        keeping = Keeping.now()
        if self.webhook_id is None:
            return keeping
        # Other webhooks may need the payloads of the same events.
        terms = given or keeping.webhooks.get(self.webhook_id, keeping.site)
        return attrs.evolve(keeping, webhooks={**keeping.webhooks, self.webhook_id: terms})

    def _deliveries(self, keeping: Keeping) -> Iterator["_Records"]:
        if self.webfilter_id is not None:
            return
        rows = Delivery.objects.writable().exclude(state=State.PENDING).order_by()
        kinds = list(_kinds_of_deliveries(keeping))
        needs = _needs(kinds)
        for webhook_id, name, which, ages in kinds:
            if self.webhook_id in (None, webhook_id):
                yield _Deliveries(f"deliveries {name}", rows.filter(which), "created", ages, needs)

    def _events(self, keeping: Keeping) -> Iterator["_Records"]:
        """Those without deliveries; the others go with theirs."""
        if self.webfilter_id is None and self.webhook_id is None:
            events = CapturedEvent.objects.using(router.db_for_write(CapturedEvent)).order_by()
            yield _Events("events", events, "created", keeping.site.others)

    def _calls(self, keeping: Keeping) -> Iterator["_Records"]:
        """One webfilter after the other, because the index on their moments begins with it."""
        if self.webhook_id is not None:
            return
        calls = Call.objects.using(router.db_for_write(Call)).order_by()
        ids = Webfilter.objects.using(calls.db).order_by("pk").values_list("pk", flat=True)
        for pk in ids if self.webfilter_id is None else [self.webfilter_id]:
            terms = keeping.webfilters.get(pk, keeping.site)
            for name, which, ages in terms.by_outcome(Q(result=Call.Result.IGNORED)):
                yield _Calls(f"calls {pk}{name}", calls.filter(which, webfilter=pk), "started_at", ages)


# A webhook with terms of its own (None: all that have none), a name, which deliveries, and their ages.
_Kind = tuple[int | None, str, Q, Ages]


def _kinds_of_deliveries(keeping: Keeping) -> Iterator[_Kind]:
    own = keeping.webhooks
    others = ~Q(webhook__in=list(own)) if own else Q()
    each = [(None, "", others, keeping.site), *((pk, str(pk), Q(webhook=pk), terms) for pk, terms in own.items())]
    for webhook_id, name, webhooks, terms in each:
        for outcome, which, ages in terms.by_outcome(Q(state=State.FAILED)):
            yield webhook_id, name + outcome, webhooks & which, ages


def _needs(kinds: list[_Kind]) -> Q:
    """Which deliveries still need the payload of their event."""
    kept = Q()
    for _webhook_id, _name, which, ages in kinds:
        kept |= which & Q(event__created__gte=ages.payloads) if ages.payloads else which & ~Q(pk=None)
    return Q(state=State.PENDING) | Q(event__keep_payload=True) & kept


@attrs.frozen
class _Records:
    """
    One kind of record.

    Attributes:
        name: for the place where a run stops.
        rows: those in question; any of them may become owed meanwhile.
        moment: the field that their age counts from; has an index.
        ages: how old they get.
    """

    name: str
    rows: QuerySet
    moment: str
    ages: Ages

    def walk(self, before: datetime, place: "Place | None" = None) -> Iterator[list["Place"]]:
        """Moments and primary keys, oldest first, after a place and before a moment, some hundred at a time."""
        while True:
            rows = self.rows.filter(**{f"{self.moment}__lt": before})
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

    # What follows asks by primary keys, never by EXISTS, for which MariaDB may read whole tables.

    def full(self, ids: Collection[int]) -> Iterable[int]:
        """Of these, the ones with something to empty."""
        raise NotImplementedError

    def deletable(self, ids: Collection[int]) -> Iterable[int]:
        """Of these, the ones that may be deleted."""
        return ids

    def delete(self, ids: Collection[int]) -> int:
        """Delete records with what belongs to them; how many."""
        with transaction.atomic(using=self.rows.db):
            ids = list(self.deletable(self._lock(ids)))
            self._delete(ids)
        return len(ids)

    def empty(self, ids: Collection[int]) -> int:
        """Empty records; how many."""
        with transaction.atomic(using=self.rows.db):
            ids = self._lock(ids)
            self._empty(ids)
        return len(ids)

    def _lock(self, ids) -> list[int]:
        """Those that are still in question, locked; those that somebody else has locked are left to the next run."""
        return list(lock_free(self.rows.filter(pk__in=ids).order_by("pk")).values_list("pk", flat=True))

    def _delete(self, ids: list[int]) -> None:
        raw_delete(self._all.filter(pk__in=ids))

    def _empty(self, ids: list[int]) -> None:
        raise NotImplementedError

    @property
    def _all(self) -> QuerySet:
        return self.rows.model.objects.using(self.rows.db)


@attrs.frozen
class _Deliveries(_Records):
    """
    Finished deliveries, with their attempts, and the payloads of their events.

    Attributes:
        needs: which deliveries still need the payload.
    """

    needs: Q

    def full(self, ids):
        attempts = Attempt.objects.using(self.rows.db).filter(delivery_id__in=ids).order_by()
        full = set(attempts.exclude(**dict.fromkeys(discard.EXCERPTS, "")).values_list("delivery_id", flat=True))
        events = dict(self._all.filter(pk__in=ids).order_by().values_list("pk", "event_id"))
        unneeded = discard.unneeded(self.rows.db, set(events.values()), self.needs)
        return full | {pk for pk, event in events.items() if event in unneeded}

    def delete(self, ids):
        events = _events_of(self.rows.db, ids)
        count = super().delete(ids)
        _delete_events(self.rows.db, events)
        return count

    def empty(self, ids):
        events = _events_of(self.rows.db, ids)
        count = super().empty(ids)
        discard.empty_events(self.rows.db, events, self.needs)
        return count

    def _delete(self, ids):
        _delete_with_attempts(self.rows.db, ids)

    def _empty(self, ids):
        discard.empty_attempts(self.rows.db, ids)


class _Events(_Records):
    """Captured events. In question are those that were never owed to anybody, or whose deliveries are gone."""

    def full(self, ids):
        return self._all.filter(pk__in=self.deletable(ids), payload__isnull=False).values_list("pk", flat=True)

    def deletable(self, ids):
        return set(ids) - _with_deliveries(self.rows.db, ids)

    def _empty(self, ids):
        # Asked again, now that nobody can owe them meanwhile.
        self._all.filter(pk__in=self.deletable(ids)).update(payload=None)


class _Calls(_Records):
    """The calls of one webfilter."""

    def full(self, ids):
        return self.rows.filter(pk__in=ids).exclude(CALL_EMPTIED).values_list("pk", flat=True)

    def _empty(self, ids):
        self._all.filter(pk__in=ids).update(request_body=None, response_excerpt="")


def count(what: Purge) -> Counts:
    """
    What :func:`purge` would do now.

    Raises:
        ImproperlyConfigured: a setting is not a number of days.
    """
    counts = Counts()
    for records in what.records():
        ages, after = records.ages, None
        if ages.rows is not None:
            counts.deleted += sum(len(set(records.deletable(ids))) for ids in _each(records.walk(ages.rows)))
            after = (ages.rows, -1)
        if ages.payloads is not None:
            counts.emptied += sum(len(set(records.full(ids))) for ids in _each(records.walk(ages.payloads, after)))
    return counts


def _each(walk: Iterable[list["Place"]]) -> Iterator[list[int]]:
    return ([pk for _moment, pk in found] for found in walk)


def purge(
    what: Purge,
    max_seconds: float | None = None,
    tick: Callable[[Counts], None] = lambda _counts: None,
    places: "Places | None" = None,
) -> Counts:
    """
    Delete and empty what is old enough.

    Args:
        what: see there.
        max_seconds: no new step is begun after this time; None: until all is done.
        tick: called after each step with what was done so far.
        places: where an earlier run has come to, and where this one does.

    Raises:
        ImproperlyConfigured: a setting is not a number of days.
        django.db.Error: the database is away, or busy for too long. What was done stays done.
    """
    run = _Run(None if max_seconds is None else time.monotonic() + max_seconds, tick, places)
    # Rows first, for then their payloads need not be emptied.
    for records in what.records():
        run.delete(records)
        run.empty(records)
    return run.counts


# Moment and primary key of a record.
Place = tuple[datetime, int]


class Places(Protocol):
    """How far the payloads of each kind of record have been emptied."""

    def get(self, name: str) -> Place | None:
        """The last record that was looked at."""

    def note(self, name: str, place: Place) -> None:
        """So far we came."""


class _Run:
    """One purge."""

    def __init__(self, end: float | None, tick: Callable[[Counts], None], places: Places | None):
        self.counts = Counts()
        self._end, self._tick, self._places = end, tick, places

    def delete(self, records: _Records) -> None:
        """Delete those that are old enough."""
        if records.ages.rows is None:
            return
        for found in _each(records.walk(records.ages.rows)):
            for ids in batched(records.deletable(found), _STEP_ROWS):
                if self._is_over():
                    return
                self.counts.deleted += records.delete(ids)
                self._tick(self.counts)
            if self._is_over():
                return

    def empty(self, records: _Records) -> None:
        """Empty those that are old enough."""
        if records.ages.payloads is None:
            return
        for found in records.walk(records.ages.payloads, self._places and self._places.get(records.name)):
            if self._is_over():
                return
            for ids in batched(sorted(records.full([pk for _moment, pk in found])), _STEP_ROWS):
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


def delete_deliveries(database: str, ids: Collection[int]) -> None:
    """Delete deliveries with their attempts, and the events that nothing else is about."""
    events = _events_of(database, ids)
    with transaction.atomic(using=database):
        _delete_with_attempts(database, ids)
    _delete_events(database, events)


def _events_of(database: str, ids: Collection[int]) -> set[int]:
    return set(Delivery.objects.using(database).filter(pk__in=ids).values_list("event_id", flat=True))


def _delete_with_attempts(database: str, ids: Collection[int]) -> None:
    raw_delete(Attempt.objects.using(database).filter(delivery_id__in=ids))
    raw_delete(Delivery.objects.using(database).filter(pk__in=ids))


def _delete_events(database: str, ids: Collection[int]) -> None:
    """Those that have no deliveries; not in the transaction that deleted these, which may not see newer ones."""
    events = CapturedEvent.objects.using(database)
    with transaction.atomic(using=database):
        # What somebody has locked, to owe it again, is left to the next run.
        locked = set(lock_free(events.filter(pk__in=ids).order_by("pk")).values_list("pk", flat=True))
        raw_delete(events.filter(pk__in=locked - _with_deliveries(database, locked)))


def _with_deliveries(database: str, event_ids: Collection[int]) -> set[int]:
    deliveries = Delivery.objects.using(database).filter(event_id__in=event_ids).order_by()
    return set(deliveries.values_list("event_id", flat=True))


def raw_delete(rows: QuerySet) -> None:
    """Delete rows without reading them: nothing else refers to them, and nobody listens to their deletion."""
    rows._raw_delete(rows.db)  # pylint: disable=protected-access
