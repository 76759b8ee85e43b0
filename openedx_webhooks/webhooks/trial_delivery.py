"""Try a webhook out: one signed POST of made-up data, now, without a delivery."""

import uuid
from typing import Any

from django.utils.translation import gettext as _

from ..hook_request import HookRequest, request_of
from ..models import Webhook
from ..payloads import samples, shape
from ..payloads.limits import METADATA
from ..transport import signing
from ..transport.client import Outcome
from . import health, sending


def sample_content(webhook: Webhook) -> tuple[Any, dict[str, Any]]:
    """
    What the webhook would be sent for a made-up event: through its shape, whatever its condition says.

    Returns:
        the content, and the event's metadata.

    Raises:
        ValueError: this installation doesn't know the event type, or the shape fails on the sample.
    """
    event_type = webhook.known_type
    if event_type is None:
        raise ValueError(_("This installation has no event “%s”.") % webhook.event)
    payload = samples.sample_payload(event_type)
    content = payload if webhook.compiled_shape is None else shape.evaluate(webhook.compiled_shape, payload)
    return content, payload[METADATA]


def send_sample(webhook: Webhook) -> tuple[HookRequest | None, Outcome]:
    """
    Send a sample to the webhook's endpoint; if it is accepted, the endpoint is healthy again.

    Takes up to DELIVERY_TIMEOUT_SECONDS and never raises: what prevents sending is the outcome's error ``unsendable``.

    Returns:
        what was sent, None if nothing was, and what came of it.
    """
    try:
        content, metadata = sample_content(webhook)
        request = request_of(webhook, str(uuid.uuid4()), content, metadata)
    except ValueError as error:
        return None, Outcome(error=signing.UNSENDABLE, detail=str(error))
    outcome = sending.post(request)
    if outcome.is_accepted and webhook.pk:
        health.reset(Webhook.objects.filter(pk=webhook.pk))
    return request, outcome
