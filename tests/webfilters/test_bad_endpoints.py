"""Endpoints that misbehave: the learner's request goes on as if there had been no answer, and one log line says why."""

import json
import time

import pytest
from openedx_filters.learning.filters import StudentLoginRequested

from tests.receiver import Reply
from tests.releases import needs_bounds

from .world import World, log_in

pytestmark = pytest.mark.django_db
LOGIN = StudentLoginRequested.filter_type


def deep(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def drip(handler):
    """One byte a second, for ever."""
    handler.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    try:
        for _ in range(20):
            handler.connection.sendall(b"{")
            time.sleep(0.2)
    except OSError:
        pass
    handler.close_connection = True


def huge(handler):
    """300 MB, or as much of it as anybody reads."""
    handler.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 314572800\r\n\r\n")
    try:
        for _ in range(300):
            handler.connection.sendall(b" " * 1024 * 1024)
    except OSError:
        pass
    handler.close_connection = True


BAD = {
    "hangs": (Reply({"data": {}}, delay=4), "timeout"),
    "drips": (drip, "timeout"),
    "300 MB": (huge, "too_large"),
    "binary": (Reply(bytes(range(256))), "not UTF-8"),
    "html": (Reply(b"<!doctype html><p>Hello</p>"), "not JSON"),
    "null": (Reply(None), "is null"),
    "list": (Reply([{"data": {}}]), "is a list"),
    "data 5": (Reply({"data": 5}), "data is a number"),
    "no such exception": (Reply({"exception": {"NoSuchException": "x"}}), "no exception 'NoSuchException'"),
    "NaN": (Reply(b'{"data": {"profile": {"name": NaN}}}'), "NaN"),
    "deep": (Reply({"data": deep(100)}), "nested deeper"),
    "invalid UTF-8": (Reply(b'{"data": {"profile": {"name": "\xc3\x28"}}}'), "not UTF-8"),
    "redirects to itself": (Reply(status=302, headers={"Location": "/hook"}), "status 302"),
    "status 599": (Reply(status=599), "status 599"),
    "too few": (
        lambda handler: handler.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
        "timeout",
    ),
    "not HTTP": (lambda handler: handler.connection.sendall(b"220 ftp\r\n\r\n"), "bad_response"),
}
URLS = {"refuses": ("http://127.0.0.1:1/", "connect"), "does not resolve": ("http://no-such-host.invalid/", "dns")}


@pytest.fixture
def user(db):  # pylint: disable=unused-argument
    return World().user


def login_unharmed(user, webfilter, caplog, word):
    """The login goes on within the timeout, nothing changed, with one log line about the webfilter."""
    caplog.clear()
    start = time.monotonic()
    assert StudentLoginRequested.run_filter(user=user) is user
    assert time.monotonic() - start < webfilter.timeout + 2
    user.profile.refresh_from_db()
    assert user.profile.name == "Ada"
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("openedx_webhooks.webfilters")]
    assert len(lines) == 1
    assert f"Webfilter {webfilter.pk} (StudentLoginRequested)" in lines[0]
    assert word in lines[0]
    assert "\n" not in lines[0]


@pytest.mark.parametrize("kind", sorted(BAD))
def test_bad_answer(kind, user, make_webfilter, caplog):
    reply, word = BAD[kind]
    # What is heard in time is judged by what it is, on a busy machine, too.
    login_unharmed(user, make_webfilter(LOGIN, reply, timeout=0.5 if word == "timeout" else 5), caplog, word)


@pytest.mark.parametrize("kind", sorted(URLS))
def test_bad_address(kind, user, make_webfilter, caplog):
    url, word = URLS[kind]
    webfilter = make_webfilter(LOGIN, timeout=0.5)
    webfilter.webhook_url = url
    webfilter.save()
    login_unharmed(user, webfilter, caplog, word)


@pytest.mark.parametrize("kind", sorted(set(BAD) - {"status 599"}))
def test_fails_closed_if_the_operator_says_so(kind, user, make_webfilter):
    """An answer that can't be used is no usable response."""
    make_webfilter(LOGIN, BAD[kind][0], timeout=0.5, halt_on_request_exception=True)
    with pytest.raises(StudentLoginRequested.PreventLogin):
        StudentLoginRequested.run_filter(user=user)


@pytest.mark.parametrize("exception", ["NoSuchException", "PreventLogin"])
def test_disabled_halting_ignores_the_exceptions_of_answers(exception, user, make_webfilter):
    """Whether the filter has it or not: the answer is a usable one, so nothing else halts either."""
    reply = Reply({"exception": {exception: "x"}})
    make_webfilter(LOGIN, reply, halt_on_request_exception=True, halt_on_4xx=True, disable_halt=True)
    assert StudentLoginRequested.run_filter(user=user) is user


@pytest.mark.parametrize(
    ("switch", "reply"),
    [
        ("halt_on_4xx", Reply(status=403)),
        ("halt_on_5xx", Reply(status=500)),
        ("halt_on_request_exception", Reply(b"<p>")),
    ],
)
def test_disabled_halting_leaves_the_halts_on_failures(switch, reply, user, make_webfilter):
    """As documented, and as in the published plugin: they stand on their own."""
    make_webfilter(LOGIN, reply, disable_halt=True, **{switch: True})
    with pytest.raises(StudentLoginRequested.PreventLogin):
        StudentLoginRequested.run_filter(user=user)


@pytest.mark.parametrize(
    "value",
    [
        {"profile": {"name": "x" * 256}},
        {"profile": {"name": "a\0b"}},
        {"profile": {"name": 5}},
        {"profile": {"name": None}},
        {"profile": {"year_of_birth": "x"}},
        pytest.param({"profile": {"year_of_birth": 10**19 - 1}}, marks=needs_bounds),
        {"profile": {"country": "toolong"}},
        {"profile": {"user": 5}},
        {"profile": {"user_id": 5}},
        {"profile": {"id": 5}},
        {"profile": {"meta": "x"}},
        {"profile": {"no_such_field": 1}},
        {"profile": {"pk": 1}},
        {"profile": {"__class__": 1}},
        {"profile": []},
        {"profile": {"save": 1}},
        {"profile": {"objects": 1}},
        {"profile": {"": 1}},
        {"user": {"username": "eve"}},
        {"user": {"email": "eve@example.com"}},
        {"user": {"password": "x"}},
        {"user": {"is_staff": True}},
        {"user": {"is_superuser": True}},
        {"user": {"is_active": False}},
        {"user": {"last_login": "2020-01-01T00:00:00Z"}},
        {"user": {"date_joined": "2020-01-01T00:00:00Z"}},
        {"user": {"id": 7}},
        {"user": {"groups": [1]}},
        {"user": {"profile": {"name": "x"}}},
        {"user": None},
        {"user": "eve"},
        {"nobody": 1},
        {"": {}},
        {"self": 1},
        {"event_metadata": {"event_type": "x"}},
    ],
)
def test_what_does_not_fit_is_refused_by_name(value, user, make_webfilter, caplog):
    """And everything else of the answer still applies."""
    data = json.loads(json.dumps(value))
    data.setdefault("profile", {})
    if isinstance(data["profile"], dict):
        data["profile"]["goals"] = "to teach"
    webfilter = make_webfilter(LOGIN, Reply({"data": data}))
    before = {**user.__dict__}
    log_in(user)
    assert {name: item for name, item in user.__dict__.items() if name != "_state"} == {
        name: item for name, item in before.items() if name != "_state"
    }
    user.refresh_from_db()
    assert (user.username, user.is_staff, user.is_active) == ("ada", False, True)
    assert user.last_login is None
    profile = type(user.profile).objects.get(user=user)
    assert (profile.name, profile.country, profile.user_id) == ("Ada", "GB", user.pk)
    assert profile.goals == ("to teach" if isinstance(data["profile"], dict) else "to learn")
    assert f"Webfilter {webfilter.pk} (StudentLoginRequested)" in caplog.text
    assert "was not changed: " in caplog.text
