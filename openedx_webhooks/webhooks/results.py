"""What attempts came to, written in bulk: one row for each attempt, and the next state of each delivery."""

import functools
import logging
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

import attrs
from django.core.exceptions import ValidationError
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from ..app_settings import app_settings
from ..models import Attempt, CapturedEvent, Delivery, Webhook
from ..models.validators import validate_schedule
from ..payloads import redact
from ..rows import can_pass_over
from ..safe_log import where
from . import discard, schedule, sending

log = logging.getLogger(__name__)
State = Delivery.State
# Of one statement; for MySQL, one that is larger than max_allowed_packet (4 to 64 MB) is the end of the connection.
_MOST_BYTES = 4_000_000
_MOST_KEPT = 256 * 1024
_MYSQL_INCORRECT_STRING = 1366  # comes as an OperationalError


@attrs.define
class Counts:
    """
    What a run did.

    Attributes:
        delivered: accepted by their endpoints.
        retried: failed, to be tried again.
        failed: given up: the schedule is exhausted, or the payload is gone.
        skipped: the webhook's own condition or shape had nothing to send.
        lost: tried, but meanwhile cancelled, deleted or claimed by somebody else.
        out_of_time: whether the run ended because its time was over, with more to do.
    """

    delivered: int = 0
    retried: int = 0
    failed: int = 0
    skipped: int = 0
    lost: int = 0
    out_of_time: bool = False

    @property
    def attempts(self) -> int:
        """All of them."""
        return self.delivered + self.retried + self.failed + self.skipped + self.lost

    def plus(self, other: "Counts") -> "Counts":
        """The sums."""
        sums = {name: value + getattr(other, name) for name, value in attrs.asdict(self).items()}
        return Counts(**{**sums, "out_of_time": self.out_of_time or other.out_of_time})


# State that a decision leads to → the figure that counts it.
_COUNTED_AS = {State.DELIVERED: "delivered", State.PENDING: "retried", State.FAILED: "failed", State.SKIPPED: "skipped"}


@attrs.frozen
class Decision:
    """
    The state that follows from a result, and when it is tried again if it is.

    Attributes:
        leaves_nothing: nothing is kept of what was sent and answered.
    """

    result: sending.Result
    state: str
    next_attempt_at: datetime | None = None
    leaves_nothing: bool = False

    @property
    def pk(self) -> int:
        """Of the delivery."""
        return self.result.delivery.pk

    @property
    def event_id(self) -> int:
        """Of the captured event."""
        return self.result.delivery.event_id


def write(
    results: Collection[sending.Result],
    holder: uuid.UUID,
    counts: Counts,
    is_repeated: bool = False,
    can_wait: bool = True,
) -> list[sending.Result]:
    """
    Record the attempts and move their deliveries on, unless somebody else has them by now.

    What the database refuses of one result costs that one, not the batch.

    Args:
        results: of one batch.
        holder: who claimed them.
        counts: is added to.
        is_repeated: the same was tried before and the connection broke: it may have been committed all the same.
        can_wait: for deliveries that somebody else has locked.

    Returns:
        those of which nothing was recorded because somebody else has locked their deliveries.

    Raises:
        django.db.OperationalError, django.db.InterfaceError: the database is away; nothing was recorded, or all of it.
    """
    now = timezone.now()
    decisions = [decide(result, now) for result in results]
    retired = discard.of_retired(Delivery.objects.writable().db, {decision.event_id for decision in decisions})
    decisions = [attrs.evolve(one, leaves_nothing=_leaves_nothing(one, retired)) for one in decisions]
    write_some = functools.partial(_write, holder=holder, now=now, is_repeated=is_repeated, can_wait=can_wait)
    try:
        held, locked = write_some(decisions, to_text=_text)
    except DatabaseError as error:
        if _is_away(error):
            raise
        held, locked = set(), set()
        for decision in decisions:
            held_alone, locked_alone = _write_alone(decision, write_some)
            held |= held_alone
            locked |= locked_alone
    _discard(decision for decision in decisions if decision.pk in held)
    for decision in decisions:
        if decision.pk not in locked:
            name = _COUNTED_AS[decision.state] if decision.pk in held else "lost"
            setattr(counts, name, getattr(counts, name) + 1)
    return [decision.result for decision in decisions if decision.pk in locked]


def _leaves_nothing(decision: Decision, retired: set[int]) -> bool:
    """Its webhook keeps nothing that was delivered, or the event names somebody who was retired meanwhile."""
    is_done = decision.state in (State.DELIVERED, State.SKIPPED)
    return decision.event_id in retired or (is_done and not decision.result.webhook.keep_payloads)


def _discard(held: Iterable[Decision]) -> None:
    """Empty the payloads that were kept for these alone."""
    if events := {one.event_id for one in held if one.leaves_nothing}:
        discard.payloads(Delivery.objects.writable().db, events)


def _is_away(error: DatabaseError) -> bool:
    return isinstance(error, (OperationalError, InterfaceError)) and error.args[:1] != (_MYSQL_INCORRECT_STRING,)


def _write_alone(decision: Decision, write_some) -> tuple[set[int], set[int]]:
    """With less and less of what came from outside, until the database takes it."""
    for to_text in (_text, _ascii, _nothing):
        try:
            return write_some([decision], to_text=to_text)
        except DatabaseError as error:
            if _is_away(error):
                raise
            log.warning("The attempt of delivery %s could not be recorded: %s", decision.pk, where(error))
    return set(), set()


def decide(result: sending.Result, now: datetime) -> Decision:
    """The state that follows from a result."""
    if result.outcome.is_accepted:
        return Decision(result, State.DELIVERED)
    if result.is_skipped:
        return Decision(result, State.SKIPPED)
    when = None
    if not result.is_hopeless:
        position = result.delivery.schedule_position + 1
        when = schedule.next_attempt(result.outcome, position, policy(result.webhook), now)
    return Decision(result, State.PENDING if when else State.FAILED, when)


def policy(webhook: Webhook) -> schedule.Policy:
    """The webhook's own retry schedule, or the site's where it has none or what is stored can't be one."""
    waits = webhook.retry_schedule
    try:
        validate_schedule(waits)
    except ValidationError:
        waits = None
    return schedule.Policy(
        waits=waits or app_settings.DELIVERY_SCHEDULE_SECONDS,
        jitter=app_settings.DELIVERY_JITTER_RATIO,
        retry_after_max=app_settings.DELIVERY_RETRY_AFTER_MAX_SECONDS,
    )


def _write(
    decisions: Sequence[Decision],
    *,
    holder: uuid.UUID,
    now: datetime,
    is_repeated: bool,
    can_wait: bool,
    to_text: Callable[[str], str],
) -> tuple[set[int], set[int]]:
    """The deliveries that were still the holder's, and those that somebody else has locked."""
    rows = Delivery.objects.writable()
    skips = can_pass_over(rows.db) and not can_wait
    with transaction.atomic(using=rows.db):
        claimed = rows.select_for_update(skip_locked=skips).filter(pk__in=[decision.pk for decision in decisions])
        holders = dict(claimed.order_by().values_list("pk", "claimed_by"))
        missing = {decision.pk for decision in decisions} - holders.keys()
        # Read without a lock, what is locked is there; what is not, was deleted.
        locked = set(rows.filter(pk__in=missing).values_list("pk", flat=True)) if skips and missing else set()
        # What was tried is history even if the claim was lost; only a deleted delivery has none.
        tried = [decision for decision in decisions if decision.pk in holders]
        if is_repeated:
            tried = _without_recorded(rows.db, tried)
        held = [decision for decision in decisions if holders.get(decision.pk) == holder]
        forgotten = {one.pk for one in tried if one.leaves_nothing}
        forgotten |= _forgotten(rows.db, [decision for decision in tried if holders[decision.pk] != holder])
        Attempt.objects.using(rows.db).bulk_create(
            (_attempt(decision, _nothing if decision.pk in forgotten else to_text) for decision in tried),
            batch_size=max(1, _MOST_BYTES // (12 * _kept() + 4096)),
        )
        by_state: dict[str, dict[int, datetime | None]] = {state: {} for state in _COUNTED_AS}
        for decision in held:
            by_state[decision.state][decision.pk] = decision.next_attempt_at
        rows.succeed(by_state[State.DELIVERED], now)
        rows.fail(by_state[State.FAILED], now)
        rows.skip(by_state[State.SKIPPED], now)
        rows.retry(by_state[State.PENDING], now)
        # What is kept of the attempts before.
        if again := [one.pk for one in held if one.leaves_nothing and one.result.delivery.attempt_count]:
            discard.empty_attempts(rows.db, again)
    return {decision.pk for decision in held}, locked


def _forgotten(using: str, lost: list[Decision]) -> set[int]:
    """Those whose event was emptied while they were sent: what a retired user's events held is kept nowhere."""
    if not lost:
        return set()
    events = CapturedEvent.objects.using(using).filter(pk__in={one.event_id for one in lost})
    kept = set(events.filter(payload__isnull=False).values_list("pk", flat=True))
    return {one.pk for one in lost if one.event_id not in kept}


def _without_recorded(using: str, decisions: list[Decision]) -> list[Decision]:
    recorded = set(
        Attempt.objects.using(using)
        .filter(delivery_id__in=[decision.pk for decision in decisions])
        .values_list("delivery_id", "started_at")
    )
    return [one for one in decisions if (one.pk, one.result.outcome.started_at) not in recorded]


def _attempt(decision: Decision, to_text: Callable[[str], str]) -> Attempt:
    outcome, request = decision.result.outcome, decision.result.request
    secrets = request.secrets() if request else ()
    kept = _kept()
    return Attempt(
        delivery_id=decision.pk,
        started_at=outcome.started_at,
        duration=outcome.duration,
        status_code=outcome.status_code,
        error=outcome.error,
        detail=to_text(redact.excerpt(_detail(outcome).encode("utf-8", "replace"), kept, secrets)),
        request_headers=request.shown_headers() if request else {},
        request_excerpt=to_text(redact.excerpt(request.body, kept, secrets)) if request else "",
        request_bytes=outcome.request_bytes,
        response_bytes=outcome.response_bytes,
        response_excerpt=to_text(redact.excerpt(outcome.body, kept, secrets)),
    )


def _kept() -> int:
    """Characters that are kept of each text, up to four bytes each."""
    return min(app_settings.RESPONSE_EXCERPT_BYTES, _MOST_KEPT)


def _detail(outcome) -> str:
    """What went wrong; for a redirect, where to."""
    is_redirect = outcome.status_code is not None and 300 <= outcome.status_code < 400
    return outcome.headers.get("location", "") if is_redirect else outcome.detail


def _text(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL keeps no NUL


def _ascii(text: str) -> str:
    return _text(text).encode("ascii", "backslashreplace").decode()


def _nothing(_text: str) -> str:
    return ""
