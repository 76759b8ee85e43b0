"""
Instances of the events' data classes, made from the classes themselves: a new library release needs nothing here.
"""

import datetime
import io
import types
import typing
import uuid

import attr
from ccx_keys.locator import CCXLocator
from hypothesis import strategies as st
from opaque_keys.edx import locator
from opaque_keys.edx.keys import CourseKey, UsageKey

COURSE = CourseKey.from_string("course-v1:Édu+Démo+2026")
LIBRARY = locator.LibraryLocatorV2("edX", "lib-1")

_texts = st.one_of(
    st.sampled_from(["", "plain", "Ζωή & <b>日本語</b>", "a=b&c", "null", "☃" * 40, "line\nbreak\ttab \x00", "🙂"]),
    st.text(max_size=20),
)
_zones = st.sampled_from([None, datetime.UTC, datetime.timezone(datetime.timedelta(hours=5, minutes=45))])

SCALARS: dict[typing.Any, st.SearchStrategy] = {
    str: _texts,
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(),
    datetime.datetime: st.datetimes(timezones=_zones),
    datetime.date: st.dates(),
    uuid.UUID: st.uuids(),
    CourseKey: st.sampled_from(
        [
            COURSE,
            CourseKey.from_string("course-v1:edX+DemoX+2026"),
            CourseKey.from_string("edX/DemoX/2026"),
            CCXLocator.from_string("ccx-v1:edX+DemoX+2026+ccx@1"),
        ]
    ),
    UsageKey: st.sampled_from(
        [
            COURSE.make_usage_key("problem", "pröblem"),
            UsageKey.from_string("i4x://edX/DemoX/vertical/a"),
            locator.LibraryUsageLocatorV2(LIBRARY, "html", "block"),
        ]
    ),
    CCXLocator: st.just(CCXLocator.from_string("ccx-v1:edX+DemoX+2026+ccx@1")),
    locator.LibraryLocatorV2: st.just(LIBRARY),
    locator.LibraryUsageLocatorV2: st.just(locator.LibraryUsageLocatorV2(LIBRARY, "html", "block")),
    locator.LibraryCollectionLocator: st.just(locator.LibraryCollectionLocator(LIBRARY, "collection")),
    locator.LibraryContainerLocator: st.just(locator.LibraryContainerLocator(LIBRARY, "unit", "first")),
    typing.BinaryIO: st.sampled_from([io.BytesIO(b"\x89PNG\xff"), None]),
    dict: st.dictionaries(_texts, _texts, max_size=3),
    list: st.lists(_texts, max_size=3),
    typing.Any: _texts,
}


def values(annotation, optional: bool | None = None) -> st.SearchStrategy:
    """Values of an annotation: a data class, a list or dict of something, an optional one, a scalar."""
    if attr.has(annotation):
        return instances(annotation, optional)
    # openedx-core's numbers are aliases (``type ID = …``) of types of their own (``NewType``).
    annotation = getattr(annotation, "__value__", annotation)
    annotation = getattr(annotation, "__supertype__", annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (list, tuple, set, frozenset):
        item = values(arguments[0], optional) if arguments else _texts
        return st.lists(item, max_size=3)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1], optional), max_size=3)
    if origin is not None:
        return st.one_of(
            *(st.none() if argument is types.NoneType else values(argument, optional) for argument in arguments)
        )
    return SCALARS[annotation]


def instances(cls: type, optional: bool | None = None) -> st.SearchStrategy:
    """
    Instances of a data class.

    Arguments:
        optional: whether fields with a default are given a value, at any depth; None: now and then, and None where that
            is the default.
    """
    hints = typing.get_type_hints(cls, include_extras=False) if _has_text_types(cls) else {}

    @st.composite
    def build(draw):
        arguments = {}
        for field in attr.fields(cls):
            if not field.init:
                continue
            if field.default is not attr.NOTHING and not (draw(st.booleans()) if optional is None else optional):
                continue
            value = values(hints.get(field.name, field.type), optional)
            arguments[field.alias] = draw(st.none() | value if field.default is None and not optional else value)
        return cls(**arguments)

    return build()


def _has_text_types(cls) -> bool:
    return any(isinstance(field.type, str) for field in attr.fields(cls))


def event_arguments(event_type, optional: bool | None = None) -> st.SearchStrategy:
    """What the receivers of an event get: argument name → instance; ``optional`` as for :func:`instances`."""
    return st.fixed_dictionaries({name: values(cls, optional) for name, cls in event_type.init_data.items()})
