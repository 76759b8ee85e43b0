"""What a hook would make of a payload, before anything is saved or sent: for its page and for the API."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from ..hook_request import HookRequest, content_of, request_of
from ..models import Hook
from ..payloads import lint, shape
from ..payloads.limits import METADATA
from ..payloads.lint_tokens import Finding
from ..transport.client import USER_AGENT
from ..webfilters.trial_call import Trial
from . import schema

# Names of the fields that hold an expression, in the order in which they are worked on.
EXPRESSIONS = ("condition", "shape", "local_answer")


def findings(known: schema.HookType, texts: Mapping[str, str], payload: Any = None) -> Iterator[tuple[str, Finding]]:
    """
    What is probably not meant so in expressions: name of the field, and the finding.

    Args:
        texts: name of a field → its expression.
        payload: an example beside the schema; empty: none.
    """
    members = schema.payload_schema(known)
    examples = [payload] if payload else []
    for name, text in texts.items():
        if not text.strip():
            continue
        if name == "local_answer":
            keys = list(schema.answer_schema(known)["properties"]["data"]["properties"])
            found = lint.lint_answer(text, members, examples, keys, list(known.exceptions))
        else:
            found = lint.lint(text, members, examples, is_condition=name == "condition")
        for finding in found:
            yield name, finding


def matches(expression, payload: Any) -> bool | None:
    """Whether a compiled condition is true of a payload; None if it can't be applied to it."""
    try:
        return shape.matches(expression, payload)
    except shape.ExpressionError:
        return None


def request_for(hook: Hook, payload: Mapping[str, Any]) -> tuple[HookRequest | None, str]:
    """
    What would be sent of a payload, whatever the condition says; or None, and why.

    Args:
        hook: as it is typed; its expressions compile.
    """
    try:
        sent = dict(payload)
        if not getattr(hook, "send_profile", True):
            sent.pop("profile", None)
        content = content_of(hook, sent)
        if content is None:
            return None, _("The shape gives null for this payload: nothing would be sent.")
        return request_of(hook, "0", content, payload.get(METADATA, {})), ""
    except ValueError as error:
        return None, _("Nothing could be sent: %s") % error


def headers_of(request: HookRequest) -> dict[str, str]:
    """The headers of a request that is only shown; what the operator entered may be a secret, and is hidden."""
    headers = {**request.shown_headers(), "User-Agent": USER_AGENT}
    for name in request.our_headers:
        if name != "Content-Type":
            # Another one in each request: ids, times and signatures.
            headers[name] = _("(made when it is sent)")
    return headers


def effects_of(result: Trial) -> list[str]:
    """What the answer of a trial would do, in sentences."""
    # Why there is no answer at all stands beside it already.
    effects = [_("Not used: %s") % result.problem] if result.problem and not result.outcome.error else []
    if result.halt:
        effects.append(_("It would halt the process with %s") % result.halt)
    effects += [_("Note: %s") % note for note in result.notes]
    if result.changed:
        effects.append(_("It would change %s.") % ", ".join(result.changed))
    for key, reason in result.refused:
        effects.append(_("It would not change %(key)s: %(reason)s") % {"key": key, "reason": reason})
    return effects or [_("The process would go on unchanged.")]
