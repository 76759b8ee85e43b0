"""The formats of bodies, read by the libraries that receivers use."""

import json

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from openedx_webhooks import catalog
from openedx_webhooks.hook_request import request_of
from openedx_webhooks.models import Webfilter, Webhook
from openedx_webhooks.payloads import formats, shape
from openedx_webhooks.payloads.samples import sample_payload

TYPES = [*catalog.events().values(), *catalog.filters().values()]
ENROLLMENT = "org.openedx.learning.course.enrollment.created.v1"


def sent(hook_type, expression="", **fields):
    """The request for a type's sample, and the sample."""
    payload, model = sample_payload(hook_type), Webhook if hasattr(hook_type, "event_type") else Webfilter
    hook = model(event=hook_type.name, webhook_url="https://a.example/", payload_format="cloudevents", **fields)
    content = shape.evaluate(shape.compile_expression(expression), payload) if expression else payload
    return request_of(hook, "message-1", content, payload["event_metadata"]), payload


def event_of(request):
    """As the SDK of CloudEvents reads it; it refuses what the specification forbids."""
    return from_http_event(HTTPMessage(headers=request.headers, body=request.body))


@pytest.mark.parametrize("hook_type", TYPES, ids=lambda hook_type: hook_type.name)
def test_every_type_is_a_cloudevent(hook_type):
    request, payload = sent(hook_type)
    event, metadata = event_of(request), payload["event_metadata"]
    assert request.headers["Content-Type"] == "application/cloudevents+json"
    assert (event.get_id(), event.get_type(), event.get_source()) == (
        metadata["id"],
        metadata["event_type"],
        metadata["source"],
    )
    assert event.get_time().isoformat() == metadata["time"]
    assert event.get_datacontenttype() == "application/json"
    assert event.get_extension("sourcehost") == metadata["sourcehost"]
    assert event.get_extension("minorversion") == metadata["minorversion"]
    assert event.get_extension("sourcelib") == ".".join(map(str, metadata["sourcelib"]))
    assert event.get_data() == json.loads(json.dumps(payload))


@pytest.mark.parametrize(
    "expression, data, subject",
    [
        ("", None, "course-v1:edX+DemoX+Demo_Course"),
        ("{mode: enrollment.mode}", {"mode": "verified"}, None),
        ("enrollment.mode", "verified", None),
        ("[`1`]", [1], None),
        ("to_number('NaN')", None, None),
    ],
)
def test_data_is_the_payload_or_what_the_shape_made_of_it_and_the_subject_is_in_it(expression, data, subject):
    request, payload = sent(catalog.find_event(ENROLLMENT), expression)
    envelope = json.loads(request.body)
    expected = payload["enrollment"]["course"]["course_key"] if subject else None
    assert envelope.get("subject") == expected
    assert envelope["data"] == (json.loads(json.dumps(payload)) if expression == "" else data)


@pytest.mark.parametrize("content", ["Ж", "\ud800", {"a": [10**30, 1.5, None, True]}, [], None])
def test_any_json_value_can_be_enveloped_without_metadata(content):
    """A row may have been written past the capture."""
    hook = Webhook(event=ENROLLMENT, webhook_url="https://a.example/", payload_format="cloudevents")
    event = event_of(request_of(hook, "message-1", content, {}))
    assert (event.get_id(), event.get_type()) == ("message-1", ENROLLMENT)
    assert event.get_data() == ("?" if content == "\ud800" else content)


@pytest.mark.parametrize(
    "fields, says",
    [
        ({"payload_format": "of-tomorrow"}, "knows no payload format “of-tomorrow”"),
        ({"payload_format": "cloudevents", "use_www_form_encoding": True}, "With WWW form encoding"),
        ({"signature": "of-tomorrow"}, "knows no signature “of-tomorrow”"),
        ({"authentication": "of-tomorrow"}, "knows no authentication “of-tomorrow”"),
        ({"authentication": "bearer"}, "“Token” is missing"),
        ({"authentication": "bearer", "credentials": {"token": "a b"}}, "no spaces"),
        ({"authentication": "bearer", "credentials": {"token": 5}}, "“Token” has a line break"),
        ({"authentication": "bearer", "credentials": ["token"]}, "“Token” is missing"),
        ({"authentication": "basic", "credentials": {"user": "a:b"}}, "no colon"),
        ({"authentication": "basic", "credentials": {"user": "a", "password": "a\nb"}}, "“Password” has a line break"),
    ],
)
def test_what_was_written_past_the_form_is_told(fields, says):
    with pytest.raises(ValueError, match=says):
        request_of(Webhook(event=ENROLLMENT, webhook_url="https://a.example/", **fields), "m", {}, {})


def test_each_format_says_what_it_is():
    assert [name for name, title in formats.choices() if str(title)] == list(formats.FORMATS)
