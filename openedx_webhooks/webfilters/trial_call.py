"""Try a webfilter out: call it now, marked as a test, and say what the answer would do. Nothing is done."""

import json
import time
from typing import Any

import attrs
from django.contrib.auth import get_user_model
from django.utils import timezone
from django.utils.translation import gettext as _

from ..app_settings import app_settings
from ..models import Webfilter
from ..payloads import limits, sample_arguments, samples, serialize, trial
from ..payloads.limits import METADATA
from ..payloads.published import VERSIONS
from ..transport.breaker import breaker
from ..transport.client import Outcome
from . import adapters, after_login, changes, published_answers
from .calls import CallRequest, RequestBuilder, call_all
from .plan import dotted
from .run import RunningCall, answer_locally
from .verdicts import judge

_MOST_NAMES, _MOST_NAME = 10, 60


@attrs.frozen
class Trial:
    """
    What was sent, what came back, and what it would do.

    Attributes:
        request: what was sent; of a webfilter that answers by itself, what its answer was made from.
        changed: the keys that would change.
        refused: the keys that would stay as they are, each with the reason.
        halt: name and message of the exception that would be raised; empty if none would.
        problem: why the answer would not be used; empty if it would.
        notes: what else there is to know, such as what is missing in the exception.
    """

    request: CallRequest
    outcome: Outcome
    changed: list[str] = attrs.field(factory=list)
    refused: list[tuple[str, str]] = attrs.field(factory=list)
    halt: str = ""
    problem: str = ""
    notes: list[str] = attrs.field(factory=list)


def call_test(webfilter, payload: dict[str, Any] | None = None) -> Trial:
    """
    Call now, marked as a test, whatever the condition and the breaker say; a good answer closes the breaker, and if it
    came from what is stored, the webfilter's health begins anew.

    Takes up to the webfilter's timeout.

    Args:
        webfilter: need not be saved.
        payload: None: a made-up one.

    Raises:
        ValueError: this installation doesn't know the filter, or the shape fails on the payload.
    """
    message = _message(webfilter, payload)
    found = _trial(answer_locally(webfilter, message) if webfilter.local_answer else _call_endpoint(webfilter, message))
    if not found.problem and webfilter.pk:
        same = {"webhook_url": webfilter.webhook_url, "local_answer": webfilter.local_answer}
        Webfilter.objects.filter(pk=webfilter.pk, **same).update(recovered_at=timezone.now())
    return found


def effect_of(webfilter, answer: bytes, payload: dict[str, Any] | None = None) -> Trial:
    """
    What an answer of the endpoint would do, without asking it.

    Args:
        answer: the body of a response with status 200.

    Raises:
        ValueError: this installation doesn't know the filter.
    """
    message = _message(webfilter, payload)
    content = message.payload
    if published_answers.is_for(webfilter):
        content = VERSIONS[webfilter.payload_format].value(content.get(METADATA, {}), content)
    request = CallRequest(webfilter.webhook_url, "", content, message.body, {}, {})
    return _trial(RunningCall(webfilter, request, message, Outcome(status_code=200, body=answer)))


def _message(webfilter, payload) -> serialize.FilterMessage:
    filter_type = webfilter.known_type
    if filter_type is None:
        raise ValueError(_("This installation has no filter “%s”.") % webfilter.event)
    payload = trial.marked(samples.sample_payload(filter_type) if payload is None else payload)
    if not webfilter.send_profile:
        payload.pop("profile", None)
    return serialize.FilterMessage(payload, limits.dump(payload), {})


def _trial(call: RunningCall) -> Trial:
    filter_type = call.webfilter.known_type
    kwargs = _arguments(filter_type)
    verdict = call.verdict = judge(filter_type, call.webfilter, call.outcome, kwargs, call.answer)
    if published_answers.is_for(call.webfilter) and not call.webfilter.shape and call.answer is None:
        # What such a receiver sends back is what it was sent.
        call.message = call.message._replace(payload=call.request.content)
    notes = [*verdict.notes, *_left_out(call.outcome)]
    result = Trial(call.request, call.outcome, halt=_describe(verdict.halt), problem=verdict.problem, notes=notes)
    data = call.wanted(kwargs) if verdict.halt is None else {}
    if data:
        plan = changes.plan_changes(filter_type, kwargs, data, call.message.payload)
        result.changed.extend(map(dotted, plan.changed))
        result.refused.extend((dotted(path), reason) for path, reason in plan.refused)
        if plan.effects and adapters.of(filter_type.filter_type).waits_for_login:
            notes.append(after_login.APPLIED)
    return result


def _left_out(outcome: Outcome) -> list[str]:
    """What an answer has beside ``data`` and ``exception``: nobody reads it."""
    try:
        answer = json.loads(outcome.body) if outcome.ok or outcome.status_code is None else None
    except (ValueError, RecursionError):
        return []
    known = {"data", "exception"}
    # Whoever sends the whole payload back means nothing by it.
    unknown = (
        [] if not isinstance(answer, dict) or METADATA in answer else [name for name in answer if name not in known]
    )
    if not unknown:
        return []
    names = ", ".join(name[:_MOST_NAME] for name in unknown[:_MOST_NAMES]).encode("utf-8", "replace").decode()
    return [_("Nobody reads %s: what is to change stands in “data”, what halts in “exception”.") % names]


def _call_endpoint(webfilter, message) -> RunningCall:
    request = RequestBuilder(message.payload, message.body).of(webfilter)
    request.our_headers.update(trial.HEADERS)
    deadline = time.monotonic() + (webfilter.timeout or app_settings.WEBFILTER_TIMEOUT_SECONDS)
    (outcome,) = call_all([request], deadline)
    if outcome.ok:
        breaker(webfilter.webhook_url).reset()
    return RunningCall(webfilter, request, message, outcome)


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
