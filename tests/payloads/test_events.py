"""Every event of the installed libraries, with generated instances of its data classes, both ways of encoding."""

import datetime
import json
import typing
from urllib.parse import parse_qsl

import attr
import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openedx_events.data import EventsMetadata
from openedx_events.learning.data import CourseDiscussionConfigurationData, UserData, UserPersonalData
from openedx_events.tooling import OpenEdxPublicSignal

from openedx_webhooks import catalog
from openedx_webhooks.payloads import encode
from openedx_webhooks.payloads.secret_names import is_sensitive
from openedx_webhooks.payloads.serialize import event_payload, user_id_of
from tests import factories
from tests.conftest import TIMES

EVENTS = list(catalog.events().values())


def strict(body: bytes):
    """What a strict parser reads: no NaN, no member twice, no byte that isn't UTF-8."""

    def members(pairs):
        assert len(pairs) == len(dict(pairs))
        return dict(pairs)

    return json.loads(
        body.decode("utf-8"), object_pairs_hook=members, parse_constant=lambda name: pytest.fail(f"{name} isn't JSON")
    )


def test_no_event_is_missing():
    """75 events in Verawood, 70 in Teak, each with at least one data class."""
    assert len(EVENTS) >= (75 if catalog.find_event("ROLE_ASSIGNMENT_CREATED") else 70)
    assert all(event.init_data for event in EVENTS)


@pytest.mark.parametrize("event_type", EVENTS, ids=lambda event: event.name)
@given(data=st.data())
@settings(max_examples=2 * TIMES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_event_becomes_strict_json_and_form_fields(event_type, data):
    """Without its optional fields, with all and with some: the body parses, has every field, and its form twin too."""
    for optional in (False, True, None):
        arguments = data.draw(factories.event_arguments(event_type, optional))
        payload = event_payload(event_type, arguments, EventsMetadata(event_type=event_type.event_type))
        assert list(payload) == [*event_type.init_data, "event_metadata"]
        for name, instance in arguments.items():
            assert_has_every_field(payload[name], instance)
        assert_parses_back(payload, ("event_metadata_event_name", event_type.name))


def assert_parses_back(payload, field):
    """Both encodings are what their content types say."""
    body, content_type = encode.encode(payload, False)
    assert content_type == "application/json"
    assert strict(body) == payload
    form, content_type = encode.encode(payload, True)
    assert content_type == "application/x-www-form-urlencoded"
    pairs = parse_qsl(form.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert pairs == encode.flatten(payload)
    assert field in pairs


def assert_has_every_field(data, instance):
    """Each field of a data class is there under its name, nested ones too."""
    assert list(data) == [field.name for field in attr.fields(type(instance)) if not is_sensitive(field.name)]
    for field in attr.fields(type(instance)):
        value = getattr(instance, field.name)
        if attr.has(type(value)):
            assert_has_every_field(data[field.name], value)
        elif isinstance(value, list):
            assert len(data[field.name]) == len(value)


@pytest.mark.parametrize("event_type", EVENTS, ids=lambda event: event.name)
def test_no_event_has_a_field_that_never_leaves(event_type):
    """The names of the events' own fields are none of the sensitive ones, so nothing of them is lost."""

    def names(cls):
        for field in attr.fields(cls):
            yield field.name
            if attr.has(field.type):
                yield from names(field.type)

    assert not [name for cls in event_type.init_data.values() for name in names(cls) if is_sensitive(name)]


def test_default_that_is_a_class():
    """plugin_configuration is the class ``dict`` where the sender gave nothing, but in Teak: an empty object."""
    configuration = CourseDiscussionConfigurationData(course_key=factories.COURSE, provider_type="openedx")
    assert configuration.plugin_configuration in (dict, {})
    event_type = catalog.find_event("COURSE_DISCUSSIONS_CHANGED")
    payload = event_payload(event_type, {"configuration": configuration}, EventsMetadata(event_type="x"))
    assert payload["configuration"]["plugin_configuration"] == {}


def test_metadata_is_the_events_own():
    """Id and time of an event that came over the bus stay; the time is in UTC."""
    event_type = catalog.find_event("SESSION_LOGIN_COMPLETED")
    metadata = EventsMetadata(
        event_type=event_type.event_type,
        minorversion=3,
        source="openedx/cms/web",
        sourcehost="host",
        time=datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        sourcelib=(9, 0, 1),
    )
    user = UserData(id=5, is_active=True, pii=UserPersonalData(username="ada", email="a@b.c"))
    payload = event_payload(event_type, {"user": user, "metadata": metadata, "from_event_bus": True}, metadata)
    assert payload == {
        "user": {"id": 5, "is_active": True, "pii": {"username": "ada", "email": "a@b.c", "name": ""}},
        "event_metadata": {
            "event_type": "org.openedx.learning.auth.session.login.completed.v1",
            "event_name": "SESSION_LOGIN_COMPLETED",
            "id": str(metadata.id),
            "time": "2026-01-02T03:04:05+00:00",
            "source": "openedx/cms/web",
            "sourcehost": "host",
            "minorversion": 3,
            "sourcelib": [9, 0, 1],
        },
    }
    assert user_id_of(payload) == 5


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ('{"POST": {"password": "S3CR3T"}, "session": "S3CR3T", "path": "/login"}', '{"POST": {}, "path": "/login"}'),
        ("not JSON", "not JSON"),
        ("", ""),
    ],
)
def test_tracking_log(text, leaves):
    """Tracking logs carry JSON as text: it is searched too."""
    event_type = catalog.find_event("TRACKING_EVENT_EMITTED")
    log = event_type.init_data["tracking_log"](
        name="x", timestamp=datetime.datetime.now(datetime.UTC), data=text, context=text
    )
    payload = event_payload(event_type, {"tracking_log": log}, EventsMetadata(event_type="x"))
    assert payload["tracking_log"]["data"] == payload["tracking_log"]["context"] == leaves


# openedx-core and openedx-authz declare events with another kind of class.

PackageID = typing.NewType("PackageID", int)


@attrs.define
class PackageData:
    """With slots, annotations instead of types, and numbers of a type of their own."""

    id: PackageID
    title: str


@attrs.define
class LogData:
    """Nested."""

    changes: list[PackageData]
    user_id: int | None = None
    added: list[int] = attrs.field(factory=list)


@pytest.fixture(name="foreign_event")
def _foreign_event():
    signal = OpenEdxPublicSignal("org.example.published.v1", {"package": PackageData, "log": LogData})
    yield catalog.EventType(signal.event_type, "PUBLISHED", signal)
    OpenEdxPublicSignal.instances.remove(signal)
    OpenEdxPublicSignal._mapping.pop(signal.event_type)


@given(data=st.data())
@settings(max_examples=5 * TIMES, deadline=None, suppress_health_check=list(HealthCheck))
def test_generated_event_of_another_package(foreign_event, data):
    """Like every other."""
    arguments = data.draw(factories.event_arguments(foreign_event))
    payload = event_payload(foreign_event, arguments, EventsMetadata(event_type=foreign_event.event_type))
    assert_parses_back(payload, ("event_metadata_event_name", "PUBLISHED"))


def test_event_of_another_package(foreign_event):
    """Data classes with slots, several arguments."""
    arguments = {"package": PackageData(1, "Ä"), "log": LogData([PackageData(2, "B")], user_id=7)}
    payload = event_payload(foreign_event, arguments, EventsMetadata(event_type=foreign_event.event_type))
    assert payload["package"] == {"id": 1, "title": "Ä"}
    assert payload["log"] == {"changes": [{"id": 2, "title": "B"}], "user_id": 7, "added": []}
    assert user_id_of(payload) == 7
