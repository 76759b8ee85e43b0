"""
Prometheus' metrics of the plugin.

From the database, not counted in memory: so each of a site's processes and replicas answers the same, and one that
starts anew begins with no zeros. Labels are a hook's number and type, findings' names and states: none comes from
outside, and there are no more of them than there are hooks.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from .. import __version__
from ..histogram import Histogram
from ..models import Hook, Tally, Webfilter, Webhook
from ..models.tally import ATTEMPT_OUTCOMES, CALL_OUTCOMES
from ..tally_rows import start_of
from . import health_report, statistics, status
from .finding import LEVELS

_PREFIX = "openedx_webhooks_"
_HOOK = ["id", "event"]


def render(accept: str) -> tuple[bytes, str]:
    """The metrics in the format that a scraper's ``Accept`` header asks for: body and content type."""
    # Of one scrape: the global one has whatever else the process counts.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Metrics())
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Metrics(Collector):
    def collect(self) -> Iterator[Metric]:
        found = status.look(is_full=False)
        yield _gauge("info", "The installed version.", {"version": __version__}, 1)
        yield _findings(found)
        if found.is_readable:
            yield from _work(found)
            yield from _webhooks()
            yield from _webfilters()
            yield _outcomes(
                "attempts", "Attempts of a webhook's deliveries today (UTC), by outcome.", Webhook, ATTEMPT_OUTCOMES
            )
            yield _outcomes("calls", "Calls of a webfilter today (UTC), by outcome.", Webfilter, CALL_OUTCOMES)


def _findings(found: status.Status) -> Metric:
    family = GaugeMetricFamily(
        f"{_PREFIX}finding", "What manage.py webhooks_status finds: 0 is good, 1 a warning, 2 bad.", labels=["name"]
    )
    levels: dict[str, int] = {}
    for finding in found.findings:
        levels[finding.name] = max(levels.get(finding.name, 0), LEVELS.index(finding.level))
    for name, value in levels.items():
        family.add_metric([name], value)
    return family


def _work(found: status.Status) -> Iterator[Metric]:
    worker, late = found.worker, found.oldest_due
    if worker:
        yield _gauge(
            "worker_last_seen_timestamp_seconds",
            "When a worker looked for deliveries last.",
            {},
            worker.seen_at.timestamp(),
        )
    yield _gauge(
        "oldest_due_timestamp_seconds",
        "Since when the oldest delivery that could be sent waits; 0 if nothing is late.",
        {},
        late.timestamp() if late else 0,
    )
    hooks = GaugeMetricFamily(f"{_PREFIX}hooks", "Configured hooks.", labels=["kind", "state"])
    for labels, count in sorted(health_report.hooks_by_state().items()):
        hooks.add_metric(list(labels), count)
    yield hooks


def _webhooks() -> Iterator[Metric]:
    pending = GaugeMetricFamily(
        f"{_PREFIX}webhook_pending_deliveries", "Deliveries that are owed to a webhook.", labels=_HOOK
    )
    oldest = GaugeMetricFamily(
        f"{_PREFIX}webhook_oldest_due_timestamp_seconds",
        "Since when the oldest of those that are due waits; 0 if nothing is late.",
        labels=_HOOK,
    )
    failures = GaugeMetricFamily(
        f"{_PREFIX}webhook_consecutive_failures", "Attempts that failed since the last success.", labels=_HOOK
    )
    disabled = GaugeMetricFamily(
        f"{_PREFIX}webhook_disabled_by_failures", "1 if the plugin has disabled it.", labels=_HOOK
    )
    owed = health_report.backlogs()
    for webhook in Webhook.objects.filter(removing_since=None).order_by("pk")[: health_report.MOST_HOOKS]:
        labels = [str(webhook.pk), webhook.event_name]
        backlog = owed.get(webhook.pk, health_report.Backlog())
        pending.add_metric(labels, backlog.pending)
        oldest.add_metric(labels, backlog.oldest_due.timestamp() if backlog.oldest_due else 0)
        failures.add_metric(labels, webhook.consecutive_failures)
        disabled.add_metric(labels, int(not webhook.enabled and bool(webhook.disabled_reason)))
    yield from (pending, oldest, failures, disabled)


def _webfilters() -> Iterator[Metric]:
    webfilters = health_report.called_webfilters()
    not_called = health_report.open_circuits(webfilters)
    circuits = GaugeMetricFamily(
        f"{_PREFIX}webfilter_circuit_open", "1 while its endpoint keeps failing and is not called.", labels=_HOOK
    )
    for webfilter in webfilters:
        circuits.add_metric([str(webfilter.pk), webfilter.event_name], int(webfilter.pk in not_called))
    yield circuits


def _outcomes(name: str, help_text: str, kind: type[Hook], outcomes: Iterable[str]) -> Metric:
    """
    A counter that begins anew at midnight: what tallies keep for ever would become less when old ones go. Prometheus
    takes that for the restart of a process. Each outcome is there from the beginning, so that the first one is counted.
    """
    family = CounterMetricFamily(_PREFIX + name, help_text, labels=[*_HOOK, "outcome"])
    column = statistics.COLUMNS[kind]
    today = Tally.objects.filter(span=Tally.Span.DAY, start=start_of(timezone.now(), Tally.Span.DAY))
    counted: dict[int, Histogram] = defaultdict(Histogram)
    for pk, counts in today.exclude(**{column: None}).values_list(column, "counts"):
        counted[pk].add_all(counts)
    for hook in kind.objects.filter(removing_since=None).order_by("pk")[: health_report.MOST_HOOKS]:
        tally = counted[hook.pk].tally
        for outcome in outcomes:
            family.add_metric([str(hook.pk), hook.event_name, str(outcome)], tally[outcome])
    return family


def _gauge(name: str, help_text: str, labels: dict[str, str], value: float) -> Metric:
    family = GaugeMetricFamily(_PREFIX + name, help_text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family
