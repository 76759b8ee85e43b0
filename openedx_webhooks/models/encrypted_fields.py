"""
Model fields whose values are encrypted in the database.

What is stored and no key opens is :class:`Lost`: it reads as empty, is not the same as nothing, and is written back as
it is stored, so that no save destroys what the right key could still open.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import models
from django.db.models.functions import Cast

from ..app_settings import app_settings
from .json_fields import JSONTextField, Unreadable, dump

_MARK = "fernet:"


def keys() -> list[str]:
    """Those that are tried, the newest first: of the ENCRYPTION_KEYS setting, else SECRET_KEY and its fallbacks."""
    own = list(app_settings.ENCRYPTION_KEYS)
    return list(map(str, own or [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]))


@lru_cache(maxsize=32)
def _cipher(key: str) -> Fernet:
    digest = hashlib.sha256(b"openedx_webhooks:" + key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


class Secret(str):
    """A text that was stored encrypted. Neither a log line nor an error page that shows a variable shows it."""

    __slots__ = ()

    def __repr__(self):
        return "'***'"


class Lost(Secret):
    """
    A text that is stored and that no key opens; it reads as the empty text.

    Attributes:
        stored: what the column holds, and holds again after a save.
    """

    __slots__ = ("stored",)

    def __new__(cls, stored: str):
        """Of what the column holds."""
        lost = super().__new__(cls)
        lost.stored = stored
        return lost

    def __getnewargs__(self):
        return (self.stored,)


class LostObject(dict):
    """An object that is stored and that no key opens; it reads as empty. Attributes as of :class:`Lost`."""

    def __init__(self, stored: str):
        super().__init__()
        self.stored = stored

    def __reduce__(self):
        return type(self), (self.stored,)

    def copy(self):
        """As lost as this one."""
        return type(self)(self.stored)

    __copy__ = copy


def is_lost(value: Any) -> bool:
    """Whether a value, or one within it, is stored and can't be read."""
    if isinstance(value, (Lost, LostObject)):
        return True
    return isinstance(value, dict) and any(isinstance(text, Lost) for text in value.values())


def encrypt(text: str) -> str:
    """Encrypt with the newest key; the empty string stays empty, and what is lost stays as it is stored."""
    if isinstance(text, Lost):
        return text.stored
    return _MARK + _cipher(keys()[0]).encrypt(text.encode()).decode() if text else ""


def decrypt(stored: str) -> str:
    """Decrypt what :func:`encrypt` made, or :class:`Lost`; a value without its mark is returned as it is."""
    if not stored.startswith(_MARK):
        return Secret(stored)
    for key in keys():
        try:
            return Secret(_cipher(key).decrypt(stored[len(_MARK) :].encode()).decode())
        except (InvalidToken, ValueError):
            continue
    return Lost(stored)


def is_current(stored: str) -> bool:
    """Whether a stored text is encrypted with the newest key, or empty."""
    if not stored.startswith(_MARK):
        return not stored
    try:
        return bool(_cipher(keys()[0]).decrypt(stored[len(_MARK) :].encode()))
    except (InvalidToken, ValueError):
        return False


# pylint: disable=no-member
class Encrypted:
    """
    What all fields below are: their values are secrets, which no history, and no export in clear, may hold.

    ``dumpdata`` writes them as they are stored, and ``loaddata`` takes that, and the plain texts of older dumps. What
    is typed into a form is never taken for something encrypted: whoever has a dump could have it decrypted.
    """

    def clean(self, value, model_instance):
        """What was typed, as it is."""
        self.validate(value, model_instance)
        self.run_validators(value)
        return value

    def value_to_string(self, obj):
        """For a dump: as it is stored."""
        return self.get_prep_value(self.value_from_object(obj))


class EncryptedTextField(Encrypted, models.TextField):
    """Text that is plain in Python and encrypted at rest."""

    def from_db_value(self, value, _expression, _connection):
        return value if value is None else decrypt(value)

    def to_python(self, value):
        return decrypt(value) if isinstance(value, str) and value.startswith(_MARK) else value

    def get_prep_value(self, value):
        # Not TextField's, which would take a typed text for a dump's.
        value = models.Field.get_prep_value(self, value)
        return value if value is None else encrypt(value if isinstance(value, str) else str(value))


class EncryptedJSONField(Encrypted, models.TextField):
    """An object that is plain in Python and encrypted at rest as a whole."""

    def from_db_value(self, value, _expression, _connection):
        text = decrypt(value or "")
        return LostObject(text.stored) if isinstance(text, Lost) else _object(text)

    def to_python(self, value):
        """The object; texts are JSON, encrypted or not."""
        return self.from_db_value(value, None, None) if isinstance(value, str) else _object(value)

    def get_prep_value(self, value):
        if isinstance(value, LostObject):
            return value.stored
        return encrypt(json.dumps(value, separators=(",", ":"))) if value else ""


def _object(value: Any) -> dict:
    if isinstance(value, str):
        try:
            value = json.loads(value or "{}")
        except (ValueError, RecursionError):
            return {}
    if not isinstance(value, dict):
        return {}
    return {name: Secret(text) if isinstance(text, str) else text for name, text in value.items()}


class HeadersField(Encrypted, JSONTextField):
    """HTTP headers, name → value. The names can be read in the database; the values are encrypted."""

    def from_db_value(self, value, expression, connection):
        return _decrypted(super().from_db_value(value, expression, connection))

    def to_python(self, value):
        return _decrypted(super().to_python(value))

    def get_prep_value(self, value):
        if isinstance(value, dict):
            value = {name: encrypt(text) if isinstance(text, str) else text for name, text in value.items()}
        return super().get_prep_value(value)


def _decrypted(headers: Any) -> Any:
    if not isinstance(headers, dict) or isinstance(headers, Unreadable):
        return headers
    return {name: decrypt(text) if isinstance(text, str) else text for name, text in headers.items()}


def stored_texts(field: models.Field, stored: str) -> dict[str, str]:
    """
    The encrypted texts of a column: name of a header, or "" → text; none if it can't be read at all.

    Args:
        stored: what the column holds.
    """
    if not isinstance(field, HeadersField):
        return {"": stored or ""}
    headers = JSONTextField.from_db_value(field, stored, None, None)
    if not isinstance(headers, dict):
        return {}
    return {name: text for name, text in headers.items() if isinstance(text, str)}


def replaced(field: models.Field, texts: dict[str, str], stored: str) -> str:
    """What the column holds with other texts, as of :func:`stored_texts`."""
    if not isinstance(field, HeadersField):
        return texts[""]
    return dump({**json.loads(stored), **texts})


def stored_columns(rows: models.QuerySet) -> Iterator[tuple[int, dict[models.Field, str]]]:
    """Primary keys, and what the encrypted columns hold, as it is in the table."""
    fields = [field for field in rows.model._meta.concrete_fields if isinstance(field, Encrypted)]
    # Renamed, and of another kind, they are not decrypted.
    raw = {f"stored_{field.name}": Cast(field.name, models.TextField()) for field in fields}
    for pk, *columns in rows.annotate(**raw).values_list("pk", *raw):
        yield pk, dict(zip(fields, columns, strict=True))
