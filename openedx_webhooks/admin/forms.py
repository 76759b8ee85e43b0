"""The forms of webhooks and webfilters."""

import inspect
from collections.abc import Mapping
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .. import catalog, platform_facts
from ..models import Webfilter, Webhook
from ..payloads.local_answer import LocalAnswer
from ..payloads.shape import ExpressionError
from ..transport import signing
from ..webfilters import local_answers
from . import options, waiting
from .halt_options import halt_options_of
from .widgets import HeadersField, ScheduleField, TypeSelect

_ON = ("4xx", "5xx", "request_exception")


def type_choices(types: Mapping, stored: str = "") -> list:
    """
    Choices of a type, grouped by subdomain.

    Args:
        types: ``catalog.events()`` or ``catalog.filters()``.
        stored: the hook's type; if this installation doesn't know it, it stays a choice that says so.
    """
    groups: dict[str, list] = {}
    for dotted, known in types.items():
        groups.setdefault(subdomain_label(known.subdomain), []).append((dotted, f"{known.name} ({dotted})"))
    choices = [(label, sorted(options, key=lambda option: option[1])) for label, options in sorted(groups.items())]
    if stored and stored not in types:
        unknown = _("%s (not known to this installation)") % stored
        choices.insert(0, (_("Not known to this installation"), [(stored, unknown)]))
    return [("", _("— choose from the list —")), *choices]


def subdomain_label(subdomain: str) -> str:
    """``content_authoring`` → ``Content authoring``."""
    return subdomain.replace("_", " ").capitalize()


class HookForm(forms.ModelForm):
    """What both forms have: the type from a list, headers and a secret that are never shown, and expressions."""

    event = forms.ChoiceField(label=_("Event"), widget=TypeSelect)
    headers = HeadersField(
        label=_("Headers"),
        required=False,
        help_text=_(
            "Sent with every request, for example Authorization. Values are stored encrypted and never shown again: "
            "leave a value empty to keep it, clear the name to remove the header."
        ),
    )
    secret = forms.CharField(
        label=_("Signing secret"),
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "size": 60}, render_value=True),
        help_text=_(
            "Every request is signed with it (Standard Webhooks). Leave it empty: a new hook gets one made, which you "
            "can show once after saving, and an existing one keeps its own. It is never shown again; rotate it below "
            "if it is lost."
        ),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # The stored values, kept from before the form writes into its instance.
        self.stored_url = self.instance.webhook_url if self.instance.pk else ""
        self.stored_secret = self.instance.secret if self.instance.pk else ""
        self._prepare_types(self.fields["event"])
        self.fields["headers"].stored = self.initial["headers"] = self.instance.readable_headers
        # It must not stand in the way of the rest: what was malformed before stays until somebody changes it.
        self.malformed = waiting.malformed(self.instance).keys() if self.instance.pk else set()
        # So that no page holds a stored secret; one just typed survives a mistake in another field.
        self.initial["secret"] = ""
        if self.stored_secret:
            self.fields["secret"].widget.attrs["placeholder"] = "••••••••"

    def _prepare_types(self, field):
        # Links say ?event=SESSION_LOGIN_COMPLETED, and a row written past the form may too.
        stored = self.dotted(self.instance.event) if self.instance.pk else ""
        self.initial["event"] = self.dotted(str(self.initial.get("event") or ""))
        field.choices = type_choices(self.types(), stored)
        field.widget.notes = self.notes()

    @staticmethod
    def types() -> Mapping:
        """Dotted type → catalog entry."""
        raise TypeError("a form of hooks says which types there are")

    def notes(self) -> dict[str, dict[str, str]]:
        """Dotted type → what the script shows about it: its names, by default."""
        return {dotted: {"name": known.name, "type": dotted} for dotted, known in self.types().items()}

    def dotted(self, type_or_name: str) -> str:
        """The dotted type of a short name; anything else is returned as it is."""
        return next((dotted for dotted, known in self.types().items() if known.name == type_or_name), type_or_name)

    def clean_secret(self) -> str:
        """
        The new secret, or the one that the hook has.

        Raises:
            ValidationError: it is not a secret of Standard Webhooks.
        """
        secret = self.cleaned_data["secret"]
        if not secret:
            return self.stored_secret or self.instance.secret
        try:
            signing.key_of(secret)
        except ValueError as error:
            raise ValidationError(
                _(
                    "A signing secret is whsec_ followed by 24 to 64 random bytes in base64. Leave it empty to have "
                    "one made."
                ),
                code="invalid_secret",
            ) from error
        return secret

    def clean(self):
        """
        Refuse to send stored header values to another server than they were entered for.

        Whoever may edit a hook could otherwise read its secrets by pointing it at a server of their own.
        """
        cleaned = super().clean()
        for name in self._left_alone():
            self.errors.pop(name, None)
            cleaned.pop(name, None)
        stored = self.fields["headers"].stored
        headers = cleaned.get("headers") or {}
        kept = [name for name in headers if headers[name] == stored.get(name)]
        if kept and self._server_changed(cleaned.get("webhook_url")):
            self.add_error(
                "headers",
                _("The address names another server now. Enter the values again that it may see: %s.")
                % ", ".join(kept),
            )
        return cleaned

    def _left_alone(self) -> set[str]:
        return self.malformed - set(self.changed_data)

    def _get_validation_exclusions(self):
        return super()._get_validation_exclusions() | self._left_alone()

    def _server_changed(self, url: str | None) -> bool:
        if not url or not self.stored_url or url == self.stored_url:
            return False
        try:
            return urlsplit(url).netloc.lower() != urlsplit(self.stored_url).netloc.lower()
        except ValueError:
            return True


class WebhookForm(HookForm):
    """The form of a webhook."""

    retry_schedule = ScheduleField(
        label=_("Retry schedule"),
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=_(
            "Waits before the second, third, … attempt, such as 5s, 5m, 30m, 2h. After the last one the delivery has "
            "failed. Empty: the site's schedule."
        ),
    )

    class Meta:
        model = Webhook
        fields = options.names(options.WEBHOOK)
        widgets = options.widgets(options.WEBHOOK)

    @staticmethod
    def types():
        return catalog.events()


class WebfilterForm(HookForm):
    """The form of a webfilter; it says before saving what its filter cannot do."""

    class Meta:
        model = Webfilter
        fields = options.names(options.WEBFILTER)
        widgets = options.widgets(options.WEBFILTER)
        help_texts = options.help_texts(options.WEBFILTER)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.instance.pk and "mode" in self.fields:
            self._ask_for_mode(self.fields["mode"])

    @staticmethod
    def _ask_for_mode(field) -> None:
        """Who adds a webfilter chooses with open eyes: from its first call on it may halt learners."""
        field.label = _("Observe first, or enforce now?")
        field.choices = [
            (
                Webfilter.Mode.OBSERVE,
                _(
                    "Observe first: its answers are recorded, and nobody is halted and nothing changed. Its page then "
                    "reports whom it would have halted, and why; one click enforces it."
                ),
            ),
            (Webfilter.Mode.ENFORCE, _("Enforce now: its answers change data or halt learners from the first call.")),
        ]

    @staticmethod
    def types():
        return catalog.filters()

    def notes(self):
        """The names, when the filter runs, what to know about it, and what it can do."""
        notes = super().notes()
        for dotted, known in self.types().items():
            can, facts = halt_options_of(known), platform_facts.facts_of(dotted)
            summary = (inspect.getdoc(known.filter_class) or "").partition("\n\n")[0].replace("\n", " ")
            notes[dotted] |= {
                "about": str(facts.when or summary),
                "cautions": " ".join(map(str, facts.cautions)),
                "hint": can.sentence,
                "effect": can.effect,
                "redirect": can.redirect_effect,
                "halts": "yes" if can.can_halt else "no",
                "redirects": "yes" if can.can_redirect else "no",
            }
        return notes

    def clean(self):
        """Refuse switches without effect, and local answers that could not be used, with what to do instead."""
        cleaned = super().clean()
        known = self.types().get(cleaned.get("event"))
        if known:
            can = halt_options_of(known)
            for on in _ON:
                problem = can.problem(cleaned.get(f"halt_on_{on}"), cleaned.get(f"redirect_on_{on}"))
                if problem:
                    self.add_error(f"{problem[0]}_on_{on}", problem[1])
            if problem := self._local_problem(known, cleaned.get("local_answer")):
                self.add_error("local_answer", problem)
        if cleaned.get("serve_stale_answers") and not cleaned.get("cache_answers"):
            self.add_error("serve_stale_answers", _("Tick “cache answers” too: without it there is no old answer."))
        return cleaned

    @staticmethod
    def _local_problem(known, text) -> str:
        try:
            return local_answers.problem_of(known, LocalAnswer(text)) if text else ""
        except ExpressionError:
            # The field's own validator says so.
            return ""
