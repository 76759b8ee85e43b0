"""Whom and what a payload is about: what operators look for, and what a retired user's records are found by."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey, LearningContextKey, UsageKey

from .limits import METADATA
from .serialize import user_id_of
from .treatments import USER_MARK

_MOST_NODES = 500
_LEVELS = 6
# Keys of courses, of blocks in them, and of libraries, as the platform writes them.
_KEY = re.compile(r"(?:course|ccx|library|block|ccx-block|lib|lb)(?:-v1)?:[^\s:][^\s]{0,250}")
# The old form, edX/DemoX/2026, looks like any path: only under these names.
_COURSE_NAMES = ("course_key", "course_id")
# PostgreSQL keeps no NUL, MySQL's old utf8 nothing beyond the basic plane, and half a surrogate pair is no UTF-8.
_REFUSED = re.compile("[\0\ud800-\udfff\U00010000-\U0010ffff]")


@attrs.frozen
class Subject:
    """
    Attributes:
        user_id: the platform's id of the user; None if the payload names none.
        username: if the payload names none, and no id, an e-mail address in lower case; else empty.
        course_key: of the course or library; empty if the payload names none.
        org: of the course or library; empty if the payload names none.
    """

    user_id: int | None = None
    username: str = ""
    course_key: str = ""
    org: str = ""


def subject_of(payload: Mapping[str, Any]) -> Subject:
    """The user and the course that are nearest to the top of an event's payload."""
    context = next((found for key, value in _members(payload) if (found := _context(key, value))), None)
    user_id, username = user_id_of(payload), username_of(payload)
    return Subject(
        user_id=user_id,
        # Found by it when the user is retired; the column is that of names.
        username=username or (_email_of(payload) if user_id is None else ""),
        course_key=_storable(str(context))[:255] if context else "",
        org=_storable(getattr(context, "org", None) or "")[:255],
    )


def username_of(payload: Mapping[str, Any]) -> str:
    """The username that is nearest to the top of a payload; empty if it names none."""
    return _storable(next((name for key, value in _members(payload) if (name := _username(key, value))), ""))[:150]


def _email_of(payload: Mapping[str, Any]) -> str:
    """The e-mail address that is nearest to the top of a payload; empty if it names none."""
    named = (value for key, value in _members(payload) if key.lower().endswith("email") and isinstance(value, str))
    return _storable(next((text for value in named if "@" in (text := value.strip().lower())), ""))[:150]


def _storable(text: str) -> str:
    """Without what some columns refuse: an event must not be lost for a name with an emoji in it."""
    return _REFUSED.sub("\N{REPLACEMENT CHARACTER}", text)


def _members(payload) -> Iterator[tuple[str, Any]]:
    """Names and values, level by level; what is in lists has the list's name."""
    level, left = [(name, value) for name, value in payload.items() if name != METADATA], _MOST_NODES
    for _ in range(_LEVELS):
        below: list[tuple[str, Any]] = []
        for name, value in level[:left]:
            yield name, value
            if isinstance(value, dict):
                below += value.items()
            elif isinstance(value, list):
                below += [(name, item) for item in value[:10]]
        left -= len(level)
        if left <= 0:
            return
        level = below


def _username(name: str, value: Any) -> str:
    if not isinstance(value, str):
        return ""
    if value.startswith(USER_MARK):
        return value[len(USER_MARK) :]
    return value if name == "username" else ""


def _context(name: str, value: Any):
    if not isinstance(value, str) or not (name in _COURSE_NAMES or _KEY.fullmatch(value)):
        return None
    for kind in (CourseKey, UsageKey, LearningContextKey):
        try:
            key = kind.from_string(value)
        except InvalidKeyError:
            continue
        return getattr(key, "context_key", None) or key
    return None
