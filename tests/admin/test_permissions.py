"""Who may do what: Django's model permissions, and nothing beside them."""

import pytest
from django.test import Client

from openedx_webhooks.models import Call, CapturedEvent, Delivery, Webfilter, Webhook

from .conftest import form_of, make_delivery, url_of
from .test_hook_page import BUTTONS

pytestmark = pytest.mark.django_db
MODELS = [Webhook, Webfilter, Delivery, Call, CapturedEvent]


@pytest.fixture
def records(webhook, webfilter, delivery, call):
    """One of each."""
    return {Webhook: webhook, Webfilter: webfilter, Delivery: delivery, Call: call, CapturedEvent: delivery.event}


@pytest.mark.parametrize("model", MODELS)
def test_nobody_sees_anything_without_logging_in(client, records, model):
    for url in (url_of(model), url_of(model, "change", records[model].pk)):
        assert client.get(url).status_code == 302


@pytest.mark.parametrize("model", MODELS)
def test_staff_without_permissions_see_nothing(staff, records, model):
    client = staff()
    for url in (url_of(model), url_of(model, "change", records[model].pk)):
        assert client.get(url).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_viewers_see_every_page(viewer, records, model):
    for url in (url_of(model), url_of(model, "change", records[model].pk)):
        assert viewer.get(url).status_code == 200


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_viewers_see_no_secret_and_no_header_value(viewer, records, model):
    page = viewer.get(url_of(model, "change", records[model].pk)).content.decode()
    assert "Authorization" in page
    assert "t0p-s3cret" not in page
    assert "••••••••" in page
    assert records[model].secret not in page


@pytest.mark.parametrize("model", MODELS)
def test_viewers_see_the_server_of_an_address_only(viewer, records, model):
    """Many services have their secret in the path or the query; the published plugin's rows may have a password."""
    for hook_model in (Webhook, Webfilter):
        hook_model.objects.update(webhook_url="https://bob:hunter2@n8n.example.com/h00k?token=hush")
    for url in (url_of(model), url_of(model, "change", records[model].pk)):
        page = viewer.get(url).content.decode()
        assert "n8n.example.com" in page or url == url_of(CapturedEvent)
        assert not [secret for secret in ("bob", "hunter2", "h00k", "hush") if secret in page]


@pytest.mark.parametrize("model", [Webhook, Webfilter])
@pytest.mark.parametrize("term, found", [("hush", False), ("hus", False), ("crm", True)])
def test_a_viewers_search_does_not_tell_what_is_in_an_address(viewer, admin_client, records, model, term, found):
    model.objects.update(webhook_url="https://n8n.example.com/?token=hush", description="for the crm")
    for client, finds in ((viewer, found), (admin_client, True)):
        assert bool(client.get(url_of(model), {"q": term}).context["cl"].result_count) is finds


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("model", MODELS)
def test_viewers_have_no_actions(viewer, model):
    page = viewer.get(url_of(model)).content.decode()
    assert 'name="action"' not in page


@pytest.mark.parametrize(
    "action", ["enable_hooks", "disable_hooks", "pause_webhooks", "resume_webhooks", "delete_selected"]
)
def test_an_action_that_a_viewer_sends_all_the_same_does_nothing(viewer, webhook, action):
    viewer.post(url_of(Webhook), {"action": action, "_selected_action": [webhook.pk], "post": "yes"})
    webhook.refresh_from_db()
    assert (webhook.enabled, webhook.paused) == (True, False)


@pytest.mark.parametrize("action", ["replay_deliveries", "cancel_deliveries", "retry_deliveries"])
def test_a_viewer_cannot_operate_deliveries(viewer, webhook, action):
    delivery = make_delivery(webhook, "pending" if action == "cancel_deliveries" else "failed")
    viewer.post(url_of(Delivery), {"action": action, "_selected_action": [delivery.pk]})
    before = delivery.state
    delivery.refresh_from_db()
    assert delivery.state == before


@pytest.mark.parametrize("model, button", BUTTONS)
def test_a_viewer_cannot_press_a_button_of_a_hook(viewer, records, receiver, model, button):
    model.objects.update(webhook_url=receiver.url())
    before = list(model.objects.values())
    assert viewer.post(url_of(model, button, records[model].pk), {"since": "2026-01-01T00:00"}).status_code == 403
    assert list(model.objects.values()) == before
    assert receiver.received == []


@pytest.mark.parametrize("button", ["replay", "retry", "cancel"])
def test_a_viewer_cannot_press_a_button_of_a_delivery(viewer, delivery, button):
    assert viewer.post(url_of(Delivery, button, delivery.pk)).status_code == 403


@pytest.mark.parametrize("model, button", BUTTONS)
def test_the_page_of_a_viewer_has_no_such_button(viewer, records, model, button):
    page = viewer.get(url_of(model, "change", records[model].pk)).content.decode()
    assert f"/{records[model].pk}/{button}/" not in page


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_a_viewer_cannot_save_add_or_delete(viewer, records, model):
    pk = records[model].pk
    assert viewer.post(url_of(model, "change", pk), form_of(model)).status_code == 403
    assert viewer.post(url_of(model, "add"), form_of(model)).status_code == 403
    assert viewer.post(url_of(model, "delete", pk), {"post": "yes"}).status_code == 403


def test_the_right_to_change_webhooks_is_not_the_right_to_replay(staff, delivery):
    client = staff("view_webhook", "change_webhook")
    url = url_of(Webhook, "replay-failed", delivery.webhook_id)
    assert client.post(url, {"since": "2026-01-01T00:00"}).status_code == 403


@pytest.mark.parametrize("change_webhook", [False, True])
def test_who_sees_the_button_to_replay_may_press_it(staff, delivery, change_webhook):
    client = staff("view_webhook", "change_delivery", *(["change_webhook"] if change_webhook else []))
    url = url_of(Webhook, "replay-failed", delivery.webhook_id)
    assert url in client.get(url_of(Webhook, "change", delivery.webhook_id)).content.decode()
    counted = client.post(url, {"since": "2026-01-01T00:00"}, follow=True)
    assert counted.context["counted"]["count"] == 1
    client.post("/admin/openedx_webhooks/delivery/send-again/", dict(counted.context["hidden"]))
    delivery.refresh_from_db()
    assert delivery.state == "pending"


def test_who_may_not_see_deliveries_does_not_see_them_on_the_webhook_either(staff, delivery):
    page = staff("view_webhook").get(url_of(Webhook, "change", delivery.webhook_id)).content.decode()
    assert f"/delivery/{delivery.pk}/" not in page


def test_who_may_change_deliveries_may_replay(staff, delivery):
    client = staff("view_delivery", "change_delivery")
    client.post(url_of(Delivery, "replay", delivery.pk))
    delivery.refresh_from_db()
    assert delivery.state == "pending"


@pytest.mark.parametrize("model, button", [*BUTTONS, (Delivery, "replay")])
def test_every_button_needs_a_csrf_token(admin_user, records, model, button):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(url_of(model, button, records[model].pk)).status_code == 403
