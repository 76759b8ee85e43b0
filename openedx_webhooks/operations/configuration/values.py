"""
One option of a hook, in a file and in the model.

Secrets never stand in a file. What does is one of

* ``keep``: as it is stored,
* ``{env: NAME}``: the value of an environment variable, and
* ``{file: PATH}``: the content of a file, such as those that Docker and Kubernetes make of their secrets,

on the machine that applies it. Any other text may be given like that, too.
"""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import yaml
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ...models import Hook
from ...models.encrypted_fields import EncryptedJSONField, EncryptedTextField, HeadersField, is_lost
from ...models.history import is_encrypted
from ...models.json_fields import JSONTextField
from ...transport import authentication
from .document import Mistake, members, unknown

KEEP = "keep"
# What says whether and how far a hook runs: an operator changes it in an emergency, and the plugin where an endpoint is
# gone. A file that does not mention it leaves it alone.
STATE = ("enabled", "paused", "mode")
# The name is no option but the hook's identity.
_NAME = "name"
_MOST_BYTES = 64 * 1024


def options_of(model: type[Hook]) -> dict[str, models.Field]:
    """The options that a file may have, in the order of the model."""
    return {
        field.name: field
        for field in model._meta.concrete_fields
        if field.editable and not field.primary_key and field.name != _NAME
    }


def must_be_said(field: models.Field) -> bool:
    """Whether a new hook needs it in so many words: from its first call on a webfilter may halt learners."""
    return field.name in STATE and bool(field.choices)


# --- From the model to the file


def written(field: models.Field, hook: Hook) -> Any:
    """An option as the file has it: plain values, and *keep* in the place of secrets."""
    value = getattr(hook, field.attname)
    if not is_encrypted(field):
        return str(value) if isinstance(value, str) else value
    if isinstance(field, HeadersField):
        return dict.fromkeys(hook.readable_headers, KEEP)
    if isinstance(field, EncryptedJSONField) and not is_lost(value):
        texts = authentication.texts_in(value)
        return {name: KEEP if authentication.is_secret(name) else str(text) for name, text in texts.items()}
    return KEEP


def is_default(field: models.Field, value: Any) -> bool:
    """Whether a file need not mention it."""
    return value in field.empty_values if is_encrypted(field) else value == field.get_default()


# --- From the file to the model


@attrs.define
class Reading:
    """
    Reads the options of one hook.

    Attributes:
        stored: what there is; a new one, not saved, if there is nothing.
        may_refer: whether references are followed. They are not for files that come through the admin: whoever may edit
            hooks need not see the server's environment. There they mean *keep*.
        kept: names of what was kept, of the options of which a part can be.
        hidden: the options that were referred to, and are never shown.
    """

    stored: Hook
    may_refer: bool
    kept: dict[str, list[str]] = attrs.field(factory=dict)
    hidden: set[str] = attrs.field(factory=set)

    def value(self, field: models.Field, node: yaml.Node) -> Any:
        if not is_encrypted(field):
            return self._plain(field, node)
        stored = getattr(self.stored, field.attname)
        if isinstance(field, EncryptedTextField):
            return self._secret(node, stored, has_stored=True)
        if isinstance(node, yaml.ScalarNode) and node.value == KEEP:
            self.kept[field.name] = [field.name] if stored or is_lost(stored) else []
            return stored
        return self._pieces(field, node, stored if isinstance(stored, dict) else {})

    def _pieces(self, field, node, stored) -> dict[str, str]:
        found = {}
        for name, piece in members(node).items():
            try:
                if isinstance(field, HeadersField) or authentication.is_secret(name):
                    found[name] = self._secret(piece, stored.get(name), has_stored=name in stored)
                    if found[name] is stored.get(name):
                        self.kept.setdefault(field.name, []).append(name)
                else:
                    found[name] = self._text(piece, stored.get(name))
            except Mistake as mistake:
                raise Mistake(mistake.text, mistake.node, f".{name}{mistake.below}") from None
        return found

    def _secret(self, node, stored, *, has_stored) -> str:
        is_keep = isinstance(node, yaml.ScalarNode) and node.value == KEEP
        if not is_keep and not isinstance(node, yaml.MappingNode):
            raise Mistake(
                _("Secrets do not stand in the file. Write “keep”, “{env: NAME}” or “{file: PATH}” instead."), node
            )
        value = None if is_keep else self._referred(node)
        if value is not None:
            return value
        if not has_stored:
            raise Mistake(_nothing_to_keep(self.may_refer), node)
        return stored

    def _plain(self, field, node) -> Any:
        if node.tag == _NULL:
            return None if field.null else field.get_default()
        for kind, tags, text in _KINDS:
            if isinstance(field, kind):
                return _scalar(node, tags, text)
        if isinstance(field, JSONTextField):
            if not isinstance(node, yaml.SequenceNode):
                raise Mistake(_("Write a list, such as [5, 300]."), node)
            return [_scalar(each, (_INT,), _("Write whole numbers.")) for each in node.value]
        if field.choices:
            return _choice(field, node)
        if isinstance(node, yaml.MappingNode):
            self.hidden.add(field.name)
        return self._text(node, getattr(self.stored, field.attname) if self.stored.pk else None)

    def _text(self, node, stored) -> str:
        """A text; of one that is referred to and not followed, what is stored. None: there is nothing."""
        if isinstance(node, yaml.MappingNode):
            value = self._referred(node)
            value = stored if value is None else value
            if value is None:
                raise Mistake(_nothing_to_keep(self.may_refer), node)
            return value
        if node.tag == _NULL:
            return ""
        if not isinstance(node, yaml.ScalarNode) or node.tag != _TEXT:
            raise Mistake(_("Write a text here: put it in quotes."), node)
        return _storable(node.value, node)

    def _referred(self, node) -> str | None:
        """What a reference leads to; None if it is not followed."""
        found = members(node)
        if len(found) != 1 or not found.keys() <= REFERENCES.keys():
            raise Mistake(_("Write “{env: NAME}”, “{file: PATH}” or a text; a text with braces in quotes."), node)
        kind, where = next(iter(found.items()))
        if not isinstance(where, yaml.ScalarNode) or not where.value:
            raise Mistake(_("Write the name of what is referred to."), where)
        return _storable(REFERENCES[kind](where), where) if self.may_refer else None


def _storable(text: str, node: yaml.Node) -> str:
    """The text, if a database and a request can have it: no NUL, no half of a character."""
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise Mistake(_("This text has a character that can't be stored. Write it anew, as plain text in UTF-8."), node)
    return text


def _choice(field, node) -> str:
    value = node.value if isinstance(node, yaml.ScalarNode) else ""
    if value not in dict(field.choices):
        raise unknown(value, [name for name, _label in field.choices], _("“%s” can't be chosen.") % value[:100], node)
    return value


def _scalar(node, tags, text) -> Any:
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node) if node.tag in tags else None
    except (ValueError, yaml.YAMLError):
        value = None
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise Mistake(text, node)
    return value


def _nothing_to_keep(may_refer: bool) -> str:
    if may_refer:
        return _("There is nothing to keep yet: write “{env: NAME}” or “{file: PATH}”.")
    return _(
        "There is nothing to keep yet, and a file that is uploaded can't refer to the server's environment: have it "
        "applied by the command, or enter the value on the hook's page."
    )


def _of_environment(node) -> str:
    if not (text := os.environ.get(node.value)):
        raise Mistake(_("The environment variable %s is not set, or empty.") % node.value[:100], node)
    return text


def _of_file(node) -> str:
    path = Path(node.value)
    try:
        # A pipe that nobody writes to would never open.
        if path.exists() and not path.is_file():
            raise Mistake(_("%s is no file: give the path of one.") % node.value[:200], node)
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        text = content.decode().removesuffix("\n").removesuffix("\r")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise Mistake(
            _("The file %(path)s can't be read: %(reason)s.") % {"path": node.value[:200], "reason": reason}, node
        ) from None
    if not text or len(content) > _MOST_BYTES:
        raise Mistake(_("The file %s is empty, or larger than 64 KB.") % node.value[:200], node)
    return text


REFERENCES: dict[str, Callable[[yaml.Node], str]] = {"env": _of_environment, "file": _of_file}
_TEXT, _NULL, _INT = (f"tag:yaml.org,2002:{name}" for name in ("str", "null", "int"))
_KINDS = (
    (models.BooleanField, ("tag:yaml.org,2002:bool",), gettext_lazy("Write true or false.")),
    (models.IntegerField, (_INT,), gettext_lazy("Write a whole number.")),
    (models.FloatField, (_INT, "tag:yaml.org,2002:float"), gettext_lazy("Write a number, such as 2.5.")),
)
