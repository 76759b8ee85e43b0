"""
What the body of a POST looks like. Each format is declared once, in :data:`FORMATS`: the choice in the form, what is
sent, and the OpenAPI document follow.
"""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from django.utils.translation import gettext, gettext_lazy

from . import published
from .encode import JSON_TYPE
from .subject import subject_of

CURRENT, CLOUDEVENTS = "current", "cloudevents"
Metadata = Mapping[str, Any]


@attrs.frozen
class Format:
    """
    A format of the body.

    Attributes:
        content_type: of the body.
        value: event metadata, content → the JSON value that the body is; None if that is the content itself.
        encode: value, whether it is a form → the body and its content type; None for the usual ways.
        schema: JSON Schema of the content → that of the value.
    """

    title: str
    content_type: str = JSON_TYPE
    value: Callable[[Metadata, Any], Any] | None = None
    encode: Callable[[Any, bool], tuple[bytes, str]] | None = None
    schema: Callable[[dict[str, Any]], dict[str, Any]] = lambda content: content

    @property
    def has_form(self) -> bool:
        """Whether WWW form encoding can hold it."""
        return self.value is None or self.encode is not None


# CloudEvents 1.0: attributes that every event has, and Open edX' own extensions of them (OEP-41).
_ATTRIBUTES = {"id": "id", "source": "source", "type": "event_type", "time": "time"}
_EXTENSIONS = ("minorversion", "sourcehost")


def _cloudevent(metadata: Metadata, content: Any) -> dict[str, Any]:
    event = {"specversion": "1.0"}
    event |= {name: metadata[ours] for name, ours in _ATTRIBUTES.items() if metadata.get(ours)}
    event |= {name: metadata[name] for name in _EXTENSIONS if metadata.get(name) not in (None, "")}
    if metadata.get("sourcelib"):
        # An attribute is no list.
        event["sourcelib"] = ".".join(map(str, metadata["sourcelib"]))
    if isinstance(content, dict) and (course_key := subject_of(content).course_key):
        # No person: what stands outside of the data is read, and logged, by whatever passes the event on.
        event["subject"] = course_key
    return {**event, "datacontenttype": JSON_TYPE, "data": content}


def _cloudevent_schema(content: dict[str, Any]) -> dict[str, Any]:
    names = ("specversion", *_ATTRIBUTES, "datacontenttype", "subject", "sourcehost", "sourcelib")
    properties: dict[str, Any] = {name: {"type": "string"} for name in names}
    properties |= {"minorversion": {"type": "integer"}, "data": content}
    return {"properties": properties, "required": ["specversion", "id", "source", "type", "data"]}


_PUBLISHED_TITLES = {
    "published": gettext_lazy("As openedx-webhooks 22.0.0 sent it, for receivers written for it"),
    "published-21": gettext_lazy("As openedx-webhooks 2.0.0 to 21.0.1 sent it"),
    "published-1": gettext_lazy("As openedx-webhooks 1.0.1 and 1.1.0 sent it"),
}

FORMATS = {
    CURRENT: Format(gettext_lazy("JSON: the payload, or what the shape makes of it")),
    CLOUDEVENTS: Format(
        gettext_lazy("CloudEvents 1.0: the same in an envelope"),
        "application/cloudevents+json",
        _cloudevent,
        schema=_cloudevent_schema,
    ),
    **{
        name: Format(_PUBLISHED_TITLES[name], value=version.value, encode=version.encode, schema=lambda _content: {})
        for name, version in published.VERSIONS.items()
    },
}


def format_of(name: str) -> Format:
    """The format of a name; a ValueError says if there is none."""
    if name not in FORMATS:
        raise ValueError(gettext("This version knows no payload format “%s”: choose another.") % name[:40])
    return FORMATS[name]


def choices() -> list[tuple[str, str]]:
    return [(name, one.title) for name, one in FORMATS.items()]
