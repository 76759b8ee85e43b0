"""
The options of hooks, each declared once: forms, the sections of a page, and what viewers see in place of a secret are
made from these tables. To add an option, add its field to the model and a line here.
"""

from collections.abc import Iterable, Iterator

import attrs
from django import forms
from django.utils.translation import gettext_lazy as _


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
    """

    name: str
    widget: forms.Widget | None = None
    help_text: str = ""
    shown_as: str = ""
    is_beside: bool = False


@attrs.frozen
class Section:
    """Options that belong together; the page has a heading for them."""

    title: str
    options: tuple[Option, ...]
    description: str = ""


def code(rows: int = 2) -> forms.Textarea:
    """A widget for an expression."""
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
ENABLED = Option("enabled")
CONDITION, SHAPE = Option("condition", widget=code()), Option("shape", widget=code())
FORM_ENCODING = Option("use_www_form_encoding")
AUTHENTICATION = Section(
    _("How the receiver knows us"),
    (Option("secret", shown_as="secret_kept"), Option("headers", shown_as="header_names")),
)

WEBHOOK = (
    Section(_("What to send, and where"), (EVENT, URL, DESCRIPTION, ENABLED, Option("paused", is_beside=True))),
    Section(
        _("Which of these events, and what of them"),
        (CONDITION, SHAPE, FORM_ENCODING),
        _(
            "Leave these empty to send every event of this kind as a whole. The payload that they work on is shown at "
            "the end of the page of a saved webhook, with what they make of it."
        ),
    ),
    AUTHENTICATION,
    Section(_("If the receiver does not accept it"), (Option("retry_schedule"),)),
)

_REDIRECT_HELP = _("Instead of a message: a full address, or a path on this site such as /dashboard.")


def _redirect(name: str) -> Option:
    return Option(name, forms.TextInput(attrs={"size": 60, "spellcheck": "false"}), help_text=_REDIRECT_HELP)


WEBFILTER = (
    Section(
        _("What to call, and where"),
        (EVENT, URL, Option("local_answer", code(rows=4)), DESCRIPTION, ENABLED, Option("mode", forms.RadioSelect())),
    ),
    Section(_("What its answers may do"), (Option("disable_filtering"), Option("disable_halt"), Option("order"))),
    Section(
        _("If the endpoint fails"),
        (
            Option("halt_on_4xx", help_text=_("The endpoint refused: it answered with a status of 400 to 499.")),
            _redirect("redirect_on_4xx"),
            Option("halt_on_5xx", help_text=_("The endpoint failed: it answered with a status of 500 to 599.")),
            _redirect("redirect_on_5xx"),
            Option("halt_on_request_exception"),
            _redirect("redirect_on_request_exception"),
            Option("timeout", forms.NumberInput(attrs={"min": "0.1", "max": "30", "step": "0.1"})),
        ),
        _(
            "Without any of these the learner goes on as if the webfilter did not exist. Halt only what must not "
            "happen unchecked: while the endpoint is down, nobody gets through."
        ),
    ),
    Section(
        _("When it is called, and what is sent"),
        (CONDITION, SHAPE, Option("send_profile"), Option("send_file_urls"), FORM_ENCODING),
    ),
    AUTHENTICATION,
    Section(
        _("Records and repeated answers"), (Option("call_log"), Option("cache_answers"), Option("serve_stale_answers"))
    ),
)


def names(sections: Iterable[Section]) -> list[str]:
    """The fields of the form."""
    return [option.name for option in _each(sections)]


def widgets(sections: Iterable[Section]) -> dict[str, forms.Widget]:
    """Field → widget, of the options that have one of their own."""
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
    The sections as Django's admin takes them.

    Args:
        may_change: False replaces what viewers may not see.
    """
    made = []
    for section in sections:
        lines: list[tuple[str, ...]] = []
        for option in section.options:
            field = option.name if may_change else option.shown_as or option.name
            lines[-1:] = [(*lines[-1], field)] if option.is_beside else [*lines[-1:], (field,)]
        made.append((section.title, {"fields": lines, "description": section.description}))
    return made


def _each(sections: Iterable[Section]) -> Iterator[Option]:
    return (option for section in sections for option in section.options)
