"""Validation of hooks outside the forms: ``clean()`` says what to enter instead."""

import pytest
from django.core.exceptions import ValidationError

from openedx_webhooks import catalog
from openedx_webhooks.models import Webfilter, Webhook
from openedx_webhooks.models.validators import (
    RESERVED_HEADERS,
    validate_endpoint,
    validate_expression,
    validate_headers,
    validate_redirect,
    validate_schedule,
)

pytestmark = pytest.mark.django_db
LOGIN = "org.openedx.learning.auth.session.login.completed.v1"
MAY_LOGIN = "org.openedx.learning.student.login.requested.v1"
URL = "https://example.com/hooks"


@pytest.mark.parametrize(
    "model, name, dotted",
    [(Webhook, "SESSION_LOGIN_COMPLETED", LOGIN), (Webfilter, "StudentLoginRequested", MAY_LOGIN)],
)
def test_a_short_name_is_stored_as_the_dotted_type(model, name, dotted):
    hook = model(event=name, webhook_url=URL)
    hook.full_clean()
    assert hook.event == dotted


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_a_new_hook_of_an_unknown_type_is_refused(model):
    with pytest.raises(ValidationError) as error:
        model(event="org.example.nothing.v1", webhook_url=URL).full_clean()
    assert "This installation has no “org.example.nothing.v1”. Choose one" in error.value.message_dict["event"][0]


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_a_stored_unknown_type_may_stay(model):
    hook = model.objects.create(event="org.example.nothing.v1", webhook_url=URL)
    hook.description = "edited"
    hook.full_clean()
    assert hook.known_type is None
    assert hook.event_name == "org.example.nothing.v1"


def test_a_webhook_takes_no_filter_and_a_webfilter_no_event():
    for model, event in ((Webhook, MAY_LOGIN), (Webfilter, LOGIN)):
        with pytest.raises(ValidationError):
            model(event=event, webhook_url=URL).full_clean()


def test_every_catalogued_type_fits_its_column():
    longest = max((*catalog.events(), *catalog.filters()), key=len)
    assert len(longest) <= Webhook._meta.get_field("event").max_length


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"webhook_url": ""}, "webhook_url"),
        ({"webhook_url": "mailto:a@example.com"}, "webhook_url"),
        ({"condition": "a =="}, "condition"),
        ({"shape": "{"}, "shape"),
        ({"headers": {"Host": "x"}}, "headers"),
        ({"headers": ["Host"]}, "headers"),
        ({"headers": {"X-A": 1}}, "headers"),
    ],
)
@pytest.mark.parametrize("model, event", [(Webhook, LOGIN), (Webfilter, MAY_LOGIN)])
def test_every_validator_is_on_its_field(model, event, fields, field):
    with pytest.raises(ValidationError) as error:
        model(**{"event": event, "webhook_url": URL, **fields}).full_clean()
    assert set(error.value.message_dict) == {field}


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"redirect_on_4xx": "nowhere"}, "redirect_on_4xx"),
        ({"redirect_on_5xx": "//evil.example"}, "redirect_on_5xx"),
        ({"redirect_on_request_exception": "data:text/html,x"}, "redirect_on_request_exception"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": 31}, "timeout"),
        ({"mode": "sometimes"}, "mode"),
        ({"call_log": "some"}, "call_log"),
    ],
)
def test_the_fields_of_webfilters(fields, field):
    with pytest.raises(ValidationError) as error:
        Webfilter(event=MAY_LOGIN, webhook_url=URL, **fields).full_clean()
    assert set(error.value.message_dict) == {field}


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://localhost:8000/a?b=c",
        "http://127.0.0.1:5678/webhook/x",
        "http://n8n:5678/webhook",
        "https://[2001:db8::1]:8443/",
        "https://bücher.example/",
        "http://some_service/",
        "https://example.com./",
        "HTTPS://EXAMPLE.COM/",
    ],
)
def test_a_full_address_is_accepted(url):
    assert validate_endpoint(url) is None  # what is not accepted raises


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "gopher://x",
        "http:///path",
        "http://",
        "https://?x",
        "http://a..b",
        "http://.",
        "http://" + "a" * 64 + ".com",
        "http://exa mple.com",
        "http://example.com/\r\nX: y",
        "http://example.com:port/",
        "http://example.com:-1/",
        "http://[::1",
        "http://[zz]/",
        "http://user@example.com/",
        "http://:secret@example.com/",
        "http://\x00/",
        "javascript:alert(1)",
    ],
)
def test_bad_endpoints_are_refused_with_advice(url):
    with pytest.raises(ValidationError) as error:
        validate_endpoint(url)
    assert "https://example.com/hooks" in str(error.value) or "Authorization header" in str(error.value)


@pytest.mark.parametrize("url", ["/", "/dashboard", "/a?next=/b#c", "https://example.com/sorry", "http://example.com"])
def test_a_path_or_a_full_address_is_accepted(url):
    validate_redirect(url)


@pytest.mark.parametrize(
    "url",
    [
        "dashboard",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "javascript:alert(1)",
        "/a b",
        "/a\nb",
        "http:/evil.example",
        "https://",
        "/\tevil",
        "data:text/html,x",
    ],
)
def test_bad_redirects_are_refused_with_advice(url):
    """A path that a browser reads as another server, and schemes that run script, among them."""
    with pytest.raises(ValidationError, match="or a path on this site such as /dashboard"):
        validate_redirect(url)


def test_an_address_that_is_a_redirect_to_the_same_server_is_fine_as_an_endpoint_too():
    """What is not accepted raises."""
    assert validate_redirect("https://example.com/hooks") is None
    assert validate_endpoint("https://example.com/hooks") is None


@pytest.mark.parametrize("name", sorted(RESERVED_HEADERS))
@pytest.mark.parametrize("change", [str.lower, str.title, str.upper])
def test_no_spelling_of_a_reserved_header_is_accepted(name, change):
    with pytest.raises(ValidationError, match="set by the plugin itself"):
        validate_headers({change(name): "x"})


def test_every_wrong_header_is_named():
    with pytest.raises(ValidationError) as error:
        validate_headers({"Host": "x", "X Y": "1", "X-Ok": "fine", "X-Bad": "a\nb"})
    assert len(error.value.messages) == 3


@pytest.mark.parametrize("text, position", [("a ==", 5), ("a[?b", 5), ("foo(", None), ("", None), ("a.b.", 5)])
def test_a_wrong_expression_is_located(text, position):
    with pytest.raises(ValidationError) as error:
        validate_expression(text)
    if position:
        assert f"at character {position}" in error.value.messages[0]


@pytest.mark.parametrize("value", [None, "", [], [5], [5, 300, 86400], [30 * 86400], [1] * 50])
def test_a_list_of_waits_is_accepted(value):
    validate_schedule(value)


@pytest.mark.parametrize(
    "value",
    ["5s", {"a": 1}, [0], [-5], [1.5], [True], ["5"], [None], [[5]], [30 * 86400 + 1], [1] * 51, [float("nan")]],
)
def test_bad_schedules_are_refused_with_advice(value):
    with pytest.raises(ValidationError, match=r"such as \[5, 300, 1800\]"):
        validate_schedule(value)


def test_the_name_of_a_hook_shows_no_more_of_its_address_than_the_server():
    """It is in the history, in titles and in messages; the path may be a capability."""
    hook = Webhook(pk=7, event=LOGIN, webhook_url="https://hooks.example.com/services/T0/secret-token?key=1")
    assert str(hook) == "webhook 7: SESSION_LOGIN_COMPLETED → hooks.example.com"
    assert str(Webhook(pk=8, event=LOGIN, webhook_url="https://[broken")) == "webhook 8: SESSION_LOGIN_COMPLETED"
