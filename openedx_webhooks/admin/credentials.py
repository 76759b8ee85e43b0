"""
The part of the hook forms that says how the receiver knows us: inputs for what each kind of authentication needs, made
from :data:`..transport.authentication.KINDS`, and what these and the signing secret must be.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..models.addresses import is_another_place
from ..models.encrypted_fields import is_lost
from ..operations import hook_rules
from ..transport import authentication, signing

# Each keeps its stored value in a form that does not have it, such as that of a script.
_CHOICES = ("authentication", "signature", "payload_format")
_MAX_LENGTH = 4096


class CredentialsWidget(forms.Widget):
    """
    Inputs for every kind; a script shows those of the chosen one.

    Secrets that are stored are never put into the page. The value is ``{kind: {credential: text}}`` as entered; a
    stored one has no secrets.

    Attributes:
        stored: the names of the credentials that the hook has.
        lost_kind: of which they are stored and can't be read; empty if they can.
    """

    template_name = "admin/openedx_webhooks/widgets/credentials.html"

    def __init__(self, attrs=None):
        super().__init__(attrs)
        self.stored: set[str] = set()
        self.lost_kind = ""

    @property
    def media(self):
        return forms.Media(js=["openedx_webhooks/credentials.js"], css={"all": ["openedx_webhooks/credentials.css"]})

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        context["widget"]["kinds"] = [
            {"name": kind_name, "title": kind.title, "inputs": list(self._inputs(name, kind_name, kind, value or {}))}
            for kind_name, kind in authentication.KINDS.items()
            if kind.credentials
        ]
        return context

    def _inputs(self, name, kind_name, kind, value):
        for one in kind.credentials:
            yield {
                "name": _input_name(name, kind_name, one.name),
                "one": one,
                "type": "password" if one.is_secret else "text",
                "value": value.get(kind_name, {}).get(one.name, ""),
                "is_stored": one.is_secret and one.name in self.stored,
                "is_lost": kind_name == self.lost_kind,
            }

    def value_from_datadict(self, data, files, name):
        """What was entered; None if the form had none of these inputs."""
        if self.value_omitted_from_data(data, files, name):
            return None
        return {
            kind_name: {one.name: data.get(_input_name(name, kind_name, one.name), "") for one in kind.credentials}
            for kind_name, kind in authentication.KINDS.items()
        }

    def value_omitted_from_data(self, data, files, name):
        return not any(key.startswith(f"{name}-") for key in data)

    def id_for_label(self, id_):
        """None: the label stands before several inputs, which have labels of their own."""
        return ""


def _input_name(name: str, kind_name: str, credential: str) -> str:
    return f"{name}-{kind_name}-{credential}"


class CredentialsField(forms.Field):
    """
    What was entered for each kind, without blanks around it. Which of it counts, the form knows.

    Attributes:
        kind: of the stored ones.
        stored: the credentials that the hook has; an empty secret keeps them.
        lost: what the hook has and no key opens, None if there is none; it is kept if nothing is entered.
        entered: what was entered for each kind; known once the field was cleaned.
    """

    widget = CredentialsWidget
    entered: Mapping[str, Mapping[str, str]] = MappingProxyType({})

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.kind, self.stored, self.lost = authentication.NONE, {}, None

    def clean(self, value: Any) -> dict[str, dict[str, str]] | None:
        """
        What was entered; None if the form had no inputs.

        Raises:
            ValidationError: something is too long.
        """
        if value is None:
            return None
        entered = {kind: {name: text.strip() for name, text in texts.items()} for kind, texts in value.items()}
        if any(len(text) > _MAX_LENGTH for texts in entered.values() for text in texts.values()):
            raise ValidationError(_("Enter at most %d characters.") % _MAX_LENGTH, code="too_long")
        self.entered = entered
        return entered

    def has_changed(self, initial, data):
        found = None if data is None else self.of(self.kind, data)
        return found is not None and not is_lost(found) and found != self.stored

    def of(self, kind_name: str, entered: Mapping[str, Mapping[str, str]] | None) -> dict[str, str]:
        """The credentials of a kind: as entered, and a secret that was left empty as it is stored."""
        kind, stored = authentication.KINDS[kind_name], self.stored if kind_name == self.kind else {}
        if entered is None:
            return dict(stored) if self.lost is None or kind_name != self.kind else self.lost
        texts = entered.get(kind_name, {})
        found = {
            one.name: texts.get(one.name) or (stored.get(one.name) if one.is_secret else "") for one in kind.credentials
        }
        found = {name: text for name, text in found.items() if text}
        is_kept = self.lost is not None and kind_name == self.kind and not found
        return self.lost if is_kept else found

    def kept(self, found: Mapping[str, str]) -> list[str]:
        """The labels of the secrets that are as they were, and that nobody entered again."""
        if is_lost(found):
            return [str(one.label) for one in authentication.KINDS[self.kind].credentials if one.is_secret]
        return [
            str(one.label)
            for one in authentication.KINDS[self.kind].credentials
            if one.is_secret and found.get(one.name) and not self.entered.get(self.kind, {}).get(one.name)
        ]


class AuthenticationForm(forms.ModelForm):
    """How the receiver knows us: kind and credentials, kind of signature and secret."""

    credentials = CredentialsField(label=_("Credentials"), required=False)
    secret = forms.CharField(
        label=_("Signing secret"),
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "size": 60}, render_value=True),
        help_text=_(
            "Every request is signed with it. Leave it empty: a new hook gets one made, which you can show once after "
            "saving, and an existing one keeps its own. It is never shown again; rotate it below if it is lost."
        ),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # The stored values, kept from before the form writes into its instance.
        self.stored_secret = self.instance.secret if self.instance.pk else ""
        # So that no page holds a stored secret; one just typed survives a mistake in another field.
        self.initial["secret"] = ""
        if self.stored_secret:
            self.fields["secret"].widget.attrs["placeholder"] = "••••••••"
        elif is_lost(self.stored_secret):
            self.fields["secret"].widget.attrs["placeholder"] = gettext("Cannot be read: enter it again")
        # Viewers have a form without them.
        for name in self.fields.keys() & set(_CHOICES):
            self.fields[name].required = False
        self._prepare_credentials(self.fields["credentials"])

    def _prepare_credentials(self, field: CredentialsField) -> None:
        stored = authentication.texts_in(self.instance.credentials)
        kind = authentication.KINDS.get(self.instance.authentication)
        if kind is None:
            self.initial["credentials"] = {}
            return
        field.kind = self.instance.authentication
        if is_lost(self.instance.credentials):
            field.lost, field.widget.lost_kind = self.instance.credentials, field.kind
        field.stored = {one.name: stored[one.name] for one in kind.credentials if stored.get(one.name)}
        field.widget.stored = set(field.stored)
        shown = {one.name: field.stored.get(one.name, "") for one in kind.credentials if not one.is_secret}
        self.initial["credentials"] = {field.kind: shown}

    def clean_secret(self) -> str:
        """The new secret, or the one that the hook has."""
        return self.cleaned_data["secret"] or self.stored_secret or self.instance.secret

    def clean_authentication_with(self, cleaned: dict[str, Any]) -> None:
        """
        Check what depends on the kinds, and put the credentials together.

        Args:
            cleaned: of the form; is changed.
        """
        for name in _CHOICES:
            cleaned[name] = cleaned.get(name) or getattr(self.instance, name)
        self._clean_signature(cleaned)
        field, kind_name = self.fields["credentials"], cleaned["authentication"]
        if kind_name not in authentication.KINDS or "credentials" in self.errors:
            return
        found = cleaned["credentials"] = field.of(kind_name, cleaned.get("credentials"))
        if kind_name != field.kind:
            # Those of the kind before must not stay, whether or not the form had inputs: Django leaves alone what it
            # takes for omitted, and what is saved is what was changed.
            self.instance.credentials = found
            self.changed_data.append("credentials")
        for problem in () if is_lost(found) else hook_rules.of_credentials(kind_name, found):
            self.add_error("credentials", problem)
        places = [(self.instance.webhook_url if self.instance.pk else "", cleaned.get("webhook_url") or "")]
        places.append((field.stored.get(authentication.TOKEN_URL, ""), found.get(authentication.TOKEN_URL, "")))
        kept = field.kept(found) if kind_name == field.kind else []
        if kept and any(is_another_place(before, now) for before, now in places):
            self.add_error(
                "credentials", _("An address was changed. Enter again what may be sent to it: %s.") % ", ".join(kept)
            )

    def _clean_signature(self, cleaned: dict[str, Any]) -> None:
        kind = signing.KINDS.get(cleaned["signature"])
        is_new = "secret" in self.changed_data or cleaned["signature"] != self.instance.signature
        if kind is None or not cleaned.get("secret") or not is_new:
            return
        if text := hook_rules.of_signature(cleaned["signature"], cleaned["secret"]):
            if "secret" not in self.changed_data:
                text = _("The stored secret does not fit this signature: enter another. %s") % text
            self.add_error("secret", ValidationError(text, code="invalid_secret"))
