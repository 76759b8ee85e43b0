"""Responses that an answer makes or adds to."""

import pytest
from django.conf import settings
from django.http import HttpResponse
from openedx_filters.learning.filters import DashboardRenderStarted

from openedx_webhooks import catalog
from openedx_webhooks.webfilters import halts, responses
from openedx_webhooks.webfilters.kinds import objects
from openedx_webhooks.webfilters.plan import Plan


def build(message="", **options):
    """The response alone; nothing of the options was left out."""
    response, notes = responses.build(options, message)
    assert notes == []
    return response


def test_message_is_escaped():
    response = build("<script>alert(1)</script>")
    assert response.content == b"<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    assert response.status_code == 403


def test_content_is_html_of_the_operators_system():
    response = build(
        "ignored", content="<b>x</b>", status=200, headers={"Content-Type": "text/html", "Cache-Control": "no-store"}
    )
    assert (response.content, response.status_code, response.headers["Cache-Control"]) == (b"<b>x</b>", 200, "no-store")


def test_a_response_has_the_type_reason_and_charset_of_the_answer():
    response = build(
        content="Ünzulässig", status="451", content_type="text/plain", reason="Not here", charset="latin-1"
    )
    assert (response.content, response.reason_phrase) == ("Ünzulässig".encode("latin-1"), "Not here")
    assert response.headers["Content-Type"] == "text/plain"
    assert build(charset="latin-1").headers["Content-Type"] == "text/html; charset=latin-1"


def test_a_number_is_content():
    assert build(content=5).content == b"5"


@pytest.mark.parametrize("header, is_allowed", [("X-Partner", True), ("x-partner", True), ("Set-Cookie", False)])
def test_the_operator_may_allow_more_headers_but_no_cookie(settings, header, is_allowed):
    settings.OPENEDX_WEBHOOKS = {"ALLOWED_RESPONSE_HEADERS": ["X-Partner", "Set-Cookie"]}
    response, notes = responses.build({"headers": {header: "a=b"}})
    assert (header in response.headers, notes == []) == (is_allowed, is_allowed)


@pytest.mark.parametrize("status", [204, 205, 304])
def test_response_without_a_body_has_none(status):
    """A server that keeps the connection alive would send it where the next response begins."""
    assert build(content="<b>x</b>", status=status).content == build(status=status).content == b""


def test_redirecting_response():
    assert build(content="", status=302, headers={"Location": "/help"}).headers["Location"] == "/help"


@pytest.mark.parametrize(
    "arguments",
    [
        {"status": 100},
        {"status": 600},
        {"status": True},
        {"status": "abc"},
        {"status": 1.5},
        {"status": -1},
        {"content": ["x"]},
        {"content": "a\0b"},
        {"content_type": "text"},
        {"content_type": "text/html\r\nX: y"},
        {"content_type": "text/html; charset=no-such"},
        {"content_type": 5},
        {"reason": "a\r\nb"},
        {"reason": "é"},
        {"charset": "no-such"},
        {"charset": "hex"},
        {"charset": "a\nb"},
        {"charset": "ascii", "content": "é"},
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
        {"headers": {"Refresh": "0; url=javascript:alert(1)"}},
        {"headers": {"X": "a" * 5000}},
        {"headers": {"Location": "https://a.example/" + "a" * 2000}},
        {"headers": {"X-Accel-Redirect": "/internal/uploads/x"}},
        {"headers": {"x-sendfile": "/etc/passwd"}},
        {"headers": {"Proxy-Authorization": "x"}},
        {"headers": {"Access-Control-Allow-Origin": "https://evil.example"}},
        {"headers": {"Content-Security-Policy": "default-src *"}},
        {"headers": {"Clear-Site-Data": '"*"'}},
        {"headers": {"X-LiteSpeed-Location": "/internal"}},
        {"headers": {"X-Unknown": "1"}},
    ],
)
def test_what_http_or_a_browser_would_choke_on_is_left_out_and_named(arguments):
    """Who was to be refused is refused all the same."""
    response, notes = responses.build(arguments, "No")
    assert len(notes) == 1
    assert notes[0].partition(":")[0] in {*arguments, "charset"}
    assert response.status_code == 403
    assert set(response.headers) == {"Content-Type"}
    assert response.content.decode() in ("<p>No</p>", arguments.get("content"))


def test_what_is_wrong_with_a_response_is_named_with_its_exception():
    dashboard = catalog.filters()[DashboardRenderStarted.filter_type]
    halt = halts.by_name(dashboard, "RenderCustomResponse", {"headers": {"Set-Cookie": "a=b"}}, {})
    assert halt.notes == ["RenderCustomResponse: headers: it is protected"]
    assert halt.exception.response.status_code == 403


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
