"""
Recipes: shapes that the services accept which operators send events to most.

A recipe is made for one type of event, of what its payload has. What a chat shows is the learner's username and the
course: nothing that a learner could write freely, so that nobody can mention a whole channel by a clever name.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import jmespath
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from jmespath.exceptions import JMESPathError

from .jmespath_text import literal

SENDER, RECIPIENT = "sender", "recipient"
PARAMETERS = {
    SENDER: gettext_lazy("From (an address that the service lets you send from)"),
    RECIPIENT: gettext_lazy("To (empty: the learner)"),
}
_STAND_IN = "a-parameter-called-%s"
_LITERAL = r"('[^'\\]*'|`\"[^`]*\"`)"


@attrs.frozen
class Ingredients:
    """
    What a type has for a recipe: paths, empty where its payload has no such field.

    Attributes:
        event_name: the short name of the type.
        course: the key of the course, of a block in it, or of a library.
    """

    event_name: str
    username: str = ""
    name: str = ""
    email: str = ""
    user_id: str = ""
    course: str = ""
    course_name: str = ""

    @property
    def title(self) -> str:
        """``COURSE_ENROLLMENT_CREATED`` → ``Course enrollment created``; in English, because it is stored."""
        return self.event_name.replace("_", " ").capitalize()

    @property
    def who(self) -> str:
        """An expression for whom it is about: a text or null; empty if the payload doesn't say."""
        number = self.user_id and f"{self.user_id} && join(' ', ['user', to_string({self.user_id})])"
        return self.username or number

    @property
    def which(self) -> str:
        """An expression for the course: a text or null; empty if the payload doesn't say."""
        return " || ".join(filter(None, (self.course_name, self.course)))

    @property
    def sentence(self) -> str:
        """An expression for one line that says what happened: always a text."""
        known = ", ".join(filter(None, (self.who, self.which)))
        if not known:
            return literal(self.title)
        return f"join(': ', [{literal(self.title)}, join(' · ', [{known}][?@])][?@])"


@attrs.frozen
class Recipe:
    """
    Attributes:
        name: what is stored in forms.
        title: the service.
        address: where the operator finds the address to enter, and what else the service needs.
        documented: where the service says what it accepts.
        make: ingredients and parameters → members of the object, name → JMESPath.
        parameters: of :data:`PARAMETERS`, what the operator has to say.
    """

    name: str
    title: str
    address: str
    documented: str
    make: Callable[[Ingredients, Mapping[str, str]], dict[str, Any]]
    parameters: tuple[str, ...] = ()


def _slack(known, _parameters):
    return {"text": known.sentence, "mrkdwn": "`false`"}


def _discord(known, _parameters):
    return {"content": known.sentence, "allowed_mentions": {"parse": "`[]`"}}


def _google_chat(known, _parameters):
    return {"text": known.sentence}


def _teams(known, _parameters):
    told = (("Learner", known.who), ("Course", known.which), ("Time", "event_metadata.time"))
    facts = [{"title": literal(title), "value": f"{value} || '-'"} for title, value in told if value]
    card = {
        '"$schema"': "'http://adaptivecards.io/schemas/adaptive-card.json'",
        "type": "'AdaptiveCard'",
        "version": "'1.2'",
        "body": [
            {"type": "'TextBlock'", "text": literal(known.title), "weight": "'Bolder'", "wrap": "`true`"},
            {"type": "'FactSet'", "facts": facts},
        ],
    }
    attachment = {"contentType": "'application/vnd.microsoft.card.adaptive'", "contentUrl": "`null`", "content": card}
    return {"type": "'message'", "attachments": [attachment]}


def _event(known):
    return {"event": literal(known.event_name), "event_id": "event_metadata.id", "time": "event_metadata.time"}


def _learner(known):
    return {key: path for key in ("username", "name", "email", "user_id") if (path := getattr(known, key))}


def _course(known):
    return {key: path for key, path in (("course_key", known.course), ("course_name", known.course_name)) if path}


def _zapier(known, _parameters):
    return {**_event(known), **_learner(known), **_course(known)}


def _make(known, _parameters):
    parts = {"learner": _learner(known), "course": _course(known)}
    return {**_event(known), "text": known.sentence, **{name: part for name, part in parts.items() if part}}


def _n8n(known, _parameters):
    return {**_event(known), "text": known.sentence, "data": "@"}


def _addresses(known, parameters):
    """Sender and recipient, as expressions."""
    for name in (SENDER, RECIPIENT):
        if text := parameters.get(name):
            try:
                validate_email(text)
            except ValidationError as error:
                raise ValueError(_("“%s” is not an e-mail address.") % text[:80]) from error
    if not parameters.get(SENDER):
        raise ValueError(_("Enter the address that the e-mails come from."))
    if not parameters.get(RECIPIENT) and not known.email:
        raise ValueError(_("This event has no e-mail address of a learner: enter whom the e-mails go to."))
    return literal(parameters[SENDER]), literal(parameters[RECIPIENT]) if parameters.get(RECIPIENT) else known.email


def _sendgrid(known, parameters):
    sender, recipient = _addresses(known, parameters)
    return {
        "personalizations": [{"to": [{"email": recipient}]}],
        "from": {"email": sender},
        "subject": literal(known.title),
        "content": [{"type": "'text/plain'", "value": known.sentence}],
    }


def _resend(known, parameters):
    sender, recipient = _addresses(known, parameters)
    return {"from": sender, "to": [recipient], "subject": literal(known.title), "text": known.sentence}


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "slack",
            "Slack",
            gettext_lazy("In Slack: your app, Incoming Webhooks, Add New Webhook. https://hooks.slack.com/services/…"),
            "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
            _slack,
        ),
        Recipe(
            "teams",
            "Microsoft Teams",
            gettext_lazy(
                "In Teams: the channel, Workflows, “Post to a channel when a webhook request is received”. It shows "
                "the address at the end."
            ),
            "https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using",
            _teams,
        ),
        Recipe(
            "discord",
            "Discord",
            gettext_lazy("In Discord: Edit channel, Integrations, Webhooks. https://discord.com/api/webhooks/…"),
            "https://discord.com/developers/docs/resources/webhook#execute-webhook",
            _discord,
        ),
        Recipe(
            "google_chat",
            "Google Chat",
            gettext_lazy(
                "In Google Chat: the space, Apps & integrations, Webhooks. https://chat.googleapis.com/v1/spaces/…"
            ),
            "https://developers.google.com/workspace/chat/quickstart/webhooks",
            _google_chat,
        ),
        Recipe(
            "zapier",
            "Zapier",
            gettext_lazy(
                "In Zapier: the trigger “Webhooks by Zapier”, Catch Hook. https://hooks.zapier.com/hooks/catch/…"
            ),
            "https://help.zapier.com/hc/en-us/articles/8496288690317",
            _zapier,
        ),
        Recipe(
            "make",
            "Make",
            gettext_lazy("In Make: the module Webhooks, Custom webhook. https://hook.eu1.make.com/…"),
            "https://help.make.com/webhooks",
            _make,
        ),
        Recipe(
            "n8n",
            "n8n",
            gettext_lazy(
                "In n8n: the Webhook node, method POST, its Production URL; it answers only while the workflow is "
                "active. The whole payload is in body.data."
            ),
            "https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/",
            _n8n,
        ),
        Recipe(
            "sendgrid",
            gettext_lazy("E-mail by SendGrid"),
            gettext_lazy(
                "https://api.sendgrid.com/v3/mail/send, with the header Authorization: Bearer (your API key)."
            ),
            "https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send",
            _sendgrid,
            (SENDER, RECIPIENT),
        ),
        Recipe(
            "resend",
            gettext_lazy("E-mail by Resend"),
            gettext_lazy("https://api.resend.com/emails, with the header Authorization: Bearer (your API key)."),
            "https://resend.com/docs/api-reference/emails/send-email",
            _resend,
            (SENDER, RECIPIENT),
        ),
    )
}


def to_shape(name: str, known: Ingredients, parameters: Mapping[str, str]) -> str:
    """The shape that a recipe makes for a type; a ValueError says what the operator has to enter."""
    return _text(RECIPES[name].make(known, parameters))


def recipe_of(shape: str, known: Ingredients) -> tuple[str, dict[str, str]] | None:
    """The recipe that makes this shape for a type, and the parameters; None if there is none."""
    for recipe in RECIPES.values():
        for given in ((), (SENDER,), (SENDER, RECIPIENT)) if recipe.parameters else ((),):
            parameters = _parameters_of(shape, recipe, known, given)
            if parameters is not None:
                return recipe.name, parameters
    return None


def _parameters_of(shape, recipe, known, given) -> dict[str, str] | None:
    stand_ins = {name: f"{_STAND_IN % name}@example.com" for name in given}
    try:
        pattern = re.escape(to_shape(recipe.name, known, stand_ins))
        for name, text in stand_ins.items():
            pattern = pattern.replace(re.escape(literal(text)), f"(?P<{name}>{_LITERAL[1:-1]})")
        match = re.fullmatch(pattern, shape)
        parameters = {name: str(jmespath.search(match[name], None)) for name in given} if match else {}
        return parameters if match and to_shape(recipe.name, known, parameters) == shape else None
    except (ValueError, JMESPathError):
        return None


def _text(value: Any) -> str:
    """Objects and lists of expressions as one expression."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_text(member)}' for key, member in value.items())}}}"
    return f"[{', '.join(map(_text, value))}]" if isinstance(value, list) else value
