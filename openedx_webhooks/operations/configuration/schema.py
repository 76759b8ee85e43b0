"""A JSON Schema of the file, by which editors complete and check it while it is written."""

from typing import Any

from django.db import models
from django.utils.encoding import force_str

from ... import catalog
from ...models import Hook, Webfilter
from ...models.encrypted_fields import EncryptedTextField, HeadersField
from ...models.history import is_encrypted
from ...models.json_fields import JSONTextField
from ...transport import authentication
from .document import FORMAT_VERSION, SECTIONS
from .values import KEEP, REFERENCES, must_be_said, options_of

_REFERENCE, _SECRET, _TEXT = ({"$ref": f"#/$defs/{name}"} for name in ("reference", "secret", "text"))
_DEFINITIONS = {
    "reference": {
        "type": "object",
        "properties": {kind: {"type": "string", "minLength": 1} for kind in REFERENCES},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    },
    "secret": {"anyOf": [{"const": KEEP}, _REFERENCE]},
    "text": {"anyOf": [{"type": ["string", "null"]}, _REFERENCE]},
}
_TYPES = ((models.BooleanField, "boolean"), (models.IntegerField, "integer"), (models.FloatField, "number"))


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, with the events and filters of this installation."""
    sections = {name: {"type": ["array", "null"], "items": _hook(model)} for name, model in SECTIONS.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "openedx-webhooks",
        "type": "object",
        "properties": {"version": {"const": FORMAT_VERSION}, **sections},
        "required": ["version"],
        "additionalProperties": False,
        "$defs": _DEFINITIONS,
    }


def _hook(model: type[Hook]) -> dict[str, Any]:
    name, options = model._meta.get_field("name"), options_of(model)
    needed = [
        field.name for field in options.values() if must_be_said(field) or not (field.blank or field.has_default())
    ]
    return {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": name.max_length, "description": force_str(name.help_text)},
            **{name: _option(model, field) for name, field in options.items()},
        },
        "required": ["name", *needed],
        "additionalProperties": False,
    }


def _option(model: type[Hook], field: models.Field) -> dict[str, Any]:
    described = {"description": force_str(field.help_text)} if field.help_text else {}
    if field.name == "event":
        types = catalog.filters() if model is Webfilter else catalog.events()
        # Others may be there already: a type whose library is gone.
        names = [name for dotted, known in types.items() for name in (known.name, dotted)]
        return {"anyOf": [{"enum": names}, _TEXT], **described}
    return {"title": force_str(field.verbose_name), **described, **_value(field)}


def _value(field: models.Field) -> dict[str, Any]:
    if isinstance(field, EncryptedTextField):
        return _SECRET
    if is_encrypted(field):
        pieces = {"additionalProperties": _SECRET} if isinstance(field, HeadersField) else _credentials()
        return {"anyOf": [{"const": KEEP}, {"type": "object", **pieces}]}
    if isinstance(field, JSONTextField):
        return {"type": ["array", "null"], "items": {"type": "integer"}}
    if field.choices:
        return {"enum": [value for value, _label in field.choices]}
    for kind, name in _TYPES:
        if isinstance(field, kind):
            return {"type": [name, "null"]}
    return _TEXT


def _credentials() -> dict[str, Any]:
    found = [one for kind in authentication.KINDS.values() for one in kind.credentials]
    return {
        "properties": {
            one.name: {"title": force_str(one.label), **(_SECRET if one.is_secret else _TEXT)} for one in found
        },
        "additionalProperties": False,
    }
