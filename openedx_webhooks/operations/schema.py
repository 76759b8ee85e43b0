"""
The reference of this installation: an OpenAPI 3.1 document of every event and filter.

Made from the catalog, the data classes, the serializers' samples and the webfilters' own rules, so that it says what
the plugin does. ``manage.py webhooks_schema`` prints it, the documentation and the admin read it.
"""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from .. import __version__, catalog, platform_facts
from ..payloads import formats, sample_values
from ..payloads.encode import FORM_TYPE, JSON_TYPE, flatten
from ..payloads.personal_modes import FULL, NONE, PSEUDONYMOUS, restrict
from ..payloads.samples import sample_payload
from ..platform_facts import Message, Redirect
from ..transport import signing
from ..webfilters import changes, halts
from . import event_notes
from .schema_modes import components_of
from .schema_types import Components, Schema, described, explained, paragraph, summary, with_notes, with_values

HookType = catalog.EventType | catalog.FilterType


def openapi(hook_types: Iterable[HookType] | None = None, mode: str = FULL) -> dict[str, Any]:
    """
    The OpenAPI 3.1 document.

    Args:
        hook_types: entries of the catalog; all of them if None.
        mode: what webhooks send, one of :mod:`~openedx_webhooks.payloads.personal_modes`. Webfilters have no other than
            *full*, so that there are none in another.
    """
    if hook_types is None:
        hook_types = (*catalog.events().values(), *(catalog.filters().values() if mode == FULL else ()))
    components = components_of(mode)
    webhooks = {hook_type.dotted: {"post": _operation(hook_type, components, mode)} for hook_type in hook_types}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": _("Webhooks and webfilters of this Open edX installation"),
            "version": __version__,
            "license": {"name": "AGPL-3.0-only", "identifier": "AGPL-3.0-only"},
            "contact": {"name": "openedx-webhooks"},
            "description": _(
                "Every event that a webhook can be told of, and every filter that a webfilter can be called for. "
                "Members with x-personal-data hold personal data, by OEP-30's kinds. A member may be missing where a "
                "payload exceeded a limit; event_metadata.cut then lists it."
            )
            + " "
            + _MODES[mode],
        },
        # The address is what each hook's operator has entered.
        "servers": [{"url": "https://{receiver}", "variables": {"receiver": {"default": "receiver.example.org"}}}],
        "security": [{"signature": []}],
        "webhooks": webhooks,
        "components": {
            "schemas": dict(sorted(components.schemas.items())),
            "securitySchemes": {
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "webhook-signature",
                    "description": _("Not a key: to be verified, after https://www.standardwebhooks.com."),
                }
            },
        },
    }


_MODES = {
    FULL: _lazy(
        "Webhooks with another personal-data mode than full send less of it: webhooks_schema --mode says what."
    ),
    PSEUDONYMOUS: _lazy(
        "This is what webhooks send in the personal-data mode pseudonymous: nothing else, and any member but "
        "event_metadata may be missing, where its value is not what was declared."
    ),
    NONE: _lazy(
        "This is what webhooks send in the personal-data mode none: nothing else, and any member but event_metadata "
        "may be missing, where its value is not what was declared."
    ),
}
# Of pseudonyms in examples.
_EXAMPLE_KEY = "example"


def payload_schema(hook_type: HookType, mode: str = FULL) -> Schema:
    """The JSON Schema (Draft 2020-12) of one type's payload, complete in itself; the mode is as of :func:`openapi`."""
    components = components_of(mode)
    schema = _payload(hook_type, components)
    return _standalone(schema, components)


def answer_schema(filter_type: catalog.FilterType) -> Schema:
    """The JSON Schema (Draft 2020-12) of what may be answered to a filter."""
    about = described(getattr(filter_type.filter_class, "run_filter", None), "Arguments")
    owners = Components.owners(filter_type)
    data = {}
    for name, schema in changes.changeable(filter_type).items():
        note = schema.get("description") or platform_facts.meaning(filter_type.name, name) or about.get(name)
        data[name] = with_notes(explained(schema, owners.get(name, name)), note, Components().personal(name, schema))
    properties = {
        "data": {
            "type": "object",
            "description": _("What to change; other arguments can't be changed.")
            if data
            else _("Nothing of this filter can be changed."),
            "properties": data,
        }
    }
    if filter_type.exceptions:
        properties["exception"] = _exception(filter_type)
    return {"type": "object", "description": _("An empty body is an answer too: go on."), "properties": properties}


def about(hook_type: HookType) -> str:
    """When it happens: what is known of the platform, else the words of the library; empty if neither says it."""
    if when := _facts(hook_type).when:
        return str(when)
    if isinstance(hook_type, catalog.EventType):
        notes = event_notes.notes(hook_type)
        return " ".join(notes[name] for name in ("description", "warning") if notes.get(name))
    return paragraph(hook_type.filter_class, "Purpose") or summary(hook_type.filter_class)


def cautions(hook_type: HookType) -> list[str]:
    """What to know before choosing the type, a sentence or two each."""
    facts = _facts(hook_type)
    time = getattr(facts, "time", "")
    told = [_("event_metadata.time is another time than that of the event: %s") % time] if time else []
    return [*map(str, facts.cautions), *told]


def halting(filter_type: catalog.FilterType) -> str:
    """What an operator may expect of halting and redirecting this filter after a failure."""
    can_halt, can_redirect = halts.can_halt(filter_type), halts.can_redirect(filter_type)
    facts = _facts(filter_type)
    # Of another package's filter nothing is known: its exception's name has to do.
    redirect = facts.redirect if facts.when else Redirect.FOLLOWED
    if not can_halt and not can_redirect:
        return _("It can't be halted after a failure.")
    if not can_redirect:
        return _("It can be halted after a failure; nobody can be sent to a URL.")
    if not can_halt:
        return _("After a failure, the learner can be sent to a URL; without one it goes on.")
    return {
        Redirect.FOLLOWED: _("It can be halted after a failure, with or without a URL to send the learner to."),
        Redirect.LINK: _("It can be halted after a failure; a URL becomes a link, which the learner has to click."),
    }.get(redirect, _("It can be halted after a failure; the page does not go to a URL."))


def unread_arguments(filter_type: catalog.FilterType, exception: str) -> set[str]:
    """The arguments of an exception that an answer may give, and that have no effect."""
    facts = _facts(filter_type).exceptions.get(exception)
    if facts is None:
        return set()
    return set(catalog.exception_arguments(filter_type.exceptions[exception])) - facts.reads - {"message"}


def exceptions_of(filter_type: catalog.FilterType) -> dict[str, tuple[str, Schema]]:
    """Exception → what raising it does, and the JSON Schema of its arguments."""
    result, usual = {}, _usual_arguments()
    for name, schema in halts.accepted_exceptions(filter_type).items():
        exception, facts = filter_type.exceptions[name], _facts(filter_type).exceptions.get(name)
        notes = usual | described(exception, "Attributes")
        if facts:
            notes["message"] = _("Why. Where it is read: %s.") % facts.message.label
        unread = dict.fromkeys(unread_arguments(filter_type, name), _("No effect: the platform does not read it."))
        properties = {}
        for argument, inner in schema["properties"].items():
            note = with_values(inner.get("description") or notes.get(argument), filter_type.name, argument)
            properties[argument] = with_notes(explained(inner, argument), unread.get(argument) or note, ())
        does = str(facts.effect) if facts else summary(exception)
        result[name] = does, {**schema, "properties": properties}
    return result


def sample_answers(filter_type: catalog.FilterType) -> dict[str, dict[str, Any]]:
    """
    Answers that can be tried as they are: ``nothing``, and as far as the filter allows ``change`` and ``halt``.

    They fit the sample payload. An argument of another package's filter has no example.
    """
    answers: dict[str, dict[str, Any]] = {"nothing": {}}
    changeable = changes.changeable(filter_type)
    name = next((name for name in sample_values.CHANGES if name in changeable), None)
    if name:
        answers["change"] = {"data": {name: sample_values.CHANGES[name]}}
    exceptions, facts = halts.accepted_exceptions(filter_type), _facts(filter_type).exceptions

    def effort(name):
        """First those that need no more than a message, and of those the one whose message is seen."""
        seen = list(Message).index(facts[name].message) if name in facts else len(Message)
        return len(exceptions[name].get("required", ())), seen

    for name in sorted(exceptions, key=effort)[:1]:
        needed = exceptions[name].get("required", ())
        arguments: Any = sample_values.REFUSAL
        if needed:
            arguments = {"message": arguments, **dict.fromkeys(needed, sample_values.REDIRECT)}
        answers["halt"] = {"exception": {name: arguments}}
    return answers


def _facts(hook_type):
    if isinstance(hook_type, catalog.EventType):
        return platform_facts.event_facts_of(hook_type.event_type)
    return platform_facts.facts_of(hook_type.filter_type)


def _usual_arguments():
    return {
        "message": _("Why; the learner sees it where the platform shows a reason."),
        "redirect_to": _("Where to send the learner."),
        "status_code": _("The HTTP status of the platform's response."),
        "error_code": _("A code that the page knows."),
        "content": _("HTML of the response, put out as it is."),
        "status": _("The HTTP status of the response; 403 without it."),
        "headers": _("HTTP headers of the response."),
        "content_type": _("The type of the content; HTML without it."),
        "reason": _("The words behind the status, which nobody sees."),
        "charset": _("The encoding of the content; UTF-8 without it."),
        "user_message": _("What the learner reads; the page's own words without it."),
        "developer_message": _(
            "For programs; with the code data_sharing_access_required, the path that the learner is sent to."
        ),
        "template_name": _("The template that is rendered instead."),
        "context": _("What that template is rendered with."),
    }


def _exception(filter_type) -> Schema:
    one_of = [
        {
            "type": "string",
            "enum": list(filter_type.exceptions),
            "description": _("The name alone, with its usual message."),
        }
    ]
    for name, (description, arguments) in exceptions_of(filter_type).items():
        message = {"type": ["string", "null"], "description": _("The message.")}
        one_of.append(
            {
                "type": "object",
                "description": description,
                "properties": {name: {"anyOf": [message, arguments]}},
                "required": [name],
                "additionalProperties": False,
            }
        )
    return {"description": _("Halts the process with one of these; nothing is changed then."), "oneOf": one_of}


def _payload(hook_type, components):
    if isinstance(hook_type, catalog.EventType):
        return components.event_payload(hook_type)
    return components.filter_payload(hook_type)


def _standalone(schema, components):
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_relocated(schema),
        "$defs": {name: _relocated(component) for name, component in sorted(components.schemas.items())},
    }


def _relocated(schema):
    if isinstance(schema, dict):
        return {
            key: value.replace("#/components/schemas/", "#/$defs/") if key == "$ref" else _relocated(value)
            for key, value in schema.items()
        }
    return [_relocated(item) for item in schema] if isinstance(schema, list) else schema


def _operation(hook_type, components, mode) -> dict[str, Any]:
    is_event = isinstance(hook_type, catalog.EventType)
    sample = restrict(sample_payload(hook_type), mode, _EXAMPLE_KEY)
    payload = components.named(hook_type, "", lambda: _payload(hook_type, components))
    kind = _("Webhook") if is_event else _("Webfilter")
    return {
        "operationId": hook_type.dotted,
        "summary": hook_type.name,
        "description": " ".join(
            filter(None, (about(hook_type), *cautions(hook_type), "" if is_event else halting(hook_type)))
        ),
        "tags": [f"{kind}: {hook_type.subdomain}"],
        "parameters": _signature_headers(is_event),
        "requestBody": {
            "required": True,
            "content": {
                **_formats(payload, sample),
                FORM_TYPE: {
                    "schema": {
                        "type": "object",
                        "description": _("The same, flattened: the names of the members joined with underscores."),
                        "additionalProperties": {"type": "string"},
                    },
                    "example": dict(flatten(sample)),
                },
            },
        },
        "responses": _event_responses() if is_event else _filter_responses(hook_type, components),
    }


def _formats(payload, sample) -> dict[str, Any]:
    """
    Content type → media type; an envelope has the payload as it is in its data.

    Those of the published plugin are for receivers that are there already.
    """
    found = {}
    for one in formats.FORMATS.values():
        if one.value is None:
            found[one.content_type] = {"schema": payload, "example": sample}
        elif one.encode is None:
            found[one.content_type] = {
                "schema": {"type": "object", "description": str(one.title), **one.schema(payload)},
                "example": one.value(sample["event_metadata"], sample),
            }
    return found


def _signature_headers(is_event):
    same = _("Identifies the message; the same in every attempt and replay.")
    notes = {
        "webhook-id": same if is_event else _("Identifies the message."),
        "webhook-timestamp": _("Seconds since the epoch, of this attempt."),
    }
    # An operator can choose another kind of signature; nobody should write a receiver that takes a request without one.
    always = {*notes, *signing.KINDS[signing.STANDARD].headers}
    if is_event:
        notes["webhook-sequence"] = _("The number of the message among those of its webhook; a test has none.")
    for kind in signing.KINDS.values():
        notes |= {name: str(note) for name, note in kind.headers.items()}
    notes["webhook-test"] = _("“true”: an operator tries the hook out; else it is not there.")
    return [
        {"name": name, "in": "header", "required": name in always, "description": note, "schema": {"type": "string"}}
        for name, note in notes.items()
    ]


def _event_responses():
    return {
        "2XX": {"description": _("Accepted; the body is ignored.")},
        "410": {"description": _("Not wanted any more: the webhook is disabled.")},
        "default": {"description": _("Tried again later.")},
    }


def _filter_responses(filter_type, components):
    answer = components.named(filter_type, "Answer", lambda: answer_schema(filter_type))
    examples = {name: {"value": answer} for name, answer in sample_answers(filter_type).items()}
    return {
        "200": {"description": _("The answer."), "content": {JSON_TYPE: {"schema": answer, "examples": examples}}},
        "204": {"description": _("No answer: go on.")},
        "4XX": {"description": _("Halts, if the webfilter is set to halt on 4xx; else ignored.")},
        "5XX": {"description": _("Halts, if the webfilter is set to halt on 5xx; else ignored.")},
    }
