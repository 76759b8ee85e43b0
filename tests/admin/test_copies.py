"""Clones, what is done with several hooks at once, and several secrets made in a row."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.html import escape

from openedx_webhooks.admin import secrets_once
from openedx_webhooks.models import Webfilter, Webhook

from .conftest import HOSTILE, LOGIN, form_of, url_of

pytestmark = pytest.mark.django_db
MODELS = pytest.mark.parametrize("model", [Webhook, Webfilter])
TOLD = {"consecutive_failures": 3, "failing_since": timezone.now(), "disabled_reason": "down"}


@pytest.fixture
def hook(request, model):
    """One of the kind."""
    return request.getfixturevalue(model.__name__.lower())


@MODELS
def test_a_clone_has_everything_but_the_secret_and_is_disabled(admin_client, hook):
    model = type(hook)
    model.objects.update(description="CRM", condition="user", previous_secret="whsec_old")
    response = admin_client.post(url_of(model, "clone", hook.pk))
    clone = model.objects.latest("pk")
    assert response.url == url_of(model, "change", clone.pk)
    hook.refresh_from_db()
    differ = {field.name for field in model._meta.fields if getattr(hook, field.name) != getattr(clone, field.name)}
    assert differ == {"id", "created", "modified", "description", "enabled", "secret", "previous_secret"}
    assert (clone.description, clone.enabled) == ("Copy of CRM", False)
    assert clone.secret.startswith("whsec_")
    page = admin_client.get(response.url).content.decode()
    assert "Show it once" in page
    assert "This is a copy of" in page


def test_a_clone_begins_healthy(admin_client, webhook):
    Webhook.objects.update(enabled=False, **TOLD)
    admin_client.post(url_of(Webhook, "clone", webhook.pk))
    clone = Webhook.objects.latest("pk")
    assert (clone.consecutive_failures, clone.failing_since, clone.disabled_reason) == (0, None, "")


@pytest.mark.parametrize("permissions", [("change_webhook",), ("view_webhook", "add_webhook")])
def test_who_clones_may_add_hooks_and_change_this_one(staff, webhook, permissions):
    client = staff("view_webhook", *(each for each in permissions if each != "view_webhook"))
    assert "/clone/" not in client.get(url_of(Webhook, "change", webhook.pk)).content.decode()
    assert client.post(url_of(Webhook, "clone", webhook.pk)).status_code == 403
    client.post(url_of(Webhook), {"action": "clone_hooks", "_selected_action": [webhook.pk]})
    assert Webhook.objects.count() == 1


def test_the_header_values_of_a_clone_are_not_sent_elsewhere(admin_client, webhook):
    """It has them, since the address is the same; the form asks again for another server."""
    admin_client.post(url_of(Webhook, "clone", webhook.pk))
    clone = Webhook.objects.latest("pk")
    data = form_of(Webhook, webhook_url="https://evil.example.com/")
    data |= {"headers-name": ["Authorization"], "headers-value": [""]}
    response = admin_client.post(url_of(Webhook, "change", clone.pk), data)
    assert "address was changed" in response.content.decode()
    clone.refresh_from_db()
    assert clone.server == "crm.example.com"


@MODELS
def test_several_are_cloned_from_the_list(admin_client, hook):
    other = type(hook).objects.create(event=hook.event, webhook_url="https://example.com/")
    chosen = {"action": "clone_hooks", "_selected_action": [hook.pk, other.pk]}
    page = admin_client.post(url_of(type(hook)), chosen, follow=True).content.decode()
    assert "2 copies were made." in page
    clones = type(hook).objects.exclude(pk__in=[hook.pk, other.pk])
    assert clones.filter(enabled=False).count() == 2
    for clone in clones:
        shown = admin_client.post(url_of(type(hook), "show-secret", clone.pk)).content.decode()
        assert escape(clone.secret) in shown


@pytest.mark.parametrize(
    "model, action, before, says",
    [
        (Webhook, "disable_hooks", {}, "not recorded for them"),
        (Webfilter, "disable_hooks", {}, "as if they did not exist"),
        (Webhook, "enable_hooks", {"enabled": False}, "captured and sent"),
        (Webfilter, "enable_hooks", {"enabled": False}, "called whenever"),
        (Webhook, "pause_webhooks", {}, "nothing is sent until you resume"),
        (Webhook, "resume_webhooks", {"paused": True}, "the oldest first"),
    ],
)
def test_a_page_names_the_hooks_and_what_follows_first(admin_client, hook, model, action, before, says):
    model.objects.update(description=HOSTILE, **before)
    other = model.objects.create(event=LOGIN, webhook_url="https://example.com/")
    field = "paused" if "webhooks" in action else "enabled"
    model.objects.filter(pk=other.pk).update(**{field: action.startswith(("enable", "pause"))})
    values = list(model.objects.values())
    chosen = {"action": action, "_selected_action": [hook.pk, other.pk]}
    page = admin_client.post(url_of(model), chosen).content.decode()
    assert says in page
    assert escape(str(hook)) in page and url_of(model, "change", other.pk) not in page
    assert "1 other is so already" in page
    assert "<script>alert" not in page
    assert list(model.objects.values()) == values
    admin_client.post(url_of(model), {**chosen, "post": "yes"})
    hook.refresh_from_db()
    assert getattr(hook, field) is action.startswith(("enable", "pause"))
    assert hook.history.count() == 2


def test_where_there_is_nothing_to_do_that_is_said(admin_client, webhook):
    chosen = {"action": "enable_hooks", "_selected_action": [webhook.pk]}
    assert "all of them are so already" in admin_client.post(url_of(Webhook), chosen, follow=True).content.decode()


@MODELS
def test_each_of_several_secrets_made_in_a_row_can_be_shown_once(admin_client, model):
    for number in range(3):
        admin_client.post(url_of(model, "add"), form_of(model, description=str(number), _addanother="1"))
    hooks = list(model.objects.all())
    assert len(hooks) == 3
    for hook in hooks:
        assert escape(hook.secret) in admin_client.post(url_of(model, "show-secret", hook.pk)).content.decode()
    for hook in hooks:
        assert admin_client.post(url_of(model, "show-secret", hook.pk)).status_code == 302


def test_it_can_be_shown_for_a_while_only_and_not_for_any_number_of_hooks(admin_client, webhook, monkeypatch):
    monkeypatch.setattr(secrets_once, "_MOST", 1)
    admin_client.post(url_of(Webhook, "rotate-secret", webhook.pk))
    other = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/")
    admin_client.post(url_of(Webhook, "rotate-secret", other.pk))
    assert admin_client.post(url_of(Webhook, "show-secret", webhook.pk)).status_code == 302
    now = secrets_once.time.time() + timedelta(hours=2).total_seconds()
    monkeypatch.setattr(secrets_once.time, "time", lambda: now)
    assert admin_client.post(url_of(Webhook, "show-secret", other.pk)).status_code == 302
