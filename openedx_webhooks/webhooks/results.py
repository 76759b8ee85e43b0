"""What attempts came to, written in bulk: one row for each attempt, and the next state of each delivery."""

import logging
import uuid
from collections.abc import Collection
from datetime import datetime

import attrs
from django.db import DatabaseError, DataError, transaction
from django.db.models import Case, DateTimeField, F, Value, When
from django.utils import timezone

from ..app_settings import app_settings
from ..models import Attempt, Delivery, Webhook
from ..payloads import redact
from . import claims, health, schedule, sending
from .schedule import Verdict

log = logging.getLogger(__name__)
State = Delivery.State
_MYSQL_INCORRECT_STRING = 1366  # comes as an OperationalError


@attrs.define
class Counts:
    """
    What a run did.

    Attributes:
        delivered: accepted by their endpoints.
        retried: failed, to be tried again.
        failed: given up: refused for good, or the schedule is exhausted.
        lost: tried, but meanwhile cancelled, deleted or claimed by somebody else.
        out_of_time: whether the run ended because its time was over, with more to do.
    """

    delivered: int = 0
    retried: int = 0
    failed: int = 0
    lost: int = 0
    out_of_time: bool = False

    @property
    def attempts(self) -> int:
        """All of them."""
        return self.delivered + self.retried + self.failed + self.lost

    def plus(self, other: "Counts") -> "Counts":
        """The sums."""
        return Counts(
            self.delivered + other.delivered,
            self.retried + other.retried,
            self.failed + other.failed,
            self.lost + other.lost,
            self.out_of_time or other.out_of_time,
        )


@attrs.frozen
class _Decision:
    result: sending.Result
    state: str
    next_attempt_at: datetime | None

    @property
    def pk(self) -> int:
        return self.result.delivery.pk


def write(results: Collection[sending.Result], holder: uuid.UUID, counts: Counts) -> None:
    """
    Record the attempts and move their deliveries on, unless somebody else has them by now.

    Args:
        results: of one batch.
        holder: who claimed them.
        counts: is added to.

    Raises:
        django.db.Error: nothing of the batch was recorded.
    """
    now = timezone.now()
    decisions = [decide(result, now) for result in results]
    try:
        held = _write(decisions, holder, now, _text)
    except DatabaseError as error:
        if not isinstance(error, DataError) and error.args[:1] != (_MYSQL_INCORRECT_STRING,):
            raise
        # A response that the database's character set can't hold must not undo the batch, again and again.
        held = _write(decisions, holder, now, _ascii)
    for decision in decisions:
        if decision.pk not in held:
            counts.lost += 1
        elif decision.state == State.DELIVERED:
            counts.delivered += 1
        elif decision.state == State.FAILED:
            counts.failed += 1
        else:
            counts.retried += 1
    _note_health(results)


def decide(result: sending.Result, now: datetime) -> _Decision:
    """The state that follows from a result."""
    verdict = schedule.verdict(result.outcome)
    if verdict is Verdict.DELIVERED:
        return _Decision(result, State.DELIVERED, None)
    when = None
    if verdict is Verdict.RETRY and result.outcome.error not in sending.FINAL_ERRORS:
        position = result.delivery.schedule_position + 1
        when = schedule.next_attempt(result.outcome, position, policy(result.webhook), now)
    return _Decision(result, State.PENDING if when else State.FAILED, when)


def policy(webhook: Webhook) -> schedule.Policy:
    """The webhook's own retry schedule, or the site's."""
    return schedule.Policy(
        waits=webhook.retry_schedule or app_settings.DELIVERY_SCHEDULE_SECONDS,
        jitter=app_settings.DELIVERY_JITTER_RATIO,
        retry_after_max=app_settings.DELIVERY_RETRY_AFTER_MAX_SECONDS,
    )


def _write(decisions, holder, now, to_text) -> set[int]:
    using = claims.database()
    rows = Delivery.objects.using(using)
    with transaction.atomic(using=using):
        claimed = rows.select_for_update().filter(pk__in=[decision.pk for decision in decisions])
        holders = dict(claimed.order_by().values_list("pk", "claimed_by"))
        # What was tried is history even if the claim was lost; only a deleted delivery has none.
        Attempt.objects.using(using).bulk_create(
            _attempt(decision, to_text) for decision in decisions if decision.pk in holders
        )
        held = [decision for decision in decisions if holders.get(decision.pk) == holder]
        for state, changes in (
            (State.DELIVERED, {"finished_at": now, "next_attempt_at": None}),
            (State.FAILED, {"finished_at": now, "next_attempt_at": None}),
            (State.PENDING, {}),
        ):
            group = [decision for decision in held if decision.state == state]
            if not group:
                continue
            if state == State.PENDING:
                changes["next_attempt_at"] = Case(
                    *(When(pk=decision.pk, then=Value(decision.next_attempt_at)) for decision in group),
                    output_field=DateTimeField(),
                )
            rows.filter(pk__in=[decision.pk for decision in group]).update(
                state=state,
                attempt_count=F("attempt_count") + 1,
                schedule_position=F("schedule_position") + 1,
                claimed_by=None,
                claimed_until=None,
                **changes,
            )
    return {decision.pk for decision in held}


def _attempt(decision: _Decision, to_text) -> Attempt:
    outcome = decision.result.outcome
    error = f"{outcome.error}: {outcome.detail}" if outcome.error and outcome.detail else outcome.error
    return Attempt(
        delivery_id=decision.pk,
        started_at=outcome.started_at,
        duration=outcome.duration,
        status_code=outcome.status_code,
        error=to_text(error)[:255],
        request_bytes=outcome.request_bytes,
        response_bytes=outcome.response_bytes,
        response_excerpt=to_text(
            redact.excerpt(
                outcome.body, app_settings.RESPONSE_EXCERPT_BYTES, (decision.result.webhook.headers or {}).values()
            )
        ),
    )


def _text(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL keeps no NUL


def _ascii(text: str) -> str:
    return _text(text).encode("ascii", "backslashreplace").decode()


def _note_health(results) -> None:
    succeeded: set[int] = set()
    failed: dict[int, health.Failures] = {}
    for result in sorted(results, key=lambda result: result.outcome.started_at):
        outcome, pk = result.outcome, result.webhook.pk
        if outcome.is_accepted:
            succeeded.add(pk)
            failed.pop(pk, None)
        elif outcome.error not in sending.FINAL_ERRORS:
            before = failed.get(pk)
            failed[pk] = health.Failures(
                count=before.count + 1 if before else 1,
                since=before.since if before else outcome.started_at,
                gone=outcome.status_code == schedule.GONE or bool(before and before.gone),
            )
    health.note(succeeded, failed)
