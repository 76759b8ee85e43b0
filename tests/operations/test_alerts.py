"""What operators are told by e-mail: each change once, in words, without secrets."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import override_settings
from django.utils.timezone import now

from openedx_webhooks import tasks  # noqa: F401  pylint: disable=unused-import  # as a worker loads it
from openedx_webhooks.background import process
from openedx_webhooks.models import Delivery, Mark, Webfilter, Webhook
from openedx_webhooks.operations import alerts, chores
from openedx_webhooks.transport.breaker import breaker
from openedx_webhooks.webhooks import health

from ..webhooks.conftest import LOGIN, happened

pytestmark = pytest.mark.django_db
ADDRESS = "https://chat.example.com/services/S3CR3T?token=S3CR3T"
MAY_LOGIN = "org.openedx.learning.student.login.requested.v1"
FAILING = {"consecutive_failures": 9, "failing_since": now() - timedelta(days=2), "warned_at": now()}
DISABLED = {"enabled": False, "disabled_reason": "The endpoint answered 410 Gone."}


@pytest.fixture(autouse=True)
def _admins(settings):
    settings.ADMINS = [("Ops", "ops@example.com")]
    settings.EMAIL_SUBJECT_PREFIX = ""


@pytest.fixture
def webhook():
    return Webhook.objects.create(event=LOGIN, webhook_url=ADDRESS, description="CRM")


@pytest.fixture
def webfilter():
    """Whose circuit opens now."""
    hook = Webfilter.objects.create(event=MAY_LOGIN, webhook_url=ADDRESS)
    guard = breaker(hook.webhook_url)
    guard.reset()
    for _ in range(guard.failures_to_open):
        guard.record(False)
    yield hook
    guard.reset()


def change(hook, **fields):
    type(hook).objects.filter(pk=hook.pk).update(**fields)


def told():
    """The subjects of what is mailed now; twice, as nothing is told again."""
    alerts.tell()
    alerts.tell()
    subjects, bodies = [one.subject for one in mail.outbox], "".join(one.body for one in mail.outbox)
    assert "S3CR3T" not in "".join(subjects) + bodies
    mail.outbox.clear()
    return subjects


def test_a_webhook_that_fails_is_disabled_and_enabled_again(webhook):
    """The operator who enables it needs no e-mail about that."""
    assert told() == []
    change(webhook, **FAILING)
    assert told() == [f"Webhook {webhook.pk} is failing"]
    change(webhook, **DISABLED)
    assert told() == [f"Webhook {webhook.pk} was disabled"]
    health.enable(Webhook.objects.all())
    assert told() == []


def test_a_webhook_that_works_again(webhook):
    change(webhook, **FAILING)
    told()
    health.reset(Webhook.objects.all())
    assert told() == [f"Webhook {webhook.pk} is no longer failing"]
    change(webhook, **FAILING)
    assert told() == [f"Webhook {webhook.pk} is failing"]


@pytest.mark.parametrize("fields", [{"enabled": False}, {"removing_since": now()}, None])
def test_what_an_operator_did_is_no_good_news(webhook, fields):
    change(webhook, **FAILING)
    told()
    if fields is None:
        Webhook.objects.all().delete()
    else:
        change(webhook, **fields)
    assert told() == []
    assert not Mark.objects.exists()


def test_the_circuit_of_a_webfilter_once_it_is_open_for_some_time_and_at_most_once_an_hour(webfilter, monkeypatch):
    assert told() == []
    monkeypatch.setattr(alerts, "_CIRCUIT_PATIENCE", timedelta(seconds=-5))
    assert told() == [f"Webfilter {webfilter.pk} is not called: its endpoint fails"]
    breaker(webfilter.webhook_url).reset()
    assert told() == []
    Mark.objects.update(at=now() - timedelta(hours=2))
    assert told() == [f"Webfilter {webfilter.pk} is called again"]


@pytest.mark.parametrize(
    "mode, halts, said", [("enforce", True, "halted"), ("observe", True, "go on"), ("enforce", False, "go on")]
)
def test_what_an_open_circuit_means_to_learners(webfilter, monkeypatch, mode, halts, said):
    monkeypatch.setattr(alerts, "_CIRCUIT_PATIENCE", timedelta(seconds=-5))
    change(webfilter, mode=mode, halt_on_request_exception=halts)
    alerts.tell()
    assert f"Learners {'are ' if halts and mode == 'enforce' else ''}{said}" in mail.outbox[0].body


@pytest.mark.parametrize(
    "waits, setting, subjects",
    [
        (100, 900, []),
        (1000, 900, ["Webhooks' deliveries are late"]),
        (1000, 0, []),
        (100, 60, ["Webhooks' deliveries are late"]),
    ],
)
def test_a_backlog_that_is_old(webhook, waits, setting, subjects):
    Delivery.objects.create(webhook=webhook, event=happened()[0], next_attempt_at=now() - timedelta(seconds=waits))
    with override_settings(OPENEDX_WEBHOOKS={"BACKLOG_ALERT_SECONDS": setting}):
        assert told() == subjects
        Delivery.objects.all().delete()
        Mark.objects.update(at=now() - timedelta(hours=2))
        assert told() == (["Webhooks' deliveries are in time again"] if subjects else [])


def test_what_happens_together_is_one_mail():
    for number in range(60):
        Webhook.objects.create(event=LOGIN, webhook_url=f"https://example.com/{number}", **FAILING)
    alerts.tell()
    (message,) = mail.outbox  # pylint: disable=unbalanced-tuple-unpacking
    assert message.subject == "Webhooks and webfilters: 60 changes"
    assert message.body.count("https://") == 0
    assert message.body.count(" is failing") == 50
    assert message.body.endswith("And 10 more: see the admin.")


def test_in_the_language_of_the_site_whoever_asks(webhook, settings):
    settings.LANGUAGE_CODE = "es"
    change(webhook, **FAILING)
    (subject,) = told()
    assert "is failing" not in subject


def test_what_the_mail_server_did_not_take_is_told_the_next_time(webhook, settings, caplog):
    change(webhook, **FAILING)
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=1
    ):
        alerts.tell()
    assert "could not be sent: ConnectionRefusedError" in caplog.text
    assert told() == [f"Webhook {webhook.pk} is failing"]


@pytest.mark.parametrize(
    "root, is_there",
    [("https://lms.example.org", True), ("https://lms.example.org/", True), ("", False), (None, False)],
)
def test_mail_leads_to_the_page_of_the_hook_if_the_site_knows_its_address(webhook, settings, root, is_there):
    settings.LMS_ROOT_URL = root
    change(webhook, **FAILING)
    alerts.tell()
    line = f"https://lms.example.org/admin/openedx_webhooks/webhook/{webhook.pk}/change/"
    assert (line in mail.outbox[0].body.splitlines()) == is_there
    assert ("/admin/" in mail.outbox[0].body) == is_there


def test_addresses_of_the_setting_replace_the_admins(webhook, settings):
    settings.OPENEDX_WEBHOOKS = {"ALERT_EMAILS": ["hooks@example.com", "two@example.com"]}
    change(webhook, **FAILING)
    alerts.tell()
    assert mail.outbox[0].to == ["hooks@example.com", "two@example.com"]


def test_one_worker_tells_for_all_every_five_minutes(webhook):
    change(webhook, **FAILING)
    chores.run_when_due()
    assert len(mail.outbox) == 1
    Mark.objects.filter(name__startswith="alert:").delete()
    process.forget()  # another process
    chores.run_when_due()
    assert len(mail.outbox) == 1
    Mark.objects.filter(name="alerts").update(at=now() - timedelta(minutes=6))
    process.forget()
    chores.run_when_due()
    assert len(mail.outbox) == 2
