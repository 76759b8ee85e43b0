"""
E-mails to the operators: a hook is failing, was disabled, works again; deliveries wait for long.

What is so now is compared with what was told, every few minutes, by one worker for all. So each change is told once,
whichever worker met it; what happens together, as when a server with forty hooks goes down, is one e-mail; and what
could not be sent is sent the next time.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

import attrs
from django.conf import settings
from django.core.mail import mail_admins, send_mail
from django.db import DatabaseError, InterfaceError
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import throttle
from ..app_settings import app_settings
from ..models import Hook, Mark, Webfilter, Webhook
from ..models.mark import ALERT
from ..transport.breaker import State, breaker, circuits
from . import status

log = logging.getLogger(__name__)
_EVERY_SECONDS = 300
# One failure may be the network's, and a circuit opens within a second.
_CIRCUIT_PATIENCE = timedelta(minutes=5)
# What comes and goes is told of no more often than that.
_COMES_AND_GOES = timedelta(hours=1)
_MOST_IN_ONE_MAIL = 50
_BACKLOG = f"{ALERT}backlog"
_FAILING, _DISABLED, _CIRCUIT, _OLD = "failing", "disabled", "circuit", "old"


@attrs.frozen
class News:
    """What an e-mail says: its subject, if it is the only one, and its text."""

    subject: str
    text: str


@attrs.frozen
class Trouble:
    """Something that is so now: in which state what the mark is of, and what there is to say."""

    state: str
    news: News


def run_when_due() -> None:
    """Tell operators what has changed, every five minutes at most. For workers; never raises."""
    if not throttle.allows("alerts", seconds=_EVERY_SECONDS):
        return
    try:
        if Mark.objects.writable().take_turn("alerts", _EVERY_SECONDS):
            tell()
    except (DatabaseError, InterfaceError) as error:
        log.warning("Operators are told later of what has changed: %s", type(error).__name__)


def tell() -> None:
    """
    Tell operators what has changed since the last time, in the site's language.

    Raises:
        django.db.Error: the database is away.
    """
    marks = Mark.objects.writable()
    with translation.override(settings.LANGUAGE_CODE):
        found = dict(_troubles())
        told = {mark.name: mark for mark in marks.filter(name__startswith=ALERT)}
        new = {name: one for name, one in found.items() if name not in told or told[name].value != one.state}
        over = [mark for name, mark in told.items() if name not in found and _is_over(mark)]
        news = [*(one.news for one in new.values()), *_good_news(over)]
        if news and not _send(news):
            return
    for name, trouble in new.items():
        marks.note(name, trouble.state)
    marks.filter(name__in=[mark.name for mark in over]).forget()


def _is_over(mark: Mark) -> bool:
    return mark.value in (_FAILING, _DISABLED) or mark.at < timezone.now() - _COMES_AND_GOES


# --- What is so


def _troubles() -> Iterator[tuple[str, Trouble]]:
    """By the name of a mark."""
    webhooks = Webhook.objects.using(Mark.objects.writable().db).filter(removing_since=None)
    for webhook in webhooks.filter(enabled=True, warned_at__isnull=False):
        yield _name(webhook), Trouble(_FAILING, _failing(webhook))
    for webhook in webhooks.filter(enabled=False).exclude(disabled_reason=""):
        yield _name(webhook), Trouble(_DISABLED, _disabled(webhook))
    webfilters = list(
        Webfilter.objects.using(webhooks.db).filter(enabled=True, removing_since=None).exclude(webhook_url="")
    )
    patience = timezone.now() - _CIRCUIT_PATIENCE
    for webfilter, circuit in zip(webfilters, circuits(breaker(one.webhook_url) for one in webfilters), strict=True):
        if circuit.state is not State.CLOSED and circuit.since and circuit.since < patience:
            yield _name(webfilter), Trouble(_CIRCUIT, _not_called(webfilter, circuit.since))
    late, most = status.oldest_due(), app_settings.BACKLOG_ALERT_SECONDS
    if late and most and late < timezone.now() - timedelta(seconds=most):
        yield _BACKLOG, Trouble(_OLD, _backlog(late))


def _name(hook: Hook) -> str:
    return f"{ALERT}{hook._meta.model_name}:{hook.pk}"


def _failing(webhook: Webhook) -> News:
    grace = app_settings.FAILING_DISABLE_AFTER_SECONDS - app_settings.FAILING_WARN_AFTER_SECONDS
    disable_at = webhook.warned_at + timedelta(seconds=max(0, grace))
    return _about(
        webhook,
        _("Webhook %(pk)s is failing"),
        _("All %(count)d attempts since %(since)s failed. The attempts are in the admin under Deliveries.")
        % {"count": webhook.consecutive_failures, "since": _utc(webhook.failing_since or webhook.warned_at)},
        _("Unless one succeeds, the webhook is disabled after %(when)s.") % {"when": _utc(disable_at)},
    )


def _disabled(webhook: Webhook) -> News:
    return _about(
        webhook,
        _("Webhook %(pk)s was disabled"),
        webhook.disabled_reason,
        _(
            "Nothing new is recorded for it, and what it is owed waits. When the endpoint works again, enable the "
            "webhook in the admin: what waited is then delivered. Use Replay for what had failed."
        ),
    )


def _not_called(webfilter: Webfilter, since) -> News:
    halts = webfilter.halt_on_request_exception and webfilter.mode == Webfilter.Mode.ENFORCE
    return _about(
        webfilter,
        _("Webfilter %(pk)s is not called: its endpoint fails"),
        _(
            "Its circuit is open since %(since)s: the endpoint failed several times in a row, and is only tried now "
            "and then."
        )
        % {"since": _utc(since)},
        _("Learners are halted: “Halt on request exception” is ticked. Repair the endpoint, or untick it.")
        if halts
        else _("Learners go on, unchecked and unchanged. Repair the endpoint."),
    )


def _backlog(late) -> News:
    texts = (
        _("Deliveries that could be sent have waited since %(since)s. Nothing is lost.") % {"since": _utc(late)},
        _("The workers are behind. manage.py webhooks_status says what it knows of workers, queue and broker."),
    )
    return News(_("Webhooks' deliveries are late"), "\n\n".join(texts))


# --- What is over


def _good_news(marks: Iterable[Mark]) -> Iterator[News]:
    """Of what is told; nothing of hooks that an operator has enabled, disabled or deleted meanwhile."""
    for mark in marks:
        if mark.name == _BACKLOG:
            yield News(_("Webhooks' deliveries are in time again"), _("No delivery waits for long any more."))
        elif mark.value != _DISABLED and (hook := _hook_of(mark)):
            text = _("Its endpoint has accepted something again, or somebody has changed the webhook or tested it.")
            if mark.value == _CIRCUIT:
                text = _("It is called again, as before.")
            subject = _("Webhook %(pk)s is no longer failing")
            yield _about(hook, _("Webfilter %(pk)s is called again") if mark.value == _CIRCUIT else subject, text)


def _hook_of(mark: Mark) -> Hook | None:
    kind, _colon, pk = mark.name.removeprefix(ALERT).partition(":")
    model: type[Hook] = Webfilter if kind == Webfilter._meta.model_name else Webhook
    rows = model.objects.using(Mark.objects.writable().db)
    return rows.filter(pk=int(pk), enabled=True, removing_since=None).first() if pk.isdecimal() else None


# --- The e-mail


def _about(hook: Hook, subject: str, *texts: str) -> News:
    # The server only: many services put a token into the path or the query, and e-mail is not for secrets.
    about = _("Webfilter %(pk)s: %(event)s → %(server)s\n%(description)s")
    if isinstance(hook, Webhook):
        about = _("Webhook %(pk)s: %(event)s → %(server)s\n%(description)s")
    names: Mapping[str, object] = {
        "pk": hook.pk,
        "event": hook.event_name,
        "server": hook.server,
        "description": hook.description,
    }
    return News(subject % names, "\n\n".join([f"{about % names}\n{_page(hook)}".strip(), *texts]))


def _page(hook: Hook) -> str:
    """The address of the hook's page in the admin; empty if there is no admin, or the site has no address."""
    root = getattr(settings, "LMS_ROOT_URL", None) or ""
    try:
        path = reverse(f"admin:openedx_webhooks_{hook._meta.model_name}_change", args=[hook.pk])
    except NoReverseMatch:
        return ""
    return f"{root.rstrip('/')}{path}" if root else ""


def _utc(when) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"


def _send(news: list[News]) -> bool:
    """One e-mail with all of it; whether the mail server took it."""
    subject = (
        news[0].subject
        if len(news) == 1
        else ngettext("Webhooks and webfilters: %d change", "Webhooks and webfilters: %d changes", len(news))
        % len(news)
    )
    parts = [one.text if len(news) == 1 else f"{one.subject}\n\n{one.text}" for one in news[:_MOST_IN_ONE_MAIL]]
    if more := len(news) - len(parts):
        parts.append(ngettext("And %d more: see the admin.", "And %d more: see the admin.", more) % more)
    text = "\n\n---\n\n".join(parts)
    try:
        if app_settings.ALERT_EMAILS:
            send_mail(subject, text, None, list(app_settings.ALERT_EMAILS))
        else:
            mail_admins(subject, text)
        return True
    except Exception as error:  # pylint: disable=broad-exception-caught
        # The mail server's trouble must not stop deliveries.
        log.error("The e-mail “%s” could not be sent: %s", subject, type(error).__name__)
        return False
