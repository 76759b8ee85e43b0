"""
From an event to the rows that are owed for it, inside the platform's request and its transaction.

Nothing here goes over the network, and a failure costs the event's webhooks, never the platform.
"""

import logging
import time
import uuid
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from django.db import IntegrityError, OperationalError, connections, router
from django.utils import timezone

from .. import catalog, index, skips, throttle
from ..models import CapturedEvent, Delivery, Webhook
from ..payloads import serialize, shape, subject
from ..payloads.limits import METADATA
from ..savepoint import savepoint
from ..shared_cache import ask
from .wakeups import nudge_on_commit

log = logging.getLogger(__name__)
SAMPLE_SECONDS = 60
# For all conditions on one event, of the learner's request. A thousand plain ones take four times as long.
_CONDITIONS_SECONDS = 0.05


def capture(event_type: catalog.EventType, kwargs: Mapping[str, Any], metadata) -> int:
    """
    Keep an event that webhooks want, once, and owe it to each of them: two INSERTs, however many they are.

    The rows belong to the caller's transaction: they commit or vanish with it. After the commit a worker is nudged. An
    event that no condition matched is kept as a sample now and then, to try conditions on.

    Args:
        event_type: the event's entry in the catalog.
        kwargs: the event's arguments, name → data.
        metadata: its ``EventsMetadata``.

    Returns:
        how many webhooks it is owed to; 0 if it was captured before (the same event from the event bus).

    Raises:
        django.db.Error: the rows could not be written; the caller's transaction is still usable, or can't be committed.
    """
    hooks = index.webhooks.get(event_type.event_type)
    if not hooks:
        return 0
    payload = serialize.event_payload(event_type, kwargs, metadata)
    # What takes longer is owed unasked: the condition is asked again before anything is sent.
    end = time.monotonic() + _CONDITIONS_SECONDS
    owed = [hook for hook in hooks if time.monotonic() > end or _wants(hook, payload)]
    if not owed and not (any(hook.keep_payloads for hook in hooks) and _is_sample_due(event_type.event_type)):
        return 0
    event = _event(event_type, payload, metadata, is_sample=not owed)
    using = router.db_for_write(CapturedEvent)
    try:
        _write(event, owed, using)
    except IntegrityError:
        if not CapturedEvent.objects.using(using).filter(event_id=event.event_id).exists():
            raise
        return 0
    if owed:
        nudge_on_commit(using)
    return len(owed)


def _write(event: CapturedEvent, owed: list[Webhook], using: str) -> None:
    connection = connections[using]
    for is_last in (False, True):
        try:
            with savepoint(using):
                event.save(using=using, force_insert=True)
                Delivery.objects.using(using).owe(event, [hook.pk for hook in owed])
            return
        except OperationalError:
            # Inside the platform's transaction it is the platform's turn. Outside of one what happened has happened:
            # after a deadlock, or with a new connection, it can still be captured.
            if is_last or connection.in_atomic_block:
                raise
            connection.close_if_unusable_or_obsolete()


def _wants(webhook: Webhook, payload: dict[str, Any]) -> bool:
    """
    Whether the webhook's condition matches, or can't say.

    A condition that fails must not lose the event: the delivery fails in the worker, where the operator sees why.
    """
    try:
        if webhook.compiled_condition is None or shape.matches(webhook.compiled_condition, payload):
            return True
    except shape.ExpressionError:
        return True
    skips.note(webhook, skips.Reason.NO_MATCH)
    return False


def _event(event_type, payload, metadata, is_sample) -> CapturedEvent:
    about = subject.subject_of(payload)
    now = timezone.now()
    when = getattr(metadata, "time", None) or now
    return CapturedEvent(
        event_id=_uuid_of(getattr(metadata, "id", None) or payload[METADATA].get("id")),
        event_type=event_type.event_type,
        time=timezone.make_aware(when, UTC) if timezone.is_naive(when) else when,
        created=now,
        user_id=about.user_id,
        username=about.username,
        course_key=about.course_key,
        org=about.org,
        is_sample=is_sample,
        payload=payload,
    )


def _uuid_of(value) -> uuid.UUID:
    """The event's id; events made without one (by hand, in tests of other packages) get a new one."""
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return uuid.uuid4()


def _is_sample_due(event_type: str) -> bool:
    """At most one sample of a type in a minute: of this process for certain, of the site if the cache answers."""
    if not throttle.allows("sample", event_type, seconds=SAMPLE_SECONDS):
        return False
    return ask("add", f"openedx_webhooks:sample:{event_type}", 1, timeout=SAMPLE_SECONDS) is not False
