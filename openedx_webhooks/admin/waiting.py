"""Why nothing is sent although nothing has failed: what an operator can't see in a delivery's state."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from ..models import Delivery, Hook, Webhook
from . import parts

# A worker that runs takes what is due within seconds.
_PATIENCE = timedelta(minutes=1)


def off_note(hook: Hook) -> str:
    """That somebody has disabled the hook, and what to do; empty if it is enabled, or the page says why already."""
    if hook.enabled or getattr(hook, "disabled_reason", ""):
        return ""
    if isinstance(hook, Webhook):
        return _(
            "This webhook is disabled: events are not recorded for it, and what is pending waits. Tick “enabled” and "
            "save to send again."
        )
    return _("This webfilter is disabled: it is not called. Tick “enabled” and save to call it again.")


def overdue_note(webhook: Webhook) -> str:
    """That due deliveries are not taken, since when, and what to look at; empty if all is well."""
    if not webhook.enabled:
        return ""
    oldest = (
        Delivery.objects.filter(
            webhook=webhook, state=Delivery.State.PENDING, next_attempt_at__lt=timezone.now() - _PATIENCE
        )
        .order_by("next_attempt_at")
        .values_list("next_attempt_at", flat=True)
        .first()
    )
    return _overdue_since(oldest) if oldest else ""


def delivery_note(delivery: Delivery) -> str:
    """Why a pending delivery is not sent; empty if there is no reason."""
    if delivery.state != Delivery.State.PENDING:
        return ""
    if not delivery.webhook.enabled:
        return _("It waits: its webhook is disabled. It is sent when the webhook is enabled again.")
    due = delivery.next_attempt_at
    return _overdue_since(due) if due and due < timezone.now() - _PATIENCE else ""


def _overdue_since(when) -> str:
    return _(
        "Deliveries have been due since %(since)s, and nobody sends them: the Celery workers are not running, or far "
        "behind. Look at the workers, or run manage.py webhooks_deliver --once."
    ) % {"since": parts.moment(when)}
