"""
Forgetting a retired user: what deliveries and calls hold about them is emptied when the platform says so, and the
histories of hooks no longer say that it was them.

The platform asks its plugins in two steps of a retirement, and turns an exception into a failed step that is tried
again. So nothing is caught here, and doing it twice changes nothing.
"""

import contextlib
import logging
from collections.abc import Collection

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import QuerySet

from ..background import process
from ..batches import batched
from ..models import CapturedEvent, Delivery, history
from ..webfilters.call_log import CallRecords
from . import recorded, retention

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
    forget(user.pk, *names_of(user))


def names_of(user) -> list[str]:
    """
    Usernames and e-mail addresses of a user. A retirement has already replaced the address, and at its end replaces the
    username, too: the platform keeps the ones of before until then.
    """
    status = None
    with contextlib.suppress(AttributeError, ObjectDoesNotExist):
        status = user.userretirementstatus
    names = [getattr(user, name, "") for name in ("username", "email")]
    names += [getattr(status, name, "") for name in ("original_username", "original_email")]
    return [name for name in dict.fromkeys(names) if name]


def forget(user_id: int, *names: str) -> None:
    """
    Empty what events, attempts and calls hold about a user, and give up what is still owed about them.

    An event that is still owed would carry the person's data to somebody after the retirement. One that is being sent
    at this moment may arrive all the same. The rows stay, without content, until their time is over.

    Args:
        user_id: the platform's id of the user, which a retirement does not change.
        names: usernames and e-mail addresses, for what names the user by these only.

    Raises:
        ValueError: it is no id.
        django.db.Error: something may not be emptied yet.
    """
    if not isinstance(user_id, int) or isinstance(user_id, bool):
        # None would mean everything that is about nobody.
        raise ValueError(f"A user's id is a number, not {type(user_id).__name__}")
    for rows in recorded.events_about(user_id, names):
        for ids in _steps(rows):
            _forget_events(rows.db, ids)
    # What another process is just about to write is found by the second of the platform's two steps.
    process.get(CallRecords).forget(user_id, *names)
    for rows in recorded.calls_about(user_id, names):
        for ids in _steps(rows):
            rows.model.objects.using(rows.db).filter(pk__in=ids).update(request_body=None, response_excerpt="")
    for rows in recorded.versions_by(user_id):
        rows.update(history_user_id=history.RETIRED)
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
