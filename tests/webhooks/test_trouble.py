"""The database in trouble in the middle of a run."""

# pylint: disable=protected-access,unused-argument
import contextlib
import time

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DataError, OperationalError, connection, connections
from django.db.utils import DatabaseError
from django.utils import timezone

from openedx_webhooks.models import Attempt, Delivery
from openedx_webhooks.webhooks import deliver, wakeups
from openedx_webhooks.webhooks.deliver import deliver_due
from openedx_webhooks.webhooks.preparation import Job

from ..receiver import Reply
from .conftest import accept, missing_table, owe

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def failing(fragment, times, error=OperationalError):
    """The first so many statements with this fragment fail."""
    left = [times]

    def wrapper(execute, sql, params, many, context):
        if left[0] and fragment in sql.replace('"', "").replace("`", ""):
            left[0] -= 1
            raise error("gone away")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield left


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(deliver, "_RECONNECT_SECONDS", (0.01, 0.01))


def test_results_are_written_when_the_database_is_back(webhook, receiver):
    owe(webhook, 3)
    with failing("INSERT INTO openedx_webhooks_attempt", 2):
        assert deliver_due().delivered == 3
    assert len(receiver.received) == Attempt.objects.count() == 3


def test_attempt_that_is_written_when_the_database_is_back_is_not_taken_for_the_one_before(webhook, receiver):
    receiver.on("/hook", Reply(status=500))
    owe(webhook)
    deliver_due()
    Delivery.objects.update(next_attempt_at=timezone.now())
    with failing("INSERT INTO openedx_webhooks_attempt", 1):
        deliver_due()
    assert Attempt.objects.count() == Delivery.objects.get().attempt_count == 2


def test_connection_killed_by_the_server_is_replaced(webhook, receiver):
    if connection.vendor != "mysql":
        pytest.skip("by MySQL's KILL")
    with connection.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        ours = cursor.fetchone()[0]

    def reply(handler):
        with connections["default"].cursor() as cursor:
            cursor.execute(f"KILL {ours}")
        connections.close_all()
        accept(handler)

    receiver.on("/hook", reply)
    owe(webhook)
    assert deliver_due().delivered == 1


def test_results_that_cannot_be_written_for_long_end_the_run(webhook, receiver):
    owe(webhook)
    with failing("INSERT INTO openedx_webhooks_attempt", 99), pytest.raises(OperationalError):
        deliver_due()
    assert Delivery.objects.get().state == "pending"


def test_batch_that_the_database_refuses_ends_nothing(webhook, receiver, caplog):
    owe(webhook)
    with failing("INSERT INTO openedx_webhooks_attempt", 4, error=DataError):
        assert deliver_due().lost == 1
    assert "could not be recorded" in caplog.text
    assert "gone away" not in caplog.text


def test_text_that_the_database_refuses_is_kept_as_escapes(webhook, receiver):
    """A table in MySQL's old utf8 has no emoji."""
    receiver.on("/hook", Reply("Ж😀".encode()))
    owe(webhook)
    with failing("INSERT INTO openedx_webhooks_attempt", 2, error=DataError):
        assert deliver_due().delivered == 1
    assert Attempt.objects.get().response_excerpt == "\\u0416\\U0001f600"


def test_what_is_under_way_is_recorded_before_the_run_ends(webhook, receiver):
    receiver.on("/hook", Reply(delay=0.6))
    owe(webhook)
    with failing("SELECT", 0) as left:
        tries = []

        def tick(_counts):
            # The second look fails, while the first delivery is under way.
            tries.append(time.monotonic())
            left[0] = 1 if len(tries) == 2 else 0

        with pytest.raises(OperationalError):
            deliver_due(tick=tick)
    assert Delivery.objects.get().state == "delivered"


def test_what_is_under_way_is_recorded_when_the_task_is_told_to_end(webhook, receiver):
    """Without the record it would be sent a second time."""
    receiver.on("/hook", Reply(delay=0.6))
    owe(webhook)
    ticks = []

    def tick(_counts):
        ticks.append(1)
        if len(ticks) == 2:
            raise SoftTimeLimitExceeded

    with pytest.raises(SoftTimeLimitExceeded):
        deliver_due(tick=tick)
    assert (Delivery.objects.get().state, Attempt.objects.count()) == ("delivered", 1)


def test_what_is_not_begun_is_given_back_when_the_task_is_told_to_end(webhook, receiver):
    """It has no time for it; and the next worker need not wait for the end of the claims."""
    receiver.on("/hook", Reply(delay=0.6))
    owe(webhook, 8)
    claimed = []

    def tick(_counts):
        claimed.append(Delivery.objects.exclude(claimed_by=None).count())
        if len(claimed) == 2:
            raise SoftTimeLimitExceeded

    with pytest.raises(SoftTimeLimitExceeded):
        deliver_due(tick=tick)
    assert Attempt.objects.count() == len(receiver.received) < claimed[-1]
    assert not Delivery.objects.exclude(claimed_by=None).exists()


def test_health_that_could_not_be_written_with_the_last_result_is_written_at_the_end(webhook, receiver):
    receiver.on("/hook", Reply(status=500))
    owe(webhook)
    with failing("UPDATE openedx_webhooks_webhook SET", 1) as left:
        deliver_due()
    webhook.refresh_from_db()
    assert (left, webhook.consecutive_failures) == ([0], 1)


@pytest.mark.parametrize("column", ["attempt_count", "schedule_position"])
def test_counter_at_the_end_of_its_column_keeps_no_attempt_from_being_recorded(webhook, receiver, column):
    receiver.on("/hook", Reply(status=503))
    owe(webhook, **{column: 2**31 - 1})
    assert deliver_due().attempts == 1
    assert (Attempt.objects.count(), getattr(Delivery.objects.get(), column)) == (1, 2**31 - 1)


def test_job_that_might_outlive_its_lease_is_not_sent(webhook, receiver):
    delivery = owe(webhook)[0]
    job = Job(delivery, webhook, delivery.event, "", lapses_at=time.monotonic())
    assert deliver._send(job) == ((job, None), False)
    assert not receiver.received


def test_task_that_failed_has_somebody_look_again(db, monkeypatch):
    asked = []
    monkeypatch.setattr(wakeups, "publish", lambda countdown=None, app=None: asked.append(countdown))
    with missing_table(Delivery), pytest.raises(DatabaseError):
        wakeups.deliver_due()
    assert len(asked) == 1
    assert 0 < asked[0] <= 12
