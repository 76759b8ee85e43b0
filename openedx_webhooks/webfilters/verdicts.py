"""What one webfilter's outcome means: nothing, changed data, a halt, or a problem."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from openedx_filters.exceptions import OpenEdxFilterException

from .. import catalog
from ..skips import Reason
from ..transport.client import Outcome
from . import answers, halts, published_answers
from .answers import Answer
from .kinds.convert import Refused


@attrs.define
class Verdict:
    """
    What one webfilter says.

    Attributes:
        data: what it wants changed; empty where filtering is disabled.
        halt: the exception that it wants raised, or None.
        problem: what was wrong with its outcome or answer, for the log.
        notes: what an operator should know of the halt, such as arguments that were left out.
    """

    data: Mapping[str, Any] = attrs.field(factory=dict)
    halt: OpenEdxFilterException | None = None
    problem: str = ""
    notes: Sequence[str] = ()


def judge(
    filter_type: catalog.FilterType,
    webfilter,
    outcome: Outcome,
    kwargs: Mapping[str, Any],
    answer: Answer | None = None,
) -> Verdict:
    """
    Judge one outcome by the settings of its webfilter.

    A 2xx answer that cannot be used (not JSON, not of the right form, an exception that the filter does not have), or a
    redirect, is no usable response: it counts as a request exception.

    Args:
        answer: the webfilter's local answer; without it the one in the outcome.
    """
    if answer is None and published_answers.is_for(webfilter):
        return _judge_published(filter_type, webfilter, outcome, kwargs)
    problem = _failure(outcome) if answer is None else ""
    if answer is None:
        answer = answers.parse(outcome)
    problem = problem or answer.problem
    halt = halts.Halt()
    if answer.exception and not webfilter.disable_halt:
        try:
            halt = halts.by_name(filter_type, *answer.exception, kwargs)
        except Refused as error:
            problem = str(error)
    if problem:
        return _after_failure(filter_type, webfilter, outcome, kwargs, problem)
    return Verdict({} if webfilter.disable_filtering else answer.data, halt.exception, notes=halt.notes)


def _judge_published(filter_type, webfilter, outcome, kwargs) -> Verdict:
    """
    Where the webfilter's own settings don't halt, an answer counts whatever its status. One that is neither 4xx nor 5xx
    is no failure.
    """
    problem, verdict = _failure(outcome), Verdict()
    if outcome.error or outcome.is_4xx or outcome.is_5xx:
        verdict = _after_failure(filter_type, webfilter, outcome, kwargs, problem)
    if outcome.error or verdict.halt is not None or verdict.data:
        return verdict
    answer = published_answers.parse(filter_type, outcome)
    halt = halts.Halt()
    problem = answer.problem or problem
    if answer.exception and not webfilter.disable_halt:
        try:
            halt = halts.by_name(filter_type, *answer.exception, kwargs)
        except Refused as error:
            problem = str(error)
    return Verdict({} if webfilter.disable_filtering else answer.data, halt.exception, problem, halt.notes)


def _failure(outcome: Outcome) -> str:
    if outcome.error:
        return f"{outcome.error}: {outcome.detail}" if outcome.detail else outcome.error
    if outcome.ok:
        return ""
    return f"it answered with status {outcome.status_code}"


def _after_failure(filter_type, webfilter, outcome, kwargs, problem) -> Verdict:
    if outcome.is_4xx:
        halts_now, url = webfilter.halt_on_4xx, webfilter.redirect_on_4xx
    elif outcome.is_5xx or (outcome.error == Reason.BREAKER_OPEN and not webfilter.halt_on_request_exception):
        # It may have been a 5xx that opened the circuit: what each of them stopped is stopped as long as it is open.
        halts_now, url = webfilter.halt_on_5xx, webfilter.redirect_on_5xx
    else:
        halts_now, url = webfilter.halt_on_request_exception, webfilter.redirect_on_request_exception
    if not halts_now:
        return Verdict(problem=problem)
    status_code = outcome.status_code if outcome.is_4xx or outcome.is_5xx else None
    halt = halts.after_failure(filter_type, url, kwargs, status_code)
    if halt.problem:
        problem = f"{problem}; {halt.problem}"
    return Verdict(halt.data, halt.exception, problem, halt.notes)
