"""What isn't sent as the platform has it is known, exactly: an answer must not put it back."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.http import QueryDict
from django.test import override_settings
from web_fragments.fragment import Fragment

from openedx_webhooks import catalog
from openedx_webhooks.payloads.serialize import FilterMessage, filter_message
from openedx_webhooks.payloads.walk import CUT, DROPPED, MASKED

UNIT = catalog.find_filter("VerticalBlockRenderCompleted")
DASHBOARD = catalog.find_filter("DashboardRenderStarted")


def message_of(context, **options) -> FilterMessage:
    return filter_message(DASHBOARD, {"context": context, "template_name": "dashboard.html"}, **options)


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"a": "x", "b": [1, 2.5, None, True], "c": {"d": "é日😀"}},
        {"html": '<div class="xblock" data-request-token="abc" data-usage-id="b">', "author": "Ada"},
        {"long": "x" * 250_000},
        {"rows": list(range(1000))},
    ],
)
def test_nothing_is_withheld_of_what_is_sent_as_it_is(context):
    message = message_of(context)
    assert message.payload["context"] == context
    assert message.withheld == {}


@pytest.mark.parametrize(
    ("context", "withheld"),
    [
        ({"next": "/a?token=S3CR3T", "b": "x"}, {("context", "next"): MASKED}),
        ({"rows": ["x", {"html": "csrf_token=S3CR3T"}]}, {("context", "rows", "1", "html"): MASKED}),
        ({"half": "a\ud83d"}, {("context", "half"): MASKED}),
        ({"/a?token=S3CR3T": 1}, {("context",): DROPPED}),
        ({"to /activate/S3CR3T": 1}, {("context",): MASKED}),
        (
            {"password": "S3CR3T", "a": {"csrf": "S3CR3T"}},
            {("context", "password"): DROPPED, ("context", "a", "csrf"): DROPPED},
        ),
        ({"name": "password", "value": "S3CR3T"}, {("context", "value"): DROPPED}),
        ({"headers": [("Cookie", "S3CR3T"), ("Accept", "*")]}, {("context", "headers"): DROPPED}),
        ({"rows": list(range(1001))}, {("context", "rows"): CUT}),
        ({"html": "x" * 300_000}, {("context", "html"): CUT}),
        ({"html": "token=S3CR3T" + "x" * 300_000}, {("context", "html"): CUT}),
        ({"x" * 300: 1}, {("context",): CUT}),
        ({"x" * 300: 1, "to /activate/S3CR3T": 1}, {("context",): CUT}),
    ],
)
def test_withheld(context, withheld):
    """Where, and why; nothing else."""
    message = message_of(context)
    assert message.withheld == withheld
    assert b"S3CR3T" not in message.body
    assert json.loads(message.body) == message.payload


def test_depth_and_cycles_are_cuts():
    """What is nested too deeply and what contains itself."""
    context: dict = {"a": {"b": {"c": 1}}}
    context["self"] = context
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_DEPTH": 2}):
        assert message_of(context).withheld == {("context", "a", "b"): CUT, ("context", "self"): CUT}


def test_what_comes_again_is_withheld_again():
    """An object is converted once, and is at several places."""
    user = get_user_model()(id=5, username="ada", first_name="token=S3CR3T")
    message = message_of({"owner": user, "members": [user, user]})
    places = [("owner",), ("members", "0"), ("members", "1")]
    assert message.withheld == {("context", *place, "first_name"): MASKED for place in places}


def test_argument_that_is_left_out_whole():
    """Where not even its beginning fits."""
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_BYTES": 800}):
        message = message_of({f"key{number}": number for number in range(200)})
    assert message.withheld[("context",)] == CUT


def test_fields_of_a_form():
    """Also where several values make a list."""
    form = QueryDict("a=1&a=token%3DS3CR3T&b=2&password=S3CR3T")
    message = filter_message(catalog.find_filter("StudentRegistrationRequested"), {"form_data": form})
    assert message.withheld == {("form_data", "a", "1"): MASKED, ("form_data", "password"): DROPPED}


def test_argument_of_a_sensitive_name():
    """Isn't sent either."""
    assert filter_message(UNIT, {"token": "S3CR3T"}).withheld == {("token",): DROPPED}


@pytest.mark.parametrize(
    ("content", "withheld"),
    [
        ('<div class="xblock" data-request-token="abc">' * 5000, {}),
        ('<div data-request-token="abc">' * 20_000, {("fragment", "content"): CUT}),
        ('<input name="csrfmiddlewaretoken" value="S3CR3T">', {("fragment", "content"): MASKED}),
    ],
)
def test_unit(content, withheld):
    """A unit's markup is sent whole while the payload has room for it, with the tokens that its scripts need."""
    message = filter_message(UNIT, {"fragment": Fragment(content), "context": {}, "view": "student_view"})
    assert message.withheld == withheld
    if not withheld:
        assert message.payload["fragment"] == {"content": content}
    assert len(message.body) <= 256 * 1024
    assert (len(message.body) > 250_000) == (CUT in withheld.values())


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.example/f.pdf?X-Amz-Credential=S1&X-Amz-Expires=60&X-Amz-Security-Token=S2&X-Amz-Signature=S3",
        "https://s3.example/f.pdf?AWSAccessKeyId=S1&Signature=S2&Expires=5",
        "https://gcs.example/f.pdf?X-Goog-Credential=S1&X-Goog-Signature=S2",
        "https://azure.example/f.pdf?sv=2024&sig=S1",
        "https://swift.example/f.pdf?temp_url_sig=S1&temp_url_expires=5",
    ],
)
def test_file_url(url):
    """The signature that gives the file to whoever has it is masked, unless the operator lets it through."""
    context = {"file_urls": [{"download_url": url, "description": f"see {url}"}]}
    masked = message_of(context)
    assert "=S" not in masked.payload["context"]["file_urls"][0]["download_url"]
    assert masked.withheld[("context", "file_urls", "0", "download_url")] == MASKED
    sent = message_of(context, file_urls=True)
    assert sent.payload["context"]["file_urls"][0]["download_url"] == url
    assert list(sent.withheld) == [("context", "file_urls", "0", "description")]


def test_other_secrets_in_a_file_url_stay_masked():
    """Only what signs a file is let through."""
    sent = message_of({"url": "https://ada:S3CR3T@s3.example/f?access_token=S3CR3T&sig=5"}, file_urls=True)
    assert sent.payload["context"]["url"] == "https://ada:***@s3.example/f?access_token=***&sig=5"
