"""
One run of a filter: ask the webfilters that want to be asked, and turn their answers into changes or a halt.

Nothing in here may hurt the learner's request: what fails is logged and left out. ORM access is in savepoints, so that
a database error in here does not spoil the caller's transaction.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import ObjectDoesNotExist
from django.db import DEFAULT_DB_ALIAS, models, transaction
from django.utils.functional import LazyObject, empty
from openedx_filters.exceptions import OpenEdxFilterException

from .. import catalog, skips, throttle
from ..payloads import serialize, shape
from ..transport import signing
from ..transport.breaker import breaker
from ..transport.client import Outcome
from . import adapters, apply, call_log, response_cache
from .budget import Spending
from .calls import BREAKER_OPEN, BUDGET, NOT_MADE, CallRequest, RequestBuilder, call_all
from .verdicts import Verdict, judge

log = logging.getLogger(__name__)
_NOT_MADE_REASONS = {
    BREAKER_OPEN: skips.Reason.LEFT_ALONE,
    BUDGET: skips.Reason.NO_TIME,
    signing.UNSENDABLE: skips.Reason.UNSENDABLE,
}

# An endpoint that had this time and did not answer has failed, even if its own timeout is longer.
_FAIR_SECONDS = 1.0
_HOUR = 3600.0


@attrs.define
class RunningCall:
    """One webfilter in this run: what was asked, what came of it, what it means, and what it changed."""

    webfilter: Any
    request: CallRequest
    outcome: Outcome | None = None
    cached: response_cache.CachedResponse | None = None
    is_remembered: bool = False
    verdict: Verdict = attrs.field(factory=Verdict)
    changed: list[str] = attrs.field(factory=list)
    has_halted: bool = False

    @property
    def observes(self) -> bool:
        """Whether this webfilter is only asked, and never changes or halts anything."""
        return self.webfilter.mode == "observe"


class TimeLimitExceeded(SoftTimeLimitExceeded, OpenEdxFilterException):
    """
    The soft time limit of the Celery task in which the filter runs. A task that handles it gets it, as the runner of
    filters lets only its own kind of exceptions through.
    """


def run(
    filter_name: str, webfilters: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], OpenEdxFilterException | None]:
    """
    Ask webfilters about one run of a filter.

    Args:
        filter_name: dotted filter type.
        webfilters: the enabled ones, in their order.
        kwargs: the filter's arguments.

    Returns:
        the arguments that changed, and the exception to raise, if any (then nothing has changed).
    """
    try:
        return _run(filter_name, webfilters, kwargs)
    except SoftTimeLimitExceeded:
        return {}, TimeLimitExceeded("the soft time limit of the task")


def _run(filter_name, webfilters, kwargs):
    filter_type = _filter_type(filter_name)
    if filter_type is None:
        if throttle.allows("unknown filter", filter_name, seconds=_HOUR):
            log.warning("No webfilter is asked about %s: the catalog does not know it", filter_name)
        return {}, None
    _load_related(adapters.of(filter_name).load, kwargs)
    payload, body = serialize.filter_message(filter_type, kwargs)
    asked = _requests(webfilters, payload, body)
    if not asked:
        return {}, None
    _ask(asked, payload)
    for one in asked:
        one.verdict = _judge(filter_type, one, kwargs)
        if one.verdict.problem:
            _log_problem(filter_type, one)
        elif one.cached and not one.is_remembered:
            one.cached.keep(one.outcome)
    halting = next((one for one in asked if one.verdict.halt is not None and not one.observes), None)
    changed: dict[str, Any] = {}
    if halting is not None:
        halting.has_halted = True
    else:
        changed = _change(filter_type, kwargs, payload, [one for one in asked if not one.observes])
    for one in asked:
        if one.observes and one.verdict.data:
            _imagine(filter_type, kwargs, payload, one)
    call_log.record(asked, payload)
    return changed, halting.verdict.halt if halting is not None else None


# The catalog looks for new filters at each call; those that it has found stay.
_filter_types: dict[str, catalog.FilterType] = {}


def _filter_type(name: str) -> catalog.FilterType | None:
    if name not in _filter_types:
        found = catalog.filters().get(name)
        if found is None:
            return None
        _filter_types[name] = found
    return _filter_types[name]


def _load_related(paths, kwargs) -> None:
    """Load what the payload shall have beside the arguments: at most one query for each path, in a savepoint."""
    for path in paths:
        name, *attributes = path.split(".")
        value = kwargs.get(name)
        if value is None:
            continue
        try:
            for attribute in attributes:
                value = _related(value, attribute)
        except ObjectDoesNotExist:
            continue
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:  # pylint: disable=broad-exception-caught
            log.warning("%s could not be loaded for a payload: %s", path, type(error).__name__)


def _related(value, attribute):
    if isinstance(value, LazyObject):
        # A user whom nobody has looked at yet costs queries that the request may never need.
        value = None if value.__dict__.get("_wrapped", empty) is empty else value.__dict__["_wrapped"]
    if not isinstance(value, models.Model) or not hasattr(type(value), attribute):
        return None
    state = value._state  # pylint: disable=protected-access
    if attribute in state.fields_cache:
        return getattr(value, attribute)
    with transaction.atomic(using=state.db or DEFAULT_DB_ALIAS):
        return getattr(value, attribute)


def _requests(webfilters, payload, body) -> list[RunningCall]:
    """The requests to be made: of webfilters whose condition is true, and whose shape, if any, is not null."""
    builder = RequestBuilder(payload, body)
    asked = []
    for webfilter in webfilters:
        failed = skips.Reason.CONDITION_FAILED
        try:
            condition = webfilter.compiled_condition
            if condition is not None and not shape.matches(condition, payload):
                skips.note(webfilter, skips.Reason.NO_MATCH)
                continue
            failed = skips.Reason.SHAPE_FAILED
            request = builder.of(webfilter)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # An ExpressionError, or whatever JMESPath's functions raise on data that they did not expect.
            skips.note(webfilter, failed, error)
            continue
        if request.content is None:
            skips.note(webfilter, skips.Reason.NO_SHAPE)
        else:
            asked.append(RunningCall(webfilter, request))
    return asked


def _ask(asked: list[RunningCall], payload) -> None:
    """Fill in the outcomes: remembered ones, those of endpoints that are left alone, and the rest by calling."""
    to_call, guards = [], []
    for one in asked:
        one.cached = response_cache.cached_response_of(one.webfilter, payload)
        one.outcome = one.cached.fresh() if one.cached else None
        if one.outcome is None:
            guard = breaker(one.webfilter.webhook_url)
            if guard.allow():
                to_call.append(one)
                guards.append(guard)
                continue
            one.outcome = one.cached.stale() if one.cached else None
        one.is_remembered = one.outcome is not None
        if one.outcome is None:
            one.outcome = Outcome(error=BREAKER_OPEN, detail="the endpoint is left alone after failures")
    start = time.monotonic()
    with Spending() as deadline:
        outcomes = call_all([one.request for one in to_call], deadline)
    for one, guard, outcome in zip(to_call, guards, outcomes, strict=True):
        one.outcome = outcome
        if _tells_nothing(one.request, outcome, deadline - start):
            guard.withdraw()
        else:
            is_up = not outcome.is_request_exception and not outcome.is_5xx
            guard.record(is_up)
            if guard.is_probing and not is_up and one.cached and (stale := one.cached.stale()):
                # The learner who happened to probe is served as the others are.
                one.outcome, one.is_remembered = stale, True
    for one in asked:
        if one.outcome.error in NOT_MADE:
            skips.note(one.webfilter, _NOT_MADE_REASONS[one.outcome.error])


def _tells_nothing(request: CallRequest, outcome: Outcome, seconds_left: float) -> bool:
    """
    Whether an outcome says nothing about the endpoint: the request could not be signed, or others had used up nearly
    all the time. That must not open its breaker: one bad webfilter would take the good ones with it.

    Args:
        seconds_left: what of the request's budget was left for this run.
    """
    fair = min(request.timeout, _FAIR_SECONDS)
    if outcome.error in ("connect", "dns"):
        # A quick refusal is the endpoint's own.
        return seconds_left < fair and outcome.duration >= 0.9 * seconds_left
    return outcome.error in NOT_MADE or (outcome.error == "timeout" and outcome.duration < fair)


def _judge(filter_type, one: RunningCall, kwargs) -> Verdict:
    try:
        return judge(filter_type, one.webfilter, one.outcome, kwargs)
    except Exception as error:  # pylint: disable=broad-exception-caught
        # The other webfilters' answers still count.
        return Verdict(problem=f"its answer could not be judged: {type(error).__name__}")


def _change(filter_type, kwargs, payload, asked: list[RunningCall]) -> dict[str, Any]:
    """Write the merged data of the enforcing webfilters back, and note which of them changed what."""
    given = [(one.webfilter.pk, apply.without_echo(one.verdict.data, payload)) for one in asked if one.verdict.data]
    data, sources = apply.merge(given)
    if not data:
        return {}
    plan = apply.plan_changes(filter_type, kwargs, data)
    changed = apply.carry_out(plan)
    apply.log_refused(filter_type, plan, sources)
    for path in plan.changed:
        source = apply.source_of(path, sources)
        for one in asked:
            if one.webfilter.pk == source:
                one.changed.append(apply.dotted(path))
    return changed


def _imagine(filter_type, kwargs, payload, one: RunningCall) -> None:
    """What an observing webfilter would have changed. The others' changes are done: nothing may fail any more."""
    try:
        plan = apply.plan_changes(filter_type, kwargs, apply.without_echo(one.verdict.data, payload))
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.warning(
            "Webfilter %s (%s) could not be observed: %s", one.webfilter.pk, filter_type.name, type(error).__name__
        )
        return
    one.changed = [apply.dotted(path) for path in plan.changed]
    apply.log_refused(filter_type, plan, {path: one.webfilter.pk for path, _reason in plan.refused})


def _log_problem(filter_type, one: RunningCall) -> None:
    error = one.outcome.error
    # Calls that are not made would fill the log on a hot filter; what came before has been logged already.
    if error not in NOT_MADE or throttle.allows("call not made", error, one.webfilter.pk, seconds=60):
        log.warning("Webfilter %s (%s): %s", one.webfilter.pk, filter_type.name, one.verdict.problem)
