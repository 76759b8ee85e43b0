"""What belongs to saving a hook that was changed, whether on its page or from a file."""

from django.db import router

from ..models import Hook, Webhook, signing_secrets
from ..webhooks import health, wakeups

# What waited for one of these need not wait for the next event.
_LETS_GO = {"enabled", "paused", "webhook_url", "headers", "credentials", "secret"}


def save(hook: Hook, changed: set[str], old_secret: str) -> None:
    """
    Save what was changed of a hook, and nothing else: what can't be read, such as headers under a lost key, stays as it
    is stored, and what happened to the hook meanwhile, such as its removal, is not undone.

    A webhook starts afresh with another address or after it was disabled, and what may go now is sent. A secret that
    was replaced stays valid for a while.

    Args:
        changed: names of fields.
        old_secret: the one before.
    """
    changed = {*changed, "modified"}
    if isinstance(hook, Webhook) and {"enabled", "webhook_url"} & changed and hook.enabled:
        # First, so that the history has both in one line.
        Webhook.objects.filter(pk=hook.pk).update(**health.HEALTHY)
    if hook.secret != old_secret:
        signing_secrets.supersede(hook, old_secret)
        changed |= {"previous_secret", "previous_secret_expires_at"}
    hook.save(update_fields=changed)
    if isinstance(hook, Webhook) and _LETS_GO & changed:
        wakeups.nudge_on_commit(router.db_for_write(Webhook))
