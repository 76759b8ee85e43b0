"""Why nothing is sent although nothing has failed: what an operator can't see in a delivery's state."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db.models import Min
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models import Call, Delivery, Hook, Webfilter, Webhook
from ..operations import removal
from . import parts, words

# A worker that runs takes what is due within seconds.
_PATIENCE = timedelta(minutes=1)
_MOST_COUNTED = 5000
_RECORDS = {Webhook: Delivery._meta.verbose_name_plural, Webfilter: Call._meta.verbose_name_plural}


def notes(hook: Hook) -> list[str]:
    """What holds the hook back now, and what to do; nothing that the page says already."""
    if hook.removing_since:
        return [removing_note(hook)]
    found = [off_note(hook)]
    if isinstance(hook, Webhook) and hook.enabled:
        found.append(paused_note(hook) if hook.paused else overdue_note(hook))
    return [note for note in found if note]


def malformed(hook: Hook) -> dict[str, str]:
    """
    What is stored for a hook and no form would have taken: it is older than a rule, or was written past the form.

    Returns:
        name of a field → a sentence.
    """
    found = {}
    for field in hook._meta.get_fields():
        try:
            if getattr(field, "validators", None) and field.editable and not field.primary_key:
                value = getattr(hook, field.attname)
                if value not in field.empty_values:
                    field.run_validators(value)
        except ValidationError as error:
            name = str(field.verbose_name)
            found[field.name] = f"{name[:1].upper()}{name[1:]}: {' '.join(error.messages)}"
    return found


def removing_badge(hook: Hook) -> SafeString:
    """That it is being removed, in short."""
    return format_html(
        '{} <span class="owh-quiet-text">{}</span>',
        parts.badge(_("being removed"), "warn"),
        _("%s left") % records_left(hook),
    )


def removing_note(hook: Hook) -> str:
    """That it is being removed, and how far that is."""
    return _("This hook was deleted at %(since)s, and is being removed: %(count)s left. It is not called any more.") % {
        "since": words.exact(hook.removing_since),
        "count": records_left(hook),
    }


def records_left(hook: Hook) -> str:
    """How many records of a hook there are: ``12 deliveries``."""
    return parts.number_of(removal.count_records(hook), _RECORDS[type(hook)])


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


def paused_note(webhook: Webhook) -> str:
    """That it is paused, how many deliveries wait, and since when."""
    text = _("This webhook is paused: events are captured for it, and nothing is sent.")
    count, since = _waiting(webhook)
    if not count:
        return f"{text} {_('Nothing waits yet.')} {_resume()}"
    if count >= _MOST_COUNTED:
        waits = _("More than %(count)d deliveries wait, the oldest since %(since)s.")
    else:
        waits = ngettext(
            "%(count)d delivery waits, since %(since)s.",
            "%(count)d deliveries wait, the oldest since %(since)s.",
            count,
        )
    return f"{text} {waits % {'count': count, 'since': words.exact(since)}} {_resume()}"


def _resume() -> str:
    return _("Untick “paused” and save to send what waits, the oldest first.")


def _waiting(webhook: Webhook):
    pending = Delivery.objects.pending().filter(webhook=webhook).order_by()
    return pending[:_MOST_COUNTED].count(), pending.aggregate(since=Min("next_attempt_at"))["since"]


def overdue_note(webhook: Webhook) -> str:
    """That due deliveries are not taken, since when, and what to look at; empty if all is well."""
    due = Delivery.objects.pending().filter(webhook=webhook, next_attempt_at__lt=timezone.now() - _PATIENCE)
    oldest = due.order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
    return _overdue_since(oldest) if oldest else ""


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
    due = delivery.next_attempt_at
    return _overdue_since(due) if due and due < timezone.now() - _PATIENCE else ""


def _overdue_since(when) -> str:
    return _(
        "Deliveries have been due since %(since)s, and nobody sends them: the Celery workers are not running, or far "
        "behind. Look at the workers, or run manage.py webhooks_deliver --once."
    ) % {"since": words.exact(when)}
