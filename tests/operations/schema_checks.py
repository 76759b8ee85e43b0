"""Validators of the generated schemas, and the types they are made for."""

import functools

import pytest
from jsonschema import Draft202012Validator
from opaque_keys.edx.keys import CourseKey

from openedx_webhooks import catalog
from openedx_webhooks.operations import schema

EVENTS, FILTERS = list(catalog.events().values()), list(catalog.filters().values())
COURSE = CourseKey.from_string("course-v1:edX+DemoX+2026")
every_type = pytest.mark.parametrize("hook_type", [*EVENTS, *FILTERS], ids=lambda hook_type: hook_type.name)
every_event = pytest.mark.parametrize("event_type", EVENTS, ids=lambda hook_type: hook_type.name)
every_filter = pytest.mark.parametrize("filter_type", FILTERS, ids=lambda hook_type: hook_type.name)


def validator(json_schema):
    """A validator that also checks formats."""
    Draft202012Validator.check_schema(json_schema)
    return Draft202012Validator(json_schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@functools.cache
def payloads(hook_type):
    """The validator of a type's payloads; made once, which takes longer than what any test does with it."""
    return validator(schema.payload_schema(hook_type))


@functools.cache
def answers_to(filter_type):
    """The validator of the answers to a filter."""
    return validator(schema.answer_schema(filter_type))


def validate(value, by):
    """Fail with what is wrong and where."""
    assert [f"{error.json_path}: {error.message}" for error in by.iter_errors(value)] == []


def differing(value, json_schema, definitions, path="$"):
    """The members that a value has and its schema doesn't list (``+``), and those that only the schema has (``-``)."""
    if "$ref" in json_schema:
        target = definitions[json_schema["$ref"].removeprefix("#/$defs/")]
        return differing(value, target, definitions, path)
    for inner in json_schema.get("anyOf", ()):
        if "$ref" in inner:
            return differing(value, inner, definitions, path)
    if isinstance(value, list):
        items = json_schema.get("items", {})
        return [found for item in value for found in differing(item, items, definitions, f"{path}[]")]
    if not isinstance(value, dict) or "properties" not in json_schema:
        return []
    properties = {name: inner for name, inner in json_schema["properties"].items() if name not in ("cut", "test")}
    return [
        *(f"+{path}.{name}" for name in set(value) - set(properties)),
        *(f"-{path}.{name}" for name in set(properties) - set(value)),
        *(
            found
            for name in set(value) & set(properties)
            for found in differing(value[name], properties[name], definitions, f"{path}.{name}")
        ),
    ]
