"""What a receiver needs to find out what it missed: how far the numbers of its messages go, and a token to ask with."""

from collections.abc import Collection, Mapping

from django.db import models
from django.db.models import F
from django.db.models.expressions import RawSQL
from django.utils import timezone

from .. import rows
from .row_fields import MomentField
from .webhook import Webhook

# That a column takes.
_LARGEST = 2**63 - 1


class SequenceCounterQuerySet(models.QuerySet):
    """Counters, locked by workers only."""

    def lock(self, webhook_ids: Collection[int]) -> dict[int, int]:
        """Webhook → its last number, of those that nobody else is counting on; locked until the transaction ends."""
        counters = self.filter(pk__in=webhook_ids)
        if rows.can_pass_over(self.db):
            counters = rows.lock_free(counters)
        else:
            # SQLite locks nothing for who reads.
            counters.update(last=F("last"))
        return dict(counters.values_list("webhook_id", "last"))

    def give(self, deliveries: Mapping[int, int], last: dict[int, int]) -> dict[int, int]:
        """
        Take the next numbers, under the lock, for deliveries whose counters it has.

        Args:
            deliveries: primary key → webhook, in the order in which they get them.
            last: as :meth:`lock` has returned it; is moved on.

        Returns:
            delivery → number.
        """
        numbers: dict[int, int] = {}
        for pk, webhook_id in deliveries.items():
            if last.get(webhook_id, _LARGEST) < _LARGEST:
                numbers[pk] = last[webhook_id] = last[webhook_id] + 1
        if numbers:
            moved = {webhook_id: last[webhook_id] for webhook_id in {deliveries[pk] for pk in numbers}}
            self.filter(pk__in=moved).update(last=each("webhook_id", moved, "last"))
        return numbers


def each(column: str, values: Mapping[int, int], otherwise: str) -> RawSQL:
    """
    Primary key → value. Of objects, Django's Case for a hundred of them takes longer than the database.

    Args:
        column: that the keys are of.
        otherwise: the column that has the value of all others.
    """
    params = [number for pair in values.items() for number in pair]
    return RawSQL(f"CASE {column} {'WHEN %s THEN %s ' * len(values)}ELSE {otherwise} END", params)  # noqa: S611


class SequenceCounter(models.Model):
    """
    The number that a webhook gave last: the ``webhook-sequence`` of its newest message.

    A table of its own, for this row is locked by every worker that has something for the webhook, and the webhook's own
    by every operator who changes it.

    .. no_pii:
    """

    webhook = models.OneToOneField(
        Webhook, primary_key=True, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    last = models.BigIntegerField(default=0)

    objects = SequenceCounterQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self):
        return f"{self.webhook_id}: {self.last}"


class ReceiverToken(models.Model):
    """
    With what a webhook's receiver asks for what it missed. Beside the webhook, so that no copy of that has it, too.

    .. no_pii:
    """

    webhook = models.OneToOneField(
        Webhook, primary_key=True, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    # SHA-256, as hexadecimal digits. A token is random and long: nothing slower is needed.
    digest = models.CharField(max_length=64)
    # Of the endpoint. Whoever received the messages before they went elsewhere must not read on.
    server = models.CharField(max_length=300)
    created = MomentField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self):
        return f"{self.webhook_id}"
