"""A paused webhook captures and sends nothing, until it is resumed; a disabled one captures nothing."""

# pylint: disable=unused-argument
import time
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from openedx_webhooks import index
from openedx_webhooks.models import CapturedEvent, Delivery, Webhook
from openedx_webhooks.operations import retirement
from openedx_webhooks.payloads.mentions import Person
from openedx_webhooks.webhooks import deliver, replay, resending
from openedx_webhooks.webhooks.deliver import deliver_due

from ..receiver import Reply
from .conftest import LOGIN, accept, happened, owe

pytestmark = pytest.mark.django_db(transaction=True)


def set_on(webhook, **fields):
    Webhook.objects.filter(pk=webhook.pk).update(**fields)
    index.webhooks.forget()


def test_paused_webhook_captures_sends_nothing_and_sends_in_order_when_resumed(webhook, receiver, log_in, settings):
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_THREADS_PER_ENDPOINT": 1}
    set_on(webhook, paused=True)
    for number in range(1, 31):
        log_in(number)
    assert Delivery.objects.filter(state="pending").count() == 30
    assert deliver_due().attempts == 0
    assert (deliver.is_due(), deliver.next_due()) == (False, None)
    set_on(webhook, paused=False)
    assert deliver_due().delivered == 30
    assert [request.json["user"]["id"] for request in receiver.received] == list(range(1, 31))


def test_disabled_webhook_captures_nothing(webhook, log_in):
    set_on(webhook, enabled=False)
    log_in()
    assert not CapturedEvent.objects.exists()


def test_paused_webhook_does_not_hold_up_another(webhook, receiver, log_in):
    Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/other"))
    set_on(webhook, paused=True)
    owe(webhook, 300, next_attempt_at=timezone.now() - timedelta(hours=1))
    log_in()
    assert deliver_due().delivered == 1
    assert len(receiver.at("/other")) == 1


def test_retry_that_was_waiting_when_it_was_paused_stays_in_its_schedule(webhook, receiver):
    receiver.on("/hook", Reply(status=503), Reply())
    owe(webhook)
    deliver_due()
    set_on(webhook, paused=True)
    Delivery.objects.update(next_attempt_at=timezone.now())
    assert deliver_due().attempts == 0
    set_on(webhook, paused=False)
    assert deliver_due().delivered == 1


# --- Samples


@pytest.mark.parametrize("fields, samples", [({}, 1), ({"paused": True}, 1), ({"enabled": False}, 0)])
def test_event_that_no_condition_matched_is_kept_as_a_sample_once_a_minute(receiver, log_in, fields, samples):
    Webhook.objects.create(event=LOGIN, webhook_url=receiver.url(), condition="user.id == `-1`", **fields)
    for number in range(5):
        log_in(number + 1)
    kept = CapturedEvent.objects.all()
    assert [(event.is_sample, event.user_id) for event in kept] == [(True, 1)] * samples
    assert not Delivery.objects.exists()


def test_matched_event_is_no_sample(webhook, log_in):
    log_in()
    assert not CapturedEvent.objects.get().is_sample


# --- Events that happened before the webhook was there


def send_past(webhook, limit=None, *, act=True, **chosen):
    """The tally, and whether there are more."""
    choice = resending.Choice(past=resending.Past(LOGIN, **chosen), to=webhook, limit=limit)
    done = resending.advance(choice, resending.Progress(), act=act)
    return {key: count for key, count in done.tally.items() if count}, done.is_cut


def test_past_events_are_sent_to_a_webhook_that_was_not_there(webhook, receiver, settings):
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_THREADS_PER_ENDPOINT": 1}
    happened(3)
    assert send_past(webhook, act=False) == ({"done": 3}, False)
    assert not Delivery.objects.exists()
    assert send_past(webhook) == ({"done": 3}, False)
    assert deliver_due().delivered == 3
    assert [request.json for request in receiver.received] == [{"number": number} for number in range(3)]


def test_past_events_it_was_owed_already_are_left_alone(webhook):
    owe(webhook, 2, state="delivered")
    happened(1)
    assert send_past(webhook) == ({"done": 1, "had": 2}, False)
    assert send_past(webhook) == ({"had": 3}, False)


def test_condition_counts_for_past_events_and_one_that_fails_is_seen(webhook):
    happened(4)
    set_on(webhook, condition="number >= `2`")
    assert send_past(Webhook.objects.get(), act=False) == ({"done": 2, "unmatched": 2}, False)
    set_on(webhook, condition="sum(number)")
    assert send_past(Webhook.objects.get(), act=False) == ({"done": 4}, False)


def test_limit_takes_the_oldest_and_says_that_there_are_more(webhook):
    events = happened(5)
    assert send_past(webhook, 2) == ({"done": 2}, True)
    assert set(Delivery.objects.values_list("event_id", flat=True)) == {events[0].pk, events[1].pk}
    assert send_past(webhook, 3, act=False) == ({"done": 3, "had": 2}, False)


@pytest.mark.parametrize(
    "chosen, found",
    [
        ({}, [0, 1, 2]),
        ({"learner": "ada"}, [0]),
        ({"learner": "7"}, [1]),
        ({"learner": "nobody"}, []),
        ({"course_key": "course-v1:A+B+C"}, [2]),
        ({"since": timezone.now() + timedelta(hours=1)}, []),
        ({"until": timezone.now() - timedelta(hours=1)}, []),
    ],
)
def test_past_events_by_learner_course_and_time(db, chosen, found):
    events = [
        *happened(username="ada", user_id=5),
        *happened(username="bob", user_id=7),
        *happened(course_key="course-v1:A+B+C"),
    ]
    happened(event_type="org.example.other.v1")
    assert list(resending.Past(LOGIN, **chosen).events()) == [events[number] for number in found]


@pytest.mark.parametrize("waits", [{"paused": True}, {"enabled": False}])
def test_what_waits_is_not_read_at_each_look(webhook, receiver, waits):
    """A webhook that was disabled after days of failures may be owed a million of deliveries: a third of a second."""
    if connection.vendor != "mysql":
        pytest.skip("by MySQL's count of the rows that it reads")
    other = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/other"))
    owe(webhook, 3000, next_attempt_at=timezone.now() - timedelta(hours=1))
    owe(other)
    set_on(webhook, **waits)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE openedx_webhooks_delivery")
        cursor.fetchall()
        cursor.execute("FLUSH STATUS")
        found = deliver.is_due(), deliver.next_due()
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        read = sum(int(count) for _name, count in cursor.fetchall())
    assert found == (True, Delivery.objects.get(webhook=other).next_attempt_at)
    assert read < 300


def test_what_is_due_of_others_is_found_whatever_waits(webhook, receiver):
    other = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/other"))
    set_on(webhook, paused=True)
    now = timezone.now()
    for hours in (3, 2, 1, 0):
        owe(webhook, 2, next_attempt_at=now - timedelta(hours=hours))
        owe(other, 1, next_attempt_at=now - timedelta(hours=hours))
    owe(other, 1, next_attempt_at=now + timedelta(hours=1))
    assert deliver_due().delivered == 4
    assert not deliver.is_due()
    assert deliver.next_due() > now


@pytest.mark.parametrize("intervene", ["pause", "cancel", "retire"])
def test_what_was_queued_already_is_taken_back(webhook, receiver, monkeypatch, settings, intervene):
    """One endpoint may have a hundred deliveries claimed, and be slow: minutes after a user was retired."""
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_THREADS_PER_ENDPOINT": 2}
    monkeypatch.setattr(deliver, "_RECALL_SECONDS", 0)
    owe(webhook, 6, user_id=5)

    def act():
        try:
            if intervene == "pause":
                set_on(webhook, paused=True)
            elif intervene == "cancel":
                replay.cancel(Delivery.objects.all())
            else:
                retirement.forget(Person(5))
        finally:
            connections.close_all()

    def answer(handler):
        if len(receiver.received) == 1:
            act()
        time.sleep(1)
        accept(handler)

    receiver.on("/hook", answer)
    deliver_due()
    assert len(receiver.received) <= 2
    states = set(Delivery.objects.exclude(state="delivered").values_list("state", flat=True))
    assert states == {"pending" if intervene == "pause" else "cancelled"}
    if intervene == "pause":
        set_on(webhook, paused=False)
        deliver_due()
        assert len(receiver.received) == 6
