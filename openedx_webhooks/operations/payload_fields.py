"""The fields of a type's payload, as conditions and shapes name them; and which of them say who and which course."""

import re
from collections.abc import Iterator
from typing import Any

import attrs

from ..payloads import condition_rows as kinds
from ..payloads.jmespath_text import path
from ..payloads.limits import METADATA
from ..payloads.recipes import Ingredients
from ..payloads.samples import sample_payload
from ..payloads.subject import subject_of
from . import schema as schemas

_LEVELS = 8
_MOST = 400
# Names that a sample has and that another payload has too: not the keys of courses.
_NAME = re.compile(r"[A-Za-z_][\w-]{0,99}", re.ASCII)
_KINDS = {"string": kinds.TEXT, "integer": kinds.NUMBER, "number": kinds.NUMBER, "boolean": kinds.BOOLEAN}


@attrs.frozen
class Field:
    """
    A value in the payload: neither an object nor in a list.

    Attributes:
        path: as JMESPath writes it.
        kind: one of the kinds of :mod:`~openedx_webhooks.payloads.condition_rows`.
        about: what the schema says of it; may be empty.
        values: all there are, if the schema says so.
        is_personal: whether it holds personal data.
        sample: its value in the sample payload.
    """

    path: str
    names: tuple[str, ...]
    kind: str
    about: str = ""
    values: tuple[str, ...] = ()
    is_personal: bool = False
    sample: Any = None


def fields_of(hook_type: schemas.HookType) -> list[Field]:
    """The fields of a type's payload in its order, ``event_metadata`` last."""
    schema = schemas.payload_schema(hook_type)
    found = []
    for field in _fields(schema, sample_payload(hook_type), (), schema["$defs"]):
        found.append(field)
        if len(found) == _MOST:
            break
    return sorted(found, key=lambda field: field.names[0] == METADATA)


def roles_of(fields: list[Field]) -> dict[str, Field]:
    """
    Which field tells what, as far as there is one: ``username``, ``name``, ``email``, ``user_id``, ``course``,
    ``course_name``.

    The nearest to the top counts, as for what deliveries are found by. ``course`` may be the key of a library, or of a
    block in a course.
    """
    near = sorted((field for field in fields if field.names[0] != METADATA), key=lambda field: len(field.names))
    by_names = {field.names: field for field in near}

    def first(test):
        return next(filter(test, near), None)

    username = first(lambda field: field.names[-1] == "username")
    course = first(lambda field: _is_key(field, whole=True)) or first(lambda field: _is_key(field, whole=False))
    roles = {
        "username": username,
        "email": first(lambda field: field.names[-1] == "email"),
        "user_id": first(_is_user_id),
        # Of the same person, not that of an organisation; of the course, not that of a block in it.
        "name": username and by_names.get((*username.names[:-1], "name")),
        "course": course,
        "course_name": course
        and course.names[-2:-1] == ("course",)
        and by_names.get((*course.names[:-1], "display_name")),
    }
    return {role: field for role, field in roles.items() if field}


def ingredients_of(hook_type: schemas.HookType, fields: list[Field]) -> Ingredients:
    """What the type has for a recipe."""
    return Ingredients(hook_type.name, **{role: field.path for role, field in roles_of(fields).items()})


def organisation_prefix(course: Field) -> tuple[str, str]:
    """What stands before and after the organisation in a key such as the field's: ``("course-v1:", "+")``."""
    org = subject_of({course.names[-1]: course.sample}).org
    before, _found, after = str(course.sample).partition(org)
    return before, after[:1]


def _is_user_id(field: Field) -> bool:
    is_id = field.names[-2:] in (("user", "id"), ("student_user", "id"))
    return is_id or subject_of({field.names[-1]: field.sample}).user_id is not None


def _is_key(field: Field, whole: bool) -> bool:
    found = isinstance(field.sample, str) and subject_of({field.names[-1]: field.sample})
    return bool(found and found.org and (found.course_key == field.sample or not whole))


def _fields(schema: dict, sample: Any, above: tuple[str, ...], defs: dict) -> Iterator[Field]:
    if len(above) > _LEVELS:
        return
    properties = schema.get("properties", {})
    inside = sample if isinstance(sample, dict) else {}
    # What the schema leaves open is known by the sample alone.
    known = {name: _resolved(inner, defs) for name, inner in properties.items()}
    known |= {name: {} for name in inside if name not in known and _NAME.fullmatch(name)}
    for name, inner in known.items():
        value = inside.get(name)
        if inner.get("properties") or (isinstance(value, dict) and value):
            yield from _fields(inner, value, (*above, name), defs)
        else:
            yield _field(inner, value, (*above, name))


def _resolved(schema: dict, defs: dict) -> dict:
    """The schema itself, without references and without “or null”."""
    for _step in range(_LEVELS):
        if "$ref" in schema:
            target = defs[schema["$ref"].rpartition("/")[2]]
            properties = {**target.get("properties", {}), **schema.get("properties", {})}
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
            schema |= {"properties": properties} if properties else {}
        elif "anyOf" in schema:
            notes = {key: value for key, value in schema.items() if key != "anyOf"}
            schema = {**next(inner for inner in schema["anyOf"] if inner.get("type") != "null"), **notes}
        else:
            break
    return schema


def _field(schema: dict, sample: Any, names: tuple[str, ...]) -> Field:
    values = tuple(str(value) for value in schema.get("enum", ()) if value is not None)
    return Field(
        path=path(names),
        names=names,
        kind=_kind(schema, sample),
        about=schema.get("description", ""),
        values=values,
        is_personal="x-personal-data" in schema,
        sample=sample,
    )


def _kind(schema: dict, sample: Any) -> str:
    declared = schema.get("type", ())
    kind = next((kind for kind in ([declared] if isinstance(declared, str) else declared) if kind != "null"), None)
    if kind == "array":
        items = schema.get("items", {}).get("type")
        return kinds.NUMBERS if items in ("integer", "number") else kinds.TEXTS
    if kind == "string" and schema.get("format") in ("date-time", "date"):
        return kinds.DATE
    if "enum" in schema or "const" in schema:
        return kinds.TEXT
    if kind is None:
        # Forms have texts only, and what is not declared may be anything.
        return kinds.BOOLEAN if isinstance(sample, bool) else kinds.ANYTHING
    return _KINDS.get(kind, kinds.ANYTHING)
