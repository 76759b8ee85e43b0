"""
What is not kept once it was delivered: payloads of webhooks that keep none, and of users who were retired meanwhile.

A captured event is shared by all webhooks that it is owed to. Its payload goes when none of them needs it any more.
Whoever empties it, or owes it again, locks the event before looking at its deliveries: so none is ever owed a payload
that is going at that moment.
"""

import logging
from collections.abc import Collection, Iterable

from django.db import DatabaseError, transaction
from django.db.models import Q

from ..models import Attempt, CapturedEvent, Delivery
from ..models.delivery import FAILED_STATES
from ..rows import lock_free

log = logging.getLogger(__name__)
State = Delivery.State
EXCERPTS = ("request_excerpt", "response_excerpt")
# Which deliveries need the payload of their event, without a look at how old it is.
_NEEDS = Q(state=State.PENDING) | Q(event__keep_payload=True) & (
    Q(state__in=FAILED_STATES) | Q(webhook__keep_payloads=True)
)


def of_retired(using: str, event_ids: Collection[int]) -> set[int]:
    """The events that name somebody who was retired while they were still owed."""
    events = CapturedEvent.objects.using(using).filter(pk__in=event_ids, keep_payload=False)
    return set(events.values_list("pk", flat=True))


def payloads(using: str, event_ids: Collection[int]) -> None:
    """
    Empty the payloads that nobody needs any more. Never raises: retention finds what is left.

    After the deliveries' own transaction: of two that are finished at the same time, the later one sees both.
    """
    try:
        empty_events(using, event_ids, _NEEDS)
    except DatabaseError as error:
        log.warning("Payloads that are kept no longer are left to retention: %s", type(error).__name__)


def empty_events(using: str, event_ids: Iterable[int], needs: Q) -> None:
    """
    Empty the payloads of events of which no delivery needs them; an event that somebody has locked is left alone.

    Args:
        needs: which deliveries need the payload.
    """
    events = CapturedEvent.objects.using(using)
    with transaction.atomic(using=using):
        full = events.filter(pk__in=event_ids, payload__isnull=False)
        locked = list(lock_free(full.order_by("pk")).values_list("pk", flat=True))
        # A statement of its own, since it must see what was committed before the lock.
        if ids := unneeded(using, locked, needs):
            events.filter(pk__in=ids).update(payload=None)


def unneeded(using: str, event_ids: Iterable[int], needs: Q) -> set[int]:
    """Of events, those that have a payload which no delivery needs; arguments as of :func:`empty_events`."""
    full = CapturedEvent.objects.using(using).filter(pk__in=event_ids, payload__isnull=False)
    ids = set(full.values_list("pk", flat=True))
    needing = Delivery.objects.using(using).filter(needs, event_id__in=ids).order_by()
    return ids - set(needing.values_list("event_id", flat=True))


def empty_attempts(using: str, delivery_ids: Iterable[int], *also: str) -> None:
    """
    Empty what is kept of the requests and responses of deliveries.

    Args:
        also: other columns of text.
    """
    emptied = dict.fromkeys((*EXCERPTS, *also), "")
    rows = Attempt.objects.using(using)
    full = rows.filter(delivery_id__in=delivery_ids).exclude(**emptied).order_by()
    # By primary key: locks on ranges of the index would make the workers' inserts wait.
    if ids := list(full.values_list("pk", flat=True)):
        rows.filter(pk__in=ids).update(**emptied)
