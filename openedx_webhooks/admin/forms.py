"""The forms of webhooks and webfilters."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ..models import Webfilter, Webhook
from ..operations import hook_rules, personal_report
from ..operations.hook_problems import malformed
from . import expressions, options
from .credentials import AuthenticationForm
from .picker import TypeField
from .widgets import HeadersField, ScheduleField

CHANGED_MEANWHILE = _(
    "It was not saved: somebody else has changed it since this page was opened. Open it anew, and enter your changes "
    "again."
)


class _AsReadField(forms.CharField):
    """When what the page shows was saved. Nobody changes it; it tells a page that is out of date."""

    widget = forms.HiddenInput

    def has_changed(self, *_initial_and_data):
        return False


class HookForm(AuthenticationForm):
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

    as_read = _AsReadField(required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial["as_read"] = self.instance.modified.isoformat() if self.instance.pk else ""
        # The stored value, kept from before the form writes into its instance.
        self.stored_url = self.instance.webhook_url if self.instance.pk else ""
        self._prepare_types(self.fields["event"])
        expressions.prepare(self)
        self.fields["headers"].stored = self.initial["headers"] = self.instance.readable_headers
        # It must not stand in the way of the rest: what was malformed before stays until somebody changes it.
        self.malformed = malformed(self.instance).keys() if self.instance.pk else set()

    def _prepare_types(self, field):
        # Links say ?event=SESSION_LOGIN_COMPLETED, and a row written past the form may too.
        event = str(self.initial.get("event") or "")
        known = self._meta.model.find_type(event)
        self.initial["event"] = known.dotted if known else event
        field.offer(self._meta.model, self.instance.dotted_type if self.instance.pk else "")

    def clean(self):
        """
        Refuse to send stored header values and credentials to another address than they were entered for.

        Whoever may edit a hook could otherwise read its secrets by pointing it at a server of their own, or at their
        own part of the same server.
        """
        cleaned = super().clean()
        if cleaned.get("as_read") and cleaned["as_read"] != self.initial["as_read"]:
            self.add_error(None, CHANGED_MEANWHILE)
        for name in self._left_alone():
            self.errors.pop(name, None)
            cleaned.pop(name, None)
        self.clean_authentication_with(cleaned)
        stored = self.fields["headers"].stored
        before, now = self.stored_url, cleaned.get("webhook_url") or ""
        if problem := hook_rules.headers_moved(stored, self.fields["headers"].kept, before, now):
            self.add_error("headers", problem)
        return cleaned

    def _left_alone(self) -> set[str]:
        return self.malformed - set(self.changed_data)

    def _get_validation_exclusions(self):
        return super()._get_validation_exclusions() | self._left_alone()


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
        help_texts = options.help_texts(options.WEBHOOK)
        field_classes = expressions.FIELD_CLASSES

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.more_events: list[str] = []
        # Viewers have a form without it.
        if "personal_data" in self.fields:
            self.fields["personal_data"].required = False

    def _prepare_types(self, field):
        if not self.instance.pk:
            field.take_several()
            field.help_text = _(
                "Choose several to make one webhook for each, with the same address, headers, secret and everything "
                "else that you enter here."
            )
        super()._prepare_types(field)

    def _post_clean(self):
        super()._post_clean()
        # The shape is in the instance by now.
        if not self.errors and (problem := personal_report.problem_of_shape(self.instance)):
            self.add_error("shape", problem)

    def clean_personal_data(self) -> str:
        """What was chosen; without it the stored one, never more."""
        return self.cleaned_data["personal_data"] or self.instance.personal_data

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
        field_classes = expressions.FIELD_CLASSES

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

    def clean(self):
        """Refuse switches without effect, and local answers that could not be used, with what to do instead."""
        cleaned = super().clean()
        for name, problem in hook_rules.webfilter_problems(Webfilter.find_type(cleaned.get("event", "")), cleaned):
            self.add_error(name, problem)
        return cleaned
