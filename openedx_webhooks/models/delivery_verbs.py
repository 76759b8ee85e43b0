"""
What can be done with deliveries: claim, release, succeed, fail, skip, retry, cancel, replay.

Each verb is one place: where a log line or a metric about that turn in a delivery's life belongs. All of them are
UPDATEs by primary key that name the state they start from, so that any number of workers and operators may work on the
same rows. A claim is a lease: it moves ``next_attempt_at`` to its end, so that nobody else finds the row due; if its
holder dies, the row becomes due again by itself.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connections, models, router, transaction
from django.db.models import Case, DateTimeField, F, IntegerField, Q, Value, When
from django.utils import timezone

from .. import rows
from ..batches import batched
from . import lost_keys
from .event import CapturedEvent
from .sequence import SequenceCounter, each
from .webhook import ACTIVE, Webhook

_CHUNK = 500
# SQLite unites 500 at most.
_MOST_UNITED = 400
# Far more than any delivery is tried, and within the column on every database.
_MOST_COUNTED = 1_000_000
_UNCLAIMED = {"claimed_by": None, "claimed_until": None}


class DeliveryQuerySet(models.QuerySet):
    """Deliveries, and the verbs of their life."""

    def writable(self) -> "DeliveryQuerySet":
        """On the database that deliveries are written to."""
        return self.using(router.db_for_write(self.model))

    # --- What is owed

    def owe(self, event, webhook_ids: Sequence[int]) -> None:
        """
        Owe a captured event to webhooks.

        In the learner's request, so without instances: what all rows share is sent to the database once, and fifty
        webhooks hardly cost more than one.

        Args:
            event: saved.
            webhook_ids: primary keys.
        """
        connection = connections[self.db]
        shared = {
            "event": event.pk,
            "state": self.model.State.PENDING,
            "attempt_count": 0,
            "schedule_position": 0,
            "next_attempt_at": event.created,
            "scheduled_at": event.created,
            "created": event.created,
        }
        fields = [self.model._meta.get_field(name) for name in ("webhook", "message_id", *shared)]
        columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
        values = [field.get_db_prep_save(shared[field.name], connection) for field in fields[2:]]
        for start in range(0, len(webhook_ids), _MOST_UNITED):
            ids = webhook_ids[start : start + _MOST_UNITED]
            rows = "SELECT %s AS webhook, %s AS message" + " UNION ALL SELECT %s, %s" * (len(ids) - 1)
            params = [param for pk in ids for param in (pk, fields[1].get_db_prep_save(uuid.uuid4(), connection))]
            with connection.cursor() as cursor:
                cursor.execute(
                    # Nothing but names of columns is put together.
                    f"INSERT INTO {connection.ops.quote_name(self.model._meta.db_table)} ({columns}) "  # noqa: S608
                    f"SELECT owed.webhook, owed.message, {', '.join(['%s'] * len(values))} FROM ({rows}) AS owed",
                    values + params,
                )

    def pending(self) -> "DeliveryQuerySet":
        """Owed, now or later."""
        return self.filter(state=self.model.State.PENDING)

    def due(self, now: datetime) -> "DeliveryQuerySet":
        """Owed now. Those of webhooks that are disabled, paused, being removed, or whose key is lost, wait."""
        waiting = self._waiting_webhooks()
        due = self.pending().filter(next_attempt_at__lte=now)
        if not waiting:
            return due
        oldest = self._oldest(waiting)
        if oldest is None:
            return self.none()
        # Not what has been waiting longer: of a webhook that was disabled that may be a million of rows, at each look.
        # The ids instead of a join: from a join the optimizer of MySQL may begin with the webhooks.
        return due.filter(next_attempt_at__gte=oldest).exclude(webhook_id__in=waiting)

    def next_due(self) -> datetime | None:
        """When the next delivery becomes due; None if nothing is owed to a webhook that takes it."""
        waiting = self._waiting_webhooks()
        return self._oldest(waiting) if waiting else self.pending().aggregate(at=models.Min("next_attempt_at"))["at"]

    def _oldest(self, waiting: Collection[int]) -> datetime | None:
        """When the first one becomes due that is owed to other webhooks than these. MySQL skips through an index."""
        first = self.pending().order_by().values("webhook_id").annotate(at=models.Min("next_attempt_at"))
        moments = dict(first.values_list("webhook_id", "at"))
        return min((at for pk, at in moments.items() if at is not None and pk not in waiting), default=None)

    def waiting(self) -> "DeliveryQuerySet":
        """Owed, to webhooks that do not take it now."""
        return self.pending().filter(webhook_id__in=self._waiting_webhooks())

    def _waiting_webhooks(self) -> set[int]:
        webhooks = Webhook.objects.using(self.db).order_by()
        waiting = set(webhooks.exclude(Q(**ACTIVE)).values_list("pk", flat=True))
        return waiting | lost_keys.hooks_without_key(webhooks.filter(**ACTIVE))

    # --- Claims

    def claim(
        self, ids: Sequence[int], holder: uuid.UUID, lease: timedelta, numbered: Collection[int] = ()
    ) -> list[int]:
        """
        Claim those of the deliveries that are still due and that nobody else is claiming.

        Args:
            ids: primary keys.
            holder: who claims.
            lease: for how long.
            numbered: webhooks of which everything that is claimed is a message: what has no number gets one here, if
                that takes no waiting.

        Returns:
            the primary keys of the claimed, in the order of ``ids``.
        """
        now = timezone.now()
        until = now + lease
        fields = {"claimed_by": holder, "claimed_until": until, "next_attempt_at": until, "scheduled_at": now}
        due = self.pending().filter(pk__in=ids, next_attempt_at__lte=now)
        if rows.can_pass_over(self.db):
            with transaction.atomic(using=self.db):
                # By primary key: locks on ranges of the index would make the platform's inserts wait.
                free = rows.lock_free(due.order_by()).values_list("pk", "webhook_id", "sequence")
                claimed = {pk: webhook_id for pk, webhook_id, _sequence in free}
                new = {pk for pk, webhook_id, sequence in free if sequence is None and webhook_id in numbered}
                numbers = self._give_numbers({pk: claimed[pk] for pk in ids if pk in new})
                more = {"sequence": each("id", numbers, "sequence")} if numbers else {}
                self.filter(pk__in=claimed).update(**fields, **more)
        else:
            # Compare and swap: whoever updates first makes the row no longer due.
            due.update(**fields)
            ours = self.filter(pk__in=ids, claimed_by=holder, claimed_until=until)
            claimed = dict.fromkeys(ours.values_list("pk", flat=True), 0)
        return [pk for pk in ids if pk in claimed]

    def _give_numbers(self, deliveries: Mapping[int, int]) -> dict[int, int]:
        """Numbers of those whose counters nobody else has now. To others webhooks/numbering.py gives theirs."""
        if not deliveries:
            return {}
        counters = SequenceCounter.objects.using(self.db)
        return counters.give(deliveries, counters.lock(set(deliveries.values())))

    def wanted(self, ids: Collection[int], holder: uuid.UUID) -> Iterator[int]:
        """Of deliveries that were claimed: those that are still the holder's, and whose webhook takes them."""
        ours = self.pending().filter(pk__in=ids, claimed_by=holder)
        return ours.exclude(webhook_id__in=self._waiting_webhooks()).order_by().values_list("pk", flat=True).iterator()

    def release(self, ids: Collection[int], holder: uuid.UUID) -> None:
        """
        Make deliveries that were claimed and not tried due again at once.

        Those that somebody has locked are left to the end of their lease: nobody waits for them.
        """
        now = timezone.now()
        claimed = self.filter(pk__in=ids, claimed_by=holder)
        with transaction.atomic(using=self.db):
            free = rows.lock_free(claimed.order_by()).values_list("pk", flat=True)
            self.filter(pk__in=list(free)).update(next_attempt_at=now, scheduled_at=now, **_UNCLAIMED)

    def repair_schedule(self, tolerance: timedelta) -> int:
        """
        Make due what was scheduled by a clock that was ahead: its moment of scheduling lies in the future. And what was
        never scheduled, because somebody wrote to the table.

        Args:
            tolerance: by how much the clocks of the site's machines may differ.

        Returns:
            how many there were.
        """
        now = timezone.now()
        wrong = self.pending().filter(Q(scheduled_at__gt=now + tolerance) | Q(next_attempt_at=None))
        return wrong.update(next_attempt_at=now, scheduled_at=now, **_UNCLAIMED)

    # --- What attempts came to: of the deliveries of a claim

    def succeed(self, ids: Collection[int], now: datetime) -> None:
        """The endpoint accepted them."""
        self._finish(ids, self.model.State.DELIVERED, now)

    def fail(self, ids: Collection[int], now: datetime) -> None:
        """They are given up."""
        self._finish(ids, self.model.State.FAILED, now)

    def skip(self, ids: Collection[int], now: datetime) -> None:
        """The webhook's own condition or shape says that there is nothing to send."""
        self._finish(ids, self.model.State.SKIPPED, now)

    def retry(self, moments: Mapping[int, datetime], now: datetime) -> None:
        """They are tried again, each at its moment."""
        self._tried(moments, next_attempt_at=_each(moments), scheduled_at=now)

    def _finish(self, ids, state, now):
        self._tried(ids, state=state, finished_at=now, next_attempt_at=None)

    def _tried(self, ids, **changes):
        if ids:
            self.filter(pk__in=list(ids)).update(
                attempt_count=_one_more("attempt_count"),
                schedule_position=_one_more("schedule_position"),
                **_UNCLAIMED,
                **changes,
            )

    # --- What operators do: to any deliveries, whatever their state

    def replayable(self) -> "DeliveryQuerySet":
        """Those that are finished and whose payload is still kept."""
        kept = {"event__payload__isnull": False, "event__keep_payload": True}
        return self.exclude(state=self.model.State.PENDING).filter(**kept)

    def replay(
        self, per_second: int, progress: Callable[[int], None] | None = None, start: datetime | None = None
    ) -> int:
        """
        Owe finished deliveries again, from the start of their schedule and with the same message id.

        ``per_second`` of them become due each second, so that the endpoint is not flooded and new deliveries are not
        delayed. Pending ones are left alone, and so are those whose payload is no longer kept.

        Args:
            per_second: at least 1.
            progress: called now and then with the number so far.
            start: when the first becomes due (aware); None: now.

        Returns:
            how many.
        """
        now, count = timezone.now(), 0
        for ids in _chunks(self.replayable()):
            moments = {pk: (start or now) + timedelta(seconds=(count + n) // per_second) for n, pk in enumerate(ids)}
            count += self._owe_again(moments, now)
            if progress:
                progress(count)
        return count

    def _owe_again(self, moments: Mapping[int, datetime], now: datetime) -> int:
        rows = self.model.objects.using(self.db).filter(pk__in=list(moments))
        with transaction.atomic(using=self.db):
            events = CapturedEvent.objects.using(self.db).hold(rows.order_by().values_list("event_id", flat=True))
            # The state again: somebody else may have been quicker.
            return rows.exclude(state=self.model.State.PENDING).filter(event_id__in=events).update(
                state=self.model.State.PENDING,
                schedule_position=0,
                next_attempt_at=_each(moments),
                scheduled_at=now,
                finished_at=None,
            )  # fmt: skip

    def retry_now(self) -> int:
        """Make pending deliveries due, unless one is being sent at this moment; how many."""
        now, rows = timezone.now(), self.model.objects.using(self.db).pending()
        free = Q(claimed_by=None) | Q(claimed_until__lte=now)
        return sum(
            rows.filter(free, pk__in=ids).update(next_attempt_at=now, scheduled_at=now)
            for ids in _chunks(self.pending())
        )

    def cancel(self) -> int:
        """Give up pending deliveries; how many. One that is being sent at this moment may arrive all the same."""
        rows = self.model.objects.using(self.db).pending()
        changes = {"state": self.model.State.CANCELLED, "finished_at": timezone.now(), "next_attempt_at": None}
        return sum(
            rows.filter(pk__in=ids).update(**changes, **_UNCLAIMED) for ids in _chunks(self.pending())
        )  # fmt: skip


def _one_more(column: str) -> Case:
    """A counter that somebody has set to the end of its column stays there: what was tried must be recorded."""
    return Case(
        When(**{f"{column}__lt": _MOST_COUNTED}, then=F(column) + 1), default=F(column), output_field=IntegerField()
    )


def chunked(ids: Iterable[int]) -> Iterator[tuple[int, ...]]:
    """As many at a time as one statement takes well."""
    return batched(ids, _CHUNK)


def _each(moments: Mapping[int, datetime]) -> Case:
    return Case(*(When(pk=pk, then=Value(when)) for pk, when in moments.items()), output_field=DateTimeField())


def _chunks(deliveries: DeliveryQuerySet) -> Iterator[list[int]]:
    """The primary keys, oldest first; read before the first change, so that no change moves a row past us."""
    return chunked(list(deliveries.order_by("pk").values_list("pk", flat=True)))
