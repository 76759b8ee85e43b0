"""From an event to the rows owed for it: real events, real transactions."""

# pylint: disable=unused-argument
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from datetime import timezone as zone

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openedx_events.learning.signals import SESSION_LOGIN_COMPLETED

from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Webhook
from openedx_webhooks.webhooks import capture as capture_module
from openedx_webhooks.webhooks.deliver import deliver_due

from ..receiver import Reply
from .conftest import LOGIN, missing_table, user_data

EAST = zone(timedelta(hours=2))
pytestmark = pytest.mark.django_db(transaction=True)


def make(receiver, path="/hook", **kwargs):
    return Webhook.objects.create(event=LOGIN, webhook_url=receiver.url(path), **kwargs)


def test_event_of_a_rolled_back_transaction_is_never_sent(webhook, log_in, receiver):
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
        log_in()
        raise ZeroDivisionError
    assert not Delivery.objects.exists()
    assert deliver_due().attempts == 0
    assert not receiver.received


def test_event_of_a_rolled_back_savepoint_is_never_sent(webhook, log_in):
    with transaction.atomic():
        log_in(1)
        with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
            log_in(2)
            raise ZeroDivisionError
    assert [delivery.event.user_id for delivery in Delivery.objects.all()] == [1]


def test_event_outside_a_transaction_is_owed_at_once(webhook, log_in):
    log_in()
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("webhooks", [1, 50, 400])
def test_matched_event_costs_two_inserts_and_no_select_for_any_number_of_webhooks(receiver, log_in, webhooks):
    for number in range(webhooks):
        make(receiver, f"/hook{number}")
    log_in()  # reads the webhooks
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        log_in()
    statements = [query["sql"].split()[0] for query in queries if query["sql"].split()[0] != "BEGIN"]
    assert [word for word in statements if word != "COMMIT"] == ["SAVEPOINT", "INSERT", "INSERT", "RELEASE"]
    assert (CapturedEvent.objects.count(), Delivery.objects.count()) == (2, 2 * webhooks)
    deliver_due()
    assert {request.path for request in receiver.received} == {f"/hook{number}" for number in range(webhooks)}


def test_disabled_webhook_and_webhook_of_another_event_get_nothing(receiver, log_in):
    make(receiver, enabled=False)
    Webhook.objects.create(event="org.openedx.learning.student.registration.completed.v1", webhook_url=receiver.url())
    log_in()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    "condition, count",
    [
        ("", 1),
        ("user.id == `7`", 1),
        ("user.id == `8`", 0),
        ("user.is_active", 1),
        ("nothing.there", 0),
        ("ends_with(user.pii.email, '@example.com')", 1),
        ("contains(user.id, 'x')", 1),  # fails on this payload: the delivery will say so
    ],
)
def test_condition_decides_whether_it_is_owed(receiver, log_in, condition, count):
    make(receiver, condition=condition)
    log_in(7)
    assert Delivery.objects.count() == count


def test_conditions_get_no_more_of_the_request_than_their_budget(receiver, log_in):
    """What they were not asked is owed, and asked when it is sent."""
    slow = "[" + ", ".join(["to_string(@)"] * 500) + "] == `0`"
    Webhook.objects.bulk_create(
        Webhook(event=LOGIN, webhook_url=receiver.url("/hook"), condition=slow) for _ in range(60)
    )
    start = time.process_time()
    log_in()
    assert time.process_time() - start < 1
    owed = Delivery.objects.count()
    assert 30 < owed < 60
    assert deliver_due().attempts == owed
    assert not Delivery.objects.exclude(state="skipped").exists()
    assert not receiver.received


def test_no_learner_waits_for_another_whose_transaction_is_open(receiver, log_in):
    """INSERT … SELECT locks neither ranges of an index nor, beyond its statement, the counter of primary keys."""
    if connection.vendor != "mysql":
        pytest.skip("SQLite has one writer at a time")
    for number in range(3):
        make(receiver, f"/hook{number}")
    log_in(0)  # reads the webhooks
    together, waits = threading.Barrier(4), []

    def learner(number):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET innodb_lock_wait_timeout = 2")
            with transaction.atomic():
                for _ in range(5):
                    together.wait(20)
                    start = time.monotonic()
                    log_in(number)
                    waits.append(time.monotonic() - start)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as learners:
        list(learners.map(learner, range(1, 5)))
    assert Delivery.objects.count() == 3 * (1 + 4 * 5)
    assert max(waits) < 1


@pytest.mark.parametrize(
    "shape, body",
    [
        ("user.pii.username", "user7"),
        ("{who: user.id, what: event_metadata.event_name}", {"who": 7, "what": "SESSION_LOGIN_COMPLETED"}),
        ("[user.id, user.pii.name]", [7, "Ann Example"]),
        ("user.is_active", True),
    ],
)
def test_shape_is_what_is_sent(receiver, log_in, shape, body):
    make(receiver, shape=shape)
    log_in(7)
    deliver_due()
    assert receiver.received[0].json == body


def test_shape_that_is_null_on_purpose_is_skipped_and_says_so(receiver, log_in):
    make(receiver, shape="nothing.there")
    log_in()
    assert deliver_due().skipped == 1
    assert (Delivery.objects.get().state, Attempt.objects.get().error) == ("skipped", "no_shape")
    assert Webhook.objects.get().consecutive_failures == 0
    assert not receiver.received


@pytest.mark.parametrize(
    "fields, kind, expression",
    [
        ({"shape": "sum(user.pii.name)"}, "shape_failed", "sum(user.pii.name)"),
        ({"condition": "contains(user.id, 'x')"}, "condition_failed", "contains(user.id, 'x')"),
        ({"condition": "user.id =="}, "condition_failed", "user.id =="),
        ({"shape": "{a: join('', [to_string(@)" + ", to_string(@)" * 9000 + "])}"}, "shape_failed", "to_string"),
    ],
)
def test_expression_that_fails_is_a_failed_attempt_that_is_retried(receiver, log_in, fields, kind, expression):
    """Never fine, never dropped: the operator sees what failed, and a correction sends the event."""
    webhook = make(receiver, **fields)
    make(receiver, "/well")
    log_in(4711)
    counts = deliver_due()
    assert (counts.delivered, counts.retried) == (1, 1)
    attempt = Attempt.objects.get(delivery__webhook=webhook)
    assert attempt.error == kind and expression in attempt.detail
    webhook.refresh_from_db()
    assert webhook.consecutive_failures == 1 and webhook.failing_since
    assert [request.path for request in receiver.received] == ["/well"]
    Webhook.objects.filter(pk=webhook.pk).update(condition="user.id == `4711`", shape="user.id")
    Delivery.objects.update(next_attempt_at=timezone.now())
    assert deliver_due().delivered == 1
    assert receiver.at("/hook")[0].json == 4711


def test_retry_sends_what_the_webhook_makes_of_it_now(receiver, log_in):
    webhook = make(receiver, shape="{old: user.id}")
    receiver.on("/hook", Reply(status=500), Reply())
    log_in(7)
    deliver_due()
    Webhook.objects.update(shape="{new: user.id}", webhook_url=receiver.url("/moved"), use_www_form_encoding=True)
    Delivery.objects.update(next_attempt_at=timezone.now())
    deliver_due()
    assert receiver.at("/hook")[0].json == {"old": 7}
    assert receiver.at("/moved")[0].form == {"new": "7"}
    assert webhook.deliveries.get().attempt_count == 2


def test_condition_that_was_tightened_counts_for_what_still_waits(receiver, log_in):
    webhook = make(receiver)
    log_in(7)
    Webhook.objects.update(condition="user.id == `8`")
    assert deliver_due().skipped == 1
    assert (webhook.deliveries.get().state, Attempt.objects.get().error) == ("skipped", "no_match")


def test_event_from_the_event_bus_keeps_its_id_and_time(webhook):
    metadata = SESSION_LOGIN_COMPLETED.generate_signal_metadata()
    SESSION_LOGIN_COMPLETED.send_event_with_custom_metadata(metadata, user=user_data())
    event = CapturedEvent.objects.get()
    assert (event.event_id, event.time) == (metadata.id, metadata.time)
    assert event.payload["event_metadata"]["id"] == str(metadata.id)


@pytest.mark.parametrize("moment", [datetime(2026, 1, 2, 3, 4, 5), datetime(2026, 1, 2, 5, 4, 5, tzinfo=EAST)])
def test_time_of_the_event_is_kept_with_or_without_a_zone(webhook, moment):
    """The library asks for UTC; what other packages send may have no zone, or another one."""
    metadata = SESSION_LOGIN_COMPLETED.generate_signal_metadata()
    object.__setattr__(metadata, "time", moment)
    SESSION_LOGIN_COMPLETED.send_event_with_custom_metadata(metadata, user=user_data())
    assert CapturedEvent.objects.get().time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_event_that_comes_again_from_the_event_bus_is_owed_once(webhook):
    metadata = SESSION_LOGIN_COMPLETED.generate_signal_metadata()
    for _ in range(3):
        with transaction.atomic():
            SESSION_LOGIN_COMPLETED.send_event_with_custom_metadata(metadata, user=user_data())
    assert (CapturedEvent.objects.count(), Delivery.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "given, kept",
    [(uuid.UUID(int=5), True), ("00000000-0000-0000-0000-000000000005", True), (None, False), ("event 5", False)],
)
def test_event_without_a_uuid_gets_one(given, kept):
    made = capture_module._uuid_of(given)  # pylint: disable=protected-access
    assert (made == uuid.UUID(int=5)) is kept
    assert isinstance(made, uuid.UUID)


def test_user_of_the_event_is_recorded(webhook, log_in):
    log_in(42)
    event = CapturedEvent.objects.get()
    assert (event.user_id, event.username, event.course_key, event.org) == (42, "user42", "", "")


def test_missing_table_does_not_spoil_the_callers_transaction(webhook, log_in):
    with missing_table(CapturedEvent), transaction.atomic():
        Webhook.objects.filter(pk=webhook.pk).update(description="before")
        log_in()
        assert Webhook.objects.get(pk=webhook.pk).description == "before"
        Webhook.objects.filter(pk=webhook.pk).update(description="after")
    assert Webhook.objects.get(pk=webhook.pk).description == "after"


def test_event_inside_a_transaction_that_is_already_broken_raises_nothing(webhook, log_in):
    with pytest.raises(transaction.TransactionManagementError), transaction.atomic():  # noqa: PT012
        with pytest.raises(IntegrityError):
            Webhook.objects.create(pk=webhook.pk, event=LOGIN, webhook_url="http://x/")
        log_in()
        Webhook.objects.count()
    assert not Delivery.objects.exists()


def test_webhook_deleted_behind_the_index_does_not_fail_the_callers_commit(webhook, log_in):
    log_in()
    Webhook.objects.filter(pk=webhook.pk)._raw_delete("default")  # pylint: disable=protected-access
    try:
        with transaction.atomic():
            log_in()
    except DatabaseError as error:
        pytest.fail(f"the caller's transaction failed: {error}")
    assert deliver_due().attempts == 0
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("text", ["🙂 Ζωή", "\x00", "a" * 100_000, "'; DROP TABLE x; --", "\\u0000"])
def test_any_text_is_owed_and_delivered(webhook, receiver, text):
    data = user_data()
    data.pii.__dict__["name"] = text  # frozen, but not slotted
    SESSION_LOGIN_COMPLETED.send_event(user=data)
    assert deliver_due().delivered == 1
    assert len(receiver.received[0].json["user"]["pii"]["name"]) == len(text)


@pytest.mark.parametrize("failures, captured", [(1, 1), (2, 0)])
def test_event_outside_a_transaction_survives_a_deadlock(webhook, log_in, failures, captured):
    left = [failures]

    def deadlock(execute, sql, params, many, context):
        if sql.startswith("INSERT") and left[0]:
            left[0] -= 1
            raise OperationalError(1213, "Deadlock found when trying to get lock")
        return execute(sql, params, many, context)

    log_in()
    CapturedEvent.objects.all().delete()
    with connection.execute_wrapper(deadlock):
        log_in()
    assert CapturedEvent.objects.count() == captured


def test_row_that_the_database_refuses_is_not_taken_for_one_that_came_before(webhook, log_in, caplog):
    """An old process during a migration, for instance, does not know of a column that must be given."""

    def refuse(execute, sql, params, many, context):
        if sql.startswith("INSERT"):
            raise IntegrityError(1364, "Field 'added' doesn't have a default value")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        log_in()
    assert "could not be handed to its webhooks: IntegrityError" in caplog.text


def test_event_outside_a_transaction_survives_a_connection_that_the_server_has_closed(webhook, log_in):
    if connection.vendor == "sqlite":
        pytest.skip("it has no server")
    log_in()
    end_connection()
    log_in()
    assert CapturedEvent.objects.count() == 2


def end_connection():
    """Have the server close this thread's connection, as it does with one that was idle for hours."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT connection_id()" if connection.vendor == "mysql" else "SELECT pg_backend_pid()")
        (own,) = cursor.fetchone()
    kill = "KILL %s" if connection.vendor == "mysql" else "SELECT pg_terminate_backend(%s)"

    def from_another():
        with connections["default"].cursor() as cursor:
            cursor.execute(kill, [own])
        connections["default"].close()

    thread = threading.Thread(target=from_another)
    thread.start()
    thread.join()


def test_more_webhooks_than_one_statement_takes_are_all_owed(webhook):
    Webhook.objects.bulk_create(Webhook(event=LOGIN, webhook_url="http://x/", secret="") for _ in range(900))
    SESSION_LOGIN_COMPLETED.send_event(user=user_data())
    deliveries = Delivery.objects.all()
    assert len({delivery.webhook_id for delivery in deliveries}) == len({one.message_id for one in deliveries}) == 901
    assert {(one.state, one.attempt_count, one.next_attempt_at == one.created) for one in deliveries} == {
        ("pending", 0, True)
    }
