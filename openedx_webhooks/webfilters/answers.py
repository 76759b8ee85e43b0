"""
What an endpoint answered: the body of a 2xx response, parsed strictly, since it decides about a learner's request.

``{"data": {…}}`` changes the filter's arguments, ``{"exception": {"Name": "message"}}`` halts the process, an empty
body is no answer. Everything else is a problem that is named, never an error.
"""

import codecs
import json
from collections.abc import Mapping
from typing import Any

import attrs

from ..transport.client import Outcome

# Deeper than any filter's arguments; a receiver that nests deeper is broken or hostile.
_MAX_DEPTH = 32
# More than a filter's payload has. Each is looked at on its own, after the deadline, in the learner's request.
_MAX_MEMBERS = 10_000
_MAX_INTEGER_DIGITS = 20  # 64 bits and a sign


@attrs.define
class Answer:
    """
    An endpoint's answer.

    Attributes:
        data: argument name → changed value; empty if nothing is to change.
        exception: name and arguments (a message, or an object of them) of the exception to raise, or None.
        problem: why the answer could not be used; empty if it could. An answer with a problem changes nothing.
    """

    data: Mapping[str, Any] = attrs.field(factory=dict)
    exception: tuple[str, str | dict[str, Any]] | None = None
    problem: str = ""


class _Unusable(ValueError):
    """The text says what is wrong with an answer."""


def parse(outcome: Outcome) -> Answer:
    """
    Read the answer from a 2xx outcome; any other outcome has none. Never raises.

    ``exception`` may be an object of one name with a message or an object of arguments, or just the name.
    """
    if not outcome.ok or not outcome.body.strip():
        return Answer()
    try:
        return _answer(_load(outcome.body))
    except _Unusable as error:
        return Answer(problem=str(error))


def local(value: Any) -> Answer:
    """
    Read a local answer, as the webfilter gives it: null, false or something empty is no answer.

    Never raises. What no endpoint's answer may have is refused here, too: JMESPath makes infinities and numbers of
    thousands of digits of the texts of a learner's form.
    """
    if value is None or value is False or value in ("", [], {}):
        return Answer()
    try:
        # In characters, and not in bytes: those would hide half of a surrogate pair.
        return _answer(_loaded(_dumped(value)))
    except _Unusable as error:
        return Answer(problem=str(error))


def _answer(value) -> Answer:
    if not isinstance(value, dict):
        raise _Unusable(f"the answer is {_kind(value)}, not an object")
    return Answer(_data(value.get("data")), _exception(value.get("exception")))


def _dumped(value) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise _Unusable("the answer is not JSON") from error


def _load(body: bytes) -> Any:
    try:
        return _loaded(body.removeprefix(codecs.BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        raise _Unusable(f"the answer is not UTF-8, at byte {error.start + 1}") from error


def _loaded(text: str) -> Any:
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise _Unusable(f"the answer is not JSON, at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise _Unusable(f"the answer is nested deeper than {_MAX_DEPTH}") from error
    if text.count("{") + text.count("[") >= _MAX_DEPTH or text.count(":") > _MAX_MEMBERS:
        _check_size(value)
    if "\\u" in text:
        _check_surrogates(value)
    return value


def _object(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Unusable("the answer has an object with the same key twice")
    return result


def _constant(name):
    raise _Unusable(f"the answer has {name}, which is not JSON")


def _float(text):
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Unusable("the answer has a number that is too large")
    return number


def _integer(text):
    number = integer_or_none(text)
    if number is None:
        raise _Unusable("the answer has a number that is too large")
    return number


def integer_or_none(text: str) -> int | None:
    """The number; None if it is too large: of 4300 digits Python itself refuses more."""
    return int(text) if len(text) <= _MAX_INTEGER_DIGITS else None


# Built once: that takes longer than most answers.
_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_integer)


def _check_size(value):
    level, members = [value], 0
    for _ in range(_MAX_DEPTH):
        members += sum(len(parent) for parent in level if isinstance(parent, dict))
        if members > _MAX_MEMBERS:
            raise _Unusable(f"the answer has more than {_MAX_MEMBERS} members")
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise _Unusable(f"the answer is nested deeper than {_MAX_DEPTH}")


def _children(value):
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _check_surrogates(value):
    # Half of a surrogate pair is a string in Python, and an error as soon as anybody writes it to a page or a database.
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise _Unusable("the answer has a text that is not Unicode (half of a surrogate pair)") from error


def _data(value):
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Unusable(f"data is {_kind(value)}, not an object")
    return value


def _exception(value):
    if value is None or value == {}:
        return None
    if isinstance(value, str) and value:
        return value, ""
    if not isinstance(value, dict):
        raise _Unusable(f"exception is {_kind(value)}, not an object")
    if len(value) > 1:
        raise _Unusable("exception has more than one name")
    ((name, arguments),) = value.items()
    if arguments is None:
        arguments = ""
    # A message of another kind halts all the same: it is made text where that is plain, or left out and named.
    return name, arguments if isinstance(arguments, (str, dict)) else {"message": arguments}


def _kind(value) -> str:
    """How JSON calls the value."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)
