"""
Signatures after Standard Webhooks 1.0 (https://www.standardwebhooks.com), symmetric scheme ``v1``.

Signed is ``<webhook-id>.<webhook-timestamp>.<body>`` with HMAC-SHA256; a secret is ``whsec_`` and base64 of 24 to 64
random bytes. The library that other languages use for this is not in the platform's image, and it is thirty lines.
"""

import base64
import binascii
import hmac
import secrets as random
from collections.abc import Iterable
from functools import lru_cache

from django.utils.translation import gettext_lazy

STANDARD, GITHUB, NONE = "standard", "github", "none"
KINDS = {
    STANDARD: gettext_lazy("Standard Webhooks: webhook-signature"),
    GITHUB: gettext_lazy("As GitHub's: X-Hub-Signature-256"),
    NONE: gettext_lazy("None"),
}
PREFIX = "whsec_"
# The error of an outcome: nothing was sent, because something in the hook itself can't be, such as a malformed secret.
UNSENDABLE = "unsendable"


def choices() -> list[tuple[str, str]]:
    """The kinds of signatures, for the field of the model."""
    return list(KINDS.items())


def new_secret() -> str:
    """A new secret of 32 random bytes."""
    return PREFIX + base64.b64encode(random.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """
    The key in a secret.

    Raises:
        ValueError: the secret is not ``whsec_`` and base64 of 24 to 64 bytes.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError as error:
        # binascii.Error, or the plain one for characters outside ASCII.
        raise ValueError("a signing secret is whsec_ followed by base64") from error
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("a signing secret is whsec_ followed by base64 of 24 to 64 bytes")
    return key


def _signature(secret: str, identity: bytes, body: bytes) -> str:
    mac = _mac(secret).copy()
    mac.update(identity)
    mac.update(body)
    return "v1," + binascii.b2a_base64(mac.digest(), newline=False).decode()


@lru_cache(maxsize=512)
def _mac(secret: str) -> hmac.HMAC:
    """To be copied: OpenSSL takes longer to look its algorithm up than to sign, and a learner may be waiting."""
    return hmac.new(key_of(secret), digestmod="sha256")


def headers(message_id: str, timestamp: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """
    The three headers of a signed message; without secrets, the two that identify it.

    Args:
        message_id: stable over all attempts.
        timestamp: seconds since the epoch, of this attempt.
        body: exactly what is sent.
        secrets: the current one, and during a rotation the previous one too.

    Raises:
        ValueError: a secret is malformed.
    """
    signatures = " ".join([_signature(secret, f"{message_id}.{timestamp}.".encode(), body) for secret in secrets])
    result = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    if signatures:
        result["webhook-signature"] = signatures
    return result
