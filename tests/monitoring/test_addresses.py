"""What monitoring reads: /openedx_webhooks/health and /openedx_webhooks/metrics."""

import builtins
import json
import sys
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import OperationalError
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Mark, Webfilter, Webhook
from openedx_webhooks.operations import health_report, tallies, workers
from openedx_webhooks.transport.breaker import breaker

pytestmark = pytest.mark.django_db
LOGIN = "org.openedx.learning.auth.session.login.completed.v1"
MAY_LOGIN = "org.openedx.learning.student.login.requested.v1"
TOKEN = "a-long-and-random-token"
BEARER = {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def _token(settings):
    settings.OPENEDX_WEBHOOKS = {"MONITORING_TOKENS": ["the-one-before-it", TOKEN]}


def owed(seconds, **webhook):
    event = CapturedEvent.objects.create(event_id=uuid.uuid4(), event_type=LOGIN, time=timezone.now(), payload={})
    hook = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/hush", **webhook)
    Delivery.objects.create(webhook=hook, event=event, next_attempt_at=timezone.now() - timedelta(seconds=seconds))
    return hook


@pytest.fixture
def open_circuit():
    hook = Webfilter.objects.create(event=MAY_LOGIN, webhook_url="https://example.com/hush")
    guard = breaker(hook.webhook_url)
    guard.reset()
    for _ in range(guard.failures_to_open):
        guard.record(False)
    yield hook
    guard.reset()


def health(client):
    response = client.get("/openedx_webhooks/health", **BEARER)
    return response.status_code, json.loads(response.content)


class TestAccess:
    @pytest.mark.parametrize("name", ["health", "metrics"])
    @pytest.mark.parametrize(
        "authorization, status",
        [
            (f"Bearer {TOKEN}", 200),
            (f"bearer  {TOKEN} ", 200),
            ("Bearer the-one-before-it", 200),
            ("Bearer", 401),
            ("Bearer ", 401),
            (f"Bearer {TOKEN}x", 401),
            ("Bearer \xfc", 401),
            (f"Token {TOKEN}", 401),
            ("", 401),
        ],
    )
    def test_by_token(self, client, name, authorization, status):
        workers.note()
        response = client.get(f"/openedx_webhooks/{name}", HTTP_AUTHORIZATION=authorization)
        assert response.status_code == status
        assert ("MONITORING_TOKENS" in response.content.decode()) == (status == 401)

    def test_an_empty_token_is_none(self, client, settings):
        settings.OPENEDX_WEBHOOKS = {"MONITORING_TOKENS": [""]}
        assert client.get("/openedx_webhooks/health", HTTP_AUTHORIZATION="Bearer ").status_code == 401

    @pytest.mark.parametrize("permission, status", [("view_monitoring", 200), ("view_delivery", 403), (None, 403)])
    def test_by_a_permission_of_its_own(self, client, permission, status):
        workers.note()
        user = get_user_model().objects.create_user("ada", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename=permission))
        client.force_login(user)
        assert client.get("/openedx_webhooks/metrics").status_code == status

    def test_nothing_is_changed_by_it_nor_kept(self, client):
        assert client.post("/openedx_webhooks/health", **BEARER).status_code == 405
        assert "no-store" in client.get("/openedx_webhooks/health", **BEARER)["Cache-Control"]


class TestHealth:
    def test_a_site_that_works(self, client):
        workers.note()
        status, report = health(client)
        assert (status, report["status"]) == (200, "ok")
        assert report["worker_seen_seconds"] < 60
        assert {name: report[name] for name in list(report)[2:] if name != "worker_seen_seconds"} == {
            "pending": 0,
            "oldest_due_seconds": 0.0,
            "failing_webhooks": [],
            "disabled_webhooks": [],
            "open_circuits": [],
        }

    def test_a_site_on_which_nobody_delivers(self, client, caplog):
        owed(90)
        status, report = health(client)
        assert status == 503
        # Django mails its admins each error that is logged.
        assert "django.request" not in [record.name for record in caplog.records]
        assert 90 <= report["oldest_due_seconds"] < 120
        assert (report["pending"], report["worker_seen_seconds"]) == (1, None)
        (worker,) = [finding for finding in report["findings"] if finding["name"] == "worker"]
        assert worker["level"] == "bad"
        assert "webhooks_deliver" in worker["remedy"]

    def test_receivers_that_fail_are_named_and_are_no_outage_of_the_site(self, client, open_circuit):
        workers.note()
        failing = owed(0, failing_since=timezone.now())
        disabled = owed(0, enabled=False, disabled_reason="410")
        status, report = health(client)
        assert status == 200
        assert report["failing_webhooks"] == [failing.pk]
        assert report["disabled_webhooks"] == [disabled.pk]
        assert report["open_circuits"] == [open_circuit.pk]

    @pytest.mark.parametrize("waits", [{"enabled": False}, {"paused": True}])
    def test_what_waits_for_an_operator_is_not_late(self, client, waits):
        """Or monitoring would be told for as long as a webhook is paused that the workers don't work."""
        owed(90, **waits)
        assert health(client)[1]["oldest_due_seconds"] == 0.0

    def test_a_database_that_is_away(self, client, monkeypatch):
        def fail():
            raise OperationalError

        monkeypatch.setattr(workers, "last", fail)
        status, report = health(client)
        assert (status, [finding["name"] for finding in report["findings"]][-1]) == (503, "database")
        assert client.get("/openedx_webhooks/metrics", **BEARER).status_code == 200


class TestMetrics:
    def scrape(self, client, accept="text/plain"):
        response = client.get("/openedx_webhooks/metrics", HTTP_ACCEPT=accept, **BEARER)
        assert response.status_code == 200
        parse = open_metrics if "openmetrics" in response["Content-Type"] else text_string_to_metric_families
        samples = [sample for family in parse(response.content.decode()) for sample in family.samples]
        return {(one.name.removeprefix("openedx_webhooks_"), *one.labels.values()): one.value for one in samples}

    @pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text; version=1.0.0"])
    def test_hooks_by_number_and_type(self, client, open_circuit, accept):
        workers.note()
        hook = owed(120, consecutive_failures=4)
        owed(0, enabled=False, disabled_reason="410")
        found = self.scrape(client, accept)
        labels = ("SESSION_LOGIN_COMPLETED", str(hook.pk))
        assert found["webhook_pending_deliveries", *labels] == 1
        assert found["webhook_consecutive_failures", *labels] == 4
        assert 115 < timezone.now().timestamp() - found["webhook_oldest_due_timestamp_seconds", *labels] < 130
        assert found["oldest_due_timestamp_seconds",] == found["webhook_oldest_due_timestamp_seconds", *labels]
        assert found["webfilter_circuit_open", "StudentLoginRequested", str(open_circuit.pk)] == 1
        assert (found["hooks", "webhook", "enabled"], found["hooks", "webhook", "disabled"]) == (1, 1)
        assert found["finding", "backlog"] == 1
        assert timezone.now().timestamp() - found["worker_last_seen_timestamp_seconds",] < 60
        assert sum(value for name, value in found.items() if name[0] == "webhook_disabled_by_failures") == 1

    def test_todays_attempts_and_calls_by_outcome(self, client, open_circuit, monkeypatch):
        hook = owed(0)
        delivery = Delivery.objects.get()
        for status, age in ((200, 0), (200, 0), (500, 0), (200, 30)):
            at = timezone.now() - timedelta(hours=age)
            Attempt.objects.create(delivery=delivery, started_at=at, status_code=status, duration=0.1)
        monkeypatch.setattr(tallies, "_SETTLED", timedelta(seconds=-5))
        for _begun in range(3):
            tallies.count(tallies.ATTEMPTS)
        found = self.scrape(client)
        counts = [
            found["attempts_total", "SESSION_LOGIN_COMPLETED", str(hook.pk), one] for one in ("accepted", "refused")
        ]
        assert counts == [2, 1]
        assert found["calls_total", "StudentLoginRequested", str(open_circuit.pk), "halted"] == 0

    def test_no_address_and_no_more_labels_than_hooks(self, client, monkeypatch):
        monkeypatch.setattr(health_report, "MOST_HOOKS", 2)
        for _ in range(3):
            owed(0)
        text = client.get("/openedx_webhooks/metrics", **BEARER).content.decode()
        assert text.count("webhook_pending_deliveries{") == 2
        assert "example.com" not in text
        assert 'openedx_webhooks_hooks{kind="webhook",state="enabled"} 3.0' in text

    def test_a_constant_number_of_queries_however_many_hooks(self, client, django_assert_max_num_queries):
        workers.note()
        for _ in range(20):
            owed(0)
        with django_assert_max_num_queries(25):
            self.scrape(client)

    def test_without_the_library_it_says_what_to_install(self, client, monkeypatch):
        for name in [name for name in sys.modules if name.startswith("prometheus_client")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.delitem(sys.modules, "openedx_webhooks.operations.metrics", raising=False)
        real = builtins.__import__

        def without(name, *args, **kwargs):
            if name.startswith("prometheus_client"):
                raise ModuleNotFoundError(name, name=name)
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", without)
        response = client.get("/openedx_webhooks/metrics", **BEARER)
        assert response.status_code == 501
        assert "pip install prometheus-client" in response.content.decode()


def test_marks_of_another_kind_are_no_worker():
    Mark.objects.create(name="alerts", at=timezone.now())
    assert workers.last() is None
