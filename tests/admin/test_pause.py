"""Pausing and resuming webhooks, on their list and page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from openedx_webhooks.models import Delivery, Webhook
from openedx_webhooks.operations import workers
from openedx_webhooks.webhooks import wakeups

from .conftest import LOGIN, form_of, make_delivery, url_of

pytestmark = pytest.mark.django_db


@pytest.fixture(name="nudges")
def record_nudges(monkeypatch):
    """The databases after whose commit a worker is asked to look."""
    nudges = []
    monkeypatch.setattr(wakeups, "nudge_on_commit", nudges.append)
    return nudges


def act(client, action, *webhooks):
    """Run an action of the list, and confirm it."""
    data = {"action": action, "_selected_action": [webhook.pk for webhook in webhooks], "post": "yes"}
    return client.post(url_of(Webhook), data, follow=True).content.decode()


def save(client, webhook, **changes):
    """Send the form of a webhook."""
    stored = {"event": webhook.event, "webhook_url": webhook.webhook_url}
    stored |= {"headers-name": [*webhook.headers], "headers-value": [""] * len(webhook.headers)}
    response = client.post(url_of(Webhook, "change", webhook.pk), form_of(Webhook, **stored, **changes))
    assert response.status_code == 302


@pytest.mark.parametrize("action, before, after", [("pause_webhooks", False, True), ("resume_webhooks", True, False)])
def test_the_selected_ones_are_paused_or_resumed(admin_client, webhook, nudges, action, before, after):
    other = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/", paused=before)
    webhook.paused = before
    webhook.save()
    Webhook.objects.update(modified=timezone.now() - timedelta(days=1))
    # Else the list asks a worker whether it is there.
    workers.note()
    act(admin_client, action, webhook)
    assert dict(Webhook.objects.values_list("pk", "paused")) == {webhook.pk: after, other.pk: before}
    webhook.refresh_from_db()
    assert webhook.enabled
    # By that other processes notice.
    assert timezone.now() - webhook.modified < timedelta(minutes=1)
    assert nudges == ([] if after else ["default"])
    assert ">Paused</dt>" in admin_client.get(url_of(Webhook, "history", webhook.pk)).content.decode()


def test_what_waited_is_due_once_it_is_resumed(admin_client, webhook):
    Webhook.objects.update(paused=True)
    make_delivery(webhook, "pending", next_attempt_at=timezone.now())
    assert not Delivery.objects.due(timezone.now()).exists()
    act(admin_client, "resume_webhooks", webhook)
    assert Delivery.objects.due(timezone.now()).exists()


@pytest.mark.parametrize("changes, is_resumed", [({}, True), ({"paused": "on", "description": "new"}, False)])
def test_unticking_it_in_the_form_resumes_too(admin_client, webhook, nudges, changes, is_resumed):
    Webhook.objects.update(paused=True)
    save(admin_client, webhook, **changes)
    webhook.refresh_from_db()
    assert webhook.paused is not is_resumed
    assert nudges == (["default"] if is_resumed else [])


@pytest.mark.parametrize("action", ["pause_webhooks", "resume_webhooks"])
def test_a_viewer_cannot(viewer, webhook, action):
    Webhook.objects.update(paused=action == "resume_webhooks")
    act(viewer, action, webhook)
    assert Webhook.objects.get().paused is (action == "resume_webhooks")


def test_paused_webhooks_can_be_listed(admin_client, webhook):
    paused = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/", paused=True)
    assert list(admin_client.get(url_of(Webhook) + "?health=paused").context["cl"].result_list) == [paused]
    assert webhook.pk != paused.pk


def page_of(client, webhook):
    return client.get(url_of(Webhook, "change", webhook.pk)).content.decode()


def test_it_says_how_many_wait_and_since_when(admin_client, webhook):
    Webhook.objects.update(paused=True)
    assert "Nothing waits yet." in page_of(admin_client, webhook)
    since = timezone.now() - timedelta(hours=5)
    make_delivery(webhook, "pending", next_attempt_at=since)
    make_delivery(webhook, "pending", next_attempt_at=timezone.now())
    page = page_of(admin_client, webhook)
    assert "2 deliveries wait, the oldest since" in page
    assert "Press “Enabled” to send what waits" in page
    assert ">paused<" in page
    assert "the Celery workers are not running" not in page


def test_its_deliveries_say_why_they_wait(admin_client, webhook):
    Webhook.objects.update(paused=True)
    delivery = make_delivery(webhook, "pending", next_attempt_at=timezone.now() - timedelta(hours=1))
    page = admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()
    assert "its webhook is paused" in page
