"""HTTP responses that an answer may make or add to: which headers and cookies are allowed."""

import re
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.html import escape

from .convert import check_text, check_url
from .plan import Refused

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]{0,4000}")
# Set by the server, or able to take over a session or to break the response in two; or an order to the web server in
# front to send a file or page of its own instead.
_FORBIDDEN_HEADERS = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "set-cookie",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
        "x-lighttpd-send-file",
        "x-reproxy-url",
        "x-sendfile",
        "x-sendfile2",
    )
)
_FORBIDDEN_PREFIX = "x-accel-"
_DEFAULT_STATUS = 403
# A body after one of these is taken for the beginning of the next response.
_WITHOUT_BODY = (204, 205, 304)


def check_header(name: Any, value: Any) -> None:
    """
    Check a header of a response.

    Raises:
        Refused: HTTP cannot carry it, it is not for others to set, or it leads the learner to no page.
    """
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise Refused("it is not the name of a header")
    if name.lower() in _FORBIDDEN_HEADERS or name.lower().startswith(_FORBIDDEN_PREFIX):
        raise Refused("it is protected")
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        raise Refused("it is not the value of a header")
    if name.lower() == "location":
        check_url(value)


def forbidden_cookies() -> frozenset[str]:
    """The cookies that hold a session or guard a form."""
    return frozenset((settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME))


def build(content: Any = None, status: Any = None, headers: Any = None, message: str = "") -> HttpResponse:
    """
    The response of ``RenderCustomResponse``.

    Args:
        content: HTML, put out as it is; without it the message is shown, escaped.
        status: 200 to 599; without it 403, since the response takes the place of a page that was refused.
        headers: name → value; ``Location`` must be an http or https address or a path.

    Raises:
        Refused: one of them does not fit; the text says which.
    """
    content = f"<p>{escape(message)}</p>" if content is None else _content(content)
    status = _DEFAULT_STATUS if status is None else check_status(status, 200)
    response = HttpResponse("" if status in _WITHOUT_BODY else content, status=status)
    if headers is not None and not isinstance(headers, dict):
        raise Refused("headers must be an object")
    for name, value in (headers or {}).items():
        try:
            check_header(name, value)
        except Refused as error:
            raise Refused(f"headers: {error}") from error
        response.headers[name] = value
    return response


def _content(content):
    try:
        return check_text(content)
    except Refused as error:
        raise Refused(f"content: {error}") from error


def check_status(status: Any, lowest: int = 400) -> int:
    """
    Check a status code.

    Raises:
        Refused: not a whole number from ``lowest`` to 599.
    """
    if isinstance(status, str) and status.isascii() and status.isdigit() and len(status) == 3:
        status = int(status)
    if isinstance(status, bool) or not isinstance(status, int) or not lowest <= status <= 599:
        raise Refused(f"status must be a number from {lowest} to 599")
    return status
