"""
The kinds of record that grow old: which of them there are, which have something to empty, and how they go.

What is deleted or emptied is locked first, a few rows in a transaction of its own, and looked at again under the lock.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

import attrs
from django.db import transaction
from django.db.models import Q, QuerySet

from ..models import Attempt, CapturedEvent, Delivery
from ..rows import lock_free, raw_delete
from ..webhooks import discard
from .keeping import Ages

CALL_EMPTIED = Q(request_body__isnull=True, response_excerpt="")
# MariaDB takes a list of a thousand for a table, and reads all of another one to join them.
_LOOK_ROWS = 500
# Moment and primary key of a record.
Place = tuple[datetime, int]


@attrs.frozen
class Records:
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

    def walk(self, before: datetime, place: Place | None = None) -> Iterator[list[Place]]:
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
            # Not the last: one whose moment no calendar has is long ago here, and in its place to MySQL.
            before_it, place = place, max(found)
            if before_it and place <= before_it:
                return

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
class Deliveries(Records):
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


class Events(Records):
    """Captured events. In question are those that were never owed to anybody, or whose deliveries are gone."""

    def full(self, ids):
        return self._all.filter(pk__in=self.deletable(ids), payload__isnull=False).values_list("pk", flat=True)

    def deletable(self, ids):
        return set(ids) - _with_deliveries(self.rows.db, ids)

    def _empty(self, ids):
        # Asked again, now that nobody can owe them meanwhile.
        self._all.filter(pk__in=self.deletable(ids)).update(payload=None)


class Calls(Records):
    """The calls of one webfilter."""

    def full(self, ids):
        return self.rows.filter(pk__in=ids).exclude(CALL_EMPTIED).values_list("pk", flat=True)

    def _empty(self, ids):
        self._all.filter(pk__in=ids).update(request_body=None, response_excerpt="")


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
