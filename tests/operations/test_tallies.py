"""Attempts and calls are counted once, whoever counts, dies, purges or sends again meanwhile."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from openedx_webhooks import histogram
from openedx_webhooks.histogram import Histogram, bucket_of
from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Tally, TallyMark, Webhook
from openedx_webhooks.operations import chores, metrics, tallies, workers
from openedx_webhooks.webhooks import deliver

pytestmark = pytest.mark.django_db
EVENT = "org.openedx.learning.auth.session.login.completed.v1"
FILTER = "org.openedx.learning.student.login.requested.v1"


@pytest.fixture(autouse=True)
def _settled(monkeypatch):
    """What was just written counts."""
    monkeypatch.setattr(tallies, "_SETTLED", timedelta())


@pytest.fixture(name="webhook")
def _webhook():
    return Webhook.objects.create(event=EVENT, webhook_url="https://example.com/")


def attempts(webhook, count=1, **ago):
    """Attempts of one delivery."""
    moment = timezone.now() - timedelta(**ago)
    number = f"{Delivery.objects.count():032x}"
    event = CapturedEvent.objects.create(event_id=number, event_type=EVENT, time=moment, payload={})
    delivery = Delivery.objects.create(webhook=webhook, event=event, created=moment)
    for _ in range(count):
        Attempt.objects.create(delivery=delivery, started_at=moment, duration=0.1, status_code=200)
    return delivery


def count():
    """What a worker does now and then."""
    tallies.count(tallies.ATTEMPTS)
    # What was there when it looked before.
    tallies.count(tallies.ATTEMPTS)


def counted(span=Tally.Span.HOUR) -> int:
    """How many attempts the tallies have."""
    return sum(Histogram(row.counts).tally.total() for row in Tally.objects.filter(span=span).exclude(webhook=None))


def test_each_is_counted_once_however_often_and_in_whatever_chunks(webhook, monkeypatch):
    monkeypatch.setattr(tallies, "_CHUNK", 2)
    for expected in (3, 6):
        attempts(webhook, 2)
        attempts(webhook)
        count()
        count()
        assert counted() == counted(Tally.Span.DAY) == expected
    (row,) = Tally.objects.filter(span=Tally.Span.HOUR)
    assert row.counts == {"accepted": {bucket_of(0.1): 6}}


def test_each_hour_of_a_day_and_each_hook_keeps_its_own(webhook):
    other = Webhook.objects.create(event=EVENT, webhook_url="https://example.org/")
    midnight = tallies.start_of(timezone.now(), Tally.Span.DAY) - timedelta(days=1)
    for hours, hook in ((0, webhook), (5, webhook), (5, other), (0, other), (23, webhook)):
        attempts(hook)
        Attempt.objects.filter(pk=Attempt.objects.latest("pk").pk).update(started_at=midnight + timedelta(hours=hours))
        count()
    rows = Tally.objects.filter(span=Tally.Span.HOUR).values_list("webhook_id", "start__hour")
    assert sorted(rows) == sorted([(webhook.pk, 0), (webhook.pk, 5), (webhook.pk, 23), (other.pk, 0), (other.pk, 5)])
    assert counted() == counted(Tally.Span.DAY) == 5


def test_what_was_there_before_is_counted_as_far_as_pages_look_back(webhook):
    attempts(webhook, 5, days=40)
    attempts(webhook, 2, days=20)
    attempts(webhook)
    count()
    assert counted(Tally.Span.DAY) == 3
    assert {row.start.hour for row in Tally.objects.filter(span=Tally.Span.DAY)} == {0}


def test_the_last_seconds_wait_for_rows_that_are_not_committed_yet(webhook, monkeypatch):
    monkeypatch.setattr(tallies, "_SETTLED", timedelta(seconds=10))
    attempts(webhook)
    count()
    assert counted() == 0
    TallyMark.objects.update(seen_at=timezone.now() - timedelta(seconds=11))
    attempts(webhook)
    count()
    assert counted() == 1


def test_a_clock_that_was_ahead_holds_nothing_up(webhook, monkeypatch):
    monkeypatch.setattr(tallies, "_SETTLED", timedelta(seconds=10))
    attempts(webhook)
    count()
    TallyMark.objects.update(seen_at=timezone.now() + timedelta(days=9))
    count()
    assert counted() == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_while_it_writes_has_counted_nothing(webhook, monkeypatch):
    attempts(webhook)
    count()
    attempts(webhook)
    with monkeypatch.context() as dying:
        dying.setattr(TallyMark, "save", lambda *_args, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            count()
    assert counted() == 1
    count()
    assert counted() == 2


def test_what_happens_to_a_delivery_later_changes_nothing(webhook, receiver, settings):
    Webhook.objects.update(webhook_url=receiver.url("/ok"))
    settings.OPENEDX_WEBHOOKS = {"RETENTION_ROW_DAYS": 1}
    attempts(webhook, days=2)
    deliver.deliver_due()
    count()
    assert counted(Tally.Span.DAY) == 2
    Delivery.objects.replay(per_second=1)
    count()
    assert counted(Tally.Span.DAY) == 2
    Delivery.objects.cancel()
    call_command("webhooks_purge", "--older-than", "0", verbosity=0)
    assert not Attempt.objects.exists()
    count()
    assert counted(Tally.Span.DAY) == 2


def test_a_replay_makes_attempts_of_its_own(webhook, receiver):
    Webhook.objects.update(webhook_url=receiver.url("/ok"))
    attempts(webhook)
    for expected in (2, 3):
        deliver.deliver_due()
        count()
        assert counted() == expected
        Delivery.objects.replay(per_second=1)


def test_a_table_that_was_emptied_begins_anew(webhook):
    attempts(webhook, 3)
    count()
    TallyMark.objects.update(counted_to=10**9, seen_to=10**9)
    count()
    attempts(webhook)
    count()
    assert counted() == 4


def test_the_tallies_of_a_hook_go_with_it(webhook):
    attempts(webhook)
    count()
    webhook.delete()
    assert not Tally.objects.exists()


def test_workers_count_attempts_and_events_and_forget_what_no_page_shows(webhook):
    attempts(webhook)
    old = {"span": Tally.Span.DAY, "start": timezone.now() - timedelta(days=36)}
    Tally.objects.create(webhook=webhook, counts={"accepted": {"": 1}}, **old)
    chores.run_when_due()
    assert [tuple(row.counts) for row in Tally.objects.exclude(webhook=None)] == [("accepted",)] * 2
    assert [row.counts for row in Tally.objects.filter(webhook=None)] == [{"captured": {"": 1}}] * 2


def test_a_database_that_is_away_is_told_not_raised(monkeypatch, caplog):
    def away(*_args):
        raise DatabaseError("gone")

    monkeypatch.setattr(tallies, "count", away)
    tallies.run_when_due()
    assert "counted later" in caplog.text


@pytest.mark.parametrize("seconds", [0.001, 0.0042, 0.0837, 0.2, 1, 4.99, 15, 119, 250])
def test_a_percentile_is_less_than_ten_percent_off(seconds):
    found = Histogram()
    found.add("accepted", bucket_of(seconds))
    assert found.percentiles([0.5]) == [pytest.approx(seconds, rel=0.1)]


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_what_is_no_duration_is_not_timed(seconds):
    assert bucket_of(seconds) == histogram.UNTIMED


def test_however_long_something_takes_there_are_few_buckets():
    assert bucket_of(10**9) == bucket_of(10**6) == "144"


@pytest.mark.parametrize(
    "stored", ["no JSON", "[]", "5", '{"accepted": 5}', '{"accepted": {"": "1"}}', '{"accepted": {"": -1}}',
               '{"accepted": {"": 1e400}}', '{"accepted": {"999": 1}}', '{"accepted": {"": true}}',
               '{"accepted": {"": 1%s}}' % ("0" * 30)]
)  # fmt: skip
def test_tally_that_somebody_wrote_to_counts_as_nothing_on_all_pages_and_can_be_added_to(webhook, admin_client, stored):
    attempts(webhook)
    count()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE openedx_webhooks_tally SET counts = %s", [stored])
    for place in ("webhook/", f"webhook/{webhook.pk}/change/", "overview/"):
        assert admin_client.get(f"/admin/openedx_webhooks/{place}").status_code == 200
    assert b'outcome="accepted"} 0.0' in metrics.render("")[0]
    attempts(webhook, 2)
    count()
    assert counted() == 2


def test_a_chore_that_fails_keeps_no_other_from_its_turn(webhook, monkeypatch, caplog):
    """What one row makes the first of them raise must not keep the last from purging."""

    def fail():
        raise ValueError("SECRET of this row")

    monkeypatch.setattr(workers, "note", fail)
    cache.clear()  # whose turn it is
    attempts(webhook, days=40)
    Delivery.objects.update(state="delivered", finished_at=timezone.now() - timedelta(days=40))
    chores.run_when_due()
    assert not Attempt.objects.exists()
    assert "A chore failed" in caplog.text and "SECRET" not in caplog.text
