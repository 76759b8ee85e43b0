"""How webfilters authenticate and are formatted; webhooks have tests/webhooks/test_authentication.py."""

import time

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from openedx_webhooks import skips
from openedx_webhooks.models import Call, Webfilter
from openedx_webhooks.transport.breaker import State, breaker
from openedx_webhooks.webfilters.run import run

from ..receiver import Reply
from .world import registration_form

pytestmark = pytest.mark.django_db
REGISTRATION = "org.openedx.learning.student.registration.requested.v1"


def ask():
    """One run of the filter."""
    return run(REGISTRATION, list(Webfilter.objects.all()), {"form_data": registration_form()})


def credentials(receiver):
    return {"token_url": receiver.url("/token"), "client_id": "me", "client_secret": "s3cr3t-1"}


def test_each_gets_its_own_format_and_a_cloudevent_has_the_id_of_the_message(make_webfilter, receiver):
    make_webfilter(REGISTRATION)
    for path in ("/one", "/two"):
        make_webfilter(REGISTRATION, path=path, payload_format="cloudevents")
    ask()
    plain, *enveloped = (receiver.at(path)[0] for path in ("/hook", "/one", "/two"))
    for request in enveloped:
        event = from_http_event(HTTPMessage(headers=request.headers, body=request.body))
        assert event.get_id() == request.headers["webhook-id"]
        assert event.get_type() == REGISTRATION
        assert event.get_data() == plain.json
    assert len({request.headers["webhook-id"] for request in enveloped}) == 2


def test_the_learner_waits_for_a_token_once(make_webfilter, receiver):
    receiver.replies["/token"] = Reply({"access_token": "abc", "expires_in": 3600}, delay=0.6)
    make_webfilter(REGISTRATION, Reply({}), authentication="oauth2", credentials=credentials(receiver), call_log="all")
    ask()
    ask()
    assert [request.headers["Authorization"] for request in receiver.at("/hook")] == ["Bearer abc"] * 2
    assert len(receiver.at("/token")) == 1
    first, second = Call.objects.order_by("pk").values_list("duration", flat=True)
    assert first > 0.6 > second


def test_the_time_for_a_token_is_of_the_webfilters_timeout(make_webfilter, receiver):
    receiver.replies["/token"] = Reply({"access_token": "abc"}, delay=0.8)
    fields = {"authentication": "oauth2", "credentials": credentials(receiver), "timeout": 1.0}
    make_webfilter(REGISTRATION, Reply({}, delay=3), **fields)
    start = time.monotonic()
    ask()
    assert time.monotonic() - start < 1.7
    assert Call.objects.get().error.startswith("timeout")


def test_without_a_token_it_is_not_called_and_its_endpoint_is_not_blamed(make_webfilter, receiver, caplog):
    receiver.replies["/token"] = Reply({"error": "invalid_client"}, 401)
    webfilter = make_webfilter(REGISTRATION, authentication="oauth2", credentials=credentials(receiver))
    for _ in range(10):
        assert ask() == ({}, None)
    assert not receiver.at("/hook")
    assert "no_token: the token server refused: invalid_client" in caplog.text
    assert breaker(webfilter.webhook_url).state() == State.CLOSED
    assert skips.last_day(webfilter) == {skips.Reason.NO_TOKEN: 10}


def test_it_may_halt_as_any_call_that_could_not_be_made(make_webfilter, receiver):
    receiver.replies["/token"] = Reply(status=500)
    fields = {"authentication": "oauth2", "credentials": credentials(receiver), "halt_on_request_exception": True}
    make_webfilter(REGISTRATION, **fields)
    assert ask()[1] is not None


@pytest.mark.parametrize("fields", [{"authentication": "basic"}, {"payload_format": "x"}, {"signature": "x"}])
def test_what_was_written_past_the_form_costs_its_own_call_alone(make_webfilter, receiver, fields):
    broken = make_webfilter(REGISTRATION, **fields)
    make_webfilter(REGISTRATION, path="/other")
    ask()
    assert [request.path for request in receiver.received] == ["/other"]
    assert skips.last_day(broken) == {skips.Reason.UNSENDABLE: 1}
