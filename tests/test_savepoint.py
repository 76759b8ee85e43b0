"""Errors of our own statements, swallowed inside a request of the platform (ATOMIC_REQUESTS)."""

# pylint: disable=unused-argument
import contextlib
import threading
import uuid

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, connections, transaction
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from django.utils import timezone
from openedx_events.learning.signals import SESSION_LOGIN_COMPLETED

from openedx_webhooks.models import CapturedEvent, Webhook
from openedx_webhooks.savepoint import savepoint

from .webhooks.conftest import LOGIN, missing_table, user_data

pytestmark = pytest.mark.django_db(transaction=True)
EVENT_ID = uuid.UUID(int=4711)


def register(request):
    """A view as the platform's: a row of its own, then an event, as the last thing."""
    get_user_model().objects.create(username="learner")
    metadata = SESSION_LOGIN_COMPLETED.generate_signal_metadata()
    metadata = type(metadata)(**{**metadata.__dict__, "id": EVENT_ID})
    SESSION_LOGIN_COMPLETED.send_event_with_custom_metadata(metadata, user=user_data())
    return HttpResponse("registered")


urlpatterns = [path("register", register)]


@pytest.fixture
def ask(client, db):
    """Ask the view, with a webhook that wants its event; the status of the response."""
    client.raise_request_exception = False
    Webhook.objects.create(event=LOGIN, webhook_url="http://127.0.0.1:1/")

    def ask():
        with override_settings(ROOT_URLCONF=__name__):
            return client.post("/register").status_code

    return ask


def is_registered():
    return get_user_model().objects.filter(username="learner").exists()


@contextlib.contextmanager
def at_our_insert(happens):
    """Something happens right before an event is captured."""
    done = []

    def wrapper(execute, sql, params, many, context):
        if "openedx_webhooks_capturedevent" in sql and sql.startswith("INSERT") and not done:
            done.append(1)
            happens()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield


def test_view_succeeds_and_the_event_is_captured(ask):
    assert ask() == 200
    assert is_registered() and CapturedEvent.objects.count() == 1


def test_error_of_our_statement_alone_costs_the_learner_nothing(ask):
    with missing_table(CapturedEvent):
        assert ask() == 200
    assert is_registered()


def test_lost_connection_does_not_look_like_success(ask):
    if connection.vendor != "mysql":
        pytest.skip("by MySQL's KILL")
    with connection.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        ours = cursor.fetchone()[0]

    def kill():
        other = connections.create_connection("default")
        with other.cursor() as cursor:
            cursor.execute(f"KILL {ours}")
        other.close()

    with at_our_insert(kill):
        assert ask() == 500
    assert not is_registered()


def test_deadlock_that_ends_the_transaction_does_not_look_like_success(ask):
    if connection.vendor != "mysql":
        pytest.skip("only MySQL ends the whole transaction at a deadlock")
    user = get_user_model().objects.create(username="other")
    is_waiting, has_event = threading.Event(), threading.Event()

    def other_transaction():
        # Heavier than the request's, so that the request's is the one that the server ends.
        try:
            with transaction.atomic():
                for _ in range(50):
                    CapturedEvent.objects.create(event_id=uuid.uuid4(), event_type="x", time=timezone.now(), payload={})
                CapturedEvent.objects.create(event_id=EVENT_ID, event_type="x", time=timezone.now(), payload={})
                has_event.set()
                is_waiting.wait(10)
                # Waits for the row that the request has changed, while the request waits for our event's id.
                get_user_model().objects.filter(username__in=["other", "learner"]).update(first_name="x")
        finally:
            connections.close_all()

    thread = threading.Thread(target=other_transaction)
    thread.start()
    has_event.wait(10)
    with at_our_insert(lambda: (get_user_model().objects.filter(pk=user.pk).update(last_name="x"), is_waiting.set())):
        status = ask()
    thread.join()
    assert (status, is_registered()) == (500, False)


def test_connection_is_usable_after_the_failed_request(ask):
    if connection.vendor != "mysql":
        pytest.skip("by MySQL's KILL")
    test_lost_connection_does_not_look_like_success(ask)
    assert ask() == 200
    assert is_registered()


def test_outside_a_transaction_an_error_is_only_an_error(db):
    with pytest.raises(OperationalError), savepoint("default"):
        raise OperationalError(1213, "Deadlock found")
    assert Webhook.objects.count() == 0


def test_savepoint_that_can_be_rolled_back_leaves_the_transaction_alone(db):
    with transaction.atomic():
        get_user_model().objects.create(username="learner")
        with contextlib.suppress(OperationalError), savepoint("default"):
            get_user_model().objects.create(username="ours")
            raise OperationalError(1205, "Lock wait timeout exceeded")
    assert set(get_user_model().objects.values_list("username", flat=True)) == {"learner"}
