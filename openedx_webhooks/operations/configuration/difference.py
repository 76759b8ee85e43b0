"""What would change, in words: for a terminal, and value by value for a page. Secrets are never among them."""

import json
from collections.abc import Mapping
from typing import Any

import attrs
from django.db import models
from django.utils.translation import gettext as _

from ...models import Hook
from ...models.addresses import server_of
from ...models.history import is_encrypted
from ...models.validators import validate_endpoint
from .values import Reading


@attrs.frozen
class Change:
    """
    One option that differs.

    Attributes:
        old: None for a new hook.
        note: stands instead of values that are not shown.
    """

    field: models.Field
    old: Any = None
    new: Any = None
    note: str = ""


def change_of(field: models.Field, stored: Hook | None, hook: Hook, reading: Reading) -> Change:
    """
    The difference in one option.

    Args:
        stored: None for a new hook.
    """
    old, new = getattr(stored, field.attname, None), getattr(hook, field.attname)
    if is_encrypted(field):
        return Change(field, note=_secrets(old, new) if isinstance(new, dict) else _secret(reading, new))
    if validate_endpoint in field.validators:
        # The server only: the rest of an address may hold a token.
        old, new = None if old is None else server_of(old), server_of(new)
        return Change(field, note=_("another path or query on %s") % new) if old == new else Change(field, old, new)
    if field.name in reading.hidden:
        return Change(field, note=_("as it is referred to; it is not shown"))
    return Change(field, old, new)


def _secret(reading: Reading, new: str) -> str:
    if new == reading.stored.secret:
        return _("made when the hook is")
    return _("another one; it is not shown")


def _secrets(old: Any, new: dict) -> str:
    old = old if isinstance(old, Mapping) else {}
    found = {
        _("new: %s"): [name for name in new if name not in old],
        _("another value: %s"): [name for name in new if name in old and new[name] != old[name]],
        _("removed: %s"): [name for name in old if name not in new],
    }
    return "; ".join(text % ", ".join(names) for text, names in found.items() if names)


def lines(change: Change) -> list[str]:
    """The same for a terminal."""
    name = change.field.name
    if change.note:
        return [f"    {name}: {change.note}"]
    texts = [text if isinstance(text, str) else "" for text in (change.old, change.new)]
    if any("\n" in text for text in texts):
        signed = [f"      {sign} {line}" for sign, text in zip("-+", texts, strict=True) for line in text.splitlines()]
        return [f"    {name}:", *signed]
    new = _plain(change.new)
    return [f"    {name}: {new}" if change.old is None else f"    {name}: {_plain(change.old)} → {new}"]


def _plain(value: Any) -> str:
    """As the file has it, near enough."""
    is_plain = isinstance(value, str) and value and value.isprintable()
    return value if is_plain else json.dumps(value, ensure_ascii=False)
