"""Deleting hooks with many records: what the pages say, and that nobody brings one back."""

import pytest
from django.db import connection
from django.utils import timezone

from openedx_webhooks.models import Call, Delivery, Webfilter, Webhook
from openedx_webhooks.operations import removal

from .conftest import LOGIN, form_of, make_delivery, url_of
from .test_hook_page import BUTTONS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch):
    monkeypatch.setattr(removal, "_AT_ONCE", 2)


@pytest.fixture(name="hook", params=[Webhook, Webfilter])
def make_hook(request, webhook, webfilter):
    """One of each kind with three records."""
    hook = webhook if request.param is Webhook else webfilter
    for _ in range(3):
        if request.param is Webhook:
            make_delivery(hook)
        else:
            Call.objects.create(webfilter=hook, mode="enforce", result="passed")
    return hook


def delete(client, hook, by="page"):
    """Answer the question with yes; the page after."""
    if by == "page":
        response = client.post(url_of(type(hook), "delete", hook.pk), {"post": "yes"}, follow=True)
    else:
        data = {"action": "delete_selected", "_selected_action": [hook.pk], "post": "yes"}
        response = client.post(url_of(type(hook)), data, follow=True)
    return response.content.decode()


@pytest.mark.parametrize("by", ["page", "list"])
def test_many_records_go_in_the_background_and_list_and_page_say_how_many_are_left(admin_client, hook, by):
    said = delete(admin_client, hook, by)
    assert "they are deleted in the background" in said
    assert by == "list" or "was deleted successfully" not in said
    hook.refresh_from_db()
    assert not hook.enabled and hook.removing_since
    assert removal.count_records(hook) == 3
    left = "3 deliveries left" if isinstance(hook, Webhook) else "3 webfilter calls left"
    listed = admin_client.get(url_of(type(hook))).content.decode()
    assert ">being removed</span>" in listed and f">{left}<" in listed
    page = admin_client.get(url_of(type(hook), "change", hook.pk)).content.decode()
    assert "This hook was deleted at" in page and f": {left}. It is not called any more." in page
    assert 'name="_save"' not in page
    assert "/delete/" not in page


def test_few_records_go_at_once(admin_client, hook):
    records = Delivery.objects if isinstance(hook, Webhook) else Call.objects
    records.filter(pk=records.first().pk).delete()
    assert "was deleted successfully" in delete(admin_client, hook)
    assert not type(hook).objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["page", "list"])
def test_no_transaction_holds_the_row_meanwhile(admin_client, monkeypatch, way):
    """Not even where each request is one, as on the platform."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    hook = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/")
    for _ in range(2):
        make_delivery(hook)
    seen = []
    step = removal._delete_records  # pylint: disable=protected-access

    def spy(*arguments):
        seen.append(connection.in_atomic_block)
        return step(*arguments)

    monkeypatch.setattr(removal, "_delete_records", spy)
    delete(admin_client, hook, way)
    assert seen == [False]
    assert not Webhook.objects.exists()


class TestNobodyBringsItBack:
    """A hook that is being removed can be looked at, and nothing else."""

    @pytest.fixture(autouse=True)
    def _goes(self, admin_client, hook):
        delete(admin_client, hook)

    def state(self, hook):
        """All columns."""
        return type(hook).objects.values().get(pk=hook.pk)

    def test_by_a_page_that_was_open_before(self, admin_client, hook):
        before = self.state(hook)
        data = form_of(type(hook), event=hook.event, webhook_url=hook.webhook_url)
        assert admin_client.post(url_of(type(hook), "change", hook.pk), data).status_code == 403
        assert self.state(hook) == before

    @pytest.mark.parametrize("action", ["enable_hooks", "pause_webhooks", "resume_webhooks", "delete_selected"])
    def test_by_an_action(self, admin_client, hook, action):
        before = self.state(hook)
        admin_client.post(url_of(type(hook)), {"action": action, "_selected_action": [hook.pk], "post": "yes"})
        assert self.state(hook) == before

    def test_by_a_button(self, admin_client, hook):
        before = self.state(hook)
        for button in [button for model, button in BUTTONS if model is type(hook)]:
            response = admin_client.post(url_of(type(hook), button, hook.pk), follow=True)
            assert "nothing can be done with it" in response.content.decode()
        page = admin_client.get(url_of(type(hook), "change", hook.pk)).content.decode()
        assert [button for _model, button in BUTTONS if f"/{hook.pk}/{button}/" in page] == []
        assert self.state(hook) == before


def test_a_form_that_was_read_before_and_saved_after_does_not_either(admin_client, webhook, monkeypatch):
    """Only what the form changes is written."""
    clean = Webhook.clean

    def remove_meanwhile(self):
        Webhook.objects.update(removing_since=timezone.now(), enabled=False, consecutive_failures=7)
        clean(self)

    monkeypatch.setattr(Webhook, "clean", remove_meanwhile)
    data = form_of(Webhook, event=webhook.event, webhook_url=webhook.webhook_url, description="new")
    assert admin_client.post(url_of(Webhook, "change", webhook.pk), data).status_code == 302
    webhook.refresh_from_db()
    assert webhook.description == "new"
    assert (webhook.enabled, webhook.consecutive_failures) == (False, 7)
    assert webhook.removing_since
