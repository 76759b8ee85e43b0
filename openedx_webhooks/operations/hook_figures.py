"""
What came of the newest deliveries of webhooks and the newest calls of webfilters, for all hooks of a list at once.

Only so many of each hook are read, over an index: a list takes as long with a million deliveries as with a thousand.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import attrs
from django.db.models import Case, Count, IntegerField, Max, Model, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils import timezone

from ..batches import batched
from ..models import Attempt, Call, Delivery, Hook, Webfilter, Webhook
from ..models.delivery import FAILED_STATES, STATES

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
        """Accepted or refused."""
        return self.accepted + self.refused

    @property
    def accepted_share(self) -> float:
        """0 to 1; not 1 if any was lost."""
        return min(1 - self.refused_share, 0.99) if self.lost else 1 - self.refused_share

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
        latest: state and time of the newest delivery, or result and time of the newest call.
        next_due: when the first of what is owed is or was due; of webhooks.
        refusal: the last one; None without any.
    """

    hour: Window = attrs.field(factory=Window)
    day: Window = attrs.field(factory=Window)
    is_cut: bool = False
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

    def note_accepted(self, at: datetime | None) -> None:
        """Remember the latest."""
        self.accepted_at = max(filter(None, (self.accepted_at, at)), default=None)


def of_webhooks(webhooks: Iterable[Webhook]) -> dict[int, Figures]:
    """The figures of each webhook, by primary key."""
    found: dict[int, Figures] = {}
    for chunk in batched(webhooks, _AT_ONCE):
        newest = Delivery.objects.filter(webhook_id=OuterRef("pk")).order_by("-created", "-pk")
        due = Delivery.objects.pending().filter(webhook_id=OuterRef("pk")).order_by("next_attempt_at")
        figures, rows = _start(
            Webhook, chunk, newest, "created", state=newest.values("state"), due=due.values("next_attempt_at")
        )
        for pk, latest in rows.items():
            figures[pk].next_due = latest["due"]
            figures[pk].latest = (latest["state"], latest["newest"]) if latest["state"] else None
        tried = Case(When(schedule_position__gt=0, then=Value(1)), default=Value(0), output_field=IntegerField())
        counts = (
            _newest(Delivery, "webhook_id", "created", rows)
            .annotate(age=_age("created"), tried=tried)
            .values_list("webhook_id", "age", "state", "tried")
            .annotate(Count("pk"), Max("finished_at"))
        )
        for pk, age, state, was_tried, count, finished_at in counts:
            verdict = STATES[state].counts_as if state in STATES else None
            if state == Delivery.State.PENDING and was_tried:
                verdict = False
            figures[pk].add(age, state, count, verdict, is_lost=verdict is False and state != Delivery.State.PENDING)
            if verdict:
                figures[pk].note_accepted(finished_at)
        _complete(figures)
        _add_refusals(figures)
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
    of_one = failed.filter(webhook_id=OuterRef("pk")).order_by("pk").values("pk")
    hooks = Webhook.objects.filter(pk__in=cut).order_by().annotate(many=Subquery(of_one[MOST_LOST : MOST_LOST + 1]))
    is_many = {pk: many is not None for pk, many in hooks.values_list("pk", "many")}
    few = failed.filter(webhook_id__in=[pk for pk, many in is_many.items() if not many]).order_by()
    counts = dict(few.values_list("webhook_id").annotate(Count("pk")))
    for pk, many in is_many.items():
        each = figures[pk].day
        each.lost = max(each.lost, MOST_LOST if many else counts.get(pk, 0))


def refused(webhook_id: Any) -> QuerySet[Delivery]:
    """The deliveries of a webhook that were tried and not accepted, the newest first."""
    waits = Q(state=Delivery.State.PENDING, schedule_position__gt=0)
    return Delivery.objects.filter(Q(state__in=FAILED_STATES) | waits, webhook_id=webhook_id).order_by(
        "-created", "-pk"
    )


def failed_calls(webfilter_id: Any) -> QuerySet[Call]:
    """The recorded calls of a webfilter that had no usable answer, the newest first."""
    calls = Call.objects.filter(_FAILED, webfilter_id=webfilter_id).defer("request_body", "response_excerpt")
    return calls.order_by("-started_at", "-pk")


def _add_refusals(figures: dict[int, Figures]) -> None:
    """One query for the last delivery that was not accepted of each webhook that has one, and one for its attempts."""
    troubled = [pk for pk, each in figures.items() if each.all.refused]
    if not troubled:
        return
    rows = (
        Webhook.objects.filter(pk__in=troubled)
        .order_by()
        .annotate(refused=Subquery(refused(OuterRef("pk")).values("pk")[:1]))
    )
    of_delivery = {delivery: pk for pk, delivery in rows.values_list("pk", "refused") if delivery}
    attempts = Attempt.objects.filter(delivery_id__in=of_delivery).order_by("pk")
    for delivery, *refusal in attempts.values_list("delivery_id", "status_code", "error", "started_at"):
        figures[of_delivery[delivery]].refusal = Refusal(*refusal)


def of_webfilters(webfilters: Iterable[Webfilter]) -> dict[int, Figures]:
    """The figures of each webfilter, by primary key: of the calls that it records."""
    found: dict[int, Figures] = {}
    for chunk in batched(webfilters, _AT_ONCE):
        newest = Call.objects.filter(webfilter_id=OuterRef("pk")).order_by("-started_at", "-pk")
        figures, rows = _start(Webfilter, chunk, newest, "started_at", state=newest.values("result"))
        for pk, latest in rows.items():
            figures[pk].latest = (latest["state"], latest["newest"]) if latest["state"] else None
        failed = Case(When(_FAILED, then=Value(1)), default=Value(0), output_field=IntegerField())
        counts = (
            _newest(Call, "webfilter_id", "started_at", rows)
            .annotate(age=_age("started_at"), failed=failed)
            .values_list("webfilter_id", "age", "result", "failed", "is_cached")
            .annotate(Count("pk"), Max("started_at"))
        )
        for pk, age, result, has_failed, is_cached, count, at in counts:
            figures[pk].add(age, result, count, not has_failed)
            if not has_failed and not is_cached:
                figures[pk].note_accepted(at)
        troubled = [pk for pk, each in figures.items() if each.all.refused]
        last = failed_calls(OuterRef("pk")).values("pk")
        pks = Webfilter.objects.filter(pk__in=troubled).order_by().annotate(last=Subquery(last[:1]))
        calls = Call.objects.filter(pk__in=list(pks.values_list("last", flat=True)) if troubled else [])
        for pk, *refusal in calls.values_list("webfilter_id", "status_code", "error", "started_at"):
            figures[pk].refusal = Refusal(*refusal)
        found |= figures
    return found


# A 4xx that halts is what the operator asked for: the endpoint's way to say no.
_FAILED = ~Q(error="") & ~Q(result=Call.Result.HALTED, status_code__range=(400, 499))


def has_failed(result: str, error: str, status_code: int | None) -> bool:
    """Whether a call had no usable answer: the same of a row that was read."""
    is_answer = result == Call.Result.HALTED and status_code is not None and 400 <= status_code <= 499
    return bool(error) and not is_answer


def _start(
    model: type[Hook], hooks: Iterable[Hook], newest: QuerySet, moment: str, **latest: QuerySet
) -> tuple[dict[int, Figures], dict[int, dict[str, Any]]]:
    """
    Empty figures, and by primary key what a hook's newest rows say.

    Args:
        newest: the rows of a hook, the newest first.
        moment: the column by which they are ordered.
        latest: what else of which the first value is wanted.
    """
    first = {name: Subquery(rows[:1]) for name, rows in latest.items()}
    of_moment = newest.values(moment)
    rows = (
        model.objects.filter(pk__in=[hook.pk for hook in hooks])
        .order_by()
        .annotate(newest=Subquery(of_moment[:1]), floor=Subquery(of_moment[NEWEST : NEWEST + 1]), **first)
        .values("pk", "newest", "floor", *latest)
    )
    by_pk = {row["pk"]: row for row in rows}
    yesterday = timezone.now() - timedelta(days=1)
    return {pk: Figures(is_cut=(row["floor"] or yesterday) > yesterday) for pk, row in by_pk.items()}, by_pk


def _newest(model: type[Model], hook_id: str, moment: str, rows: dict[int, dict[str, Any]]) -> QuerySet:
    """The newest rows of hooks."""
    whole = [pk for pk, row in rows.items() if row["floor"] is None]
    which = Q(**{f"{hook_id}__in": whole})
    for pk, row in rows.items():
        if row["floor"] is not None:
            which |= Q(**{hook_id: pk, f"{moment}__gte": row["floor"]})
    return model.objects.filter(which).order_by()


def _age(moment: str) -> Case:
    now = timezone.now()
    return Case(
        When(**{f"{moment}__gte": now - timedelta(hours=1)}, then=Value(_HOUR)),
        When(**{f"{moment}__gte": now - timedelta(days=1)}, then=Value(_DAY)),
        default=Value(_OLDER),
        output_field=IntegerField(),
    )
