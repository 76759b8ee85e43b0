"""The data classes of events: their fields, and what an annotation means."""

import dataclasses
import typing
from typing import Any

import attrs


@attrs.frozen
class DataField:
    """
    A field of a data class, whether attrs or the standard library made it.

    Attributes:
        type: the annotation, resolved if it was a text.
        default: ``attrs.NOTHING`` without one.
        argument: its name in the constructor; empty if it has none there.
    """

    name: str
    type: Any
    default: Any
    argument: str


def is_data_class(cls: Any) -> bool:
    """Whether :func:`data_fields` knows its fields."""
    return isinstance(cls, type) and (attrs.has(cls) or dataclasses.is_dataclass(cls))


def data_fields(cls: type) -> list[DataField]:
    """The fields of a data class in their order."""
    if not attrs.has(cls):
        return [
            DataField(field.name, kind, _default_of(field), field.name if field.init else "")
            for field, kind in _with_types(cls, dataclasses.fields(cls))
        ]
    return [
        DataField(field.name, kind, field.default, field.alias if field.init else "")
        for field, kind in _with_types(cls, attrs.fields(cls))
    ]


def _with_types(cls, fields):
    hints = {}
    if any(isinstance(field.type, str) for field in fields):
        try:
            hints = typing.get_type_hints(cls)
        except NameError:
            # Imported for type checkers only: nothing is known about the field.
            hints = {}
    return [(field, hints.get(field.name, field.type)) for field in fields]


def _default_of(field):
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    return attrs.NOTHING if field.default is dataclasses.MISSING else field.default


def unwrapped(annotation: Any) -> Any:
    """The annotation without the names that were given to it, and without what is annotated to it."""
    while True:
        if hasattr(annotation, "__value__"):
            # ``type ID = …`` of Python 3.12, as in openedx-core.
            annotation = annotation.__value__
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif typing.get_origin(annotation) is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        else:
            return annotation
