"""Responses that an answer makes or adds to."""

import pytest
from django.conf import settings
from django.http import HttpResponse
from openedx_filters.learning.filters import DashboardRenderStarted

from openedx_webhooks import catalog
from openedx_webhooks.webfilters import halts, objects, responses
from openedx_webhooks.webfilters.plan import Plan, Refused


def test_message_is_escaped():
    response = responses.build(message="<script>alert(1)</script>")
    assert response.content == b"<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    assert response.status_code == 403


def test_content_is_html_of_the_operators_system():
    response = responses.build("<b>x</b>", 200, {"Content-Type": "text/html", "X-A": "b"}, "ignored")
    assert (response.content, response.status_code, response.headers["X-A"]) == (b"<b>x</b>", 200, "b")


@pytest.mark.parametrize("status", [204, 205, 304])
def test_response_without_a_body_has_none(status):
    """A server that keeps the connection alive would send it where the next response begins."""
    assert responses.build("<b>x</b>", status).content == responses.build(None, status).content == b""


def test_redirecting_response():
    assert responses.build("", 302, {"Location": "/help"}).headers["Location"] == "/help"


@pytest.mark.parametrize(
    "arguments",
    [
        {"status": 100},
        {"status": 600},
        {"status": True},
        {"status": "abc"},
        {"status": 1.5},
        {"status": -1},
        {"content": 5},
        {"content": ["x"]},
        {"content": "a\0b"},
        {"headers": []},
        {"headers": "X: y"},
        {"headers": {"X": 5}},
        {"headers": {"X": "a\r\nSet-Cookie: b=c"}},
        {"headers": {"X\r\nY": "a"}},
        {"headers": {"": "a"}},
        {"headers": {"Set-Cookie": "sessionid=x"}},
        {"headers": {"Content-Length": "5"}},
        {"headers": {"X": "é"}},
        {"headers": {"Transfer-Encoding": "chunked"}},
        {"headers": {"Location": "javascript:alert(1)"}},
        {"headers": {"location": "//evil.example"}},
        {"headers": {"X": "a" * 5000}},
        {"headers": {"Location": "https://a.example/" + "a" * 2000}},
        {"headers": {"X-Accel-Redirect": "/internal/uploads/x"}},
        {"headers": {"x-sendfile": "/etc/passwd"}},
        {"headers": {"Proxy-Authorization": "x"}},
    ],
)
def test_what_http_or_a_browser_would_choke_on_is_refused(arguments):
    with pytest.raises(Refused):
        responses.build(**arguments)


def test_refusal_of_a_response_refuses_the_exception():
    """And the log line says which argument of which exception it was."""
    dashboard = catalog.filters()[DashboardRenderStarted.filter_type]
    with pytest.raises(Refused, match="headers: it is protected"):
        halts.by_name(dashboard, "RenderCustomResponse", {"headers": {"Set-Cookie": "a=b"}}, {})


@pytest.mark.parametrize(
    ("verb", "value"),
    [
        ("headers", {"Set-Cookie": "a=b"}),
        ("headers", {"X": "a\nb"}),
        ("headers", {"Location": "//evil.example"}),
        ("headers", {"X-Accel-Redirect": "/internal"}),
        ("headers", []),
        ("content", "x"),
        ("cookies", {settings.SESSION_COOKIE_NAME: "x"}),
        ("cookies", {settings.CSRF_COOKIE_NAME: "x"}),
        ("cookies", {"access_token": "x"}),
        ("cookies", {"a b": "x"}),
        ("cookies", {"a": "x; Domain=evil"}),
        ("cookies", {"a": 5}),
        ("delete_cookies", {"a": 1}),
        ("delete_cookies", [5]),
        ("delete_cookies", [settings.SESSION_COOKIE_NAME]),
        ("status_code", 500),
    ],
)
def test_finished_response_takes_only_harmless_headers_and_cookies(verb, value):
    response, plan = HttpResponse("page"), Plan({})
    assert objects.ResponseVerbs().plan(response, {verb: value}, ("response",), plan) is response
    assert plan.refused
    assert not plan.effects
