"""Try a webhook out: one signed POST, marked as a test, now, without a delivery."""

import uuid
from typing import Any

from django.utils.translation import gettext as _

from ..hook_request import HookRequest, content_of, request_of
from ..models import KeyLost, Webhook
from ..payloads import samples, shape, trial
from ..payloads.limits import METADATA
from ..skips import Reason
from ..transport.client import Outcome
from . import health, sending


def _payload(webhook: Webhook, payload: dict[str, Any] | None) -> dict[str, Any]:
    if payload is None:
        event_type = webhook.known_type
        if event_type is None:
            raise ValueError(_("This installation has no event “%s”.") % webhook.event)
        payload = samples.sample_payload(event_type)
    return trial.marked(payload)


def _content(webhook: Webhook, payload: dict[str, Any]) -> Any:
    """What the shape makes of it, whatever the condition says."""
    try:
        content = content_of(webhook, payload)
    except shape.ExpressionError as error:
        raise sending.NothingToSend(Reason.SHAPE_FAILED, str(error)) from error
    if content is None:
        raise sending.NothingToSend(Reason.NO_SHAPE)
    return content


def send_test(webhook: Webhook, payload: dict[str, Any] | None = None) -> tuple[HookRequest | None, Outcome]:
    """
    Send a test to the webhook's endpoint, whatever its condition says. If it is accepted at the stored address, the
    endpoint is healthy again.

    Takes up to DELIVERY_TIMEOUT_SECONDS and never raises: what prevents sending is the outcome's error.

    Args:
        webhook: need not be saved.
        payload: of an event that was captured; None: a made-up one.

    Returns:
        what was sent, None if nothing was, and what came of it.
    """
    try:
        payload = _payload(webhook, payload)
        request = request_of(webhook, str(uuid.uuid4()), _content(webhook, payload), payload[METADATA])
    except sending.NothingToSend as reason:
        return None, Outcome(error=reason.kind, detail=str(reason))
    except ValueError as error:
        reason = Reason.KEY_LOST if isinstance(error, KeyLost) else Reason.UNSENDABLE
        return None, Outcome(error=reason, detail=str(error))
    request.our_headers.update(trial.HEADERS)
    outcome = sending.post(request)
    if outcome.is_accepted and webhook.pk:
        health.reset(Webhook.objects.filter(pk=webhook.pk, webhook_url=webhook.webhook_url))
    return request, outcome
