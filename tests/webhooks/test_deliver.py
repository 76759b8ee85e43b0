"""Claiming, sending and recording, against a real endpoint and a real database."""

# pylint: disable=unused-argument
import contextlib
import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Webhook
from openedx_webhooks.models.delivery import FINAL_STATES
from openedx_webhooks.webhooks import deliver
from openedx_webhooks.webhooks.deliver import deliver_due

from ..receiver import Reply
from .conftest import LOGIN, accept, owe

pytestmark = pytest.mark.django_db(transaction=True)


def state_of(delivery):
    delivery = Delivery.objects.get(pk=delivery.pk)
    return delivery.state, delivery.attempt_count


def claim(delivery, holder=None):
    return Delivery.objects.claim([delivery.pk], holder or uuid.uuid4(), deliver.lease())


# --- What an attempt leads to


@pytest.mark.parametrize(
    "status, state",
    [
        (200, "delivered"),
        (204, "delivered"),
        (302, "pending"),
        (400, "pending"),
        (401, "pending"),
        (404, "pending"),
        (410, "pending"),
        (429, "pending"),
        (500, "pending"),
        (503, "pending"),
    ],
)
def test_answer_decides_the_state(webhook, receiver, status, state):
    receiver.on("/hook", Reply(status=status, body=b"so be it" if status != 204 else b""))
    owe(webhook)
    deliver_due()
    delivery, attempt = Delivery.objects.get(), Attempt.objects.get()
    assert (delivery.state, delivery.attempt_count, attempt.status_code) == (state, 1, status)
    assert (delivery.next_attempt_at is None) == (delivery.finished_at is not None) == (state != "pending")
    assert (delivery.claimed_by, delivery.claimed_until) == (None, None)


def test_attempt_records_what_happened(webhook, receiver):
    receiver.on("/hook", Reply(body=b"thanks \xff", delay=0.05))
    owe(webhook)
    before = timezone.now()
    deliver_due()
    attempt = Attempt.objects.get()
    assert before <= attempt.started_at <= timezone.now()
    assert 0.05 <= attempt.duration < 2
    assert (attempt.status_code, attempt.error) == (200, "")
    assert attempt.response_excerpt == "thanks \N{REPLACEMENT CHARACTER}"
    assert (attempt.request_bytes, attempt.response_bytes) == (len(receiver.received[0].body), 8)


def test_attempt_keeps_no_secret_that_the_endpoint_echoes(webhook, receiver):
    """Receivers for debugging send everything back; whoever may see attempts may not see header values."""
    webhook.headers = {"Authorization": "Bearer t0p-s3cret", "X-Hook": "0ther-s3cret"}
    webhook.save()
    receiver.on("/hook", Reply({"headers": webhook.headers, "args": "0ther-s3cret", "kept": 1}))
    owe(webhook)
    deliver_due()
    assert receiver.received[0].headers["X-Hook"] == "0ther-s3cret"
    excerpt = Attempt.objects.get().response_excerpt
    assert "s3cret" not in excerpt
    assert '"kept": 1' in excerpt


@pytest.mark.parametrize(
    "url, error",
    [("http://127.0.0.1:1/", "connect"), ("http://no-such-host.invalid/", "dns"), ("https://127.0.0.1:1/", "connect")],
)
def test_unreachable_endpoint_is_recorded_and_tried_again(db, url, error):
    webhook = Webhook.objects.create(event=LOGIN, webhook_url=url)
    delivery = owe(webhook)[0]
    assert deliver_due().retried == 1
    assert state_of(delivery) == ("pending", 1)
    assert Attempt.objects.get().error == error


def test_delivery_follows_its_schedule_until_it_is_exhausted(receiver, settings):
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_JITTER_RATIO": 0}
    receiver.on("/hook", Reply(status=500))
    webhook = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url(), retry_schedule=[60, 600])
    owe(webhook)
    waits = []
    for _ in range(3):
        now = timezone.now()
        Delivery.objects.update(next_attempt_at=now)
        deliver_due()
        next_at = Delivery.objects.get().next_attempt_at
        waits.append(next_at and round((next_at - now).total_seconds(), -1))
    assert waits == [60, 600, None]
    assert Delivery.objects.get().state == "failed"
    assert Attempt.objects.count() == 3


def test_endpoint_that_recovers_gets_the_same_message_id(webhook, receiver):
    receiver.on("/hook", Reply(status=503), Reply())
    owe(webhook)
    deliver_due()
    Delivery.objects.update(next_attempt_at=timezone.now())
    deliver_due()
    ids = [request.headers["webhook-id"] for request in receiver.received]
    assert ids == [str(Delivery.objects.get().message_id)] * 2
    assert Delivery.objects.get().state == "delivered"


def test_retry_after_is_honoured(webhook, receiver):
    receiver.on("/hook", Reply(status=429, headers={"Retry-After": "3600"}))
    owe(webhook)
    deliver_due()
    wait = (Delivery.objects.get().next_attempt_at - timezone.now()).total_seconds()
    assert 3590 < wait < 3600 * 1.2 + 1


def test_payload_that_is_no_longer_kept_fails_with_the_reason(webhook, receiver):
    delivery = owe(webhook)[0]
    CapturedEvent.objects.update(payload=None)
    assert deliver_due().failed == 1
    assert state_of(delivery) == ("failed", 1)
    assert Attempt.objects.get().error == "payload_removed"
    assert not receiver.received
    assert Webhook.objects.get().consecutive_failures == 0


def test_form_encoding_is_sent_as_such(webhook, receiver):
    Webhook.objects.update(use_www_form_encoding=True)
    owe(webhook, payload={"user": {"id": 5, "active": True, "name": None}, "list": ["a", "b"]})
    deliver_due()
    assert receiver.received[0].headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert receiver.received[0].form == {
        "user_id": "5",
        "user_active": "true",
        "user_name": "",
        "list_0": "a",
        "list_1": "b",
    }


def test_response_that_the_database_cannot_hold_does_not_undo_the_batch(webhook, receiver):
    receiver.on("/hook", Reply(body="🙂\0".encode()))
    owe(webhook, 3)
    with old_character_set():
        assert deliver_due().delivered == 3
    assert Attempt.objects.count() == 3


@contextlib.contextmanager
def old_character_set():
    """Tables of sites that were made long ago can't hold an emoji."""
    if connection.vendor != "mysql":
        yield
        return
    change = "ALTER TABLE openedx_webhooks_attempt CONVERT TO CHARACTER SET "
    with connection.cursor() as cursor:
        cursor.execute(f"{change} utf8mb3")
        try:
            yield
        finally:
            cursor.execute(f"{change} utf8mb4")


# --- Who may send what


def test_future_deliveries_and_finished_ones_are_left_alone(webhook, receiver):
    owe(webhook, next_attempt_at=timezone.now() + timedelta(seconds=60))
    for state in FINAL_STATES:
        owe(webhook, state=state)
    assert deliver_due().attempts == 0
    assert not receiver.received


def test_deliveries_of_a_disabled_webhook_wait_until_it_is_enabled(webhook, receiver):
    owe(webhook, 3)
    Webhook.objects.update(enabled=False)
    assert deliver_due().attempts == 0
    assert not deliver.is_due()
    assert deliver.next_due() is None
    Webhook.objects.update(enabled=True)
    assert deliver_due().delivered == 3


def test_deliveries_of_a_deleted_webhook_are_gone(webhook, receiver):
    owe(webhook, 3)
    webhook.delete()
    assert deliver_due().attempts == 0
    assert not Delivery.objects.exists()


def test_claimed_delivery_is_not_due_and_becomes_due_when_the_lease_ends(webhook):
    delivery = owe(webhook)[0]
    assert claim(delivery) == [delivery.pk]
    assert not deliver.is_due()
    assert not claim(delivery)
    next_due = deliver.next_due() - timezone.now()
    assert timedelta(seconds=115) < next_due <= deliver.lease()
    Delivery.objects.update(next_attempt_at=timezone.now())
    assert deliver_due().delivered == 1


@pytest.mark.parametrize("lease, timeout, seconds", [(120, 15, 120), (10, 15, 40), (1, 60, 130)])
def test_lease_outlives_the_timeout_whatever_the_settings(settings, lease, timeout, seconds):
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_LEASE_SECONDS": lease, "DELIVERY_TIMEOUT_SECONDS": timeout}
    assert deliver.lease() == timedelta(seconds=seconds)


def test_released_claims_are_due_again(webhook):
    delivery, holder = owe(webhook)[0], uuid.uuid4()
    claim(delivery, holder)
    Delivery.objects.release([delivery.pk], uuid.uuid4())
    assert not deliver.is_due()
    Delivery.objects.release([delivery.pk], holder)
    assert deliver.is_due()


def test_result_of_a_lost_claim_is_recorded_but_decides_nothing(webhook, receiver):
    """Cancelled while it was under way."""
    receiver.on("/hook", Reply(delay=0.4))
    delivery = owe(webhook)[0]
    done = []
    thread = in_thread(lambda: done.append(deliver_due()))
    receiver.wait_for(1)
    assert Delivery.objects.all().cancel() == 1
    thread.join()
    assert (done[0].lost, done[0].delivered) == (1, 0)
    assert state_of(delivery) == ("cancelled", 0)
    assert Attempt.objects.get().request_excerpt


def test_delivery_deleted_while_under_way_leaves_no_error(webhook, receiver):
    receiver.on("/hook", Reply(delay=0.4))
    owe(webhook)
    done = []
    thread = in_thread(lambda: done.append(deliver_due()))
    receiver.wait_for(1)
    Delivery.objects.all().delete()
    thread.join()
    assert done[0].lost == 1
    assert not Attempt.objects.exists()


def test_no_transaction_is_open_while_sending(webhook, receiver):
    open_during, ours = [], connections["default"]

    def reply(handler):
        open_during.append(ours.in_atomic_block)
        accept(handler)

    receiver.on("/hook", reply)
    owe(webhook)
    deliver_due()
    assert open_during == [False]


def test_what_is_under_way_is_not_begun_again_when_its_lease_has_ended(webhook, receiver):
    """The machine slept in the middle of it: the answer may be there, and nobody has read it yet."""
    receiver.on("/hook", Reply(delay=0.7))
    owe(webhook)

    def wake_up(_counts):
        Delivery.objects.exclude(claimed_by=None).update(next_attempt_at=timezone.now())

    assert deliver_due(tick=wake_up).delivered == 1
    assert len(receiver.received) == 1


def test_rows_locked_by_somebody_are_passed_over(webhook, receiver):
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("this database has no SKIP LOCKED")
    locked, free = owe(webhook, 2)
    with transaction.atomic():
        Delivery.objects.select_for_update().get(pk=locked.pk)
        counts = []
        thread = in_thread(lambda: counts.append(deliver_due()))
        thread.join(5)
        assert not thread.is_alive()
    assert counts[0].delivered == 1
    assert state_of(free)[0] == "delivered"


@pytest.mark.parametrize("skip_locked", [True, False])
def test_two_who_claim_at_once_share(webhook, receiver, monkeypatch, skip_locked):
    if skip_locked and not connection.features.has_select_for_update_skip_locked:
        pytest.skip("this database has no SKIP LOCKED")
    if connection.vendor == "sqlite":
        pytest.skip("one SQLite database in memory has one connection")
    monkeypatch.setattr(type(connection.features), "has_select_for_update_skip_locked", skip_locked)
    owe(webhook, 300)
    counts = []
    threads = [in_thread(lambda: counts.append(deliver_due())) for _ in range(3)]
    for thread in threads:
        thread.join()
    ids = [request.headers["webhook-id"] for request in receiver.received]
    assert len(ids) == len(set(ids)) == 300
    assert sum(count.delivered for count in counts) == 300


# --- Time and fairness


def test_hanging_endpoint_with_a_thousand_due_delays_another_by_less_than_a_second(webhook, receiver, settings):
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_TIMEOUT_SECONDS": 3.0}
    with type(receiver)() as other:
        release = threading.Event()
        receiver.on("/hook", lambda handler: release.wait(10))
        owe(webhook, 1000, next_attempt_at=timezone.now() - timedelta(hours=1))
        thread = in_thread(lambda: deliver_due(max_seconds=2))
        receiver.wait_for(1)
        quick = Webhook.objects.create(event=LOGIN, webhook_url=other.url("/quick"))
        start = time.monotonic()
        owe(quick)
        other.wait_for(1)
        delay = time.monotonic() - start
        release.set()
        thread.join()
    assert delay < 1


def test_run_ends_soon_after_its_time_and_says_so(webhook, receiver):
    receiver.on("/hook", Reply(delay=0.1))
    owe(webhook, 200)
    start = time.monotonic()
    counts = deliver_due(max_seconds=0.5)
    assert time.monotonic() - start < 2
    assert counts.out_of_time
    assert counts.delivered == len(receiver.received)
    assert not Delivery.objects.exclude(claimed_by=None).exists()
    assert Delivery.objects.filter(state="pending").count() == 200 - counts.delivered


def test_run_told_to_stop_gives_back_what_it_has_not_begun(webhook, receiver):
    receiver.on("/hook", Reply(delay=0.1))
    owe(webhook, 100)
    counts = deliver_due(stop=lambda: len(receiver.received) >= 5)
    assert 5 <= counts.delivered < 60
    assert not Delivery.objects.exclude(claimed_by=None).exists()


def test_many_webhooks_of_one_server_share_its_share(receiver, settings):
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_THREADS": 20, "DELIVERY_THREADS_PER_ENDPOINT": 4}
    most, now, lock = [0], [0], threading.Lock()

    def reply(handler):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1
        accept(handler)

    for number in range(30):
        receiver.on(f"/{number}", reply)
        owe(Webhook.objects.create(event=LOGIN, webhook_url=receiver.url(f"/{number}")), 5)
    assert deliver_due().delivered == 150
    assert most[0] <= 4


def test_no_thread_is_left_behind(webhook):
    before = {thread.name for thread in threading.enumerate() if "sender" in thread.name}
    owe(webhook, 50)
    deliver_due()
    assert {thread.name for thread in threading.enumerate() if "sender" in thread.name} == before


def in_thread(function):
    """Run with a database connection of its own; on SQLite in memory, with this one's."""
    shared = connections["default"] if connection.vendor == "sqlite" else None
    if shared:
        shared.inc_thread_sharing()

    def run():
        try:
            if shared:
                connections["default"] = shared
            function()
        finally:
            if not shared:
                connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
