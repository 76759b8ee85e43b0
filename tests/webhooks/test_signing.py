"""What identifies and signs a delivery, and what must not be seen."""

# pylint: disable=unused-argument
import logging
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from openedx_webhooks.models import Attempt, Webhook, signing_secrets
from openedx_webhooks.transport import signing
from openedx_webhooks.webhooks.deliver import deliver_due

from ..receiver import Reply
from .conftest import owe

pytestmark = pytest.mark.django_db(transaction=True)


def test_signature_verifies_with_the_independent_library(webhook, receiver):
    owe(webhook)
    deliver_due()
    request = receiver.received[0]
    assert Verifier(webhook.secret).verify(request.body, request.headers) == {"number": 0}
    with pytest.raises(WebhookVerificationError):
        Verifier(webhook.secret).verify(request.body + b" ", request.headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(signing.new_secret()).verify(request.body, request.headers)


def test_during_a_rotation_both_secrets_verify(webhook, receiver):
    old = webhook.secret
    new = signing_secrets.rotate(webhook)
    owe(webhook)
    deliver_due()
    request = receiver.received[0]
    assert new != old
    for secret in (old, new):
        assert Verifier(secret).verify(request.body, request.headers) == {"number": 0}


@pytest.mark.parametrize(
    "overlap, later", [(timedelta(), timedelta()), (timedelta(hours=1), timedelta(hours=1, seconds=1))]
)
def test_after_the_overlap_only_the_new_secret_signs(webhook, overlap, later):
    new = signing_secrets.rotate(webhook, overlap)
    webhook.refresh_from_db()
    assert signing_secrets.in_force(webhook, timezone.now() + later) == [new]


def test_webhook_without_a_secret_is_not_signed(webhook, receiver):
    Webhook.objects.update(secret="")
    owe(webhook)
    deliver_due()
    assert "webhook-signature" not in receiver.received[0].headers
    assert "webhook-id" in receiver.received[0].headers


def test_malformed_secret_is_recorded_and_not_told(webhook, receiver, caplog):
    Webhook.objects.update(secret="whsec_TOPSECRET!")
    owe(webhook)
    deliver_due()
    assert Attempt.objects.get().error == "unsendable"
    assert "TOPSECRET" not in caplog.text + Attempt.objects.get().detail
    assert not receiver.received


def test_headers_of_the_operator_and_our_own_are_sent(webhook, receiver):
    Webhook.objects.filter(pk=webhook.pk).update(headers={"Authorization": "Bearer abc", "X-Site": "one"})
    owe(webhook)
    deliver_due()
    headers = receiver.received[0].headers
    assert (headers["Authorization"], headers["X-Site"]) == ("Bearer abc", "one")
    assert headers["User-Agent"].startswith("openedx-webhooks/")
    assert headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("status", [200, 500])
def test_no_secret_and_no_personal_data_in_the_log(webhook, receiver, log_in, caplog, status):
    caplog.set_level(logging.DEBUG, "openedx_webhooks")
    receiver.on("/hook", Reply(status=status, body=b"RESPONSETEXT"))
    Webhook.objects.filter(pk=webhook.pk).update(headers={"Authorization": "Bearer HEADERVALUE"})
    log_in()
    deliver_due()
    lines = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("openedx_webhooks"))
    for word in (webhook.secret, "HEADERVALUE", "RESPONSETEXT", "user1", "Ann Example"):
        assert word not in lines
