"""
From an event to the rows that are owed for it, inside the platform's request and its transaction.

Nothing here goes over the network, and a failure costs the event's webhooks, never the platform.
"""

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import router, transaction

from .. import catalog, index, skips
from ..models import Delivery, Webhook
from ..payloads import serialize, shape
from .wakeups import nudge_on_commit

log = logging.getLogger(__name__)


def dispatch(event_type: catalog.EventType, kwargs: Mapping[str, Any], metadata) -> int:
    """
    Write one delivery for each enabled webhook that wants the event, in one INSERT.

    The rows belong to the caller's transaction: they commit or vanish with it. After the commit a worker is nudged.

    Args:
        event_type: the event's entry in the catalog.
        kwargs: the event's arguments, name → data.
        metadata: its ``EventsMetadata``.

    Returns:
        how many rows were written; rows that were there already (the same event from the event bus) count too.

    Raises:
        django.db.Error: the rows could not be written; the caller's transaction is still usable.
    """
    hooks = index.webhooks.get(event_type.event_type)
    if not hooks:
        return 0
    payload = serialize.event_payload(event_type, kwargs, metadata)
    user_id = serialize.user_id_of(payload)
    event_id = _uuid_of(getattr(metadata, "id", None))
    rows = [
        Delivery(webhook_id=hook.pk, event_id=event_id, event_type=event_type.event_type, payload=body, user_id=user_id)
        for hook in hooks
        if (body := body_for(hook, payload)) is not None
    ]
    if rows:
        using = router.db_for_write(Delivery)
        with transaction.atomic(using=using):
            Delivery.objects.using(using).bulk_create(rows, ignore_conflicts=True)
        nudge_on_commit(using)
    return len(rows)


def body_for(webhook: Webhook, payload: dict[str, Any]) -> Any:
    """
    What a webhook is sent for a payload: the payload or its shape; None if the condition does not match.

    An expression that fails on the payload counts as no match, and so does a shape whose result is null. Either is
    counted (:mod:`openedx_webhooks.skips`).
    """
    failed = skips.Reason.CONDITION_FAILED
    try:
        if webhook.compiled_condition is not None and not shape.matches(webhook.compiled_condition, payload):
            skips.note(webhook, skips.Reason.NO_MATCH)
            return None
        if webhook.compiled_shape is None:
            return payload
        failed = skips.Reason.SHAPE_FAILED
        body = shape.evaluate(webhook.compiled_shape, payload)
    except shape.ExpressionError as error:
        skips.note(webhook, failed, error)
        return None
    if body is None:
        skips.note(webhook, skips.Reason.NO_SHAPE)
    return body


def _uuid_of(value) -> uuid.UUID:
    """The event's id; events made without one (by hand, in tests of other packages) get a new one."""
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return uuid.uuid4()
