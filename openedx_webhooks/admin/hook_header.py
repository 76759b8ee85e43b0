"""What stands first on a hook's page: its state, its health with the evidence, the last day, and what to do."""

from datetime import datetime
from typing import Any

import attrs
from django.urls import reverse
from django.utils.translation import gettext as _

from ..models import Attempt, Call, Delivery, Hook, Webfilter, Webhook
from ..models.tally import CallOutcome
from ..operations import hook_figures, hook_health, statistics
from ..operations.statistics import Series
from . import health_words, parts, waiting, words
from .buttons import Button, Page
from .chart import KINDS, chart
from .permissions import may_see_payload

_LAST_FAILURES = 3
_OF_ATTEMPT = ("started_at", "status_code", "error")


@attrs.frozen
class Figure:
    """A number with its name; ``url`` is where the rows behind it are."""

    label: str
    value: str
    url: str = ""


def header_of(page: Page) -> dict[str, Any]:
    hook, health, day = page.hook, page.health, statistics.of(page.hook)
    return {
        "name": parts.breakable(hook.event_name),
        "badge": health_words.badge(hook, health),
        "tone": health_words.tone_of(hook, health),
        "evidence": health_words.evidence(hook, health),
        "is_silent": health.word == hook_health.Word.NOTHING_YET,
        "problems": health.problems,
        "outlook": health_words.outlook(hook, health),
        "chart": chart(day, KINDS[type(hook)]),
        "empty_day": _empty_day(hook),
        "is_complete": day.is_complete,
        "figures": _figures(page, day),
        "failures": _failures(page),
        "states": [(state, state.is_of(hook)) for state in page.model_admin.states],
        "buttons": _buttons(page),
    }


def _buttons(page: Page) -> list[tuple[str, str, bool]]:
    """Address, label, and whether it is a link."""
    shown = [button for button in page.model_admin.buttons if button.label and button.when(page)]
    return [(_address(page, button), str(button.label), bool(button.opens)) for button in shown]


def _address(page: Page, button: Button) -> str:
    return button.opens if button.opens.startswith("#") else page.model_admin.url_of(button, page.hook)


def _empty_day(hook: Hook) -> str:
    """What the place of the chart says when there is nothing to draw."""
    if isinstance(hook, Webhook):
        return _("Nothing was tried in the last 24 hours.")
    return _("No call was made in the last 24 hours.")


def _figures(page: Page, day: Series) -> list[Figure]:
    figures = _of_webhook(page, day) if isinstance(page.hook, Webhook) else _of_webfilter(page, day)
    if took := day.durations:
        figures.append(Figure(_("median · 95 of 100"), " · ".join(map(parts.seconds, took))))
    return figures


def _of_webhook(page: Page, day: Series) -> list[Figure]:
    url = f"{reverse('admin:openedx_webhooks_delivery_changelist')}?webhook__id__exact={page.hook.pk}"
    url = url if page.request.user.has_perm("openedx_webhooks.view_delivery") else ""
    count = waiting.count(page.hook) if page.health.figures.next_due else 0
    figures = [
        Figure(_("attempts accepted, last day"), parts.share(day.accepted_share), url),
        Figure(
            _("waiting"),
            parts.number(count) + ("+" if count >= waiting.MOST_COUNTED else ""),
            url and f"{url}&state__exact={Delivery.State.PENDING}",
        ),
    ]
    if failed := page.health.figures.day.lost:
        more = "+" if failed >= hook_figures.MOST_LOST else ""
        url = url and f"{url}&state__exact={Delivery.State.FAILED}"
        figures.append(Figure(_("failed"), f"{parts.number(failed)}{more}", url))
    return figures


# Name of a figure of a webfilter's calls, the result whose rows are behind it, and what it counts.
_Counted = tuple[str, str, tuple[str, ...]]


def _of_webfilter(page: Page, day: Series) -> list[Figure]:
    """Of all calls; with links to those that are recorded."""
    hook, tally, result = page.hook, day.tally, Call.Result
    url = f"{reverse('admin:openedx_webhooks_call_changelist')}?webfilter__id__exact={hook.pk}"
    url = url if page.request.user.has_perm("openedx_webhooks.view_call") else ""
    counted: tuple[_Counted, ...] = (
        (_("halted"), result.HALTED, (CallOutcome.HALTED, CallOutcome.HALTED_BY_FAILURE)),
        (_("changed"), result.CHANGED, (CallOutcome.CHANGED,)),
    )
    if hook.mode == Webfilter.Mode.OBSERVE:
        counted = (
            (_("would have halted"), result.HALTED, (CallOutcome.WOULD_HALT, CallOutcome.WOULD_HALT_BY_FAILURE)),
            (_("would have changed"), result.CHANGED, (CallOutcome.WOULD_CHANGE,)),
        )
    return [
        Figure(_("calls, last day"), parts.number(tally.total()), url),
        *(
            Figure(label, parts.number(sum(tally[each] for each in outcomes)), url and f"{url}&result__exact={found}")
            for label, found, outcomes in counted
        ),
        Figure(_("failed"), parts.number(day.refused), url and f"{url}&result__exact={result.IGNORED}"),
    ]


def _failures(page: Page) -> list[dict[str, Any]]:
    """The last ones, for those who may see them; without any, nothing is looked for."""
    if not page.health.figures.all.refused:
        return []
    if isinstance(page.hook, Webhook):
        if not page.request.user.has_perm("openedx_webhooks.view_delivery"):
            return []
        refused = list(hook_figures.refused(page.hook.pk)[:_LAST_FAILURES])
        attempts = Attempt.objects.filter(delivery__in=refused).order_by("pk").only("delivery_id", *_OF_ATTEMPT)
        last = {attempt.delivery_id: attempt for attempt in attempts}
        failures = [
            _failure(delivery, attempt.started_at, parts.answered(attempt.status_code, attempt.error))
            for delivery in refused
            if (attempt := last.get(delivery.pk))
        ]
        # Those of the newest deliveries, in the order in which they were tried last.
        return sorted(failures, key=lambda failure: failure["at"], reverse=True)
    if not page.request.user.has_perm("openedx_webhooks.view_call"):
        return []
    in_short = not may_see_payload(page.request)
    return [
        _failure(call, call.started_at, parts.call_answered(call, in_short=in_short))
        for call in hook_figures.failed_calls(page.hook.pk)[:_LAST_FAILURES]
    ]


def _failure(record: Delivery | Call, at: datetime, answer: str) -> dict[str, Any]:
    url = reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])
    return {"at": at, "when": words.exact(at), "answer": answer, "url": url}
