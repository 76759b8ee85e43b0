"""Why nothing is sent although nothing has failed: what an operator can't see in a delivery's state."""

from datetime import datetime

from django.db.models import Min, QuerySet
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models import Call, Delivery, Hook, Webfilter, Webhook
from ..operations import removal
from ..operations.hook_health import PATIENCE
from . import parts, words

MOST_COUNTED = 5000
_RECORDS = {Webhook: Delivery._meta.verbose_name_plural, Webfilter: Call._meta.verbose_name_plural}


def removing_badge(hook: Hook) -> SafeString:
    return format_html(
        '{} <span class="owh-quiet-text">{}</span>',
        parts.badge(_("being removed"), "warn"),
        _("%s left") % records_left(hook),
    )


def removing_note(hook: Hook) -> str:
    return _("This hook was deleted at %(since)s, and is being removed: %(count)s left. It is not called any more.") % {
        "since": words.exact(hook.removing_since),
        "count": records_left(hook),
    }


def records_left(hook: Hook) -> str:
    """How many records of a hook there are: ``12 deliveries``."""
    return parts.number_of(removal.count_records(hook), _RECORDS[type(hook)])


def off_note(hook: Hook) -> str:
    if getattr(hook, "disabled_reason", ""):
        return _(
            "The plugin disabled this webhook: events are not recorded for it, and what is pending waits. Press "
            "“Enabled” when the receiver works again."
        )
    if isinstance(hook, Webhook):
        return _(
            "This webhook is disabled: events are not recorded for it, and what is pending waits. Press “Enabled” "
            "to send again."
        )
    return _("This webfilter is disabled: nobody is stopped by it. Enable it to have it called again.")


def paused_note(webhook: Webhook) -> str:
    """Of a paused one, how many deliveries wait, and since when."""
    waiting = count(webhook)
    if not waiting:
        return _("Nothing waits yet.") + " " + _resume()
    if waiting >= MOST_COUNTED:
        waits = _("More than %(count)d deliveries wait, the oldest since %(since)s.")
    else:
        waits = ngettext(
            "%(count)d delivery waits, since %(since)s.",
            "%(count)d deliveries wait, the oldest since %(since)s.",
            waiting,
        )
    since = _pending(webhook).aggregate(since=Min("next_attempt_at"))["since"]
    return f"{waits % {'count': waiting, 'since': words.exact(since)}} {_resume()}"


def _resume() -> str:
    return _("Press “Enabled” to send what waits, the oldest first.")


def count(webhook: Webhook) -> int:
    """How many deliveries are pending, counted up to :data:`MOST_COUNTED`."""
    return _pending(webhook)[:MOST_COUNTED].count()


def _pending(webhook: Webhook) -> QuerySet[Delivery]:
    return Delivery.objects.pending().filter(webhook=webhook).order_by()


def delivery_note(delivery: Delivery, webhook: Webhook | None) -> str:
    """
    Why a pending delivery is not sent; empty if there is no reason.

    Args:
        webhook: the delivery's; None if it is gone.
    """
    if delivery.traits.is_final:
        return ""
    if webhook is None:
        return _("Its webhook has been deleted: it is not sent.")
    if webhook.removing_since:
        return _("It is not sent: its webhook is being removed.")
    if not webhook.enabled:
        return _("It waits: its webhook is disabled. It is sent when the webhook is enabled again.")
    if webhook.paused:
        return _("It waits: its webhook is paused. It is sent when the webhook is resumed.")
    if webhook.lost:
        return _("It waits, and nothing is lost. %s") % webhook.lost_sentence
    due = delivery.next_attempt_at
    return overdue_note(due) if due and due < timezone.now() - PATIENCE else ""


def overdue_note(when: datetime) -> str:
    return _(
        "Deliveries have been due since %(since)s, and nobody sends them: the Celery workers are not running, or far "
        "behind. Look at the workers, or run manage.py webhooks_deliver --once."
    ) % {"since": words.exact(when)}
