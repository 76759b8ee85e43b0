"""
From Python objects to JSON values.

What a filter hands around is live: model instances with relations that aren't loaded, lazy users, XBlocks whose fields
sit in a store, contexts that contain themselves. So the walk decides by ``type(value)`` alone (``isinstance`` already
wakes a lazy object), reads what an object holds in memory and never calls what could fetch more.
"""

import itertools
from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.functional import Promise
from opaque_keys import OpaqueKey

from ..app_settings import app_settings
from .redact import mask
from .registry import Handler, handler_of, marker, type_name
from .secret_names import hides, is_sensitive_name, operators_names

# Where a value is: names of members, and indexes of items as text.
Path = tuple[str, ...]
# Why it isn't sent as it is: a secret inside a text, or half a character, is replaced; a member never leaves; a text is
# shortened, or members are missing, because of a limit or a cycle.
MASKED, DROPPED, CUT = "masked", "dropped", "cut"
# Characters of a member's name.
MAX_NAME = 250


class Walk:
    """
    One conversion, with its limits and what it left out.

    Attributes:
        withheld: what isn't sent as it is: where → :data:`MASKED`, :data:`DROPPED` or :data:`CUT`. The place of a text
            that was changed, of an object or list that lost members, or of the member that isn't there.
        max_text: longest text, in characters.
    """

    __slots__ = (
        "withheld",
        "max_text",
        "_sensitive",
        "_operators_names",
        "_max_depth",
        "_max_items",
        "_left",
        "_path",
        "_open",
        "_seen",
        "_texts",
        "_file_urls",
    )

    def __init__(self, sensitive: frozenset = frozenset(), file_urls: bool = False):
        """
        Args:
            sensitive: further names that never leave.
            file_urls: let the signatures of pre-signed URLs through.
        """
        self._file_urls = file_urls
        self.withheld: dict[Path, str] = {}
        self.max_text = app_settings.PAYLOAD_MAX_BYTES
        self._sensitive = sensitive
        self._operators_names = operators_names()
        self._max_depth = app_settings.PAYLOAD_MAX_DEPTH
        self._max_items = app_settings.PAYLOAD_MAX_ITEMS
        # Bounds the work on a context without end; what is collected beyond the limit is cut to it afterwards.
        self._left = 2 * self.max_text
        self._path: list[str] = []
        self._open: set[int] = set()
        # The objects are kept beside their data: while they live, no other object has their id.
        self._seen: dict[int, _Seen] = {}
        self._texts: dict[int, tuple[OpaqueKey, str]] = {}

    def is_sensitive(self, name: str) -> bool:
        return is_sensitive_name(name, self._operators_names)

    def json(self, value: Any) -> Any:
        """The value as JSON data, or :func:`marker` where that is impossible."""
        try:
            return handler_of(type(value))(self, value)
        except Exception:  # pylint: disable=broad-exception-caught
            # A failing property or __str__ of someone else's object must not end the learner's request.
            return marker(value)

    def at(self, key: str, value: Any) -> Any:
        """:meth:`json` of the value under ``key``."""
        self._path.append(key)
        result = self.json(value)
        self._path.pop()
        return result

    def at_path(self, path: Path, value: Any) -> Any:
        """:meth:`json` of the value that is further below."""
        self._path.extend(path)
        result = self.json(value)
        del self._path[-len(path) :]
        return result

    def mask(self, text: str) -> str:
        return mask(text, self._file_urls)

    def note(self, reason: str, *member: str) -> None:
        """Remember why what is here, or a member of it, isn't sent as it is."""
        path = (*self._path, *member)
        if self.withheld.get(path) != CUT:
            self.withheld[path] = reason

    def spend(self, size: int) -> bool:
        """Count ``size`` bytes; false once the walk has collected enough."""
        self._left -= size
        return self._left > 0

    def rows(self, items: list) -> list:
        """The first of the items, as many as a list may have."""
        if len(items) > self._max_items:
            self.note(CUT)
        return items[: self._max_items]

    def enter(self, value: Any) -> bool:
        """Whether a container may be opened: not if it is nested too deeply or open already."""
        if id(value) in self._open or len(self._open) >= self._max_depth:
            self.note(CUT)
            return False
        self._open.add(id(value))
        return True

    def leave(self, value: Any) -> None:
        self._open.discard(id(value))

    def once(self, value: Any, convert: Handler) -> Any:
        """Convert an object the first time, and give the same data when it comes again."""
        known = self._seen.get(id(value))
        if known is None:
            return self._first_time(value, convert)
        self.spend(known.size)
        for path, reason in known.withheld.items():
            self.note(reason, *path)
        return known.data

    def _first_time(self, value, convert):
        if not self.enter(value):
            return marker(value)
        left, before, self.withheld = self._left, self.withheld, {}
        try:
            data = convert(self, value)
        finally:
            inside, self.withheld = self.withheld, before
            self.withheld |= inside
            self.leave(value)
        here = len(self._path)
        withheld = {path[here:]: reason for path, reason in inside.items()}
        self._seen[id(value)] = _Seen(value, data, left - self._left, withheld)
        return data

    def mapping(self, pairs: Iterable, size: int, here: frozenset = frozenset()) -> dict[str, Any]:
        """An object of the pairs, without those that never leave."""
        result: dict[str, Any] = {}
        for key, value in itertools.islice(pairs, self._max_items):
            name = key if type(key) is str else self._name(key)  # pylint: disable=unidiomatic-typecheck
            if (
                is_sensitive_name(name, self._operators_names)
                or name in here
                or name in self._sensitive
                or hides(name, value)
            ):
                # A name that holds a secret itself is nothing to remember.
                self.note(DROPPED, *([name] if len(name) <= MAX_NAME and self.mask(name) == name else []))
                continue
            if not self.spend(len(name) + 4):
                self.note(CUT)
                break
            if len(name) > MAX_NAME or not name.isidentifier():
                name = self._odd_name(name)
            result[name] = value if value is None else self.at(name, value)
        if size > self._max_items:
            self.note(CUT)
        return result

    def sequence(self, items: Iterable, size: int) -> list[Any]:
        result: list[Any] = []
        for index, item in enumerate(itertools.islice(items, self._max_items)):
            if not self.spend(4):
                self.note(CUT)
                break
            result.append(self.at(str(index), item))
        if size > self._max_items:
            self.note(CUT)
        return result

    def text_of(self, key: OpaqueKey) -> str:
        """An opaque key as text; a dashboard's context has the same few keys hundreds of times."""
        known = self._texts.get(id(key))
        if known is None:
            known = self._texts[id(key)] = key, str(key)
        return known[1]

    def _name(self, key: Any) -> str:
        return self.text_of(key) if issubclass(type(key), OpaqueKey) else key_text(key)

    def _odd_name(self, name: str) -> str:
        if len(name) > MAX_NAME:
            self.note(CUT)
            return clean_text(self.mask(name[: MAX_NAME + 1000])[:MAX_NAME]) + "…"
        sent = clean_text(self.mask(name))
        if sent != name:
            self.note(MASKED)
        return sent


class _Seen(NamedTuple):
    value: Any
    data: Any
    size: int
    withheld: dict[Path, str]


def key_text(key: Any) -> str:
    """The name of a member: JSON's for None and booleans, the type's name for what has no text of its own."""
    cls = type(key)
    if key is None or cls is bool:
        return {None: "null", True: "true", False: "false"}[key]
    try:
        if issubclass(cls, Enum):
            return key_text(key.value)
        if issubclass(cls, str):
            return str.__str__(key)
        if issubclass(cls, bytes):
            return key.decode("utf-8", "replace")
        if issubclass(cls, (date, time)):
            return key.isoformat()
        if issubclass(cls, (int, float, Decimal, UUID, OpaqueKey, Promise, PurePath)):
            return str(key)
        if issubclass(cls, tuple):
            return ",".join(key_text(part) for part in key)
    except Exception:  # pylint: disable=broad-exception-caught
        return type_name(cls)  # As for values: someone else's __str__.
    return type_name(cls)


def clean_text(text: str) -> str:
    """The text with ``?`` for lone surrogates, which UTF-8 can't hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
