"""What monitoring reads at /openedx_webhooks/health."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from openedx_webhooks.models import CapturedEvent, Delivery, Webhook
from openedx_webhooks.operations import health_report

pytestmark = pytest.mark.django_db
LOGIN = "org.openedx.learning.auth.session.login.completed.v1"


def _owed(seconds, **webhook):
    event = CapturedEvent.objects.create(event_id=f"{seconds:032d}", event_type=LOGIN, time=timezone.now(), payload={})
    hook = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/", **webhook)
    Delivery.objects.create(webhook=hook, event=event, next_attempt_at=timezone.now() - timedelta(seconds=seconds))
    return hook


def test_every_state_is_counted_and_nothing_is_late_where_nothing_is_owed():
    assert health_report.report() == {
        "deliveries": dict.fromkeys(Delivery.State.values, 0),
        "oldest_due_seconds": 0.0,
        "failing_webhooks": [],
    }


def test_the_oldest_one_due_tells_how_late_the_workers_are():
    hook = _owed(90, failing_since=timezone.now())
    report = health_report.report()
    assert 90 <= report["oldest_due_seconds"] < 120
    assert report["deliveries"]["pending"] == 1
    assert report["failing_webhooks"] == [hook.pk]


@pytest.mark.parametrize("waits", [{"enabled": False}, {"paused": True}])
def test_what_waits_for_an_operator_is_not_late(waits):
    """Or monitoring would be told for as long as a webhook is paused that the workers don't work."""
    _owed(90, **waits)
    assert health_report.report()["oldest_due_seconds"] == 0.0


@pytest.mark.parametrize("is_staff, status", [(True, 200), (False, 403)])
def test_only_who_may_see_deliveries_gets_it(client, is_staff, status):
    user = get_user_model().objects.create_user("ada", is_staff=is_staff, is_superuser=is_staff)
    client.force_login(user)
    assert client.get("/openedx_webhooks/health").status_code == status
