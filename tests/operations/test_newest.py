"""Finding the newest rows: the same rows as a plain query's, whichever way they are found."""

import itertools
from datetime import timedelta

import pytest
from django.db.models import Q
from django.utils import timezone

from openedx_webhooks.models import Delivery, Webhook
from openedx_webhooks.operations import newest

from ..admin.conftest import LOGIN, make_event

pytestmark = pytest.mark.django_db
NOW = timezone.now()
CONDITIONS = {
    "webhook": newest.Condition(Q(webhook_id=1), "webhook", is_single=True),
    "webhooks": newest.Condition(Q(webhook_id__in=[1, 2]), "webhook"),
    "failed": newest.Condition(Q(state="failed"), "state", is_single=True),
    "since": newest.Condition(Q(created__gte=NOW - timedelta(minutes=30)), "created"),
    "until": newest.Condition(Q(created__lte=NOW - timedelta(minutes=10)), "created"),
    "odd": newest.Condition(Q(attempt_count=1)),
}


@pytest.fixture
def deliveries(db):  # pylint: disable=unused-argument
    """Sixty of three webhooks, one a minute."""
    hooks = [Webhook.objects.create(pk=pk, event=LOGIN, webhook_url="https://example.com/") for pk in (1, 2, 3)]
    for minute in range(60):
        Delivery.objects.create(
            webhook=hooks[minute % 3],
            event=make_event(),
            state="failed" if minute % 5 == 0 else "delivered",
            attempt_count=minute % 2,
            created=NOW - timedelta(minutes=60 - minute),
        )


@pytest.mark.usefixtures("deliveries")
@pytest.mark.parametrize("counted, window", [(5000, 20_000), (5, 4), (3, 1000)])
def test_they_are_those_of_a_plain_query(monkeypatch, counted, window):
    """Whatever up to three conditions are combined."""
    monkeypatch.setattr(newest, "COUNTED", counted)
    monkeypatch.setattr(newest, "_WINDOW", window)
    monkeypatch.setattr(newest, "_SECONDS", 60)
    for names in (each for size in (1, 2, 3) for each in itertools.combinations(CONDITIONS, size)):
        chosen = [CONDITIONS[name] for name in names]
        plain = Delivery.objects.filter(*(condition.q for condition in chosen)).order_by("-pk")
        found = newest.newest(Delivery.objects.all(), chosen, "created")
        assert found.ids == [delivery.pk for delivery in plain[:counted]], names
        assert found.back_to is None, names


@pytest.mark.usefixtures("deliveries")
def test_when_the_time_is_over_it_says_how_far_it_looked(monkeypatch):
    monkeypatch.setattr(newest, "COUNTED", 50)
    monkeypatch.setattr(newest, "_WINDOW", 9)
    monkeypatch.setattr(newest, "_SECONDS", 0)
    found = newest.newest(Delivery.objects.all(), [CONDITIONS["odd"]], "created")
    assert found.is_cut
    # The tenth newest was not looked at.
    assert abs(found.back_to - (NOW - timedelta(minutes=10))) < timedelta(seconds=1)
