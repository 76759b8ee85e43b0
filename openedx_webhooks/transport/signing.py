"""
What identifies a message, and signs it. Each kind of signature is declared once, in :data:`KINDS`.

* Standard Webhooks 1.0 (https://www.standardwebhooks.com), symmetric scheme ``v1``: signed is
  ``<webhook-id>.<webhook-timestamp>.<body>`` with HMAC-SHA256; a secret is ``whsec_`` and base64 of 24 to 64 random
  bytes, which are the key. The library that other languages use for this is not in the platform's image, and it is
  thirty lines.
* As GitHub's: signed is the body alone; the key is the secret's text in UTF-8, as the hook's page shows it, with its
  ``whsec_`` if it has one.
"""

import base64
import binascii
import hmac
import re
import secrets as random
from collections.abc import Callable, Sequence
from functools import lru_cache

import attrs
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

STANDARD, GITHUB, NONE = "standard", "github", "none"
PREFIX = "whsec_"
# The error of an outcome: nothing was sent, because something in the hook itself can't be, such as a malformed secret.
UNSENDABLE = "unsendable"


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


def text_key_of(secret: str) -> bytes:
    """
    The key that a text is, byte by byte.

    Raises:
        ValueError: it is too short to keep anybody out, or can't be typed everywhere.
    """
    if not _PLAIN.fullmatch(secret):
        raise ValueError("a signing secret has 16 to 200 letters, digits and signs of ASCII")
    return secret.encode()


_PLAIN = re.compile(r"[\x21-\x7e]{16,200}")


def _standard(secrets: Sequence[str], identity: bytes, body: bytes) -> dict[str, str]:
    signatures = []
    for secret in secrets:
        mac = _mac(key_of, secret).copy()
        mac.update(identity)
        mac.update(body)
        signatures.append("v1," + binascii.b2a_base64(mac.digest(), newline=False).decode())
    return {"webhook-signature": " ".join(signatures)}


def _github(secrets: Sequence[str], _identity: bytes, body: bytes) -> dict[str, str]:
    # There is room for one signature: that of the current secret.
    mac = _mac(text_key_of, secrets[0]).copy()
    mac.update(body)
    return {"X-Hub-Signature-256": f"sha256={mac.hexdigest()}"}


@lru_cache(maxsize=512)
def _mac(key: Callable[[str], bytes], secret: str) -> hmac.HMAC:
    """To be copied: OpenSSL takes longer to look its algorithm up than to sign, and a learner may be waiting."""
    return hmac.new(key(secret), digestmod="sha256")


@attrs.frozen
class Kind:
    """
    A kind of signature.

    Attributes:
        sign: secrets (at least one), identity and body → headers.
        key: secret → its key; ValueError if it is malformed.
        secret_help: what such a secret is, for those who enter one.
        has_overlap: during a rotation both secrets sign.
        headers: name → what it holds, for the reference.
    """

    title: str
    sign: Callable[[Sequence[str], bytes, bytes], dict[str, str]] | None = None
    key: Callable[[str], bytes] = str.encode
    secret_help: str = ""
    has_overlap: bool = False
    headers: dict[str, str] = attrs.field(factory=dict)


KINDS = {
    STANDARD: Kind(
        gettext_lazy("Standard Webhooks: webhook-signature"),
        _standard,
        key_of,
        gettext_lazy(
            "A signing secret is whsec_ followed by 24 to 64 random bytes in base64. Leave it empty to have one made."
        ),
        has_overlap=True,
        headers={"webhook-signature": gettext_lazy("Standard Webhooks v1: HMAC-SHA256 of id, timestamp and body.")},
    ),
    GITHUB: Kind(
        gettext_lazy("As GitHub's: X-Hub-Signature-256"),
        _github,
        text_key_of,
        gettext_lazy(
            "A signing secret has 16 to 200 characters: letters, digits and signs, without spaces. Leave it empty to "
            "have one made."
        ),
        headers={
            "X-Hub-Signature-256": gettext_lazy(
                "Instead, if the hook is set so: sha256= and HMAC-SHA256 of the body in hexadecimal, as GitHub's."
            )
        },
    ),
    NONE: Kind(pgettext_lazy("signature", "None")),
}


def choices() -> list[tuple[str, str]]:
    """The kinds, for the field of the model."""
    return [(name, kind.title) for name, kind in KINDS.items()]


def kind_of(name: str) -> Kind:
    """
    A kind of signature.

    Raises:
        ValueError: there is no such kind.
    """
    if name not in KINDS:
        raise ValueError(gettext("This version knows no signature “%s”: choose another.") % name[:40])
    return KINDS[name]


def headers(
    message_id: str, timestamp: int, body: bytes, secrets: Sequence[str], kind: str = STANDARD
) -> dict[str, str]:
    """
    The headers of a message: two that identify it, and its signature if there is a secret.

    Args:
        message_id: stable over all attempts.
        timestamp: seconds since the epoch, of this attempt.
        body: exactly what is sent.
        secrets: the current one, and during a rotation the previous one too.
        kind: of :data:`KINDS`.

    Raises:
        ValueError: a secret is malformed, or there is no such kind.
    """
    sign = kind_of(kind).sign
    result = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    if secrets and sign:
        result |= sign(secrets, f"{message_id}.{timestamp}.".encode(), body)
    return result
