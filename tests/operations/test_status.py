"""Is it running at all? What is found, and what to do."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from openedx_webhooks import startup_problems
from openedx_webhooks.background import process
from openedx_webhooks.models import Delivery, Mark, Webfilter, Webhook
from openedx_webhooks.models.mark import MarkQuerySet
from openedx_webhooks.operations import chores, reachability, status, workers
from openedx_webhooks.operations.finding import Level
from openedx_webhooks.webhooks import wakeups

from ..webhooks.conftest import LOGIN, happened, missing_table

pytestmark = pytest.mark.django_db


@pytest.fixture
def nudges(monkeypatch):
    """How often a worker was asked."""
    asked = []
    monkeypatch.setattr(wakeups, "nudge_on_commit", asked.append)
    return asked


def found(name, **how):
    return next(finding for finding in status.look(**{"is_full": False, **how}).findings if finding.name == name)


def seen(ago, name="celery@host"):
    Mark.objects.update_or_create(name=f"worker:{name}", defaults={"at": timezone.now() - timedelta(seconds=ago)})


def owed(seconds):
    webhook = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/")
    at = timezone.now() - timedelta(seconds=seconds)
    return Delivery.objects.create(webhook=webhook, event=happened()[0], next_attempt_at=at)


class TestWorker:
    def test_whoever_delivers_leaves_a_mark(self):
        chores.run_when_due()
        finding = found("worker")
        assert finding.level is Level.OK
        assert finding.words.startswith("A worker looked for deliveries 0 seconds ago: webhooks_deliver@")

    def test_a_node_of_celery_under_its_own_name(self, monkeypatch):
        monkeypatch.setattr(
            workers, "current_task", SimpleNamespace(request=SimpleNamespace(hostname="lms@" + "x" * 200))
        )
        workers.note()
        assert workers.last().name.startswith("lms@xxx")

    def test_once_a_minute_at_most(self, django_assert_num_queries):
        workers.note()
        with django_assert_num_queries(0):
            workers.note()
        process.forget()
        with django_assert_num_queries(7):
            workers.note()

    @pytest.mark.usefixtures("nudges")
    @pytest.mark.parametrize(
        "name, given, ago, level",
        [
            ("celery@host", {}, 290, Level.OK),
            ("celery@host", {}, 310, Level.WARN),
            ("celery@host", {"DELIVERY_TASK_SECONDS": 600}, 1100, Level.OK),
            ("webhooks_deliver@host", {}, 3500, Level.OK),
            ("webhooks_deliver@host", {}, 3700, Level.WARN),
        ],
    )
    def test_cron_and_long_tasks_have_their_time(self, name, given, ago, level):
        seen(ago, name)
        with override_settings(OPENEDX_WEBHOOKS=given):
            assert found("worker").level is level

    def test_names_that_come_and_go_do_not_pile_up(self):
        seen(8 * 24 * 3600, "pod-1")
        seen(6 * 24 * 3600, "pod-2")
        workers.note()
        assert not Mark.objects.filter(name="worker:pod-1").exists()
        assert Mark.objects.filter(name="worker:pod-2").exists()

    def test_before_the_first_migration_it_is_silent(self, transactional_db):  # pylint: disable=unused-argument
        with missing_table(Mark):
            workers.note()

    def test_one_that_was_not_seen_lately_is_asked_and_given_a_minute(self, nudges):
        seen(3660)
        finding = found("worker")
        assert (finding.level, len(nudges)) == (Level.WARN, 1)
        assert "for 1 hour" in finding.words.replace("\xa0", " ")
        assert "look here again in a minute" in finding.remedy
        assert found("worker").level is Level.WARN
        assert len(nudges) == 1
        Mark.objects.filter(name="asked").update(at=timezone.now() - timedelta(seconds=61))
        assert found("worker").level is Level.BAD
        seen(1)
        assert found("worker").level is Level.OK

    @pytest.mark.usefixtures("nudges")
    def test_a_quiet_night_after_an_answer_is_no_outage(self):
        Mark.objects.create(name="asked", at=timezone.now() - timedelta(hours=9))
        seen(8 * 3600)
        assert found("worker").level is Level.WARN

    @pytest.mark.usefixtures("nudges")
    @pytest.mark.parametrize("ago, level", [(None, Level.BAD), (3600, Level.BAD), (10, Level.OK)])
    def test_a_site_without_one_and_something_to_send(self, ago, level):
        owed(120)
        if ago is not None:
            seen(ago)
        finding = found("worker")
        assert finding.level is level
        assert ("nothing is lost" in finding.words) == (level is Level.BAD)

    @pytest.mark.usefixtures("nudges")
    @pytest.mark.parametrize(
        "given, remedy", [({}, "lms-worker"), ({"DELIVERY_QUEUE": "hooks"}, "-Q hooks), or take the setting out")]
    )
    def test_the_remedy_names_the_queue(self, given, remedy):
        owed(120)
        with override_settings(OPENEDX_WEBHOOKS=given):
            finding = found("worker")
        assert remedy in finding.remedy
        assert "webhooks_deliver --loop" in finding.remedy

    def test_celery_that_is_eager(self, monkeypatch):
        monkeypatch.setattr(wakeups, "is_eager", lambda: True)
        assert found("worker").level is Level.WARN


@pytest.mark.usefixtures("nudges")
class TestOthers:
    @pytest.mark.parametrize(
        "waits, setting, level",
        [
            (0, 900, Level.OK),
            (30, 900, Level.OK),
            (120, 900, Level.WARN),
            (1000, 900, Level.BAD),
            (1000, 0, Level.WARN),
        ],
    )
    def test_backlog(self, waits, setting, level):
        owed(waits)
        with override_settings(OPENEDX_WEBHOOKS={"BACKLOG_ALERT_SECONDS": setting}):
            assert found("backlog").level is level

    def test_the_clock_of_the_database(self, monkeypatch):
        assert found("clock").level is Level.OK
        assert abs(Mark.objects.clock_ahead()) < 5
        monkeypatch.setattr(MarkQuerySet, "clock_ahead", lambda _marks: -90.0)
        finding = found("clock")
        assert finding.level is Level.WARN
        assert "this machine and of the database differ by 90 seconds" in finding.words

    @pytest.mark.parametrize("ahead", [-400.0, 400.0])
    def test_a_worker_whose_clock_is_wrong_is_seen_all_the_same(self, monkeypatch, ahead):
        with monkeypatch.context() as on_its_machine:
            real = timezone.now
            on_its_machine.setattr(timezone, "now", lambda: real() + timedelta(seconds=ahead))
            workers.note()
        assert found("worker").level is Level.OK
        assert "differ by 400 seconds" in found("clock").words

    def test_what_failed_at_the_start(self, monkeypatch):
        monkeypatch.setattr(startup_problems, "found", ["connecting the events: ValueError"])
        assert found("start").level is Level.BAD

    def test_a_broker_that_is_away_matters_if_nobody_delivers(self, monkeypatch):
        monkeypatch.setattr(reachability, "broker", lambda _queue: reachability.Broker("OperationalError"))
        seen(3660)
        assert found("broker", is_full=True).level is Level.BAD
        seen(1)
        assert found("broker", is_full=True).level is Level.WARN

    @pytest.mark.parametrize(
        "waiting, served, level, said",
        [
            (
                5,
                {"w@1": ["edx.lms.core.default"]},
                Level.BAD,
                "No worker serves it. These run: w@1: edx.lms.core.default.",
            ),
            (0, {}, Level.BAD, "No Celery worker answers."),
            (0, {"w@1": ["hooks"]}, Level.OK, "0 messages wait"),
            (0, None, Level.OK, "“hooks”"),
            (5000, None, Level.WARN, "5000 messages wait"),
        ],
    )
    def test_a_queue_that_nobody_serves_where_it_can_be_told(self, monkeypatch, waiting, served, level, said):
        monkeypatch.setattr(reachability, "broker", lambda queue: reachability.Broker(waiting=waiting))
        monkeypatch.setattr(reachability, "queues_of_workers", lambda: served)
        with override_settings(OPENEDX_WEBHOOKS={"DELIVERY_QUEUE": "hooks"}):
            finding = found("queue", is_full=True)
        assert finding.level is level
        assert said in finding.words

    @pytest.mark.parametrize(
        "backend, said", [("dummy.DummyCache", "KeepsNothing"), ("locmem.LocMemCache", "each process's own")]
    )
    def test_a_cache_that_is_no_help(self, settings, backend, said):
        settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}
        finding = found("cache", is_full=True)
        assert finding.level is Level.WARN
        assert said in finding.words

    def test_alerts_that_nobody_gets(self, settings):
        settings.ADMINS = []
        assert "alerts" not in [finding.name for finding in status.look().findings]
        owed(0)
        assert found("alerts", is_full=True).level is Level.WARN
        settings.OPENEDX_WEBHOOKS = {"ALERT_EMAILS": ["a@example.com"]}
        assert found("alerts", is_full=True).level is Level.OK


def test_a_broker_that_hangs_costs_two_seconds(monkeypatch):
    """Here a tenth of one."""
    import threading  # pylint: disable=import-outside-toplevel

    release = threading.Event()
    monkeypatch.setattr(reachability, "SECONDS", 0.1)
    app = SimpleNamespace(connection_for_write=release.wait)
    monkeypatch.setattr(wakeups.celery_app, "get", lambda: app)
    try:
        assert reachability.broker("x").error == "TimeoutError"
    finally:
        release.set()


def test_a_real_broker_says_what_waits(celery):
    app = celery("memory://")
    assert reachability.broker("fresh") == reachability.Broker(waiting=0)
    app.send_task("x", queue="fresh")
    assert reachability.broker("fresh") == reachability.Broker(waiting=1)


@pytest.fixture
def celery(monkeypatch):
    from celery import Celery  # pylint: disable=import-outside-toplevel

    def make(url):
        app = Celery("status", broker=url, set_as_current=False)
        monkeypatch.setattr(wakeups.celery_app, "get", lambda: app)
        return app

    return make


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_full", [True, False])
def test_tables_that_are_not_there(is_full, monkeypatch):
    monkeypatch.setattr(status, "missing_migrations", lambda _using: ["0014_marks"])
    with missing_table(Mark):
        finding = found("tables", is_full=is_full)
    assert finding.level is Level.BAD
    assert "1 migration is missing, 0014_marks" in finding.words
    assert "migrate openedx_webhooks" in finding.remedy


def test_a_database_that_is_away(monkeypatch):
    def fail():
        raise OperationalError("host secret.example.com")

    monkeypatch.setattr(workers, "last", fail)
    finding = found("database")
    assert finding.level is Level.BAD
    assert "secret" not in finding.words


@pytest.mark.parametrize("page", ["admin:openedx_webhooks_overview_changelist", "openedx_webhooks:health"])
def test_a_cache_that_is_away_is_told_and_breaks_no_page(page, admin_client, settings):
    settings.CACHES = {"default": {"BACKEND": "tests.test_shared_cache.Away"}}
    Webfilter.objects.create(
        event="org.openedx.learning.student.login.requested.v1", webhook_url="https://example.com/"
    )
    assert "The default cache does not work" in admin_client.get(reverse(page)).content.decode()
