"""Deleting a hook with everything that was recorded of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from openedx_webhooks import index
from openedx_webhooks.models import Attempt, Call, CapturedEvent, Delivery, Webfilter, Webhook
from openedx_webhooks.operations import removal

pytestmark = pytest.mark.django_db
EVENT = "org.openedx.learning.auth.session.login.completed.v1"
FILTER = "org.openedx.learning.student.login.requested.v1"


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch):
    monkeypatch.setattr(removal, "_CHUNK", 3)


def webhook_with(count):
    """A webhook with so many deliveries of two attempts each."""
    webhook = Webhook.objects.create(event=EVENT, webhook_url="https://example.com/")
    for number in range(count):
        event = CapturedEvent.objects.create(
            event_id=f"{webhook.pk:016x}{number:016x}", event_type=EVENT, time=timezone.now(), payload={"n": number}
        )
        delivery = Delivery.objects.create(webhook=webhook, event=event)
        Attempt.objects.bulk_create(Attempt(delivery=delivery, started_at=timezone.now()) for _ in range(2))
    return webhook


@pytest.mark.parametrize("count", [0, 1, 3, 10])
def test_a_webhook_goes_with_its_deliveries_and_attempts_and_nothing_else(count):
    other = webhook_with(2)
    removal.remove(webhook_with(count))
    assert list(Webhook.objects.all()) == [other]
    assert Delivery.objects.count() == 2
    assert Attempt.objects.count() == 4
    assert CapturedEvent.objects.count() == 2


def test_a_webfilter_goes_with_its_calls():
    first, second = (Webfilter.objects.create(event=FILTER, webhook_url="https://example.com/") for _ in range(2))
    Call.objects.bulk_create(
        Call(webfilter=webfilter, mode="enforce", result="passed") for webfilter in [first] * 7 + [second]
    )
    removal.remove(first)
    assert list(Webfilter.objects.all()) == [second]
    assert Call.objects.count() == 1


def test_the_payloads_are_not_read(django_assert_max_num_queries):
    webhook = webhook_with(9)
    with django_assert_max_num_queries(42) as queries:
        removal.remove(webhook)
    assert not [query for query in queries.captured_queries if '"payload"' in query["sql"].replace("`", '"')]


def test_this_process_calls_it_no_more():
    webhook = webhook_with(1)
    assert index.webhooks.get(EVENT)
    removal.remove(webhook)
    assert not index.webhooks.get(EVENT)


def test_counting_stops_where_it_may(monkeypatch):
    monkeypatch.setattr(removal, "MOST_COUNTED", 5)
    assert removal.count_records(webhook_with(3)) == 3
    assert removal.count_records(webhook_with(9)) == 5


def test_many_records_go_in_the_background_and_the_hook_with_the_last(monkeypatch):
    monkeypatch.setattr(removal, "_AT_ONCE", 5)
    webhook = webhook_with(10)
    assert not removal.remove(webhook)
    webhook.refresh_from_db()
    assert not webhook.enabled and webhook.removing_since
    assert removal.count_records(webhook) == 10
    # Other processes may not have seen yet that it is disabled, and capture for it.
    removal.run()
    assert Webhook.objects.exists() and not Delivery.objects.exists()
    webhook_row = Webhook.objects.filter(pk=webhook.pk)
    webhook_row.update(removing_since=timezone.now() - timedelta(minutes=1))
    late = webhook_with(1).deliveries.get()
    Delivery.objects.filter(pk=late.pk).update(webhook=webhook)
    removal.run()
    assert not webhook_row.exists()
    assert not Delivery.objects.exists() and not CapturedEvent.objects.exists()


def test_removal_goes_on_where_it_was_out_of_time(monkeypatch):
    monkeypatch.setattr(removal, "_AT_ONCE", 0)
    webhook = webhook_with(9)
    removal.remove(webhook)
    Webhook.objects.update(removing_since=timezone.now() - timedelta(minutes=1))
    monkeypatch.setattr(removal, "_RUN_SECONDS", 0)
    removal.run()
    assert removal.count_records(webhook) == 9
    monkeypatch.setattr(removal, "_RUN_SECONDS", 10)
    removal.run()
    assert not Webhook.objects.exists()


def test_hook_that_is_being_removed_captures_and_sends_nothing(monkeypatch):
    monkeypatch.setattr(removal, "_AT_ONCE", 0)
    webhook = webhook_with(2)
    removal.remove(webhook)
    assert not index.webhooks.get(EVENT)
    assert not Delivery.objects.due(timezone.now()).exists()
    # Nor does somebody who ticks "enabled" in an old page bring it back to life.
    Webhook.objects.update(enabled=True)
    index.webhooks.forget()
    assert not index.webhooks.get(EVENT)
    assert not Delivery.objects.due(timezone.now()).exists()
