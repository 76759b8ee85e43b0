"""From a real event to a real endpoint, and every way in which it must not get there."""

import pytest
from django.db import transaction

from openedx_webhooks.models import Delivery
from openedx_webhooks.webhooks.deliver import deliver_due

pytestmark = pytest.mark.django_db(transaction=True)


def test_committed_event_arrives(webhook, log_in, receiver):
    with transaction.atomic():
        log_in()
    counts = deliver_due()
    assert counts.delivered == 1
    assert receiver.received[0].json["user"]["pii"]["username"] == "user1"
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempt_count, delivery.webhook_id) == ("delivered", 1, webhook.pk)
