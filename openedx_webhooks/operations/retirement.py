"""
Forgetting a retired user: what deliveries and calls hold about them is emptied when the platform says so.

The platform asks its plugins in two steps of a retirement, and turns an exception into a failed step that is tried
again. So nothing is caught here, and doing it twice changes nothing.
"""

import logging
from collections.abc import Collection

from django.db import router, transaction
from django.db.models import QuerySet

from ..background import process
from ..batches import batched
from ..models import Call, CapturedEvent, Delivery
from ..webfilters.call_log import CallRecords
from . import retention

log = logging.getLogger(__name__)
_STEP_ROWS = 500


def connect() -> bool:
    """
    Listen to the platform's retirements; whether there is a platform here that has them.

    Both steps, because the first comes days after the request on some sites and before other plugins' work on others.
    """
    try:
        from openedx.core.djangoapps.user_api.accounts import signals  # pylint: disable=import-outside-toplevel
    except ImportError:
        return False
    for name in ("USER_RETIRE_LMS_MISC", "USER_RETIRE_LMS_CRITICAL"):
        getattr(signals, name).connect(on_retirement, dispatch_uid=f"openedx_webhooks.retirement.{name}")
    return True


def on_retirement(sender, user, **_kwargs) -> None:  # pylint: disable=unused-argument
    """
    Forget the user whom the platform retires.

    Raises:
        ValueError: the user has no id.
        django.db.Error: something may not be emptied yet.
    """
    forget(user.pk, user.username)


def forget(user_id: int, username: str = "") -> None:
    """
    Empty what events, attempts and calls hold about a user, and give up what is still owed about them.

    An event that is still owed would carry the person's data to somebody after the retirement. One that is being sent
    at this moment may arrive all the same. The rows stay, without content, until their time is over.

    Args:
        user_id: the platform's id of the user, which a retirement does not change.
        username: the user's, which it has not changed yet: for events that name nobody by an id.

    Raises:
        ValueError: it is no id.
        django.db.Error: something may not be emptied yet.
    """
    if not isinstance(user_id, int) or isinstance(user_id, bool):
        # None would mean everything that is about nobody.
        raise ValueError(f"A user's id is a number, not {type(user_id).__name__}")
    events = CapturedEvent.objects.using(router.db_for_write(CapturedEvent))
    # One after the other: each has an index.
    for about in ({"user_id": user_id}, {"user_id": None, "username": username} if username else None):
        for ids in _steps(events.filter(**about)) if about else ():
            _forget_events(events.db, ids)
    # What another process is just about to write is found by the second of the platform's two steps.
    process.get(CallRecords).forget(user_id, username)
    calls = Call.objects.using(router.db_for_write(Call)).filter(user_id=user_id)
    for ids in _steps(calls.exclude(retention.CALL_EMPTIED)):
        calls.filter(pk__in=ids).update(request_body=None, response_excerpt="")
    log.info("What was recorded about the retired user %s is emptied", user_id)


def _forget_events(using: str, ids: Collection[int]) -> None:
    with transaction.atomic(using=using):
        deliveries = Delivery.objects.using(using).filter(event_id__in=ids)
        deliveries.cancel()
        retention.empty_attempts(using, list(deliveries.order_by().values_list("pk", flat=True)))
        CapturedEvent.objects.using(using).filter(pk__in=ids).update(payload=None, username="")


def _steps(rows: QuerySet):
    """Primary keys, read before the first change."""
    return batched(list(rows.order_by("pk").values_list("pk", flat=True)), _STEP_ROWS)
