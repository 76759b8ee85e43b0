"""What a webfilter did, or would have done, to whom: the figures on its page, while it observes and afterwards."""

from collections import Counter

from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from ..models import Call, Webfilter
from ..webfilters import report
from . import parts, permissions, words

_MOST_PEOPLE = 20
_MOST_REASONS = 10


def reports(request, hook: Webfilter) -> list[dict]:
    """
    What the page shows: of a webfilter that observes, what it would have done in the last day; of one that is enforced,
    what it has done, and beside it what it would have done when it last observed.
    """
    if hook.mode == Webfilter.Mode.OBSERVE:
        return [_report(request, hook, report.last_day(hook.mode))]
    before = report.last_observed(hook)
    observed = before and _report(request, hook, before)
    return [_report(request, hook, report.last_day(hook.mode)), observed] if observed and observed["calls"] else []


def _report(request, hook, period: report.Period) -> dict:
    figures = report.figures(hook, period)
    for share in ("p50", "p95"):
        # The page says "less than": what a local answer takes is never less than 0 ms.
        figures[share] = None if figures[share] is None else parts.seconds(max(figures[share], 0.001))
    errors = Counter()
    for error, count in figures["errors"].items():
        # What went wrong may quote the payload.
        known = error if permissions.may_see_payload(request) or words.short(error) else "bad_response"
        errors[parts.answered(None, known)] += count
    may_see_calls = request.user.has_perm("openedx_webhooks.view_call")
    return {
        **figures,
        "errors": errors.most_common(),
        "observes": period.mode == Webfilter.Mode.OBSERVE,
        "title": _title(period),
        "reasons": _reasons(request, hook, period),
        "calls_url": _calls_url(hook, period.mode) if may_see_calls else "",
        **(_people(request, hook, period) if may_see_calls else {}),
    }


def _title(period) -> str:
    if period.mode == Webfilter.Mode.ENFORCE:
        return _("What it has done in the last day")
    if period.until is None:
        return _("What it would have done in the last day")
    return _("What it would have done on the last day that it observed, until %s") % words.exact(period.until)


def _reasons(request, hook, period) -> list[tuple[str, int]]:
    found = report.reasons(report.latest_halts(hook, period)).values()
    return Counter(_in_words(request, reason) for reason in found if reason.name).most_common(_MOST_REASONS)


def _in_words(request, reason: report.Reason) -> str:
    """Why it halted. The message is made for one learner, and may name them."""
    if reason.name.isdecimal():
        return _("answered with %s") % reason.name
    if reason.message and permissions.may_see_payload(request):
        return f"{reason.name}: {reason.message}"
    return words.short(reason.name) or reason.name


def _people(request, hook, period) -> dict:
    everybody = report.people(hook, period)
    shown = everybody[:_MOST_PEOPLE]
    why = report.reasons(person.latest for person in shown)
    names = _names(request, [person.user_id for person in shown if person.user_id])
    return {
        "people": [
            {
                "name": names.get(person.user_id) or (str(person.user_id) if person.user_id else _("No account yet")),
                "halts": person.halts,
                "changes": person.changes,
                "reason": _in_words(request, why[person.latest]) if person.latest in why else "",
                "when": words.exact(person.started_at),
                "url": reverse("admin:openedx_webhooks_call_change", args=[person.latest]),
                "call": person.latest,
            }
            for person in shown
        ],
        "more_people": len(everybody) - len(shown),
    }


def _names(request, numbers: list[int]) -> dict[int, str]:
    """Username and number, for those who may see whom it is about."""
    if not permissions.may_see_payload(request):
        return {}
    users = get_user_model().objects.in_bulk(numbers)
    return {number: f"{user.get_username()} ({number})" for number, user in users.items()}


def _calls_url(hook, mode) -> str:
    query = urlencode({"webfilter__id__exact": hook.pk, "mode__exact": mode, "result__exact": Call.Result.HALTED})
    return f"{reverse('admin:openedx_webhooks_call_changelist')}?{query}"
