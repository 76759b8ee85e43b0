"""
Sample payloads: real instances of the data classes, serialized as the real ones are.

So a sample can't promise what a payload doesn't hold. Everything is filled in, optional fields too; the same type
always gives the same sample.
"""

import enum
import io
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import attrs
import openedx_events
from opaque_keys import InvalidKeyError, OpaqueKey
from openedx_events.data import EventsMetadata

from ..catalog import EventType, FilterType
from . import sample_values as values
from .data_classes import data_fields, is_data_class, unwrapped
from .sample_arguments import filter_arguments, filter_extra
from .serialize import event_payload, filter_payload


def sample_payload(hook_type: EventType | FilterType) -> dict[str, Any]:
    """
    What a hook of this type is sent, with made-up data.

    Args:
        hook_type: an entry of the catalog.

    Returns:
        the payload as JSON data, ``event_metadata`` included.
    """
    if isinstance(hook_type, EventType):
        kwargs = {name: sample_instance(data_class) for name, data_class in hook_type.init_data.items()}
        payload = event_payload(hook_type, kwargs, _metadata(hook_type))
    else:
        payload = filter_payload(hook_type, filter_arguments(hook_type), filter_extra(hook_type))
        payload["event_metadata"] |= {
            "id": str(values.EVENT_ID),
            "time": values.MOMENT.isoformat(),
            "source": "openedx/lms/web",
            "sourcehost": values.SOURCE_HOST,
        }
    return payload


def sample_instance(data_class: type, optional: bool = True) -> Any:
    """
    An instance of a data class of events.

    Args:
        data_class: any type that such a class may declare for a field, too.
        optional: whether fields that have a default are filled in; else they keep it.
    """
    return _Maker(optional).make(data_class)


def _metadata(event_type):
    version = getattr(openedx_events, "__version__", "0")
    return EventsMetadata(
        event_type=event_type.event_type,
        id=values.EVENT_ID,
        minorversion=event_type.signal.minor_version,
        source="openedx/lms/web",
        sourcehost=values.SOURCE_HOST,
        time=values.MOMENT,
        sourcelib=tuple(int(part) for part in version.split(".") if part.isdigit()),
    )


@attrs.frozen
class _Maker:
    """Makes a value for an annotation; the names of its class and field choose among those that fit."""

    optional: bool

    def make(self, annotation: Any, name: str = "", inside: tuple[type, ...] = ()) -> Any:
        annotation = unwrapped(annotation)
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Literal:
            return arguments[0]
        if origin in (typing.Union, types.UnionType):
            inner = [argument for argument in arguments if argument is not type(None)]
            return self.make(inner[0], name, inside)
        base = origin or annotation
        if not isinstance(base, type):
            return None
        return self._of_class(base, arguments, name, inside)

    def _of_class(self, base, arguments, name, inside):
        if is_data_class(base):
            # A class that contains itself has no second one inside.
            return (
                None
                if base in inside
                else base(
                    **{
                        field.argument: self.make(field.type, field.name, (*inside, base))
                        for field in data_fields(base)
                        if field.argument and (self.optional or field.default is attrs.NOTHING)
                    }
                )
            )
        owner = inside[-1].__name__ if inside else ""
        for listed in (values.BY_CLASS.get((owner, name)), values.BY_NAME.get(name)):
            if listed is not None and (value := _as_type(base, listed)) is not None:
                return value
        if issubclass(base, OpaqueKey):
            return _key(base)
        if issubclass(base, enum.Enum):
            return next(iter(base))
        if base is typing.BinaryIO or issubclass(base, io.IOBase):
            return io.BytesIO(b"\x89PNG")
        if issubclass(base, Mapping):
            return {}
        if issubclass(base, (Sequence, set, frozenset)) and not issubclass(base, (str, bytes)):
            items = [self.make(argument, name, inside) for argument in arguments[:1]]
            return [item for item in items if item is not None]
        return next((value for known, value in values.BY_TYPE.items() if issubclass(base, known)), None)


def _as_type(base: type, listed: Any) -> Any:
    """The listed value if the type takes it; texts become keys."""
    if issubclass(base, OpaqueKey):
        return _key(base, (listed,)) if isinstance(listed, str) else None
    if issubclass(base, (Mapping, list)):
        return listed if isinstance(listed, base) else None
    if base in (date, datetime):
        return listed if isinstance(listed, datetime) else None
    return listed if type(listed) is base else None  # pylint: disable=unidiomatic-typecheck


def _key(base: type[OpaqueKey], texts: Sequence[str] = values.KEYS) -> OpaqueKey | None:
    for text in texts:
        try:
            key = base.from_string(text)
        except (InvalidKeyError, NotImplementedError, ValueError):
            continue
        if isinstance(key, base):
            return key
    return None
