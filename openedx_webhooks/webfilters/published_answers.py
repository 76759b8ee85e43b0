"""
What the published plugin made of answers, for the receivers that were written for it: what differs from ours, and
nothing else knows of it. tests/published has what it did with a hundred answers, and what is different on purpose.
"""

import codecs
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from .. import catalog
from ..payloads.published import VERSIONS
from ..payloads.walk import clean_text
from ..transport.client import Outcome
from . import answers
from .answers import Answer
from .kinds.accounts import IDENTITY
from .kinds.convert import Replaced

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.I)
# Python knows these as encodings; to decode a megabyte of the first one takes ten seconds of a learner's request.
_NO_CHARSETS = frozenset(("punycode", "idna", "unicode-escape", "raw-unicode-escape"))
_CUSTOM = "RenderCustomResponse"
_YEAR = "year_of_birth"


def is_for(webfilter) -> bool:
    """Whether the answers of a webfilter are read in this way."""
    return webfilter.payload_format in VERSIONS


def has_answer(webfilter, outcome: Outcome) -> bool:
    """Whether an endpoint answered, though with a status of 5xx: then it has not failed, and goes on being asked."""
    filter_type = catalog.find_filter(webfilter.event)
    if filter_type is None or not is_for(webfilter):
        return False
    answer = parse(filter_type, outcome)
    return bool(answer.exception or answer.data)


def parse(filter_type: catalog.FilterType, outcome: Outcome) -> Answer:
    """
    Read the answer, whatever the status. Never raises.

    What is no object in ``exception`` says nothing; of several names the first that the filter has counts.
    """
    if not outcome.body.strip():
        return Answer()
    try:
        # NaN and its like have no place in a page; the same key twice is the last one.
        value = json.loads(
            _text(outcome), parse_constant=lambda _name: None, parse_float=_float, parse_int=answers.integer_or_none
        )
    except (ValueError, RecursionError):
        return Answer(problem="the answer is not JSON")
    if not isinstance(value, dict):
        return Answer(problem="the answer is not an object")
    data, exception, problem = value.get("data"), value.get("exception"), ""
    named = exception if isinstance(exception, dict) else {}
    known = next((name for name in named if name in filter_type.exceptions), None)
    if exception and known is None:
        problem = f"the exception is none of the filter's; it has: {', '.join(filter_type.exceptions) or 'none'}"
    changes = answers.local({"data": data if isinstance(data, dict) else {}})
    halt = answers.local({"exception": {} if known is None else {known: _arguments(known, named[known])}})
    # What can't be used of an answer never lets pass what the rest of it stops.
    named_halt = (known, "") if halt.problem else halt.exception
    return Answer(changes.data, named_halt, changes.problem or halt.problem or problem)


def _float(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _text(outcome: Outcome) -> str:
    body = outcome.body.removeprefix(codecs.BOM_UTF8)
    declared = _CHARSET.search(outcome.headers.get("content-type", ""))
    for charset in (declared[1] if declared else "utf-8", "utf-8"):
        try:
            if codecs.lookup(charset).name not in _NO_CHARSETS:
                return body.decode(charset)
        except (LookupError, UnicodeError):
            continue
    return body.decode("latin-1")


def _arguments(name: str, given: Any) -> Any:
    """What is neither a message nor an object halts with the usual message."""
    if isinstance(given, dict):
        return {"status": 200, **given} if name == _CUSTOM else given
    return clean_text(given) if isinstance(given, str) else ""


# What no answer changed, by filter, though ours would: nobody expects it of a receiver that was written for it.
_UNCHANGED = {
    f"org.openedx.learning.{filter_type}.v1": frozenset(paths.split())
    for filter_type, paths in {
        "account.settings.read_only_fields.requested": "user profile",
        "cohort.assignment.requested": "user profile",
        "course_about.render.started": "context.course context.course_details",
        "instructor.dashboard.tabs.requested": "user profile",
        "vertical_block.render.completed": "fragment",
    }.items()
}


def changes_in(
    event: str, data: Mapping[str, Any], sent: Mapping[str, Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """
    What an answer wants changed: without what it only sends back, and marked where it replaces what is there.

    Args:
        event: dotted filter type.
        sent: what the endpoint was sent.
        kwargs: the filter's arguments.
    """
    result, unchanged = {}, _UNCHANGED.get(event, frozenset())
    for name, value in data.items():
        if name in unchanged:
            continue
        old = sent.get(name)
        if not isinstance(value, dict):
            if value != old or type(value) is not type(old):
                result[name] = value
            continue
        before = old if isinstance(old, dict) else {}
        new = {
            key: one
            for key, one in value.items()
            if (key not in before or one != before[key]) and f"{name}.{key}" not in unchanged
        }
        if name in ("user", "profile"):
            new = {key: _of_account(key, one) for key, one in new.items()}
        elif type(kwargs.get(name)) is dict:  # pylint: disable=unidiomatic-typecheck
            new = {key: Replaced(one) for key, one in new.items()}
        if new or not value:
            result[name] = new
    return result


def _of_account(name: str, value: Any) -> Any:
    if name == _YEAR:
        is_year = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 5
        return int(value) if is_year else value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    return Replaced(value) if name in IDENTITY else value
