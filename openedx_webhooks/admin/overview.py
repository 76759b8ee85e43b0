"""The overview: the first entry of the section, with every hook and what needs a hand on top."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..models import Hook, Overview, Webfilter, Webhook
from ..operations import overview, statistics
from ..operations.hook_health import Word
from ..operations.overview import Backlog, Row, Totals
from ..operations.statistics import Period, Series
from . import chart, health_words, parts, status_line, times, words
from .hook_header import Figure
from .permissions import ViewOnly

_NAMES = {Webhook: gettext_lazy("webhook"), Webfilter: gettext_lazy("webfilter")}


def kinds_for(request) -> list[type[Hook]]:
    return [
        kind
        for kind in (Webhook, Webfilter)
        if any(request.user.has_perm(f"openedx_webhooks.{verb}_{kind._meta.model_name}") for verb in ("view", "change"))
    ]


@admin.register(Overview)
class OverviewAdmin(ViewOnly, admin.ModelAdmin):
    """One page, and nothing to change on it."""

    def has_view_permission(self, request, obj=None):
        return bool(kinds_for(request))

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def get_urls(self):
        """The page has the address of a list."""
        return [path("", self.admin_site.admin_view(self.changelist_view), name="openedx_webhooks_overview_changelist")]

    def changelist_view(self, request, extra_context=None):
        """The page; ``?period=week`` or ``month`` look further back."""
        kinds = kinds_for(request)
        if not kinds:
            raise PermissionDenied
        asked = request.GET.get("period")
        period = Period(asked) if asked in Period.values else Period.DAY
        rows = {kind: overview.rows(kind, period) for kind in kinds}
        site = overview.totals(rows[Webhook], period) if Webhook in rows else None
        sums = {kind: statistics.total((row.series for row in found), period) for kind, found in rows.items()}
        every = sorted((row for found in rows.values() for row in found), key=lambda row: row.urgency)
        context = {
            **self.admin_site.each_context(request),
            **status_line.context(),
            "opts": self.opts,
            "title": _("Overview"),
            "periods": [(each, each.label, each == period) for each in Period],
            "lead": _lead(every),
            "figures": list(_figures(rows, sums, site)),
            "charts": [_chart_of(kind, series) for kind, series in sums.items()],
            "lines": [_line(request, row) for row in every],
            "is_complete": all(row.series.is_complete for row in every) and (site is None or site.is_complete),
            "adding": [
                (kind._meta.verbose_name, reverse(f"admin:openedx_webhooks_{kind._meta.model_name}_add"))
                for kind in kinds
                if request.user.has_perm(f"openedx_webhooks.add_{kind._meta.model_name}")
            ],
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/openedx_webhooks/overview.html", context)


def _lead(rows: list[Row]) -> str:
    count = sum(row.needs_a_hand for row in rows)
    if not rows:
        return _("There is no hook yet.")
    if not count:
        return ngettext("%d hook, and it needs no hand.", "%d hooks, and none needs a hand.", len(rows)) % len(rows)
    return ngettext("%(count)d of %(all)d hooks needs a hand.", "%(count)d of %(all)d hooks need a hand.", count) % {
        "count": count,
        "all": len(rows),
    }


def _figures(
    rows: dict[type[Hook], list[Row]], sums: dict[type[Hook], Series], site: Totals | None
) -> Iterator[Figure]:
    if site is not None:
        yield from _of_webhooks(rows[Webhook], sums[Webhook], site)
    if Webfilter in rows:
        yield Figure(_("calls"), parts.number(sums[Webfilter].tally.total()))


def _of_webhooks(rows: list[Row], attempts: Series, site: Totals) -> Iterator[Figure]:
    period = attempts.period
    yield Figure(_("events captured"), parts.number(site.captured))
    yield Figure(_("attempts"), parts.number(attempts.tried))
    yield Figure(_("accepted"), parts.share(attempts.accepted_share))
    yield Figure(
        _("accepted in the busiest hour") if period == Period.DAY else _("accepted on the busiest day"), _rate(attempts)
    )
    backlogs = [row.backlog for row in rows if row.backlog]
    waiting = Backlog(sum(each.count for each in backlogs), timezone.now(), any(each.is_more for each in backlogs))
    yield Figure(_("waiting"), _waiting(waiting))
    yield Figure(_("oldest due"), times.relative(site.oldest_due) if site.oldest_due else _("nothing is due"))
    if site.storage is not None:
        yield Figure(_("storage used"), filesizeformat(site.storage))


def _rate(attempts: Series) -> str:
    """How many were accepted per second, or if they are few, per minute or hour, when they were most."""
    most = max(statistics.counted_as(one.tally, True) for one in attempts.slices)
    hourly = most / attempts.period.span
    for count, text in ((hourly / 3600, _("%s a second")), (hourly / 60, _("%s a minute"))):
        if count >= 1:
            return text % f"{count:.2g}"
    return _("%s an hour") % parts.number(round(hourly))


def _chart_of(kind: type[Hook], series: Series) -> dict[str, Any]:
    return {
        "title": _("Attempts of webhooks") if kind is Webhook else _("Calls of webfilters"),
        "chart": chart.chart(series, chart.KINDS[kind]),
    }


def _about(hook) -> SafeString:
    """Whether it is a webhook or a webfilter, of what if its name does not say that, and where it leads to."""
    of = format_html(" · {}", parts.breakable(hook.event_name)) if hook.description.strip() else ""
    to = format_html(" → {}", parts.breakable(hook.server)) if hook.server else ""
    return format_html("{}{}{}", _NAMES[type(hook)], of, to)


def _line(request, row: Row) -> dict[str, Any]:
    """A row of the table, as the template takes it."""
    hook, kind = row.hook, type(row.hook)
    health, series = health_words.as_seen_by(request, row.health), row.series
    took = series.durations
    is_called = bool(series.tally)
    return {
        "url": reverse(f"admin:openedx_webhooks_{kind._meta.model_name}_change", args=[hook.pk]),
        "name": parts.first_characters(hook.description, 80) or parts.breakable(hook.event_name),
        "about": _about(hook),
        "tone": health_words.tone_of(hook, health),
        "badge": health_words.badge(hook, health),
        "evidence": "" if health.word == Word.REMOVING else health_words.evidence(hook, health),
        "advice": _advice(row, health),
        "paths": chart.paths(series, chart.KINDS[kind]),
        "label": chart.sentence(series, chart.KINDS[kind]),
        "scale": chart.scale(series) if is_called else "",
        "tried": parts.number(series.tally.total()) if is_called else parts.EMPTY,
        "accepted": parts.share(series.accepted_share),
        "durations": " · ".join(map(parts.seconds, took)) if took else parts.EMPTY,
        "waiting": _waiting(row.backlog),
        "since": parts.with_title(times.relative(row.backlog.since), words.exact(row.backlog.since))
        if row.backlog
        else "",
    }


def _advice(row: Row, health) -> str:
    """Of what needs a hand: what the last failure means, and what to do."""
    if not row.needs_a_hand:
        return ""
    return " ".join(filter(None, (health_words.meaning(health), health_words.lost_note(health))))


def _waiting(backlog: Backlog | None) -> str:
    if backlog is None:
        return parts.EMPTY
    return parts.number(backlog.count) + ("+" if backlog.is_more else "")
