"""
One attempt: from a captured event to the outcome of one POST, by the webhook as it is now. No ORM here: this runs in
threads.
"""

from typing import Any

import attrs

from .. import hook_request
from ..app_settings import app_settings
from ..hook_request import HookRequest, request_of
from ..models import CapturedEvent, Delivery, KeyLost, Webhook
from ..models.json_fields import Unreadable
from ..payloads import limits, shape
from ..skips import Reason
from ..transport import client

# Why nothing was sent, beside the reasons of skips.py. The payload is gone: it was too old, or its user was retired,
# while the delivery waited.
PAYLOAD_REMOVED = "payload_removed"
# The captured payload is no JSON: somebody has written to the table.
PAYLOAD_UNREADABLE = "payload_unreadable"
# No later attempt would change these, and neither is a fault of the webhook.
_HOPELESS = frozenset({PAYLOAD_REMOVED, PAYLOAD_UNREADABLE})
# The webhook's own condition or shape says that there is nothing to send.
SKIPPED = frozenset({Reason.NO_MATCH, Reason.NO_SHAPE})
# Of attempts for which there was nothing to send, and that therefore tell nothing of the webhook.
NOT_SENT = SKIPPED | _HOPELESS


@attrs.frozen
class Result:
    """
    What an attempt came to.

    Attributes:
        request: what was sent; None if nothing was.
    """

    delivery: Delivery
    webhook: Webhook
    outcome: client.Outcome
    request: HookRequest | None = None

    @property
    def is_skipped(self) -> bool:
        """There was nothing to send, and that is as the operator wants it."""
        return self.outcome.error in SKIPPED

    @property
    def is_hopeless(self) -> bool:
        """No later attempt would change it."""
        return self.outcome.error in _HOPELESS

    @property
    def is_failure(self) -> bool:
        """It counts against the webhook: its endpoint did not accept, or its own settings prevented the sending."""
        return not (self.outcome.is_accepted or self.is_skipped or self.is_hopeless)

    @property
    def is_endpoint_well(self) -> bool:
        """The endpoint answers, whatever it says; or was not asked."""
        outcome = self.outcome
        return self.request is None or (outcome.status_code not in (None, 429) and not outcome.is_5xx)


@attrs.frozen
class Content:
    """
    What a webhook, as it is now, makes of a captured event: made once, though two threads want to know.

    Attributes:
        value: a JSON value.
        problem: why there is none.
    """

    value: Any = None
    problem: Exception | None = None

    @classmethod
    def of(cls, webhook: Webhook, event: CapturedEvent | None) -> "Content":
        """Never raises."""
        try:
            return cls(content_of(webhook, event))
        except Exception as error:  # pylint: disable=broad-exception-caught
            return cls(problem=error)

    @property
    def is_message(self) -> bool:
        """There is something to send, or should be."""
        return not (isinstance(self.problem, NothingToSend) and self.problem.kind in SKIPPED)


def attempt(
    delivery: Delivery, webhook: Webhook, event: CapturedEvent | None, content: Content | None = None
) -> Result:
    """
    Try once to deliver; never raises.

    Args:
        content: if it is known already.
    """
    request = None
    try:
        request = request_for(delivery, webhook, event, content)
        outcome = post(request)
    except NothingToSend as reason:
        outcome = client.Outcome(error=reason.kind, detail=str(reason))
    except KeyLost as error:
        # Since the claim: those of such a webhook are not claimed.
        outcome = client.Outcome(error=Reason.KEY_LOST, detail=str(error))
    except ValueError as error:
        # The secret, the headers or the credentials are malformed: the record says so, and the delivery is retried.
        outcome = client.Outcome(error=Reason.UNSENDABLE, detail=str(error))
    except Exception as error:  # pylint: disable=broad-exception-caught
        # The text of an unexpected error may repeat the value, so only its kind is kept.
        outcome = client.Outcome(error=Reason.UNSENDABLE, detail=type(error).__name__)
    return Result(delivery, webhook, outcome, request)


def request_for(
    delivery: Delivery, webhook: Webhook, event: CapturedEvent | None, content: Content | None = None
) -> HookRequest:
    """
    What would be sent now, by the webhook as it is; arguments as for :func:`attempt`.

    Raises:
        NothingToSend: there is no content.
        ValueError: as of :func:`~openedx_webhooks.hook_request.request_of`.
    """
    content = content or Content.of(webhook, event)
    if content.problem is not None:
        raise content.problem
    request = request_of(webhook, str(delivery.sent_id), content.value, event.payload.get(limits.METADATA, {}))
    if delivery.sequence is not None:
        request.our_headers["webhook-sequence"] = str(delivery.sequence)
    return request


def skips_nothing(webhook: Webhook) -> bool:
    """Whether all that a webhook is owed is a message: it has neither a condition nor a shape."""
    return not (webhook.condition or webhook.shape)


class NothingToSend(Exception):
    """
    There is no content to send.

    Attributes:
        kind: a :class:`~openedx_webhooks.skips.Reason`, or one of the two above.
    """

    def __init__(self, kind: str, detail: str = ""):
        super().__init__(detail)
        self.kind = kind


def content_of(webhook: Webhook, event: CapturedEvent | None):
    """
    What a webhook, as it is now, makes of a captured event.

    Raises:
        NothingToSend: nothing, and why.
        ValueError: as of :meth:`.Hook.let_out`.
    """
    if event is None or event.payload is None:
        raise NothingToSend(PAYLOAD_REMOVED)
    if isinstance(event.payload, Unreadable) or not isinstance(event.payload, dict):
        raise NothingToSend(PAYLOAD_UNREADABLE)
    failed = Reason.CONDITION_FAILED
    try:
        if webhook.compiled_condition is not None and not shape.matches(webhook.compiled_condition, event.payload):
            raise NothingToSend(Reason.NO_MATCH)
        failed = Reason.SHAPE_FAILED
        content = hook_request.content_of(webhook, event.payload)
    except shape.ExpressionError as error:
        expression = webhook.condition if failed == Reason.CONDITION_FAILED else webhook.shape
        raise NothingToSend(failed, f"{error} — {expression[:500]}") from error
    if content is None:
        raise NothingToSend(Reason.NO_SHAPE)
    return content


def post(request: HookRequest) -> client.Outcome:
    """POST a webhook's request within the site's limits for deliveries; never raises."""
    return hook_request.post(
        request,
        timeout=app_settings.DELIVERY_TIMEOUT_SECONDS,
        connect_timeout=app_settings.DELIVERY_CONNECT_TIMEOUT_SECONDS,
        max_bytes=app_settings.RESPONSE_MAX_BYTES,
    )
