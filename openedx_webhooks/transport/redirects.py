"""Redirects of an endpoint, for hooks of which the published plugin followed them."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from requests.exceptions import InvalidURL
from requests.utils import unquote_unreserved

from . import client

# After these the body is sent again; after the others the next request is a GET.
_SAME = (307, 308)
_REDIRECTS = (301, 302, 303, *_SAME)


def post(
    url: str, body: bytes, headers: Mapping[str, str], private: set[str], most: int, *, timeout: float, **limits: Any
) -> client.Outcome:
    """
    POST a body, and go where the endpoint sends on, within the same time; arguments as of :func:`.client.post`.

    Each address is checked by the guard like the first. Nothing is followed from https to http. A redirect that isn't
    followed is an error; a status that is called one, but has no address, is an answer.

    Args:
        private: names of headers that no other server may see.
        most: how many redirects are followed.
    """
    start, method, url = time.monotonic(), "POST", _written(url)
    outcome = client.post(url, body, headers, timeout=timeout, **limits)
    followed = 0
    while not outcome.error and outcome.status_code in _REDIRECTS and outcome.headers.get("location"):
        where = _target(url, outcome.headers["location"])
        left = timeout - (time.monotonic() - start)
        if left <= 0:
            outcome.error, outcome.detail = "timeout", "time was up while following redirects"
        elif not where or followed == most:
            outcome.error = "bad_response"
            outcome.detail = "it redirects too often" if where else "it redirects to where nobody follows"
        if outcome.error:
            break
        followed += 1
        if urlsplit(where)[:2] != urlsplit(url)[:2]:
            headers = {
                name: value for name, value in headers.items() if name not in private and name != "Authorization"
            }
        if outcome.status_code not in _SAME:
            method, body = "GET", b""
            # A signature is of a body.
            headers = {
                name: value
                for name, value in headers.items()
                if name.lower() != "content-type" and "signature" not in name.lower()
            }
        url = where
        first = outcome.started_at
        outcome = client.post(url, body, headers, timeout=left, method=method, **limits)
        outcome.started_at = first
    outcome.duration = time.monotonic() - start
    return outcome


def _written(url: str) -> str:
    """An address as these endpoints were always asked for it: no blank comes before it, and ``%6F`` is ``o``."""
    url = url.lstrip()
    try:
        return unquote_unreserved(url)
    except InvalidURL:
        # A percent sign that is one.
        return url


def _target(url: str, location: str) -> str:
    """Where an answer sends on; empty if nowhere, or not safely."""
    # The bytes of the header, which the libraries show as Latin-1, are mostly UTF-8; the others are as shown.
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode()
    try:
        where = _written(urljoin(url, location))
        scheme = urlsplit(where).scheme
    except ValueError:
        return ""
    if scheme not in ("http", "https") or (scheme == "http" and urlsplit(url).scheme == "https"):
        return ""
    return where
