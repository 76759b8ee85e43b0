"""Nothing that one row, one webhook or one answer does may touch another one's delivery."""

# pylint: disable=unused-argument
import contextlib
import json
import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, DataError, connection, connections, transaction
from django.utils import timezone

from openedx_webhooks.background import process
from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Mark, Webhook
from openedx_webhooks.operations import alerts, chores, retirement, workers
from openedx_webhooks.payloads.mentions import Person
from openedx_webhooks.transport.client import Outcome
from openedx_webhooks.webhooks import deliver, health, sending
from openedx_webhooks.webhooks.deliver import deliver_due

from ..receiver import Reply
from .conftest import LOGIN, accept, owe
from .test_deliver import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
# Deeper than any Python's parser goes: that of 3.13 takes 5,000.
DEEP = '{"a":' * 20_000 + "1" + "}" * 20_000


@pytest.fixture
def well(receiver):
    """A webhook with nothing wrong, in whose way the other one must not be."""
    return Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/well"))


def write_past_the_form(model, pk, **columns):
    """As an operator's SQL, an old version or an attacker leaves a row."""
    changes = ", ".join(f"{name} = %s" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {changes} WHERE id = %s", [*columns.values(), pk])


@pytest.mark.parametrize(
    "value",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "9" * 5000,
        "-1",
        "1e400",
        "nan",
        "\x01",
        "Tue, 24 Nov 2026 12:10:00",
        "Thu, 01 Jan 1970 00:00:00 GMT",
    ],
)
def test_hostile_retry_after_of_one_receiver_costs_nobody_anything(webhook, well, receiver, value):
    receiver.on("/hook", Reply(status=503, headers={"Retry-After": value}))
    owe(webhook, 3)
    owe(well, 3)
    counts = deliver_due()
    assert (counts.delivered, counts.retried) == (3, 3)
    assert Attempt.objects.filter(delivery__webhook=webhook, status_code=503).count() == 3
    webhook.refresh_from_db()
    assert webhook.consecutive_failures == 3


@pytest.mark.parametrize(
    "columns, error",
    [
        ({"webhook_url": "http://[bad/x"}, "invalid"),
        ({"webhook_url": ""}, "invalid"),
        ({"webhook_url": "http://127.0.0.1:99999999/"}, "invalid"),
        ({"headers": '["Authorization"]'}, "unsendable"),
        ({"headers": '{"X-One": 5}'}, "unsendable"),
        ({"headers": '{"X-One": '}, "unsendable"),
        ({"headers": DEEP}, "unsendable"),
        ({"secret": "whsec_?"}, "unsendable"),
        ({"condition": "a =="}, "condition_failed"),
        ({"shape": "]["}, "shape_failed"),
        ({"event": "no.such.event"}, ""),
    ],
)
def test_malformed_webhook_fails_visibly_and_alone(webhook, well, receiver, columns, error):
    columns = {f"`{name}`" if name == "condition" and connection.vendor == "mysql" else name: text
               for name, text in columns.items()}  # fmt: skip
    write_past_the_form(Webhook, webhook.pk, **columns)
    owe(webhook)
    owe(well)
    counts = deliver_due()
    assert counts.delivered == (1 if error else 2)
    assert Attempt.objects.get(delivery__webhook=webhook).error == error
    assert len(receiver.at("/well")) == 1


@pytest.mark.parametrize("stored", ["text", '"text"', '["5"]', "{}", "[1e20]", "[-1]", "[true]", DEEP, ""])
def test_malformed_retry_schedule_counts_as_the_sites(webhook, well, receiver, settings, stored):
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_JITTER_RATIO": 0, "DELIVERY_SCHEDULE_SECONDS": [77]}
    receiver.on("/hook", Reply(status=500))
    write_past_the_form(Webhook, webhook.pk, retry_schedule=stored)
    owe(webhook)
    owe(well)
    assert (deliver_due().delivered, Delivery.objects.filter(state="pending").count()) == (1, 1)
    wait = Delivery.objects.get(state="pending").next_attempt_at - timezone.now()
    assert timedelta(seconds=70) < wait <= timedelta(seconds=77)


@pytest.mark.parametrize("payload", [DEEP, "no JSON", "[1]", '"text"', "1" * 5000, ""])
def test_malformed_payload_fails_visibly_and_alone(webhook, well, receiver, payload):
    bad = owe(webhook)[0]
    owe(well)
    write_past_the_form(CapturedEvent, bad.event_id, payload=payload)
    counts = deliver_due()
    assert (counts.delivered, counts.failed) == (1, 1)
    assert Attempt.objects.get(delivery=bad).error == "payload_unreadable"
    assert Webhook.objects.get(pk=webhook.pk).consecutive_failures == 0


def test_malformed_row_is_still_there_after_a_save(webhook):
    """Whoever corrects the description must not destroy what can't be read."""
    write_past_the_form(Webhook, webhook.pk, headers='{"X-One": ')
    row = Webhook.objects.get(pk=webhook.pk)
    row.description = "corrected"
    row.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT headers FROM openedx_webhooks_webhook WHERE id = %s", [webhook.pk])
        assert cursor.fetchone()[0] == '{"X-One": '


@pytest.mark.parametrize("stored", ["", "no UUID"])
def test_deliveries_without_a_message_id_are_sent_each_with_another(webhook, receiver, stored):
    if connection.features.has_native_uuid_field:
        pytest.skip("this database has UUIDs only")
    for delivery in owe(webhook, 2):
        write_past_the_form(Delivery, delivery.pk, message_id=stored)
    assert deliver_due().delivered == 2
    assert len({request.headers["webhook-id"] for request in receiver.at("/hook")}) == 2


def test_delivery_without_its_event_fails_with_the_reason(webhook, well):
    bad = owe(webhook)[0]
    owe(well)
    CapturedEvent.objects.filter(pk=bad.event_id)._raw_delete("default")  # pylint: disable=protected-access
    counts = deliver_due()
    assert (counts.delivered, counts.failed) == (1, 1)
    assert Attempt.objects.get(delivery=bad).error == "payload_removed"


def test_row_that_can_not_even_be_read_stops_nobody(webhook, well, receiver, monkeypatch, caplog):
    """Whatever a field of a later version may raise: the others are delivered, and nothing is deleted."""
    bad = owe(webhook)[0]
    owe(well, 2)
    real = Webhook.from_db

    def from_db(_cls, db, names, values, **more):
        row = real(db, names, values)
        if row.pk == webhook.pk:
            raise ValueError("SECRET of this row")
        return row

    monkeypatch.setattr(Webhook, "from_db", classmethod(from_db))
    assert deliver_due().delivered == 2
    assert Delivery.objects.get(pk=bad.pk).state == "pending"
    assert f"Webhook {webhook.pk} can't be read" in caplog.text and "SECRET" not in caplog.text


def test_results_are_recorded_once_while_somebody_holds_the_webhooks_row(webhook, well, receiver):
    """An open page of the admin, a slow migration: health may be late, results may not."""
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("this database has no SKIP LOCKED")
    receiver.on("/hook", Reply(status=500))
    owe(webhook, 3)
    owe(well, 3)
    counts = []
    start = time.monotonic()
    with transaction.atomic():
        Webhook.objects.select_for_update().get(pk=webhook.pk)
        thread = in_thread(lambda: counts.append(deliver_due()))
        thread.join(10)
        assert not thread.is_alive()
    assert time.monotonic() - start < 5
    assert (counts[0].delivered, counts[0].retried) == (3, 3)
    assert Attempt.objects.count() == 6
    assert Webhook.objects.get(pk=webhook.pk).consecutive_failures == 0
    Delivery.objects.filter(webhook=webhook).update(next_attempt_at=timezone.now())
    deliver_due()
    assert Webhook.objects.get(pk=webhook.pk).failing_since


def test_health_that_could_not_be_written_is_written_by_the_same_run(webhook, receiver):
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("this database has no SKIP LOCKED")
    book = health.HealthBook()
    owe(webhook, 2)
    receiver.on("/hook", Reply(status=500))
    locked, free = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Webhook.objects.select_for_update().get(pk=webhook.pk)
            locked.set()
            free.wait(10)

    holder = in_thread(hold)
    locked.wait(10)
    from .test_health import result  # pylint: disable=import-outside-toplevel

    book.note([result(webhook, 500), result(webhook, 500)])
    book.write()
    assert Webhook.objects.get(pk=webhook.pk).consecutive_failures == 0
    free.set()
    holder.join()
    book.write()
    assert Webhook.objects.get(pk=webhook.pk).consecutive_failures == 2


def test_results_whose_commit_was_not_confirmed_are_recorded_once(webhook, receiver, monkeypatch):
    """The connection broke after the database had committed: the second writing finds the first."""
    monkeypatch.setattr(deliver, "_RECONNECT_SECONDS", (0.01,))
    owe(webhook, 2)
    real, lost = deliver.results.write, []

    def write(results, holder, counts, is_repeated=False, can_wait=True):
        later = real(results, holder, counts if is_repeated else type(counts)(), is_repeated, can_wait)
        if not lost:
            lost.append(1)
            raise deliver.OperationalError(2013, "Lost connection")
        return later

    monkeypatch.setattr(deliver.results, "write", write)
    deliver_due()
    assert Attempt.objects.count() == 2
    assert Delivery.objects.filter(state="delivered", attempt_count=1).count() == 2


@pytest.mark.parametrize("moved", ["scheduled", "claimed", "captured", "never scheduled"])
def test_what_a_clock_that_was_ahead_has_scheduled_is_due_when_it_is_right_again(webhook, receiver, moved):
    ahead = timezone.now() + timedelta(days=1)
    fields = {"next_attempt_at": ahead + timedelta(seconds=300), "scheduled_at": ahead}
    if moved == "never scheduled":
        fields = {"next_attempt_at": None}
    if moved == "claimed":
        fields |= {"claimed_by": uuid.uuid4(), "claimed_until": ahead + timedelta(seconds=120)}
    owe(webhook, **fields)
    later = owe(webhook, next_attempt_at=timezone.now() + timedelta(hours=10))[0]
    assert deliver_due().attempts == 0
    deliver.repair_schedule()
    assert deliver_due().delivered == 1
    assert Delivery.objects.get(pk=later.pk).state == "pending"


@contextlib.contextmanager
def sizes_of_inserts():
    """How many bytes each INSERT holds, whatever packet the server of this machine takes."""
    sizes = []

    def measure(execute, sql, params, many, context):
        if sql.startswith("INSERT"):
            sizes.append(sum(len(str(value).encode()) for value in params or ()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(measure):
        yield sizes


def test_fifty_webhooks_and_250_kb_of_cyrillic_are_one_payload_in_one_small_packet(receiver, log_in):
    """Twenty copies exceeded MariaDB's 16 MB packet: the connection was dropped, the learner's registration lost."""
    for number in range(50):
        Webhook.objects.create(event=LOGIN, webhook_url=receiver.url(f"/{number}"))
    log_in()
    CapturedEvent.objects.all().delete()
    Delivery.objects.all().delete()
    from openedx_events.learning.signals import SESSION_LOGIN_COMPLETED  # pylint: disable=import-outside-toplevel

    from .conftest import user_data  # pylint: disable=import-outside-toplevel

    user = user_data()
    user.pii.__dict__["name"] = "Ж" * 125_000
    with sizes_of_inserts() as sizes, transaction.atomic():
        SESSION_LOGIN_COMPLETED.send_event(user=user)
    assert Delivery.objects.count() == 50
    assert len(sizes) == 2 and max(sizes) < 300_000
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload FROM openedx_webhooks_capturedevent")
        stored = cursor.fetchone()[0]
    assert "Ж" in stored and "\\u0416" not in stored
    assert json.loads(stored)["user"]["pii"]["name"].startswith("Ж" * 1000)


def test_threads_open_no_connection_to_the_database(webhook, monkeypatch):
    opened = []
    owe(webhook, 20)
    with connection.execute_wrapper(
        lambda execute, *args: (opened.append(threading.current_thread()), execute(*args))[1]
    ):
        deliver_due()
    assert set(opened) == {threading.current_thread()}
    assert connections["default"] is not None


def in_transaction_of_another(rows):
    """Somebody has locked rows, as an operator's action does until its request has ended; how to end it."""
    locked, free = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            assert list(rows.select_for_update())
            locked.set()
            free.wait(20)

    thread = in_thread(hold)
    locked.wait(10)
    return lambda: (free.set(), thread.join())


def test_results_are_recorded_while_somebody_has_locked_another_delivery(webhook, well, receiver):
    """An operator cancels thousands of deliveries, one of which is under way: the others' results can't wait for it."""
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("this database has no SKIP LOCKED")
    slow, counts, ends, is_locked = owe(webhook)[0], [], [], threading.Event()
    owe(well, 5)

    def answer(handler):
        ends.append(in_transaction_of_another(Delivery.objects.filter(pk=slow.pk)))
        accept(handler)
        is_locked.set()

    def answer_after_it(handler):
        is_locked.wait(10)
        accept(handler)

    receiver.on("/hook", answer)
    receiver.on("/well", answer_after_it)
    thread = in_thread(lambda: counts.append(deliver_due()))
    end = time.monotonic() + 10
    while Delivery.objects.filter(state="delivered").count() < 5 and time.monotonic() < end:
        time.sleep(0.05)
    delivered = set(Delivery.objects.filter(state="delivered").values_list("webhook", flat=True))
    ends[0]()
    thread.join()
    assert delivered == {well.pk}
    assert counts[0].delivered == 6 and Attempt.objects.count() == 6


def test_what_is_claimed_and_locked_by_somebody_does_not_hold_up_the_end(webhook, receiver):
    """What was not begun is given back, but nobody waits for a lock on it."""
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("this database has no SKIP LOCKED")
    locked, other = owe(webhook, 2)
    holder = uuid.uuid4()
    Delivery.objects.claim([locked.pk, other.pk], holder, deliver.lease())
    end = in_transaction_of_another(Delivery.objects.filter(pk=locked.pk))
    Delivery.objects.release([locked.pk, other.pk], holder)
    end()
    assert list(Delivery.objects.filter(claimed_by=holder)) == [locked]


def test_marks_that_somebody_has_locked_hold_up_no_worker(webhook):
    """Neither its own, nor one that is to be forgotten, nor those of what operators were told."""
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("this database has no SKIP LOCKED")
    long_ago = timezone.now() - timedelta(days=30)
    for name in ("alerts", "asked", "worker:gone", "alert:webhook:0", f"alert:webhook:{webhook.pk}"):
        Mark.objects.create(name=name, at=long_ago, value="old")
    Webhook.objects.update(warned_at=timezone.now())
    end, start = in_transaction_of_another(Mark.objects.all()), time.monotonic()
    chores.run_when_due()
    alerts.tell()
    workers.ask_soon(is_asked=False)
    took, marks = time.monotonic() - start, Mark.objects.filter(at=long_ago).count()
    end()
    assert took < 5 and marks == 5
    process.forget()
    Mark.objects.exclude(at=long_ago).delete()
    chores.run_when_due()
    workers.ask_soon(is_asked=False)
    assert not Mark.objects.filter(at=long_ago).exists()


def test_user_who_is_retired_while_an_event_is_sent_is_forgotten_all_the_same(webhook, receiver):
    """The attempt is history; what was sent and what came back is kept nowhere."""
    owe(webhook, payload={"name": "Ada"}, user_id=5)

    def answer(handler):
        try:
            retirement.forget(Person(5))
        finally:
            connections.close_all()
        handler.send_response(200)
        handler.send_header("Content-Length", "9")
        handler.end_headers()
        handler.wfile.write(b"Hello Ada")

    receiver.on("/hook", answer)
    assert deliver_due().lost == 1
    attempt = Attempt.objects.get()
    assert (attempt.status_code, attempt.request_excerpt, attempt.response_excerpt) == (200, "", "")


def test_excerpts_exceed_no_packet(webhook, settings):
    """However much of the answers an operator keeps: MySQL ends the connection at a statement that is too large."""
    settings.OPENEDX_WEBHOOKS = {"RESPONSE_EXCERPT_BYTES": 500_000}
    holder, counts = uuid.uuid4(), deliver.Counts()
    owed = owe(webhook, 50)
    Delivery.objects.claim([delivery.pk for delivery in owed], holder, deliver.lease())
    outcome = Outcome(status_code=200, body=("я" * 400_000).encode())
    with sizes_of_inserts() as sizes:
        deliver.results.write([sending.Result(delivery, webhook, outcome) for delivery in owed], holder, counts)
    assert counts.delivered == 50 and max(sizes) < 4_000_000
    assert Attempt.objects.filter(response_excerpt__startswith="яяя").count() == 50


def test_health_that_the_database_refuses_is_written_the_next_time(webhook):
    """Also that the endpoint is gone."""
    from .test_health import result  # pylint: disable=import-outside-toplevel

    refused = []

    def refuse(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not refused:
            refused.append(sql)
            raise DatabaseError("lock wait timeout")
        return execute(sql, params, many, context)

    book = health.HealthBook()
    book.note([result(webhook, 500), result(webhook, 410)])
    with connection.execute_wrapper(refuse):
        book.write()
    assert Webhook.objects.get(pk=webhook.pk).consecutive_failures == 0
    book.write()
    webhook.refresh_from_db()
    assert (webhook.consecutive_failures, webhook.enabled) == (2, False)


def test_health_that_the_database_refuses_of_one_webhook_is_written_of_the_others(webhook, well):
    """A row that somebody wrote to, whose count of failures takes no more, for instance."""
    from .test_health import result  # pylint: disable=import-outside-toplevel

    def refuse(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and params[-1] == webhook.pk:
            raise DataError(1264, "Out of range")
        return execute(sql, params, many, context)

    book = health.HealthBook()
    book.note([result(webhook, 500), result(well, 410)])
    with connection.execute_wrapper(refuse):
        book.write()
    assert not Webhook.objects.get(pk=well.pk).enabled
