"""What a webfilter in observe mode would have done: the reason to promote it, or not to."""

from collections import Counter
from datetime import datetime
from typing import Any

from ..models import Call, Webfilter
from .calls import NOT_MADE

# Enough for any percentile; a busy filter makes more calls in a day than a page should read.
_MAX_CALLS = 20_000


def observe_report(webfilter: Webfilter, since: datetime) -> dict[str, Any]:
    """
    Sum up the recorded calls that a webfilter made while it was observing.

    Args:
        since: aware; older calls don't count.

    Returns:
        ``calls``, ``would_have_halted``, ``would_have_changed`` (counts), ``changed_keys`` and ``errors`` (text →
        count, most frequent first), ``p50`` and ``p95`` of the seconds that requests took (None without any), and
        ``is_complete``: false if there were more calls than were read, the latest ones.
    """
    calls = list(
        Call.objects.filter(webfilter=webfilter, mode=Webfilter.Mode.OBSERVE, started_at__gte=since)
        .order_by("-pk")
        .values_list("result", "changed_keys", "error", "duration", "is_cached")[: _MAX_CALLS + 1]
    )
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
        "would_have_halted": results[Call.Result.HALTED],
        "would_have_changed": results[Call.Result.CHANGED],
        "changed_keys": dict(keys.most_common()),
        "errors": dict(errors.most_common(20)),
        "p50": _percentile(durations, 0.5),
        "p95": _percentile(durations, 0.95),
        "is_complete": is_complete,
    }


def _percentile(ordered: list[float], share: float) -> float | None:
    """The nearest-rank percentile."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
