"""The page of the configuration file: download, difference, upload; and what it says on a hook's page."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from openedx_webhooks.models import Webfilter, Webhook
from openedx_webhooks.operations import configuration

from .conftest import LOGIN, MAY_LOGIN, url_of

pytestmark = pytest.mark.django_db
URL = "/admin/openedx_webhooks/webhook/configuration/"
ONE = "version: 1\nwebhooks:\n- name: crm\n  event: SESSION_LOGIN_COMPLETED\n  webhook_url: https://crm.example.com/\n"
FILTER = "webfilters:\n- {name: gate, event: StudentLoginRequested, mode: observe, local_answer: 'null'}\n"


def upload(client, text, **more):
    """The page that shows the difference."""
    content = text if isinstance(text, bytes) else text.encode()
    return client.post(URL, {"file": SimpleUploadedFile("hooks.yml", content), **more})


def confirm(client, page):
    """What the button of that page sends; None if it has none."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode()))
    if "digest" not in fields:
        return None
    return client.post(URL, {**fields, "text": page.context["upload"].text}, follow=True)


def test_a_download_has_no_secret(admin_client, webhook, webfilter):
    assert URL in admin_client.get(url_of(Webfilter)).content.decode()
    response = admin_client.post(URL, {"download": "1"})
    text = response.content.decode()
    assert "openedx-webhooks.yml" in response["Content-Disposition"]
    assert "Authorization: keep" in text
    assert not [secret for secret in ("t0p-s3cret", webhook.secret, webfilter.secret) if secret in text]
    page = upload(admin_client, text)
    assert "Everything is as the file says: 2 hooks." in page.content.decode()
    assert confirm(admin_client, page) is None


def test_the_difference_is_shown_first_and_then_applied(admin_client, admin_user):
    page = upload(admin_client, ONE + FILTER)
    assert "crm.example.com" in page.content.decode()
    assert not Webhook.objects.exists()
    after = confirm(admin_client, page)
    assert "2 added, 0 changed, 0 deleted" in after.content.decode()
    hook = Webhook.objects.get()
    assert (hook.name, hook.applied_from, Webfilter.objects.get().name) == ("crm", "hooks.yml", "gate")
    assert (hook.history.get().history_user_id, hook.history.get().history_change_reason) == (
        admin_user.pk, "Applied from the file hooks.yml.",
    )  # fmt: skip
    secret = admin_client.post(reverse("admin:openedx_webhooks_webhook_show_secret", args=[hook.pk]))
    assert hook.secret in secret.content.decode()


def test_a_change_in_between_is_shown_and_not_undone(admin_client):
    configuration.apply(ONE, "hooks.yml")
    page = upload(admin_client, ONE + "  description: from the file\n")
    Webhook.objects.update(condition="user.id")
    again = confirm(admin_client, page)
    assert "Something was changed meanwhile" in again.content.decode()
    assert Webhook.objects.get().condition == "user.id"
    confirm(admin_client, again)
    assert Webhook.objects.get().description == "from the file"


@pytest.mark.parametrize("text", ["version: 1\nwebhooks: [", b"\xff", "version: 1\nwebhooks: [{name: <b>}]"])
def test_a_file_that_can_not_be_read_is_refused_with_the_reason(admin_client, text):
    page = upload(admin_client, text)
    assert "This file cannot be applied." in page.content.decode()
    assert "<b>" not in page.content.decode()
    assert confirm(admin_client, page) is None


def test_without_a_file_it_is_asked_for_one(admin_client):
    assert "Choose a file first." in admin_client.post(URL, {}).content.decode()


def test_whoever_may_change_nothing_has_no_such_page(viewer):
    assert URL not in viewer.get(url_of(Webhook)).content.decode()
    assert viewer.get(URL).status_code == viewer.post(URL, {"download": "1"}).status_code == 403


def test_a_file_may_do_what_its_sender_may(staff):
    """Who may change webhooks neither adds nor deletes any by a file, and learns nothing of webfilters."""
    Webfilter.objects.create(event=MAY_LOGIN, webhook_url="https://auth.example.com/", name="gate")
    client = staff("change_webhook", "view_webhook")
    assert "gate" not in client.post(URL, {"download": "1"}).content.decode()
    assert "You may not add webhook crm." in upload(client, ONE).content.decode()
    assert "You may not change webfilters" in upload(client, ONE + FILTER).content.decode()
    configuration.apply(ONE + FILTER, "hooks.yml")
    page = upload(client, "version: 1", prune="1")
    assert "You may not delete webhook crm." in page.content.decode()
    assert "gate" not in page.content.decode()
    confirm(client, upload(client, ONE + "  description: new\n"))
    assert Webhook.objects.get().description == "new"


def test_a_permission_that_was_taken_away_meanwhile_counts(staff):
    client = staff("change_webhook", "add_webhook", "view_webhook")
    page = upload(client, ONE)
    page.wsgi_request.user.user_permissions.filter(codename="add_webhook").delete()
    assert "You may not add webhook crm." in confirm(client, page).content.decode()
    assert not Webhook.objects.exists()


def test_kept_header_values_are_not_sent_elsewhere(staff, webhook):
    webhook.name = "crm"
    webhook.save()
    client = staff("change_webhook", "view_webhook")
    for value in ("keep", "{env: PATH}"):
        page = upload(client, f"{ONE.replace('crm.', 'evil.')}  headers: {{Authorization: {value}}}\n")
        assert "The address was changed." in page.content.decode()


def test_a_hook_says_which_file_it_came_from_and_can_be_detached(admin_client):
    configuration.apply(ONE, "hooks.yml")
    hook = Webhook.objects.get()
    url = url_of(Webhook, "change", hook.pk)
    assert "set up from the file “hooks.yml”" in admin_client.get(url).content.decode()
    admin_client.post(reverse("admin:openedx_webhooks_webhook_detach", args=[hook.pk]))
    assert "set up from the file" not in admin_client.get(url).content.decode()
    assert configuration.apply("version: 1", "hooks.yml", prune=True).steps == []


def test_a_copy_has_no_name(admin_client):
    hook = Webhook.objects.create(event=LOGIN, webhook_url="https://a.example/", name="crm", applied_from="hooks.yml")
    admin_client.post(reverse("admin:openedx_webhooks_webhook_clone", args=[hook.pk]))
    assert list(Webhook.objects.order_by("pk").values_list("name", "applied_from"))[1] == (None, "")
