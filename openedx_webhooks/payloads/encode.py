"""
From a payload to the body of a POST: JSON, or form fields.

Form fields are the payload's leaves, their path joined with ``_``: ``user_id``, ``user_pii_email``,
``event_metadata_time``; list items by index: ``users_0_id``. Booleans are ``true`` and ``false``, null is the empty
string, and so is an empty list or object, so that its name is there. Where two paths give the same name
(``user_id`` beside ``user: {id: …}``), equal values are sent once, different ones as repeated fields in payload order.
"""

from typing import Any
from urllib.parse import urlencode

from .limits import dump
from .serialize import to_json

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


def encode(payload: Any, form: bool) -> tuple[bytes, str]:
    """
    The body and its content type.

    What isn't strict JSON data (a shape can make NaN of a text), or is nested deeper than Python goes, is converted by
    :func:`~.serialize.to_json` first.
    """
    try:
        return _encoded(payload, form)
    except (ValueError, TypeError, RecursionError):
        return _encoded(to_json(payload), form)


def _encoded(payload, form):
    body = dump(payload)
    if not form:
        return body, JSON_TYPE
    return urlencode(flatten(payload), errors="replace").encode("ascii"), FORM_TYPE


def flatten(payload: Any) -> list[tuple[str, str]]:
    """The form fields of a payload; one that is a single value has the name ``value``."""
    return list(dict.fromkeys(_leaves(payload, "")))


def _leaves(value, path):
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}_{key}" if path else str(key))
    elif isinstance(value, (list, tuple)) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}_{index}" if path else str(index))
    else:
        yield path or "value", _field(value)


def _field(value) -> str:
    if value is None or value == {} or value == []:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
