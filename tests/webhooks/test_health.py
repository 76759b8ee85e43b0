"""The state machine of an endpoint's health."""

# pylint: disable=unused-argument
from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import now

from openedx_webhooks import index
from openedx_webhooks.models import Delivery, Webhook
from openedx_webhooks.transport.client import Outcome
from openedx_webhooks.webhooks import health
from openedx_webhooks.webhooks.deliver import deliver_due
from openedx_webhooks.webhooks.health import HealthBook, Step
from openedx_webhooks.webhooks.sending import Result

from ..receiver import Reply
from .conftest import LOGIN, owe

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/hook?token=INADDRESS"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def hours(number):
    return None if number is None else NOW - timedelta(hours=number)


@pytest.mark.parametrize(
    "failing_for, warned_ago, step",
    [
        (None, None, Step.NOTHING),  # healthy
        (0, None, Step.NOTHING),  # failing
        (23.9, None, Step.NOTHING),
        (24, None, Step.WARN),
        (24.1, 0.1, Step.NOTHING),  # warned, and only once
        (100, 76, Step.NOTHING),
        (119.9, 95.9, Step.NOTHING),
        (120, 96, Step.DISABLE),
        (500, None, Step.WARN),  # a quiet webhook: warned first, however long it failed
        (500, 1, Step.NOTHING),  # … and given as much time as any other after the warning
        (500, 96, Step.DISABLE),
        (120, 95, Step.NOTHING),
    ],
)
def test_what_follows_a_failure(failing_for, warned_ago, step):
    day = timedelta(days=1)
    assert health.judge(hours(failing_for), hours(warned_ago), NOW, day, 5 * day) is step


def test_disabling_no_later_than_the_warning_still_warns_first():
    hour = timedelta(hours=1)
    assert health.judge(hours(2), None, NOW, hour, hour) is Step.WARN
    assert health.judge(hours(2), hours(0), NOW, hour, hour) is Step.DISABLE


@pytest.fixture
def failing(receiver):
    return Webhook.objects.create(event=LOGIN, webhook_url=receiver.on(ADDRESS, Reply(status=500)))


def fail_since(webhook, age, **fields):
    Webhook.objects.filter(pk=webhook.pk).update(consecutive_failures=9, failing_since=now() - age, **fields)
    owe(webhook)
    deliver_due()
    webhook.refresh_from_db()


def test_failures_are_counted_from_the_first_one(failing):
    before = now()
    owe(failing, 3)
    deliver_due()
    failing.refresh_from_db()
    first = failing.failing_since
    assert (failing.consecutive_failures, failing.enabled) == (3, True)
    assert before <= first <= now()
    owe(failing)
    deliver_due()
    failing.refresh_from_db()
    assert (failing.consecutive_failures, failing.failing_since) == (4, first)


def test_success_makes_healthy(failing, receiver):
    Webhook.objects.update(consecutive_failures=7, failing_since=now() - timedelta(days=4), warned_at=now())
    receiver.on(ADDRESS, Reply())
    owe(failing)
    deliver_due()
    failing.refresh_from_db()
    assert (failing.consecutive_failures, failing.failing_since, failing.warned_at) == (0, None, None)
    assert failing.recovered_at is not None


def test_one_that_fails_now_and_then_has_not_recovered(failing, receiver):
    Webhook.objects.update(consecutive_failures=2, failing_since=now())
    receiver.on(ADDRESS, Reply())
    owe(failing)
    deliver_due()
    failing.refresh_from_db()
    assert (failing.consecutive_failures, failing.failing_since, failing.recovered_at) == (0, None, None)


def test_success_within_a_batch_counts_only_the_failures_after_it(db, receiver):
    webhook = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url())
    Webhook.objects.update(consecutive_failures=7, failing_since=now() - timedelta(days=4))
    since = now()
    webhook.refresh_from_db()
    book = HealthBook()
    results = [result(webhook, status, since + timedelta(seconds=n)) for n, status in enumerate((500, 200, 500, 500))]
    # They come in the order in which they end.
    book.note(reversed(results))
    book.write()
    webhook.refresh_from_db()
    assert (webhook.consecutive_failures, webhook.failing_since) == (2, since + timedelta(seconds=2))


def test_healthy_webhook_that_succeeds_costs_no_statement(failing, django_assert_num_queries):
    book = HealthBook()
    with django_assert_num_queries(0):
        book.note([result(failing, 200)])
        book.write()


def result(webhook, status, started_at=None):
    return Result(None, webhook, Outcome(status_code=status, started_at=started_at or now()))


def test_warning_is_noted_once(failing, caplog):
    fail_since(failing, timedelta(days=1, minutes=1))
    warned_at = failing.warned_at
    assert warned_at
    assert failing.enabled
    owe(failing)
    deliver_due()
    failing.refresh_from_db()
    assert failing.warned_at == warned_at
    assert sum(f"Webhook {failing.pk} fails since" in line for line in caplog.messages) == 1


def test_disabling_is_logged_once_and_stops_new_deliveries(failing, caplog, log_in):
    log_in()
    Delivery.objects.all().delete()
    fail_since(failing, timedelta(days=6), warned_at=now() - timedelta(days=4, minutes=1))
    assert not failing.enabled
    assert "10 in a row" in failing.disabled_reason
    book = HealthBook()
    book.note([result(failing, 500)])
    book.write()
    assert sum(f"Webhook {failing.pk} was disabled" in line for line in caplog.messages) == 1
    Delivery.objects.all().delete()
    log_in()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    "age, warned, found", [(timedelta(days=2), None, "fails since"), (timedelta(days=9), timedelta(days=8), "disabled")]
)
def test_what_several_workers_find_at_once_is_said_once(failing, caplog, age, warned, found):
    """Each read the webhook before another one had written to it. And it is said of no other webhook."""
    Webhook.objects.update(failing_since=now() - age, warned_at=warned and now() - warned)
    seen = [Webhook.objects.get(), Webhook.objects.get()]
    other = Webhook.objects.create(event=LOGIN, webhook_url="http://x/")
    for webhook in seen:
        health._act(webhook, False)  # pylint: disable=protected-access
    assert sum(found in line for line in caplog.messages) == 1
    assert failing.history.count() == (2 if warned else 1)
    other.refresh_from_db()
    assert (other.enabled, other.warned_at, other.history.count()) == (True, None, 1)


def test_webhook_disabled_by_another_process_is_noticed_by_the_index(failing):
    assert index.webhooks.get(LOGIN)
    health._disable(failing, "test")  # pylint: disable=protected-access
    Webhook.objects.filter(pk=failing.pk)
    index.webhooks._check_at = 0.0  # pylint: disable=protected-access
    assert not index.webhooks.get(LOGIN)


@pytest.mark.parametrize("by_another", [False, True])
def test_webhook_enabled_again_captures_what_happens_then(failing, log_in, monkeypatch, by_another):
    """Enabled by another process it does as soon as this one compares its index with the database."""
    Webhook.objects.update(enabled=False)
    assert not index.webhooks.get(LOGIN)
    with monkeypatch.context() as patch:
        if by_another:
            patch.setattr(index.webhooks, "forget", lambda: None)
        health.enable(Webhook.objects.all())
    if by_another:
        index.webhooks._check_at = 0.0  # pylint: disable=protected-access
    log_in()
    assert Delivery.objects.count() == 1


def test_gone_disables_at_once(failing, receiver):
    receiver.on(ADDRESS, Reply(status=410))
    owe(failing)
    deliver_due()
    failing.refresh_from_db()
    assert not failing.enabled
    assert "410" in failing.disabled_reason


def test_gone_counts_also_if_another_attempt_failed_after_it(failing):
    book = HealthBook()
    book.note([result(failing, 410), result(failing, 500)])
    book.write()
    failing.refresh_from_db()
    assert not failing.enabled


def test_enabling_again_gives_a_clean_slate_and_delivers_what_waited(failing, receiver):
    receiver.on(ADDRESS, Reply(status=410), Reply())
    owe(failing)
    deliver_due()
    waiting = owe(failing)[0]
    assert deliver_due().attempts == 0
    assert health.enable(Webhook.objects.filter(pk=failing.pk)) == 1
    Delivery.objects.update(next_attempt_at=now())
    assert deliver_due().delivered == 2
    failing.refresh_from_db()
    assert (failing.enabled, failing.disabled_reason, failing.failing_since) == (True, "", None)
    assert Delivery.objects.get(pk=waiting.pk).state == "delivered"
