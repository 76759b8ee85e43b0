"""
How often each event or filter happened on this site in the last week, as far as it was recorded.

On a busy site a week has millions of rows, and to count them takes a second. So of each type only the latest are read:
as many short reads of one index as there are recorded types.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs
from django.db.models import Count, Min, QuerySet
from django.utils.timezone import now

from ..models import Call, CapturedEvent, Webfilter
from .statistics import cached

WEEK = timedelta(days=7)
MOST = 500


@attrs.frozen
class Recorded:
    """
    Attributes:
        count: records of the last week, :data:`MOST` if there are more.
        since: if there are more: when the oldest of the latest ``count`` was.
    """

    count: int = 0
    since: datetime | None = None


def of_events() -> Mapping[str, Recorded]:
    """Dotted type → captured events. What no webhook is for is not captured."""

    def query():
        types = CapturedEvent.objects.order_by().values_list("event_type", flat=True).distinct()
        return {dotted: _count(CapturedEvent.objects.filter(event_type=dotted), "created") for dotted in list(types)}

    return cached("events_of_the_week", query)


def of_filters() -> Mapping[str, Recorded]:
    """Dotted type → recorded calls; by a webfilter's own choice not all are."""

    def query():
        hooks: dict[str, list[int]] = {}
        for hook in Webfilter.objects.only("event"):
            hooks.setdefault(hook.dotted_type, []).append(hook.pk)
        return {
            dotted: _count(Call.objects.filter(webfilter_id__in=ids), "started_at") for dotted, ids in hooks.items()
        }

    return cached("calls_of_the_week", query)


def _count(records: QuerySet, time: str) -> Recorded:
    latest = records.filter(**{f"{time}__gte": now() - WEEK}).order_by(f"-{time}").values(time)[:MOST]
    found = latest.aggregate(count=Count(time), since=Min(time))
    return Recorded(found["count"], found["since"] if found["count"] == MOST else None)
