"""
Where a webhook's receiver finds out what it missed: ``/openedx_webhooks/receiver/…``, with the token of the webhook.

Answers are JSON, but for a message itself, which is as it was sent: the same body, type and signature.
"""

import functools
import json
import logging
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from .models import KeyLost, Webhook
from .models.row_fields import bounded
from .operations import receiver_access
from .webhooks import sending

log = logging.getLogger(__name__)
_MOST = receiver_access.MOST
_LARGEST = 2**63 - 1


class Refused(Exception):
    """
    Why there is no other answer.

    Attributes:
        status: of the response.
        code: for programs.
        text: for people, with what to do.
        headers: of the response.
    """

    def __init__(self, status: HTTPStatus, code: str, text: str, **headers: str):
        super().__init__(code)
        self.status, self.code, self.text = status, code, text
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def _view(method: str):
    """Make a function ``(request, webhook, **captured)`` a view for the receiver of the webhook."""

    def decorate(function):
        @functools.wraps(function)
        def view(request, **captured):
            try:
                if request.method != method:
                    text = _("Use %s.") % method
                    raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", text, Allow=method)
                webhook = _webhook_of(request)
                if method == "GET":
                    _count(webhook)
                return function(request, webhook, **captured)
            except Refused as refused:
                answer = {"error": refused.code, "message": refused.text}
                return JsonResponse(answer, status=refused.status, headers=refused.headers)

        return csrf_exempt(never_cache(view))

    return decorate


@sensitive_variables()
def _webhook_of(request) -> Webhook:
    """The webhook whose receiver asks."""
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    webhook = receiver_access.webhook_of(token.strip()) if kind.lower() == "bearer" else None
    if webhook is None:
        text = _(
            "Send the token of the webhook as “Authorization: Bearer whr_…”. The site's operator makes one on the "
            "webhook's page; the one before ends then."
        )
        raise Refused(HTTPStatus.UNAUTHORIZED, "unauthorized", text, WWW_Authenticate="Bearer")
    if not webhook.receiver_access:
        text = _("The receiver's access is switched off. The site's operator finds it under “Advanced” of the webhook.")
        raise Refused(HTTPStatus.FORBIDDEN, "access_off", text)
    if not webhook.enabled:
        text = _("The webhook is disabled: nothing is captured for it, and nothing given out. Ask the site's operator.")
        raise Refused(HTTPStatus.FORBIDDEN, "webhook_disabled", text)
    return webhook


def _count(webhook: Webhook) -> None:
    try:
        receiver_access.count_read(webhook)
    except receiver_access.TooSoon as error:
        text = _(
            "Up to %(most)d lists and messages in %(seconds)d seconds. A list has up to %(messages)d messages."
        ) % {"most": receiver_access.READS, "seconds": receiver_access.READS_SECONDS, "messages": _MOST}
        raise _too_soon(text, error) from error


def _too_soon(text: str, error: receiver_access.TooSoon) -> Refused:
    return Refused(HTTPStatus.TOO_MANY_REQUESTS, "too_soon", text, Retry_After=str(error.seconds))


@_view("GET")
def messages(request, webhook):
    """The messages after a number, or since a time, page by page."""
    given = _parameters(request, {"after": _number, "since": _moment, "limit": _limit})
    page = receiver_access.messages(webhook, **given)
    return JsonResponse(
        {
            "webhook": webhook.pk,
            "paused": webhook.paused,
            "last": page.last,
            "next_after": page.next_after,
            "messages": page.messages,
        }
    )


@_view("GET")
def message(_request, webhook, sequence):
    """One message, as it would be sent now."""
    try:
        made = receiver_access.request_of(webhook, min(sequence, _LARGEST))
    except receiver_access.UnknownMessage as error:
        text = _("There is no message of this number, or it was removed because it was old.")
        raise Refused(HTTPStatus.NOT_FOUND, "unknown_message", text) from error
    except sending.NothingToSend as reason:
        raise _nothing(reason) from reason
    except ValueError as error:
        kind = "key_lost" if isinstance(error, KeyLost) else "unsendable"
        text = _("The webhook's settings prevent the sending. Ask the site's operator, who sees why.")
        raise Refused(HTTPStatus.CONFLICT, kind, text) from error
    log.info("The receiver of webhook %s took its message %s", webhook.pk, sequence)
    return HttpResponse(made.body, headers=made.our_headers)


def _nothing(reason: sending.NothingToSend) -> Refused:
    if reason.kind == sending.PAYLOAD_REMOVED:
        text = _("The payload is kept no longer. What it told has to be looked up in another way.")
        return Refused(HTTPStatus.GONE, reason.kind, text)
    text = _("By its condition and shape, as they are now, the webhook makes nothing of it. Ask the site's operator.")
    return Refused(HTTPStatus.CONFLICT, str(reason.kind), text)


@_view("POST")
def send_again(request, webhook):
    """Have some messages sent again."""
    sequences = _sequences(request)
    try:
        became = receiver_access.send_again(webhook, sequences)
    except receiver_access.TooSoon as error:
        seconds = receiver_access.SEND_AGAIN_SECONDS
        text = _("Ask once in %(seconds)d seconds, for up to %(most)d messages.") % {"seconds": seconds, "most": _MOST}
        raise _too_soon(text, error) from error
    log.info("The receiver of webhook %s has %d messages sent again", webhook.pk, became["sent_again"])
    return JsonResponse({**became, "paused": webhook.paused}, status=HTTPStatus.ACCEPTED)


# --- What is given


def _parameters(request, readers) -> dict[str, Any]:
    if unknown := sorted(set(request.GET) - readers.keys()):
        text = _("“%(given)s” is unknown here. Known: %(known)s.")
        raise _wrong(text % {"given": unknown[0][:50], "known": ", ".join(readers)})
    return {name: readers[name](text) for name, text in request.GET.items()}


def _wrong(text: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, "invalid", text)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= _LARGEST):
        raise _wrong(_("“after” is the number of a message: a whole number, 0 for the beginning."))
    return int(text)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= _MOST):
        raise _wrong(_("“limit” is a whole number from 1 to %d.") % _MOST)
    return int(text)


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    # A plus sign in a query is a blank, unless it is written as %2B.
    if moment is None or not is_aware(moment):
        raise _wrong(_("“since” is a time with its offset, such as 2026-11-24T18:30:00Z."))
    return bounded(moment)


def _sequences(request) -> list[int]:
    try:
        given = json.loads(request.body)
        sequences = given["sequences"]
        is_right = isinstance(sequences, list) and 1 <= len(sequences) <= _MOST
    except (ValueError, TypeError, KeyError, RecursionError):
        is_right = False
    if not is_right or not all(type(one) is int and 1 <= one <= _LARGEST for one in sequences):
        raise _wrong(_('Send {"sequences": [1, 2, 3]}: the numbers of 1 to %d messages.') % _MOST)
    return sequences
