"""What the e-mails about failing webhooks must not say."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from openedx_webhooks.models import Webhook
from openedx_webhooks.transport.client import Outcome
from openedx_webhooks.webhooks import health
from openedx_webhooks.webhooks.sending import Result

from .conftest import LOGIN


@pytest.mark.django_db
@pytest.mark.parametrize("gone", [False, True])
@override_settings(ADMINS=[("Ops", "ops@example.com")])
def test_no_secret_of_the_address_is_mailed(gone):
    """Chat services put the whole secret into the path; others put it into the query."""
    since = timezone.now() - timedelta(days=2)
    webhook = Webhook.objects.create(
        event=LOGIN, webhook_url="https://chat.example.com/services/S3CR3T?token=S3CR3T", failing_since=since
    )
    book = health.HealthBook()
    book.note([Result(None, webhook, Outcome(status_code=410 if gone else 500))])
    book.write()
    assert len(mail.outbox) == 1
    message = mail.outbox[0]
    assert "chat.example.com" in message.body
    assert "S3CR3T" not in message.subject + message.body
