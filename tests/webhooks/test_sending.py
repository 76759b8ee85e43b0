"""What an outcome means: to the delivery, to the webhook's health, and to the queue of its endpoint."""

from datetime import UTC, datetime

import pytest

from openedx_webhooks.models import CapturedEvent, Delivery, Webhook
from openedx_webhooks.transport.client import Outcome
from openedx_webhooks.webhooks import deliver, results, sending

from .conftest import LOGIN, owe

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def result(was_sent, **outcome):
    request = (
        sending.request_of(Webhook(event=LOGIN, webhook_url="http://127.0.0.1:1/"), "m", {}, {}) if was_sent else None
    )
    return sending.Result(Delivery(), Webhook(event=LOGIN), Outcome(**outcome), request)


@pytest.mark.parametrize(
    "was_sent, outcome, state, is_failure, is_endpoint_well",
    [
        (True, {"status_code": 200}, "delivered", False, True),
        (True, {"status_code": 204}, "delivered", False, True),
        (True, {"status_code": 299, "error": "reset"}, "delivered", False, True),
        (True, {"status_code": 100}, "pending", True, True),
        (True, {"status_code": 301}, "pending", True, True),
        (True, {"status_code": 401}, "pending", True, True),
        (True, {"status_code": 404}, "pending", True, True),
        (True, {"status_code": 410}, "pending", True, True),
        (True, {"status_code": 429}, "pending", True, False),
        (True, {"status_code": 500}, "pending", True, False),
        (True, {"status_code": 503, "error": "reset"}, "pending", True, False),
        (True, {"status_code": 600}, "pending", True, True),
        (True, {"error": "timeout"}, "pending", True, False),
        (True, {"error": "refused_address"}, "pending", True, False),
        # Not sent: none of this says anything about the endpoint.
        (False, {"error": "payload_removed"}, "failed", False, True),
        (False, {"error": "payload_unreadable"}, "failed", False, True),
        (False, {"error": "condition_failed"}, "pending", True, True),
        (False, {"error": "shape_failed"}, "pending", True, True),
        (False, {"error": "unsendable"}, "pending", True, True),
        (False, {"error": "no_match"}, "skipped", False, True),
        (False, {"error": "no_shape"}, "skipped", False, True),
    ],
)
def test_every_outcome(was_sent, outcome, state, is_failure, is_endpoint_well):
    one = result(was_sent, **outcome)
    assert results.decide(one, NOW).state == state
    assert (one.is_failure, one.is_endpoint_well) == (is_failure, is_endpoint_well)


@pytest.mark.parametrize("payload", [None, [], "text", 5])
def test_attempt_never_raises_whatever_is_stored(payload):
    event = CapturedEvent(payload=payload)
    one = sending.attempt(Delivery(), Webhook(event=LOGIN, webhook_url="http://127.0.0.1:1/"), event)
    assert one.is_hopeless and one.request is None


def test_unexpected_error_is_told_by_its_kind_only(monkeypatch):
    def fail(*_args):
        raise RuntimeError("SECRET")

    monkeypatch.setattr(sending, "request_of", fail)
    one = sending.attempt(Delivery(), Webhook(event=LOGIN), CapturedEvent(payload={}))
    assert (one.outcome.error, one.outcome.detail) == ("unsendable", "RuntimeError")


def test_request_shows_no_value_that_the_operator_entered():
    webhook = Webhook(event=LOGIN, webhook_url="http://x/", headers={"Authorization": "Bearer SECRET", "X-A": "SECRET"})
    request = sending.request_of(webhook, "m", {"a": "ä"}, {})
    assert request.headers["Authorization"] == "Bearer SECRET"
    assert "SECRET" not in str(request.shown_headers()) + repr(request)
    assert set(request.shown_headers()) == set(request.headers)
    assert request.body == '{"a":"ä"}'.encode()


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{"condition": "user"}, {"shape": "{name: user.pii.username}"}])
def test_condition_and_shape_are_evaluated_once_for_the_first_attempt(options, receiver, monkeypatch):
    """For the number of the message, and for what is sent: a slow expression would cost the worker twice its time."""
    evaluate, evaluated = sending.content_of, []
    monkeypatch.setattr(sending, "content_of", lambda *args: evaluated.append(args) or evaluate(*args))
    webhook = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url(), **options)
    owe(webhook, payload={"user": {"pii": {"username": "ada"}}})
    assert deliver.deliver_due().delivered == len(evaluated) == 1
