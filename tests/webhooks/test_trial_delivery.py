"""Send test: one POST, no delivery."""

# pylint: disable=unused-argument
import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Verifier

from openedx_webhooks import catalog
from openedx_webhooks.models import Delivery, Webhook
from openedx_webhooks.payloads import samples
from openedx_webhooks.webhooks import trial_delivery

from ..receiver import Reply
from .conftest import LOGIN

pytestmark = pytest.mark.django_db(transaction=True)


def test_sample_is_sent_signed_and_no_delivery_is_made(webhook, receiver):
    receiver.on("/hook", Reply({"thanks": True}))
    _sent, outcome = trial_delivery.send_test(webhook)
    request = receiver.received[0]
    assert (outcome.status_code, outcome.body) == (200, b'{"thanks": true}')
    assert Verifier(webhook.secret).verify(request.body, request.headers)["event_metadata"]["event_type"] == LOGIN
    assert not Delivery.objects.exists()


def test_sample_goes_through_the_shape_and_past_the_condition(webhook, receiver):
    webhook.shape, webhook.condition = "{id: user.id}", "user.id == `-1`"
    trial_delivery.send_test(webhook)
    assert receiver.received[0].json == {"id": samples.sample_payload(catalog.find_event(LOGIN))["user"]["id"]}


@pytest.mark.parametrize("status, failures", [(200, 0), (204, 0), (302, 9), (404, 9), (500, 9)])
def test_accepted_sample_makes_healthy_and_no_other(webhook, receiver, status, failures):
    Webhook.objects.update(consecutive_failures=9, failing_since=timezone.now(), warned_at=timezone.now())
    receiver.on("/hook", Reply(status=status))
    trial_delivery.send_test(webhook)
    webhook.refresh_from_db()
    assert webhook.consecutive_failures == failures
    assert (webhook.failing_since is None) == (webhook.warned_at is None) == (failures == 0)
    assert (webhook.recovered_at is not None) == (failures == 0)


@pytest.mark.parametrize(
    "fields, error, problem",
    [
        ({"event": "org.example.unknown.v1"}, "unsendable", "This installation has no event “org.example.unknown.v1”."),
        ({"shape": "sum(user.pii.name)"}, "shape_failed", "sum() takes"),
        ({"shape": "user.pii.nothing"}, "no_shape", ""),
        ({"secret": "whsec_?"}, "unsendable", "a signing secret is whsec_ followed by base64"),
    ],
)
def test_what_cannot_be_sent_is_told(webhook, receiver, fields, error, problem):
    for name, value in fields.items():
        setattr(webhook, name, value)
    _sent, outcome = trial_delivery.send_test(webhook)
    assert outcome.error == error
    assert problem in outcome.detail
    assert not receiver.received


def test_webhook_that_is_not_saved_can_be_tried(db, receiver):
    assert trial_delivery.send_test(Webhook(event=LOGIN, webhook_url=receiver.url()))[1].is_accepted


def test_every_event_has_a_sample_that_arrives(webhook, receiver):
    assert len(catalog.events()) > 50
    for event_type in catalog.events():
        webhook.event = event_type
        sent, outcome = trial_delivery.send_test(webhook)
        assert outcome.is_accepted, event_type
        assert sent.body == receiver.received[-1].body, event_type
        assert receiver.received[-1].json["event_metadata"]["event_type"] == event_type
