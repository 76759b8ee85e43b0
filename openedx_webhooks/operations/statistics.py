"""
Figures about the last day for the admin pages.

Each is one query over an index range. On a busy site even that takes a while, so a slow result is kept in the cache for
a hundred times as long as it took; a fast one is always fresh.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncHour
from django.utils.timezone import now

from ..models import Attempt, Call, Delivery
from ..shared_cache import ask
from ..webfilters.calls import NOT_MADE

HOURS = 24
_CACHE_FACTOR = 100
_CACHE_MAX_SECONDS = 600
_RECENT = 100


@attrs.frozen
class Hour:
    """How many of the deliveries made, or calls begun, in one hour have each state or result."""

    start: datetime
    tally: Counter[str] = attrs.field(factory=Counter)


@attrs.frozen
class Durations:
    """How long the latest attempts took, in seconds."""

    count: int
    median: float
    p95: float


def hours(webhook_id: int) -> list[Hour]:
    """The deliveries of one webhook in each of the last 24 hours, the oldest first and the current one last."""
    return _by_hour(f"hours:{webhook_id}", _last_day(webhook_id=webhook_id), "created", "state")


def hours_of_calls(webfilter_id: int) -> list[Hour]:
    """The recorded calls of one webfilter in each of the last 24 hours, by result."""
    calls = Call.objects.filter(started_at__gte=now() - timedelta(hours=HOURS), webfilter_id=webfilter_id).order_by()
    return _by_hour(f"call-hours:{webfilter_id}", calls, "started_at", "result")


def durations(webhook_id: int) -> Durations | None:
    """How long the attempts of the latest deliveries took; None without any."""
    latest = list(
        Delivery.objects.filter(webhook_id=webhook_id)
        .order_by("-created", "-pk")
        .values_list("pk", flat=True)[:_RECENT]
    )
    return _durations(Attempt.objects.filter(delivery_id__in=latest).order_by().values_list("duration", flat=True))


def durations_of_calls(webfilter_id: int) -> Durations | None:
    """How long the latest recorded calls took, of those that were made; None without any."""
    latest = Call.objects.filter(webfilter_id=webfilter_id).order_by("-started_at", "-pk")
    rows = latest.values_list("duration", "is_cached", "error")[:_RECENT]
    return _durations(
        duration for duration, is_cached, error in rows if not is_cached and error.partition(":")[0] not in NOT_MADE
    )


def _durations(seconds: Iterable[float]) -> Durations | None:
    ordered = sorted(seconds)
    if not ordered:
        return None
    return Durations(len(ordered), ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)])


def _last_day(**which):
    return Delivery.objects.filter(created__gte=now() - timedelta(hours=HOURS), **which).order_by()


def _by_hour(key: str, rows: QuerySet, moment: str, result: str) -> list[Hour]:
    current = now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)

    def query():
        by_start = {
            start: Hour(start=start) for start in (current - timedelta(hours=ago) for ago in reversed(range(HOURS)))
        }
        counts = rows.annotate(hour=TruncHour(moment, tzinfo=UTC)).values_list("hour", result).annotate(Count("pk"))
        for start, name, count in counts:
            if start in by_start:
                by_start[start].tally[name] = count
        return list(by_start.values())

    return cached(f"{key}:{current:%Y%m%d%H}", query)


def cached(key: str, query: Callable[[], Any]) -> Any:
    """What a query finds, or found a short while ago if it is slow."""
    key = f"openedx_webhooks:statistics:{key}"
    value = ask("get", key)
    if value is None:
        started = time.monotonic()
        value = query()
        if (seconds := int((time.monotonic() - started) * _CACHE_FACTOR)) >= 10:
            ask("set", key, value, min(seconds, _CACHE_MAX_SECONDS))
    return value
