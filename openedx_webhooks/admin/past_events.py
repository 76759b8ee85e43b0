"""Sending captured events to a webhook that was not there when they happened: how many, and then do it."""

from django import forms
from django.contrib import messages
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..app_settings import app_settings
from ..models import Webhook
from ..webhooks import replay
from . import parts, permissions

# More than this would hold up the request; the command does any number.
MOST = 10_000
_DEFAULT = 1000


def may_send(model_admin, request, hook: Webhook) -> bool:
    """Whether somebody may have deliveries sent, of a webhook that they may see and that is not being removed."""
    return (
        permissions.may_replay(request) and model_admin.has_view_permission(request, hook) and not hook.removing_since
    )


def parse_time(text: str):
    """An aware time from a ``datetime-local`` input, in the site's time zone; None if it is none."""
    try:
        time = parse_datetime(text)
    except ValueError:
        return None
    return timezone.make_aware(time) if time and timezone.is_naive(time) else time


class _TimeInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self):
        super().__init__(format="%Y-%m-%dT%H:%M")


class PastEventsForm(forms.Form):
    """Which captured events."""

    since = forms.DateTimeField(
        label=gettext_lazy("From"), required=False, widget=_TimeInput, help_text=gettext_lazy("Empty: the oldest kept.")
    )
    until = forms.DateTimeField(
        label=gettext_lazy("To"), required=False, widget=_TimeInput, help_text=gettext_lazy("Empty: until now.")
    )
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
        initial=_DEFAULT,
        help_text=gettext_lazy("The oldest are sent first."),
    )

    def clean(self):
        """Refuse a time that ends before it begins."""
        cleaned = super().clean()
        if cleaned.get("since") and cleaned.get("until") and cleaned["since"] >= cleaned["until"]:
            self.add_error("until", _("This is not after the beginning."))
        return cleaned

    def past(self, webhook: Webhook) -> replay.Past:
        """What was chosen; for a valid form."""
        chosen = {name: self.cleaned_data[name] for name in ("since", "until", "learner", "course_key")}
        return replay.Past(webhook.dotted_type, **chosen)


def page(model_admin, request, hook: Webhook):
    """GET: the form, and with it the count. POST, from the page that shows the count: send."""
    form = PastEventsForm(request.POST if request.method == "POST" else request.GET or None)
    found = None
    if form.is_bound and form.is_valid():
        if request.method == "POST":
            _send(model_admin, request, hook, form)
            return model_admin.back(hook, "#owh-deliveries")
        found = replay.count_past(hook, form.past(hook), form.cleaned_data["limit"])
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": hook,
        "title": _("Send past events"),
        "form": form if form.is_bound else PastEventsForm(),
        "found": found,
        "rest": _rest(found) if found and found.is_cut and found.owed < form.cleaned_data["limit"] else "",
        "per_second": max(1, app_settings.REPLAY_PER_SECOND),
    }
    return TemplateResponse(request, "admin/openedx_webhooks/past_events.html", context)


def _send(model_admin, request, hook, form) -> None:
    done = replay.send_past(hook, form.past(hook), form.cleaned_data["limit"])
    if not done.owed:
        text = _("No event was found that could be sent.")
        model_admin.message_user(request, f"{text} {_rest(done)}" if done.is_cut else text, messages.WARNING)
        return
    text = ngettext("%d past event will be sent.", "%d past events will be sent.", done.owed) % done.owed
    if done.is_cut and done.owed >= form.cleaned_data["limit"]:
        text += " " + _("There are more: do the same again, or use manage.py webhooks_replay --events.")
    elif done.is_cut:
        text += " " + _rest(done)
    model_admin.tell_sent(request, hook, text)


def _rest(done: replay.Backfill) -> str:
    """That not all events were looked at, and where to go on."""
    return _(
        "Few of these events match: only those until %s were looked at. For the rest, enter this time as the beginning."
    ) % parts.moment(done.reached)
