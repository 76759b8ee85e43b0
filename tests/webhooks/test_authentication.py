"""How a delivery authenticates, is signed and formatted, and what its record tells of that."""

import base64
import hmac

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from openedx_webhooks.models import Attempt, Delivery, Webhook
from openedx_webhooks.webhooks.deliver import deliver_due

from ..receiver import Reply
from .conftest import owe

HIDDEN = '{"echo": "***", "parts": ["***"]}'
pytestmark = pytest.mark.django_db(transaction=True)


def delivered(webhook, receiver, **fields):
    """What arrives of an event."""
    Webhook.objects.filter(pk=webhook.pk).update(**fields)
    owe(webhook, payload={"number": 0, "event_metadata": {"id": "e1", "source": "openedx/lms", "event_type": "t.v1"}})
    deliver_due()
    return receiver.wait_for(1, "/hook")[0]


@pytest.mark.parametrize(
    "kind, credentials, header",
    [
        ("bearer", {"token": "abc.def-ghi"}, "Bearer abc.def-ghi"),
        (
            "basic",
            {"password": "p:ässword", "user": "us er"},
            "Basic " + base64.b64encode("us er:p:ässword".encode()).decode(),
        ),
    ],
)
def test_the_header_is_sent_and_neither_it_nor_its_parts_are_kept(webhook, receiver, kind, credentials, header):
    """Also in place of an own header of that name, which only something past the form can have stored beside it."""
    secret = next(iter(credentials.values()))
    receiver.replies["/hook"] = Reply({"echo": header, "parts": [secret]})
    fields = {"headers": {"authorization": "mine", "X-Own": "1"}}
    request = delivered(webhook, receiver, authentication=kind, credentials=credentials, **fields)
    assert [value for name, value in request.headers.items() if name.lower() == "authorization"] == [header]
    assert request.headers["X-Own"] == "1"
    attempt = Attempt.objects.get()
    assert attempt.request_headers["Authorization"] == "••••••••"
    assert attempt.response_excerpt == HIDDEN


def test_githubs_signature_is_that_of_the_body_as_it_arrives(webhook, receiver):
    for form in (False, True):
        receiver.received.clear()
        request = delivered(webhook, receiver, signature="github", use_www_form_encoding=form)
        expected = hmac.new(webhook.secret.encode(), request.body, "sha256").hexdigest()
        assert request.headers["X-Hub-Signature-256"] == f"sha256={expected}"
        assert "webhook-signature" not in request.headers
        assert request.headers["webhook-id"]


def test_a_form_verifies_with_the_library_as_the_how_to_says(webhook, receiver):
    request = delivered(webhook, receiver, use_www_form_encoding=True)
    assert Verifier(webhook.secret).verify(request.body, request.headers, json_parse=False) is None
    with pytest.raises(WebhookVerificationError):
        Verifier(webhook.secret).verify(request.body + b"&a=b", request.headers, json_parse=False)


def test_a_cloudevent_has_the_id_of_the_event(webhook, receiver):
    request = delivered(webhook, receiver, payload_format="cloudevents")
    event = from_http_event(HTTPMessage(headers=request.headers, body=request.body))
    assert (event.get_id(), event.get_source(), event.get_type()) == ("e1", "openedx/lms", "t.v1")
    assert event.get_data()["number"] == 0


def test_a_token_is_fetched_and_without_one_the_attempt_says_why_and_is_retried(webhook, receiver):
    receiver.replies["/token"] = [Reply({"access_token": "t0ken-value"}), Reply({"error": "invalid_client"}, 400)]
    receiver.replies["/hook"] = Reply({"echo": "t0ken-value"}, 401)
    credentials = {"token_url": receiver.url("/token"), "client_id": "me", "client_secret": "s3cr3t-1"}
    request = delivered(webhook, receiver, authentication="oauth2", credentials=credentials)
    assert request.headers["Authorization"] == "Bearer t0ken-value"
    assert "t0ken" not in Attempt.objects.get().response_excerpt
    Webhook.objects.update(credentials={**credentials, "client_secret": "s3cr3t-2"})
    Delivery.objects.all().delete()
    owe(webhook)
    deliver_due()
    attempt, delivery = Attempt.objects.get(), Delivery.objects.get()
    assert (attempt.error, attempt.detail) == ("no_token", "the token server refused: invalid_client")
    assert (delivery.state, len(receiver.at("/hook"))) == ("pending", 1)


@pytest.mark.parametrize("fields", [{"authentication": "bearer"}, {"payload_format": "x"}, {"signature": "x"}])
def test_what_was_written_past_the_form_is_a_failed_attempt_of_that_hook_alone(webhook, receiver, fields):
    other = Webhook.objects.create(event=webhook.event, webhook_url=receiver.url("/other"))
    Webhook.objects.filter(pk=webhook.pk).update(**fields)
    owe(webhook)
    owe(other)
    deliver_due()
    assert Attempt.objects.get(delivery__webhook=webhook).error == "unsendable"
    assert len(receiver.received) == 1
