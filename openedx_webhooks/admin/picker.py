"""
The field in which an event or filter is chosen: a grouped ``<select>`` that a script makes searchable.

Where several may be chosen at once, for a new webhook, it takes several.
"""

from collections.abc import Iterable, Mapping, Set
from typing import Any

import attrs
from django import forms
from django.forms.utils import flatatt
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import catalog, platform_facts
from ..models import Webfilter, Webhook
from ..operations import frequency, schema, type_search
from ..operations.halt_options import halt_options_of
from .filters import types_of


class TypePicker(forms.Select):
    """
    The widget.

    Attributes:
        model: of the form: ``Webhook`` or ``Webfilter``.
    """

    template_name = "admin/openedx_webhooks/widgets/picker.html"

    def __init__(self, attrs=None, choices=()):
        super().__init__({"class": "owh-type-select", **(attrs or {})}, choices)
        self.model: type[Webhook | Webfilter] = Webhook
        self._notes: dict[str, dict[str, str]] = {}

    class Media:
        js = ("openedx_webhooks/picker.js",)
        css = {"screen": ("openedx_webhooks/admin.css", "openedx_webhooks/picker.css")}

    def get_context(self, name, value, attrs):
        often = how_often(self.model)
        self._notes = notes_of(self.model, often)
        context = super().get_context(name, value, attrs)
        urls = {
            view: reverse(f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_{view}_type")
            for view in ("find", "describe")
        }
        return {
            **context,
            "flat_attrs": flatatt(context["widget"]["attrs"]),
            "urls": urls,
            "details": details_of(self.model, context["widget"]["value"], often),
        }

    def create_option(self, name, value, *args, **kwargs):
        """
        Add what the script shows of a type to its option, with its attributes as one text: that of Django's own
        templates, two for each of a hundred options, take a seventh of the page's time.
        """
        option = super().create_option(name, value, *args, **kwargs)
        for key, text in self._notes.get(str(value), {}).items():
            option["attrs"][f"data-{key}"] = text
        return {**option, "flat_attrs": flatatt(option["attrs"])}

    # A form shows its errors beside the field; the browser's own would be at a control that the script hides.
    def use_required_attribute(self, initial):
        return False


class TypeField(forms.ChoiceField):
    """One dotted type of the choices or, after :meth:`take_several`, one or more: then its value is a list."""

    widget = TypePicker

    def take_several(self) -> None:
        self.widget.allow_multiple_selected = True

    def offer(self, model: type[Webhook | Webfilter], stored: str) -> None:
        """Offer what there is, and the dotted type that is stored; that of a new hook is empty."""
        self.widget.model = model
        self.choices = type_choices(types_of(model), stored, has_empty=not self.widget.allow_multiple_selected)

    def clean(self, value):
        if not isinstance(value, list):
            return super().clean(value)
        check = super().clean
        return [check(one) for one in dict.fromkeys(value or [""])]


def type_choices(types: Mapping[str, schema.HookType], stored: str = "", *, has_empty: bool = True) -> list:
    """
    Choices of a type: the most wanted, then all others by subdomain.

    Args:
        types: ``catalog.events()`` or ``catalog.filters()``.
        stored: the hook's type; if this installation doesn't know it, it stays a choice that says so.
        has_empty: begin with none.
    """
    wanted = [dotted for dotted in type_search.most_wanted() if dotted in types]
    groups: dict[str, list] = {}
    for dotted, known in types.items():
        if dotted not in wanted:
            groups.setdefault(subdomain_label(known.subdomain), []).append(_choice(dotted, known))
    choices = [(label, sorted(group, key=lambda choice: choice[1])) for label, group in sorted(groups.items())]
    if wanted:
        choices.insert(0, (_("Most wanted"), [_choice(dotted, types[dotted]) for dotted in wanted]))
    if stored and stored not in types:
        unknown = _("%s (not known to this installation)") % stored
        choices.insert(0, (_("Not known to this installation"), [(stored, unknown)]))
    return [("", _("— choose from the list —")), *choices] if has_empty else choices


def _choice(dotted, known):
    return dotted, f"{known.name} ({dotted})"


def subdomain_label(subdomain: str) -> str:
    """``content_authoring`` → ``Content authoring``."""
    return subdomain.replace("_", " ").capitalize()


@attrs.frozen
class HowOften:
    """
    How often types happened on this site in the last week.

    Attributes:
        is_event: captured events are counted, else recorded calls.
        recorded: dotted type → what is recorded.
        hooked: dotted types that are counted: those that have a hook, or had one this week.
    """

    is_event: bool
    recorded: Mapping[str, frequency.Recorded]
    hooked: Set[str]

    def words(self, dotted: str) -> str:
        """A few words, also if nobody knows."""
        if dotted not in self.hooked:
            return _("not counted yet")
        recorded = self.recorded.get(dotted, frequency.Recorded())
        count = number_format(recorded.count, use_l10n=True, force_grouping=True)
        if recorded.since:
            past = timesince(recorded.since, depth=1)
            return _("about %(count)s in the last %(time)s") % {"count": count, "time": past}
        if self.is_event:
            if not recorded.count:
                return _("none in the last week")
            return ngettext("%s in the last week", "%s in the last week", recorded.count) % count
        if not recorded.count:
            return _("no call recorded in the last week")
        return (
            ngettext("%s call recorded in the last week", "%s calls recorded in the last week", recorded.count) % count
        )


def how_often(model: type[Webhook | Webfilter]) -> HowOften:
    recorded = frequency.of_events() if model is Webhook else frequency.of_filters()
    hooked = {hook.dotted_type for hook in model.objects.only("event")}
    return HowOften(model is Webhook, recorded, hooked | recorded.keys())


def notes_of(model: type[Webhook | Webfilter], often: HowOften) -> dict[str, dict[str, str]]:
    """Dotted type → what the script shows in the list, and for a filter which of the form's fields have an effect."""
    notes = {}
    for dotted, known in types_of(model).items():
        is_event = model is Webhook
        facts = platform_facts.event_facts_of(dotted) if is_event else platform_facts.facts_of(dotted)
        never = _("never: nothing sends it today") if is_event else _("never: nothing runs it today")
        notes[dotted] = {
            "name": known.name,
            "type": dotted,
            "about": schema.about(known).partition("\n")[0],
            "often": often.words(dotted) if facts.runs else never,
        }
        if not is_event:
            can = halt_options_of(known)
            notes[dotted] |= {
                "effect": can.effect,
                "redirect": can.redirect_effect,
                "halts": "yes" if can.can_halt else "no",
                "redirects": "yes" if can.can_redirect else "no",
            }
    return notes


def details_of(model: type[Webhook | Webfilter], chosen: Iterable[str], often: HowOften) -> list[dict[str, Any]]:
    """What is known of each chosen type that this installation knows, for ``picker_details.html``."""
    types = types_of(model)
    return [_details(types[dotted], dotted, often) for dotted in chosen if dotted in types]


def _details(known, dotted, often):
    details = {
        "name": known.name,
        "about": schema.about(known),
        "cautions": schema.cautions(known),
        "often": often.words(dotted),
        "is_counted": dotted in often.hooked,
    }
    return details | filter_details(known) if isinstance(known, catalog.FilterType) else details


def filter_details(known: catalog.FilterType) -> dict[str, Any]:
    """What an answer may change and halt, and what the learner sees of it."""
    facts = platform_facts.facts_of(known.filter_type)
    exceptions = []
    for name, (does, _arguments) in schema.exceptions_of(known).items():
        told = facts.exceptions.get(name)
        exceptions.append(
            {
                "name": name,
                "does": does,
                "message": told and told.message.label,
                "redirect": told and told.redirect.label,
            }
        )
    return {
        "is_filter": True,
        "changes": list(schema.answer_schema(known)["properties"]["data"]["properties"]),
        "exceptions": exceptions,
        "after_failure": halt_options_of(known).after_failure,
    }
