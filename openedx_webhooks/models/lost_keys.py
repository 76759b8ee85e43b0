"""Which hooks wait for a key: what their requests need is stored, and no key opens it."""

from functools import lru_cache

from django.db import models

from .encrypted_fields import Lost, decrypt, keys, stored_columns, stored_texts


def hooks_without_key(hooks: models.QuerySet) -> set[int]:
    """
    Primary keys of those that have lost something that they need. Cheap enough to be asked all the time: each stored
    text is decrypted once in a process.
    """
    known = tuple(keys())
    suspects = {
        pk
        for pk, columns in stored_columns(hooks)
        for field, stored in columns.items()
        if any(_is_lost(text, known) for text in stored_texts(field, stored).values())
    }
    return {hook.pk for hook in hooks.filter(pk__in=suspects) if hook.lost} if suspects else set()


@lru_cache(maxsize=4096)
def _is_lost(text: str, _keys: tuple[str, ...]) -> bool:
    return isinstance(decrypt(text), Lost)
