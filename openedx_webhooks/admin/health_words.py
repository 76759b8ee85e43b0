"""A hook's health in sentences: the evidence, since when, the consequence and the next step."""

from collections.abc import Iterator

import attrs
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..app_settings import app_settings
from ..models import Attempt, Hook, Webfilter, Webhook
from ..operations import hook_health
from ..operations.hook_health import Health, Word
from . import history, parts, waiting, words
from .permissions import may_see_payload

TROUBLE = (Word.FAILING, Word.DEGRADED, Word.MISCONFIGURED, Word.CIRCUIT_OPEN, Word.PROBED)


def as_seen_by(request, health: Health) -> Health:
    """The health without what quotes a payload, for those who may not see any."""
    refusal = health.figures.refusal
    if refusal is None or not refusal.error or words.short(refusal.error) or may_see_payload(request):
        return health
    hidden = attrs.evolve(refusal, error="bad_response")
    return attrs.evolve(health, figures=attrs.evolve(health.figures, refusal=hidden))


def badge(hook: Hook, health: Health) -> SafeString:
    """The word; for a hook that goes, how far that is."""
    if health.word == Word.REMOVING:
        return waiting.removing_badge(hook)
    return parts.badge(str(health.word.label), tone_of(hook, health), evidence(hook, health))


def tone_of(hook: Hook, health: Health) -> str:
    """That somebody has disabled it is no alarm; that it was disabled after failures is one."""
    return "bad" if health.word == Word.DISABLED and getattr(hook, "disabled_reason", "") else health.tone


def column(hook: Hook, health: Health) -> SafeString:
    text = "" if health.word == Word.REMOVING else evidence(hook, health)
    return format_html('{}<div class="owh-evidence">{}</div>', badge(hook, health), text)


def evidence(hook: Hook, health: Health) -> str:
    """What the word rests on, in one sentence."""
    if health.word == Word.DISABLED:
        return getattr(hook, "disabled_reason", "") or _off(hook)
    if health.word == Word.PAUSED:
        return _("Events are captured, and nothing is sent.")
    if health.word == Word.MISCONFIGURED and health.problems:
        return " ".join(health.problems)
    if health.word in (Word.CIRCUIT_OPEN, Word.PROBED):
        return _of_circuit(health)
    if health.word == Word.OVERDUE:
        return _("Due since %s, and nobody sends it.") % words.exact(health.figures.next_due)
    if health.word == Word.NOTHING_YET or (health.word == Word.OBSERVING and not health.figures.all.tried):
        return _no_evidence(hook, health)
    if health.word == Word.NOT_RECORDED:
        return _unrecorded(hook)
    return _counted(hook, health)


def outlook(hook: Hook, health: Health) -> list[str]:
    """For the page: what the evidence means; its consequence, and the next step. Paragraphs; none if all is well."""
    return [paragraph for paragraph in _outlook(hook, health) if paragraph]


def _outlook(hook: Hook, health: Health) -> Iterator[str]:
    if health.word == Word.REMOVING:
        yield waiting.removing_note(hook)
        return
    if health.word == Word.DISABLED:
        yield f"{disabled_by(hook)} {waiting.off_note(hook)}".strip()
    elif health.word == Word.PAUSED:
        yield waiting.paused_note(hook)
    elif health.word == Word.OVERDUE:
        yield waiting.overdue_note(health.figures.next_due)
    elif health.word == Word.OBSERVING:
        yield _("Its answers change and halt nothing. What it would have done stands under Calls.")
    elif health.word == Word.FINE and health.window.tried:
        yield _("The last one was accepted at %s.") % words.exact(hook_health.accepted_at(hook, health.figures))
        yield lost_note(health)
    elif health.word == Word.NOTHING_YET:
        yield _("Send a test to see whether the endpoint answers.")
    elif health.word in TROUBLE and not (health.word == Word.MISCONFIGURED and health.problems):
        if not (isinstance(hook, Webhook) and hook_health.is_repaired(hook, health.figures)):
            yield meaning(health)
        yield f"{_since(hook, health)} {_consequence(hook, health)}".strip()


def meaning(health: Health) -> str:
    """What the last refusal means, and what to do; empty without one."""
    refusal = health.figures.refusal
    if refusal is None:
        return ""
    kind, status = refusal.error.partition(":")[0], refusal.status_code
    if kind in words.KINDS:
        return words.meaning(Attempt(error=kind))
    # A success whose body could not be used: the error says why.
    return refusal.error if status is None or 200 <= status < 300 else words.meaning(Attempt(status_code=status))


def refused_with(health: Health) -> str:
    """Status or error of the last refusal, in a few words; empty without one."""
    refusal = health.figures.refusal
    return parts.answered(refusal.status_code, refusal.error, needs_body=True) if refusal else ""


def disabled_by(hook: Hook) -> str:
    """Who has disabled a hook, and when, as far as its history knows; of what the plugin did its reason says more."""
    versions = hook.history.order_by("-history_id")
    before = versions.filter(enabled=True).first()
    version = before and versions.filter(history_id__gt=before.pk).last()
    if version is None or getattr(hook, "disabled_reason", ""):
        return ""
    return _("Disabled by %(who)s at %(when)s.") % {
        "who": history.who_made(version, in_sentence=True),
        "when": words.exact(version.history_date),
    }


def _off(hook: Hook) -> str:
    return _("It is not called.") if isinstance(hook, Webfilter) else _("Events are not recorded for it.")


def _of_circuit(health: Health) -> str:
    circuit = health.circuit
    text = ngettext("%d failure in a row", "%d failures in a row", circuit.failures) % circuit.failures
    if why := refused_with(health):
        text = f"{text}: {why}"
    return _("%(failures)s; open since %(since)s.") % {
        "failures": text,
        "since": words.exact(circuit.since) if circuit.since else _("an unknown time"),
    }


def _no_evidence(hook: Hook, health: Health) -> str:
    waits = health.figures.all.results.total()
    if isinstance(hook, Webhook):
        if waits:
            return (
                ngettext(
                    "%d delivery waits for its first attempt.", "%d deliveries wait for their first attempt.", waits
                )
                % waits
            )
        return _("No event of this kind has happened since it is enabled, or none matched.")
    return _("The filter has not run since it is enabled, or the condition did not match.")


def _unrecorded(hook: Webfilter) -> str:
    if hook.call_log == Webfilter.CallLog.NONE:
        return _("No call was made in the last day. Its calls are counted, and not recorded.")
    return _("No call was made in the last day, and no problem was recorded lately.")


def _counted(hook: Hook, health: Health) -> str:
    """``12 of 40 in the last hour were not accepted: 404.``"""
    text = _counted_so_far(hook, health)
    if health.window.refused and hook_health.has_recovered(hook, health.figures):
        return _("Fine since %(since)s; before that %(evidence)s") % {
            "since": words.exact(hook.recovered_at),
            "evidence": text,
        }
    return text


def _counted_so_far(hook: Hook, health: Health) -> str:
    window, in_a_row = health.window, _in_a_row(hook, health)
    if window.refused:
        text = _refused(hook, health)
    elif in_a_row:
        text = ngettext("%d failure in a row", "%d failures in a row", in_a_row) % in_a_row
    else:
        return _accepted(hook, health)
    why = refused_with(health)
    return f"{text}: {why}." if why else f"{text}."


def _in_a_row(hook: Hook, health: Health) -> int:
    return hook.consecutive_failures if isinstance(hook, Webhook) else health.circuit.failures


def _refused(hook: Hook, health: Health) -> str:
    values = {"refused": parts.number(health.window.refused), "tried": _tried(health)}
    if isinstance(hook, Webhook):
        if health.is_of_hour:
            return _("%(refused)s of %(tried)s in the last hour were not accepted") % values
        return _("%(refused)s of %(tried)s in the last day were not accepted") % values
    if not health.figures.is_whole:
        if health.is_of_hour:
            return _("%(refused)s failed in the last hour") % values
        return _("%(refused)s failed in the last day") % values
    if health.is_of_hour:
        return _("%(refused)s of %(tried)s calls in the last hour had no usable answer") % values
    return _("%(refused)s of %(tried)s calls in the last day had no usable answer") % values


def _accepted(hook: Hook, health: Health) -> str:
    at, tried = hook_health.accepted_at(hook, health.figures), _tried(health)
    if health.word == Word.LOCAL and not health.window.tried:
        return _("Nothing is sent: the answer is given here.")
    if lost := health.figures.day.lost if isinstance(hook, Webhook) else 0:
        text = ngettext("%d of the last day has failed for good.", "%d of the last day have failed for good.", lost)
        return text % lost
    if not health.window.tried:
        return _("The last one was accepted at %s.") % words.exact(at) if at else _("Nothing was accepted lately.")
    if isinstance(hook, Webhook):
        text = _("%s in the last hour, all accepted.") if health.is_of_hour else _("%s in the last day, all accepted.")
    elif health.figures.is_whole:
        hour, day = _("%s calls in the last hour, all answered."), _("%s calls in the last day, all answered.")
        text = hour if health.is_of_hour else day
    else:
        text = _("%s recorded in the last day, none failed.")
        tried = parts.number(health.figures.day.tried)
    return text % tried


def _tried(health: Health) -> str:
    is_cut = health.figures.is_cut and not health.is_of_hour
    return parts.number(health.window.tried) + (_(" (the newest)") if is_cut else "")


def _since(hook: Hook, health: Health) -> str:
    since = getattr(hook, "failing_since", None)
    if isinstance(hook, Webhook) and hook_health.is_repaired(hook, health.figures):
        return _("The webhook was changed since then: the next attempts will tell.")
    return _("Nothing was accepted since %s.") % words.exact(since) if since else ""


def _consequence(hook: Hook, health: Health) -> str:
    if isinstance(hook, Webfilter):
        return _consequence_of_webfilter(hook, health)
    text = _("Learners notice nothing.")
    if health.figures.next_due and health.figures.next_due < timezone.now() - hook_health.PATIENCE:
        text += " " + waiting.overdue_note(health.figures.next_due)
    elif health.figures.next_due:
        text += " " + _("What was not accepted waits, and is sent again at %s.") % words.exact(health.figures.next_due)
    return f"{text} {lost_note(health)}".strip()


def lost_note(health: Health) -> str:
    """How many of the last day are sent again by nobody, and what to do; empty if there is none."""
    lost = health.figures.day.lost
    text = ngettext(
        "%d has failed for good: when the cause is gone, “Replay failed” sends it again.",
        "%d have failed for good: when the cause is gone, “Replay failed” sends them again.",
        lost,
    )
    return text % lost if lost else ""


def _consequence_of_webfilter(hook: Webfilter, health: Health) -> str:
    if hook.local_answer:
        return _("Learners whose answer failed go on as if there were no webfilter.")
    if hook.mode == Webfilter.Mode.OBSERVE:
        return _("Learners notice nothing: it only observes.")
    if hook.halt_on_request_exception or hook.halt_on_5xx:
        text = _("Learners are halted while the endpoint fails, as chosen under “If the endpoint fails”.")
    else:
        text = _("Learners go on unchecked, as if the webfilter did not exist.")
    if health.word == Word.CIRCUIT_OPEN:
        text += " " + _("Every %d seconds one call tries it again.") % app_settings.BREAKER_OPEN_SECONDS
    return text
