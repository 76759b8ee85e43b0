"""Events and webhooks for the tests of the asynchronous flow."""

import contextlib
import uuid

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from openedx_events.learning.data import UserData, UserPersonalData
from openedx_events.learning.signals import SESSION_LOGIN_COMPLETED

from openedx_webhooks.models import CapturedEvent, Delivery, Webhook

LOGIN = "org.openedx.learning.auth.session.login.completed.v1"


def user_data(number=1):
    """A user as events carry one."""
    return UserData(
        pii=UserPersonalData(username=f"user{number}", email=f"user{number}@example.com", name="Ann Example"),
        id=number,
        is_active=True,
    )


@pytest.fixture(autouse=True)
def _free_permits():
    """A worker that some test killed holds its permit for five seconds."""
    cache.clear()


@contextlib.contextmanager
def missing_table(model):
    """The model's table is not there, as before ``migrate``."""
    name, hidden = model._meta.db_table, f"{model._meta.db_table}_hidden"
    with connection.schema_editor() as editor:
        editor.alter_db_table(model, name, hidden)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(model, hidden, name)


@contextlib.contextmanager
def as_if_two_did_it(model):
    """Somebody else inserts the same rows into the model's table a moment before."""

    def twice(execute, sql, *args):
        if sql.startswith("INSERT") and model._meta.db_table in sql:
            execute(sql, *args)
        return execute(sql, *args)

    with connection.execute_wrapper(twice):
        yield


def happened(count=1, event_type=LOGIN, **fields):
    """Captured events, each with its number for a payload."""
    return [
        CapturedEvent.objects.create(
            **{
                "event_id": uuid.uuid4(),
                "event_type": event_type,
                "time": timezone.now(),
                "payload": {"number": number},
                **fields,
            }
        )
        for number in range(count)
    ]


def owe(webhook, count=1, payload=None, user_id=None, **fields):
    """Rows as an event's capture writes them."""
    of_event = {"payload": payload} if payload is not None else {}
    events = happened(count, user_id=user_id, **of_event)
    return Delivery.objects.bulk_create(Delivery(**{"webhook": webhook, "event": event, **fields}) for event in events)


def accept(handler):
    """Answer 204."""
    handler.send_response(204)
    handler.end_headers()


@pytest.fixture
def log_in():
    """Send the event of a login through its real signal."""
    return lambda number=1, **kwargs: SESSION_LOGIN_COMPLETED.send_event(user=user_data(number), **kwargs)


@pytest.fixture
def webhook(receiver, db):  # pylint: disable=unused-argument
    """A webhook for logins at the receiver's ``/hook``."""
    return Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/hook"))
