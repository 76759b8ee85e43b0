"""Saving what somebody has changed of a hook, and what follows from it; the change was checked before."""

from collections.abc import Iterable

from django.db import router

from .. import index
from ..models import Hook, Webhook, signing_secrets
from ..webhooks import health, wakeups

# With another address, or after it was disabled, a webhook starts afresh.
_AFRESH = {"enabled", "webhook_url"}
# What waited for one of these need not wait for the next event.
_LETS_GO = {"enabled", "paused", "webhook_url", "headers", "credentials", "secret"}


class ChangedMeanwhile(Exception):
    """Somebody else has saved the hook since it was read."""


def lock_as_read(hook: Hook) -> None:
    """
    Lock a hook's row until the transaction ends, if it is as it was read: what somebody checked together must not be
    saved over what somebody else has changed since. Nothing but the saving itself is done under the lock.

    Raises:
        ChangedMeanwhile: it is another, or gone.
    """
    rows = type(hook).objects.using(router.db_for_write(type(hook), instance=hook)).filter(pk=hook.pk)
    if hook.modified not in rows.select_for_update().values_list("modified", flat=True):
        raise ChangedMeanwhile


def save_changes(hook: Hook, changed: Iterable[str], stored_secret: str) -> None:
    """
    Save the options of a stored hook that were changed; a secret that was replaced is valid for a while.

    Only these are written: what can't be read, such as headers under a lost key, stays as it is stored, and what
    happened to the hook meanwhile, such as its removal, is not undone.

    Args:
        changed: names of fields.
        stored_secret: the one before.
    """
    # A short name of the published plugin becomes the dotted type.
    fields = {*changed, "event", "modified"}
    rows = type(hook).objects.using(router.db_for_write(type(hook), instance=hook)).filter(pk=hook.pk)
    if isinstance(hook, Webhook) and hook.enabled and _AFRESH & fields:
        # First, so that the history has both in one line.
        rows.update(**health.HEALTHY)
    if hook.secret != stored_secret:
        signing_secrets.supersede(hook, stored_secret)
        fields |= {"previous_secret", "previous_secret_expires_at"}
    hook.save(update_fields=fields)
    index.forget_index(type(hook), using=rows.db)
    if isinstance(hook, Webhook) and _LETS_GO & fields:
        wakeups.nudge_on_commit(rows.db)
