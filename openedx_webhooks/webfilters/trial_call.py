"""Try a webfilter out: ask its endpoint about made-up data, now, and say what the answer would do. Nothing is done."""

import time
from typing import Any

import attrs
from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from ..app_settings import app_settings
from ..payloads import encode, sample_arguments, samples
from ..transport.breaker import breaker
from ..transport.client import Outcome
from . import apply
from .calls import RequestBuilder, call_all
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
    payload = samples.sample_payload(filter_type)
    request = RequestBuilder(payload, encode.encode(payload, False)[0]).of(webfilter)
    deadline = time.monotonic() + (webfilter.timeout or app_settings.WEBFILTER_TIMEOUT_SECONDS)
    (outcome,) = call_all([request], deadline)
    if outcome.ok:
        breaker(webfilter.webhook_url).reset()
    kwargs = _arguments(filter_type)
    verdict = judge(filter_type, webfilter, outcome, kwargs)
    trial = Trial(request.content, outcome, halt=_describe(verdict.halt), problem=verdict.problem)
    if verdict.halt is None and verdict.data:
        plan = apply.plan_changes(filter_type, kwargs, verdict.data)
        trial.changed.extend(map(dotted, plan.changed))
        trial.refused.extend((dotted(path), reason) for path, reason in plan.refused)
    return trial


def _arguments(filter_type) -> dict[str, Any]:
    """Those of the sample, with an account of this site's class, so that its fields are checked as they would be."""
    kwargs = sample_arguments.filter_arguments(filter_type)
    if kwargs.get("user") is not None:
        kwargs["user"] = _account(kwargs["user"])
    return kwargs


def _account(sample):
    account = _instance(get_user_model(), sample)
    relation = next((each for each in account._meta.related_objects if each.name == "profile"), None)
    if relation is not None:
        # Setting it saves nothing: it is what `account.profile` then gives.
        profile = _instance(relation.related_model, sample.profile)
        setattr(profile, relation.field.name, account)
        relation.set_cached_value(account, profile)
    return account


def _instance(model, sample):
    names = {field.attname for field in model._meta.concrete_fields} & set(vars(sample))
    return model(**{name: getattr(sample, name) for name in names})


def _describe(halt) -> str:
    return f"{type(halt).__name__}: {halt.message}" if halt is not None else ""
