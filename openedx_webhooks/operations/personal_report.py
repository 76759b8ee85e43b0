"""What is personal in the payload of an event, and what each mode of personal data sends of it."""

import re
from collections.abc import Iterator
from typing import Any

import attrs
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..catalog import EventType
from ..models import Webhook
from ..payloads import shape
from ..payloads.lint_tokens import Finding
from ..payloads.personal_modes import FULL, NONE
from ..payloads.samples import sample_payload
from ..payloads.secret_names import is_sensitive
from ..payloads.treatments import Treatment, member, members_of

# OEP-30's names → in words.
_KINDS = {
    "biography": gettext_lazy("biography"),
    "birth_date": gettext_lazy("date of birth"),
    "email_address": gettext_lazy("e-mail address"),
    "gender": gettext_lazy("gender"),
    "id": gettext_lazy("identifier"),
    "location": gettext_lazy("location"),
    "name": gettext_lazy("name"),
    "other": gettext_lazy("other"),
    "username": gettext_lazy("username"),
}
_WITH_PSEUDONYMS = (Treatment.PSEUDONYM, Treatment.RESULT)


@attrs.frozen
class Line:
    """
    A member of a payload that is no object itself.

    Attributes:
        path: names joined with dots, ``[]`` after that of a list.
        kinds: of personal data, by OEP-30's names; none for what is not, or not known to be.
    """

    path: str
    kinds: tuple[str, ...]
    treatment: Treatment

    @property
    def is_clear(self) -> bool:
        return self.treatment == Treatment.CLEAR

    @property
    def what(self) -> str:
        """The kinds in words."""
        if self.kinds:
            return ", ".join(str(_KINDS.get(kind, kind)) for kind in self.kinds)
        return "" if self.is_clear else _("not known to be harmless")

    @property
    def pseudonymous(self) -> str:
        """What that mode sends of it, in words."""
        if self.treatment == Treatment.PSEUDONYM:
            return _("a pseudonym")
        return _("nothing") if self.treatment == Treatment.WITHHELD else _("as it is")

    @property
    def none(self) -> str:
        """What that mode sends of it, in words."""
        return _("as it is") if self.is_clear else _("nothing")


def lines_of(event_type: EventType) -> list[Line]:
    """All members of an event's payload in their order, without its metadata, which hold nothing personal."""
    arguments = (member(name, kind) for name, kind in event_type.init_data.items())
    return list(_lines(arguments, "", ()))


def withheld_in(text: str, event_type: EventType, mode: str) -> list[Finding]:
    """
    Where a shape names what a mode holds back, so that it gets null there. As far as names joined with dots tell it.

    Args:
        mode: of :mod:`~openedx_webhooks.payloads.personal_modes`.
    """
    found = []
    for line in lines_of(event_type):
        if mode == FULL or line.treatment in (Treatment.CLEAR, *([] if mode == NONE else _WITH_PSEUDONYMS)):
            continue
        path = re.escape(line.path).replace(r"\[\]", r"\[[^\]]*\]")
        found += [
            Finding(*match.span(), _("The personal-data mode sends nothing of it: it is null here."))
            for match in re.finditer(rf"(?<![\w.]){path}(?!\w)", text)
        ]
    return found


def problem_of_shape(webhook: Webhook) -> str:
    """What to do about a shape that fails on what the mode leaves of the sample, and not on the whole; empty if not."""
    if webhook.personal_data == FULL or not webhook.shape or webhook.known_type is None:
        return ""
    sample = sample_payload(webhook.known_type)
    try:
        shape.evaluate(expression := shape.compile_expression(webhook.shape), sample)
    except shape.ExpressionError:
        return ""
    try:
        shape.evaluate(expression, webhook.let_out(sample))
    except shape.ExpressionError as error:
        return (
            _("It needs what the personal-data mode holds back: take that out of it, or choose another mode. %s")
            % error
        )
    except ValueError:
        pass
    return ""


def _lines(members: Any, above: str, inside: tuple[type, ...]) -> Iterator[Line]:
    for one in members:
        if is_sensitive(one.name):
            continue
        path = f"{above}{one.name}{'[]' if one.is_list else ''}"
        if one.treatment != Treatment.INSIDE:
            yield Line(path, one.kinds, one.treatment)
        elif one.type not in inside:
            yield from _lines(members_of(one.type).values(), f"{path}.", (*inside, one.type))


def report(event_type: EventType) -> dict[str, Any]:
    """The same as JSON data, for ``manage.py webhooks_schema --personal``."""
    return {
        line.path: {"personal_data": line.what, "pseudonymous": line.pseudonymous, "none": line.none}
        for line in lines_of(event_type)
    }
