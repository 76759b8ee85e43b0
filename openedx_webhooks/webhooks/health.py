"""
The health of an endpoint: healthy → failing → warned → disabled.

Any success makes it healthy again. A webhook that fails and fails is reported to its operators after
``FAILING_WARN_AFTER_SECONDS``, and disabled when as much time again has passed as lies between that and
``FAILING_DISABLE_AFTER_SECONDS``; so nobody's webhook is disabled without that warning. 410 Gone disables at once.
Operators are told of each: operations/alerts.py.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

import attrs
from django.db import DatabaseError, InterfaceError, OperationalError, router, transaction
from django.db.models import Case, DateTimeField, F, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import index
from ..app_settings import app_settings
from ..models import Webhook, history
from ..rows import lock_free
from .schedule import GONE
from .sending import Result

log = logging.getLogger(__name__)
_WELL = {"consecutive_failures": 0, "failing_since": None, "warned_at": None}
HEALTHY = {**_WELL, "disabled_reason": ""}
# One failure may be the network's; three in a row, with the waits between them, are the endpoint's.
IN_A_ROW = 3


class Step(Enum):
    """What has to happen now."""

    NOTHING = "nothing"
    WARN = "warn"
    DISABLE = "disable"


@attrs.frozen
class Failures:
    """
    What one batch of attempts brought to a webhook after its last success.

    Attributes:
        count: how many.
        since: when the first of them began, aware.
        gone: whether the endpoint answered 410.
    """

    count: int
    since: datetime
    gone: bool = False


def judge(
    failing_since: datetime | None,
    warned_at: datetime | None,
    now: datetime,
    warn_after: timedelta,
    disable_after: timedelta,
) -> Step:
    """
    What to do about an endpoint that just failed.

    Args:
        failing_since: when the first failure after its last success began.
        warned_at: when it was found to be failing, of which its operators are told; None if it was not.
        now: all three are aware.
        warn_after: nothing but failures for so long.
        disable_after: and for so long.
    """
    if failing_since is None or now - failing_since < warn_after:
        return Step.NOTHING
    if warned_at is None:
        return Step.WARN
    grace = max(disable_after - warn_after, timedelta())
    return Step.DISABLE if now - failing_since >= disable_after and now - warned_at >= grace else Step.NOTHING


class HealthBook:
    """
    What attempts say about their webhooks, until it is written.

    It is written apart from the results, and may be late: a webhook whose row somebody holds, in an open transaction of
    the admin for instance, is left to the next time. A healthy webhook that succeeds costs nothing.
    """

    def __init__(self):
        self._succeeded: set[int] = set()
        self._failed: dict[int, Failures] = {}

    def note(self, results: Iterable[Result]) -> None:
        """Remember what a batch of attempts says."""
        for result in sorted(results, key=lambda result: result.outcome.started_at):
            webhook = result.webhook
            if result.outcome.is_accepted:
                if webhook.pk in self._failed or not _is_healthy(webhook):
                    self._succeeded.add(webhook.pk)
                self._failed.pop(webhook.pk, None)
            elif result.is_failure:
                before = self._failed.get(webhook.pk)
                self._failed[webhook.pk] = Failures(
                    count=before.count + 1 if before else 1,
                    since=before.since if before else result.outcome.started_at,
                    gone=result.outcome.status_code == GONE or bool(before and before.gone),
                )

    def write(self) -> None:
        """Bring the webhooks' rows up to date. Never raises."""
        for pk in self._succeeded | self._failed.keys():
            try:
                self._write_one(pk)
            except DatabaseError as error:
                log.warning("The health of webhook %s is written later: %s", pk, type(error).__name__)
                if isinstance(error, (OperationalError, InterfaceError)):
                    # The database is away, or busy: the others would wait for it, one after the other.
                    return

    def _write_one(self, pk: int) -> None:
        webhook, failures = _rows().filter(pk=pk), self._failed.get(pk)
        with transaction.atomic(using=webhook.db):
            if not _lock(webhook):
                return
            if pk in self._succeeded:
                recover(webhook)
            if failures:
                webhook.update(
                    consecutive_failures=F("consecutive_failures") + failures.count,
                    failing_since=Coalesce("failing_since", failures.since),
                )
        # Only now: what could not be written is written the next time.
        self._succeeded.discard(pk)
        self._failed.pop(pk, None)
        if failures:
            for failing in webhook.filter(enabled=True):
                _act(failing, failures.gone)


def _is_healthy(webhook: Webhook) -> bool:
    return not (webhook.consecutive_failures or webhook.failing_since or webhook.warned_at)


def _lock(webhook: QuerySet[Webhook]) -> bool:
    """Lock a webhook's row for the transaction, unless somebody holds it at this moment, or it is gone."""
    return bool(lock_free(webhook.order_by()).values_list("pk"))


def recover(webhooks: QuerySet[Webhook]) -> None:
    """
    Make the webhooks of a queryset healthy: a delivery was accepted. Disabled ones stay disabled.

    After one failure or two, what came before still counts: an endpoint that fails now and then has not recovered.
    """
    now = When(consecutive_failures__gte=IN_A_ROW, then=Value(timezone.now()))
    since = Case(now, default=F("recovered_at"), output_field=DateTimeField())
    # It comes first: MySQL assigns from left to right, others compare with what there was.
    webhooks.update(recovered_at=since, **_WELL)


def reset(webhooks: QuerySet[Webhook]) -> None:
    """The same whatever came before, for somebody has looked: a test was accepted."""
    webhooks.update(**_WELL, recovered_at=timezone.now())


def enable(webhooks) -> int:
    """
    Enable the webhooks of a queryset again, with a clean slate. What is owed to them becomes due.

    Returns:
        how many there are.
    """
    count = webhooks.update(enabled=True, modified=timezone.now(), **HEALTHY)
    index.webhooks.forget()
    return count


def _rows():
    return Webhook.objects.using(router.db_for_write(Webhook))


def _act(webhook: Webhook, gone: bool) -> None:
    if gone:
        _disable(webhook, _("The endpoint answered 410 Gone: it wants no more deliveries."))
        return
    now = timezone.now()
    step = judge(
        webhook.failing_since,
        webhook.warned_at,
        now,
        timedelta(seconds=app_settings.FAILING_WARN_AFTER_SECONDS),
        timedelta(seconds=app_settings.FAILING_DISABLE_AFTER_SECONDS),
    )
    if step is Step.DISABLE:
        _disable(
            webhook,
            _("Nothing but failures since %(since)s (%(count)d in a row).")
            % {"since": f"{webhook.failing_since:%Y-%m-%d %H:%M} UTC", "count": webhook.consecutive_failures},
        )
    # Several workers may come to the same conclusion: the one whose UPDATE hits logs it.
    elif step is Step.WARN and _rows().filter(pk=webhook.pk, enabled=True, warned_at=None).update(warned_at=now):
        log.warning("Webhook %s fails since %s", webhook.pk, webhook.failing_since.isoformat())


def _disable(webhook: Webhook, reason: str) -> None:
    changes = {"enabled": False, "disabled_reason": reason[:255], "modified": timezone.now()}
    if _rows().filter(pk=webhook.pk, enabled=True).update(**changes):
        index.webhooks.forget()
        log.error("Webhook %s was disabled: %s", webhook.pk, reason)
        _note(webhook)


def _note(webhook: Webhook) -> None:
    """A line in its history."""
    rows = _rows().filter(pk=webhook.pk)
    try:
        with transaction.atomic(using=rows.db):
            history.note(rows, history.BY_PLUGIN, by_plugin=True)
    except DatabaseError as error:
        log.warning("The history of webhook %s lacks this: %s", webhook.pk, type(error).__name__)
