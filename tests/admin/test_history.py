"""The history of hooks: who changed what, from what to what; restoring; what is never in it."""

import re
from datetime import timedelta

import django
import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from django.utils.html import strip_tags

from openedx_webhooks.models import Webfilter, Webhook, signing_secrets
from openedx_webhooks.operations import alerts, removal
from openedx_webhooks.transport import signing
from openedx_webhooks.webhooks import deliver, health
from tests.receiver import Reply

from .conftest import LOGIN, form_of, make_delivery, url_of
from .test_sending_again import SEND_AGAIN, hidden_of

pytestmark = pytest.mark.django_db
MODELS = pytest.mark.parametrize("model", [Webhook, Webfilter])
MIDDLEWARE = "simple_history.middleware.HistoryRequestMiddleware"
TOKEN = "https://n8n.example.com/h00k?token=hush"


def lines(client, hook_or_model, pk=None):
    """What the entries of the history page say, the newest first."""
    model = hook_or_model if pk else type(hook_or_model)
    page = client.get(url_of(model, "history", pk or hook_or_model.pk)).content.decode()
    return [
        " ".join(strip_tags(each).split()) for each in re.findall(r'<li class="owh-version">(.*?)</li>', page, re.S)
    ]


def save(client, hook, **changes):
    """Send the form of a hook."""
    headers = {"headers-name": [*hook.readable_headers, ""], "headers-value": [""] * (len(hook.readable_headers) + 1)}
    data = form_of(type(hook), event=hook.event, webhook_url=hook.webhook_url, **{**headers, **changes})
    assert client.post(url_of(type(hook), "change", hook.pk), data).status_code == 302
    hook.refresh_from_db()


@pytest.fixture
def hook(request, model):
    """One of the kind, with a secret header and an address that holds a token."""
    made = request.getfixturevalue(model.__name__.lower())
    made.webhook_url = TOKEN
    made.save()
    return made


@MODELS
@pytest.mark.parametrize("with_middleware", [False, True], ids=["crum", "middleware"])
def test_who_changed_what_from_what_to_what(admin_client, hook, settings, with_middleware):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *([MIDDLEWARE] if with_middleware else [])]
    save(admin_client, hook, description="for the crm", condition="user")
    newest = lines(admin_client, hook)[0]
    assert newest.startswith("admin 20")
    assert "Description from empty → to for the crm" in newest
    assert "Condition from empty → to user" in newest


@MODELS
def test_a_save_without_a_change_leaves_no_line(admin_client, hook):
    mode = {"mode": "observe"} if hook._meta.model_name == "webfilter" else {}
    save(admin_client, hook, **mode)
    count = hook.history.count()
    save(admin_client, hook, **mode)
    assert hook.history.count() == count


@MODELS
def test_secrets_are_in_no_version_and_their_change_is(admin_client, hook):
    save(admin_client, hook, secret=signing.new_secret(), **{"headers-value": ["Bearer n3w", ""]})
    newest = lines(admin_client, hook)[0]
    assert "Headers changed; its value is never kept here" in newest
    assert "Signing secret changed" in newest
    admin_client.post(url_of(type(hook), "rotate-secret", hook.pk))
    assert "Signing secret changed" in lines(admin_client, hook)[0]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {hook.history.model._meta.db_table}")
        stored = repr(cursor.fetchall())
    assert "fernet" not in stored and "whsec" not in stored and "Bearer" not in stored


@MODELS
def test_every_encrypted_field_is_left_out(model):
    kept = {field.name for field in model.history.model.tracked_fields}
    assert not kept & {"secret", "previous_secret", "previous_secret_expires_at", "headers", "modified"}
    assert {"id", "event", "webhook_url", "enabled", "condition", "description"} <= kept


@MODELS
def test_no_permission_is_made_for_versions(model):
    assert model.history.model._meta.default_permissions == ()


@MODELS
def test_viewers_see_servers_and_no_addresses(viewer, hook):
    hook.webhook_url = TOKEN.replace("hush", "0ther")
    hook.save()
    hook.webhook_url = "https://zapier.example.com/s3cret"
    hook.save()
    page = viewer.get(url_of(type(hook), "history", hook.pk)).content.decode()
    assert not [secret for secret in ("hush", "0ther", "s3cret", "h00k") if secret in page]
    assert "n8n.example.com → to zapier.example.com" in lines(viewer, hook)[0]
    assert "only those who may change this hook see it" in lines(viewer, hook)[1]
    assert "Restore" not in page


@MODELS
def test_an_earlier_version_is_restored_after_a_look(admin_client, hook):
    before, secret = hook.history.first(), hook.secret
    save(admin_client, hook, description="spoilt", condition="`true`", enabled="")
    question = admin_client.get(url_of(type(hook), "restore", hook.pk), {"version": before.pk}).content.decode()
    assert "Restore this version" in question
    hook.refresh_from_db()
    assert hook.description == "spoilt"
    response = admin_client.post(url_of(type(hook), "restore", hook.pk), {"version": before.pk})
    assert response.url == url_of(type(hook), "change", hook.pk)
    hook.refresh_from_db()
    assert (hook.description, hook.condition) == ("", "")
    # What it is, not whether it runs.
    assert hook.enabled is False
    assert (hook.secret, hook.headers) == (secret, {"Authorization": "Bearer t0p-s3cret"})
    assert "Restored: as it was at" in lines(admin_client, hook)[0]


@pytest.mark.parametrize("headers, is_refused", [({"Authorization": "Bearer t0p-s3cret"}, True), ({}, False)])
def test_stored_headers_are_never_sent_to_a_server_of_an_earlier_version(admin_client, webhook, headers, is_refused):
    before = webhook.history.first()
    webhook.webhook_url, webhook.headers = "https://other.example.com/", headers
    webhook.save()
    page = admin_client.post(url_of(Webhook, "restore", webhook.pk), {"version": before.pk}).content.decode()
    webhook.refresh_from_db()
    assert (webhook.server == "other.example.com") is is_refused
    assert ("must not be sent there" in page) is is_refused


def test_a_version_that_is_not_valid_any_more_is_refused_with_the_reason(admin_client, webhook):
    Webhook.history.filter(id=webhook.pk).update(condition="a ==")  # pylint: disable=no-member
    version = webhook.history.first()
    page = admin_client.post(url_of(Webhook, "restore", webhook.pk), {"version": version.pk}).content.decode()
    assert "Condition: " in page
    webhook.refresh_from_db()
    assert webhook.condition == ""


@pytest.mark.parametrize("number", ["", "x", "0", "9" * 30, "another"])
def test_a_version_of_no_or_another_hook_is_not_restored(admin_client, webhook, number):
    other = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/", description="other")
    number = other.history.first().pk if number == "another" else number
    assert admin_client.post(url_of(Webhook, "restore", webhook.pk), {"version": number}).status_code == 302
    webhook.refresh_from_db()
    assert webhook.description == ""


def test_that_deliveries_were_sent_again_has_its_line(admin_client, webhook):
    make_delivery(webhook, "failed")
    counted = admin_client.post(url_of(Webhook, "replay-failed", webhook.pk), {"since": "2020-01-01T00:00"})
    count = webhook.history.count()
    admin_client.post(SEND_AGAIN, hidden_of(admin_client.get(counted.url)))
    assert "Send again: 1 will be sent." in lines(admin_client, webhook)[0]
    assert webhook.history.count() == count + 1


@pytest.mark.parametrize("button, says", [("promote", "Mode from Observe"), ("reset-breaker", "Reset the breaker.")])
def test_the_buttons_of_webfilters_have_their_line(admin_client, webfilter, button, says):
    admin_client.post(url_of(Webfilter, button, webfilter.pk))
    assert says in lines(admin_client, webfilter)[0]


def test_that_the_plugin_disabled_it_is_told_as_such(admin_client, webhook, receiver):
    receiver.on("/gone", Reply(status=410))
    webhook.webhook_url = receiver.url("/gone")
    webhook.save()
    make_delivery(webhook, "pending", next_attempt_at=timezone.now())
    deliver.deliver_due()
    newest = lines(admin_client, webhook)[0]
    assert newest.startswith("The plugin 20")
    assert "The plugin did this by itself." in newest
    assert "Enabled from yes → to no" in newest
    assert "410 Gone" in newest


def test_a_success_or_failure_costs_no_version(webhook, receiver):
    webhook.webhook_url = receiver.url("/ok")
    webhook.save()
    count = webhook.history.count()
    for _ in range(3):
        make_delivery(webhook, "pending", next_attempt_at=timezone.now())
    deliver.deliver_due()
    assert webhook.history.count() == count


def test_without_the_table_the_plugin_still_disables_and_tells(webhook, monkeypatch, mailoutbox, settings):
    settings.ADMINS = [("ops", "ops@example.com")]
    monkeypatch.setattr(Webhook.history.model._meta, "db_table", "nowhere")  # pylint: disable=no-member
    health._disable(webhook, "why")
    webhook.refresh_from_db()
    assert not webhook.enabled
    alerts.tell()
    assert len(mailoutbox) == 1


@MODELS
def test_a_deleted_hook_keeps_its_history_and_says_who(admin_client, hook):
    pk = hook.pk
    admin_client.post(url_of(type(hook), "delete", pk), {"post": "yes"})
    assert not type(hook).objects.exists()
    deleted = admin_client.get(f"{url_of(type(hook))}deleted/").content.decode()
    assert url_of(type(hook), "history", pk) in deleted and ">admin<" in deleted
    newest = lines(admin_client, type(hook), pk)[0]
    assert newest.startswith("admin") and "Deleted" in newest
    # Of a number that SQLite can't hold, Django 4.2 makes an error, as on each of its own pages.
    too_large = ["9" * 30] if django.VERSION >= (5,) else []
    for nobody in (999, "x", *too_large):
        assert admin_client.get(url_of(type(hook), "history", nobody)).status_code == 302


def test_who_asked_for_a_removal_in_the_background_is_known(admin_client, webhook, monkeypatch):
    monkeypatch.setattr(removal, "_AT_ONCE", 0)
    make_delivery(webhook)
    pk = webhook.pk
    admin_client.post(url_of(Webhook, "delete", pk), {"post": "yes"})
    assert lines(admin_client, Webhook, pk)[0].startswith("admin")
    Webhook.objects.update(removing_since=timezone.now() - timedelta(days=1))
    removal.run()
    assert not Webhook.objects.exists()
    assert ">admin<" in admin_client.get(f"{url_of(Webhook)}deleted/").content.decode()


@override_settings(SIMPLE_HISTORY_ENABLED=False)
def test_a_site_that_wants_no_histories_has_none(webhook):
    count = webhook.history.count()
    webhook.description = "x"
    webhook.save()
    assert webhook.history.count() == count


def test_a_change_by_a_command_has_no_name(admin_client, webhook):
    webhook.description = "x"
    webhook.save()
    signing_secrets.rotate(webhook)
    assert lines(admin_client, webhook)[0].startswith("A command or script")


def test_a_change_of_a_secret_is_told_once(webhook):
    webhook.headers = {"Authorization": "Bearer n3w"}
    webhook.save()
    webhook.description = "x"
    webhook.save()
    assert list(webhook.history.values_list("changed_secrets", flat=True))[:2] == ["", "headers"]


@MODELS
def test_how_it_authenticates_is_not_restored_for_its_credentials_are_not_kept(admin_client, model):
    hook = model.objects.create(
        event="x", webhook_url=TOKEN, headers={}, authentication="bearer", credentials={"token": "hush-hush"}
    )
    before = hook.history.first()
    hook.authentication, hook.credentials, hook.description = "none", {}, "without"
    hook.save()
    admin_client.post(url_of(model, "restore", hook.pk), {"version": before.pk})
    hook.refresh_from_db()
    assert (hook.description, hook.authentication, hook.credentials) == ("", "none", {})
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {hook.history.model._meta.db_table}")
        assert "hush-hush" not in repr(cursor.fetchall())


def test_a_signature_is_not_restored_that_the_secret_does_not_fit(admin_client, webhook):
    before = webhook.history.first()
    webhook.signature, webhook.secret = signing.GITHUB, "a-secret-for-github"
    webhook.save()
    page = admin_client.post(url_of(Webhook, "restore", webhook.pk), {"version": before.pk}).content.decode()
    assert "the signing secret of now does not fit it" in page
    webhook.refresh_from_db()
    assert webhook.signature == signing.GITHUB


@pytest.mark.parametrize(
    "credentials, is_refused",
    [({"token_url": "https://login.example.com/", "client_id": "i", "client_secret": "s"}, True), ({}, False)],
)
def test_stored_credentials_are_never_sent_to_a_server_of_an_earlier_version(
    admin_client, webhook, credentials, is_refused
):
    before = webhook.history.first()
    webhook.webhook_url, webhook.headers = "https://other.example.com/", {}
    webhook.authentication, webhook.credentials = ("oauth2" if credentials else "none"), credentials
    webhook.save()
    page = admin_client.post(url_of(Webhook, "restore", webhook.pk), {"version": before.pk}).content.decode()
    webhook.refresh_from_db()
    assert (webhook.server == "other.example.com") is is_refused
    assert ("must not be sent there" in page) is is_refused
