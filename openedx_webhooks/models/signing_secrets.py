"""Signing secrets of a hook and their rotation."""

from datetime import datetime, timedelta

from django.utils import timezone

from ..transport import signing
from .hook import Hook

OVERLAP = timedelta(hours=24)


def in_force(hook: Hook, now: datetime) -> list[str]:
    """The secrets that sign a message now: the current one, and the one before it while a rotation lasts."""
    secrets = [hook.secret] if hook.secret else []
    if hook.previous_secret and hook.previous_secret_expires_at and hook.previous_secret_expires_at > now:
        secrets.append(hook.previous_secret)
    return secrets


def is_malformed(hook: Hook) -> bool:
    """Whether nothing can be sent, because a secret that is in force was written past the form and signs nothing."""
    return not all(_is_well_formed(hook, secret) for secret in in_force(hook, timezone.now()))


def _is_well_formed(hook: Hook, secret: str) -> bool:
    try:
        signing.kind_of(hook.signature).key(secret)
    except ValueError:
        return False
    return True


def overlap_of(hook: Hook) -> timedelta:
    """For how long a secret still signs after it was rotated; zero if its signature has room for one only."""
    kind = signing.KINDS.get(hook.signature)
    return OVERLAP if kind and kind.has_overlap else timedelta()


def supersede(hook: Hook, old: str, overlap: timedelta = OVERLAP) -> None:
    """
    Let the secret that a hook had until now sign beside its new one until the overlap has passed.

    Args:
        hook: is not saved. If its kind of signature has room for one secret only, the old one ends at once.
        old: empty if there was none. A malformed one ends at once: nothing could be sent while it is in force.
        overlap: how long receivers may still verify with the old secret; zero ends it at once (it leaked).
    """
    keep = bool(old) and min(overlap, overlap_of(hook)) > timedelta() and _is_well_formed(hook, old)
    hook.previous_secret = old if keep else ""
    hook.previous_secret_expires_at = timezone.now() + overlap if keep else None


def rotate(hook: Hook, overlap: timedelta = OVERLAP) -> str:
    """
    Give a hook a new secret; the old one is superseded.

    Args:
        hook: is saved.
        overlap: as for :func:`supersede`.

    Returns:
        the new secret.
    """
    supersede(hook, hook.secret, overlap)
    hook.secret = signing.new_secret()
    hook.save(update_fields=["secret", "previous_secret", "previous_secret_expires_at", "modified"])
    return hook.secret
