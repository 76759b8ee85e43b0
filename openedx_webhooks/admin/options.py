"""
The options of hooks, each declared once: forms, the sections of a page, and what viewers see in place of a secret are
made from these tables. To add an option, add its field to the model and a line here.
"""

from collections.abc import Iterable, Iterator

import attrs
from django import forms
from django.db.models import Model
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .expression_widgets import ConditionWidget, ShapeWidget

# The class of the fieldset that the page folds away.
ADVANCED = "owh-advanced"


@attrs.frozen
class Option:
    """
    One option of a hook.

    Attributes:
        name: of the model's field.
        widget: of the form; None: as Django chooses, or as the form declares the field.
        help_text: in the form; empty: the model's.
        shown_as: the method of the page that viewers see instead of the stored value; empty: the value itself.
        is_beside: on the line of the option before it.
        is_advanced: rarely needed: folded away at the end of the form, whatever section it belongs to.
    """

    name: str
    widget: forms.Widget | None = None
    help_text: str = ""
    shown_as: str = ""
    is_beside: bool = False
    is_advanced: bool = False


@attrs.frozen
class Section:
    """Options that belong together; the page has a heading for them."""

    title: str
    options: tuple[Option, ...]
    description: str = ""


def code(rows: int = 2) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "cols": 80, "class": "owh-code", "spellcheck": "false"})


# What both kinds of hook have.
EVENT = Option("event", shown_as="event_column")
URL = Option(
    "webhook_url",
    widget=forms.TextInput(attrs={"size": 80, "inputmode": "url", "spellcheck": "false"}),
    # The path and query hold the secrets of many services.
    shown_as="endpoint_column",
)
DESCRIPTION = Option("description", widget=forms.Textarea(attrs={"rows": 2, "cols": 80}))
NAME = Option("name", widget=forms.TextInput(attrs={"size": 40, "spellcheck": "false"}), is_advanced=True)
ENABLED = Option("enabled")
CONDITION = Option(
    "condition", widget=ConditionWidget(), help_text=_("Only what fits is sent. Without a condition, all of it is.")
)
SHAPE = Option("shape", widget=ShapeWidget(), help_text=_("What the request's body holds."))
FORM_ENCODING, FORMAT = Option("use_www_form_encoding"), Option("payload_format")
DAYS_KEPT = tuple(Option(name, is_advanced=True) for name in ("payload_days", "row_days", "failed_days"))
AUTHENTICATION = Section(
    _("How the receiver knows us"),
    (
        Option("authentication"),
        Option("credentials", shown_as="credentials_kept"),
        Option("headers", shown_as="header_names"),
        Option("signature"),
        Option("secret", shown_as="secret_kept"),
    ),
)

WEBHOOK = (
    Section(_("What to send, and where"), (EVENT, URL, DESCRIPTION, ENABLED, Option("paused", is_beside=True), NAME)),
    Section(
        _("Which of these events, and what of them"),
        (CONDITION, Option("personal_data"), SHAPE, FORM_ENCODING, FORMAT),
        _(
            "Leave these empty to send every event of this kind as a whole. The preview shows the payload that they "
            "work on, and what they make of it."
        ),
    ),
    AUTHENTICATION,
    Section(
        _("If the receiver does not accept it"),
        (Option("retry_schedule", is_advanced=True), Option("receiver_access", is_advanced=True)),
    ),
    Section(_("What is kept"), (Option("keep_payloads", is_advanced=True), *DAYS_KEPT)),
)

_REDIRECT_HELP = _("Instead of a message: a full address, or a path on this site such as /dashboard.")


def _redirect(name: str) -> Option:
    return Option(name, forms.TextInput(attrs={"size": 60, "spellcheck": "false"}), help_text=_REDIRECT_HELP)


WEBFILTER = (
    Section(
        _("What to call, and where"),
        (
            EVENT,
            URL,
            Option("local_answer", code(rows=4)),
            DESCRIPTION,
            ENABLED,
            Option("mode", forms.RadioSelect()),
            NAME,
        ),
    ),
    Section(
        _("What its answers may do"),
        (Option("disable_filtering"), Option("disable_halt"), Option("order", is_advanced=True)),
    ),
    Section(
        _("If the endpoint fails"),
        (
            Option("halt_on_4xx", help_text=_("The endpoint refused: it answered with a status of 400 to 499.")),
            _redirect("redirect_on_4xx"),
            Option("halt_on_5xx", help_text=_("The endpoint failed: it answered with a status of 500 to 599.")),
            _redirect("redirect_on_5xx"),
            Option("halt_on_request_exception"),
            _redirect("redirect_on_request_exception"),
            Option("timeout", forms.NumberInput(attrs={"min": "0.1", "max": "30", "step": "0.1"}), is_advanced=True),
        ),
        _(
            "Without any of these the learner goes on as if the webfilter did not exist. Halt only what must not "
            "happen unchecked: while the endpoint is down, nobody gets through."
        ),
    ),
    Section(
        _("When it is called, and what is sent"),
        (
            CONDITION,
            SHAPE,
            FORM_ENCODING,
            FORMAT,
            Option("send_profile", is_advanced=True),
            Option("send_file_urls", is_advanced=True),
        ),
    ),
    AUTHENTICATION,
    Section(
        _("Records and repeated answers"),
        (
            Option("call_log"),
            Option("cache_answers", is_advanced=True),
            Option("serve_stale_answers", is_advanced=True),
            Option(
                "keep_payloads",
                help_text=_("Without this, calls are recorded without what was sent and answered."),
                is_advanced=True,
            ),
            *DAYS_KEPT,
        ),
    ),
)


def names(sections: Iterable[Section]) -> list[str]:
    return [option.name for option in _each(sections)]


def widgets(sections: Iterable[Section]) -> dict[str, forms.Widget]:
    return {option.name: option.widget for option in _each(sections) if option.widget}


def help_texts(sections: Iterable[Section]) -> dict[str, str]:
    """Field → what the form says about it, where that is not what the model says."""
    return {option.name: option.help_text for option in _each(sections) if option.help_text}


def shown_as(sections: Iterable[Section]) -> list[str]:
    """The methods that viewers see instead of stored values."""
    return [option.shown_as for option in _each(sections) if option.shown_as]


def withheld(sections: Iterable[Section]) -> set[str]:
    """The fields whose values viewers do not see."""
    return {option.name for option in _each(sections) if option.shown_as}


def fieldsets(sections: Iterable[Section], may_change: bool) -> list[tuple]:
    """
    The sections as Django's admin takes them; what is rarely needed is the last one.

    Args:
        may_change: False replaces what viewers may not see.
    """
    sections = list(sections)
    made = []
    for section in sections:
        if lines := _lines((option for option in section.options if not option.is_advanced), may_change):
            made.append((section.title, {"fields": lines, "description": section.description}))
    if lines := _lines(advanced(sections), may_change):
        made.append((_("Advanced"), {"fields": lines, "classes": [ADVANCED]}))
    return made


def advanced(sections: Iterable[Section]) -> list[Option]:
    return [option for option in _each(sections) if option.is_advanced]


def changed_advanced(sections: Iterable[Section], form: type[forms.ModelForm], hook: Model) -> list[tuple[str, str]]:
    """Label and value of each that a hook has otherwise than most, for the line that folds them away."""
    found = []
    for option in advanced(sections):
        field, value = hook._meta.get_field(option.name), getattr(hook, option.name)
        if value != field.get_default() and value not in field.empty_values:
            shown = gettext("yes") if value is True else gettext("no") if value is False else None
            label = str(field.verbose_name)
            found.append((label, shown or str(form.base_fields[option.name].prepare_value(value))))
    return found


def _lines(of: Iterable[Option], may_change: bool) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for option in of:
        field = option.name if may_change else option.shown_as or option.name
        lines[-1:] = [(*lines[-1], field)] if option.is_beside else [*lines[-1:], (field,)]
    return lines


def _each(sections: Iterable[Section]) -> Iterator[Option]:
    return (option for section in sections for option in section.options)
