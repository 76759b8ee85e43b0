"""What a webfilter has done, or in observe mode would have done, to whom: the reason to enforce it, or not to."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import attrs
from django.utils import timezone

from ..models import Call, Webfilter
from .calls import NOT_MADE

# Enough for any percentile; a busy filter makes more calls in a day than a page should read.
_MAX_CALLS = 20_000
# Whose answers are read for their reasons.
_MAX_ANSWERS = 200
_MAX_VERSIONS = 200
_DAY = timedelta(days=1)
# Until every process has seen that it is enforced.
_SLACK = timedelta(minutes=1)
_DID_SOMETHING = (Call.Result.HALTED, Call.Result.CHANGED)


@attrs.frozen
class Period:
    """Of which calls a report is: those made in one mode, from one aware time until another (None: now)."""

    mode: str
    since: datetime
    until: datetime | None = None


def last_day(mode: str) -> Period:
    return Period(mode, timezone.now() - _DAY)


def last_observed(webfilter: Webfilter) -> Period | None:
    """
    The last day on which a webfilter that is enforced now has observed, by its history; None if it never has.

    So its figures can be looked at afterwards, for as long as its calls are kept.
    """
    end = timezone.now()
    for mode, began in webfilter.history.values_list("mode", "history_date")[:_MAX_VERSIONS]:
        if mode == Webfilter.Mode.OBSERVE:
            return Period(mode, end - _DAY, end + _SLACK)
        end = began
    return None


def figures(webfilter: Webfilter, period: Period) -> dict[str, Any]:
    """
    Sum up the recorded calls that a webfilter made in a period.

    Returns:
        ``calls``, ``halted``, ``changed`` (counts; of one that observed, what it would have done), ``changed_keys`` and
        ``errors`` (text → count, most frequent first), ``p50`` and ``p95`` of the seconds that requests took (None
        without any), and ``is_complete``: false if there were more calls than were read, the latest ones.
    """
    columns = _calls(webfilter, period).values_list("result", "changed_keys", "error", "duration", "is_cached")
    calls = list(columns[: _MAX_CALLS + 1])
    is_complete = len(calls) <= _MAX_CALLS
    calls = calls[:_MAX_CALLS]
    results = Counter(result for result, *_ in calls)
    keys = Counter(key for _result, keys, *_ in calls for key in keys.split(", ") if key)
    errors = Counter(error for _result, _keys, error, *_ in calls if error)
    durations = sorted(
        duration
        for _result, _keys, error, duration, is_cached in calls
        if not is_cached and error.partition(":")[0] not in NOT_MADE
    )
    return {
        "calls": len(calls),
        "halted": results[Call.Result.HALTED],
        "changed": results[Call.Result.CHANGED],
        "changed_keys": dict(keys.most_common()),
        "errors": dict(errors.most_common(20)),
        "p50": _percentile(durations, 0.5),
        "p95": _percentile(durations, 0.95),
        "is_complete": is_complete,
    }


@attrs.define
class Person:
    """
    Somebody whom a webfilter halted, or whose data it changed, or would have.

    Attributes:
        user_id: None for all who have no account yet, such as at a registration.
        halts: how many calls.
        changes: how many calls.
        latest: the primary key of the newest of them.
        started_at: when that was.
    """

    user_id: int | None
    latest: int
    started_at: datetime
    halts: int = 0
    changes: int = 0


@attrs.frozen
class Reason:
    """
    Why, in the words of the answer.

    Attributes:
        name: of the exception, or the keys that were changed: no personal data.
        message: what the answer says to the learner; empty if it says nothing.
    """

    name: str
    message: str = ""


def people(webfilter: Webfilter, period: Period) -> list[Person]:
    """Whom it has halted or changed, or would have; who came last is first."""
    found: dict[int | None, Person] = {}
    calls = _calls(webfilter, period).filter(result__in=_DID_SOMETHING)
    for pk, user_id, result, started_at in calls.values_list("pk", "user_id", "result", "started_at")[:_MAX_CALLS]:
        person = found.setdefault(user_id, Person(user_id, pk, started_at))
        if result == Call.Result.HALTED:
            person.halts += 1
        else:
            person.changes += 1
    return list(found.values())


def reasons(calls: Iterable[int]) -> dict[int, Reason]:
    """Primary key of a call → its reason; of the first :data:`_MAX_ANSWERS`."""
    chosen = Call.objects.filter(pk__in=list(calls)[:_MAX_ANSWERS]).defer("request_body")
    return {call.pk: _reason(call) for call in chosen}


def latest_halts(webfilter: Webfilter, period: Period) -> list[int]:
    """The primary keys of the newest calls that halted, or would have."""
    calls = _calls(webfilter, period).filter(result=Call.Result.HALTED)
    return list(calls.values_list("pk", flat=True)[:_MAX_ANSWERS])


def _reason(call: Call) -> Reason:
    if call.result == Call.Result.CHANGED:
        return Reason(call.changed_keys)
    try:
        answer = json.loads(call.response_excerpt)
        exception = answer["exception"]
        name, told = (exception, "") if isinstance(exception, str) else next(iter(exception.items()))
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError):
        # It halted because it failed, or the answer is longer than what was kept, or gone.
        return Reason(str(call.status_code or call.error.partition(":")[0]))
    message = told.get("message", "") if isinstance(told, dict) else told
    return Reason(str(name)[:100], str(message or "")[:300])


def _calls(webfilter, period):
    calls = Call.objects.filter(webfilter=webfilter, mode=period.mode, started_at__gte=period.since).order_by("-pk")
    return calls.filter(started_at__lt=period.until) if period.until else calls


def _percentile(ordered: list[float], share: float) -> float | None:
    """The nearest-rank percentile."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
