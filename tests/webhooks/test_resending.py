"""Many at once, step by step: which are sent, which are left and why, and to whom."""

# pylint: disable=unused-argument
from datetime import timedelta

import pytest
from django.utils import timezone

from openedx_webhooks.models import CapturedEvent, Delivery, Webhook
from openedx_webhooks.webhooks import resending
from openedx_webhooks.webhooks.deliver import deliver_due

from .conftest import LOGIN, as_if_two_did_it, happened, owe

pytestmark = pytest.mark.django_db(transaction=True)


def resend(**choice):
    """What became of each, after the same was counted."""
    choice = resending.Choice(**choice)
    before = list(Delivery.objects.order_by("pk").values_list("pk", "state", "next_attempt_at"))
    counted = resending.advance(choice, resending.Progress(), act=False)
    assert list(Delivery.objects.order_by("pk").values_list("pk", "state", "next_attempt_at")) == before
    done: resending.Progress = resending.advance(choice, resending.Progress(), act=True)
    assert done.tally == counted.tally
    return {key: count for key, count in done.tally.items() if count}


@pytest.fixture
def other(webhook, receiver):
    """Another webhook for the same event."""
    return Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/other"))


def one_of_each(webhook):
    """The numbers of deliveries in each state, and of one whose payload is gone."""
    deliveries = [owe(webhook, state=state, next_attempt_at=None)[0] for state in Delivery.State.values]
    gone = owe(webhook, state="failed", next_attempt_at=None)[0]
    CapturedEvent.objects.filter(pk=gone.event_id).update(payload=None)
    return (*(delivery.pk for delivery in deliveries), gone.pk)


@pytest.mark.parametrize(
    "choice, tally",
    [
        ({}, {"done": 3, "running": 1, "delivered": 1, "removed": 1}),
        ({"with_delivered": True}, {"done": 4, "running": 1, "removed": 1}),
        ({"verb": "cancel"}, {"done": 1, "final": 5}),
        ({"verb": "retry"}, {"done": 1, "final": 5}),
    ],
)
def test_each_is_counted_as_what_becomes_of_it(webhook, choice, tally):
    assert resend(deliveries=one_of_each(webhook), **choice) == tally


def test_another_webhook_gets_them_once(webhook, other, receiver):
    chosen = one_of_each(webhook)
    assert resend(deliveries=chosen, to=other) == {"done": 5, "removed": 1}
    assert resend(deliveries=chosen, to=other) == {"running": 5, "removed": 1}
    deliver_due()
    assert len(receiver.at("/other")) == 5
    assert resend(deliveries=chosen, to=other) == {"delivered": 5, "removed": 1}
    assert resend(deliveries=chosen, to=other, with_delivered=True) == {"done": 5, "removed": 1}


def test_its_condition_counts(webhook, other):
    events = happened(4)
    Webhook.objects.filter(pk=other.pk).update(condition="number >= `1`")
    other.refresh_from_db()
    chosen = tuple(event.pk for event in events)
    assert resend(events=chosen, to=Webhook.objects.get(pk=other.pk)) == {"done": 3, "unmatched": 1}


@pytest.mark.parametrize("step", [2, 500])
def test_those_of_a_webhook_in_a_time(webhook, other, monkeypatch, step):
    monkeypatch.setattr(resending, "_STEP", step)
    monkeypatch.setattr(resending, "_LOOKED_AT", step)
    now = timezone.now()
    for hours in range(6):
        owe(webhook, state="failed" if hours % 2 else "delivered", created=now - timedelta(hours=hours))
    owe(webhook, 3, state="failed", created=now - timedelta(hours=3))
    owe(other, state="failed", created=now - timedelta(hours=3))
    owe(other, created=now - timedelta(hours=3))
    # It happened in that time, and was given up after it.
    owe(webhook, state="failed", created=now - timedelta(hours=3), finished_at=now)
    span = {"since": now - timedelta(hours=4), "until": now - timedelta(hours=2)}
    assert resend(webhook_id=webhook.pk, states=("failed",), **span) == {"done": 4}
    assert resend(webhook_id=webhook.pk, states=("pending",), verb="cancel") == {"done": 4}


def test_of_a_webhook_that_is_being_removed_nothing(webhook):
    delivery = owe(webhook, state="failed")[0]
    Webhook.objects.update(removing_since=timezone.now())
    assert resend(deliveries=(delivery.pk,)) == {"gone": 1}


def test_it_stops_when_the_time_is_over_and_goes_on_where_it_was(webhook, monkeypatch, settings):
    settings.OPENEDX_WEBHOOKS = {"REPLAY_PER_SECOND": 1}
    monkeypatch.setattr(resending, "_STEP", 3)
    deliveries = owe(webhook, 8, state="failed", next_attempt_at=None)
    choice = resending.Choice(deliveries=tuple(delivery.pk for delivery in deliveries))
    progress, calls = resending.Progress(), 0
    while not progress.is_over:
        resending.advance(choice, progress, act=True, seconds=0.000001)
        calls += 1
    assert (progress.tally["done"], calls) == (8, 3)
    moments = Delivery.objects.order_by("pk").values_list("next_attempt_at", flat=True)
    assert [round((at - progress.started).total_seconds()) for at in moments] == list(range(8))


def test_events_without_payload_are_passed_over(webhook, monkeypatch):
    monkeypatch.setattr(resending, "_STEP", 2)
    monkeypatch.setattr(resending, "_LOOKED_AT", 4)
    events = happened(9)
    CapturedEvent.objects.filter(pk__in=[event.pk for event in events[:3]]).update(payload=None)
    choice = {"past": resending.Past(LOGIN), "to": webhook}
    assert resend(**choice) == {"done": 6, "removed": 3}
    assert resend(**choice) == {"had": 6, "removed": 3}


@pytest.mark.parametrize("step", [1, 2, 500])
def test_no_more_than_the_limit_are_sent_in_however_many_steps(webhook, monkeypatch, step):
    monkeypatch.setattr(resending, "_STEP", step)
    happened(5)
    choice = resending.Choice(past=resending.Past(LOGIN), to=webhook, limit=3)
    progress = resending.advance(choice, resending.Progress(), act=True)
    assert (progress.tally["done"], progress.is_cut, Delivery.objects.count()) == (3, True, 3)


def test_what_is_owed_to_somebody_is_no_sample_any_more(webhook):
    events = happened(2, is_sample=True)
    assert resend(events=(events[0].pk,), to=webhook) == {"done": 1}
    assert list(CapturedEvent.objects.order_by("pk").values_list("is_sample", flat=True)) == [False, True]


def test_what_somebody_else_owes_at_the_same_moment_is_owed_once(webhook):
    choice = resending.Choice(past=resending.Past(LOGIN), to=webhook)
    happened(2)
    with as_if_two_did_it(Delivery):
        resending.advance(choice, resending.Progress(), act=True)
    assert Delivery.objects.count() == 2
