"""Values nested deeper than Python goes: nothing fails, and what is sent is cut."""

import json
from types import SimpleNamespace
from urllib.parse import parse_qsl

import attr
import pytest
from django.test import override_settings
from django.utils.datastructures import MultiValueDict
from django.utils.functional import SimpleLazyObject
from openedx_events.data import EventsMetadata

from openedx_webhooks import catalog
from openedx_webhooks.payloads.encode import encode
from openedx_webhooks.payloads.limits import dump
from openedx_webhooks.payloads.redact import excerpt, mask, redact
from openedx_webhooks.payloads.serialize import event_payload, filter_message, to_json, user_id_of

LEVELS = 5000
DASHBOARD = catalog.find_filter("DashboardRenderStarted")


@attr.frozen
class Node:
    """A data class that contains another."""

    child: object


class Enrollment:
    """An object that knows others."""

    def __init__(self, user):
        self.user = user


CourseEnrollment = type("CourseEnrollment", (Enrollment,), {})


def nested(make, innermost="S3CR3T"):
    """What ``make`` makes of a value, of that, and so on."""
    value = innermost
    for _ in range(LEVELS):
        value = make(value)
    return value


def lazy(value):
    """An object that is there already."""
    wrapper = SimpleLazyObject(lambda: value)
    wrapper._setup()
    return wrapper


VALUES = {
    "lists": nested(lambda value: [value]),
    "objects": nested(lambda value: {"a": value}),
    "tuples": nested(lambda value: (value,)),
    "sets": nested(lambda value: frozenset((value,))),
    "data classes": nested(Node),
    "objects of the platform": nested(CourseEnrollment),
    "lazy objects": nested(lambda value: {"a": lazy(value)}),
    "forms": nested(lambda value: MultiValueDict({"a": [value, 1]})),
    "pairs": nested(lambda value: [("a", value), ("b", 1)]),
    "unknown objects": nested(lambda value: SimpleNamespace(a=value)),
}


def depth(value) -> int:
    """How many containers are in each other."""
    level, deepest = [value], -1
    while level:
        level = [
            item
            for value in level
            if isinstance(value, (dict, list))
            for item in (value.values() if isinstance(value, dict) else value)
        ]
        deepest += 1
    return deepest


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("limit", [1, 12, 40])
def test_value_is_cut_at_the_depth_limit(value, limit):
    """Whatever it is made of."""
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_DEPTH": limit}):
        data = to_json(value)
        message = filter_message(DASHBOARD, {"context": {"here": value}, "template_name": "x"})
    assert depth(data) <= limit + 1
    assert b"S3CR3T" not in message.body
    assert json.loads(message.body) == message.payload
    assert user_id_of(message.payload) is None


def test_key_that_is_nested_deeply():
    """A tuple of tuples as a name."""
    assert list(to_json({nested(lambda value: (value,)): 1}).values()) == [1]


def test_event_with_a_deep_value():
    """Its payload says where it was cut."""
    event_type = catalog.find_event("COURSE_NOTIFICATION_REQUESTED")
    (argument,) = event_type.init_data
    payload = event_payload(event_type, {argument: VALUES["objects"]}, EventsMetadata(event_type=event_type.event_type))
    assert payload["event_metadata"]["cut"] == [".".join([argument, *["a"] * 12])]


@pytest.mark.parametrize("form", [False, True])
@pytest.mark.parametrize("levels", [900, LEVELS, 100_000])
@pytest.mark.parametrize("make", [lambda value: [value], lambda value: {"a": value}])
def test_body(make, levels, form):
    """Of a payload that somebody wrote into the database, or a shape made."""
    value = 1
    for _ in range(levels):
        value = make(value)
    body, _ = encode({"n": 5, "deep": value}, form)
    assert ("n", "5") in (
        parse_qsl(body.decode()) if form else [(name, str(it)) for name, it in json.loads(body).items()]
    )


@pytest.mark.parametrize("levels", [LEVELS, 100_000])
def test_dump(levels):
    """Is JSON, or one kind of error."""
    value = []
    for _ in range(levels):
        value = [value]
    try:
        assert dump(value) == b"[" * (levels + 1) + b"]" * (levels + 1)
    except ValueError as error:
        assert str(error) == "nested too deeply"


@pytest.mark.parametrize("levels", [99, LEVELS, 100_000])
@pytest.mark.parametrize(
    "text",
    ['{"a":LEVEL}', "[LEVEL]", '[{"a":LEVEL}, 1]', '{"token: \'":LEVEL'],
    ids=["objects", "lists", "both", "broken"],
)
def test_text_of_json(text, levels):
    """An answer, or a text of a payload: what is in it doesn't leave."""
    before, after = text.split("LEVEL")
    text = before * levels + '{"password": "S3CR3T"}' + after * levels
    assert "S3CR3T" not in mask(text)
    assert "S3CR3T" not in excerpt(text.encode(), len(text))
    assert excerpt(text.encode(), 1000)


@pytest.mark.parametrize("name", ["lists", "objects", "pairs"])
def test_redact(name):
    """What a record keeps."""
    assert "S3CR3T" not in json.dumps(redact(VALUES[name]))
