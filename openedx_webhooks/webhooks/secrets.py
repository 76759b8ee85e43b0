"""Signing secrets of a webhook and their rotation."""
from datetime import datetime, timedelta

from django.utils import timezone

from ..models import Webhook
from ..transport import signing

OVERLAP = timedelta(hours=24)


def in_force(webhook: Webhook, now: datetime) -> list[str]:
    """The secrets that sign a message now: the current one, and the one before it while a rotation lasts."""
    secrets = [webhook.secret] if webhook.secret else []
    if webhook.previous_secret and webhook.previous_secret_expires_at and webhook.previous_secret_expires_at > now:
        secrets.append(webhook.previous_secret)
    return secrets


def rotate(webhook: Webhook, overlap: timedelta = OVERLAP) -> str:
    """
    Give a webhook a new secret; the old one signs beside it until the overlap has passed.

    Args:
        webhook: is saved.
        overlap: how long receivers may still verify with the old secret; zero ends it at once (it leaked).

    Returns:
        the new secret.
    """
    keep = webhook.secret and overlap > timedelta()
    webhook.previous_secret = webhook.secret if keep else ""
    webhook.previous_secret_expires_at = timezone.now() + overlap if keep else None
    webhook.secret = signing.new_secret()
    webhook.save(update_fields=["secret", "previous_secret", "previous_secret_expires_at", "modified"])
    return webhook.secret
