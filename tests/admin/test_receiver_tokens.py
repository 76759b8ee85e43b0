"""The token of a receiver on the webhook's page, and the number of a message on the pages of deliveries."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from openedx_webhooks.admin import searching
from openedx_webhooks.admin.cloning import copy_of
from openedx_webhooks.models import ReceiverToken, Webhook
from openedx_webhooks.operations import receiver_access

from .conftest import make_delivery

pytestmark = pytest.mark.django_db


def page_of(webhook, name="change"):
    return reverse(f"admin:openedx_webhooks_webhook_{name}", args=[webhook.pk])


@pytest.fixture(name="open_webhook")
def webhook_with_access(webhook):
    webhook.receiver_access = True
    webhook.save()
    return webhook


def test_without_the_option_there_is_no_token_to_be_made(admin_client, webhook):
    assert "owh-receiver" not in admin_client.get(page_of(webhook)).content.decode()
    answer = admin_client.post(page_of(webhook, "receiver_token"), follow=True)
    assert "Tick “the receiver may look up what it missed”" in answer.content.decode()
    assert not ReceiverToken.objects.exists()


def test_token_is_shown_when_it_is_made_and_never_again(admin_client, open_webhook):
    shown = admin_client.post(page_of(open_webhook, "receiver_token")).content.decode()
    token = re.search(r"whr_[\w-]+", shown)[0]
    assert "http://testserver/openedx_webhooks/receiver/messages" in shown
    assert receiver_access.webhook_of(token) == open_webhook
    page = admin_client.get(page_of(open_webhook)).content.decode()
    assert token not in page and "cannot be shown again" in page and "Make another: the old one ends now" in page
    assert open_webhook.history.filter(history_change_reason__contains="token for the receiver").count() == 1


def test_who_may_only_look_makes_none(client, django_user_model, open_webhook):
    viewer = django_user_model.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(*viewer.user_permissions.model.objects.filter(codename="view_webhook"))
    client.force_login(viewer)
    assert "Make a token" not in client.get(page_of(open_webhook)).content.decode()
    assert client.post(page_of(open_webhook, "receiver_token")).status_code == 403


def test_copy_has_no_token(open_webhook):
    receiver_access.make_token(open_webhook)
    copy = copy_of(open_webhook)
    copy.save()
    assert receiver_access.made_at(copy) is None
    open_webhook.delete()
    assert not ReceiverToken.objects.exists()


def test_number_is_on_the_page_and_found(admin_client, webhook):
    other = Webhook.objects.create(event=webhook.event, webhook_url="https://other.example.com/")
    first, second = (make_delivery(hook, sequence=12, created=timezone.now()) for hook in (webhook, other))
    make_delivery(webhook, sequence=13)
    page = admin_client.get(reverse("admin:openedx_webhooks_delivery_change", args=[first.pk])).content.decode()
    assert re.search(r"Number of the message.{0,60}12", page, re.S)
    assert searching.deliveries(searching.Term("#12")) == [second.pk, first.pk]
    assert not any(searching.deliveries(searching.Term(text)) for text in ("#99", "#", "#x", "#-1", "#" + "9" * 30))
