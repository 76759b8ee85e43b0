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
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import TruncHour
from django.utils.timezone import now

from ..models import Attempt, Delivery, Webhook
from ..models.delivery import STATES
from ..shared_cache import ask

HOURS = 24
_CACHE_FACTOR = 100
_CACHE_MAX_SECONDS = 600
_RECENT_DELIVERIES = 100


class Tally(Counter):  # pylint: disable=abstract-method
    """How many deliveries are in each state."""

    @property
    def success_ratio(self) -> float | None:
        """The successes among those that count as one or the other, 0 to 1; None if none does."""
        successes = self._counting_as(True)
        decided = successes + self._counting_as(False)
        return successes / decided if decided else None

    @property
    def failures(self) -> int:
        """Those that count as a failure."""
        return self._counting_as(False)

    def shown(self) -> list[tuple[str, int]]:
        """Label and number of each state that there is, in the table's order."""
        return [(str(Delivery.State(state).label), self[state]) for state in STATES if self[state]]

    def _counting_as(self, verdict: bool) -> int:
        return sum(count for state, count in self.items() if state in STATES and STATES[state].counts_as is verdict)


@attrs.frozen
class Hour:
    """The tally of the deliveries made in one hour."""

    start: datetime
    tally: Tally = attrs.field(factory=Tally)


@attrs.frozen
class Durations:
    """How long the latest attempts took, in seconds."""

    count: int
    median: float
    p95: float


def tallies(webhook_ids: Iterable[int]) -> dict[int, Tally]:
    """The deliveries of the last day by webhook; webhooks without any are left out."""
    ids = sorted(webhook_ids)

    def query():
        found: dict[int, Tally] = {}
        rows = _last_day(webhook_id__in=ids).values_list("webhook_id", "state").annotate(Count("pk"))
        for webhook_id, state, count in rows:
            found.setdefault(webhook_id, Tally())[state] = count
        return found

    return cached(f"tallies:{hash(tuple(ids))}", query)


def hours(webhook_id: int) -> list[Hour]:
    """The deliveries of one webhook in each of the last 24 hours, the oldest first and the current one last."""
    current = now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)

    def query():
        by_start = {
            start: Hour(start=start) for start in (current - timedelta(hours=ago) for ago in reversed(range(HOURS)))
        }
        rows = (
            _last_day(webhook_id=webhook_id)
            .annotate(hour=TruncHour("created", tzinfo=UTC))
            .values_list("hour", "state")
            .annotate(Count("pk"))
        )
        for start, state, count in rows:
            if start in by_start:
                by_start[start].tally[state] = count
        return list(by_start.values())

    return cached(f"hours:{webhook_id}:{current:%Y%m%d%H}", query)


def durations(webhook_id: int) -> Durations | None:
    """How long the attempts of the latest deliveries took; None without any."""
    latest = list(
        Delivery.objects.filter(webhook_id=webhook_id)
        .order_by("-created", "-pk")
        .values_list("pk", flat=True)[:_RECENT_DELIVERIES]
    )
    seconds = sorted(Attempt.objects.filter(delivery_id__in=latest).order_by().values_list("duration", flat=True))
    if not seconds:
        return None
    return Durations(len(seconds), seconds[len(seconds) // 2], seconds[min(len(seconds) - 1, len(seconds) * 95 // 100)])


def latest_deliveries(webhook_ids: Iterable[int]) -> dict[int, tuple[str, datetime]]:
    """State and time of each webhook's newest delivery."""
    newest = Delivery.objects.filter(webhook_id=OuterRef("pk")).order_by("-created", "-pk")
    rows = (
        Webhook.objects.filter(pk__in=list(webhook_ids))
        .order_by()
        .annotate(state=Subquery(newest.values("state")[:1]), created_at=Subquery(newest.values("created")[:1]))
        .values_list("pk", "state", "created_at")
    )
    return {pk: (state, created) for pk, state, created in rows if state}


def _last_day(**which):
    return Delivery.objects.filter(created__gte=now() - timedelta(hours=HOURS), **which).order_by()


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
