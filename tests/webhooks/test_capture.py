"""From an event to the rows owed for it: real events, real transactions."""

# pylint: disable=unused-argument
import uuid

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from openedx_events.learning.signals import SESSION_LOGIN_COMPLETED

from openedx_webhooks.models import Delivery, Webhook
from openedx_webhooks.webhooks import claims
from openedx_webhooks.webhooks import dispatch as dispatch_module
from openedx_webhooks.webhooks.deliver import deliver_due

from .conftest import LOGIN, missing_table, user_data

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
    assert [delivery.user_id for delivery in Delivery.objects.all()] == [1]


def test_event_outside_a_transaction_is_owed_at_once(webhook, log_in):
    log_in()
    assert Delivery.objects.count() == 1


def test_all_webhooks_of_an_event_are_served_by_one_insert_in_a_savepoint(receiver, log_in):
    for number in range(5):
        make(receiver, f"/hook{number}")
    log_in()  # reads the webhooks
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        log_in()
    statements = [query["sql"].split()[0] for query in queries if query["sql"].split()[0] != "BEGIN"]
    assert [word for word in statements if word != "COMMIT"] == ["SAVEPOINT", "INSERT", "RELEASE"]
    assert Delivery.objects.count() == 10
    deliver_due()
    assert {request.path for request in receiver.received} == {f"/hook{number}" for number in range(5)}


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
        ("contains(user.id, 'x')", 0),  # fails on this payload: no match
    ],
)
def test_condition_decides_whether_it_is_owed(receiver, log_in, condition, count):
    make(receiver, condition=condition)
    log_in(7)
    assert Delivery.objects.count() == count


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


@pytest.mark.parametrize("shape", ["nothing.there", "sum(user.pii.name)"])
def test_shape_that_is_null_or_fails_sends_nothing(receiver, log_in, shape):
    make(receiver, shape=shape)
    log_in()
    assert not Delivery.objects.exists()


def test_failing_expression_is_told_once_and_without_the_data(receiver, log_in, caplog):
    broken, well = make(receiver, condition="contains(user.id, 'x')"), make(receiver)
    for _ in range(3):
        log_in(4711)
    lines = [record.getMessage() for record in caplog.records if "condition fails" in record.getMessage()]
    assert len(lines) == 1 and f"Webhook {broken.pk} " in lines[0] and "4711" not in lines[0]
    assert set(Delivery.objects.values_list("webhook_id", flat=True)) == {well.pk}


def test_event_from_the_event_bus_keeps_its_id_and_time(webhook):
    metadata = SESSION_LOGIN_COMPLETED.generate_signal_metadata()
    SESSION_LOGIN_COMPLETED.send_event_with_custom_metadata(metadata, user=user_data())
    delivery = Delivery.objects.get()
    assert delivery.event_id == metadata.id
    assert delivery.payload["event_metadata"]["id"] == str(metadata.id)


def test_event_that_comes_again_from_the_event_bus_is_owed_once(webhook):
    metadata = SESSION_LOGIN_COMPLETED.generate_signal_metadata()
    for _ in range(3):
        with transaction.atomic():
            SESSION_LOGIN_COMPLETED.send_event_with_custom_metadata(metadata, user=user_data())
    assert Delivery.objects.count() == 1


def test_known_duplicate_does_not_keep_a_new_webhook_from_its_row(webhook, receiver):
    metadata = SESSION_LOGIN_COMPLETED.generate_signal_metadata()
    SESSION_LOGIN_COMPLETED.send_event_with_custom_metadata(metadata, user=user_data())
    other = make(receiver, "/other")
    SESSION_LOGIN_COMPLETED.send_event_with_custom_metadata(metadata, user=user_data())
    assert set(Delivery.objects.values_list("webhook_id", flat=True)) == {webhook.pk, other.pk}


@pytest.mark.parametrize(
    "given, kept",
    [(uuid.UUID(int=5), True), ("00000000-0000-0000-0000-000000000005", True), (None, False), ("event 5", False)],
)
def test_event_without_a_uuid_gets_one(given, kept):
    made = dispatch_module._uuid_of(given)  # pylint: disable=protected-access
    assert (made == uuid.UUID(int=5)) is kept
    assert isinstance(made, uuid.UUID)


def test_user_of_the_event_is_recorded(webhook, log_in):
    log_in(42)
    assert Delivery.objects.get().user_id == 42


def test_missing_table_does_not_spoil_the_callers_transaction(webhook, log_in):
    with missing_table(Delivery), transaction.atomic():
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
    claims.drop_orphans()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("text", ["🙂 Ζωή", "\x00", "a" * 100_000, "'; DROP TABLE x; --", "\\u0000"])
def test_any_text_is_owed_and_delivered(webhook, receiver, text):
    data = user_data()
    data.pii.__dict__["name"] = text  # frozen, but not slotted
    SESSION_LOGIN_COMPLETED.send_event(user=data)
    assert deliver_due().delivered == 1
    assert len(receiver.received[0].json["user"]["pii"]["name"]) == len(text)
