"""HTTP responses that an answer may make or add to: which headers and cookies are allowed."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.html import escape

from ..app_settings import app_settings
from .kinds.convert import Refused, check_url, plain_text

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]{0,4000}")
# What an answer may say about its own page, and nothing else. Others take over a session, break the response in two,
# loosen a policy of the site, let other sites read its pages, or are an order to the web server in front to send a file
# of its own: nobody knows all of these.
_ALLOWED_HEADERS = frozenset(
    (
        "cache-control content-disposition content-language content-location content-type etag expires last-modified "
        "location pragma refresh retry-after vary x-robots-tag"
    ).split()
)
# The operator may add to them, but none of these: they are the server's.
_FORBIDDEN_HEADERS = frozenset(
    (
        "connection content-encoding content-length keep-alive proxy-authenticate proxy-authorization set-cookie te "
        "trailer trailers transfer-encoding upgrade"
    ).split()
)
_REFRESH = re.compile(r"\d{1,6}")
_CONTENT_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}(?: *; *[\w-]{1,30}=[\w.\"+-]{1,60}){0,4}", re.ASCII)
_REASON = re.compile(r"[\x20-\x7e]{1,100}")
_CHARSET = re.compile(r"[\w.:+-]{1,40}", re.ASCII)
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
    if name.lower() in _FORBIDDEN_HEADERS:
        raise Refused("it is protected")
    if name.lower() not in _allowed_headers():
        raise Refused("it is not among the headers that an answer may set")
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        raise Refused("it is not the value of a header")
    if name.lower() in ("location", "content-location"):
        check_url(value)
    if name.lower() == "refresh" and not _REFRESH.fullmatch(value):
        raise Refused("it must be a number of seconds")


def _allowed_headers() -> frozenset[str]:
    return _ALLOWED_HEADERS | {name.lower() for name in app_settings.ALLOWED_RESPONSE_HEADERS}


def forbidden_cookies() -> frozenset[str]:
    """The cookies that hold a session or guard a form."""
    return frozenset((settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME))


# The arguments of ``RenderCustomResponse`` in the place of ``response``.
OPTIONS = ("content", "status", "headers", "content_type", "reason", "charset")


def build(options: Mapping[str, Any], message: str = "") -> tuple[HttpResponse, list[str]]:
    """
    The response of ``RenderCustomResponse``.

    An option that does not fit is left out: the learner is refused all the same.

    Args:
        options: ``content`` (HTML, put out as it is; without it the message is shown, escaped), ``status`` (200 to 599;
            without it 403, since the response takes the place of a page that was refused), ``headers`` (name → value;
            ``Location`` must be an http or https address or a path), ``content_type``, ``reason``, ``charset``.

    Returns:
        the response, and what is wrong with the options that were left out.
    """
    notes: list[str] = []
    given = {name: value for name, value in options.items() if name in OPTIONS and value is not None}

    def option(name, check):
        try:
            return check(given[name]) if name in given else None
        except Refused as error:
            notes.append(f"{name}: {error}")
            return None

    content = option("content", plain_text)
    content = f"<p>{escape(message)}</p>" if content is None else content
    status = option("status", lambda value: check_status(value, 200)) or _DEFAULT_STATUS
    reason = option("reason", _matching(_REASON, "it must be a line of ASCII characters"))
    content = "" if status in _WITHOUT_BODY else content
    response = HttpResponse(
        status=status,
        reason=reason,
        content_type=option("content_type", _matching(_CONTENT_TYPE, "it is not a type of content such as text/html")),
        charset=option("charset", _matching(_CHARSET, "it is not the name of a charset")),
    )
    try:
        response.content = content
    except (LookupError, UnicodeError):
        notes.append("charset: it is not one, or the content does not fit into it")
        response = HttpResponse(content, status=status, reason=reason)
    for name, value in (option("headers", _object) or {}).items():
        try:
            check_header(name, value)
            response.headers[name] = value
        except Refused as error:
            notes.append(f"headers: {error}")
    return response, notes


def _matching(pattern, problem):
    def check(value):
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Refused(problem)
        return value

    return check


def _object(value):
    if not isinstance(value, dict):
        raise Refused("it must be an object")
    return value


def check_status(status: Any, lowest: int = 400) -> int:
    """A status code: a whole number from ``lowest`` to 599."""
    if isinstance(status, str) and status.isascii() and status.isdigit() and len(status) == 3:
        status = int(status)
    if isinstance(status, bool) or not isinstance(status, int) or not lowest <= status <= 599:
        raise Refused(f"status must be a number from {lowest} to 599")
    return status
