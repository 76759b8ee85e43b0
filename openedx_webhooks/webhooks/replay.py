"""
Operators' interventions on a queryset of deliveries: send again, try now, give up.

Each says how many deliveries it changed; others may be working on the same rows meanwhile. The sending itself is the
workers' business. What pages do with many is in :mod:`.resending`.
"""

from collections.abc import Callable
from datetime import datetime

from django.db.models import QuerySet

from ..models import Delivery, Webhook
from ..models.delivery import FAILED_STATES
from .resending import per_second
from .wakeups import nudge_on_commit


def failed_since(webhook: Webhook, since: datetime) -> QuerySet[Delivery]:
    """The deliveries of a webhook that were given up since then (aware)."""
    return Delivery.objects.filter(webhook=webhook, state__in=FAILED_STATES, finished_at__gte=since)


def replay(deliveries: QuerySet[Delivery], progress: Callable[[int], None] | None = None) -> int:
    """
    Owe finished deliveries again, REPLAY_PER_SECOND of them each second; see :meth:`DeliveryQuerySet.replay`.

    What is sent is made anew, by the webhook as it is now: a correction since then counts.
    """
    return _done(deliveries.writable().replay(per_second(), progress))


def retry_now(deliveries: QuerySet[Delivery]) -> int:
    """Make pending deliveries due, unless one is being sent at this moment."""
    return _done(deliveries.writable().retry_now())


def cancel(deliveries: QuerySet[Delivery]) -> int:
    """Give up pending deliveries. One that is being sent at this moment may arrive all the same."""
    return deliveries.writable().cancel()


def _done(count: int) -> int:
    if count:
        nudge_on_commit(Delivery.objects.writable().db)
    return count
