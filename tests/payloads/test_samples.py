"""Sample payloads: complete, realistic, always the same."""

import dataclasses
import json
import typing
from datetime import datetime

import attrs
import pytest
from openedx_events.learning.data import CourseData, UserData

from openedx_webhooks import catalog
from openedx_webhooks.payloads.encode import encode
from openedx_webhooks.payloads.sample_arguments import filter_arguments
from openedx_webhooks.payloads.sample_values import BY_TYPE
from openedx_webhooks.payloads.samples import sample_instance, sample_payload

EVENTS, FILTERS = list(catalog.events().values()), list(catalog.filters().values())
every_type = pytest.mark.parametrize("hook_type", [*EVENTS, *FILTERS], ids=lambda hook_type: hook_type.name)
every_event = pytest.mark.parametrize("event_type", EVENTS, ids=lambda hook_type: hook_type.name)
every_filter = pytest.mark.parametrize("filter_type", FILTERS, ids=lambda hook_type: hook_type.name)


def texts(value):
    """All texts in JSON data."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


@every_type
def test_the_same_type_gives_the_same_sample(hook_type):
    """So that documents made from it differ only when something changed."""
    assert sample_payload(hook_type) == sample_payload(hook_type)


@every_filter
def test_whoever_changes_a_sample_changes_no_other(filter_type):
    """Steps of filters change what they get, at any depth."""
    before = sample_payload(filter_type)
    for value in filter_arguments(filter_type).values():
        for inner in value.values() if isinstance(value, dict) else ():
            if hasattr(inner, "_meta"):
                vars(inner).clear()
        if isinstance(value, dict):
            value.clear()
    assert sample_payload(filter_type) == before


@every_type
def test_a_sample_is_strict_json(hook_type):
    """It can be sent."""
    sample = sample_payload(hook_type)
    assert json.loads(encode(sample, form=False)[0]) == sample


@every_type
def test_nothing_of_a_sample_is_cut(hook_type):
    """It keeps all limits."""
    assert "cut" not in sample_payload(hook_type)["event_metadata"]


@every_event
def test_an_event_has_all_its_arguments(event_type):
    """And its metadata."""
    assert list(sample_payload(event_type)) == [*event_type.init_data, "event_metadata"]


@every_event
def test_every_field_of_an_event_is_filled_in(event_type):
    """Optional ones too."""

    def check(instance):
        for field in attrs.fields(type(instance)):
            value = getattr(instance, field.name)
            assert value is not None, field.name
            assert value is not dict, field.name
            for part in value if isinstance(value, list) else [value]:
                if attrs.has(type(part)):
                    check(part)

    for data_class in event_type.init_data.values():
        check(sample_instance(data_class))


@every_event
def test_every_text_of_an_event_means_something(event_type):
    """No field of the installed libraries falls back to the text for unknown ones."""
    assert BY_TYPE[str] not in texts(sample_payload(event_type))


@every_filter
def test_a_filter_has_all_its_arguments(filter_type):
    """And its metadata."""
    assert {*filter_type.arguments, "event_metadata"} <= set(sample_payload(filter_type))


@every_filter
def test_no_argument_of_a_filter_is_unknown(filter_type):
    """Every argument of the installed library's filters has a sample."""
    sample = sample_payload(filter_type)
    assert None not in [sample[name] for name in filter_type.arguments]


def test_a_filter_with_a_user_brings_the_profile():
    """Beside the user, as in a real call."""
    sample = sample_payload(catalog.find_filter("StudentLoginRequested"))
    assert sample["profile"]["name"] == "Ada Lovelace"


def test_optional_fields_can_be_left_out():
    """They keep their defaults."""
    assert sample_instance(CourseData, optional=False).start is None
    assert isinstance(sample_instance(CourseData).start, datetime)


@pytest.mark.parametrize(
    "annotation, expected",
    [
        (int | None, 1),
        (typing.Optional[UserData], sample_instance(UserData)),  # noqa: UP045
        (typing.Literal["b", "a"], "b"),
        (typing.NewType("LearningPackageId", int), 1),
        (list[int], [1]),
        (dict[str, int], {}),
        (typing.Any, None),
        ("a forward reference", None),
        (bytes, None),
    ],
)
def test_types_that_other_packages_may_declare(annotation, expected):
    """They get a value by their type, or none; never an error."""
    assert sample_instance(annotation) == expected


@attrs.frozen
class Node:
    """A data class that contains itself, by a forward reference."""

    rest: "Node | None" = None


@dataclasses.dataclass
class Standard:
    """A data class of the standard library."""

    _number: int
    names: list[str] = dataclasses.field(default_factory=list)
    total: int = dataclasses.field(init=False, default=7)


def test_a_class_that_contains_itself_has_an_end():
    """Nesting stops by itself."""
    assert sample_instance(Node) == Node(None)


def test_data_classes_of_the_standard_library():
    """What the constructor doesn't take keeps its value."""
    assert sample_instance(Standard) == Standard(1, ["text"])
