"""The key that a webhook's secrets were encrypted with is lost: what is owed waits for it."""

# pylint: disable=unused-argument
import pytest
from django.test import override_settings

from openedx_webhooks import index
from openedx_webhooks.models import Delivery, Webhook
from openedx_webhooks.webhooks import deliver, sending
from openedx_webhooks.webhooks.deliver import deliver_due

from .conftest import LOGIN, owe

pytestmark = pytest.mark.django_db(transaction=True)
LOST = {"ENCRYPTION_KEYS": ["another"]}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"signature": "none", "headers": {"Authorization": "Bearer t0p-s3cret"}},
        {"signature": "none", "authentication": "bearer", "credentials": {"token": "t0p-s3cret"}},
    ],
)
def test_deliveries_wait_and_are_sent_when_the_key_is_there(receiver, log_in, options):
    """Unsigned, or without what lets them in, they would be refused, and given up with the first 400."""
    Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/hook"), **options)
    with override_settings(OPENEDX_WEBHOOKS=LOST):
        log_in()
        assert deliver_due().attempts == 0
        assert (deliver.is_due(), deliver.next_due()) == (False, None)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempt_count, delivery.attempts.count()) == ("pending", 0, 0)
    assert not receiver.received
    assert deliver_due().delivered == 1


def test_key_that_is_lost_after_the_claim_is_what_the_attempt_failed_with(webhook):
    (delivery,) = owe(webhook)
    with override_settings(OPENEDX_WEBHOOKS=LOST):
        assert sending.attempt(delivery, Webhook.objects.get(), delivery.event).outcome.error == "key_lost"


def test_they_do_not_hold_up_another_webhook(webhook, receiver, log_in):
    owe(webhook, 300)
    with override_settings(OPENEDX_WEBHOOKS=LOST):
        Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/other"))
        index.webhooks.forget()
        log_in()
        assert deliver_due().delivered == 1
    assert len(receiver.at("/other")) == 1
    assert not receiver.at("/hook")


def test_with_a_new_secret_they_go_out(webhook, receiver, log_in):
    with override_settings(OPENEDX_WEBHOOKS=LOST):
        log_in()
        hook = Webhook.objects.get()
        hook.secret = "whsec_" + "bmV3" * 8
        hook.save()
        assert deliver_due().delivered == 1


def test_what_requests_do_not_need_holds_nothing_up(webhook, receiver, log_in):
    Webhook.objects.update(signature="none")
    with override_settings(OPENEDX_WEBHOOKS=LOST):
        log_in()
        assert deliver_due().delivered == 1
