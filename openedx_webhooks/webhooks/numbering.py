"""
The numbers of a webhook's messages, ``webhook-sequence``: 1, 2, 3, … without a gap, given before the first attempt.

Number and counter are written in one short transaction: a worker that is killed leaves a delivery with its number and
the counter behind it, or neither. The counter's row is locked until the commit, so whoever reads a number finds all
those below it. Only what is about to be sent gets one: what the webhook's own condition or shape skips, and what was
cancelled before, was never a message.

A webhook with neither gets its numbers while its deliveries are claimed, in the same transaction and by the same
UPDATE. What is left is done here: conditions and shapes are tried first, another worker may have had the counter, and
some databases can't pass over what is locked.
"""

import time
import uuid
from collections.abc import Collection, Mapping

from django.db import transaction
from django.db.models import Max

from ..models import Delivery
from ..models.sequence import SequenceCounter, each
from ..rows import lock_free

# Another worker has a counter for milliseconds. If its machine died with it, the webhook waits, and no other one.
_WAITS_SECONDS = (0.01, 0.03, 0.1, 0.3)


def number(deliveries: Collection[Delivery], holder: uuid.UUID) -> set[int]:
    """
    Give claimed deliveries that have no number the next ones of their webhooks, in the given order.

    Args:
        deliveries: their ``sequence`` is set.
        holder: who claimed them.

    Returns:
        the primary keys of those that can't be sent now: a counter or a delivery is locked, or the claim was lost.
    """
    using = Delivery.objects.writable().db
    left, refused = {delivery.pk: delivery for delivery in deliveries}, set()
    for wait in (0, *_WAITS_SECONDS):
        if not left:
            break
        time.sleep(wait)
        tried, ours = _number_some(using, left, holder)
        refused |= tried - ours
        left = {pk: delivery for pk, delivery in left.items() if pk not in tried}
        _make_counters(using, {delivery.webhook_id for delivery in left.values()})
    return refused | left.keys()


def _number_some(using: str, deliveries: Mapping[int, Delivery], holder: uuid.UUID) -> tuple[set[int], set[int]]:
    """Number those whose counters are free; which they were, and which of them can be sent now."""
    rows, counters = Delivery.objects.using(using), SequenceCounter.objects.using(using)
    with transaction.atomic(using=using):
        last = counters.lock({delivery.webhook_id for delivery in deliveries.values()})
        tried = {pk for pk, delivery in deliveries.items() if delivery.webhook_id in last}
        ours = rows.filter(pk__in=tried, claimed_by=holder, sequence=None).order_by()
        # Whoever has locked one, such as an operator who cancels it, is not waited for: others wait for the counter.
        ours = set(lock_free(ours).values_list("pk", flat=True))
        numbers = counters.give({pk: one.webhook_id for pk, one in deliveries.items() if pk in ours}, last)
        if numbers:
            rows.filter(pk__in=list(numbers)).update(sequence=each("id", numbers, "sequence"))
    for pk, given in numbers.items():
        deliveries[pk].sequence = given
    # All of these, also where somebody has written to the counter, and it has come to its end: they go without.
    return tried, ours


def _make_counters(using: str, webhook_ids: Collection[int]) -> None:
    """Make those that are not there: a webhook's first message, or a table that somebody has emptied."""
    if not webhook_ids:
        return
    rows, counters = Delivery.objects.using(using), SequenceCounter.objects.using(using)
    there = set(counters.filter(pk__in=webhook_ids).values_list("pk", flat=True))
    made = [
        SequenceCounter(webhook_id=pk, last=rows.filter(webhook_id=pk).aggregate(last=Max("sequence"))["last"] or 0)
        for pk in webhook_ids
        if pk not in there
    ]
    # Another worker may do the same at this moment.
    counters.bulk_create(made, ignore_conflicts=True)
