"""What a hook's page tells about its type: what is sent, and what may be answered."""

import json
from typing import Any

from django.utils.translation import gettext as _

from .. import catalog
from ..hook_request import content_of
from ..models import Hook
from ..operations import personal_report, schema
from ..payloads import samples, shape
from . import parts


def reference_of(hook: Hook) -> dict[str, Any] | None:
    """For ``panel_carries.html``; None if this installation doesn't know the hook's type."""
    known = hook.known_type
    if known is None:
        return None
    sample = samples.sample_payload(known)
    is_filter = isinstance(known, catalog.FilterType)
    lines = [] if is_filter else personal_report.lines_of(known)
    return {
        "about": schema.about(known),
        "cautions": schema.cautions(known),
        "sample": parts.pretty(sample),
        "schema": parts.pretty(schema.payload_schema(known)),
        "condition": _condition(hook, sample),
        "left": _left(hook, sample),
        "shaped": _shaped(hook, sample),
        "personal": [line for line in lines if not line.is_clear],
        "clear": [line.path for line in lines if line.is_clear],
        "changes": _changes(schema.answer_schema(known)) if is_filter else [],
        "exceptions": _exceptions(schema.exceptions_of(known)) if is_filter else [],
        "answers": _answers(schema.sample_answers(known)) if is_filter else [],
    }


def _condition(hook, sample) -> str | None:
    if not hook.condition:
        return None
    try:
        matches = shape.matches(hook.compiled_condition, sample)
    except shape.ExpressionError as error:
        return _("It fails on this sample: %s") % error
    return _("This sample matches it.") if matches else _("This sample does not match it, so it would not be sent.")


def _left(hook, sample) -> str | None:
    try:
        left = hook.let_out(sample)
    except ValueError as error:
        return str(error)
    return None if left == sample else parts.pretty(left)


def _shaped(hook, sample):
    if not hook.shape:
        return None
    try:
        return parts.pretty(content_of(hook, sample))
    except ValueError as error:
        return _("It fails on this sample: %s") % error


def _changes(answer: dict[str, Any]):
    properties = answer["properties"]["data"]["properties"]
    return [(name, type_of(inner), inner.get("description", "")) for name, inner in properties.items()]


def _exceptions(exceptions):
    return [
        (
            name,
            does,
            [
                (argument, type_of(inner), inner.get("description", ""), argument in arguments.get("required", ()))
                for argument, inner in arguments["properties"].items()
            ],
        )
        for name, (does, arguments) in exceptions.items()
    ]


def _answers(answers):
    return [(title_of_answer(name), parts.pretty(answer)) for name, answer in answers.items()]


def title_of_answer(name: str) -> str:
    """What a sample answer does, in words; ``name`` as in :func:`.schema.sample_answers`."""
    return {"nothing": _("Go on"), "change": _("Change something"), "halt": _("Halt")}.get(name, name)


def type_of(value: dict[str, Any]) -> str:
    """A JSON Schema's type in a few words: ``string (date-time)``, or the members of an object."""
    names = value.get("type", "")
    text = ", ".join(names) if isinstance(names, list) else str(names)
    if value.get("format"):
        text = f"{text} ({value['format']})"
    if value.get("enum"):
        text = " | ".join(map(json.dumps, value["enum"]))
    if members := value.get("properties"):
        text = f"{text}: {', '.join(members)}"
    return text
