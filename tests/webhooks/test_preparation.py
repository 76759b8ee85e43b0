"""Between the claim and the queue: slow conditions and shapes hold up nobody else."""

import time
import uuid
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from openedx_webhooks.models import Delivery, Webhook
from openedx_webhooks.webhooks import numbering, preparation
from openedx_webhooks.webhooks.deliver import deliver_due
from openedx_webhooks.webhooks.preparation import Job, Preparation

from .conftest import LOGIN, owe

pytestmark = pytest.mark.django_db(transaction=True)
HOLDER = uuid.uuid4()


@pytest.fixture(autouse=True)
def _one_at_a_time(monkeypatch):
    monkeypatch.setattr(preparation, "_SLICE_SECONDS", 0)


def jobs_of(endpoint, count=1, **fields):
    """Claimed deliveries of a webhook."""
    webhook = Webhook.objects.create(event=LOGIN, webhook_url=f"https://{endpoint}/", **fields)
    claimed = {"claimed_by": HOLDER, "next_attempt_at": timezone.now() + timedelta(minutes=5)}
    deliveries = owe(webhook, count, **claimed)
    return [
        Job(delivery, webhook, delivery.event, endpoint, lapses_at=time.monotonic() + 60) for delivery in deliveries
    ]


def test_what_has_neither_condition_nor_shape_waits_for_none():
    one = Preparation(HOLDER)
    slow, plain = jobs_of("slow.test", 3, shape="number"), jobs_of("plain.test", 2)
    one.add([*slow, *plain])
    assert one.some() == ([*plain, slow[0]], [])
    assert [job.delivery.sequence for job in plain] == [1, 2]


def test_endpoints_take_turns():
    one = Preparation(HOLDER)
    slow, quick = jobs_of("slow.test", 3, shape="number"), jobs_of("quick.test", condition="number >= `0`")
    one.add([*slow, *quick])
    assert [one.some()[0] for _ in range(4)] == [[slow[0]], quick, [slow[1]], [slow[2]]]
    assert [job.delivery.sequence for job in slow] == [1, 2, 3]


def test_what_had_its_number_before_is_tried_by_the_thread_that_sends_it():
    one = Preparation(HOLDER)
    retried = jobs_of("slow.test", 2, shape="number")
    for number, job in enumerate(retried):
        job.delivery.sequence = 5 + number
    one.add(retried)
    assert one.some() == (retried, [])
    assert [job.content for job in retried] == [None, None]


def test_nothing_is_taken_while_the_database_is_away(monkeypatch):
    def away(*_args):
        raise OperationalError("gone away")

    one = Preparation(HOLDER)
    jobs = [*jobs_of("plain.test"), *jobs_of("shaped.test", shape="number")]
    one.add(jobs)
    with monkeypatch.context() as patch:
        patch.setattr(numbering, "number", away)
        with pytest.raises(OperationalError):
            one.some()
    assert sorted(job.delivery.pk for job in one.waiting()) == [job.delivery.pk for job in jobs]
    assert (one.some(), one.waiting()) == ((jobs, []), [])


def test_what_was_cancelled_while_it_waited_for_its_turn_is_not_sent(receiver, monkeypatch):
    monkeypatch.setattr("openedx_webhooks.webhooks.deliver._RECALL_SECONDS", 0)
    webhook = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/hook"), shape="number")
    owe(webhook, 4)
    looks = []

    def tick(_counts):
        looks.append(1)
        if len(looks) == 2:
            Delivery.objects.filter(state="pending", sequence=None).cancel()

    deliver_due(tick=tick)
    states = [*Delivery.objects.order_by("pk").values_list("state", flat=True)]
    assert states.count("delivered") == len(receiver.received) < 4
    assert states.count("cancelled") == 4 - len(receiver.received)


def test_all_are_sent_however_few_are_prepared_at_a_time(receiver):
    for path in ("/one", "/two"):
        owe(Webhook.objects.create(event=LOGIN, webhook_url=receiver.url(path), shape="number"), 7)
    assert deliver_due().delivered == 14
    assert [*Delivery.objects.values_list("sequence", flat=True).order_by("sequence")] == sorted([*range(1, 8)] * 2)
