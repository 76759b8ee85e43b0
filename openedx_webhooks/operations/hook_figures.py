"""
What came of the newest deliveries of webhooks and the newest calls of webfilters, for all hooks of a list at once.

Only so many of each hook are read, over an index: a list takes as long with a million deliveries as with a thousand.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import attrs
from django.db.models import Case, Count, IntegerField, Max, Model, Q, QuerySet, Value, When
from django.utils import timezone

from ..batches import batched
from ..models import Attempt, Call, Delivery, Hook, Webfilter, Webhook
from ..models.delivery import FAILED_STATES, STATES
from . import statistics
from .newest import one_of_each

# Of each hook. Enough for a share that means something; 200 hooks are then read in less than half a second.
NEWEST = 100
# Of each hook, what failed in a day is counted so far.
MOST_LOST = 1000
# Hooks that one query asks for: databases have limits for the parts of a condition.
_AT_ONCE = 100
_HOUR, _DAY, _OLDER = range(3)


@attrs.define
class Window:
    """
    What came of the deliveries made, or calls begun, in some time.

    Attributes:
        accepted: the endpoint did what it should.
        refused: tried, and not accepted: failed, or waiting to be tried again.
        lost: those that are not tried again by themselves; in a day, also of others than the newest.
        results: how many there are of each state or result, also those not tried yet.
    """

    accepted: int = 0
    refused: int = 0
    lost: int = 0
    results: Counter[str] = attrs.field(factory=Counter)

    @property
    def tried(self) -> int:
        return self.accepted + self.refused

    @property
    def refused_share(self) -> float:
        """0 to 1; 0 if nothing was tried."""
        return self.refused / self.tried if self.tried else 0.0

    def add(self, result: str, count: int, verdict: bool | None, *, is_lost: bool = False) -> None:
        """
        Count some.

        Args:
            result: state of a delivery, result of a call.
            verdict: True for accepted, False for refused, None for neither.
            is_lost: refused, and not tried again.
        """
        self.results[result] += count
        self.accepted += count if verdict is True else 0
        self.refused += count if verdict is False else 0
        self.lost += count if is_lost else 0


@attrs.frozen
class Refusal:
    """The last answer, or error, that was no success."""

    status_code: int | None
    error: str
    at: datetime


@attrs.define
class Figures:
    """
    Attributes:
        hour: of the last hour.
        day: of the last 24 hours, the last hour included.
        is_cut: there were more in the last day than :data:`NEWEST`; the figures are of these.
        all: of the newest, however old.
        accepted_at: when the last one was accepted; None if none of the newest was.
        is_whole: nothing is missing: of a webfilter, all calls are recorded, or were counted.
        latest: state and time of the newest delivery, or result and time of the newest call.
        next_due: when the first of what is owed is or was due; of webhooks.
        refusal: the last one; None without any.
    """

    hour: Window = attrs.field(factory=Window)
    day: Window = attrs.field(factory=Window)
    is_cut: bool = False
    is_whole: bool = True
    accepted_at: datetime | None = None
    latest: tuple[str, datetime] | None = None
    next_due: datetime | None = None
    refusal: Refusal | None = None
    all: Window = attrs.field(factory=Window)

    def add(self, age: int, *counted: Any, **more: Any) -> None:
        """Count some of an age, as :meth:`Window.add` does."""
        for window in {_HOUR: (self.hour, self.day), _DAY: (self.day,)}.get(age, ()):
            window.add(*counted, **more)
        self.all.add(*counted, **more)

    def note_latest(self, result: str, at: datetime) -> None:
        """Remember a state or result, if nothing later has one."""
        if self.latest is None or self.latest[1] < at:
            self.latest = (result, at)

    def note_accepted(self, at: datetime | None) -> None:
        self.accepted_at = max(filter(None, (self.accepted_at, at)), default=None)


def of_webhooks(webhooks: Iterable[Webhook]) -> dict[int, Figures]:
    """The figures of each webhook, by primary key."""
    found: dict[int, Figures] = {}
    for chunk in batched(webhooks, _AT_ONCE):
        figures, newest = _start(Delivery, "webhook_id", "created", chunk)
        due = Delivery.objects.pending().order_by("next_attempt_at").only("webhook_id", "next_attempt_at")
        for pk, first in one_of_each(due, "webhook_id", figures).items():
            figures[pk].next_due = first.next_attempt_at
        tried = Case(When(schedule_position__gt=0, then=Value(1)), default=Value(0), output_field=IntegerField())
        counts = (
            newest.annotate(age=_age("created"), tried=tried)
            .values_list("webhook_id", "age", "state", "tried")
            .annotate(Count("pk"), Max("created"), Max("finished_at"), Max("pk"))
        )
        refusals: dict[int, int] = {}
        for pk, age, state, was_tried, count, created, finished_at, last in counts:
            verdict = STATES[state].counts_as if state in STATES else None
            if state == Delivery.State.PENDING and was_tried:
                verdict = False
            figures[pk].add(age, state, count, verdict, is_lost=verdict is False and state != Delivery.State.PENDING)
            figures[pk].note_latest(state, created)
            if verdict:
                figures[pk].note_accepted(finished_at)
            elif verdict is False:
                refusals[pk] = max(refusals.get(pk, 0), last)
        _complete(figures)
        _add_refusals(figures, {delivery: pk for pk, delivery in refusals.items()})
        found |= figures
    return found


def _complete(figures: dict[int, Figures]) -> None:
    """
    Count what failed in the whole day where the newest are not all: what failed in the morning is not fine by noon.

    What has failed has no next attempt, so one index has it, with the primary keys in their order.
    """
    cut = [pk for pk, each in figures.items() if each.is_cut]
    day = Delivery.objects.filter(created__gte=timezone.now() - timedelta(days=1)).order_by("created")
    first = day.values_list("pk", flat=True).first() if cut else None
    if first is None:
        return
    failed = Delivery.objects.filter(state__in=FAILED_STATES, next_attempt_at=None, pk__gte=first)
    many = one_of_each(failed.order_by("pk").only("webhook_id"), "webhook_id", cut, MOST_LOST)
    few = failed.filter(webhook_id__in=[pk for pk in cut if pk not in many]).order_by()
    counts = dict(few.values_list("webhook_id").annotate(Count("pk")))
    for pk in cut:
        each = figures[pk].day
        each.lost = max(each.lost, MOST_LOST if pk in many else counts.get(pk, 0))


def refused(webhook_id: Any) -> QuerySet[Delivery]:
    """The deliveries of a webhook that were tried and not accepted, the newest first."""
    waits = Q(state=Delivery.State.PENDING, schedule_position__gt=0)
    return Delivery.objects.filter(Q(state__in=FAILED_STATES) | waits, webhook_id=webhook_id).order_by(
        "-created", "-pk"
    )


def failed_calls(webfilter_id: Any) -> QuerySet[Call]:
    """The recorded calls of a webfilter that had no usable answer, the newest first."""
    calls = Call.objects.filter(Call.FAILED, webfilter_id=webfilter_id).defer("request_body", "response_excerpt")
    return calls.order_by("-started_at", "-pk")


def _add_refusals(figures: dict[int, Figures], of_delivery: dict[int, int]) -> None:
    """One query for the last attempts of deliveries; these are given with their webhooks, by primary key."""
    attempts = Attempt.objects.filter(delivery_id__in=of_delivery).order_by("pk")
    for delivery, *refusal in attempts.values_list("delivery_id", "status_code", "error", "started_at"):
        figures[of_delivery[delivery]].refusal = Refusal(*refusal)


def of_webfilters(webfilters: Iterable[Webfilter]) -> dict[int, Figures]:
    """The figures of each webfilter, by primary key: of the calls that it records, or if these are not all, of all."""
    found: dict[int, Figures] = {}
    for chunk in batched(webfilters, _AT_ONCE):
        figures, newest = _start(Call, "webfilter_id", "started_at", chunk)
        failed = Case(When(Call.FAILED, then=Value(1)), default=Value(0), output_field=IntegerField())
        counts = (
            newest.annotate(age=_age("started_at"), failed=failed)
            .values_list("webfilter_id", "age", "result", "failed", "is_cached")
            .annotate(Count("pk"), Max("started_at"), Max("pk"))
        )
        refusals: dict[int, int] = {}
        for pk, age, result, has_failed, is_cached, count, at, last in counts:
            figures[pk].add(age, result, count, not has_failed)
            figures[pk].note_latest(result, at)
            if has_failed:
                refusals[pk] = max(refusals.get(pk, 0), last)
            elif not is_cached:
                figures[pk].note_accepted(at)
        calls = Call.objects.filter(pk__in=refusals.values()).order_by()
        for pk, *refusal in calls.values_list("webfilter_id", "status_code", "error", "started_at"):
            figures[pk].refusal = Refusal(*refusal)
        _count_all({hook.pk: figures[hook.pk] for hook in chunk if not records_all(hook)})
        found |= figures
    return found


def records_all(hook: Webfilter) -> bool:
    if hook.call_log == Webfilter.CallLog.NONE:
        return False
    return hook.call_log == Webfilter.CallLog.ALL or hook.mode == Webfilter.Mode.OBSERVE


def _count_all(figures: dict[int, Figures]) -> None:
    """
    What came of all calls, from the tallies, for webfilters whose records are not of all of them. The hour is that of
    the clock then. Where the tallies have less than was recorded, as in the first seconds, the records stand.
    """
    for pk, series in statistics.of_hooks(Webfilter, figures).items():
        each, day = figures[pk], _window(series.tally)
        each.is_whole = day.tried > 0 and day.tried >= each.day.tried
        if not each.is_whole:
            continue
        each.hour, each.day = _window(series.slices[-1].tally), day
        each.all.accepted = max(each.all.accepted, day.accepted)
        for one in series.slices:
            if statistics.counted_as(one.tally, True):
                each.note_accepted(one.start)


def _window(tally: Counter[str]) -> Window:
    return Window(statistics.counted_as(tally, True), statistics.counted_as(tally, False))


def _start(model: type[Model], hook_id: str, moment: str, hooks: Iterable[Hook]) -> tuple[dict[int, Figures], QuerySet]:
    """
    Empty figures, by primary key of the hook, and the newest rows of all of them.

    Args:
        hook_id: the column of the model that names the hook.
        moment: the one that tells when.
    """
    pks = [hook.pk for hook in hooks]
    rows = model.objects.order_by(f"-{moment}").only(hook_id, moment)
    floors = {pk: getattr(row, moment) for pk, row in one_of_each(rows, hook_id, pks, NEWEST).items()}
    which = Q(**{f"{hook_id}__in": [pk for pk in pks if pk not in floors]})
    for pk, floor in floors.items():
        which |= Q(**{hook_id: pk, f"{moment}__gte": floor})
    yesterday = timezone.now() - timedelta(days=1)
    figures = {pk: Figures(is_cut=floors.get(pk, yesterday) > yesterday) for pk in pks}
    return figures, model.objects.filter(which).order_by()


def _age(moment: str) -> Case:
    now = timezone.now()
    return Case(
        When(**{f"{moment}__gte": now - timedelta(hours=1)}, then=Value(_HOUR)),
        When(**{f"{moment}__gte": now - timedelta(days=1)}, then=Value(_DAY)),
        default=Value(_OLDER),
        output_field=IntegerField(),
    )
