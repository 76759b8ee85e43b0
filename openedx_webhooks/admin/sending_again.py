"""
Many at once: first a page that counts what will be done and what not, then one that does it and shows how far it is.

What was chosen is the page's own form, so nothing is kept on the server; how far it is travels signed from page to
page. The script of the page presses its button by itself.
"""

from datetime import datetime
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from ..models import Delivery, Webhook
from ..models.delivery import FAILED_STATES, FINAL_STATES
from ..models.row_fields import bounded
from ..operations import newest, progress_tokens
from ..webhooks import resending
from . import parts, words
from .permissions import may_replay
from .record_filters import hook_label

# One page, or one turn of its script, works no longer; the step with which this is over is finished.
_SECONDS = 0.5
_MOST_WAITING = 5000
NEVER_DELIVERED = tuple(state for state in FINAL_STATES if state != Delivery.State.DELIVERED)
# Verb → title, button, what was done.
VERBS = {
    "replay": (
        gettext_lazy("Send again"),
        ngettext_lazy("Send %d", "Send %d"),
        ngettext_lazy("%d will be sent.", "%d will be sent."),
    ),
    "retry": (
        gettext_lazy("Retry now"),
        ngettext_lazy("Retry %d now", "Retry %d now"),
        ngettext_lazy("%d is due now.", "%d are due now."),
    ),
    "cancel": (
        gettext_lazy("Cancel"),
        ngettext_lazy("Cancel %d", "Cancel %d"),
        ngettext_lazy("%d cancelled: not sent any more.", "%d cancelled: not sent any more."),
    ),
}
# What is left, and why.
_LEFT = {
    resending.RUNNING: gettext_lazy("on their way already: left alone"),
    resending.DELIVERED: gettext_lazy("accepted by the receiver before: not sent a second time, unless you tick it"),
    resending.HAD: gettext_lazy("owed to this webhook before: “Send again” is for them"),
    resending.UNMATCHED: gettext_lazy("not wanted: the webhook's condition does not match"),
    resending.REMOVED: gettext_lazy(
        "cannot be sent: the payload was removed, for its age, by its webhook or with its user's data"
    ),
    resending.GONE: gettext_lazy("cannot be sent: the webhook was deleted"),
    resending.FINAL: gettext_lazy("finished already: nothing to stop or to hurry"),
}


class _TimeInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self):
        super().__init__(format="%Y-%m-%dT%H:%M:%S", attrs={"step": "1"})


class SpanForm(forms.Form):
    """A time that does not end before it begins."""

    since = forms.DateTimeField(
        label=gettext_lazy("From"), required=False, widget=_TimeInput, help_text=gettext_lazy("Empty: the oldest kept.")
    )
    until = forms.DateTimeField(
        label=gettext_lazy("To"), required=False, widget=_TimeInput, help_text=gettext_lazy("Empty: until now.")
    )

    def clean(self):
        """Refuse a time that ends before it begins; of one that no calendar can count with, take what it can."""
        cleaned = super().clean()
        for name in ("since", "until"):
            if cleaned.get(name):
                cleaned[name] = bounded(cleaned[name])
        if cleaned.get("since") and cleaned.get("until") and cleaned["since"] >= cleaned["until"]:
            self.add_error("until", _("This is not after the beginning."))
        return cleaned


class SendAgainForm(SpanForm):
    """Which deliveries or which event, and to whom."""

    verb = forms.ChoiceField(choices=[(verb, verb) for verb in VERBS], widget=forms.HiddenInput, initial="replay")
    deliveries = forms.CharField(required=False, widget=forms.HiddenInput, max_length=newest.COUNTED * 20)
    event = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1)
    webhook = forms.ModelChoiceField(
        label=gettext_lazy("Deliveries of"), queryset=Webhook.objects.none(), required=False
    )
    states = forms.MultipleChoiceField(
        label=gettext_lazy("Which are"),
        choices=[(state, label) for state, label in Delivery.State.choices if state in NEVER_DELIVERED],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=gettext_lazy("None ticked: all of these."),
    )
    to = forms.ModelChoiceField(
        label=gettext_lazy("Send to"),
        queryset=Webhook.objects.none(),
        required=False,
        empty_label=gettext_lazy("the same webhook"),
        help_text=gettext_lazy("Another webhook gets them by its own condition, shape and address."),
    )
    with_delivered = forms.BooleanField(
        label=gettext_lazy("also what was accepted before"),
        required=False,
        help_text=gettext_lazy("The receiver gets it a second time, with the same message id."),
    )
    field_order = ["webhook", "states", "since", "until", "to", "with_delivered"]

    def __init__(self, data: QueryDict, request):
        super().__init__(data)
        self.fields["since"].help_text = (
            _("When it was given up, skipped, cancelled or accepted. Empty: any time.")
            if data.get("verb", "replay") == "replay"
            else _("When it was made. Empty: any time.")
        )
        hooks = Webhook.objects.none()
        if request.user.has_perm("openedx_webhooks.view_webhook"):
            hooks = Webhook.objects.filter(removing_since=None).order_by("-pk")
        for name in ("webhook", "to"):
            self.fields[name].queryset = hooks
            self.fields[name].label_from_instance = hook_label
        if data.get("event"):
            self.fields["to"].required, self.fields["to"].empty_label = True, "---------"
        if data.get("deliveries") or data.get("event"):
            for name in ("webhook", "states", "since", "until"):
                del self.fields[name]
        if data.get("verb", "replay") != "replay":
            for name in ("states", "to", "with_delivered"):
                self.fields.pop(name, None)

    def clean_deliveries(self):
        numbers = self.cleaned_data["deliveries"].split(",") if self.cleaned_data["deliveries"] else []
        if not all(number.isascii() and number.isdecimal() and len(number) < 19 for number in numbers):
            raise forms.ValidationError(_("These are no numbers of deliveries."))
        return tuple(map(int, numbers))[: newest.COUNTED]

    def clean(self):
        cleaned = super().clean()
        if "webhook" in self.fields and not cleaned.get("webhook") and "webhook" not in self.errors:
            self.add_error("webhook", _("Choose a webhook."))
        return cleaned

    def choice(self) -> resending.Choice:
        """What was chosen; for a valid form."""
        chosen = self.cleaned_data
        hook, states = chosen.get("webhook"), tuple(chosen.get("states") or NEVER_DELIVERED)
        if chosen["verb"] != "replay":
            states = (Delivery.State.PENDING,)
        elif chosen.get("with_delivered"):
            states += (Delivery.State.DELIVERED,)
        return resending.Choice(
            verb=chosen["verb"],
            deliveries=chosen["deliveries"],
            events=(chosen["event"],) if chosen.get("event") else (),
            webhook_id=hook.pk if hook else None,
            states=states,
            since=chosen.get("since"),
            until=chosen.get("until"),
            to=chosen.get("to"),
            with_delivered=bool(chosen.get("with_delivered")),
        )


def link(**chosen) -> str:
    """The address of the page with a choice filled in."""
    return f"{reverse('admin:openedx_webhooks_delivery_send_again')}?{urlencode(chosen, doseq=True)}"


def failed_of(hook: Webhook, since: datetime) -> str:
    """The address of the page that counts what failed for a webhook of events since a time (aware)."""
    at = timezone.localtime(since).strftime("%Y-%m-%dT%H:%M:%S")
    return link(verb="replay", webhook=hook.pk, states=FAILED_STATES, since=at, count=1)


def view(model_admin, request, chosen=None):
    """
    GET: the form, and with it the count. POST: begin, or go on.

    Args:
        chosen: instead of the request's data, to show the count.
    """
    if not may_replay(request) or not model_admin.has_view_permission(request):
        raise PermissionDenied
    data = (request.POST if request.method == "POST" else request.GET).copy()
    if chosen is not None:
        data = QueryDict(mutable=True)
        data.update({**chosen, "count": "1"})
    data.setdefault("verb", "replay")
    form = SendAgainForm(data, request)
    is_counted, is_posted = "count" in data, request.method == "POST"
    if not is_counted and not is_posted:
        # Filled in by a link, and nothing asked for yet.
        form.initial = {name: data.getlist(name) if name == "states" else data[name] for name in data}
        form.is_bound = False
    address = reverse("admin:openedx_webhooks_delivery_send_again")
    return page(model_admin, request, form, address, is_begun=is_posted and not is_counted)


def page(model_admin, request, form, address: str, *, is_begun: bool, extra: dict | None = None):
    """
    The count of what a form chose, or, once it has begun, how far it is.

    Args:
        form: with a method ``choice()``.
        address: of this page, where its forms are sent.
        is_begun: somebody has pressed the button.
        extra: for the template.
    """
    choice = form.choice() if form.is_bound and form.is_valid() else None
    verb = choice.verb if choice else form.initial.get("verb", "replay")
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": VERBS.get(verb, VERBS["replay"])[0],
        "form": form,
        "address": address,
        "hidden": _hidden(form) if form.is_bound else [],
        **(extra or {}),
    }
    if choice and is_begun:
        progress = progress_tokens.load(request.user.pk, request.POST.get("token", ""))
        if progress is None:
            messages.error(request, _("This page was open for too long: count again."))
            return HttpResponseRedirect(address)
        context |= _carried_on(model_admin, request, choice, progress)
        if request.headers.get("X-Requested-With") == "XMLHttpRequest":
            return HttpResponse(render_to_string("admin/openedx_webhooks/sending_progress.html", context, request))
    elif choice:
        progress = resending.advance(choice, resending.Progress(), act=False, seconds=_SECONDS)
        context |= {"counted": _counted(choice, progress), "warning": _warning(choice)}
    return TemplateResponse(request, "admin/openedx_webhooks/sending_again.html", context)


def _hidden(form) -> list[tuple[str, str]]:
    """What was chosen, as the next page is told it."""
    data = form.data
    names = [form.add_prefix(name) for name in form.fields]
    getlist = data.getlist if hasattr(data, "getlist") else lambda name: [data[name]] if name in data else []
    return [(name, value) for name in names for value in getlist(name) if value not in ("", None)]


def _counted(choice, progress) -> dict:
    verb_button = VERBS[choice.verb][1]
    count = progress.tally[resending.DONE]
    return {
        "count": count,
        "button": verb_button % count if progress.is_over else _("Begin"),
        "is_whole": progress.is_over,
        "is_cut": progress.is_cut,
        "left": _left(progress),
        "per_second": resending.per_second() if choice.verb == "replay" else 0,
        "takes": _takes(count) if choice.verb == "replay" else "",
    }


def _left(progress) -> list[tuple[int, str]]:
    return [(progress.tally[key], text) for key, text in _LEFT.items() if progress.tally[key]]


def _takes(count: int) -> str:
    """How long the sending takes, if it is worth a word."""
    seconds = count // resending.per_second()
    return parts.minutes(seconds) if seconds >= 60 else ""


def _warning(choice) -> str:
    """That a webhook keeps them waiting."""
    hook = choice.to or (Webhook.objects.filter(pk=choice.webhook_id).first() if choice.webhook_id else None)
    if hook is None or choice.verb != "replay":
        return ""
    if not hook.enabled:
        return _("The webhook is disabled: they will wait until it is enabled.")
    return _("The webhook is paused: they will wait until it is resumed.") if hook.paused else ""


# --- Progress


def _carried_on(model_admin, request, choice, progress) -> dict:
    was_over = progress.is_over
    resending.advance(choice, progress, act=True, seconds=_SECONDS)
    count = progress.tally[resending.DONE]
    if progress.is_over and not was_over:
        _log(model_admin, request, choice, progress, count)
    waiting = _waiting(progress) if progress.is_over and choice.verb == "replay" else 0
    return {
        "progress": {
            "token": progress_tokens.dump(request.user.pk, progress),
            "says": VERBS[choice.verb][2] % count,
            "is_over": progress.is_over,
            "is_cut": progress.is_cut,
            "left": _left(progress),
            "goes_on": not progress.is_over or bool(waiting),
            "waiting": waiting,
            "many": waiting >= _MOST_WAITING,
            "lists": _lists(progress.webhooks),
            "at": words.exact(timezone.now()),
        },
        "warning": _warning(choice),
    }


def _waiting(progress) -> int:
    """How many of these deliveries were not tried yet; with them what the webhooks are owed since."""
    pending = Delivery.objects.pending().filter(webhook_id__in=list(progress.webhooks), schedule_position=0)
    return pending.filter(scheduled_at__gte=progress.started).order_by()[:_MOST_WAITING].count()


def _lists(webhooks) -> list[tuple[str, str]]:
    """Links to the deliveries of these webhooks."""
    base = reverse("admin:openedx_webhooks_delivery_changelist")
    hooks = Webhook.objects.filter(pk__in=list(webhooks)[:10]).order_by("pk")
    return [(f"{base}?webhook__id__exact={hook.pk}", hook_label(hook)) for hook in hooks]


def _log(model_admin, request, choice, progress, count: int) -> None:
    if not count:
        return
    # It belongs into the history of the webhooks, whose page does that.
    # pylint: disable-next=protected-access  # Django 4.2 has no other way
    of_webhooks = model_admin.admin_site._registry[Webhook]
    for hook in Webhook.objects.filter(pk__in=list(progress.webhooks)[:100]):
        of_webhooks.log_change(request, hook, said(choice, count))


def said(choice: resending.Choice, count: int) -> str:
    """What was done, for the history of a webhook."""
    title = _("Send past events") if choice.past else VERBS[choice.verb][0]
    return f"{title}: {VERBS[choice.verb][2] % count}"
