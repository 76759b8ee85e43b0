"""Deleting a hook with everything that was recorded of it."""

import pytest
from django.utils import timezone

from openedx_webhooks import index
from openedx_webhooks.models import Attempt, Call, Delivery, Webfilter, Webhook
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
        delivery = Delivery.objects.create(
            webhook=webhook, event_id=f"{webhook.pk:016x}{number:016x}", event_type=EVENT, payload={"n": number}
        )
        Attempt.objects.bulk_create(Attempt(delivery=delivery, started_at=timezone.now()) for _ in range(2))
    return webhook


@pytest.mark.parametrize("count", [0, 1, 3, 10])
def test_a_webhook_goes_with_its_deliveries_and_attempts_and_nothing_else(count):
    other = webhook_with(2)
    removal.remove(webhook_with(count))
    assert list(Webhook.objects.all()) == [other]
    assert Delivery.objects.count() == 2
    assert Attempt.objects.count() == 4


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
    with django_assert_max_num_queries(20) as queries:
        removal.remove(webhook)
    assert not [query for query in queries.captured_queries if "payload" in query["sql"]]


def test_this_process_calls_it_no_more():
    webhook = webhook_with(1)
    assert index.webhooks.get(EVENT)
    removal.remove(webhook)
    assert not index.webhooks.get(EVENT)


def test_counting_stops_where_it_may(monkeypatch):
    monkeypatch.setattr(removal, "MOST_RECORDS", 4)
    assert removal.count_records(webhook_with(3)) == 3
    assert removal.count_records(webhook_with(9)) == 5
