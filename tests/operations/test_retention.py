"""What is removed when: payloads after days, rows after weeks, and nothing that is still owed."""

# pylint: disable=protected-access
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from openedx_webhooks import tasks
from openedx_webhooks.background import process
from openedx_webhooks.models import Attempt, Call, CapturedEvent, Delivery, Webfilter, Webhook
from openedx_webhooks.models.delivery import FINAL_STATES
from openedx_webhooks.operations import retention, retention_records, retention_turns
from openedx_webhooks.webhooks import replay, wakeups

pytestmark = pytest.mark.django_db
EVENT = "org.openedx.learning.auth.session.login.completed.v1"
FILTER = "org.openedx.learning.student.login.requested.v1"
State = Delivery.State
_numbers = count(1)


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch):
    monkeypatch.setattr(retention_records, "_LOOK_ROWS", 3)
    monkeypatch.setattr(retention, "_STEP_ROWS", 2)


@pytest.fixture(autouse=True)
def _never_run():
    process.forget()
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(name="webhook")
def make_webhook():
    """A webhook."""
    return Webhook.objects.create(event=EVENT, webhook_url="https://example.com/")


@pytest.fixture(name="webfilter")
def make_webfilter():
    """A webfilter."""
    return Webfilter.objects.create(event=FILTER, webhook_url="https://example.com/")


def days_ago(days):
    """A moment."""
    return timezone.now() - timedelta(days=days)


def deliver(webhook, age, state=State.DELIVERED, attempts=1):
    """A delivery of so many days ago, with attempts."""
    event = happened(age)
    delivery = Delivery.objects.create(webhook=webhook, event=event, state=state, created=event.created)
    for _ in range(attempts):
        Attempt.objects.create(
            delivery=delivery, started_at=delivery.created, request_excerpt="sent", response_excerpt="hello"
        )
    return delivery


def happened(age, **fields):
    """An event of so many days ago."""
    moment = days_ago(age)
    return CapturedEvent.objects.create(
        event_id=f"{next(_numbers):032x}", event_type=EVENT, time=moment, created=moment, payload={"a": 1}, **fields
    )


def call(webfilter, age, result="passed"):
    """A call of so many days ago."""
    return Call.objects.create(
        webfilter=webfilter,
        mode="enforce",
        result=result,
        started_at=days_ago(age),
        request_body={"a": 1},
        response_excerpt="hello",
    )


def what_is_left(delivery):
    """``gone``, ``emptied`` or ``full``, of a delivery, its event and its attempts alike."""
    event = CapturedEvent.objects.filter(pk=delivery.event_id).first()
    excerpts = set(Attempt.objects.filter(delivery_id=delivery.pk).values_list("request_excerpt", "response_excerpt"))
    if not Delivery.objects.filter(pk=delivery.pk).exists():
        assert not excerpts and event is None
        return "gone"
    is_emptied = event.payload is None
    assert excerpts == {("", "") if is_emptied else ("sent", "hello")}
    return "emptied" if is_emptied else "full"


AGES = [(0, "full"), (6.9, "full"), (7.1, "emptied"), (29.9, "emptied"), (30.1, "gone"), (4000, "gone")]


class TestAges:
    """By default: 7 days for payloads, 30 for rows."""

    @pytest.mark.parametrize("state", FINAL_STATES)
    @pytest.mark.parametrize("age, expected", AGES)
    def test_of_a_finished_delivery(self, webhook, state, age, expected):
        delivery = deliver(webhook, age, state)
        retention.purge(retention.Purge())
        assert what_is_left(delivery) == expected

    @pytest.mark.parametrize("age", [0, 8, 31, 4000])
    def test_what_is_pending_is_not_touched(self, webhook, age):
        delivery = deliver(webhook, age, State.PENDING)
        retention.purge(retention.Purge())
        assert what_is_left(delivery) == "full"

    @pytest.mark.parametrize("age, expected", AGES)
    def test_of_a_call(self, webfilter, age, expected):
        call(webfilter, age)
        retention.purge(retention.Purge())
        left = list(Call.objects.values_list("request_body", "response_excerpt"))
        assert left == {"gone": [], "emptied": [(None, "")], "full": [({"a": 1}, "hello")]}[expected]

    @pytest.mark.parametrize(
        "payload_days, row_days, expected",
        [
            (0, 0, ["full", "full", "full"]),
            (0, 30, ["full", "full", "gone"]),
            (7, 0, ["full", "emptied", "emptied"]),
            (30, 7, ["full", "gone", "gone"]),
            (0.5, 10**9, ["emptied", "emptied", "emptied"]),
        ],
    )
    def test_are_settings_and_0_is_for_ever(self, webhook, settings, payload_days, row_days, expected):
        settings.OPENEDX_WEBHOOKS = {"RETENTION_PAYLOAD_DAYS": payload_days, "RETENTION_ROW_DAYS": row_days}
        deliveries = [deliver(webhook, age) for age in (1, 10, 40)]
        retention.purge(retention.Purge())
        assert [what_is_left(delivery) for delivery in deliveries] == expected

    @pytest.mark.parametrize("name", ["RETENTION_PAYLOAD_DAYS", "RETENTION_ROW_DAYS"])
    @pytest.mark.parametrize("days", [-1, "7", None, True, float("nan"), [7]])
    def test_that_are_none_are_refused(self, settings, name, days):
        settings.OPENEDX_WEBHOOKS = {name: days}
        with pytest.raises(ImproperlyConfigured, match=name):
            retention.purge(retention.Purge())

    @pytest.mark.parametrize("age, expected", AGES)
    def test_of_a_sample_that_nothing_is_owed_of(self, age, expected):
        happened(age, is_sample=True)
        retention.purge(retention.Purge())
        left = list(CapturedEvent.objects.values_list("payload", flat=True))
        assert left == {"gone": [], "emptied": [None], "full": [{"a": 1}]}[expected]

    def test_are_counted_for_each_record_alone(self, webhook, webfilter):
        deliver(webhook, 40)
        events = [happened(age, is_sample=True).pk for age in (1, 10, 40)]
        calls = [call(webfilter, age).pk for age in (1, 10, 40)]
        retention.purge(retention.Purge())
        assert dict(CapturedEvent.objects.values_list("pk", "payload")) == {events[0]: {"a": 1}, events[1]: None}
        assert dict(Call.objects.values_list("pk", "request_body")) == {calls[0]: {"a": 1}, calls[1]: None}

    def test_of_an_event_are_those_of_what_is_still_owed_of_it(self, webhook):
        """One webhook has it, another is still owed it: the payload stays for that one."""
        delivered = deliver(webhook, 40)
        other = Webhook.objects.create(event=EVENT, webhook_url="https://example.com/")
        owed = Delivery.objects.create(webhook=other, event_id=delivered.event_id, created=days_ago(40))
        retention.purge(retention.Purge())
        assert list(Delivery.objects.all()) == [owed]
        assert CapturedEvent.objects.get().payload == {"a": 1}
        Delivery.objects.update(state=State.DELIVERED)
        retention.purge(retention.Purge())
        assert not CapturedEvent.objects.exists() and not Delivery.objects.exists()


class TestOwnTerms:
    """What a hook, or RETENTION_FAILED_DAYS, says otherwise."""

    @pytest.mark.parametrize(
        "own, expected",
        [
            ({}, ["full", "emptied", "emptied", "gone"]),
            ({"payload_days": 1}, ["emptied", "emptied", "emptied", "gone"]),
            ({"payload_days": 12}, ["full", "full", "emptied", "gone"]),
            ({"row_days": 60}, ["full", "emptied", "emptied", "emptied"]),
            ({"row_days": 8, "payload_days": 60}, ["full", "gone", "gone", "gone"]),
            ({"payload_days": 60, "row_days": 60}, ["full", "full", "full", "full"]),
            # Past the form: as if there were none.
            ({"payload_days": 0, "row_days": 0}, ["full", "emptied", "emptied", "gone"]),
            # What was delivered before the option was chosen goes, too.
            ({"keep_payloads": False}, ["emptied", "emptied", "emptied", "gone"]),
            ({"failed_days": 60}, ["full", "emptied", "emptied", "gone"]),
        ],
    )
    def test_of_a_webhook_are_for_its_deliveries_alone(self, webhook, own, expected):
        other = Webhook.objects.create(event=EVENT, webhook_url="https://example.org/")
        Webhook.objects.filter(pk=webhook.pk).update(**own)
        deliveries = [deliver(webhook, age) for age in (2, 10, 20, 40)]
        others = [deliver(other, age) for age in (2, 10, 20, 40)]
        retention.purge(retention.Purge())
        assert [what_is_left(delivery) for delivery in deliveries] == expected
        assert [what_is_left(delivery) for delivery in others] == ["full", "emptied", "emptied", "gone"]

    @pytest.mark.parametrize(
        "site, own, expected",
        [
            (None, None, ["emptied", "gone", "gone"]),
            (20, None, ["full", "gone", "gone"]),
            (60, None, ["full", "full", "gone"]),
            (0, None, ["full", "full", "full"]),
            (None, 60, ["full", "full", "gone"]),
            (0, 60, ["full", "full", "gone"]),
            # At least: what is shorter than the others changes nothing.
            (1, 2, ["emptied", "gone", "gone"]),
        ],
    )
    def test_of_failures_are_longer_if_asked(self, webhook, webfilter, settings, site, own, expected):
        settings.OPENEDX_WEBHOOKS = {"RETENTION_FAILED_DAYS": site}
        for hook in (webhook, webfilter):
            type(hook).objects.update(failed_days=own)
        failed = [deliver(webhook, age, State.FAILED) for age in (10, 40, 70)]
        delivered = [deliver(webhook, age) for age in (10, 40, 70)]
        calls = [call(webfilter, age, "ignored").pk for age in (10, 40, 70)]
        retention.purge(retention.Purge())
        assert [what_is_left(delivery) for delivery in failed] == expected
        assert [what_is_left(delivery) for delivery in delivered] == ["emptied", "gone", "gone"]
        bodies = dict(Call.objects.values_list("pk", "request_body"))
        assert ["gone" if pk not in bodies else "full" if bodies[pk] else "emptied" for pk in calls] == expected

    def test_of_webhooks_that_share_an_event_are_the_longest_of_all(self, webhook):
        """The payload is needed by the one; the other's attempts go when their time is over."""
        patient = Webhook.objects.create(event=EVENT, webhook_url="https://example.org/", payload_days=20, row_days=60)
        delivery = deliver(webhook, 10)
        Delivery.objects.create(webhook=patient, event_id=delivery.event_id, state="delivered", created=days_ago(10))
        retention.purge(retention.Purge())
        assert not Attempt.objects.exclude(request_excerpt="").exists()
        assert CapturedEvent.objects.get().payload
        CapturedEvent.objects.update(created=days_ago(21))
        Delivery.objects.update(created=days_ago(21))
        retention.purge(retention.Purge())
        assert CapturedEvent.objects.get().payload is None

    def test_do_not_count_for_what_the_command_is_told(self, webhook):
        """Of one webhook: the payloads of events that it shares stay, for others keep them by the settings."""
        Webhook.objects.update(payload_days=60, row_days=60)
        other = Webhook.objects.create(event=EVENT, webhook_url="https://example.org/")
        shared, own = deliver(webhook, 3), deliver(webhook, 3)
        Delivery.objects.create(webhook=other, event_id=shared.event_id, state="delivered", created=days_ago(3))
        retention.purge(retention.Purge(days_ago(2), payloads_only=True, webhook_id=webhook.pk))
        assert what_is_left(own) == "emptied"
        assert CapturedEvent.objects.get(pk=shared.event_id).payload
        retention.purge(retention.Purge(days_ago(2)))
        assert not Delivery.objects.exists() and not CapturedEvent.objects.exists()

    def test_payload_of_a_retired_user_goes_when_nothing_is_owed(self, webhook):
        """Should the worker that delivered the last have left it."""
        Webhook.objects.update(payload_days=60)
        for state in (State.DELIVERED, State.PENDING):
            delivery = deliver(webhook, 61, state)
            CapturedEvent.objects.filter(pk=delivery.event_id).update(keep_payload=False, created=days_ago(1))
            retention.purge(retention.Purge())
            left = CapturedEvent.objects.filter(pk=delivery.event_id, payload__isnull=False).exists()
            assert left is (state == State.PENDING)


class TestSteps:
    """Many rows, a few at a time."""

    def test_all_of_many_of_the_same_moment_are_reached(self, webhook):
        old, older = [deliver(webhook, 0) for _ in range(11)], [deliver(webhook, 0) for _ in range(11)]
        for deliveries, age in ((old, 10), (older, 40)):
            Delivery.objects.filter(pk__in=[one.pk for one in deliveries]).update(created=days_ago(age))
            CapturedEvent.objects.filter(pk__in=[one.event_id for one in deliveries]).update(created=days_ago(age))
        counts = retention.purge(retention.Purge())
        assert (counts.emptied, counts.deleted) == (11, 11)
        assert {what_is_left(delivery) for delivery in old} == {"emptied"}
        assert {what_is_left(delivery) for delivery in older} == {"gone"}

    def test_old_pending_deliveries_do_not_stand_in_the_way(self, webhook):
        pending = [deliver(webhook, 50, State.PENDING) for _ in range(7)]
        finished = deliver(webhook, 40)
        retention.purge(retention.Purge())
        assert what_is_left(finished) == "gone"
        assert {what_is_left(delivery) for delivery in pending} == {"full"}

    def test_an_excerpt_that_came_after_the_payload_was_emptied_goes_too(self, webhook):
        delivery = deliver(webhook, 8)
        CapturedEvent.objects.update(payload=None)
        retention.purge(retention.Purge())
        assert what_is_left(delivery) == "emptied"

    def test_a_second_run_finds_nothing(self, webhook, webfilter):
        for age in (10, 40):
            deliver(webhook, age)
            call(webfilter, age)
        retention.purge(retention.Purge())
        assert retention.purge(retention.Purge()) == retention.Counts()

    def test_payloads_are_not_read(self, webhook, django_assert_max_num_queries):
        for age in (10, 10, 40, 40):
            deliver(webhook, age)
        with django_assert_max_num_queries(60) as queries:
            retention.purge(retention.Purge())
        selects = [query["sql"].split("FROM")[0] for query in queries.captured_queries if "SELECT" in query["sql"]]
        assert selects and not [sql for sql in selects if '"payload"' in sql or "excerpt" in sql]

    def test_no_step_is_begun_when_the_time_is_over(self, webhook):
        delivery = deliver(webhook, 40)
        assert retention.purge(retention.Purge(), max_seconds=0).out_of_time
        assert what_is_left(delivery) == "full"

    def test_the_progress_is_told(self, webhook):
        for _ in range(5):
            deliver(webhook, 40)
        told = []
        retention.purge(retention.Purge(), tick=lambda counts: told.append(counts.deleted))
        assert told == [2, 3, 5]

    def test_a_count_is_what_a_purge_does(self, webhook, webfilter):
        for age in (1, 10, 10, 40):
            deliver(webhook, age)
            deliver(webhook, age, State.PENDING)
            call(webfilter, age)
        what = retention.Purge()
        assert retention.count(what) == retention.Counts(emptied=4, deleted=2) == retention.purge(what)

    def test_the_delivery_that_is_replayed_meanwhile_stays(self, webhook, monkeypatch):
        delivery, lock = deliver(webhook, 40), retention_records.Records._lock

        def replay_first(records, ids):
            Delivery.objects.update(state=State.PENDING)
            return lock(records, ids)

        monkeypatch.setattr(retention_records.Records, "_lock", replay_first)
        assert retention.purge(retention.Purge()).deleted == 0
        assert what_is_left(delivery) == "full"


class TestByItself:
    """What workers do hourly."""

    def test_it_is_done(self, webhook):
        delivery = deliver(webhook, 40)
        retention_turns.run_when_due()
        assert what_is_left(delivery) == "gone"

    def test_this_process_waits_an_hour(self, webhook, django_assert_num_queries):
        retention_turns.run_when_due()
        deliver(webhook, 40)
        with django_assert_num_queries(0):
            retention_turns.run_when_due()

    def test_another_process_leaves_it_to_the_first(self, webhook, monkeypatch):
        retention_turns.run_when_due()
        delivery = deliver(webhook, 40)
        process.get(retention_turns._Turn).due_at = 0.0
        retention_turns.run_when_due()
        assert what_is_left(delivery) == "full"

    def test_a_run_that_was_out_of_time_is_followed_by_another(self, webhook, monkeypatch):
        deliver(webhook, 40)
        monkeypatch.setattr(retention_turns, "_RUN_SECONDS", 0)
        before = retention_turns.time.monotonic()
        retention_turns.run_when_due()
        assert process.get(retention_turns._Turn).due_at < before + 100

    @pytest.mark.parametrize("place", [None, "x", 3, ("x", 1), (datetime(2026, 1, 1), 1), ("2026-01-01", "1"), {}])
    def test_garbage_in_the_place_of_a_place_is_none(self, webhook, place):
        event = deliver(webhook, 8)
        for kept in ({"since": time.time(), **dict.fromkeys(self.names(), place)}, {"since": place}, place):
            CapturedEvent.objects.filter(pk=event.event_id).update(payload={"a": 1})
            cache.set(retention_turns._PLACE_KEY, kept)
            cache.delete(retention_turns._TURN_KEY)
            process.get(retention_turns._Turn).due_at = 0.0
            retention_turns.run_when_due()
            assert what_is_left(event) == "emptied"

    @staticmethod
    def names():
        """Of the kinds of record."""
        return [records.name for records in retention.Purge().records()]

    def test_payloads_that_were_looked_at_are_looked_at_again_only_the_next_day(self, webhook, monkeypatch):
        first = deliver(webhook, 8)
        retention_turns.run_when_due()
        CapturedEvent.objects.filter(pk=first.event_id).update(payload={"a": 1})
        Attempt.objects.update(request_excerpt="sent", response_excerpt="hello")
        second, seen = deliver(webhook, 7.5), []
        for seconds in (3600, 25 * 3600):
            cache.delete(retention_turns._TURN_KEY)
            process.get(retention_turns._Turn).due_at = 0.0
            now = retention_turns.time.time() + seconds
            monkeypatch.setattr(retention_turns.time, "time", lambda now=now: now)
            retention_turns.run_when_due()
            seen.append([what_is_left(first), what_is_left(second)])
        assert seen[0] == ["full", "emptied"]
        assert seen[1] == ["emptied", "emptied"]

    @pytest.mark.parametrize("error", [DatabaseError("away"), ConnectionError("cache away")])
    def test_nothing_is_raised_and_the_log_says_so(self, monkeypatch, caplog, error):
        def fail(*_args, **_options):
            raise error

        monkeypatch.setattr(retention, "purge", fail)
        retention_turns.run_when_due()
        assert type(error).__name__ in caplog.text

    def test_a_wrong_setting_removes_nothing_and_is_said(self, webhook, settings, caplog):
        settings.OPENEDX_WEBHOOKS = {"RETENTION_ROW_DAYS": "soon"}
        delivery = deliver(webhook, 40)
        retention_turns.run_when_due()
        assert what_is_left(delivery) == "full"
        assert "RETENTION_ROW_DAYS" in caplog.text


class TestWhoDoesIt:
    """Workers and the command, never a request."""

    @pytest.mark.parametrize("eager, expected", [(False, "gone"), (True, "full")])
    def test_the_task_unless_it_runs_in_a_request(self, webhook, monkeypatch, eager, expected):
        monkeypatch.setattr(wakeups, "is_eager", lambda: eager)
        delivery = deliver(webhook, 40)
        tasks.deliver_due()
        assert what_is_left(delivery) == expected

    def test_the_command_that_delivers_without_celery(self, webhook):
        delivery = deliver(webhook, 40)
        call_command("webhooks_deliver", stdout=io.StringIO())
        assert what_is_left(delivery) == "gone"


@pytest.mark.django_db(transaction=True)
def test_two_at_once_and_a_replay_leave_what_is_owed_and_nothing_else(webhook):
    if connection.vendor == "sqlite":
        pytest.skip("the tests' SQLite database is in memory, and each thread would have one of its own")
    deliveries = [deliver(webhook, 40) for _ in range(60)]
    barrier = threading.Barrier(3)

    def purge():
        try:
            barrier.wait()
            return retention.purge(retention.Purge()).deleted
        finally:
            connection.close()

    def owe_again():
        try:
            barrier.wait()
            return replay.replay(Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries[40:]]))
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(purge), pool.submit(purge), pool.submit(owe_again)]
        first, second, owed = [future.result() for future in running]
    assert Delivery.objects.filter(state=State.PENDING).count() == Delivery.objects.count() == owed
    assert first + second >= 60 - owed
    # An event that the replay held for a moment is left to the next run.
    retention.purge(retention.Purge())
    assert CapturedEvent.objects.filter(payload__isnull=False).count() == CapturedEvent.objects.count() == owed
    left = set(Delivery.objects.values_list("pk", flat=True))
    assert set(Attempt.objects.values_list("delivery_id", flat=True)) == left
