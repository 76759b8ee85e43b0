"""
JSON values → Python values of the type that is there: the type that the platform handed in is the type it gets back.

Live objects (blocks, models, querysets) are never replaced.
"""

import copy
import enum
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import attrs
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.timezone import is_aware
from opaque_keys import InvalidKeyError, OpaqueKey
from opaque_keys.edx.keys import CourseKey, LearningContextKey, UsageKey

from ...models.validators import validate_endpoint, validate_redirect

_MAX_TEXT = 1_000_000
# Django answers a redirect to a longer address (2048) with an error page.
_MAX_URL = 2000
# The platform's columns for keys; a longer one would end in a database error in the middle of its work.
_MAX_KEY = 255
# Members of contexts that pages make links of.
_LINK_NAME = re.compile(r"(?:url|uri|href|link|src|action|redirect_to|target|poster)s?$|^next$", re.I)
_URL = re.compile(r"https?:|/")
# Browsers skip blanks and control characters before a scheme and inside it, as many as there are.
_BLANKS = r"[\x00-\x20]*"
_SCHEMES = "|".join(_BLANKS.join(scheme) for scheme in ("javascript:", "vbscript:", "data:"))
_SCRIPT = re.compile(f"{_BLANKS}(?:{_SCHEMES})", re.I)
_IMAGE = re.compile(r"[\x00-\x20]*data:image/(?:png|jpeg|gif|webp)[;,]", re.I)
# A document of its own, whatever the name: no page has a use for it as a text.
_DOCUMENT = re.compile(_BLANKS + _BLANKS.join("data:") + r"[\w.+-]{1,60}/[\w.+-]{1,60}[;,]", re.I)
_ADDITIONS = frozenset(("prepend", "append"))


class Refused(ValueError):
    """A value that does not fit; the text says why, without repeating the value."""


@attrs.frozen
class Replaced:
    """A value that takes the place of what is there as it is: not merged into it, not made the same type."""

    value: Any


def check_text(value: Any) -> str:
    """A text, unless it is one that databases and pages choke on."""
    if not isinstance(value, str):
        raise Refused("it must be a text")
    if "\0" in value:
        raise Refused("it has a NUL character")
    if len(value) > _MAX_TEXT:
        raise Refused("it is too long")
    return value


def plain_text(value: Any) -> str:
    """A text, or a number or boolean as one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return check_text(str(value) if isinstance(value, (int, float)) else value)


def check_url(value: str, absolute: bool = False) -> None:
    """Check an address that the learner's browser will be sent to: http(s), or unless it must be absolute, a path."""
    if len(value) > _MAX_URL:
        raise Refused("it is too long for an address")
    try:
        (validate_endpoint if absolute else validate_redirect)(value)
    except ValidationError as error:
        raise Refused("it is not an http or https address" + ("" if absolute else " or a path")) from error


def check_links(name: str, given: Any, current: Any = None) -> None:
    """
    Check what stands where a page expects the target of a link: by the member's name, or by what was there.

    Raises:
        Refused: it, or a member of it, would run a script when the learner follows the link.
    """
    was_link = isinstance(current, str) and _URL.match(current) is not None
    pending = [(name, given)]
    while pending:
        name, value = pending.pop()
        if isinstance(value, Mapping):
            pending.extend(value.items())
        elif isinstance(value, list):
            pending.extend((name, one) for one in value)
        elif isinstance(value, str) and not _IMAGE.match(value):
            is_link = was_link or _LINK_NAME.search(name)
            if (_SCRIPT if is_link else _DOCUMENT).match(value):
                raise Refused("it is an address that runs a script")


def is_addition(given: Any) -> bool:
    """Whether an answer adds to a text: an object of ``prepend``, ``append`` or both."""
    return isinstance(given, Mapping) and bool(given) and given.keys() <= _ADDITIONS


def added(current: Any, given: Mapping[str, Any]) -> str:
    """The text with what an answer puts before and after it. Beside markup it is escaped, as the page would do."""
    before, after = (check_text(given.get(name, "")) for name in ("prepend", "append"))
    if isinstance(current, Promise):
        current = str(current)
    if hasattr(current, "__html__"):
        return type(current)(f"{escape(before)}{current.__html__()}{escape(after)}")
    return check_text(f"{before}{current}{after}")


def texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise Refused("it must be a list of texts")
    return [check_text(text) for text in value]


def convert(current: Any, given: Any) -> Any:
    """The given JSON value in the type of the current one; the current value itself if they are equal."""
    new = _typed(current, given)
    return current if type(new) is type(current) and new == current else new


def convert_null(types: tuple[type, ...], given: Any) -> Any:
    """The given JSON value for an argument that is null now and declared as one of some types."""
    if given is None:
        return None
    if types and types[0] in _NULLS:
        return _typed(_NULLS[types[0]], given)
    if types and issubclass(types[0], OpaqueKey):
        return _parsed_key(CourseKey, given)
    raise Refused("it is null here, and nothing says what the platform would take instead")


_NULLS: Mapping[type, Any] = {
    str: "",
    bool: False,
    int: 0,
    float: 0.0,
    list: [],
    datetime: datetime(2000, 1, 1, tzinfo=UTC),
}


def _typed(current, given):
    if current is None:
        return check_text(given) if isinstance(given, str) else given
    if isinstance(current, enum.Enum):
        raise Refused("it is one of a fixed set of the platform's objects, which an answer can't name")
    for types, conversion, expected in _CONVERSIONS:
        if isinstance(current, types):
            if given is None:
                raise Refused(f"it can't be null: the platform expects {expected}")
            return conversion(current, given)
    if _is_access(current):
        return _access(current, given)
    raise Refused(f"it is an object of the platform ({type(current).__name__}), which an answer can't make")


def _is_access(value) -> bool:
    """The platform's answer to whether somebody may see something: true or false with reasons."""
    return isinstance(getattr(value, "__dict__", {}).get("has_access"), bool)


def _access(current, given):
    if isinstance(given, Mapping) and set(given) == {"has_access"}:
        given = given["has_access"]
    if _boolean(current, given) == current.has_access:
        return current
    new = copy.copy(current)
    new.has_access = given
    if given:
        # The platform's own rule: who has access has no reasons against it.
        new.__dict__.update({name: None for name in vars(new) if name != "has_access"})
    return new


def _boolean(_current, given):
    if not isinstance(given, bool):
        raise Refused("it must be true or false")
    return given


def _integer(_current, given):
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise Refused("it must be a whole number")
    return given


def _number(_current, given):
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise Refused("it must be a number")
    return float(given)


def _decimal(_current, given):
    if isinstance(given, bool) or not isinstance(given, (int, float, str)):
        raise Refused("it must be a number")
    try:
        number = Decimal(str(given))
    except InvalidOperation as error:
        raise Refused("it must be a number") from error
    if not number.is_finite():
        raise Refused("it must be a number")
    return number


def _text(current, given):
    check_text(given)
    # A plain text instead of a marked-safe one: the page escapes it.
    return current if str(current) == given else given


def _moment(current, given):
    moment = _parsed(parse_datetime, given)
    if is_aware(current) and not is_aware(moment):
        raise Refused("it needs a time zone, as in 2030-01-31T12:00:00Z")
    return moment if is_aware(current) else moment.replace(tzinfo=None)


def _day(_current, given):
    return _parsed(parse_date, given)


def _parsed(parser, given):
    try:
        value = parser(given) if isinstance(given, str) else None
    except ValueError:
        value = None
    if value is None:
        raise Refused("it must be a date in ISO 8601")
    return value


def _key(current, given):
    base = next((base for base in (CourseKey, UsageKey, LearningContextKey) if isinstance(current, base)), None)
    if base is None:
        raise Refused(f"it is an object of the platform ({type(current).__name__}), which an answer can't make")
    key = _parsed_key(base, given)
    if type(key) is not type(current):
        raise Refused(f"it is a {type(key).__name__}, not a {type(current).__name__}")
    return key


def _parsed_key(base, given):
    if not isinstance(given, str):
        raise Refused("it must be a key in quotes")
    if len(given) > _MAX_KEY:
        raise Refused("it is too long for a key")
    try:
        return base.from_string(given)
    except InvalidKeyError as error:
        raise Refused("it is not a valid key") from error


def _union(current, given):
    if any(not isinstance(item, str) for item in current):
        raise Refused("nothing can be added to a set of objects")
    added = set(texts(given)) - current
    return current | added if added else current


def _sequence(current, given):
    if not isinstance(given, list):
        raise Refused("it must be a list")
    if is_named_tuple(current):
        raise Refused("it must be an object of its members")
    if type(current) not in (list, tuple) or not _is_plain(current):
        raise Refused("it is a list of objects of the platform, which an answer can't make")
    kinds = {_json_kind(item) for item in current}
    if len(kinds) == 1 and not {_json_kind(item) for item in given} <= kinds:
        raise Refused("its items must be of the same type as before")
    return type(current)(given)


def _mapping(_current, _given):
    raise Refused("it must be an object")


def _is_plain(value, depth=0) -> bool:
    """Whether a value is data alone, so that replacing it loses no live object."""
    if value is None or isinstance(value, (str, int, float, Promise, datetime, date, Decimal)):
        return True
    if depth > 8:
        return False
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(item, depth + 1) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item, depth + 1) for item in value)
    return False


def _json_kind(value):
    for types, kind in (
        ((bool,), bool),
        ((int, float), float),
        ((str, Promise, date), str),
        ((Mapping,), dict),
        ((list, tuple), list),
    ):
        if isinstance(value, types):
            return kind
    return None


def is_named_tuple(value: Any) -> bool:
    """Such as a course mode."""
    return isinstance(value, tuple) and isinstance(getattr(type(value), "_fields", None), tuple)


# In this order: a boolean is an integer too, a datetime a date.
_CONVERSIONS: Iterable[tuple[Any, Any, str]] = (
    (bool, _boolean, "true or false"),
    (int, _integer, "a whole number"),
    (float, _number, "a number"),
    (Decimal, _decimal, "a number"),
    ((str, Promise), _text, "a text"),
    (datetime, _moment, "a date"),
    (date, _day, "a date"),
    (OpaqueKey, _key, "a key"),
    ((set, frozenset), _union, "a list of texts"),
    ((list, tuple), _sequence, "a list"),
    (Mapping, _mapping, "an object"),
)
