"""
Forgetting a retired user: what deliveries and calls hold about them is emptied when the platform says so, and the
histories of hooks no longer say that it was them.

The platform asks its plugins in two steps of a retirement, and turns an exception into a failed step that is tried
again. So nothing is caught here, and doing it twice changes nothing.
"""

import logging
from collections.abc import Callable, Collection

from django.db import transaction
from django.db.models import QuerySet

from ..app_settings import app_settings
from ..background import process
from ..batches import batched
from ..models import CapturedEvent, Delivery, history
from ..payloads.mentions import Person
from ..webfilters import call_log, response_cache
from ..webhooks import discard, replay
from . import recorded
from .people import person_of

log = logging.getLogger(__name__)
_STEP_ROWS = 500
_EMPTY_ATTEMPT = dict.fromkeys((*discard.EXCERPTS, "detail"), "")
# What is done with the deliveries that are pending; returns the events that are owed after it.
_Settle = Callable[[QuerySet], set[int]]


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
        Exception: something may not be emptied yet.
    """
    forget(person_of(user))


def forget(person: Person) -> None:
    """
    Empty what events, attempts, calls and cached answers hold about a user, and give up what is still owed about them.

    An event that is still owed would carry the person's data to somebody after the retirement. One that is being sent
    at this moment may arrive all the same. The rows stay, without content, until their time is over.

    Without RETIREMENT_CANCELS_PENDING what is owed is made due, and its payload goes as soon as it is finished. What
    waits for a webhook that takes nothing now, perhaps for ever, is given up all the same.

    Args:
        person: with the platform's id of the user, which a retirement does not change.

    Raises:
        ValueError: it is no id.
        django.db.Error: something may not be emptied yet; so do the errors of a cache that is away.
    """
    if not isinstance(person.user_id, int) or isinstance(person.user_id, bool):
        # None would mean everything that is about nobody.
        raise ValueError(f"A user's id is a number, not {type(person.user_id).__name__}")
    settle = _cancel if app_settings.RETIREMENT_CANCELS_PENDING else _hurry
    for rows in recorded.events_about(person):
        for ids in _steps(rows):
            _forget_events(rows.db, ids, settle, username="")
    # What another process is just about to write is found by the second of the platform's two steps.
    process.get(call_log.CallRecords).forget(person)
    for rows in recorded.calls_about(person):
        for ids in _steps(rows):
            _forget_calls(rows, ids)
    response_cache.forget(person)
    for rows in recorded.versions_by(person):
        rows.update(history_user_id=history.RETIRED)
    if app_settings.RETIREMENT_SEARCHES_TEXTS:
        _forget_mentions(person, settle)
    log.info("What was recorded about the retired user %s is emptied", person.user_id)


def _forget_mentions(person: Person, settle: _Settle) -> None:
    """Empty what is not about the user, or not known to be, and names them."""
    for found in recorded.events_naming(person):
        # What is owed of the others is about somebody else, and must not be lost.
        _forget_events(found.rows.db, found.ids, settle if found.is_theirs else _still_owed)
    for found in recorded.attempts_naming(person):
        found.rows.filter(pk__in=found.ids).update(**_EMPTY_ATTEMPT)
    for found in recorded.calls_naming(person):
        _forget_calls(found.rows, found.ids)


def _forget_calls(rows: QuerySet, ids: Collection[int]) -> None:
    rows.model.objects.using(rows.db).filter(pk__in=ids).update(**call_log.NOTHING)


def _forget_events(using: str, ids: Collection[int], settle: _Settle, **also: str) -> None:
    """
    Empty events and the attempts at delivering them.

    Args:
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
