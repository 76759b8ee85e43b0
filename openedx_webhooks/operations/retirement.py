"""
Forgetting a retired user: what deliveries and calls hold about them is emptied when the platform says so, and the
histories of hooks no longer say that it was them.

The platform asks its plugins in two steps of a retirement, and turns an exception into a failed step that is tried
again. So nothing is caught here, and doing it twice changes nothing.
"""

import contextlib
import logging
from collections.abc import Callable, Collection

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import QuerySet

from ..app_settings import app_settings
from ..background import process
from ..batches import batched
from ..models import CapturedEvent, Delivery, history
from ..webfilters import call_log
from ..webhooks import discard, replay
from . import recorded

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

    Without RETIREMENT_CANCELS_PENDING what is owed is made due, and its payload goes as soon as it is finished. What
    waits for a webhook that takes nothing now, perhaps for ever, is given up all the same.

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
            _forget_events(rows.db, ids, _cancel if app_settings.RETIREMENT_CANCELS_PENDING else _hurry, username="")
    # What is owed of these is about somebody else, and must not be lost.
    rows = recorded.events_naming(names)
    for ids in _steps(rows):
        _forget_events(rows.db, ids, _still_owed)
    # What another process is just about to write is found by the second of the platform's two steps.
    process.get(call_log.CallRecords).forget(user_id, *names)
    for rows in recorded.calls_about(user_id, names):
        for ids in _steps(rows):
            rows.model.objects.using(rows.db).filter(pk__in=ids).update(**call_log.NOTHING)
    for rows in recorded.versions_by(user_id):
        rows.update(history_user_id=history.RETIRED)
    log.info("What was recorded about the retired user %s is emptied", user_id)


def _forget_events(using: str, ids: Collection[int], settle: Callable[[QuerySet], set[int]], **also: str) -> None:
    """
    Empty events and the attempts at delivering them.

    Args:
        settle: what is done with the deliveries that are pending; returns the events that are owed after it.
        also: what else changes in the events.
    """
    with transaction.atomic(using=using):
        # As those do who owe an event again: see webhooks/discard.py.
        rows = CapturedEvent.objects.using(using).filter(pk__in=ids).order_by("pk")
        events = list(rows.select_for_update().values_list("pk", flat=True))
        deliveries = Delivery.objects.using(using).filter(event_id__in=events)
        owed = settle(deliveries)
        # What is said of an attempt beside its result may quote the response.
        discard.empty_attempts(using, list(deliveries.order_by().values_list("pk", flat=True)), "detail")
        rows.filter(pk__in=owed).update(keep_payload=False, **also)
        rows.exclude(pk__in=owed).update(payload=None, **also)


def _cancel(deliveries: QuerySet[Delivery]) -> set[int]:
    deliveries.cancel()
    return set()


def _hurry(deliveries: QuerySet[Delivery]) -> set[int]:
    """Make due what can be sent, and cancel the rest."""
    deliveries.waiting().cancel()
    replay.retry_now(deliveries)
    return _still_owed(deliveries)


def _still_owed(deliveries: QuerySet[Delivery]) -> set[int]:
    return set(deliveries.pending().order_by().values_list("event_id", flat=True))


def _steps(rows: QuerySet):
    """Primary keys, read before the first change."""
    return batched(list(rows.order_by("pk").values_list("pk", flat=True)), _STEP_ROWS)
