"""
What an attempt came to, in words: for each status and each kind of error a few words for lists, and a sentence for the
page that says what it means and what to do. The kinds are those of transport, of both flows and of signing.
"""

import attrs
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Attempt, Call, Delivery, Webfilter
from ..skips import Reason
from ..webhooks import sending


@attrs.frozen
class Kind:
    """
    Why there was no usable response.

    Attributes:
        short: stands beside a status or instead of it.
        meaning: a sentence or two, with what to do.
        tone: of its badge.
    """

    short: str
    meaning: str
    tone: str = "bad"


KINDS = {
    # --- Of an exchange
    "bad_response": Kind(
        gettext_lazy("not understood"),
        gettext_lazy("Something answered, but not in HTTP as we understand it: is the address that of a web server?"),
    ),
    "connect": Kind(
        gettext_lazy("not reachable"),
        gettext_lazy(
            "The server could not be reached: it does not run, or a firewall is in between. Seen from the LMS's "
            "container, “localhost” is the container itself."
        ),
    ),
    "dns": Kind(
        gettext_lazy("name not found"),
        gettext_lazy("The name of the server could not be found: it is misspelt, or not known in the LMS's network."),
    ),
    "invalid": Kind(
        gettext_lazy("bad address"),
        gettext_lazy("The address or a header has characters that HTTP cannot carry: correct it on the hook's page."),
    ),
    "proxy": Kind(
        gettext_lazy("proxy failed"),
        gettext_lazy(
            "The proxy that the environment names (HTTP_PROXY, HTTPS_PROXY) refused, or could not be reached. Servers "
            "that need no proxy belong into NO_PROXY."
        ),
    ),
    "refused_address": Kind(
        gettext_lazy("address not allowed"),
        gettext_lazy(
            "Nothing was sent: the address leads to a server that this site does not send to, such as a metadata "
            "service, or a private one with DENY_PRIVATE_ADDRESSES."
        ),
    ),
    "reset": Kind(
        gettext_lazy("connection broke"),
        gettext_lazy("The connection ended before the response was complete: the server or something before it broke."),
    ),
    "timeout": Kind(
        gettext_lazy("timed out"),
        gettext_lazy(
            "The endpoint did not answer in time. It may have got the request all the same. A receiver should answer "
            "first and work afterwards."
        ),
    ),
    "tls": Kind(
        gettext_lazy("TLS failed"),
        gettext_lazy(
            "There was no safe connection: the server's certificate is not valid for this name, has expired, or was "
            "issued by an authority that this site does not trust (CA_BUNDLE)."
        ),
    ),
    "too_large": Kind(
        gettext_lazy("too large"),
        gettext_lazy("The response was larger than RESPONSE_MAX_BYTES, so it was not read to its end."),
    ),
    # --- Of the hook's own settings
    "unsendable": Kind(
        gettext_lazy("cannot be sent"),
        gettext_lazy(
            "Nothing was sent: the hook's secret, headers or authentication are malformed. Make a secret on its page, "
            "or enter the others again."
        ),
    ),
    Reason.KEY_LOST: Kind(
        gettext_lazy("key lost"),
        gettext_lazy(
            "Nothing was sent: the site's key was lost or changed, so that the hook's secret, headers or credentials "
            "can't be read. Restore the key, or enter them again."
        ),
    ),
    Reason.NO_TOKEN: Kind(
        gettext_lazy("no access token"),
        gettext_lazy(
            "Nothing was sent: the token server of the hook's authentication (OAuth 2.0) gave no access token. Compare "
            "token URL, client ID, secret and scope with what the service says."
        ),
    ),
    Reason.CONDITION_FAILED: Kind(
        gettext_lazy("condition failed"),
        gettext_lazy(
            "Nothing was sent: the webhook's condition cannot be applied to this payload. Correct the condition."
        ),
    ),
    Reason.SHAPE_FAILED: Kind(
        gettext_lazy("shape failed"),
        gettext_lazy("Nothing was sent: the webhook's shape cannot be applied to this payload. Correct the shape."),
    ),
    Reason.NO_MATCH: Kind(
        gettext_lazy("condition not met"),
        gettext_lazy("Nothing was sent: the webhook's condition, as it was then, is not true of this event."),
        tone="quiet",
    ),
    Reason.NO_SHAPE: Kind(
        gettext_lazy("nothing to send"),
        gettext_lazy(
            "Nothing was sent: the webhook's shape, as it was then, gives null for this event. Is that not meant so, "
            "look for a misspelt key."
        ),
        tone="quiet",
    ),
    # --- Of the captured event
    sending.PAYLOAD_REMOVED: Kind(
        gettext_lazy("payload removed"),
        gettext_lazy(
            "There is nothing left to send: the payload was removed, for its age, by its webhook or with its user's "
            "data."
        ),
    ),
    sending.PAYLOAD_UNREADABLE: Kind(
        gettext_lazy("payload unreadable"),
        gettext_lazy("What is stored as the payload is not JSON: somebody has written to the table. It is kept as is."),
    ),
    # --- Of webfilters
    "breaker_open": Kind(
        gettext_lazy("circuit open"),
        gettext_lazy("No request was made: the endpoint had failed several times in a row."),
    ),
    "budget": Kind(
        gettext_lazy("no time left"),
        gettext_lazy("No request was made: other webfilters had used up the time of the learner's request."),
    ),
}
STATUSES = {
    400: gettext_lazy(
        "The endpoint does not understand what it gets. Its response may say why; compare what it expects with the "
        "shape and the encoding."
    ),
    401: gettext_lazy(
        "The endpoint does not know us: the authentication, or a key in the headers, is wrong or missing."
    ),
    403: gettext_lazy("The endpoint knows us and refuses: the key that we send may not do this there."),
    404: gettext_lazy(
        "The address answers, but nothing is there. n8n answers so while a workflow is not active; else the path has "
        "a mistake."
    ),
    405: gettext_lazy("Something is there, but it takes no POST: the address is probably that of a page for people."),
    408: gettext_lazy("The endpoint gave up waiting for the request."),
    410: gettext_lazy("Gone: the endpoint wants no more. A delivery that is answered so disables its webhook."),
    413: gettext_lazy("What was sent is too large for the endpoint: let a shape send less of it."),
    415: gettext_lazy("The endpoint does not take this kind of body: try with or without “WWW form encoding”."),
    422: gettext_lazy(
        "The endpoint understands the request, but not its content. Its response may say which key it misses."
    ),
    429: gettext_lazy(
        "The endpoint gets more than it takes: deliveries are sent to it fewer at a time, and later, as it asks."
    ),
}
_CLASSES = {
    2: gettext_lazy("The endpoint accepted it."),
    4: gettext_lazy("The endpoint refuses the request. Its response may say why."),
    5: gettext_lazy("The endpoint, or a server before it, is in trouble: its operators can tell why."),
}


def exact(when) -> str:
    """Date and time to the second in the site's time zone, with its name."""
    return date_format(timezone.localtime(when), "Y-m-d H:i:s T")


def short(error: str) -> str:
    """A few words about a kind of error, also one with details after a colon; empty if it is none of ours."""
    kind = KINDS.get(error.partition(": ")[0])
    return str(kind.short) if kind else ""


def meaning(attempt: Attempt) -> str:
    """What an attempt's status or error means, and what to do; empty if there is neither."""
    status = attempt.status_code
    if status is None:
        kind = KINDS.get(attempt.error)
        return str(kind.meaning) if kind else attempt.error
    if 300 <= status < 400:
        if attempt.detail:
            return _(
                "Redirects are not followed; the address has moved to %s. If you trust it, enter it on the hook's page."
            ) % (attempt.detail)
        return _("Redirects are not followed: enter on the hook's page the address that this one leads to.")
    said = STATUSES.get(status) or _CLASSES.get(status // 100)
    return str(said or _("The endpoint answered with a status that HTTP does not know."))


def detail(attempt: Attempt) -> str:
    """The reason in the machine's own words, with the offending expression; empty if the meaning has said it."""
    is_redirect = attempt.status_code is not None and 300 <= attempt.status_code < 400
    return "" if is_redirect else attempt.detail


def outlook(delivery: Delivery, last: Attempt) -> str:
    """What comes after a delivery's last attempt; empty if nothing need come."""
    if delivery.state == Delivery.State.PENDING:
        if not delivery.next_attempt_at:
            return ""
        return _("The next attempt is due at %s.") % exact(delivery.next_attempt_at)
    if delivery.state == Delivery.State.FAILED:
        if last.error in (sending.PAYLOAD_REMOVED, sending.PAYLOAD_UNREADABLE):
            return _("This was the last attempt: no other would change that.")
        return _("This was the last attempt: the retry schedule is at its end. “Send again” begins it anew.")
    if delivery.state == Delivery.State.CANCELLED:
        return _("No attempt follows: somebody has cancelled the delivery.")
    if delivery.state == Delivery.State.SKIPPED:
        return _("No attempt follows: the webhook's own settings say that there is nothing to send.")
    return ""


_RESULTS = {
    Call.Result.PASSED: (
        gettext_lazy("The process went on, unchanged."),
        gettext_lazy("The process would have gone on, unchanged."),
    ),
    Call.Result.CHANGED: (
        gettext_lazy("The answer changed data, and the process went on with it."),
        gettext_lazy("The answer would have changed data. Nothing was changed: the webfilter only observes."),
    ),
    Call.Result.HALTED: (
        gettext_lazy("The process was halted: the learner got the answer's message, or was led elsewhere."),
        gettext_lazy("The process would have been halted. It went on: the webfilter only observes."),
    ),
    Call.Result.IGNORED: (
        gettext_lazy("There was no answer that could be used, so the process went on as if there were no webfilter."),
        gettext_lazy("There was no answer that could be used."),
    ),
}


def call_meaning(call: Call) -> str:
    """What came of a webfilter's call, and of its error what it means and what to do."""
    said = _RESULTS.get(call.result)
    told = [str(said[call.mode == Webfilter.Mode.OBSERVE])] if said else []
    kind = KINDS.get(call.error.partition(": ")[0])
    if kind:
        told.append(str(kind.meaning))
    elif call.status_code is not None and not 200 <= call.status_code < 300:
        told.append(meaning(Attempt(status_code=call.status_code)))
    return " ".join(told)


def call_detail(call: Call) -> str:
    """The reason of a call's error in the machine's own words; empty if there is none."""
    kind, _colon, rest = call.error.partition(": ")
    return rest if kind in KINDS else call.error
