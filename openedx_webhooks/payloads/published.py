"""
The bodies that the published plugin sent, for the receivers that were written for it: what differs from ours, and
nothing else knows of it.

Of an event, the body is made when it is sent, from the payload that was captured: which of its texts are dates is said
by the event's data classes. Of a filter, it is made from the filter's arguments, which ours has less of.

What never leaves, does not leave in these either: members with a sensitive name, secrets inside texts.
"""

import dataclasses
import functools
import json
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

import attr
import attrs
from django.utils.functional import empty

from .. import catalog
from ..app_settings import app_settings
from . import registry
from .limits import METADATA, dump, fit
from .serializers import held
from .walk import Path, Walk

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
# What the published plugin waited for at most, and how often it followed a redirect of an endpoint.
TIMEOUT_SECONDS, MAX_REDIRECTS = 10.0, 30
_EVENT_METADATA = ("event_type", "id", "minorversion", "source", "sourcehost", "time", "sourcelib")


@attrs.frozen
class Version:
    """
    What some versions of the published plugin have in common.

    Attributes:
        has_class_paths: the members of an event's body are named after Python classes, not after its arguments.
        shows_attributes: objects of a filter are sent with their attributes, at any depth; else as a text, but for
            accounts, profiles and grades, and for the filter of the blocks of a unit.
        has_form: it knew WWW form encoding; else it sent JSON whatever the hook says.
    """

    has_class_paths: bool = True
    shows_attributes: bool = True
    has_form: bool = True

    # --- The body

    def value(self, _metadata: Mapping[str, Any], content: Any) -> Any:
        """The body as JSON data, of a payload of ours: exact for events, as near as it gets for filters."""
        metadata = content.get(METADATA) if isinstance(content, dict) else None
        if not isinstance(metadata, Mapping):
            # What a shape has made.
            return content
        dotted = str(metadata.get("event_type", ""))
        if event := catalog.find_event(dotted):
            return self._event(event, content, metadata)
        if known := catalog.find_filter(dotted):
            arguments = {name: one for name, one in content.items() if name != METADATA}
            if isinstance(form := arguments.get("form_data"), dict):
                # Of a form that has been one already, _last_values() sees to it.
                arguments["form_data"] = {
                    name: one[-1] if isinstance(one, list) and one else one for name, one in form.items()
                }
            return self._of_filter(known, arguments, metadata)
        return content

    def encode(self, value: Any, form: bool) -> tuple[bytes, str]:
        """The body and its content type: JSON in ASCII, or form fields as Python shows their values."""
        if not form or not self.has_form:
            return json.dumps(value).encode("ascii"), _JSON
        return urlencode(dict(self._fields(value, None)), errors="replace").encode("ascii"), _FORM

    def _fields(self, value, path):
        if isinstance(value, dict):
            for name, item in value.items():
                yield from self._fields(item, str(name) if path is None else f"{path}_{name}")
        elif not self.shows_attributes and path == f"{METADATA}_sourcelib":
            yield path, str(tuple(value))
        else:
            yield "value" if path is None else path, str(value)

    # --- Events

    def _event(self, event: catalog.EventType, payload, metadata) -> dict[str, Any]:
        body = {}
        for name, kind in event.init_data.items():
            if name in payload:
                body[_path_of(kind) if self.has_class_paths else name] = _dates(payload[name], kind)
        body[METADATA] = {name: metadata[name] for name in _EVENT_METADATA if name in metadata}
        if "time" in metadata:
            body[METADATA]["time"] = _date(metadata["time"])
        return body

    # --- Filters

    def message(
        self, known: catalog.FilterType, arguments: Mapping[str, Any], with_profile: bool, file_urls: bool = False
    ) -> "Message":
        """The body of a filter as JSON data, from its arguments and what is beside them."""
        shown = _SHOWN_OF_COURSE | _SHOWN if known.filter_type == _COURSE_ABOUT else _SHOWN
        is_deep = self.shows_attributes or known.filter_type == _BLOCK_IN_A_UNIT
        walk = (_Walk if is_deep else _ShallowWalk)(shown, file_urls)
        body = self._of_filter(known, arguments, {"time": datetime.now(UTC).isoformat()}, walk.member, with_profile)
        size = app_settings.PAYLOAD_MAX_BYTES
        return Message(fit(body, size)[0] if len(dump(body)) > size else body, walk.withheld)

    def _of_filter(self, known, arguments, metadata, convert: Callable = lambda _name, value: value, with_profile=True):
        layout = _LAYOUTS.get(known.filter_type, ())
        body = {}
        for name, path in layout or ((name, name) for name in arguments if name != "profile"):
            if path.endswith("profile") and not with_profile:
                continue
            found, value = _find(arguments, path)
            if found and (value is not None or path in arguments):
                body[name] = convert(name, value)
        body = {name: value for name, value in body.items() if value is not DROPPED}
        if known.filter_type == _REGISTRATION and isinstance(form := body.get("form_data"), dict):
            body = form
        when = str(metadata.get("time", ""))
        if not self.shows_attributes:
            when = _date(when).removesuffix("+00:00")
        return {**body, METADATA: {"event_type": known.name, "time": when}}


class Message(NamedTuple):
    """What a webfilter is sent; attributes as of :class:`~.serialize.FilterMessage`."""

    payload: dict[str, Any]
    withheld: Mapping[Path, str]


# The names are stored with each hook. What the versions sent was recorded: tests/published.
VERSIONS = {
    "published": Version(),
    "published-21": Version(shows_attributes=False),
    "published-1": Version(shows_attributes=False, has_class_paths=False, has_form=False),
}


# --- Events: the names and the dates


def _path_of(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}" if isinstance(kind, type) else str(kind)


def _date(text: Any) -> Any:
    """``2026-01-01T00:00:00+00:00`` → ``2026-01-01 00:00:00+00:00``."""
    return text.replace("T", " ", 1) if isinstance(text, str) else text


def _dates(value: Any, kind: Any) -> Any:
    """The value with its dates as Python shows them; which texts are dates is said by its data class."""
    if isinstance(value, dict) and attr.has(kind):
        kinds = _kinds(kind)
        return {name: _dates(item, kinds.get(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_dates(item, next(iter(typing.get_args(kind)), None)) for item in value]
    return _date(value) if kind is datetime else value


@functools.cache
def _kinds(kind: type) -> Mapping[str, Any]:
    """The types of a data class's members."""
    try:
        hints = typing.get_type_hints(kind)
    except Exception:  # pylint: disable=broad-exception-caught
        # Of another package, with names that are there for type checkers only.
        hints = {}
    return {one.name: _plain(hints.get(one.name, one.type)) for one in attr.fields(kind)}


def _plain(kind: Any) -> Any:
    """``datetime | None`` → ``datetime``; a list keeps the type of its items."""
    if typing.get_origin(kind) in (list, tuple) or not typing.get_args(kind):
        return kind
    return next((_plain(one) for one in typing.get_args(kind) if one is not type(None)), None)


# --- Filters: which members, in which order

_LEARNING = "org.openedx.learning."
_REGISTRATION = f"{_LEARNING}student.registration.requested.v1"
_COURSE_ABOUT = f"{_LEARNING}course_about.render.started.v1"
_BLOCK_IN_A_UNIT = f"{_LEARNING}vertical_block_child.render.started.v1"
DROPPED = object()


def _layout(members: str) -> tuple[tuple[str, str], ...]:
    """``name`` or ``name=path``, separated by blanks: the members, and where in the arguments each comes from."""
    return tuple((name, path or name) for name, _, path in (one.partition("=") for one in members.split()))


_LAYOUTS = {
    f"{_LEARNING}{filter_type}.v1": _layout(members)
    for filter_type, members in {
        "student.login.requested": "user profile=user.profile",
        "course.enrollment.started": "user profile=user.profile course_key mode",
        "course.unenrollment.started": "user=enrollment.user profile=enrollment.user.profile enrollment",
        "certificate.creation.requested": (
            "user course_key mode status grade generation_mode profile=user.profile completion_summary"
        ),
        "cohort.assignment.requested": (
            "target_cohort user user_profile=user.profile course_key=target_cohort.course_id"
        ),
        "cohort.change.requested": (
            "current_membership target_cohort user=current_membership.user "
            "user_profile=current_membership.user.profile course_key=current_membership.course_id"
        ),
        "course.homepage.url.creation.started": "course_id=course_key course_home_url",
        "home.enrollment.api.rendered": "course_id=course_key serialized_enrollment",
    }.items()
}


def _find(arguments: Mapping[str, Any], path: str) -> tuple[bool, Any]:
    """Whether there is something at a path, and what; in objects only what is in memory."""
    name, *rest = path.split(".")
    if name not in arguments:
        return False, None
    value = arguments[name]
    if rest and isinstance(value, dict) and rest[-1] == "profile" and "profile" in arguments:
        # A payload of ours has it at the top.
        return True, arguments["profile"]
    for attribute in rest:
        value = value.get(attribute) if isinstance(value, dict) else held(_awake(value), attribute)
    return True, value


def _awake(value: Any) -> Any:
    """The user inside a lazy one, if it is there."""
    return held(value, "_wrapped", value)


# --- Filters: what an object shows


class _Walk(Walk):
    """
    Shows an object's attributes, as far as they are public and in memory.

    Attributes:
        shown: where, for those that show only a few.
    """

    __slots__ = ("shown",)

    def __init__(self, shown: set[Path], file_urls: bool):
        super().__init__(file_urls=file_urls)
        self.shown = shown

    def member(self, name: str, value: Any) -> Any:
        """A member of the body, or :data:`DROPPED`."""
        return DROPPED if self.is_sensitive(name) else self.at(name, value)

    def json(self, value: Any) -> Any:
        try:
            return (_handler_of(type(value)) or registry.handler_of(type(value)))(self, value)
        except Exception:  # pylint: disable=broad-exception-caught
            return registry.marker(value)


# Where the older versions showed an object with its attributes.
_SHOWN = {("user",), ("profile",), ("user_profile",), ("grade",)}
_SHOWN_OF_COURSE = {("context", "course"), ("context", "course_details")}


class _ShallowWalk(_Walk):
    """Shows the attributes of the objects in a few places; of others only what they are."""

    __slots__ = ()

    def json(self, value: Any) -> Any:
        if isinstance(value, (set, frozenset)):
            return self.json(str(value))
        if (
            _handler_of(type(value)) is _attributes
            and tuple(self._path) not in self.shown
            and self._path[:1] != ["grade"]
        ):
            name = registry.type_name(type(value))
            text = "AnonymousUser" if name.endswith(".AnonymousUser") else held(value, "username")
            return super().json(text) if isinstance(text, str) else f"<{name} object>"
        return super().json(value)


def _attributes(walk: Walk, value: Any) -> Any:
    return walk.once(value, _shown)


def _shown(walk, value):
    state = object.__getattribute__(value, "__dict__")
    public = [(name, each) for name, each in state.items() if isinstance(name, str) and not name.startswith("_")]
    return walk.mapping(public, len(public))


def _moment(walk, value):
    walk.spend(32)
    return str(value)


def _text_of(walk, value):
    return walk.json(str(value))


def _awoken(walk, value):
    wrapped = held(value, "_wrapped", empty)
    return {} if wrapped is empty else walk.json(wrapped)


def _items(walk, value):
    return walk.json(list(value))


def _last_values(walk, value):
    """A form: of several values the last."""
    return walk.mapping(value.items(), len(value))


# Kept as they are in our own payload: what they hold is a secret, a learner's answers, or without an end.
_KEPT = (
    "XBlock",
    "ProviderConfig",
    "HttpResponseBase",
    "FormDescription",
    "Country",
    "File",
    "QuerySet",
    "RawQuerySet",
    "Manager",
    "module",
)
_OURS = {
    "MultiValueDict": _last_values,
    "AbstractBaseUser": _attributes,
    "AnonymousUser": _attributes,
    "LazyObject": _awoken,
}
_BY_CLASS = {datetime: _moment, timedelta: _moment, bytes: _text_of, bytearray: _text_of}


@functools.lru_cache(maxsize=1024)
def _handler_of(cls: type) -> Callable | None:
    """How an object of this class is shown here; None: as in our own payload."""
    if cls in _BY_CLASS:
        return _BY_CLASS[cls]
    if issubclass(cls, tuple):
        return _items
    names = [base.__name__ for base in cls.__mro__]
    for name in names:
        if name in _OURS:
            return _OURS[name]
        if name in _KEPT:
            return None
    if attr.has(cls) or dataclasses.is_dataclass(cls):
        return None
    return None if registry.is_declared(cls) else _attributes
