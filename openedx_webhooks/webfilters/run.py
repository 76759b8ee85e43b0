"""
One run of a filter: get the answers of its webfilters, and turn them into changes or a halt.

Nothing in here may hurt the learner's request: what fails is logged and left out. ORM access is in savepoints, so that
a database error in here does not spoil the caller's transaction.
"""

import functools
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import ObjectDoesNotExist
from django.db import DEFAULT_DB_ALIAS, models
from django.utils.functional import LazyObject, empty
from openedx_filters.exceptions import OpenEdxFilterException

from .. import catalog, skips, throttle, tracing
from ..payloads import limits, serialize, shape
from ..payloads.published import VERSIONS, Message
from ..savepoint import savepoint
from ..transport.breaker import breaker
from ..transport.client import Outcome
from . import adapters, after_login, answers, call_log, changes, published_answers, response_cache
from .budget import Spending
from .calls import NOT_MADE, CallRequest, RequestBuilder, call_all
from .verdicts import Verdict, judge

log = logging.getLogger(__name__)
# An endpoint that had this time and did not answer has failed, even if its own timeout is longer.
_FAIR_SECONDS = 1.0
_HOUR = 3600.0


@attrs.define
class RunningCall:
    """
    One webfilter in this run.

    Attributes:
        request: what is sent, or would be.
        message: the payload that it gets, before its shape, and what was withheld from it.
        outcome: what came back.
        answer: of a webfilter that answers by itself; None if the outcome has it.
        cached: where its responses are cached, if they are.
        is_cached: the outcome is a cached one.
        changed: the keys that it changes.
        notes: what an operator should know beside.
        has_halted: its halt is the one that is raised.
    """

    webfilter: Any
    request: CallRequest
    message: serialize.FilterMessage
    outcome: Outcome | None = None
    answer: answers.Answer | None = None
    cached: response_cache.CachedResponse | None = None
    is_cached: bool = False
    verdict: Verdict = attrs.field(factory=Verdict)
    changed: list[str] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)
    has_halted: bool = False

    @property
    def observes(self) -> bool:
        """Whether this webfilter is only called, and never changes or halts anything."""
        return self.webfilter.mode == "observe"

    def wanted(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """What the answer wants changed of a filter's arguments, beside what it only sends back."""
        if published_answers.is_for(self.webfilter) and self.answer is None:
            return published_answers.changes_in(self.webfilter.event, self.verdict.data, self.message.payload, kwargs)
        return changes.without_echo(self.verdict.data, self.message.payload)


class TimeLimitExceeded(SoftTimeLimitExceeded, OpenEdxFilterException):
    """
    The soft time limit of the Celery task in which the filter runs. A task that handles it gets it, as the runner of
    filters lets only its own kind of exceptions through.
    """


def run(
    filter_name: str, webfilters: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], OpenEdxFilterException | None]:
    """
    Call the webfilters of one run of a filter.

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
    filter_type = catalog.find_filter(filter_name)
    if filter_type is None:
        if throttle.allows("unknown filter", filter_name, seconds=_HOUR):
            log.warning("No webfilter of %s is called: the catalog does not know it", filter_name)
        return {}, None
    adapter = adapters.of(filter_name)
    _load_related(adapter.load, kwargs, any(webfilter.send_profile for webfilter in webfilters))
    calls = _calls(webfilters, _Messages(filter_type, kwargs, _extra(adapter.extra, kwargs)))
    if not calls:
        return {}, None
    _call_endpoints([call for call in calls if call.answer is None])
    for call in calls:
        call.verdict = _judge(filter_type, call, kwargs)
        call.notes.extend(call.verdict.notes)
        _log_verdict(filter_type, call)
        if call.cached and not call.is_cached and not call.verdict.problem:
            call.cached.keep(call.outcome)
    halting = next((call for call in calls if call.verdict.halt is not None and not call.observes), None)
    changed: dict[str, Any] = {}
    record = functools.partial(call_log.record, calls, calls[0].message.payload)
    if halting is not None:
        halting.has_halted = True
        tracing.note(halted_by=halting.webfilter.pk)
    else:
        changing = [call for call in calls if call.verdict.data and not call.observes]
        changed, record = _change(filter_type, kwargs, changing, record)
    for call in calls:
        if call.observes and call.verdict.data:
            _observe(filter_type, kwargs, call)
    record()
    return changed, halting.verdict.halt if halting is not None else None


def _load_related(paths, kwargs, with_profile: bool) -> None:
    """Load what the payload shall have beside the arguments: at most one query for each path, in a savepoint."""
    for path in paths:
        name, *attributes = path.split(".")
        value = kwargs.get(name)
        if value is None or (attributes[-1] == "profile" and not with_profile):
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


def _extra(extra, kwargs) -> dict[str, Any]:
    """What the payload has beside the arguments; nothing if that fails."""
    try:
        return extra(kwargs) if extra is not None else {}
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.warning("%s could not be found out for a payload: %s", extra.__name__, type(error).__name__)
        return {}


def _related(value, attribute):
    if isinstance(value, LazyObject):
        # A user whom nobody has looked at yet costs queries that the request may never need.
        value = None if value.__dict__.get("_wrapped", empty) is empty else value.__dict__["_wrapped"]
    if not isinstance(value, models.Model) or not hasattr(type(value), attribute):
        return None
    state = value._state  # pylint: disable=protected-access
    if attribute in state.fields_cache:
        return getattr(value, attribute)
    with savepoint(state.db or DEFAULT_DB_ALIAS):
        return getattr(value, attribute)


class _Messages:
    """What the webfilters of one run are sent: one message for all, or one for each way in which they want it."""

    def __init__(self, filter_type, kwargs, extra):
        self._filter_type, self._kwargs, self._extra = filter_type, kwargs, extra
        self._messages: dict[tuple[bool, bool], tuple[serialize.FilterMessage, RequestBuilder]] = {}
        self._in_format: dict[tuple[bool, bool, str], Message] = {}

    def of(self, webfilter) -> tuple[serialize.FilterMessage, RequestBuilder]:
        """The message, and what makes requests of it."""
        key = (webfilter.send_profile, webfilter.send_file_urls)
        if key not in self._messages:
            message = serialize.filter_message(
                self._filter_type, self._kwargs, self._extra, file_urls=webfilter.send_file_urls
            )
            if not webfilter.send_profile:
                message = _without_profile(message)
            self._messages[key] = message, RequestBuilder(message.payload, message.body, self._published(*key))
        return self._messages[key]

    def sent(self, webfilter, message: serialize.FilterMessage, request: CallRequest) -> serialize.FilterMessage:
        """What an answer is about: in a format of the published plugin, that is not our payload."""
        key = (webfilter.send_profile, webfilter.send_file_urls, webfilter.payload_format)
        if key not in self._in_format:
            return message
        return message._replace(payload=request.content, withheld=self._in_format[key].withheld)

    def _published(self, with_profile, file_urls):
        def make(name):
            key = (with_profile, file_urls, name)
            if key not in self._in_format:
                arguments = {
                    **self._kwargs,
                    **{one: self._extra[one] for one in self._extra if one not in self._kwargs},
                }
                self._in_format[key] = VERSIONS[name].message(self._filter_type, arguments, with_profile, file_urls)
            return self._in_format[key].payload

        return make


def _without_profile(message: serialize.FilterMessage) -> serialize.FilterMessage:
    payload = {
        name: {key: member for key, member in value.items() if key != "profile"}
        if isinstance(value, dict) and "user" in value
        else value
        for name, value in message.payload.items()
        if name != "profile"
    }
    return message._replace(payload=payload, body=limits.dump(payload))


def _calls(webfilters, messages: _Messages) -> list[RunningCall]:
    """The calls to be made: of webfilters whose condition is true, and whose shape, if any, is not null."""
    calls = []
    for webfilter in webfilters:
        message, builder = messages.of(webfilter)
        failed = skips.Reason.CONDITION_FAILED
        try:
            condition = webfilter.compiled_condition
            if condition is not None and not shape.matches(condition, message.payload):
                skips.note(webfilter, skips.Reason.NO_MATCH)
                continue
            if webfilter.local_answer:
                calls.append(answer_locally(webfilter, message))
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
            calls.append(RunningCall(webfilter, request, messages.sent(webfilter, message, request)))
    return calls


def answer_locally(webfilter, message: serialize.FilterMessage) -> RunningCall:
    """The call of a webfilter that answers by itself: nothing is sent. Never raises."""
    start, outcome = time.perf_counter(), Outcome()
    try:
        value = webfilter.compiled_local_answer.evaluate(message.payload)
        answer = answers.local(value)
        outcome.body = b"" if answer.problem else limits.dump(value)
    except Exception as error:  # pylint: disable=broad-exception-caught
        # Its kind only: JMESPath quotes the values that a function did not expect.
        kind = type(error.__cause__ or error).__name__
        answer = answers.Answer(problem=f"its local answer fails on this payload ({kind})")
    outcome.duration = time.perf_counter() - start
    request = CallRequest("", str(uuid.uuid4()), message.payload, message.body, {}, {})
    return RunningCall(webfilter, request, message, outcome, answer)


def _call_endpoints(calls: list[RunningCall]) -> None:
    """Fill in the outcomes: cached ones, those of endpoints whose circuit is open, and the rest by calling."""
    to_call, guards = [], []
    for call in calls:
        call.cached = response_cache.cached_response_of(call.webfilter, call.message.payload)
        call.outcome = call.cached.fresh() if call.cached else None
        if call.outcome is None:
            guard = breaker(call.webfilter.webhook_url)
            if guard.allow():
                to_call.append(call)
                guards.append(guard)
                continue
            call.outcome = call.cached.stale() if call.cached else None
        call.is_cached = call.outcome is not None
        if call.outcome is None:
            error = skips.Reason.BREAKER_OPEN
            call.outcome = Outcome(error=error, detail="the circuit is open after failures of the endpoint")
    if to_call:
        _call_all(to_call, guards)
    for call in calls:
        if call.outcome.error in NOT_MADE:
            skips.note(call.webfilter, skips.Reason(call.outcome.error))


def _call_all(calls: list[RunningCall], guards) -> None:
    start = time.monotonic()
    with Spending() as deadline, tracing.span("call_webfilters"):
        tracing.note(filter=calls[0].webfilter.event, webfilters=" ".join(str(call.webfilter.pk) for call in calls))
        outcomes = call_all([call.request for call in calls], deadline)
    for call, guard, outcome in zip(calls, guards, outcomes, strict=True):
        call.outcome = outcome
        if _tells_nothing(call.request, outcome, deadline - start):
            guard.withdraw()
        else:
            is_down = outcome.is_5xx and not published_answers.has_answer(call.webfilter, outcome)
            is_up = not outcome.is_request_exception and not is_down
            guard.record(is_up)
            if guard.is_probing and not is_up and call.cached and (stale := call.cached.stale()):
                # The learner who happened to probe is served as the others are.
                call.outcome, call.is_cached = stale, True


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


def _judge(filter_type, call: RunningCall, kwargs) -> Verdict:
    try:
        return judge(filter_type, call.webfilter, call.outcome, kwargs, call.answer)
    except Exception as error:  # pylint: disable=broad-exception-caught
        # The other webfilters' answers still count.
        return Verdict(problem=f"its answer could not be judged: {type(error).__name__}")


def _change(filter_type, kwargs, calls: list[RunningCall], record) -> tuple[dict[str, Any], Callable[[], None]]:
    """
    Write the merged data of the enforcing webfilters back, and note which of them changed what.

    Returns:
        the arguments that changed, and how the calls are recorded now: not at all where the changes must wait.
    """
    given = [(call.webfilter.pk, call.wanted(kwargs)) for call in calls]
    data, sources = changes.merge(given)
    if not data:
        return {}, record
    # Of what they were sent, the message of which most was withheld.
    message = max((call.message for call in calls), key=lambda message: len(message.withheld))
    plan = changes.plan_changes(filter_type, kwargs, data, message.payload, message.withheld)
    waits = bool(plan.effects) and adapters.of(filter_type.filter_type).waits_for_login
    changed = {} if waits else changes.carry_out(plan)
    changes.log_refused(filter_type, plan, sources)
    _note_changed(calls, plan, sources)
    if not waits:
        return changed, record

    def done(problems):
        for path, reason in (problems or {}).items():
            plan.undo(path, reason)
        if problems is None:
            plan.changed = []
        else:
            plan.refused = list(problems.items())
            changes.log_refused(filter_type, plan, sources)
        for call in calls:
            if call.changed:
                call.notes.append(after_login.DROPPED if problems is None else after_login.APPLIED)
        _note_changed(calls, plan, sources)
        record()

    after_login.wait(kwargs["user"], plan.effects, done)
    return plan.values, lambda: None


def _note_changed(calls, plan, sources) -> None:
    for call in calls:
        call.changed = [
            changes.dotted(path) for path in plan.changed if call.webfilter.pk in changes.sources_of(path, sources)
        ]


def _observe(filter_type, kwargs, call: RunningCall) -> None:
    """What an observing webfilter would have changed. The others' changes are done: nothing may fail any more."""
    message = call.message
    try:
        data = call.wanted(kwargs)
        plan = changes.plan_changes(filter_type, kwargs, data, message.payload, message.withheld)
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.warning(
            "Webfilter %s (%s) could not be observed: %s", call.webfilter.pk, filter_type.name, type(error).__name__
        )
        return
    call.changed = [changes.dotted(path) for path in plan.changed]
    changes.log_refused(filter_type, plan, {path: (call.webfilter.pk,) for path, _reason in plan.refused})


def _log_verdict(filter_type, call: RunningCall) -> None:
    message = "Webfilter %s (%s): %s"
    for note in call.notes:
        log.warning(message, call.webfilter.pk, filter_type.name, note)
    if not call.verdict.problem:
        return
    error = call.outcome.error
    # Calls that are not made would fill the log on a hot filter; what came before has been logged already.
    if error not in NOT_MADE or throttle.allows("call not made", error, call.webfilter.pk, seconds=60):
        log.warning(message, call.webfilter.pk, filter_type.name, call.verdict.problem)
