"""The whole in one picture: every hook with its health and figures, what needs a hand first, and the site's totals."""

from collections.abc import Iterable
from datetime import datetime

import attrs
from django.db.models import Count, Min
from django.utils import timezone

from ..models import Delivery, Hook, Webhook
from ..models.webhook import ACTIVE
from . import hook_health, statistics, storage
from .hook_health import Health, Word
from .newest import one_of_each
from .statistics import Period, Series

# Of each hook, counted so far.
MOST_WAITING = 1000
# What an operator should look at, the most urgent first.
_TROUBLE = (Word.FAILING, Word.MISCONFIGURED, Word.CIRCUIT_OPEN, Word.OVERDUE, Word.PROBED, Word.DEGRADED)
_REST = (Word.PAUSED, Word.REMOVING, Word.OBSERVING, Word.FINE, Word.LOCAL, Word.IDLE, Word.NOT_RECORDED)


@attrs.frozen
class Backlog:
    """
    What waits for a webhook.

    Attributes:
        count: at most :data:`MOST_WAITING`.
        since: when the oldest of it was made, or if there is more, was due.
        is_more: than that.
    """

    count: int
    since: datetime
    is_more: bool = False


@attrs.frozen
class Row:
    """A hook as the overview has it."""

    hook: Hook
    health: Health
    series: Series
    backlog: Backlog | None = None

    @property
    def needs_a_hand(self) -> bool:
        """Whether somebody should look: it does not work, the plugin has disabled it, or something has failed."""
        return self._place < len(_TROUBLE)

    @property
    def urgency(self) -> tuple[int, int, int]:
        """What is sorted by: the smallest comes first."""
        return (self._place, -self.health.figures.day.lost, -(self.backlog.count if self.backlog else 0))

    @property
    def _place(self) -> int:
        word = self.health.word
        if word == Word.DISABLED and getattr(self.hook, "disabled_reason", ""):
            return 0
        if word in _TROUBLE:
            return _TROUBLE.index(word)
        if self.health.figures.day.lost and word not in (Word.REMOVING, Word.DISABLED):
            return len(_TROUBLE) - 1
        return len(_TROUBLE) + (_REST.index(word) if word in _REST else len(_REST))


@attrs.frozen
class Totals:
    """
    Of the site.

    Attributes:
        captured: events, in the period.
        is_complete: these are all that were.
        oldest_due: when what waits the longest was due; None if nothing is.
        storage: bytes; None if the database doesn't tell.
    """

    captured: int
    is_complete: bool
    oldest_due: datetime | None
    storage: int | None


def rows(kind: type[Hook], period: Period) -> list[Row]:
    """All hooks of a kind, in no order: a few queries for all of them."""
    hooks = list(kind.objects.order_by("pk"))
    health, series = hook_health.OF[kind](hooks), statistics.of_hooks(kind, [hook.pk for hook in hooks], period)
    waiting = [pk for pk, each in health.items() if each.figures.next_due]
    backlogs = _backlogs(waiting, health) if kind is Webhook and waiting else {}
    return [Row(hook, health[hook.pk], series[hook.pk], backlogs.get(hook.pk)) for hook in hooks]


def totals(webhooks: Iterable[Row], period: Period) -> Totals:
    """
    The site's.

    Args:
        webhooks: all there are.
    """
    now = timezone.now()
    due = [
        row.health.figures.next_due
        for row in webhooks
        if row.health.figures.next_due and all(getattr(row.hook, name) == value for name, value in ACTIVE.items())
    ]
    captured = statistics.captured(period)
    return Totals(
        captured.tally.total(),
        captured.is_complete,
        min((at for at in due if at <= now), default=None),
        statistics.cached("storage", storage.used),
    )


def _backlogs(ids: list[int], health: dict[int, Health]) -> dict[int, Backlog]:
    """What waits for some webhooks. No more is read of a million than of some."""
    pending = Delivery.objects.pending()
    rows = pending.order_by("next_attempt_at").only("webhook_id")
    many = one_of_each(rows, "webhook_id", ids, MOST_WAITING)
    found = {pk: Backlog(MOST_WAITING, health[pk].figures.next_due, is_more=True) for pk in many}
    few = pending.filter(webhook_id__in=[pk for pk in ids if pk not in found]).order_by()
    for pk, count, since in few.values_list("webhook_id").annotate(Count("pk"), Min("created")):
        found[pk] = Backlog(count, since)
    return found
