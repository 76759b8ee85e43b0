"""Model fields whose values are encrypted in the database."""

import base64
import hashlib
import json

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

from ..app_settings import app_settings
from .json_fields import JSONTextField

_MARK = "fernet:"


def _cipher() -> MultiFernet:
    """Keys from the ENCRYPTION_KEYS setting, newest first, else from Django's SECRET_KEY and its fallbacks."""
    secrets = list(app_settings.ENCRYPTION_KEYS) or [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (hashlib.sha256(b"openedx_webhooks:" + str(secret).encode()).digest() for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def encrypt(text: str) -> str:
    """Encrypt with the newest key; the empty string stays empty."""
    return _MARK + _cipher().encrypt(text.encode()).decode() if text else ""


def decrypt(stored: str) -> str:
    """
    Decrypt what :func:`encrypt` made; a value without its mark is returned as it is.

    A value that no key opens (the site's SECRET_KEY was changed) becomes the empty string: the hook's page then asks
    for it anew, and nothing crashes.
    """
    if not stored.startswith(_MARK):
        return stored
    try:
        return _cipher().decrypt(stored[len(_MARK) :].encode()).decode()
    except (InvalidToken, ValueError):
        return ""


class Encrypted:
    """What all fields below are: their values are secrets, which no history and no export may hold."""


class EncryptedTextField(Encrypted, models.TextField):
    """Text that is plain in Python and encrypted at rest."""

    def from_db_value(self, value, _expression, _connection):
        return value if value is None else decrypt(value)

    def get_prep_value(self, value):
        value = super().get_prep_value(value)  # pylint: disable=no-member
        return value if value is None else encrypt(value)


class EncryptedJSONField(Encrypted, models.TextField):
    """An object that is plain in Python and encrypted at rest as a whole; empty if it can't be read."""

    def from_db_value(self, value, _expression, _connection):
        return self.to_python(decrypt(value or ""))

    def to_python(self, value):
        """The object; texts are JSON."""
        if isinstance(value, str):
            try:
                value = json.loads(value or "{}")
            except (ValueError, RecursionError):
                return {}
        return value if isinstance(value, dict) else {}

    def get_prep_value(self, value):
        return encrypt(json.dumps(value, separators=(",", ":"))) if value else ""

    def value_to_string(self, obj):
        return json.dumps(self.value_from_object(obj))


class HeadersField(Encrypted, JSONTextField):
    """HTTP headers, name → value. The names can be read in the database; the values are encrypted."""

    def from_db_value(self, value, expression, connection):
        headers = super().from_db_value(value, expression, connection)
        if not isinstance(headers, dict):
            return headers
        return {name: decrypt(text) if isinstance(text, str) else text for name, text in headers.items()}

    def get_prep_value(self, value):
        if isinstance(value, dict):
            value = {name: encrypt(text) if isinstance(text, str) else text for name, text in value.items()}
        return super().get_prep_value(value)
