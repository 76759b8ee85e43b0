"""
From Python objects to JSON values.

What a filter hands around is live: model instances with relations that aren't loaded, lazy users, XBlocks whose fields
sit in a store, contexts that contain themselves. So the walk decides by ``type(value)`` alone (``isinstance`` already
wakes a lazy object), reads what an object holds in memory and never calls what could fetch more.
"""
import dataclasses
import functools
import io
import itertools
import math
import os
import types
from collections import ChainMap, deque
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

import attr
from django.utils import timezone
from django.utils.duration import duration_iso_string
from django.utils.functional import LazyObject, Promise, empty
from opaque_keys import OpaqueKey

from openedx_webhooks.app_settings import app_settings

from .redact import is_sensitive_name, mask, operators_names, sensitive_here, without_sensitive_pairs

# Places where something was left out.
MAX_NOTES = 50
# Characters of a member's name.
MAX_NAME = 250

Handler = Callable[["Walk", Any], Any]


def type_name(cls: type) -> str:
    """``module.Class``; built-in types without their module."""
    # Past what a metaclass makes of them.
    module, name = type.__getattribute__(cls, "__module__"), type.__getattribute__(cls, "__qualname__")
    return name if module in (None, "builtins") else f"{module}.{name}"


def marker(value: Any) -> dict[str, str]:
    """What stands for a value that isn't sent: ``{"type": "module.Class"}``."""
    return {"type": type_name(type(value))}


class Walk:
    """
    One conversion, with its limits and what it left out.

    Attributes:
        cut: the places where something was left out because of a limit or a cycle, such as ``context.sections``.
        max_text: longest text, in characters.
    """

    __slots__ = (
        "cut", "max_text", "_sensitive", "_operators_names", "_max_depth", "_max_items", "_left", "_path", "_open", "_seen"
    )

    def __init__(self, sensitive: frozenset = frozenset()):
        """``sensitive``: further names that never leave."""
        self.cut: list[str] = []
        self.max_text = app_settings.PAYLOAD_MAX_BYTES
        self._sensitive = sensitive
        self._operators_names = operators_names()
        self._max_depth = app_settings.PAYLOAD_MAX_DEPTH
        self._max_items = app_settings.PAYLOAD_MAX_ITEMS
        # Bounds the work on a context without end; what is collected beyond the limit is cut to it afterwards.
        self._left = 2 * app_settings.PAYLOAD_MAX_BYTES
        self._path: list[str] = []
        self._open: set[int] = set()
        # The objects are kept beside their data: while they live, no other object has their id.
        self._seen: dict[int, tuple[Any, Any]] = {}

    def json(self, value: Any) -> Any:
        """The value as JSON data, or :func:`marker` where that is impossible."""
        cls = type(value)
        try:
            return (_handlers.get(cls) or _find_handler(cls))(self, value)
        except Exception:  # pylint: disable=broad-exception-caught
            # A failing property or __str__ of someone else's object must not end the learner's request.
            return marker(value)

    def at(self, key: str, value: Any) -> Any:
        """:meth:`json` of the value under ``key``."""
        self._path.append(key)
        result = self.json(value)
        self._path.pop()
        return result

    def note(self) -> None:
        """Remember that something was left out here."""
        if len(self.cut) < MAX_NOTES and (where := ".".join(self._path)) not in self.cut:
            self.cut.append(where)

    def spend(self, size: int) -> bool:
        """Count ``size`` bytes; false once the walk has collected enough."""
        self._left -= size
        return self._left > 0

    def rows(self, items: list) -> list:
        """The first of the items, as many as a list may have."""
        if len(items) > self._max_items:
            self.note()
        return items[:self._max_items]

    def enter(self, value: Any) -> bool:
        """Whether a container may be opened: not if it is nested too deeply or open already."""
        if id(value) in self._open or len(self._open) >= self._max_depth:
            self.note()
            return False
        self._open.add(id(value))
        return True

    def leave(self, value: Any) -> None:
        """The container is done."""
        self._open.discard(id(value))

    def once(self, value: Any, convert: Handler) -> Any:
        """Convert an object the first time, and give the same data when it comes again."""
        known = self._seen.get(id(value))
        if known is None:
            if not self.enter(value):
                return marker(value)
            try:
                known = self._seen[id(value)] = value, convert(self, value)
            finally:
                self.leave(value)
        return known[1]

    def mapping(self, pairs: Iterable, size: int, here: frozenset = frozenset()) -> dict[str, Any]:
        """An object of the pairs, without those that never leave."""
        result: dict[str, Any] = {}
        for key, value in itertools.islice(pairs, self._max_items):
            name = key if type(key) is str else self._name(key)  # pylint: disable=unidiomatic-typecheck
            if is_sensitive_name(name, self._operators_names) or name in here or name in self._sensitive:
                continue
            if not self.spend(len(name) + 4):
                self.note()
                break
            if len(name) > MAX_NAME or not name.isidentifier():
                name = self._odd_name(name)
            result[name] = value if value is None else self.at(name, value)
        if size > self._max_items:
            self.note()
        return result

    def sequence(self, items: Iterable, size: int) -> list[Any]:
        """A list of the items."""
        result: list[Any] = []
        for index, item in enumerate(itertools.islice(items, self._max_items)):
            if not self.spend(4):
                self.note()
                break
            result.append(self.at(str(index), item))
        if size > self._max_items:
            self.note()
        return result

    def text_of(self, key: OpaqueKey) -> str:
        """An opaque key as text; a dashboard's context has the same few keys hundreds of times."""
        known = self._seen.get(id(key))
        if known is None:
            known = self._seen[id(key)] = key, str(key)
        return known[1]

    def _name(self, key: Any) -> str:
        return self.text_of(key) if issubclass(type(key), OpaqueKey) else key_text(key)

    def _odd_name(self, name: str) -> str:
        if len(name) > MAX_NAME:
            self.note()
            return clean_text(mask(name[:MAX_NAME + 1000])[:MAX_NAME]) + "…"
        return clean_text(mask(name))


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
        if issubclass(cls, (datetime, date, time)):
            return key.isoformat()
        if issubclass(cls, (int, float, Decimal, UUID, OpaqueKey, Promise, PurePath)):
            return str(key)
        if issubclass(cls, tuple):
            return ",".join(key_text(part) for part in key)
    except Exception:  # pylint: disable=broad-exception-caught
        pass  # As for values: someone else's __str__.
    return type_name(cls)


def clean_text(text: str) -> str:
    """The text with ``?`` for lone surrogates, which UTF-8 can't hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


# --- Scalars

def _as_it_is(walk, value):
    walk.spend(5)
    return value


def _text(walk, value):
    value = str.__str__(value)
    if len(value) > walk.max_text:
        # A secret that the cut would halve is masked first.
        value = mask(value[:walk.max_text + 4096])[:walk.max_text] + "…"
        walk.note()
    else:
        value = mask(value)
    walk.spend(len(value))
    return value if value.isascii() else clean_text(value)


def _integer(walk, value):
    value = int(value)
    walk.spend(8)
    # Beyond 64 bits parsers differ, and beyond 4300 digits Python itself refuses.
    return value if value.bit_length() <= 64 else (str(value) if value.bit_length() < 4096 else marker(value))


def _number(walk, value):
    walk.spend(8)
    value = float(value)
    return value if math.isfinite(value) else None


def _decimal(_walk, value):
    return str(value) if value.is_finite() else None


def _enum(walk, value):
    return walk.json(value.value)


def _plain(walk, value):
    return _text(walk, str(value))


def _datetime(walk, value):
    walk.spend(32)
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.get_default_timezone())
    return value.isoformat()


def _iso(_walk, value):
    return value.isoformat()


def _duration(_walk, value):
    return duration_iso_string(value)


def _bytes(walk, value):
    value = bytes(value)
    try:
        return _text(walk, value.decode("utf-8"))
    except UnicodeDecodeError:
        return {"type": "bytes", "size": len(value)}


def _class(_walk, value):
    # CourseDiscussionConfigurationData.plugin_configuration is the class dict where nothing was given.
    if issubclass(value, dict):
        return {}
    if issubclass(value, (list, tuple, set, frozenset)):
        return []
    return {"type": "type", "name": type_name(value)}


# --- Containers

def _container(convert: Handler) -> Handler:
    """For what can contain itself."""
    @functools.wraps(convert)
    def handler(walk, value):
        if not walk.enter(value):
            return marker(value)
        try:
            return convert(walk, value)
        finally:
            walk.leave(value)

    return handler


@_container
def _dict(walk, value):
    return walk.mapping(dict.items(value), len(value), sensitive_here(value))


@_container
def _mapping(walk, value):
    return walk.mapping(value.items(), len(value), sensitive_here(value))


def _multi_value_dict(walk, value):
    """A form: one value as itself, several as a list."""
    return walk.json({key: values[0] if len(values) == 1 else values for key, values in value.lists()})


@_container
def _sequence(walk, value):
    items = without_sensitive_pairs(value)
    return walk.sequence(items, len(items))


@_container
def _collection(walk, value):
    return walk.sequence(value, len(value))


@_container
def _set(walk, value):
    items = walk.sequence(value, len(value))
    return sorted(items, key=lambda item: (type(item).__name__, item if isinstance(item, str) else repr(item)))


def _tuple(walk, value):
    fields = getattr(type(value), "_fields", None)
    return _named_tuple(walk, value) if isinstance(fields, tuple) else _sequence(walk, value)


@_container
def _named_tuple(walk, value):
    fields = type(value)._fields
    return walk.mapping(zip(fields, tuple.__iter__(value)), len(fields))


def _fields_handler(names: Iterable[str]) -> Handler:
    """For classes that declare their fields."""
    public = tuple(name for name in names if not name.startswith("_"))

    def read(value):
        for name in public:
            try:
                yield name, getattr(value, name)
            except Exception:  # pylint: disable=broad-exception-caught
                yield name, None

    return _container(lambda walk, value: walk.mapping(read(value), len(public)))


# --- What must not be woken

def _lazy_object(walk, value):
    """A lazy user that the caller has looked at is that user; one that nobody has would cost a query."""
    wrapped = object.__getattribute__(value, "__dict__").get("_wrapped", empty)
    return {"type": type_name(type(value))} if wrapped is empty else walk.json(wrapped)


def _query_set(walk, value):
    """Never evaluated: the model; the count and the first ids if the caller has the rows already."""
    state = value.__dict__
    result = {"type": state["model"]._meta.label}
    rows = state.get("_result_cache")
    if rows is not None:
        ids = [row.get("id") if isinstance(row, dict) else primary_key(row) for row in walk.rows(rows)]
        result |= {"count": len(rows), "ids": [walk.json(key) for key in ids if key is not None]}
    return result


def primary_key(instance) -> int | None:
    """A model instance's number; other keys may be secrets themselves (sessions, API tokens)."""
    meta = getattr(type(instance), "_meta", None)
    key = instance.__dict__.get(meta.pk.attname) if meta is not None and meta.pk is not None else None
    return key if type(key) is int else None  # pylint: disable=unidiomatic-typecheck


def _model(_walk, value):
    """A model without a serializer of its own."""
    result = {"type": type(value)._meta.label}
    key = primary_key(value)
    return result if key is None else result | {"id": key}


def _file(_walk, value):
    """The name without its directories, and the size where nobody has to be asked for it."""
    state = getattr(value, "__dict__", {})
    name = getattr(value, "name", None)
    size = state.get("size", state.get("_size"))
    if type(value) is io.BytesIO:  # pylint: disable=unidiomatic-typecheck
        size = value.getbuffer().nbytes
    elif size is None and issubclass(type(value), io.IOBase.__base__):
        try:
            size = os.fstat(value.fileno()).st_size
        except (OSError, ValueError):
            size = None
    return {
        "name": os.path.basename(str.__str__(name)) if isinstance(name, str) else None,
        "size": size if isinstance(size, int) else None,
    }


def _unknown(walk, value):
    walk.spend(40)
    return marker(value)


# --- Which handler for which class

_BY_CLASS: dict[type, Handler] = {
    str: _text,
    bool: _as_it_is,
    int: _integer,
    float: _number,
    type(None): _as_it_is,
    Decimal: _decimal,
    datetime: _datetime,
    date: _iso,
    time: _iso,
    timedelta: _duration,
    UUID: _plain,
    PurePath: _plain,
    OpaqueKey: lambda walk, value: _text(walk, walk.text_of(value)),
    Promise: _plain,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    type: _class,
    types.GenericAlias: lambda walk, value: _class(walk, value.__origin__),
    dict: _dict,
    types.MappingProxyType: _mapping,
    ChainMap: _mapping,
    list: _sequence,
    tuple: _tuple,
    set: _set,
    frozenset: _set,
    deque: _collection,
    range: _collection,
    type({}.keys()): _collection,
    type({}.values()): _collection,
    type({}.items()): _collection,
    # The C base of every stream; io.IOBase knows the built-in ones by registration only.
    io.IOBase.__base__: _file,
}
# By name, because importing them needs the app registry or isn't possible everywhere.
_BY_NAME: dict[str, Handler] = {
    "MultiValueDict": _multi_value_dict,
    "QuerySet": _query_set,
    "RawQuerySet": _query_set,
    "Model": _model,
    "File": _file,
}
# Filled as classes are met; a process sees a few hundred.
_handlers: dict[type, Handler] = {}


def register(target: type | str, serializer: Callable[[Any], Any]) -> None:
    """
    Declare how objects of a class are sent.

    Arguments:
        target: the class, or its name without the module (subclasses of either follow it).
        serializer: takes the object and returns what to send instead: plain values or further objects, which are
            converted in their turn. It reads only what is in memory; :func:`~.serializers.held` helps.
    """
    def convert(walk, value):
        sent = serializer(value)
        return walk.mapping(sent.items(), len(sent)) if type(sent) is dict else walk.json(sent)

    def handler(walk, value):
        return walk.once(value, convert)

    _handlers.clear()
    (_BY_NAME if isinstance(target, str) else _BY_CLASS)[target] = handler


def _find_handler(cls: type) -> Handler:
    handler = _handlers[cls] = _resolve(cls)
    return handler


def _resolve(cls: type) -> Handler:
    if issubclass(cls, LazyObject):
        return _lazy_object
    if issubclass(cls, Enum):
        return _enum
    declared = attr.has(cls)
    for base in cls.__mro__:
        # A data class says itself what it consists of, whatever its name.
        handler = _BY_CLASS.get(base) or (None if declared else _BY_NAME.get(base.__name__))
        if handler is not None:
            return handler
    if declared:
        return _fields_handler(field.name for field in attr.fields(cls))
    if dataclasses.is_dataclass(cls):
        return _fields_handler(field.name for field in dataclasses.fields(cls))
    return _unknown
