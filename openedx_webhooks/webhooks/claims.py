"""
Who sends what: claims on due deliveries.

A claim is a lease. It marks the row and moves ``next_attempt_at`` to the end of the lease, so that nobody else finds it
due; if its holder dies, the row becomes due again by itself.
"""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connections, router, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from ..app_settings import app_settings
from ..models import Delivery, Webhook

_MOST_ORPHANS = 500


def due(now: datetime):
    """Deliveries that are due; those of disabled webhooks wait until they are enabled again."""
    return Delivery.objects.using(database()).filter(
        state=Delivery.State.PENDING, next_attempt_at__lte=now, webhook__enabled=True
    )


def database() -> str:
    """The alias of the database that holds the deliveries."""
    return router.db_for_write(Delivery)


def candidates(now: datetime, without: Collection[int], most: int) -> list[tuple[int, int]]:
    """
    The ids of the longest due deliveries and of their webhooks, without locking anything.

    Args:
        now: aware.
        without: ids of webhooks to pass over.
        most: how many.
    """
    rows = due(now).order_by("next_attempt_at")
    if without:
        rows = rows.exclude(webhook_id__in=without)
    return list(rows.values_list("pk", "webhook_id")[:most])


def claim(ids: Collection[int], holder: uuid.UUID) -> list[Delivery]:
    """
    Claim those of the deliveries that are still due and that nobody else is claiming.

    Args:
        ids: of candidates.
        holder: who claims.

    Returns:
        the claimed deliveries, ``claimed_until`` set.
    """
    now = timezone.now()
    until = now + lease()
    lease_fields = {"claimed_by": holder, "claimed_until": until, "next_attempt_at": until}
    using = database()
    rows = Delivery.objects.using(using)
    still_due = rows.filter(pk__in=ids, state=Delivery.State.PENDING, next_attempt_at__lte=now)
    if connections[using].features.has_select_for_update_skip_locked:
        with transaction.atomic(using=using):
            # By primary key: locks on ranges of the index would make the platform's inserts wait.
            claimed = list(still_due.select_for_update(skip_locked=True))
            rows.filter(pk__in=[delivery.pk for delivery in claimed]).update(**lease_fields)
        for delivery in claimed:
            delivery.claimed_by, delivery.claimed_until, delivery.next_attempt_at = holder, until, until
        return claimed
    # Compare and swap: whoever updates first makes the row no longer due.
    if not still_due.update(**lease_fields):
        return []
    return list(rows.filter(pk__in=ids, claimed_by=holder, claimed_until=until))


def release(ids: Collection[int], holder: uuid.UUID) -> None:
    """Make deliveries that were claimed and not tried due again at once."""
    Delivery.objects.using(database()).filter(pk__in=ids, claimed_by=holder).update(
        claimed_by=None, claimed_until=None, next_attempt_at=timezone.now()
    )


def drop_orphans() -> int:
    """
    Delete due deliveries whose webhook is gone: an event may come in another process in the seconds after a webhook
    was deleted.

    Returns:
        how many there were.
    """
    webhooks = Webhook.objects.using(database()).filter(pk=OuterRef("webhook_id"))
    rows = Delivery.objects.using(database())
    orphans = rows.filter(~Exists(webhooks), state=Delivery.State.PENDING, next_attempt_at__lte=timezone.now())
    ids = list(orphans.order_by().values_list("pk", flat=True)[:_MOST_ORPHANS])
    if ids:
        rows.filter(pk__in=ids).delete()
    return len(ids)


def lease() -> timedelta:
    """How long a claim holds: longer than any attempt takes, whatever the settings say."""
    seconds = max(app_settings.DELIVERY_LEASE_SECONDS, 2 * app_settings.DELIVERY_TIMEOUT_SECONDS + 10)
    return timedelta(seconds=seconds)
