"""Access tokens, from a real token server, for a real endpoint."""

import base64
import logging
import threading
import time
import uuid
from urllib.parse import parse_qsl

import pytest
from django.core.cache import cache

from openedx_webhooks import hook_request, oauth
from openedx_webhooks.background import process
from openedx_webhooks.hook_request import request_of
from openedx_webhooks.models import Webhook

from .receiver import Reply


@pytest.fixture(autouse=True)
def _fresh_cache():
    cache.clear()


class TokenServer:
    """Issues ``token-1``, ``token-2``, … at ``/token`` of the receiver, to those who know the secret."""

    def __init__(self, receiver):
        self.receiver, self.count, self.expires_in, self.delay = receiver, 0, 3600, 0.0
        self.takes_basic, self.secret = True, "s3cret/ü+"
        receiver.replies["/token"] = self._answer

    def _answer(self, handler):
        request = self.receiver.at("/token")[-1]
        time.sleep(self.delay)
        form = dict(parse_qsl(request.body.decode()))
        pair = base64.b64encode(b"cl%3Aient:s3cret%2F%C3%BC%2B").decode()
        basic = self.takes_basic and request.headers.get("Authorization") == f"Basic {pair}"
        is_known = self.secret == "s3cret/ü+" and (
            basic or (form.get("client_id"), form.get("client_secret")) == ("cl:ient", self.secret)
        )
        self.count += is_known
        issued = {"access_token": f"token-{self.count}", "token_type": "Bearer", "expires_in": self.expires_in}
        reply = Reply(issued) if is_known else Reply({"error": "invalid_client", "error_description": "s3cret!"}, 401)
        self.receiver.replies["/reply"] = reply
        handler.path = "/reply"
        self.receiver.answer(handler)

    def credentials(self, **changes):
        """Those that it knows."""
        known = {"token_url": self.receiver.url("/token"), "client_id": "cl:ient", "client_secret": "s3cret/ü+"}
        return {**known, "scope": "hooks.write", **changes}


@pytest.fixture
def server(receiver):
    return TokenServer(receiver)


def send(server, **changes):
    """POST a request of a hook that authenticates so."""
    url = server.receiver.url("/hook")
    hook = Webhook(event="x", webhook_url=url, authentication="oauth2", credentials=server.credentials(**changes))
    request = request_of(hook, str(uuid.uuid4()), {"a": 1}, {})
    return request, hook_request.post(request, timeout=5, connect_timeout=2)


def authorizations(server):
    return [request.headers.get("Authorization") for request in server.receiver.at("/hook")]


def test_one_token_serves_many_requests(server):
    outcomes = [send(server)[1].status_code for _ in range(3)]
    assert outcomes == [200] * 3
    assert authorizations(server) == ["Bearer token-1"] * 3
    (asked,) = server.receiver.at("/token")
    assert dict(parse_qsl(asked.body.decode())) == {"grant_type": "client_credentials", "scope": "hooks.write"}


def test_a_server_that_wants_the_secret_in_the_body_gets_it_there(server):
    server.takes_basic = False
    assert send(server)[1].status_code == 200
    assert authorizations(server) == ["Bearer token-1"]


def test_another_process_takes_it_from_the_cache_where_nobody_can_read_it(server, monkeypatch):
    kept = []
    monkeypatch.setattr(
        oauth, "ask", lambda *args, **kwargs: (kept.append(args), getattr(cache, args[0])(*args[1:]))[1]
    )
    send(server)
    process.forget()
    send(server)
    assert authorizations(server) == ["Bearer token-1"] * 2
    assert "token-1" not in str(kept) and "s3cret" not in str(kept)


def test_without_a_cache_each_process_has_its_own(server, monkeypatch):
    monkeypatch.setattr(oauth, "ask", lambda *args, **kwargs: None)
    send(server)
    send(server)
    process.forget()
    send(server)
    assert authorizations(server) == ["Bearer token-1"] * 2 + ["Bearer token-2"]


@pytest.mark.parametrize(
    "left", ["no JSON", "5", "[]", '["t", "a", "b", "c"]', '["t", 1]', "[" * 100_000, 5, b"x", {"t": 1}]
)
def test_what_another_program_left_in_the_place_of_a_token_is_none(server, left):
    send(server)
    for key in list(cache._cache):  # pylint: disable=protected-access
        cache.set(key.split(":", 2)[2], left)
    process.forget()
    assert send(server)[1].status_code == 200
    assert authorizations(server) == ["Bearer token-1", "Bearer token-2"]


def test_no_token_is_used_for_longer_than_a_day_whatever_its_server_says(server, monkeypatch):
    server.expires_in = 10**12
    now = time.time()
    send(server)
    monkeypatch.setattr(oauth.time, "time", lambda: now + 24 * 3600)
    send(server)
    assert authorizations(server) == ["Bearer token-1", "Bearer token-2"]


def test_other_credentials_have_a_token_of_their_own(server):
    send(server)
    send(server, scope="other")
    assert authorizations(server) == ["Bearer token-1", "Bearer token-2"]


def test_of_many_at_a_time_one_asks(server):
    server.delay = 0.2
    threads = [threading.Thread(target=send, args=(server,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.count == 1
    assert authorizations(server) == ["Bearer token-1"] * 6


def test_it_is_renewed_in_the_background_before_it_expires(server):
    server.expires_in = 2
    send(server)
    time.sleep(1.5)
    server.delay = 0.4
    _request, outcome = send(server)
    assert authorizations(server)[-1] == "Bearer token-1"
    assert outcome.duration < 0.4
    end = time.monotonic() + 3
    while server.count < 2 and time.monotonic() < end:
        time.sleep(0.02)
    process.flush()
    send(server)
    assert authorizations(server)[-1] == "Bearer token-2"


@pytest.mark.parametrize("age, then", [(60, "Bearer token-2"), (0, "Bearer token-1")])
def test_a_refused_token_is_dropped_unless_it_was_new(server, monkeypatch, age, then):
    """Where each is refused, another for each request would help nobody."""
    server.receiver.replies["/hook"] = Reply(status=401)
    now = time.time()
    monkeypatch.setattr(oauth.time, "time", lambda: now - age)
    send_first = oauth.token_of(server.credentials(), 5)
    monkeypatch.setattr(oauth.time, "time", lambda: now)
    assert send_first.value == "token-1"
    assert send(server)[1].status_code == 401
    send(server)
    assert authorizations(server) == ["Bearer token-1", then]


def test_who_is_refused_does_not_take_the_new_token_with_it(server):
    old = oauth.Token("token-0", 0, 1, 2)
    send(server)
    oauth.reject(server.credentials(), old)
    send(server)
    assert authorizations(server) == ["Bearer token-1"] * 2


NO_TOKENS = [
    (Reply({"error": "invalid_scope"}, 400), "the token server refused: invalid_scope"),
    (Reply({"error": "<script>"}, 400), "answered with status 400"),
    (Reply(b"<html>", 404), "answered with status 404"),
    (Reply(b"<html>"), "has no access token"),
    (Reply(b"null"), "has no access token"),
    (Reply(b"[" * 60000), "has no access token"),
    (Reply({"access_token": 5}), "has no access token"),
    (Reply({"access_token": "a\r\nX-B: c"}), "has no access token"),
    (Reply({"access_token": "t", "token_type": "mac"}), "another type than Bearer"),
    (Reply({"access_token": "t", "expires_in": "soon"}), "has no access token"),
    (Reply(status=302, headers={"Location": "http://169.254.169.254/"}), "answered with status 302"),
    (Reply(b"x" * 70000), "too_large"),
    (Reply(delay=3), "timeout"),
]


@pytest.mark.parametrize("reply, detail", NO_TOKENS)
def test_no_token_is_an_outcome_in_words_and_nothing_is_sent(server, reply, detail):
    server.receiver.replies["/token"] = reply
    hook = Webhook(
        event="x", webhook_url=server.receiver.url(), authentication="oauth2", credentials=server.credentials()
    )
    outcome = hook_request.post(request_of(hook, "m", {}, {}), timeout=0.5, connect_timeout=0.5)
    assert (outcome.error, outcome.status_code) == ("no_token", None)
    assert detail in outcome.detail
    assert outcome.duration < 2.5
    assert not server.receiver.at("/hook")


def test_the_guard_of_addresses_is_asked(server):
    _request, outcome = send(server, token_url="http://169.254.169.254/token")
    assert outcome.error == "no_token"
    assert "refused_address" in outcome.detail


def test_after_a_refusal_nobody_asks_for_a_moment_and_a_new_secret_is_tried_at_once(server):
    server.secret = "rotated"
    details = {send(server)[1].detail for _ in range(5)}
    assert details == {"the token server refused: invalid_client"}
    assert len(server.receiver.at("/token")) == 2  # as Basic, and in the body
    server.secret = "s3cret/ü+"
    assert send(server, scope="x")[1].status_code == 200


def test_no_secret_and_no_token_is_logged_or_shown(server, caplog):
    caplog.set_level(logging.DEBUG)
    request, _outcome = send(server)
    assert request.shown_headers()["Authorization"] == "••••••••"
    assert "token-1" in request.secrets()
    server.secret = "rotated"
    _request, outcome = send(server, scope="x")
    for word in ("token-1", "s3cret"):
        assert word not in caplog.text + repr(request) + repr(outcome)
