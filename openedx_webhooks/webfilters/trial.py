"""Try a webfilter out: ask its endpoint about made-up data, now, and say what the answer would do. Nothing is done."""
import time
from typing import Any

import attrs
from django.utils.translation import gettext as _

from ..app_settings import app_settings
from ..payloads import sample_arguments, samples
from ..transport.breaker import breaker
from ..transport.client import Outcome
from . import apply
from .calls import Questions, call_all
from .plan import dotted
from .verdicts import judge


@attrs.frozen
class Trial:
    """
    What was asked, what came back, and what it would do.

    Attributes:
        body: the payload after the webfilter's shape.
        changed: the keys that would change.
        refused: the keys that would be left alone, each with the reason.
        halt: name and message of the exception that would be raised; empty if none would.
        problem: why the answer would not be used; empty if it would.
    """

    body: Any
    outcome: Outcome
    changed: list[str] = attrs.field(factory=list)
    refused: list[tuple[str, str]] = attrs.field(factory=list)
    halt: str = ""
    problem: str = ""


def ask_sample(webfilter) -> Trial:
    """
    Ask about the sample payload, whatever the condition and the breaker say; a good answer closes the breaker.

    Takes up to the webfilter's timeout.

    Raises:
        ValueError: this installation doesn't know the filter, or the shape fails on the sample.
    """
    filter_type = webfilter.known_type
    if filter_type is None:
        raise ValueError(_("This installation has no filter “%s”.") % webfilter.event)
    question = Questions(samples.sample_payload(filter_type)).of(webfilter)
    deadline = time.monotonic() + (webfilter.timeout or app_settings.WEBFILTER_TIMEOUT_SECONDS)
    (outcome,) = call_all([question], deadline)
    if outcome.ok:
        breaker(webfilter.webhook_url).reset()
    kwargs = sample_arguments.filter_arguments(filter_type)
    verdict = judge(filter_type, webfilter, outcome, kwargs)
    trial = Trial(question.content, outcome, halt=_describe(verdict.halt), problem=verdict.problem)
    if verdict.halt is None and verdict.data:
        plan = apply.plan_changes(filter_type, kwargs, verdict.data)
        trial.changed.extend(map(dotted, plan.changed))
        trial.refused.extend((dotted(path), reason) for path, reason in plan.refused)
    return trial


def _describe(halt) -> str:
    return f"{type(halt).__name__}: {halt.message}" if halt is not None else ""
