"""
How much personal data leaves with a webhook: all, pseudonyms, none.

An event is captured whole. What the mode holds back is taken out when it is sent, before the shape and the format see
the payload, so that neither can get at it. What is taken out of which member: :mod:`.treatments`.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from .. import catalog
from .data_classes import is_data_class
from .limits import METADATA
from .redact import MASK
from .treatments import USER_MARK, Member, Treatment, member, members_of

FULL, PSEUDONYMOUS, NONE = "full", "pseudonymous", "none"
MODES = {
    FULL: gettext_lazy("Full: everything the event carries"),
    PSEUDONYMOUS: gettext_lazy("Pseudonymous: what happened, and a pseudonym of whom"),
    NONE: gettext_lazy("None: what happened, and nothing of anybody"),
}
# What is said of the event itself. “cut” is not among them: it names places inside what is taken out.
_METADATA = ("event_type", "event_name", "id", "time", "source", "sourcehost", "minorversion", "sourcelib", "test")
_MAIL = re.compile(r"[\w.+\-]{1,100}(?:@|%40)[\w\-]{1,100}\.[\w.\-]{1,100}")
_NOTHING = object()
# Shorter names and numbers are too much else.
_SHORTEST_NAME, _SMALLEST_ID = 3, 10_000


def choices() -> list[tuple[str, Any]]:
    return list(MODES.items())


def new_key() -> str:
    """A key for pseudonyms: without it nobody can tell whose one is, not by trying all identifiers either."""
    return secrets.token_hex(32)


def pseudonym(key: str, namespace: str, value: Any) -> str:
    """
    What stands for an identifier: HMAC-SHA256 (RFC 2104), its first 128 bits in hexadecimal digits.

    Args:
        namespace: the same number in another one is somebody, or something, else.
    """
    return hmac.new(key.encode(), f"{namespace}:{value}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]


def restrict(payload: Mapping[str, Any], mode: str, key: str = "") -> Mapping[str, Any]:
    """
    An event's payload as a mode lets it out; the payload itself stays as it is.

    Args:
        payload: as it was captured. Of an event that this installation doesn't know, only what is said of the event
            itself is let out.
        key: of the webhook's pseudonyms.

    Raises:
        ValueError: there is no such mode, or no key for it.
    """
    if mode == FULL:
        return payload
    if mode not in MODES:
        raise ValueError(gettext("This version knows no personal-data mode “%s”: choose another.") % mode[:40])
    if mode == PSEUDONYMOUS and not key:
        raise ValueError(gettext("This webhook has no key for its pseudonyms yet: open its page, and save it."))
    return _Restriction(payload, key if mode == PSEUDONYMOUS else "").result()


class _Restriction:
    """One payload; without a key there are no pseudonyms."""

    def __init__(self, payload: Mapping[str, Any], key: str):
        self._payload, self._key = payload, key
        metadata = payload.get(METADATA)
        self._metadata = metadata if isinstance(metadata, Mapping) else {}
        known = catalog.find_event(str(self._metadata.get("event_type", "")))
        self._arguments = {name: member(name, kind) for name, kind in known.init_data.items()} if known else {}
        names = {name.lower() for name in self._names(payload, self._arguments)}
        # The longest first: an address begins with a username.
        self._own = sorted(names, key=len, reverse=True)

    def result(self) -> dict[str, Any]:
        """What is let out."""
        metadata = {name: self._metadata[name] for name in _METADATA if name in self._metadata}
        return {**self._object(self._payload, self._arguments), METADATA: metadata}

    def _object(self, values: Mapping[str, Any], members: Mapping[str, Member]) -> dict[str, Any]:
        kept = {name: self._value(values[name], one) for name, one in members.items() if name in values}
        return {name: value for name, value in kept.items() if value is not _NOTHING}

    def _value(self, value: Any, one: Member) -> Any:
        if not self._lets_out(one):
            return _NOTHING
        if isinstance(value, list):
            items = [self._value(item, one) for item in value]
            kept = [item for item in items if item is not _NOTHING]
            return kept if kept or not value else _NOTHING
        if one.treatment == Treatment.INSIDE:
            return self._inside(value, one)
        return (
            self._pseudonym(value, one.namespace) if one.treatment == Treatment.PSEUDONYM else self._clear(value, one)
        )

    def _lets_out(self, one: Member, above: tuple[type, ...] = ()) -> bool:
        """Whether there can be anything of a member: neither null nor an empty list stands for what is held back."""
        if one.treatment == Treatment.INSIDE:
            inner = members_of(one.type).values() if one.type not in above else ()
            return any(self._lets_out(each, (*above, one.type)) for each in inner)
        return one.treatment == Treatment.CLEAR or (self._key != "" and one.treatment != Treatment.WITHHELD)

    def _inside(self, value, one):
        if value is None:
            return None
        kept = self._object(value, members_of(one.type)) if isinstance(value, Mapping) else {}
        return kept or _NOTHING

    def _clear(self, value, one):
        if value is None or not one.fits(value):
            return None if value is None else _NOTHING
        if isinstance(value, Mapping):
            return {name: item for name, item in value.items() if self._masked(name) == name}
        return self._masked(value) if isinstance(value, str) else value

    def _pseudonym(self, value, namespace):
        if value is None or value == "":
            return value
        if isinstance(value, str) and value.startswith(USER_MARK):
            return USER_MARK + pseudonym(self._key, namespace, value[len(USER_MARK) :])
        is_identifier = isinstance(value, (str, int)) and not isinstance(value, bool)
        return pseudonym(self._key, namespace, value) if is_identifier else _NOTHING

    def _masked(self, text: str) -> str:
        """Without e-mail addresses, and without the names of those whom the payload is about."""
        if "@" in text or "%40" in text:
            text = _MAIL.sub(MASK, text)
        if self._own and any(name in text.lower() for name in self._own):
            names = "|".join(map(re.escape, self._own))
            # Not inside a word: Ada is no part of Canada.
            text = re.sub(rf"(?<![^\W_])(?:{names})(?![^\W_])", MASK, text, flags=re.I)
        return text

    def _names(self, values: Any, members: Mapping[str, Member]) -> Iterator[str]:
        """Usernames, names, addresses and numbers of people in what has a member of its own for them."""
        for name, one in members.items():
            value = values.get(name) if isinstance(values, Mapping) else None
            for item in value if isinstance(value, list) else [value]:
                if is_data_class(one.type):
                    yield from self._names(item, members_of(one.type))
                elif isinstance(item, str) and not _NAMING.isdisjoint(one.kinds):
                    if len(plain := item.removeprefix(USER_MARK)) >= _SHORTEST_NAME:
                        yield plain
                elif one.namespace == "user" and isinstance(item, int) and item >= _SMALLEST_ID:
                    yield str(item)


_NAMING = frozenset(("username", "email_address", "name"))
