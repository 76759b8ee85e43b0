"""
Operators' interventions: send again, try now, give up.

Each takes a queryset of deliveries and says how many it changed; others may be working on the same rows meanwhile. The
sending itself is the workers' business.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import Case, DateTimeField, QuerySet, Value, When
from django.utils import timezone

from ..app_settings import app_settings
from ..models import Delivery, Webhook
from . import claims
from .wakeups import nudge_on_commit

State = Delivery.State
_CHUNK = 500


def failed_since(webhook: Webhook, since: datetime) -> QuerySet[Delivery]:
    """The deliveries of a webhook that were given up since then (aware)."""
    return Delivery.objects.filter(webhook=webhook, state=State.FAILED, finished_at__gte=since)


def replayable(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Of the deliveries, those that are finished and whose payload is still kept."""
    return deliveries.exclude(state=State.PENDING).exclude(payload__isnull=True)


def replay(deliveries: QuerySet[Delivery], progress: Callable[[int], None] | None = None) -> int:
    """
    Owe finished deliveries again, from the start of their schedule and with the same message id.

    REPLAY_PER_SECOND of them become due each second, so that the endpoint is not flooded and new deliveries are not
    delayed. Pending ones are left alone, and so are those whose payload is no longer kept.

    Args:
        deliveries: any.
        progress: called now and then with the number so far.
    """
    start, per_second = timezone.now(), max(1, app_settings.REPLAY_PER_SECOND)
    count = 0
    for ids in _chunks(replayable(deliveries)):
        whens = [
            When(pk=pk, then=Value(start + timedelta(seconds=(count + place) // per_second)))
            for place, pk in enumerate(ids)
        ]
        # The state again: somebody else may have been quicker.
        count += (
            _rows()
            .filter(pk__in=ids)
            .exclude(state=State.PENDING)
            .update(
                state=State.PENDING,
                schedule_position=0,
                next_attempt_at=Case(*whens, output_field=DateTimeField()),
                finished_at=None,
                claimed_by=None,
                claimed_until=None,
            )
        )
        if progress:
            progress(count)
    return _done(count)


def retry_now(deliveries: QuerySet[Delivery]) -> int:
    """Make pending deliveries due, unless one is being sent at this moment."""
    now = timezone.now()
    count = sum(
        _rows().filter(pk__in=ids, state=State.PENDING, claimed_by=None).update(next_attempt_at=now)
        + _rows().filter(pk__in=ids, state=State.PENDING, claimed_until__lte=now).update(next_attempt_at=now)
        for ids in _chunks(deliveries.filter(state=State.PENDING))
    )
    return _done(count)


def cancel(deliveries: QuerySet[Delivery]) -> int:
    """Give up pending deliveries. One that is being sent at this moment may arrive all the same."""
    return sum(
        _rows()
        .filter(pk__in=ids, state=State.PENDING)
        .update(
            state=State.CANCELLED, finished_at=timezone.now(), next_attempt_at=None, claimed_by=None, claimed_until=None
        )
        for ids in _chunks(deliveries.filter(state=State.PENDING))
    )


def _rows() -> QuerySet[Delivery]:
    return Delivery.objects.using(claims.database())


def _chunks(deliveries: QuerySet[Delivery]) -> Iterator[list[int]]:
    """The primary keys, oldest first; read before the first change, so that no change moves a row past the reader."""
    return chunked(list(deliveries.order_by("pk").values_list("pk", flat=True)))


def chunked(ids: Sequence[int]) -> Iterator[list[int]]:
    """As many at a time as one statement takes well."""
    return (list(chunk) for chunk in itertools.batched(ids, _CHUNK))


def _done(count: int) -> int:
    if count:
        nudge_on_commit(claims.database())
    return count
