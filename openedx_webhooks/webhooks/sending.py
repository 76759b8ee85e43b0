"""One attempt: from a stored delivery to the outcome of one POST. No ORM here: this runs in threads."""

import attrs

from ..app_settings import app_settings
from ..models import Delivery, Webhook, signing_secrets
from ..payloads import encode
from ..transport import client, signing

# The payload was removed before the endpoint accepted it (the user was retired while an operator replayed it), so there
# is nothing left to send.
PAYLOAD_REMOVED = "payload_removed"
# These say nothing about the endpoint, and trying again would not change them.
FINAL_ERRORS = frozenset({PAYLOAD_REMOVED})


@attrs.frozen
class Result:
    """What an attempt came to."""

    delivery: Delivery
    webhook: Webhook
    outcome: client.Outcome


def attempt(delivery: Delivery, webhook: Webhook) -> Result:
    """Try once to deliver; never raises."""
    if delivery.payload is None:
        return Result(delivery, webhook, _not_sent(PAYLOAD_REMOVED, "the payload is no longer kept"))
    try:
        outcome = post(webhook, str(delivery.message_id), delivery.payload)
    except Exception as error:  # pylint: disable=broad-exception-caught
        # A malformed secret or header, for instance: the record says so, and the delivery can be replayed once it is
        # repaired. The text of the error may repeat the value, so only its kind is kept.
        outcome = _not_sent(signing.UNSENDABLE, type(error).__name__)
    return Result(delivery, webhook, outcome)


def post(webhook: Webhook, message_id: str, payload) -> client.Outcome:
    """
    Sign and send a payload to a webhook's endpoint.

    Args:
        webhook: unsaved ones will do.
        message_id: the ``webhook-id``.
        payload: a JSON value.

    Raises:
        ValueError: the webhook's secret is malformed.
    """
    body, content_type = encode.encode(payload, webhook.use_www_form_encoding)
    signature = signing_secrets.headers(webhook, message_id, body)
    headers = {**webhook.headers_to_send, "Content-Type": content_type, **signature}
    return client.post(
        webhook.webhook_url,
        body,
        headers,
        timeout=app_settings.DELIVERY_TIMEOUT_SECONDS,
        connect_timeout=app_settings.DELIVERY_CONNECT_TIMEOUT_SECONDS,
        max_bytes=app_settings.RESPONSE_MAX_BYTES,
    )


def _not_sent(error: str, detail: str) -> client.Outcome:
    return client.Outcome(error=error, detail=detail)
