"""Addresses of endpoints, and whether what was stored for one may be sent to another."""

from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}


def server_of(url: str) -> str:
    """Host and port of an address, without credentials; empty if it is malformed."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def is_another_place(before: str, now: str) -> bool:
    """
    Whether header values and credentials that were entered for one address must be entered again for another.

    An address is a place as a whole: on a server of many tenants another path, or another query, is another's; without
    TLS everybody on the way reads along; and what was entered without an address was entered for none. What may differ
    is how the same place is written, and that TLS is added.

    Args:
        before: empty if there was none.
        now: empty if there is none: then nothing is sent.
    """
    if before == now or not now:
        return False
    try:
        old, new = urlsplit(before), urlsplit(now)
        if _place(old) != _place(new):
            return True
        return new.scheme not in _PORTS or (old.scheme, new.scheme) == ("https", "http")
    except ValueError:
        return True


def _place(parts: SplitResult) -> tuple:
    # The usual one, whichever that is.
    port = None if parts.port == _PORTS.get(parts.scheme) else parts.port
    return parts.username, parts.password, parts.hostname, port, parts.path or "/", parts.query
