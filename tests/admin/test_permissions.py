"""Who may do what: Django's model permissions, and nothing beside them."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from openedx_webhooks import throttle
from openedx_webhooks.background import process
from openedx_webhooks.models import Call, CapturedEvent, Delivery, Webfilter, Webhook

from .conftest import LOGIN, form_of, make_delivery, url_of
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


class TestOracles:
    """What can be typed into an address tells nothing that the page doesn't show."""

    ATTACKS = [
        "webhook_url__startswith=https://crm.example.com/h",
        "webhook_url__regex=.",
        "webhook_url=x",
        "secret__startswith=fernet",
        "previous_secret__gt=a",
        "headers__contains=Bearer",
        "credentials__contains=x",
        "history__webhook_url__startswith=https",
        "deliveries__event__username__startswith=a",
        "deliveries__attempts__response_excerpt__contains=x",
        "calls__request_body__contains=x",
        "description__contains=x",
        "condition__contains=x",
        "event__startswith=org",
        "enabled__in=1",
        "id__gt=0",
        "pk__in=1",
    ]

    @pytest.mark.parametrize("model", [Webhook, Webfilter])
    @pytest.mark.parametrize("query", ATTACKS)
    def test_only_the_filters_are_lookups(self, viewer, records, model, query):
        response = viewer.get(f"{url_of(model)}?{query}")
        assert response.status_code in (302, 400)
        assert response.status_code == 400 or response.url.endswith("?e=1")

    @pytest.mark.parametrize("query", ["event=x", "health=fine"])
    @pytest.mark.parametrize("model", [Webhook, Webfilter])
    def test_the_filters_still_are(self, viewer, model, query):
        assert viewer.get(f"{url_of(model)}?{query}").status_code == 200

    @pytest.mark.parametrize("model", [Webhook, Webfilter])
    def test_the_order_of_addresses_is_for_those_who_may_see_them(self, staff, records, model):
        """By ordering, and hooks of one's own in between, an address can be found, too."""
        for path in ("b", "a", "c"):
            model.objects.create(event=LOGIN, webhook_url=f"https://same.example/{path}")
        name = model._meta.model_name
        for rights, is_ordered in ((["view", "add"], False), (["view", "change"], True)):
            get_user_model().objects.filter(username="staff").delete()
            client = staff(*(f"{right}_{name}" for right in rights))
            changes = client.get(f"{url_of(model)}?o=2").context["cl"]
            by_number = sorted(hook.pk for hook in changes.result_list)
            shown = [hook.webhook_url for hook in changes.result_list]
            assert (shown == sorted(shown)) is is_ordered
            assert sorted(hook.pk for hook in changes.result_list) == by_number


class TestAccess:
    """Who was shown what of whom is logged where the operator wants it."""

    @pytest.fixture(autouse=True)
    def _logged(self, caplog):
        process.get(throttle._AllowedAt).clear()  # pylint: disable=protected-access
        caplog.set_level("INFO", "openedx_webhooks.access")

    def lines(self, caplog):
        """What the logger was told."""
        return [record.getMessage() for record in caplog.records if record.name == "openedx_webhooks.access"]

    @pytest.mark.parametrize("model", [Delivery, Call, CapturedEvent])
    def test_a_page_with_a_payload(self, viewer, records, caplog, settings, model):
        row = model.objects.first()
        viewer.get(url_of(model, "change", row.pk))
        assert self.lines(caplog) == []
        settings.OPENEDX_WEBHOOKS = {"LOG_PAYLOAD_ACCESS": True}
        viewer.get(url_of(model, "change", row.pk))
        viewer.get(url_of(model, "change", row.pk))
        number = get_user_model().objects.get().pk
        assert self.lines(caplog) == [f"User {number} was shown the payload of {model._meta.model_name} {row.pk}"]

    @pytest.mark.parametrize("model", [Delivery, Call, CapturedEvent])
    def test_a_page_without_it_is_none(self, staff, records, caplog, settings, model):
        settings.OPENEDX_WEBHOOKS = {"LOG_PAYLOAD_ACCESS": True}
        staff("view_delivery", "view_call", "view_capturedevent").get(url_of(model, "change", model.objects.first().pk))
        assert self.lines(caplog) == []
