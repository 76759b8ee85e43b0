"""The one receiver of every event, through the events themselves."""

# pylint: disable=protected-access,unused-argument
import asyncio
import logging

import pytest
from attrs import define
from celery.signals import worker_process_init, worker_ready
from django.core.signals import request_started
from openedx_events.learning.signals import STUDENT_REGISTRATION_COMPLETED
from openedx_events.tooling import OpenEdxPublicSignal

from openedx_webhooks import catalog, index
from openedx_webhooks.background import process
from openedx_webhooks.models import CapturedEvent, Delivery, Webhook
from openedx_webhooks.webhooks import receivers

from .conftest import LOGIN, missing_table, user_data

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _connected():
    receivers.connect()


def connections_of(signal):
    return sum(lookup[0] == receivers._UID for lookup, *_ in signal.receivers)


def test_connecting_twice_connects_every_event_once():
    receivers.connect()
    receivers.connect()
    assert {connections_of(event_type.signal) for event_type in catalog.events().values()} == {1}


def test_event_declared_after_start_is_connected_with_the_first_request(receiver):
    @define
    class ThingData:
        name: str

    late = OpenEdxPublicSignal("org.example.things.thing.made.v1", {"thing": ThingData})
    try:
        Webhook.objects.create(event=late.event_type, webhook_url=receiver.url())
        request_started.send(sender=None)
        late.send_event(thing=ThingData("spoon"))
        assert CapturedEvent.objects.get().payload["thing"] == {"name": "spoon"}
    finally:
        OpenEdxPublicSignal.instances.remove(late)
        del OpenEdxPublicSignal._mapping[late.event_type]


@pytest.mark.parametrize("begins", [request_started, worker_process_init, worker_ready])
def test_process_that_a_request_or_a_task_comes_to_is_none_that_still_forks(db, begins):
    process.forget()
    assert not process.is_serving
    begins.send(sender=None)
    assert process.is_serving


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("robust", [False, True])
def test_failure_inside_never_reaches_the_sender(webhook, log_in, settings, debug, robust, caplog):
    settings.DEBUG = debug
    with missing_table(Delivery):
        log_in(send_robust=robust)
    assert "could not be handed to its webhooks" in caplog.text
    assert "user1" not in caplog.text


@pytest.mark.parametrize("debug", [False, True])
def test_event_is_recorded_with_debug_on_and_off(webhook, log_in, settings, debug):
    settings.DEBUG = debug
    assert [value for _, value in log_in()] == [None]
    assert Delivery.objects.count() == 1


def test_event_that_nobody_wants_runs_no_query(webhook, django_assert_num_queries):
    index.webhooks.get(LOGIN)
    with django_assert_num_queries(0):
        STUDENT_REGISTRATION_COMPLETED.send_event(user=user_data())
    assert not Delivery.objects.exists()


def test_every_event_stays_connected_whatever_is_wanted(webhook, receiver):
    for _ in range(2):
        request_started.send(sender=None)
        assert connections_of(STUDENT_REGISTRATION_COMPLETED) == 1
    Webhook.objects.create(event=STUDENT_REGISTRATION_COMPLETED.event_type, webhook_url=receiver.url())
    STUDENT_REGISTRATION_COMPLETED.send_event(user=user_data())
    assert Delivery.objects.count() == 1


def test_webhook_saved_by_another_process_gets_the_event_when_the_index_is_compared(receiver, log_in):
    log_in()
    # bulk_create sends no signals: to this process it is as if another one had saved it.
    Webhook.objects.bulk_create([Webhook(event=LOGIN, webhook_url=receiver.url())])
    index.webhooks._check_at = 0.0
    log_in()
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("is_loaded", [True, False])
@pytest.mark.parametrize("robust", [True, False])
def test_event_sent_in_an_async_context_is_captured(webhook, log_in, is_loaded, robust):
    """Django forbids the database there, and yet the event has happened."""
    if is_loaded:
        index.webhooks.get(LOGIN)

    async def view():
        return log_in(send_robust=robust)

    assert [value for _, value in asyncio.run(view())] == [None]
    assert Delivery.objects.get().event.payload["user"]["id"] == 1


def test_failure_in_an_async_context_never_reaches_the_sender(webhook, log_in, caplog):
    async def view():
        log_in(send_robust=False)

    with missing_table(Delivery):
        asyncio.run(view())
    assert "could not be handed to its webhooks" in caplog.text


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.WARNING)
