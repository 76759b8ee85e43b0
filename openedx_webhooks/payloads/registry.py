"""
Which handler converts which class.

Classes are found by themselves or by name, subclasses by their bases; data classes (attrs, dataclasses) by their
fields; what nobody knows becomes its type's name.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable
from typing import Any

import attr

# Takes the walk and the value, returns JSON data.
Handler = Callable[[Any, Any], Any]

_by_class: dict[type, Handler] = {}
# By name, because importing them needs the app registry or isn't possible everywhere.
_by_name: dict[str, Handler] = {}


def type_name(cls: type) -> str:
    """``module.Class``; built-in types without their module."""
    # Past what a metaclass makes of them.
    module, name = type.__getattribute__(cls, "__module__"), type.__getattribute__(cls, "__qualname__")
    return name if module in (None, "builtins") else f"{module}.{name}"


def marker(value: Any) -> dict[str, str]:
    """What stands for a value that isn't sent: ``{"type": "module.Class"}``."""
    return {"type": type_name(type(value))}


def handle(handlers: dict[type | str, Handler]) -> None:
    """Declare the handlers of classes, each by itself or by its name without the module."""
    handler_of.cache_clear()
    for target, handler in handlers.items():
        if isinstance(target, str):
            _by_name[target] = handler
        else:
            _by_class[target] = handler


def is_declared(cls: type) -> bool:
    """Whether the class, or a base of it, has a handler by itself: Python's own types and what is like them."""
    return any(base in _by_class for base in cls.__mro__)


def register(target: type | str, serializer: Callable[[Any], Any]) -> None:
    """
    Declare how objects of a class are sent.

    Args:
        target: the class, or its name without the module (subclasses of either follow it).
        serializer: takes the object and returns what to send instead: plain values or further objects, which are
            converted in their turn. It reads only what is in memory; :func:`~.serializers.held` helps.
    """

    def convert(walk, value):
        sent = serializer(value)
        return walk.mapping(sent.items(), len(sent)) if issubclass(type(sent), dict) else walk.json(sent)

    handle({target: lambda walk, value: walk.once(value, convert)})


def container(convert: Handler) -> Handler:
    """For what can contain itself, and be nested."""

    @functools.wraps(convert)
    def handler(walk, value):
        if not walk.enter(value):
            return marker(value)
        try:
            return convert(walk, value)
        finally:
            walk.leave(value)

    return handler


@functools.cache
def handler_of(cls: type) -> Handler:
    """The handler for the instances of a class; a process meets a few hundred."""
    declared = attr.has(cls)
    for base in cls.__mro__:
        # A data class says itself what it consists of, whatever its name.
        handler = _by_class.get(base) or (None if declared else _by_name.get(base.__name__))
        if handler is not None:
            return handler
    if declared:
        return _data_class(field.name for field in attr.fields(cls))
    if dataclasses.is_dataclass(cls):
        return _data_class(field.name for field in dataclasses.fields(cls))
    return _unknown


def _data_class(names: Iterable[str]) -> Handler:
    public = tuple(name for name in names if not name.startswith("_"))

    def read(value):
        for name in public:
            try:
                yield name, getattr(value, name)
            except Exception:  # pylint: disable=broad-exception-caught
                yield name, None

    return container(lambda walk, value: walk.mapping(read(value), len(public)))


def _unknown(walk, value):
    walk.spend(40)
    return marker(value)
