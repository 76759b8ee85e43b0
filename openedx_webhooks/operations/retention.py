"""
How long records are kept: payloads for days, rows for weeks, so that neither personal data nor tables pile up.

Age counts from the event or call. What is still owed is never touched, however old it is. The work is done in steps of
a few rows, each a transaction of its own, and is safe beside the workers, beside operators, and beside itself.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import attrs
from django.db import router
from django.db.models import Q

from ..batches import batched
from ..models import Call, CapturedEvent, Delivery, Webfilter
from ..models.delivery import FAILED_STATES
from .keeping import Ages, Keeping, Terms
from .retention_records import Calls, Deliveries, Events, Place, Records

State = Delivery.State
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

    def records(self) -> list[Records]:
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

    def _deliveries(self, keeping: Keeping) -> Iterator[Records]:
        if self.webfilter_id is not None:
            return
        rows = Delivery.objects.writable().exclude(state=State.PENDING).order_by()
        kinds = list(_kinds_of_deliveries(keeping))
        needs = _needs(kinds)
        for webhook_id, name, which, ages in kinds:
            if self.webhook_id in (None, webhook_id):
                yield Deliveries(f"deliveries {name}", rows.filter(which), "created", ages, needs)

    def _events(self, keeping: Keeping) -> Iterator[Records]:
        """Those without deliveries; the others go with theirs."""
        if self.webfilter_id is None and self.webhook_id is None:
            events = CapturedEvent.objects.using(router.db_for_write(CapturedEvent)).order_by()
            yield Events("events", events, "created", keeping.site.others)

    def _calls(self, keeping: Keeping) -> Iterator[Records]:
        """One webfilter after the other, because the index on their moments begins with it."""
        if self.webhook_id is not None:
            return
        calls = Call.objects.using(router.db_for_write(Call)).order_by()
        ids = Webfilter.objects.using(calls.db).order_by("pk").values_list("pk", flat=True)
        for pk in ids if self.webfilter_id is None else [self.webfilter_id]:
            terms = keeping.webfilters.get(pk, keeping.site)
            for name, which, ages in terms.by_outcome(Q(result=Call.Result.IGNORED)):
                yield Calls(f"calls {pk}{name}", calls.filter(which, webfilter=pk), "started_at", ages)


# A webhook with terms of its own (None: all that have none), a name, which deliveries, and their ages.
_Kind = tuple[int | None, str, Q, Ages]


def _kinds_of_deliveries(keeping: Keeping) -> Iterator[_Kind]:
    own = keeping.webhooks
    others = ~Q(webhook__in=list(own)) if own else Q()
    each = [(None, "", others, keeping.site), *((pk, str(pk), Q(webhook=pk), terms) for pk, terms in own.items())]
    for webhook_id, name, webhooks, terms in each:
        for outcome, which, ages in terms.by_outcome(Q(state__in=FAILED_STATES)):
            yield webhook_id, name + outcome, webhooks & which, ages


def _needs(kinds: list[_Kind]) -> Q:
    """Which deliveries still need the payload of their event."""
    kept = Q()
    for _webhook_id, _name, which, ages in kinds:
        kept |= which & Q(event__created__gte=ages.payloads) if ages.payloads else which & ~Q(pk=None)
    return Q(state=State.PENDING) | Q(event__keep_payload=True) & kept


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


def _each(walk: Iterable[list[Place]]) -> Iterator[list[int]]:
    return ([pk for _moment, pk in found] for found in walk)


def purge(
    what: Purge,
    max_seconds: float | None = None,
    tick: Callable[[Counts], None] = lambda _counts: None,
    places: dict[str, Place] | None = None,
) -> Counts:
    """
    Delete and empty what is old enough.

    Args:
        what: see there.
        max_seconds: no new step is begun after this time; None: until all is done.
        tick: called after each step with what was done so far.
        places: name of a kind of record → the last one whose payload was looked at, by an earlier run; is updated.

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


class _Run:
    """One purge."""

    def __init__(self, end: float | None, tick: Callable[[Counts], None], places: dict[str, Place] | None):
        self.counts = Counts()
        self._end, self._tick, self._places = end, tick, {} if places is None else places

    def delete(self, records: Records) -> None:
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

    def empty(self, records: Records) -> None:
        if records.ages.payloads is None:
            return
        for found in records.walk(records.ages.payloads, self._places.get(records.name)):
            if self._is_over():
                return
            for ids in batched(sorted(records.full([pk for _moment, pk in found])), _STEP_ROWS):
                if self._is_over():
                    return
                self.counts.emptied += records.empty(ids)
                self._tick(self.counts)
            self._places[records.name] = max(found)

    def _is_over(self) -> bool:
        if self._end is not None and time.monotonic() >= self._end:
            self.counts.out_of_time = True
        return self.counts.out_of_time
