"""``webhook-sequence``: each webhook's messages are numbered without a gap, whoever sends them and whoever dies."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from openedx_webhooks.models import Delivery, SequenceCounter, Webhook
from openedx_webhooks.webhooks import deliver, numbering, replay
from openedx_webhooks.webhooks.deliver import deliver_due

from ..receiver import Reply
from .conftest import LOGIN, as_if_two_did_it, owe

pytestmark = pytest.mark.django_db(transaction=True)


def numbers(webhook):
    found = Delivery.objects.filter(webhook=webhook).order_by("pk").values_list("sequence", flat=True)
    return list(found)


def sent(receiver, path="/hook"):
    return [request.headers.get("webhook-sequence") for request in receiver.at(path)]


def make_due():
    Delivery.objects.pending().update(next_attempt_at=timezone.now())


@pytest.fixture(name="other")
def another_webhook(receiver, webhook):  # pylint: disable=unused-argument
    return Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/other"))


def test_each_webhook_counts_its_own_messages_in_the_order_in_which_they_became_due(webhook, other, receiver):
    owe(webhook, 3)
    owe(other, 2)
    deliver_due()
    owe(webhook)
    deliver_due()
    assert (numbers(webhook), numbers(other)) == ([1, 2, 3, 4], [1, 2])
    assert (sorted(sent(receiver)), sorted(sent(receiver, "/other"))) == (["1", "2", "3", "4"], ["1", "2"])


def test_message_keeps_its_number_when_it_is_tried_again_and_when_it_is_replayed(webhook, receiver):
    receiver.on("/hook", Reply(status=503), Reply())
    owe(webhook)
    deliver_due()
    owe(webhook)
    make_due()
    deliver_due()
    replay.replay(Delivery.objects.filter(sequence=1))
    deliver_due()
    assert numbers(webhook) == [1, 2]
    assert sorted(sent(receiver)) == ["1", "1", "1", "2"]


@pytest.mark.parametrize("changed", [{"condition": "number == `7`"}, {"shape": "nothing"}])
@pytest.mark.parametrize("before", [0, 1])
def test_what_the_webhook_itself_skips_has_no_number_and_leaves_no_gap(webhook, changed, before):
    """Whether it is its first, or there is a counter already, from which plain messages get theirs with the claim."""
    owe(webhook, before)
    deliver_due()
    skipped = owe(webhook)[0]
    Webhook.objects.filter(pk=webhook.pk).update(**changed)
    deliver_due()
    Webhook.objects.filter(pk=webhook.pk).update(condition="", shape="")
    owe(webhook)
    deliver_due()
    assert numbers(webhook) == [*range(1, before + 1), None, before + 1]
    assert Delivery.objects.get(pk=skipped.pk).state == "skipped"


def test_what_was_cancelled_before_has_no_number_and_leaves_no_gap(webhook):
    (first, _second) = owe(webhook, 2)
    Delivery.objects.filter(pk=first.pk).cancel()
    deliver_due()
    assert numbers(webhook) == [None, 1]


def test_what_could_not_be_made_is_a_message_that_the_receiver_missed(webhook):
    """Its shape is a mistake: the number tells the receiver that there was something."""
    Webhook.objects.filter(pk=webhook.pk).update(shape="abs('text')")
    owe(webhook)
    deliver_due()
    assert numbers(webhook) == [1]


def test_counter_that_was_lost_goes_on_behind_the_last_number(webhook):
    owe(webhook, 2)
    deliver_due()
    SequenceCounter.objects.all().delete()
    owe(webhook)
    deliver_due()
    assert numbers(webhook) == [1, 2, 3]


def test_counter_that_another_worker_makes_at_the_same_moment_is_used(webhook):
    owe(webhook)
    with as_if_two_did_it(SequenceCounter):
        deliver_due()
    assert numbers(webhook) == [1]


def test_claim_that_somebody_else_has_by_now_is_not_numbered(webhook):
    """A worker that slept over its lease."""
    owe(webhook)
    (mine,) = Delivery.objects.all()
    Delivery.objects.claim([mine.pk], uuid.uuid4(), deliver.lease())
    assert numbering.number([mine], uuid.uuid4()) == {mine.pk}
    assert numbers(webhook) == [None]
    assert not SequenceCounter.objects.exclude(last=0).exists()


# --- Several workers


@pytest.fixture(name="server")
def a_database_server():
    if connection.vendor == "sqlite":
        pytest.skip("its writers come one after the other")


def at_once(*functions):
    """In threads of their own, each with its connection."""

    def run(function):
        try:
            function()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("server")
def test_workers_at_once_give_each_number_once_and_none_too_many(webhook, other, receiver, settings):
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_BATCH_SIZE": 10}
    owe(webhook, 150)
    owe(other, 50)
    at_once(deliver_due, deliver_due, deliver_due)
    assert sorted(numbers(webhook)) == list(range(1, 151))
    assert sorted(numbers(other)) == list(range(1, 51))
    assert sorted(map(int, sent(receiver))) == list(range(1, 151))
    assert dict(SequenceCounter.objects.values_list("webhook_id", "last")) == {webhook.pk: 150, other.pk: 50}


@pytest.mark.usefixtures("server")
def test_counter_that_is_locked_holds_up_no_other_webhook(webhook, other, receiver, monkeypatch):
    """A machine died while it had the lock, and the database has not noticed yet."""
    monkeypatch.setattr(numbering, "_WAITS_SECONDS", (0.01,))
    owe(webhook)
    owe(other)
    SequenceCounter.objects.bulk_create([SequenceCounter(webhook=webhook), SequenceCounter(webhook=other)])
    with transaction.atomic():
        SequenceCounter.objects.lock([webhook.pk])
        at_once(lambda: deliver_due(max_seconds=0.3))
    assert (sent(receiver), sent(receiver, "/other")) == ([], ["1"])
    deliver_due()
    assert sent(receiver) == ["1"]


@pytest.mark.usefixtures("server")
def test_no_learner_waits_for_the_numbers(webhook, log_in):
    owe(webhook, 3)
    holder, claimed = uuid.uuid4(), list(Delivery.objects.order_by("pk"))
    Delivery.objects.claim([delivery.pk for delivery in claimed], holder, deliver.lease())
    with transaction.atomic():
        assert numbering.number(claimed, holder) == set()
        thread = threading.Thread(target=lambda: (log_in(), connections.close_all()))
        thread.start()
        thread.join(5)
        assert not thread.is_alive()
    assert numbers(webhook) == [1, 2, 3, None]


DIES = """
import os, signal
import django
django.setup()
from openedx_webhooks.models.sequence import SequenceCounterQuerySet
from openedx_webhooks.webhooks.deliver import deliver_due
SequenceCounterQuerySet.update = lambda *_args, **_kwargs: os.kill(os.getpid(), signal.SIGKILL)
deliver_due()
"""


@pytest.mark.usefixtures("server")
def test_worker_that_is_killed_between_the_numbers_and_the_counter_leaves_neither(webhook, receiver):
    owe(webhook, 3)
    url = os.environ["TEST_DATABASE_URL"].rpartition("/")[0]
    environment = {**os.environ, "TEST_DATABASE_URL": f"{url}/{connection.settings_dict['NAME']}"}
    died = subprocess.run([sys.executable, "-c", DIES], env=environment, check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    assert Delivery.objects.exclude(claimed_by=None).count() == 3
    assert numbers(webhook) == [None] * 3
    Delivery.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    deliver_due()
    assert numbers(webhook) == [1, 2, 3]
    assert sorted(sent(receiver)) == ["1", "2", "3"]


def test_counter_that_somebody_wrote_to_the_end_of_its_column_stops_nobody(webhook, other, receiver):
    """Its webhook's messages go without a number."""
    owe(webhook)
    deliver_due()
    SequenceCounter.objects.filter(webhook=webhook).update(last=2**63 - 2)
    owe(webhook, 2)
    owe(other)
    assert deliver_due().delivered == 3
    assert numbers(webhook) == [1, 2**63 - 1, None] and numbers(other) == [1]
