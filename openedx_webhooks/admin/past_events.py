"""Sending captured events to a webhook that was not there when they happened: how many, and then do it."""

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Webhook
from ..webhooks import resending
from . import sending_again
from .permissions import may_replay, may_see_payload

# A mistake that is found after so many is bad enough.
MOST = 1_000_000
DEFAULT = 1000


def may_send(model_admin, request, hook: Webhook) -> bool:
    """Whether somebody may have deliveries sent, of a webhook that they may see and that is not being removed."""
    return may_replay(request) and model_admin.has_view_permission(request, hook) and not hook.removing_since


class PastEventsForm(sending_again.SpanForm):
    """Which captured events."""

    learner = forms.CharField(
        label=gettext_lazy("Learner"),
        required=False,
        max_length=150,
        help_text=gettext_lazy("A username or the number of a user, in full. Empty: everybody."),
    )
    course_key = forms.CharField(
        label=gettext_lazy("Course"),
        required=False,
        max_length=255,
        widget=forms.TextInput(attrs={"size": 50}),
        help_text=gettext_lazy("Such as course-v1:edX+DemoX+2026, in full. Empty: every course."),
    )
    limit = forms.IntegerField(
        label=gettext_lazy("At most"),
        min_value=1,
        max_value=MOST,
        initial=DEFAULT,
        help_text=gettext_lazy("The oldest are sent first."),
    )

    def __init__(self, data, webhook: Webhook, *, sees_personal: bool):
        super().__init__(data)
        self.webhook, self._sees_personal = webhook, sees_personal
        if not sees_personal:
            self.fields["learner"].help_text = _("The number of a user. Empty: everybody.")

    def clean_learner(self) -> str:
        """A count would tell who is who."""
        learner = self.cleaned_data["learner"]
        if learner and not self._sees_personal and not (learner.isascii() and learner.isdecimal()):
            raise forms.ValidationError(_("Enter the number of the user: you may not see usernames."))
        return learner

    def choice(self) -> resending.Choice:
        """What was chosen; for a valid form."""
        chosen = {name: self.cleaned_data[name] for name in ("since", "until", "learner", "course_key")}
        past = resending.Past(self.webhook.dotted_type, **chosen)
        return resending.Choice(past=past, to=self.webhook, limit=self.cleaned_data["limit"])


def page(model_admin, request, hook: Webhook):
    """The form, with it the count, and then the progress."""
    is_begun = request.method == "POST"
    data = request.POST if is_begun else request.GET or None
    form = PastEventsForm(data, hook, sees_personal=may_see_payload(request))
    address = reverse(f"admin:{model_admin.url_name('past-events')}", args=[hook.pk])
    extra = {"original": hook, "past_of": hook, "title": _("Send past events")}
    return sending_again.page(model_admin, request, form, address, is_begun=is_begun, extra=extra)
