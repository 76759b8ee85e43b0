"""
The part of the hook forms that says how the receiver knows us: inputs for what each kind of authentication needs, made
from :data:`..transport.authentication.KINDS`, and what these and the signing secret must be.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..models.encrypted_fields import is_lost
from ..operations import hook_rules
from ..operations.hook_rules import StoredCredentials
from ..transport import authentication

# Each keeps its stored value in a form that does not have it, such as that of a script.
_CHOICES = ("authentication", "signature", "payload_format")
MAX_LENGTH = 4096


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
        stored: the credentials that the hook has; an empty secret keeps them.
    """

    widget = CredentialsWidget

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.stored = StoredCredentials()

    def clean(self, value: Any) -> dict[str, dict[str, str]] | None:
        """What was entered; None if the form had no inputs."""
        if value is None:
            return None
        entered = {kind: {name: text.strip() for name, text in texts.items()} for kind, texts in value.items()}
        if any(len(text) > MAX_LENGTH for texts in entered.values() for text in texts.values()):
            raise ValidationError(_("Enter at most %d characters.") % MAX_LENGTH, code="too_long")
        return entered

    def has_changed(self, initial, data):
        if data is None:
            return False
        found = self.stored.merged(self.stored.kind, data.get(self.stored.kind, {}))
        return not is_lost(found) and found != self.stored.texts


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
        stored = field.stored = StoredCredentials.of(self.instance)
        if stored.lost is not None:
            field.widget.lost_kind = stored.kind
        field.widget.stored = set(stored.texts)
        credentials = authentication.KINDS[stored.kind].credentials
        shown = {one.name: stored.texts.get(one.name, "") for one in credentials if not one.is_secret}
        self.initial["credentials"] = {stored.kind: shown} if stored.kind == self.instance.authentication else {}

    def clean_secret(self) -> str:
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
        stored, kind_name = self.fields["credentials"].stored, cleaned["authentication"]
        if kind_name not in authentication.KINDS or "credentials" in self.errors:
            return
        entered = cleaned.get("credentials")
        entered = None if entered is None else entered.get(kind_name, {})
        found = cleaned["credentials"] = stored.merged(kind_name, entered)
        if kind_name != stored.kind:
            # Those of the kind before must not stay, whether or not the form had inputs: Django leaves alone what it
            # takes for omitted, and what is saved is what was changed.
            self.instance.credentials = found
            self.changed_data.append("credentials")
        for problem in hook_rules.credentials_problems(kind_name, found):
            self.add_error("credentials", problem)
        before = self.instance.webhook_url if self.instance.pk else ""
        if problem := stored.moved(kind_name, found, entered, before, cleaned.get("webhook_url") or ""):
            self.add_error("credentials", problem)

    def _clean_signature(self, cleaned: dict[str, Any]) -> None:
        is_entered = "secret" in self.changed_data
        if not is_entered and cleaned["signature"] == self.instance.signature:
            return
        problem = hook_rules.signature_problem(cleaned["signature"], cleaned.get("secret"), is_entered=is_entered)
        if problem:
            self.add_error("secret", ValidationError(problem, code="invalid_secret"))
