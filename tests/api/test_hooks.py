"""Hooks through the API: what the form of the admin refuses is refused here, and no secret comes out."""

import pytest
from django.db import connection

from openedx_webhooks.models import Delivery, Webfilter, Webhook
from openedx_webhooks.models.encrypted_fields import encrypt
from openedx_webhooks.models.history import is_encrypted
from openedx_webhooks.operations import removal

from ..admin.conftest import LOGIN, MAY_LOGIN, UNKNOWN, make_delivery, make_event
from ..receiver import Reply
from .conftest import BASE

pytestmark = pytest.mark.django_db
NEW = {"event": LOGIN, "webhook_url": "https://example.com/hooks"}
NEW_FILTER = {"event": MAY_LOGIN, "webhook_url": "https://example.com/login", "mode": "observe"}
SECRET = "whsec_" + "c2VjcmV0" * 5


# --- Fields


@pytest.mark.parametrize("model, path", [(Webhook, "webhooks/"), (Webfilter, "webfilters/")])
def test_all_that_somebody_can_set_is_there_under_the_models_names(api, webhook, webfilter, model, path):
    options = {field.name for field in model._meta.concrete_fields if field.editable}
    [hook] = api.get(path)[1]["results"]
    assert options <= hook.keys()
    hidden = {field.name for field in model._meta.concrete_fields if is_encrypted(field) and not field.editable}
    assert not hidden & hook.keys()


def test_what_was_read_can_be_sent_back_and_changes_nothing(api, webhook):
    webhook.authentication, webhook.credentials = "basic", {"user": "bob", "password": "hunter2"}
    webhook.headers = {"X-Key": "t0p"}
    webhook.save()
    before = Webhook.objects.values().get()
    shown = api.get(f"webhooks/{webhook.pk}/")[1]
    assert (shown["credentials"], shown["headers"], shown["secret"]) == (
        {"user": "bob", "password": None},
        {"X-Key": None},
        None,
    )
    assert api.patch(f"webhooks/{webhook.pk}/", shown)[0] == 200
    assert Webhook.objects.values().get() == before


@pytest.mark.parametrize("fields", [{"condition": "\ud800"}, {"description": "\udfff"}, {"\ud800": 1}])
def test_half_a_character_is_refused(api, webhook, fields):
    status, answer = api.patch(f"webhooks/{webhook.pk}/", fields)
    assert (status, "half of a character" in answer["detail"]) == (400, True)


def test_a_new_webhook_answers_with_its_secret_this_once(api):
    status, made = api.post("webhooks/", {**NEW, "event": "SESSION_LOGIN_COMPLETED", "headers": {"X-Key": "t0p"}})
    hook = Webhook.objects.get()
    assert (status, made["secret"], made["event"]) == (201, hook.secret, LOGIN)
    assert hook.headers == {"X-Key": "t0p"}
    assert api.get(f"webhooks/{hook.pk}/")[1]["secret"] is None


def test_a_secret_of_the_clients_own_is_not_repeated(api):
    assert api.post("webhooks/", {**NEW, "secret": SECRET})[1]["secret"] is None
    assert Webhook.objects.get().secret == SECRET


def test_another_secret_leaves_the_one_before_valid_for_a_while(api, webhook):
    before = webhook.secret
    assert api.patch(f"webhooks/{webhook.pk}/", {"secret": SECRET})[0] == 200
    webhook.refresh_from_db()
    assert (webhook.secret, webhook.previous_secret) == (SECRET, before)


@pytest.mark.parametrize("leaked", [False, True])
def test_a_rotation_answers_with_the_new_secret(api, webhook, leaked):
    before = webhook.secret
    status, made = api.post(f"webhooks/{webhook.pk}/rotate_secret/", {"leaked": leaked})
    webhook.refresh_from_db()
    assert (status, made["secret"]) == (200, webhook.secret)
    assert webhook.secret != before
    assert webhook.previous_secret == ("" if leaked else before)
    assert bool(made["previous_secret_expires_at"]) is not leaked


# --- What is refused, and where the answer says so


@pytest.mark.parametrize(
    "change, field, says",
    [
        ({"webhook_url": "ftp://example.com/"}, "webhook_url", "must begin with https://"),
        ({"webhook_url": None}, "webhook_url", "null"),
        ({"event": UNKNOWN}, "event", "This installation has no"),
        ({"condition": "a ="}, "condition", "character 3"),
        ({"shape": "[["}, "shape", "JMESPath"),
        ({"retry_schedule": ["soon"]}, "retry_schedule", "list of waits"),
        ({"headers": {"Host": "x"}}, "headers", "remove it"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers", "twice"),
        ({"headers": {"X-A": None}}, "headers", "has no value"),
        ({"headers": {"X-A": "a\nb"}}, "headers", "line break"),
        ({"headers": ["X-A"]}, "headers", "dictionary"),
        ({"headers": {"Authorization": "x"}, "authentication": "basic"}, "headers", "Authorization"),
        ({"authentication": "bearer"}, "credentials", "Token"),
        ({"authentication": "bearer", "credentials": {"tokken": "x"}}, "credentials", "token"),
        ({"authentication": "magic"}, "authentication", "magic"),
        ({"secret": "short"}, "secret", "whsec_"),
        ({"use_www_form_encoding": True, "payload_format": "cloudevents"}, "payload_format", "form"),
        ({"webhook_urll": "x"}, "webhook_urll", "There are: description"),
        ({"enabled": "perhaps"}, "enabled", "boolean"),
    ],
)
def test_a_mistake_is_told_at_its_field(api, change, field, says):
    status, errors = api.post("webhooks/", {**NEW, **change})
    assert status == 400
    assert says in " ".join(errors[field])
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    "change, field",
    [
        ({"local_answer": "{}"}, "local_answer"),
        ({"webhook_url": ""}, "webhook_url"),
        ({"webhook_url": "", "local_answer": '{"exception": "Nope"}'}, "local_answer"),
        ({"redirect_on_4xx": "/dashboard"}, "halt_on_4xx"),
        ({"serve_stale_answers": True}, "serve_stale_answers"),
        ({"timeout": 31}, "timeout"),
    ],
)
def test_a_webfilters_mistakes_are_those_of_its_form(api, change, field):
    status, errors = api.post("webfilters/", {**NEW_FILTER, **change})
    assert (status, list(errors)) == (400, [field])


def test_who_adds_a_webfilter_says_whether_its_answers_count(api):
    assert api.post("webfilters/", {**NEW_FILTER})[1]["mode"] == "observe"
    status, errors = api.post("webfilters/", {name: NEW_FILTER[name] for name in ("event", "webhook_url")})
    assert (status, list(errors)) == (400, ["mode"])


def test_a_webfilter_that_would_never_be_called_is_not_enabled(api, webfilter, settings):
    settings.OPEN_EDX_FILTERS_CONFIG = {MAY_LOGIN: 5}
    assert api.patch(f"webfilters/{webfilter.pk}/", {"enabled": False})[0] == 200
    status, errors = api.patch(f"webfilters/{webfilter.pk}/", {"enabled": True})
    assert (status, list(errors)) == (400, ["event"])


@pytest.mark.parametrize(
    "change, refused",
    [
        ({"webhook_url": "https://evil.example.com/"}, True),
        ({"webhook_url": "https://crm.example.com/other"}, True),
        ({"webhook_url": "https://evil.example.com/", "headers": {"Authorization": None}}, True),
        ({"webhook_url": "https://evil.example.com/", "headers": {"Authorization": "Bearer new"}}, False),
        ({"webhook_url": "https://evil.example.com/", "headers": {}}, False),
        ({"description": "other"}, False),
    ],
)
def test_header_values_stay_with_their_address(api, webhook, change, refused):
    status, answer = api.patch(f"webhooks/{webhook.pk}/", change)
    webhook.refresh_from_db()
    if refused:
        assert (status, list(answer)) == (400, ["headers"])
        assert webhook.webhook_url == "https://crm.example.com/hooks"
    else:
        assert status == 200
        assert "evil" not in webhook.webhook_url or "t0p-s3cret" not in str(dict(webhook.headers))


def test_what_is_sent_is_never_decrypted(api, webhook):
    """Whoever has a dump could else have what is in it sent to them, opened."""
    stolen = encrypt("t0p-s3cret")
    made = api.post("webhooks/", {**NEW, "headers": {"X-Key": stolen}})[1]
    assert Webhook.objects.get(pk=made["id"]).headers == {"X-Key": stolen}


@pytest.mark.parametrize("change", [{}, {"credentials": {"user": "bob", "password": None}}])
def test_credentials_stay_with_their_address(api, change):
    made = api.post("webhooks/", {**NEW, "authentication": "basic", "credentials": {"user": "bob", "password": "x"}})[1]
    moved = {"webhook_url": "https://evil.example.com/", **change}
    status, errors = api.patch(f"webhooks/{made['id']}/", moved)
    assert (status, list(errors)) == (400, ["credentials"])


def test_a_preview_does_not_take_secrets_to_another_address_either(api, webhook):
    moved = {"hook": {"webhook_url": "https://evil.example.com/"}}
    status, errors = api.post(f"webhooks/{webhook.pk}/preview/", moved)
    assert (status, list(errors["hook"])) == (400, ["headers"])


def test_what_was_malformed_before_does_not_stand_in_the_way(api, webhook):
    Webhook.objects.update(condition="a =")
    assert api.patch(f"webhooks/{webhook.pk}/", {"description": "x"})[0] == 200
    assert api.patch(f"webhooks/{webhook.pk}/", {"condition": "b ="})[0] == 400


# --- What follows


def test_enabling_starts_afresh_and_is_in_the_history_with_who_did_it(api, webhook, admin_user):
    assert api.patch(f"webhooks/{webhook.pk}/", {"enabled": False})[0] == 200
    Webhook.objects.update(consecutive_failures=9, disabled_reason="too bad")
    assert api.patch(f"webhooks/{webhook.pk}/", {"enabled": True})[0] == 200
    webhook.refresh_from_db()
    assert (webhook.enabled, webhook.consecutive_failures, webhook.disabled_reason) == (True, 0, "")
    version = webhook.history.first()
    assert (version.history_user_id, version.enabled) == (admin_user.pk, True)


def test_a_webhook_is_paused(api, webhook):
    assert api.patch(f"webhooks/{webhook.pk}/", {"paused": True})[1]["paused"] is True
    webhook.refresh_from_db()
    assert webhook.paused


def test_deleting_takes_the_records_along(api, delivery):
    assert api.delete(f"webhooks/{delivery.webhook_id}/")[0] == 204
    assert (Webhook.objects.count(), Delivery.objects.count()) == (0, 0)


def test_of_many_records_deleting_goes_on_in_the_background(api, delivery, monkeypatch, admin_user):
    monkeypatch.setattr(removal, "_AT_ONCE", 0)
    path = f"webhooks/{delivery.webhook_id}/"
    assert api.delete(path)[0] == 202
    assert api.patch(path, {"enabled": True})[0] == 409
    assert api.delete(path)[0] == 409
    assert api.get(path)[1]["removing_since"]
    assert Webhook.objects.get().history.first().history_user_id == admin_user.pk


# --- Trying out


def test_a_test_says_what_was_sent_and_what_came_back(api, webhook, receiver):
    receiver.replies["/hooks?token=hush"] = Reply(b"teapot t0p-s3cret", 418)
    Webhook.objects.update(webhook_url=receiver.url("/hooks?token=hush"))
    status, tested = api.post(f"webhooks/{webhook.pk}/test/")
    assert (status, tested["status_code"], tested["accepted"]) == (200, 418, False)
    assert receiver.received[0].headers["webhook-test"] == "true"
    assert tested["request"]["headers"]["Authorization"] == "••••••••"
    assert "teapot" in tested["response"]["body"]
    assert not [secret for secret in ("t0p-s3cret", "hush", webhook.secret) if secret in str(tested)]


def test_a_test_of_a_captured_event_sends_that(api, webhook, receiver):
    Webhook.objects.update(webhook_url=receiver.url())
    event = make_event(payload={"a": 1})
    assert api.post(f"webhooks/{webhook.pk}/test/", {"captured_event": event.pk})[1]["accepted"]
    assert receiver.received[0].json["a"] == 1
    other = make_event(event_type=UNKNOWN)
    status, errors = api.post(f"webhooks/{webhook.pk}/test/", {"captured_event": other.pk})
    assert (status, list(errors)) == (400, ["captured_event"])


def test_a_test_of_a_webfilter_says_what_its_answer_would_do(api, webfilter, receiver):
    receiver.replies["/hook"] = Reply({"exception": {"PreventLogin": "closed"}})
    Webfilter.objects.update(webhook_url=receiver.url())
    assert "closed" in " ".join(api.post(f"webfilters/{webfilter.pk}/test/")[1]["effects"])


def test_a_preview_says_whether_the_condition_matches_and_what_would_be_sent(api, receiver):
    hook = {**NEW, "condition": "user.id == `0`", "shape": "{name: user.pii.username}"}
    status, made = api.post("webhooks/preview/", {"hook": hook})
    assert (status, made["matches"], made["reasons"][0]["holds"]) == (200, False, False)
    assert made["request"]["body"].startswith('{"name":')
    assert (Webhook.objects.count(), receiver.received) == (0, [])


def test_a_preview_warns_of_what_is_probably_not_meant_so(api, webhook):
    made = api.post(f"webhooks/{webhook.pk}/preview/", {"hook": {"condition": "user.idd == `0`"}})[1]
    assert [warning["field"] for warning in made["warnings"]] == ["condition"]


# --- Many at once


def test_what_failed_is_counted_then_sent_again_and_the_history_says_who(api, webhook, admin_user):
    for state in ("failed", "failed", "delivered"):
        make_delivery(webhook, state)
    path = f"webhooks/{webhook.pk}/replay/"
    assert api.post(path, {"dry_run": True})[1]["done"] == 2
    assert not Delivery.objects.pending().exists()
    status, progress = api.post(path)
    assert (status, progress["done"], progress["is_over"]) == (200, 2, True)
    assert Delivery.objects.pending().count() == 2
    version = webhook.history.first()
    assert version.history_user_id == admin_user.pk
    assert "2 will be sent" in version.history_change_reason


def test_past_events_are_sent_to_a_webhook_that_was_not_there(api, webhook):
    make_event()
    make_event(user_id=8)
    status, progress = api.post(f"webhooks/{webhook.pk}/send_past_events/", {"learner": "8"})
    assert (status, progress["done"]) == (200, 1)
    assert Delivery.objects.get().event.user_id == 8


def test_a_long_job_goes_on_with_its_token_and_only_the_same_persons(api, webhook, monkeypatch):
    monkeypatch.setattr("openedx_webhooks.api.sending._SECONDS", 0)
    monkeypatch.setattr("openedx_webhooks.webhooks.resending._LOOKED_AT", 2)
    for _ in range(3):
        make_delivery(webhook, "failed")
    path = f"webhooks/{webhook.pk}/replay/"
    progress = api.post(path)[1]
    assert (progress["done"], progress["is_over"]) == (2, False)
    progress = api.post(path, {"token": progress["token"]})[1]
    assert (progress["done"], progress["is_over"]) == (3, True)
    status, errors = api.post(path, {"token": progress["token"][:-1]})
    assert (status, list(errors)) == (400, ["token"])


@pytest.mark.parametrize("body, status", [(b"[" * 100_000, 400), (b"[]", 400), (b"{", 400), (b'{"a": "\xff"}', 400)])
def test_what_is_no_json_object_is_refused(admin_client, body, status):
    assert admin_client.post(f"{BASE}webhooks/", body, "application/json").status_code == status


def test_a_body_without_end_is_refused(admin_client):
    assert admin_client.post(f"{BASE}webhooks/", b" " * 2**20 + b"{}", "application/json").status_code == 413


@pytest.mark.parametrize("stored, shown", [("[NaN]", "[NaN]"), ('["\\ud800"]', ["?"]), ("[5", "[5"), ("[5]", [5])])
def test_a_schedule_that_somebody_has_spoilt_does_not_spoil_the_list(api, webhook, stored, shown):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE openedx_webhooks_webhook SET retry_schedule = %s", [stored])
    [one] = api.get("webhooks/")[1]["results"]
    assert one["retry_schedule"] == shown
