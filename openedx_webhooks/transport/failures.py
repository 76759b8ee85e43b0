"""Why an exchange gave no usable response, in words that operators and statistics can use."""

import http.client
import logging
import socket
import ssl
from enum import StrEnum

from urllib3.exceptions import DecodeError, HTTPError, InvalidHeader

log = logging.getLogger(__name__)


class Phase(StrEnum):
    """What an exchange is doing; reads well after "while"."""

    PREPARING = "preparing the request"
    RESOLVING = "resolving the name"
    CONNECTING = "connecting"
    TUNNEL = "asking the proxy for a tunnel"
    TLS = "agreeing on TLS"
    SENDING = "sending the request"
    WAITING = "waiting for the response"
    READING = "reading the response"


class Failure(Exception):
    """
    Why an exchange gave no usable response.

    Attributes:
        kind: a short, stable word (see :class:`~openedx_webhooks.transport.client.Outcome`).
        detail: one line for the operator; no secrets, no URL.
    """

    def __init__(self, kind: str, detail: str):
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail


_ALWAYS = frozenset(Phase)
_BEFORE_THE_RESPONSE = _ALWAYS - {Phase.WAITING, Phase.READING}

# Exceptions of the libraries, the first that fits; in which phases, the kind, and the detail. Texts of exceptions that
# may quote what was received are left out.
_RULES = (
    (TimeoutError, _ALWAYS, "timeout", "time was up while {phase}"),
    (ssl.SSLCertVerificationError, _ALWAYS, "tls", "the certificate is not trusted: {error.verify_message}"),
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError), _ALWAYS - {Phase.TLS}, "reset", "the connection ended while {phase}"),
    (ssl.SSLError, _ALWAYS, "tls", "TLS failed while {phase}: {error.reason}"),
    (socket.gaierror, _ALWAYS, "dns", "the name could not be resolved"),
    (http.client.InvalidURL, _ALWAYS, "invalid", "the address of the endpoint has characters that a URL can't have"),
    (ConnectionError, _ALWAYS, "reset", "the connection ended while {phase}"),
    (http.client.IncompleteRead, _ALWAYS, "reset", "the response ended early, or its chunks have no clear size"),
    (http.client.HTTPException, _ALWAYS, "bad_response", "the endpoint did not answer in HTTP: {name}"),
    # The only plain OSError of this phase is http.client's.
    (OSError, frozenset({Phase.TUNNEL}), "proxy", "the proxy refused: {error}"),
    (OSError, _ALWAYS, "reset", "the connection failed while {phase}: {error.strerror}"),
    (DecodeError, _ALWAYS, "bad_response", "the response can't be decompressed"),
    (InvalidHeader, _ALWAYS, "bad_response", "the response has two lengths, and they differ"),
    (ValueError, _BEFORE_THE_RESPONSE, "invalid", "a header or the address has characters that HTTP can't carry"),
    (ValueError, _ALWAYS, "bad_response", "the endpoint did not answer in HTTP: {name}"),
)


def classify(error: Exception, phase: Phase) -> Failure:
    """The failure that an exception in a phase means. What nobody thought of is logged with its traceback."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, ssl.SSLError) and error.reason == "UNEXPECTED_EOF_WHILE_READING":
        # Some releases of Python 3.11 have it in the general class.
        error = ssl.SSLEOFError(*error.args)
    for types, phases, kind, text in _RULES:
        if isinstance(error, types) and phase in phases:
            detail = text.format(phase=phase, error=error, name=type(error).__name__)
            return Failure(kind, " ".join(detail.split())[:200])
    if isinstance(error, HTTPError) and isinstance(error.__cause__, Exception):
        # urllib3 wraps what the standard library raises.
        return classify(error.__cause__, phase)
    name = type(error).__name__
    log.error("Unexpected %s while %s", name, phase, exc_info=error)
    return Failure("invalid" if phase in _BEFORE_THE_RESPONSE else "bad_response", f"unexpected {name} while {phase}")
