"""What makes a worker look, with real Celery apps and brokers."""

# pylint: disable=protected-access,unused-argument
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from datetime import timedelta

import pytest
from celery import Celery, _state
from django.core.cache import cache
from django.core.signals import request_started
from django.db import transaction
from django.utils import timezone
from kombu import Connection

from openedx_webhooks.background import process
from openedx_webhooks.models import Delivery
from openedx_webhooks.models.delivery_verbs import DeliveryQuerySet
from openedx_webhooks.webhooks import deliver, semaphore, wakeups
from openedx_webhooks.webhooks.semaphore import WorkerSemaphore
from openedx_webhooks.webhooks.wakeups import Nudges

from ..receiver import Reply, wait_until
from .caches import LocalCache
from .conftest import owe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def celery():
    """Make a Celery app the current one of this thread."""
    before = _state._tls.current_app

    def make(broker, **conf):
        app = Celery(f"test-{uuid.uuid4()}", broker=broker)
        app.conf.update(conf)
        app.set_current()
        return app

    yield make
    _state._tls.current_app = before


@pytest.fixture
def closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def queue(settings, celery):
    """A queue of its own in memory, and the messages in it."""
    name = f"test-{uuid.uuid4()}"
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_QUEUE": name}
    celery("memory://")

    def messages(seconds=0.5):
        found = []
        with Connection("memory://") as connection:
            simple = connection.SimpleQueue(name)
            try:
                while True:
                    message = simple.get(timeout=seconds)
                    message.ack()
                    found.append(message)
            except simple.Empty:
                return found
            finally:
                simple.close()

    return messages


def test_commit_sends_one_message_to_the_configured_queue(webhook, log_in, queue, monkeypatch):
    # On a busy machine a commit's callbacks take longer than what is usually waited for.
    monkeypatch.setattr(Nudges, "GATHER_SECONDS", 0.25)
    with transaction.atomic():
        for number in range(1, 6):
            log_in(number)
        assert queue() == []
    messages = queue()
    assert [message.headers["task"] for message in messages] == ["openedx_webhooks.tasks.deliver_due"]


def test_rollback_sends_none(webhook, log_in, queue):
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
        log_in()
        raise ZeroDivisionError
    assert queue() == []


def test_nudge_works_from_a_thread_that_celery_does_not_know(queue, monkeypatch):
    """In a threaded web server ``current_app`` is an app without settings."""
    monkeypatch.setattr(wakeups, "celery_app", wakeups._CeleryApp())
    wakeups.celery_app.remember()
    thread = threading.Thread(target=wakeups.nudge)
    thread.start()
    thread.join()
    assert len(queue()) == 1


def test_dead_broker_costs_the_request_nothing_and_one_log_line(webhook, log_in, celery, closed_port, caplog):
    celery(f"redis://127.0.0.1:{closed_port}/0", broker_connection_timeout=0.2)
    for _ in range(20):
        with transaction.atomic():
            log_in()
    assert Delivery.objects.count() == 20
    wait_until(lambda: "broker takes no message" in caplog.text)
    said_by = [record.threadName for record in caplog.records if "broker takes no message" in record.message]
    assert said_by == ["openedx_webhooks-nudges"]


def test_hanging_broker_does_not_hold_the_request(webhook, log_in, celery):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        celery(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        log_in()
        log_in()
        # Both are through, while the message is still on its way.
        assert not process.get(Nudges).wait(0)


def test_broker_that_comes_back_gets_the_message(webhook, log_in, celery, closed_port, monkeypatch, settings):
    monkeypatch.setattr(Nudges, "RETRY_SECONDS", 0.1)
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_QUEUE": "test"}
    celery(f"amqp://127.0.0.1:{closed_port}//", broker_connection_timeout=0.2)
    log_in()
    nudges = process.get(Nudges)
    assert not nudges.wait(0.5)
    nudges.ask_through(celery("memory://"))
    # A flush waits for no second try, and may come while the old broker is still being tried.
    wait_until(lambda: process.flush(1))


def test_connection_that_the_broker_has_closed_meanwhile_costs_no_second_try(
    webhook, log_in, queue, closed_port, monkeypatch
):
    monkeypatch.setattr(Nudges, "GATHER_SECONDS", 60)
    process.get(Nudges)._connection = Connection(f"amqp://127.0.0.1:{closed_port}//")
    log_in()
    # It waits for no second try.
    assert process.flush(10)
    assert len(queue()) == 1


def test_nudges_use_no_connection_of_the_celery_app(webhook, log_in, queue, celery):
    """A process that is forked from this one would speak on it, too."""
    app = celery("memory://")
    log_in()
    assert len(queue()) == 1
    assert app.pool._resource.qsize() + len(app.pool._dirty) == app.pool.limit
    assert not app.pool._dirty


@pytest.mark.parametrize("propagates", [True, False])
def test_eager_celery_delivers_in_the_request(webhook, log_in, receiver, celery, propagates):
    celery("memory://", task_always_eager=True, task_eager_propagates=propagates)
    with transaction.atomic():
        log_in()
        assert not receiver.received
    assert len(receiver.received) == 1
    assert Delivery.objects.get().state == "delivered"


def test_eager_celery_does_not_recurse_for_a_retry(webhook, log_in, receiver, celery):
    celery("memory://", task_always_eager=True)
    receiver.on("/hook", Reply(status=500))
    log_in()
    assert len(receiver.received) == 1
    assert Delivery.objects.get().state == "pending"


def test_eager_celery_with_the_database_in_trouble_raises_nothing(webhook, celery, monkeypatch):
    celery("memory://", task_always_eager=True, task_eager_propagates=True)
    monkeypatch.setattr(DeliveryQuerySet, "writable", lambda rows: rows.using("no such alias"))
    wakeups.nudge()


# --- Looking again


@pytest.mark.parametrize("away, countdown", [(0, 2), (1, 2), (5, 6), (300, 301), (601, 600), (5 * 3600, 600)])
def test_looks_again_when_something_is_due_or_after_ten_minutes(queue, away, countdown):
    wakeups.look_again(time.time() + away)
    eta = queue()[0].headers["eta"]
    seconds = (timezone.datetime.fromisoformat(eta) - timezone.now()).total_seconds()
    assert 0 < seconds <= countdown


def test_those_who_ask_for_the_same_second_share_a_message(queue):
    at = time.time() + 100
    for _ in range(50):
        wakeups.look_again(at)
    assert len(queue()) == 1


def test_those_in_other_processes_share_it_too(queue):
    at = time.time() + 100
    for _ in range(3):
        process.forget()
        wakeups.look_again(at)
    assert len(queue()) == 1


def test_long_waits_share_the_full_ten_minutes(queue):
    for hours in range(1, 50):
        wakeups.look_again(time.time() + 3600 * hours)
    assert len(queue()) == 1


@pytest.mark.parametrize(
    "backend",
    [
        "django.core.cache.backends.dummy.DummyCache",
        "tests.webhooks.caches.AwayCache",
        "tests.webhooks.caches.DeafCache",
    ],
)
def test_without_a_cache_each_process_asks_once(queue, settings, backend):
    settings.CACHES = {"default": {"BACKEND": backend}}
    at = time.time() + 100
    for _ in range(5):
        wakeups.look_again(at)
    assert len(queue()) == 1


def test_task_leaves_word_for_the_retry(webhook, receiver, queue):
    receiver.on("/hook", Reply(status=500))
    owe(webhook)
    wakeups.deliver_due()
    eta = timezone.datetime.fromisoformat(queue()[0].headers["eta"])
    assert 0 < (eta - timezone.now()).total_seconds() < 8


def test_task_leaves_word_for_what_a_killed_worker_had(webhook, queue):
    delivery = owe(webhook)[0]
    Delivery.objects.claim([delivery.pk], uuid.uuid4(), deliver.lease())
    wakeups.deliver_due()
    eta = timezone.datetime.fromisoformat(queue()[0].headers["eta"])
    assert 0 < (eta - timezone.now()).total_seconds() < 125


def test_task_with_nothing_pending_sends_nothing(webhook, queue):
    wakeups.deliver_due()
    assert queue() == []


def test_task_that_ran_out_of_time_hands_on(webhook, receiver, queue, settings):
    settings.OPENEDX_WEBHOOKS = {**settings.OPENEDX_WEBHOOKS, "DELIVERY_TASK_SECONDS": 0.2}
    receiver.on("/hook", Reply(delay=0.1))
    owe(webhook, 100)
    wakeups.deliver_due()
    assert [message.headers["eta"] for message in queue()] == [None]


@pytest.mark.parametrize("days", [1, -1])
def test_clock_that_was_wrong_for_a_while_keeps_nobody_from_asking(webhook, queue, monkeypatch, days):
    """Nor does this process remember for a day what the wrong clock asked for."""
    now = time.time() // 600 * 600 + 10  # waits end at multiples of ten minutes
    for offset in (0, days * 86400, 1, 2):
        monkeypatch.setattr(wakeups.time, "time", lambda moment=now + offset: moment)
        wakeups.look_again(now + offset + 100)
        assert len(queue(0.1)) == 1, offset
    assert len(process.get(wakeups._AskedFor)) <= 2


def test_wait_that_a_wrong_clock_has_set_is_looked_at_within_ten_minutes(webhook, queue):
    owe(webhook, next_attempt_at=timezone.now() + timedelta(days=1))
    wakeups.deliver_due()
    eta = timezone.datetime.fromisoformat(queue()[0].headers["eta"])
    assert 0 < (eta - timezone.now()).total_seconds() < 601


# --- Permits


@pytest.fixture
def one_permit(settings):
    settings.OPENEDX_WEBHOOKS = {**settings.OPENEDX_WEBHOOKS, "DELIVERY_WORKERS": 1}


def test_no_more_workers_deliver_than_the_setting_says(settings):
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_WORKERS": 2}
    workers = [WorkerSemaphore() for _ in range(3)]
    assert [worker.acquire() for worker in workers] == [True, True, False]
    workers[0].release()
    assert workers[2].acquire()


def test_task_without_a_permit_leaves_word_and_sends_nothing(webhook, receiver, queue, one_permit):
    holder = WorkerSemaphore()
    holder.acquire()
    owe(webhook)
    wakeups.deliver_due()
    assert not receiver.received
    assert len(queue()) == 1


def test_permit_is_kept_for_as_long_as_its_holder_delivers(webhook, receiver, queue, one_permit, monkeypatch):
    """Nobody else gets it, though it lasts a fraction of that time."""
    monkeypatch.setattr(WorkerSemaphore, "SECONDS", 1)
    receiver.on("/hook", Reply(delay=2.5))
    owe(webhook)
    taken = []

    def watch():
        receiver.wait_for(1)
        for _ in range(20):
            taken.append(WorkerSemaphore().acquire())
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    wakeups.deliver_due()
    watcher.join()
    assert taken == [False] * 20
    assert WorkerSemaphore().acquire()


def test_what_comes_while_the_permit_is_given_back_is_delivered(webhook, receiver, settings, queue, one_permit):
    """Its nudge found the permit taken, and left."""
    settings.CACHES = {"default": {"BACKEND": "tests.webhooks.caches.LocalCache"}}
    owe(webhook)
    with LocalCache.before_delete(lambda: owe(webhook)):
        wakeups.deliver_due()
    assert len(receiver.received) == 2
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_only_its_holder_frees_a_permit(one_permit):
    first, second = WorkerSemaphore(), WorkerSemaphore()
    first.acquire()
    cache.clear()  # it lapsed
    assert second.acquire()
    first.release()
    assert not WorkerSemaphore().acquire()


@pytest.mark.parametrize("left", ["garbage", [], ["holder"], ["holder", "yesterday"], 5, {"holder": 1.0}])
def test_what_another_program_left_in_the_place_of_a_permit_holds_nobody_up(one_permit, left):
    """Else nothing would be sent for as long as the cache keeps it."""
    cache.set("openedx_webhooks.permit.0", left, timeout=None)
    assert [WorkerSemaphore().acquire(), WorkerSemaphore().acquire()] == [True, False]


@pytest.mark.parametrize("days", [1, -1])
def test_permit_of_a_worker_that_was_killed_while_the_clock_was_wrong_is_free(one_permit, monkeypatch, days):
    """The cache goes by the same clock, and may keep it for a day."""
    now = time.time()
    monkeypatch.setattr(WorkerSemaphore, "SECONDS", 2 * 86400)
    monkeypatch.setattr(semaphore.time, "time", lambda: now + days * 86400)
    assert WorkerSemaphore().acquire()
    assert not WorkerSemaphore().acquire()
    monkeypatch.setattr(semaphore.time, "time", lambda: now)
    assert [WorkerSemaphore().acquire(), WorkerSemaphore().acquire()] == [True, False]


@pytest.mark.parametrize(
    "backend",
    [
        "django.core.cache.backends.dummy.DummyCache",
        "tests.webhooks.caches.AwayCache",
        "tests.webhooks.caches.DeafCache",
    ],
)
def test_without_a_cache_nobody_is_kept_from_delivering(webhook, receiver, settings, backend):
    settings.CACHES = {"default": {"BACKEND": backend}}
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_WORKERS": 1}
    workers = [WorkerSemaphore(), WorkerSemaphore()]
    assert [worker.acquire() for worker in workers] == [True, True]


# --- Heartbeat


@pytest.fixture
def heart():
    return process.get(wakeups.Heart)


def test_requests_nudge_now_and_then(webhook, queue):
    for _ in range(100):
        request_started.send(sender=None)
    assert len(queue()) == 1


def test_requests_of_a_site_without_webhooks_do_not(db, queue, heart):
    heart.chores_at = time.monotonic() + 60
    request_started.send(sender=None)
    assert queue() == []


def test_but_they_do_once_an_hour_because_old_records_are_to_be_removed(db, queue, heart):
    heart.chores_at = 0.0
    heart.beat()
    assert len(queue()) == 1
    heart.beats_at = 0.0
    heart.beat()
    assert len(queue()) == 0


def test_message_is_sent_by_a_process_that_ends_at_once(tmp_path):
    """A management command commits and exits."""
    code = "import django; django.setup()\nfrom openedx_webhooks.webhooks import wakeups\nwakeups.nudge()\n"
    settings = tmp_path / "exit_settings.py"
    settings.write_text(
        "from test_settings import *\n"
        "CELERY_BROKER_URL = 'filesystem://'\n"
        f"CELERY_BROKER_TRANSPORT_OPTIONS = {{name: {str(tmp_path)!r} for name in "
        "('data_folder_in', 'data_folder_out', 'control_folder')}\n"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        timeout=30,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "exit_settings", "PYTHONPATH": f"{tmp_path}:."},
    )
    assert len(list(tmp_path.glob("*.msg"))) == 1


def test_lease_of_a_killed_worker_is_short_enough_for_the_next_look(webhook):
    assert deliver.lease() < timedelta(seconds=wakeups.MAX_COUNTDOWN_SECONDS)


def test_what_is_due_and_can_not_be_claimed_is_looked_at_again_later(webhook, receiver, queue, monkeypatch):
    """A webhook whose row can't be read, or somebody's lock, must not keep a worker and the database busy."""
    owe(webhook, 3)
    drains = []
    monkeypatch.setattr(DeliveryQuerySet, "claim", lambda *_args: drains.append(1) or [])
    wakeups.deliver_due()
    assert len(drains) == 3
    assert len(queue()) == 1
