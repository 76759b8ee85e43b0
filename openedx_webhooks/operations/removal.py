"""
Deleting a hook with everything that was recorded of it, a part at a time.

``hook.delete()`` would read every record into memory, and a hook whose events go on would never be empty. So a hook is
disabled first, for all processes to see, and goes when its records are gone: at once if they are few, else in the
background, by the workers and by ``webhooks_deliver``.
"""

import logging
import time
from datetime import timedelta

from django.db import DatabaseError, router
from django.db.models import QuerySet
from django.utils import timezone

from .. import index
from ..app_settings import app_settings
from ..models import Call, Delivery, Hook, Webfilter, Webhook, history
from ..rows import raw_delete
from ..webhooks import wakeups
from .retention_records import delete_deliveries

log = logging.getLogger(__name__)
# So many are deleted within the request of the operator.
_AT_ONCE = 1000
_CHUNK = 500
_RUN_SECONDS = 10
_AGAIN_SECONDS = 15
MOST_COUNTED = 100_000


def count_records(hook: Hook) -> int:
    """How many deliveries or calls a hook has, counted to 100,000."""
    return _records(hook).order_by()[:MOST_COUNTED].count()


def remove(hook: Hook) -> bool:
    """
    Disable a hook for good, and delete it with its records; whether that is done.

    Many records go in the background: see :func:`run`. Until then the hook is there, marked by ``removing_since``.
    """
    rows = disable(hook)
    if count_records(hook) > _AT_ONCE:
        # Who wants it is known now, and not to the worker.
        history.note(rows.filter(pk=hook.pk), history.REMOVAL)
        wakeups.nudge_on_commit(rows.db)
        return False
    _delete_records(hook, time.monotonic() + _RUN_SECONDS)
    hook.delete()
    return True


def disable(hook: Hook) -> QuerySet:
    """Let a hook do nothing any more; all hooks of its kind, where that was written. Another may take its name now."""
    rows = type(hook).objects.using(router.db_for_write(type(hook), instance=hook))
    now = timezone.now()
    rows.filter(pk=hook.pk).update(enabled=False, removing_since=now, modified=now, name=None)
    index.forget_index(type(hook), using=rows.db)
    return rows


def run() -> None:
    """
    Go on with the hooks that are being removed, for a bounded time. Never raises.

    For workers and commands, now and then; two at a time share the work.
    """
    end = time.monotonic() + _RUN_SECONDS
    # Until then another process may not have seen that the hook is disabled, and adds records.
    seen_by_all = timezone.now() - timedelta(seconds=2 * app_settings.INDEX_REFRESH_SECONDS)
    try:
        hooks = [
            hook
            for model in (Webhook, Webfilter)
            for hook in model.objects.using(router.db_for_write(model)).filter(removing_since__isnull=False)
        ]
        for hook in hooks:
            if _delete_records(hook, end) and hook.removing_since < seen_by_all:
                number = hook.pk
                hook.delete()
                log.info("%s %s and its records are deleted", type(hook).__name__, number)
        if any(hook.pk for hook in hooks):
            wakeups.look_again(time.time() + _AGAIN_SECONDS)
    except DatabaseError as error:
        log.warning("A hook's removal goes on later: %s", type(error).__name__)


def _delete_records(hook: Hook, end: float) -> bool:
    """Delete a hook's records in steps, in transactions of their own; whether none is left."""
    records = _records(hook)
    while ids := list(records.order_by("pk").values_list("pk", flat=True)[:_CHUNK]):
        if time.monotonic() >= end:
            return False
        if isinstance(hook, Webhook):
            delete_deliveries(records.db, ids)
        else:
            raw_delete(records.model.objects.using(records.db).filter(pk__in=ids))
    return True


def _records(hook):
    if isinstance(hook, Webhook):
        return Delivery.objects.writable().filter(webhook=hook)
    return Call.objects.using(router.db_for_write(Call)).filter(webfilter=hook)
