"""The forms of webhooks and webfilters."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from ..models import Webfilter, Webhook
from ..payloads.local_answer import LocalAnswer
from ..payloads.shape import ExpressionError
from ..transport import signing
from ..webfilters import local_answers
from . import options, waiting
from .halt_options import halt_options_of
from .picker import TypeField, types_of
from .widgets import HeadersField, ScheduleField

_ON = ("4xx", "5xx", "request_exception")


class HookForm(forms.ModelForm):
    """What both forms have: the type from a list, headers and a secret that are never shown, and expressions."""

    event = TypeField(label=_("Event"))
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
        field.offer(self._meta.model, stored)

    def types(self) -> Mapping:
        """Dotted type → catalog entry."""
        return types_of(self._meta.model)

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

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.more_events: list[str] = []

    def _prepare_types(self, field):
        if not self.instance.pk:
            field.take_several()
            field.help_text = _(
                "Choose several to make one webhook for each, with the same address, headers, secret and everything "
                "else that you enter here."
            )
        super()._prepare_types(field)

    def clean_event(self) -> str:
        """The first; further ones are kept in ``more_events``."""
        chosen = self.cleaned_data["event"]
        if isinstance(chosen, str):
            return chosen
        first, *self.more_events = chosen
        return first


class WebfilterForm(HookForm):
    """The form of a webfilter; it says before saving what its filter cannot do."""

    class Meta:
        model = Webfilter
        fields = options.names(options.WEBFILTER)
        widgets = options.widgets(options.WEBFILTER)
        help_texts = options.help_texts(options.WEBFILTER)

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
