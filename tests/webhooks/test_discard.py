"""A webhook may keep no payload once it was delivered; an event that is shared goes when nobody needs it any more."""

# pylint: disable=unused-argument
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, connections

from openedx_webhooks import index
from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Webhook
from openedx_webhooks.webhooks import discard, replay, resending
from openedx_webhooks.webhooks.deliver import deliver_due

from ..receiver import Reply
from .conftest import LOGIN, happened, owe

pytestmark = pytest.mark.django_db(transaction=True)
State = Delivery.State


@pytest.fixture(name="forgetful")
def make_forgetful(webhook):
    """A webhook that keeps nothing."""
    webhook.keep_payloads = False
    webhook.save()
    return webhook


@pytest.fixture(name="other")
def make_other(receiver):
    """Another webhook of the same event."""
    return Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/other"))


def kept(delivery):
    """Whether the payload is kept, and what is of the attempts."""
    event = CapturedEvent.objects.get(pk=delivery.event_id)
    texts = {text for row in delivery.attempts.values_list(*discard.EXCERPTS) for text in row}
    return event.payload is not None, texts


def test_what_is_delivered_is_not_kept(forgetful, log_in, receiver):
    receiver.on("/hook", Reply(b"Thank you, user1"))
    log_in()
    assert deliver_due().delivered == 1
    assert receiver.received[0].json["user"]["pii"]["username"] == "user1"
    delivery = Delivery.objects.get()
    assert kept(delivery) == (False, {""})
    attempt = delivery.attempts.get()
    assert (attempt.status_code, attempt.response_bytes) == (200, 16)


def test_what_failed_is_kept_until_it_is_delivered(forgetful, receiver):
    (delivery,) = owe(forgetful, payload={"a": 1})
    receiver.on("/hook", Reply(b"no", status=500))
    forgetful.retry_schedule = [1]
    forgetful.save()
    for state in (State.PENDING, State.FAILED):
        Delivery.objects.update(next_attempt_at=delivery.created)
        deliver_due()
        delivery.refresh_from_db()
        assert delivery.state == state
        has_payload, texts = kept(delivery)
        assert has_payload and "no" in texts
    receiver.on("/hook", Reply())
    assert replay.replay(Delivery.objects.all()) == 1
    deliver_due()
    assert kept(delivery) == (False, {""})
    assert delivery.attempts.count() == 3
    assert replay.replay(Delivery.objects.all()) == 0


def test_what_others_have_stays(forgetful, other, receiver):
    """Also where earlier attempts must be emptied."""
    receiver.on("/other", Reply(b"well", status=500))
    (of_other,) = owe(other, payload={"a": 1})
    deliver_due()
    before = kept(of_other)
    receiver.on("/hook", Reply(b"no", status=500), Reply())
    (delivery,) = owe(forgetful, payload={"a": 1})
    for _ in range(2):
        Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=delivery.created)
        deliver_due()
    assert kept(delivery) == (False, {""})
    assert kept(of_other) == before
    assert before[0] and "well" in before[1]


def test_what_its_condition_skips_is_not_kept(forgetful):
    (delivery,) = owe(forgetful, payload={"a": 1})
    Webhook.objects.update(condition="a == `2`")
    assert deliver_due().skipped == 1
    assert kept(delivery) == (False, {""})


@pytest.mark.parametrize(
    "keeps, state, is_kept",
    [
        (True, State.DELIVERED, True),
        (True, State.CANCELLED, True),
        (True, State.PENDING, True),
        (False, State.PENDING, True),
        (False, State.FAILED, True),
        (False, State.DELIVERED, False),
        (False, State.SKIPPED, False),
    ],
)
def test_the_payload_stays_while_another_webhook_needs_it(forgetful, other, keeps, state, is_kept):
    (delivery,) = owe(forgetful, payload={"a": 1})
    Webhook.objects.filter(pk=other.pk).update(keep_payloads=keeps, paused=True)
    Delivery.objects.create(webhook=other, event_id=delivery.event_id, state=state)
    deliver_due()
    # Its own attempts are not kept, whatever others keep.
    assert kept(delivery) == (is_kept, {""})


def test_the_last_of_many_webhooks_takes_it_away(forgetful, other, receiver):
    Webhook.objects.update(keep_payloads=False)
    (delivery,) = owe(forgetful, payload={"a": 1})
    second = Delivery.objects.create(webhook=other, event_id=delivery.event_id)
    assert deliver_due().delivered == 2
    assert (kept(delivery), kept(second)) == ((False, {""}), (False, {""}))
    assert len(receiver.received) == 2


@pytest.mark.parametrize("keep_payloads, samples", [(True, 1), (False, 0)])
def test_no_sample_is_kept_of_an_event_that_no_webhook_keeps(webhook, log_in, keep_payloads, samples):
    Webhook.objects.update(keep_payloads=keep_payloads, condition="user.id == `0`")
    index.webhooks.forget()
    log_in()
    assert CapturedEvent.objects.filter(is_sample=True).count() == samples


def test_without_the_option_it_costs_one_question_for_all_results_together(webhook, django_assert_max_num_queries):
    owe(webhook, 3)
    with django_assert_max_num_queries(35) as queries:
        deliver_due()
    asked = [query["sql"] for query in queries.captured_queries if "keep_payload" in query["sql"].split("WHERE")[-1]]
    assert len(asked) == 1 and asked[0].startswith("SELECT")


def test_if_it_cannot_be_emptied_the_delivery_counts_all_the_same(forgetful, monkeypatch, caplog):
    def fail(*_args):
        raise DatabaseError("lock wait timeout")

    monkeypatch.setattr(discard, "empty_events", fail)
    (delivery,) = owe(forgetful, payload={"a": 1})
    assert deliver_due().delivered == 1
    assert kept(delivery)[0] and "left to retention" in caplog.text


def test_past_events_that_are_going_are_owed_to_nobody(webhook, other):
    """As of a user who was retired while they were still owed to another webhook."""
    (event,) = happened(keep_payload=False)
    choice = resending.Choice(events=(event.pk,), to=other)
    tally = resending.advance(choice, resending.Progress(), act=True).tally
    assert +tally == {resending.REMOVED: 1}
    assert not Delivery.objects.exists()


def test_workers_and_replays_at_the_same_time_owe_nothing_that_is_gone(forgetful, other, receiver):
    """Whoever delivers, empties or owes again does so on the same rows."""
    if connection.vendor == "sqlite":
        pytest.skip("the tests' SQLite database is in memory, and each thread would have one of its own")
    Webhook.objects.update(keep_payloads=False)
    for delivery in owe(forgetful, 60, payload={"a": 1}):
        Delivery.objects.create(webhook=other, event_id=delivery.event_id)
    barrier, is_over = threading.Barrier(4), threading.Event()

    def closing(work):
        def run():
            try:
                barrier.wait()
                return work()
            finally:
                connections.close_all()

        return run

    def owe_again():
        while not is_over.is_set():
            replay.replay(Delivery.objects.filter(webhook=forgetful))

    with ThreadPoolExecutor(4) as pool:
        replaying = [pool.submit(closing(owe_again)) for _ in range(2)]
        delivering = [pool.submit(closing(lambda: deliver_due(2))) for _ in range(2)]
        for future in delivering:
            future.result()
        is_over.set()
        for future in replaying:
            future.result()
    Delivery.objects.filter(state=State.PENDING).update(next_attempt_at="2026-01-01T00:00:00Z")
    deliver_due()
    assert not Attempt.objects.exclude(error="").exists()
    assert not Delivery.objects.exclude(state=State.DELIVERED).exists()
