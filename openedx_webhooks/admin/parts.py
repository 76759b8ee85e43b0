"""Small pieces of HTML that several pages share. Whatever comes from outside is escaped here."""

import json
import re

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import catalog
from ..models import Call, CapturedEvent, Delivery, Webfilter
from ..models.delivery import STATES
from ..models.json_fields import Unreadable
from ..operations import removal
from . import words

EMPTY = "–"
CALL_TONES = {
    Call.Result.PASSED: "good",
    Call.Result.CHANGED: "info",
    Call.Result.HALTED: "warn",
    Call.Result.IGNORED: "bad",
}


def badge(text: str, tone: str, title: str = "") -> SafeString:
    """
    A short coloured label.

    Args:
        text: shown, escaped.
        tone: good, info, warn, bad or quiet; the text alone says it too.
        title: shown when pointed at.
    """
    return format_html('<span class="owh-badge owh-{}" title="{}">{}</span>', tone, title, text)


def delivery_badge(state: str) -> SafeString:
    tone = STATES[state].tone if state in STATES else "quiet"
    return badge(str(dict(Delivery.State.choices).get(state, state)), tone)


def call_badge(call: Call) -> SafeString:
    """The result of a webfilter call, or what it would have been."""
    labels = dict(Call.Result.choices)
    if call.mode == Webfilter.Mode.OBSERVE:
        labels |= {Call.Result.CHANGED: _("Would have changed data"), Call.Result.HALTED: _("Would have halted")}
    return badge(str(labels.get(call.result, call.result)), CALL_TONES.get(call.result, "quiet"))


def mode_badge(mode: str) -> SafeString:
    """Whether a webfilter's answers count, in one word: the choice's text is a sentence."""
    if mode == Webfilter.Mode.OBSERVE:
        return badge(_("observe"), "info", _("Answers are recorded and nothing else."))
    return badge(_("enforce"), "good", _("Answers change the data or halt the process."))


def hook_name(hook) -> SafeString:
    """Short name of a hook's type, and what the hook is for; or that this installation doesn't know the type."""
    name = with_title(breakable(hook.event_name), hook.event)
    unknown = (
        ""
        if hook.known_type
        else format_html(
            "<br>{}",
            badge(
                _("not known to this installation"),
                "warn",
                _("No installed library has this type, so the hook never runs. It may have been renamed or removed."),
            ),
        )
    )
    # Two without a description, on one event and for one server, are told apart by their numbers.
    about = shortened(hook.description) or (_("number %d") % hook.pk if hook.pk else "")
    return format_html('{}{}<br><span class="owh-about">{}</span>', name, unknown, about)


def hook_in_short(hook) -> str:
    """What a hook is for, in the operator's words, or where it leads to; and its number."""
    text = first_characters(hook.description, 40) or hook.server
    return f"{text} ({hook.pk})" if text else _("number %d") % hook.pk


def hook_and_server(hook) -> str:
    """The same, and where it leads to if that was not said yet."""
    in_short = hook_in_short(hook)
    return f"{in_short}, {hook.server}" if hook.server and hook.description.strip() else in_short


def event_name(event: CapturedEvent | None) -> SafeString | str:
    """The short name of an event's type, with the dotted type when pointed at."""
    if event is None:
        return EMPTY
    known = catalog.find_event(event.event_type)
    return with_title(breakable(known.name if known else event.event_type), event.event_type)


def breakable(name: str) -> SafeString:
    """A name that may be broken after its underscores and dots, so that a column need not be as wide as it is long."""
    return mark_safe(re.sub(r"([_.]|[a-z](?=[A-Z]))", r"\1<wbr>", escape(name)))  # noqa: S308 (escaped)


def person(user_id: int | None, username: str) -> str:
    """``ada (42)``, or what is known of it."""
    return f"{username} ({user_id})" if username and user_id else str(username or user_id or EMPTY)


def whom(event: CapturedEvent | None, *, by_number: bool) -> SafeString | str:
    """Whom an event is about, and below it which course."""
    if event is None:
        return EMPTY
    who = person(event.user_id, "" if by_number else event.username)
    if not event.course_key:
        return who
    return format_html('{}<br><span class="owh-quiet-text owh-key-text">{}</span>', who, event.course_key)


def payload(value) -> SafeString | str:
    """A captured payload, or that it is gone."""
    if value is None:
        return _("Removed: payloads are kept for a limited time, and not once the user is retired.")
    return pretty(value)


def link(obj, text) -> SafeString:
    name = f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(name, args=[obj.pk]), text)


def percent(ratio: float) -> str:
    """``97 %``; never 100 % unless it is all."""
    return f"{int(ratio * 100)} %"


def share(ratio: float | None) -> str:
    return EMPTY if ratio is None else percent(ratio)


def number(count: int) -> str:
    """``1,003``."""
    return number_format(count, force_grouping=True)


def number_of(count: int, name: str) -> str:
    """``12 deliveries``; ``more than`` where it was not counted to the end."""
    most = removal.MOST_COUNTED
    return _("more than %(count)d %(name)s") % {"count": most, "name": name} if count >= most else f"{count} {name}"


def pretty(value) -> SafeString:
    """JSON with indentation, escaped; what is no JSON, as it is."""
    if isinstance(value, Unreadable):
        return plain(value)
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except RecursionError:
        return plain(_("It is nested too deeply to be shown."))
    return plain(text)


def plain(text: str) -> SafeString:
    # Text can hold half of a surrogate pair, a page can't.
    return format_html('<pre class="owh-json" tabindex="0">{}</pre>', text.encode("utf-8", "replace").decode())


def excerpt(text: str) -> SafeString | str:
    """The beginning of a body, escaped; indented if it is JSON."""
    if not text:
        return EMPTY
    try:
        return pretty(json.loads(text))
    except (ValueError, RecursionError):
        return plain(text)


def seconds(value: float) -> str:
    """A duration: ``83 ms`` or ``4.21 s``."""
    # Somebody has written to the table: not even a clock that was put back makes it negative.
    value = max(value, 0.0)
    return _("%d ms") % round(value * 1000) if value < 1 else _("%.2f s") % value


def minutes(value: int) -> str:
    """A long duration in seconds: ``12 minutes``, ``3 hours``."""
    count = round(value / 60)
    if count < 120:
        return ngettext("%d minute", "%d minutes", count) % count
    return ngettext("%d hour", "%d hours", round(count / 60)) % round(count / 60)


def with_title(text: str, title: str) -> SafeString:
    return format_html('<span title="{}">{}</span>', title, text)


def shortened(text: str, most: int = 60) -> SafeString | str:
    """The first characters of a text on one line, and the rest when pointed at."""
    line = " ".join(text.split())
    return with_title(first_characters(line, most), line) if len(line) > most else line


def first_characters(text: str, most: int) -> str:
    """The first characters of a text on one line, with an ellipsis if there are more."""
    return Truncator(" ".join(text.split())).chars(most)


def answered(status_code: int | None, error: str, *, needs_body: bool = False) -> str:
    """
    The status code, and what went wrong, in words.

    Args:
        error: a short kind, or one with details after a colon, as attempts keep it; the details are left out. For calls
            also a sentence about the answer.
        needs_body: the body counts, as a webfilter's does. For a webhook a 2xx says it all.
    """
    said = words.short(error)
    if status_code is None:
        # A webfilter that was not called has answered by itself.
        return said or error or (_("local answer") if needs_body else EMPTY)
    if _is_good(status_code):
        if not needs_body or not error:
            return str(status_code)
        said = said or words.short("bad_response")
    return f"{status_code}, {said}" if said else str(status_code)


def call_answered(call: Call, *, in_short: bool = False) -> str:
    """
    The status code of a webfilter's call, or what went wrong; and whether the answer is an earlier one.

    Args:
        in_short: no details of what went wrong, which may quote the payload.
    """
    error = call.error if not in_short or not call.error or words.short(call.error) else "bad_response"
    text = answered(call.status_code, error, needs_body=True)
    return _("%s (cached)") % text if call.is_cached else text


def answer_badge(status_code: int | None, error: str, *, needs_body: bool = False) -> SafeString:
    tone = "good"
    if not _is_good(status_code) or (needs_body and error):
        tone = words.KINDS[error].tone if status_code is None and error in words.KINDS else "bad"
    return badge(answered(status_code, error, needs_body=needs_body), tone, error)


def _is_good(status_code):
    return status_code is not None and 200 <= status_code < 300
