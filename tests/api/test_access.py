"""Who gets through, to what, and how often."""

import os
import subprocess
import sys

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, override_settings

from openedx_webhooks.api import authentication
from openedx_webhooks.api.hooks import HookViews, WebhookViews
from openedx_webhooks.models import Delivery, Webhook

from .. import neighbours
from ..admin.conftest import HOSTILE, make_delivery
from .conftest import BASE

LISTS = {
    "webhooks/": "view_webhook",
    "webfilters/": "view_webfilter",
    "captured_events/": "view_capturedevent",
    "deliveries/": "view_delivery",
    "calls/": "view_call",
}


@pytest.mark.django_db
class TestPermissions:
    """Those of the admin."""

    @pytest.mark.parametrize("path", [*LISTS, "schema/"])
    def test_nobody_sees_anything_without_being_recognised(self, client, path):
        assert client.get(BASE + path).status_code in (401, 403)

    @pytest.mark.parametrize("path", [*LISTS, "schema/"])
    def test_permissions_without_being_staff_are_not_enough(self, client, path):
        client.force_login(get_user_model().objects.create_user("root", is_superuser=True))
        assert client.get(BASE + path).status_code == 403

    @pytest.mark.parametrize("path, codename", LISTS.items())
    def test_each_list_needs_its_permission_and_the_answer_names_it(self, api_as, path, codename):
        status, answer = api_as().get(path)
        assert status == 403
        assert codename in answer["detail"]

    @pytest.mark.parametrize("path, codename", LISTS.items())
    def test_and_with_it_shows_it(self, api_as, path, codename):
        assert api_as(codename).get(path)[0] == 200

    @pytest.mark.parametrize("action, right", HookViews.rights.items())
    def test_who_may_look_may_do_nothing(self, api_as, webhook, action, right):
        api = api_as(*LISTS.values(), "view_payload")
        before = Webhook.objects.values().get()
        one = f"webhooks/{webhook.pk}/"
        of_views = {
            "create": lambda: api.post("webhooks/", {}),
            "partial_update": lambda: api.patch(one, {"enabled": False}),
            "destroy": lambda: api.delete(one),
            "preview": lambda: api.post("webhooks/preview/"),
            "preview_change": lambda: api.post(f"{one}preview/"),
            "reset_breaker": lambda: api.post("webfilters/1/reset_breaker/"),
        }
        status, answer = of_views.get(action, lambda: api.post(f"{one}{action}/"))()
        assert status == 403
        assert right in answer["detail"].lower()
        assert Webhook.objects.values().get() == before

    def test_no_action_of_a_hook_that_writes_lacks_a_right(self):
        posts = {each.__name__ for each in WebhookViews.get_extra_actions() if "post" in each.mapping}
        assert posts <= HookViews.rights.keys()

    def test_viewers_see_of_an_address_only_the_server(self, api_as, webhook):
        Webhook.objects.update(webhook_url="https://bob:hunter2@n8n.example.com/h00k?token=hush")
        webhook.refresh_from_db()
        api = api_as("view_webhook")
        for path in ("webhooks/", f"webhooks/{webhook.pk}/"):
            shown = str(api.get(path)[1])
            assert "n8n.example.com" in shown
            assert not [text for text in ("bob", "hunter2", "h00k", "hush", "t0p", webhook.secret) if text in shown]

    @pytest.mark.parametrize("sees", [False, True])
    def test_personal_data_is_for_those_who_may_see_it(self, api_as, webhook, call, sees):
        call.note = call.error = HOSTILE
        call.save()
        delivery = make_delivery(webhook, username="ada")
        api = api_as(*LISTS.values(), *(["view_payload"] if sees else []))
        for path in (
            *("captured_events/", f"captured_events/{delivery.event_id}/", f"deliveries/{delivery.pk}/", "calls/"),
            f"calls/{call.pk}/",
        ):
            status, shown = api.get(path)
            assert status == 200
            assert any(text in str(shown) for text in (HOSTILE, "ada")) is sees, path

    def test_usernames_are_not_guessed_by_a_filter_or_a_count(self, api_as, webhook):
        api = api_as(*LISTS.values(), "replay_delivery")
        assert list(api.get("captured_events/", username="ada")[1]) == ["username"]
        many = api.post(f"webhooks/{webhook.pk}/send_past_events/", {"learner": "ada", "dry_run": True})
        assert (many[0], list(many[1])) == (400, ["learner"])

    def test_a_captured_event_is_tried_by_those_who_may_see_it(self, api_as, delivery):
        api = api_as("view_webhook", "change_webhook")
        event = {"captured_event": delivery.event_id}
        assert api.post(f"webhooks/{delivery.webhook_id}/preview/", event)[0] == 403
        assert api.post(f"webhooks/{delivery.webhook_id}/test/", event)[0] == 403

    @pytest.mark.parametrize("codename, status", [("change_webhook", 403), ("replay_delivery", 200)])
    def test_replaying_has_a_permission_of_its_own(self, api_as, delivery, codename, status):
        api = api_as("view_webhook", "view_delivery", codename)
        assert api.post(f"webhooks/{delivery.webhook_id}/replay/", {"dry_run": True})[0] == status
        assert api.post(f"deliveries/{delivery.pk}/replay/")[0] == status
        assert Delivery.objects.pending().exists() is (status == 200)

    def test_a_session_needs_a_csrf_token(self, admin_user, webhook):
        client = Client(enforce_csrf_checks=True)
        client.force_login(admin_user)
        assert client.delete(f"{BASE}webhooks/{webhook.pk}/").status_code == 403
        assert Webhook.objects.exists()

    def test_nothing_that_is_answered_is_kept_on_its_way(self, admin_client):
        assert admin_client.get(f"{BASE}webhooks/")["Cache-Control"] == "no-store"


@pytest.mark.django_db
@pytest.mark.parametrize("setting", ["API_REQUESTS_PER_MINUTE", "API_TESTS_PER_MINUTE"])
def test_who_asks_too_often_is_told_when_to_come_again(admin_client, webhook, receiver, setting):
    Webhook.objects.update(webhook_url=receiver.url())
    with override_settings(OPENEDX_WEBHOOKS={setting: 2}):
        path = f"{BASE}webhooks/{webhook.pk}/test/"
        answers = [admin_client.post(path, {}, "application/json") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) <= 60


class TestAuthentication:
    """By what a client is recognised."""

    def test_outside_of_the_platform_by_sessions_alone(self):
        with override_settings(OPENEDX_WEBHOOKS={}):
            assert [each.__name__ for each in authentication.classes()] == ["SessionAuthentication"]

    def test_as_the_sites_settings_say(self):
        name = "rest_framework.authentication.TokenAuthentication"
        with override_settings(OPENEDX_WEBHOOKS={"API_AUTHENTICATION_CLASSES": [name]}):
            assert [each.__name__ for each in authentication.classes()] == ["TokenAuthentication"]


@pytest.fixture(name="jwt")
def platforms_tokens(settings):
    """A function: the ``Authorization`` header with which the platform lets somebody in, by its own code."""
    before = set(sys.modules)
    settings.OPENEDX_WEBHOOKS = {}
    issuer = {"ISSUER": "https://lms.example.com", "AUDIENCE": "openedx", "SECRET_KEY": "s" * 32}
    settings.JWT_AUTH = {
        "JWT_ISSUERS": [issuer],
        "JWT_DECODE_HANDLER": "edx_rest_framework_extensions.auth.jwt.decoder.jwt_decode_handler",
        "JWT_AUTH_HEADER_PREFIX": "JWT",
        "JWT_ALGORITHM": "HS256",
        "JWT_SUPPORTED_VERSION": "1.3.0",
        "JWT_VERIFY_AUDIENCE": False,
    }
    for name in ("auth.jwt.authentication", "permissions"):
        neighbours.module(f"edx_rest_framework_extensions.{name}")
    utils = neighbours.module("edx_rest_framework_extensions.auth.jwt.tests.utils")
    yield lambda user, **claims: f"JWT {utils.generate_jwt(user, **claims)}"
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("edx_rest_framework_extensions", "rest_framework_jwt", "jwt"):
            del sys.modules[name]


@neighbours.needed
@pytest.mark.django_db
@pytest.mark.parametrize("restricted, status", [(False, 200), (True, 403)])
def test_on_the_platform_its_tokens_are_enough_unless_they_were_lent_to_an_application(
    jwt, rf, admin_user, webhook, restricted, status
):
    class Views(WebhookViews):
        authentication_classes = authentication.classes()
        permission_classes = [*WebhookViews.permission_classes, *authentication.permissions()]

    assert [each.__name__ for each in Views.authentication_classes] == ["JwtAuthentication", "SessionAuthentication"]
    view = Views.as_view({"get": "list"})
    assert view(rf.get("/")).status_code == 401
    assert view(rf.get("/", headers={"Authorization": "JWT a.b.c"})).status_code == 401
    token = jwt(admin_user, is_restricted=restricted)
    assert view(rf.get("/", headers={"Authorization": token})).status_code == status


WITHOUT = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
import django
django.setup()
from django.core.management import call_command
from django.urls import get_resolver, resolve, Resolver404
from openedx_webhooks import startup_problems
get_resolver().url_patterns
call_command("check")
assert resolve("/openedx_webhooks/health")
try:
    resolve("/openedx_webhooks/api/v1/webhooks/")
except Resolver404:
    pass
else:
    raise AssertionError("there is an API")
assert not [name for name in sys.modules if name.startswith("openedx_webhooks.api")]
assert not startup_problems.found, startup_problems.found
"""
BROKEN = """
import django
django.setup()
from django.conf import settings
settings.OPENEDX_WEBHOOKS = {"API_AUTHENTICATION_CLASSES": ["no.such.Class"]}
from django.urls import resolve
from openedx_webhooks import startup_problems
assert resolve("/openedx_webhooks/health")
assert "REST API" in startup_problems.found[0], startup_problems.found
"""


def _run(program, *arguments):
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "test_settings"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", ["rest_framework", "drf_spectacular"])
def test_without_its_libraries_the_plugin_works_and_has_no_api(missing):
    _run(WITHOUT, missing)


def test_a_wrong_setting_costs_the_api_and_not_the_site():
    _run(BROKEN)
