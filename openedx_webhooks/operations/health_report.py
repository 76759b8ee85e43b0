"""How the plugin is doing, in figures: for monitoring, which asks every few seconds."""

from collections import Counter
from datetime import datetime
from typing import Any

import attrs
from django.db.models import Count, Min
from django.utils import timezone

from ..models import Delivery, Webfilter, Webhook
from ..transport.breaker import State, breaker, circuits
from . import status
from .statistics import cached

# Of each kind; a site with more is told about the first ones, and the totals are of all.
MOST_HOOKS = 500


@attrs.frozen
class Backlog:
    """What is owed to one webhook: how many deliveries, and since when the oldest could be sent, if it could."""

    pending: int = 0
    oldest_due: datetime | None = None


def backlogs() -> dict[int, Backlog]:
    """By the primary key of the webhook. Over one index; kept for a while where a million waits."""

    def query():
        rows = Delivery.objects.pending().order_by().values_list("webhook_id")
        return {pk: (count, at) for pk, count, at in rows.annotate(Count("pk"), Min("next_attempt_at"))}

    now = timezone.now()
    return {
        pk: Backlog(count, at if at and at < now else None) for pk, (count, at) in cached("backlogs", query).items()
    }


def open_circuits(webfilters: list[Webfilter]) -> set[int]:
    """Primary keys of those that are not called at present, or only tried."""
    states = circuits(breaker(one.webhook_url) for one in webfilters)
    return {one.pk for one, circuit in zip(webfilters, states, strict=True) if circuit.state is not State.CLOSED}


def called_webfilters() -> list[Webfilter]:
    return list(Webfilter.objects.filter(enabled=True, removing_since=None).exclude(webhook_url="")[:MOST_HOOKS])


def report() -> dict[str, Any]:
    """
    What ``/openedx_webhooks/health`` answers.

    ``status`` is ``bad`` if the plugin itself does not do its work: then nothing is sent, or far too late. An endpoint
    that fails is in ``failing_webhooks``: that is a receiver's outage, not the site's.
    """
    found = status.look(is_full=False)
    if not found.is_readable:
        return found.as_json()
    now, worker, late = timezone.now(), found.worker, found.oldest_due
    webhooks = Webhook.objects.filter(removing_since=None).order_by("pk")
    return found.as_json() | {
        "pending": sum(backlog.pending for backlog in backlogs().values()),
        "oldest_due_seconds": max(0.0, (now - late).total_seconds()) if late else 0.0,
        "worker_seen_seconds": max(0.0, worker.seen_ago.total_seconds()) if worker else None,
        "failing_webhooks": list(webhooks.filter(failing_since__isnull=False).values_list("pk", flat=True)),
        "disabled_webhooks": list(
            webhooks.filter(enabled=False).exclude(disabled_reason="").values_list("pk", flat=True)
        ),
        "open_circuits": sorted(open_circuits(called_webfilters())),
    }


def hooks_by_state() -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for enabled, paused, count in Webhook.objects.order_by().values_list("enabled", "paused").annotate(Count("pk")):
        state = "disabled" if not enabled else "paused" if paused else "enabled"
        counted["webhook", state] += count
    for enabled, count in Webfilter.objects.order_by().values_list("enabled").annotate(Count("pk")):
        counted["webfilter", "enabled" if enabled else "disabled"] += count
    return counted
