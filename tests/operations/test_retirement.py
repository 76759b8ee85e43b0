"""A retired user's data is emptied when the platform says so."""

import subprocess
import sys
import types
from datetime import timedelta

import attrs
import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.dispatch import Signal
from django.utils import timezone

from openedx_webhooks import catalog
from openedx_webhooks.background import process
from openedx_webhooks.models import Attempt, Call, CapturedEvent, Delivery, Webfilter, Webhook, history
from openedx_webhooks.models.delivery import FINAL_STATES
from openedx_webhooks.operations import people, recorded, retirement
from openedx_webhooks.payloads import subject
from openedx_webhooks.payloads.mentions import Person
from openedx_webhooks.webfilters import call_log
from openedx_webhooks.webfilters.call_log import CallRecords
from openedx_webhooks.webhooks import replay
from openedx_webhooks.webhooks.deliver import deliver_due

from ..receiver import Reply

EVENT = "org.openedx.learning.auth.session.login.completed.v1"
ENROLLED = "org.openedx.learning.course.enrollment.created.v1"
FILTER = "org.openedx.learning.student.login.requested.v1"
MODULE = "openedx.core.djangoapps.user_api.accounts.signals"
SIGNALS = ["USER_RETIRE_LMS_MISC", "USER_RETIRE_LMS_CRITICAL"]
State = Delivery.State


@pytest.fixture(name="platform")
def stand_in(monkeypatch):
    """The platform's module with the two signals."""
    module = types.ModuleType(MODULE)
    for name in SIGNALS:
        setattr(module, name, Signal())
    parts = MODULE.split(".")
    for length in range(1, len(parts)):
        monkeypatch.setitem(sys.modules, ".".join(parts[:length]), types.ModuleType(".".join(parts[:length])))
    monkeypatch.setattr(sys.modules[".".join(parts[:-1])], "signals", module, raising=False)
    monkeypatch.setitem(sys.modules, MODULE, module)
    return module


@pytest.fixture(name="webhook")
def make_webhook(db):  # pylint: disable=unused-argument
    """A webhook."""
    return Webhook.objects.create(event=EVENT, webhook_url="https://example.com/")


def deliver(webhook, user_id, state=State.DELIVERED):
    """A delivery about a user, with an attempt."""
    event = CapturedEvent.objects.create(
        event_id=f"{Delivery.objects.count():032x}",
        event_type=EVENT,
        time=timezone.now(),
        payload={"a": 1},
        user_id=user_id,
        username="ada",
    )
    delivery = Delivery.objects.create(webhook=webhook, event=event, state=state)
    Attempt.objects.create(
        delivery=delivery,
        started_at=timezone.now(),
        request_excerpt="sent",
        response_excerpt="hello",
        detail="https://example.com/?of=them",
    )
    return delivery


def is_full(delivery, attempts=1):
    """Whether the delivery and its attempts still hold anything."""
    delivery.refresh_from_db()
    event = CapturedEvent.objects.get(pk=delivery.event_id)
    texts = delivery.attempts.values_list("request_excerpt", "response_excerpt", "detail")
    assert len(texts) == attempts
    full = {event.payload is not None, bool(event.username), *(bool(text) for row in texts for text in row)}
    assert len(full) == 1
    return full.pop()


@pytest.mark.parametrize("state", FINAL_STATES)
def test_finished_deliveries_are_emptied_and_stay(webhook, state):
    delivery = deliver(webhook, 5, state)
    retirement.forget(Person(5))
    assert not is_full(delivery)
    assert delivery.state == state


def test_what_is_owed_is_given_up_even_if_it_is_being_sent(webhook):
    delivery = deliver(webhook, 5, State.PENDING)
    Delivery.objects.update(claimed_by=delivery.message_id, claimed_until=timezone.now())
    retirement.forget(Person(5))
    assert not is_full(delivery)
    assert (delivery.state, delivery.next_attempt_at, delivery.claimed_by) == (State.CANCELLED, None, None)
    assert delivery.finished_at


class TestPendingIsSent:
    """Where RETIREMENT_CANCELS_PENDING is off."""

    @pytest.fixture(autouse=True)
    def _sends(self, settings):
        settings.OPENEDX_WEBHOOKS = {"RETIREMENT_CANCELS_PENDING": False}

    @pytest.fixture
    def hook(self, webhook, receiver):
        """A webhook whose endpoint answers."""
        webhook.webhook_url = receiver.url("/hook")
        webhook.retry_schedule = [60]
        webhook.save()
        return webhook

    def test_what_is_owed_is_sent_at_once_and_then_nothing_is_left(self, hook, receiver):
        receiver.on("/hook", [Reply(b"later, ada", status=503), Reply(b"thanks, ada")])
        delivery = deliver(hook, 5, State.PENDING)
        Delivery.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
        for _ in range(2):  # the platform's two steps
            retirement.forget(Person(5))
        assert deliver_due().retried == 1
        event = CapturedEvent.objects.get()
        assert (event.payload, event.username) == ({"a": 1}, "")
        retirement.forget(Person(5))
        assert deliver_due().delivered == 1
        assert [request.json for request in receiver.received] == [{"a": 1}] * 2
        assert not is_full(delivery, attempts=3)

    def test_also_if_it_is_given_up(self, hook, receiver):
        receiver.on("/hook", Reply(b"no, ada", status=500))
        delivery = deliver(hook, 5, State.PENDING)
        Delivery.objects.update(schedule_position=5)
        retirement.forget(Person(5))
        assert deliver_due().failed == 1
        assert not is_full(delivery, attempts=2)
        assert replay.replay(Delivery.objects.all()) == 0

    def test_not_to_another_webhook_once_more(self, hook):
        """The payload is there for the one that is still owed it."""
        done = deliver(hook, 5)
        other = Webhook.objects.create(event=EVENT, webhook_url="https://example.org/")
        Delivery.objects.create(webhook=other, event_id=done.event_id)
        retirement.forget(Person(5))
        assert CapturedEvent.objects.get().payload
        assert replay.replay(Delivery.objects.all()) == 0

    @pytest.mark.parametrize("waits", [{"enabled": False}, {"paused": True}])
    def test_what_waits_for_a_webhook_that_takes_nothing_is_cancelled(self, hook, waits):
        Webhook.objects.update(**waits)
        delivery = deliver(hook, 5, State.PENDING)
        retirement.forget(Person(5))
        assert not is_full(delivery)
        assert delivery.state == State.CANCELLED


def test_what_was_given_up_cannot_be_replayed(webhook):
    deliver(webhook, 5, State.PENDING)
    retirement.forget(Person(5))
    assert replay.replay(Delivery.objects.all()) == 0


@pytest.mark.parametrize("other", [6, None, 55])
@pytest.mark.parametrize("state", [State.PENDING, State.DELIVERED])
def test_others_are_left_alone(webhook, other, state):
    delivery = deliver(webhook, other, state)
    retirement.forget(Person(5))
    assert is_full(delivery)
    assert delivery.state == state


def test_calls_are_emptied(db):  # pylint: disable=unused-argument
    webfilter = Webfilter.objects.create(event=FILTER, webhook_url="https://example.com/")
    for user_id in (5, 6, None):
        Call.objects.create(
            webfilter=webfilter,
            mode="enforce",
            result="passed",
            request_body={"a": 1},
            response_excerpt="hello",
            error="the answer names ada",
            note="ada was changed",
            user_id=user_id,
        )
    retirement.forget(Person(5))
    left = dict(Call.objects.exclude(response_excerpt="").values_list("user_id", "request_body"))
    assert left == {6: {"a": 1}, None: {"a": 1}}
    assert Call.objects.filter(user_id=5, **call_log.NOTHING).count() == 1


@pytest.mark.django_db(transaction=True)
def test_call_that_waits_to_be_written_is_written_empty(monkeypatch):
    webfilter = Webfilter.objects.create(event=FILTER, webhook_url="https://example.com/")
    monkeypatch.setattr(CallRecords, "INLINE", False)
    monkeypatch.setattr(CallRecords, "GATHER_SECONDS", 60)
    fields = {"webfilter_id": webfilter.pk, "mode": "enforce", "result": "passed", "response_excerpt": "hello"}
    records = process.get(CallRecords)
    for user_id, username in ((5, ""), (None, "ada"), (6, ""), (None, "")):
        records.put({**fields, "user_id": user_id, "username": username, "request_body": {"a": 1}})
    records.put({**fields, "user_id": 7, "username": "", "request_body": {"a": "thanks, @ada"}})
    retirement.forget(Person(5, ("ada",)))
    assert process.flush(10)
    left = list(Call.objects.order_by("pk").values_list("request_body", "response_excerpt"))
    assert left == [(None, ""), (None, ""), ({"a": 1}, "hello"), ({"a": 1}, "hello"), (None, "")]


def test_many_are_emptied_in_steps(webhook, monkeypatch):
    monkeypatch.setattr(retirement, "_STEP_ROWS", 2)
    deliveries = [deliver(webhook, 5, state) for state in [State.PENDING, State.DELIVERED] * 3]
    retirement.forget(Person(5))
    assert not any(is_full(delivery) for delivery in deliveries)


def test_twice_is_as_good_as_once(webhook):
    delivery = deliver(webhook, 5, State.PENDING)
    retirement.forget(Person(5))
    delivery.refresh_from_db()
    first = delivery.finished_at
    retirement.forget(Person(5))
    delivery.refresh_from_db()
    assert delivery.finished_at == first


@pytest.mark.parametrize("user_id", [None, "", "5", True, 5.0])
def test_without_an_id_it_fails_and_nothing_is_emptied(webhook, user_id):
    delivery = deliver(webhook, None)
    with pytest.raises(ValueError, match="id"):
        retirement.forget(Person(user_id))
    assert is_full(delivery)


@pytest.mark.parametrize("name", SIGNALS)
def test_the_platform_s_signals_reach_it(webhook, platform, name):
    assert retirement.connect()
    user = get_user_model().objects.create(username="ana")
    delivery = deliver(webhook, user.pk)
    getattr(platform, name).send(sender=None, user=user, retired_username="r", retired_email="r@x")
    assert not is_full(delivery)


def test_connecting_twice_is_once(platform):
    retirement.connect()
    retirement.connect()
    assert [len(getattr(platform, name).receivers) for name in SIGNALS] == [1, 1]


def test_a_failure_reaches_the_platform(platform, db, monkeypatch):  # pylint: disable=unused-argument
    retirement.connect()

    def fail(*_args):
        raise DatabaseError("away")

    monkeypatch.setattr(retirement, "forget", fail)
    with pytest.raises(DatabaseError):
        platform.USER_RETIRE_LMS_MISC.send(sender=None, user=get_user_model()(pk=5))


def test_without_a_platform_it_connects_nothing():
    assert not retirement.connect()


def test_a_starting_platform_connects_it():
    code = f"""
import sys, types, django
from django.dispatch import Signal
parts = {MODULE!r}.split(".")
for length in range(1, len(parts) + 1):
    name = ".".join(parts[:length])
    sys.modules[name] = types.ModuleType(name)
signals = sys.modules[{MODULE!r}]
sys.modules[{MODULE!r}.rpartition(".")[0]].signals = signals
signals.USER_RETIRE_LMS_MISC, signals.USER_RETIRE_LMS_CRITICAL = Signal(), Signal()
django.setup()
from openedx_webhooks import startup_problems
assert not startup_problems.found, startup_problems.found
print(len(signals.USER_RETIRE_LMS_MISC.receivers), len(signals.USER_RETIRE_LMS_CRITICAL.receivers))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["1", "1"]


def test_events_that_name_the_user_by_name_alone_are_forgotten(webhook, django_user_model):
    """Some events carry no id. Those of somebody else who has an id, and this name in the payload, stay."""
    user = django_user_model.objects.create(username="ada")
    nameless, others = deliver(webhook, None), deliver(webhook, user.pk + 1)
    retirement.on_retirement(None, user)
    assert (is_full(nameless), is_full(others)) == (False, True)


def test_user_without_a_name_is_not_everybody_without_one(webhook):
    delivery = deliver(webhook, None)
    CapturedEvent.objects.update(username="")
    retirement.forget(Person(5, ("",)))
    assert CapturedEvent.objects.get(pk=delivery.event_id).payload is not None


@pytest.mark.parametrize(
    "payload, is_kept",
    [
        ({"role": {"subject": "user^ada", "scope": "lib:ACME:books"}}, False),
        ({"invitation": {"email": "Ada@Example.com"}}, False),
        ({"ccx": {"coach_email": "ada@example.com"}}, False),
        ({"role": {"subject": "user^adam"}}, True),
        ({"invitation": {"email": "ada@example.com.evil.example"}}, True),
        ({"user": {"id": 6, "pii": {"username": "bob", "email": "ada@example.com"}}}, False),
    ],
)
def test_what_carries_only_a_name_or_an_address_is_found_by_these(db, payload, is_kept):
    """As they were before the retirement, which replaces the address at once."""
    about = subject.subject_of(payload)
    event = CapturedEvent.objects.create(
        event_id="1" * 32, event_type=EVENT, time=timezone.now(), payload=payload, **attrs.asdict(about)
    )
    user = get_user_model()(pk=5, username="ada", email="retired__user_1@retired.invalid")
    user.userretirementstatus = types.SimpleNamespace(original_username="ada", original_email="ada@example.com")
    retirement.on_retirement(None, user)
    event.refresh_from_db()
    assert (event.payload is not None) is is_kept


@pytest.mark.parametrize(
    "event_type, payload, is_kept",
    [
        (ENROLLED, {"enrollment": {"user": {"id": 6}, "created_by": {"pii": {"username": "ada"}}}}, False),
        (ENROLLED, {"enrollment": {"user": {"id": 6}, "created_by": {"pii": {"email": "Ada@Example.com"}}}}, False),
        (ENROLLED, {"enrollment": {"user": {"id": 6}, "created_by": {"pii": {"username": "adam"}}}}, True),
        # Whoever is called as a mode of courses takes nobody else's events away.
        (ENROLLED, {"enrollment": {"user": {"id": 6}, "mode": "ada"}}, True),
        (EVENT, {"user": {"id": 6, "pii": {"username": "ada"}}}, False),
    ],
)
def test_event_about_somebody_else_that_names_them_is_emptied(webhook, event_type, payload, is_kept):
    delivery = deliver(webhook, 6)
    CapturedEvent.objects.update(event_type=event_type, payload=payload)
    retirement.forget(Person(5, ("ada", "ada@example.com")))
    event = CapturedEvent.objects.get(pk=delivery.event_id)
    assert (event.payload is not None, event.username) == (is_kept, "ada")
    assert bool(delivery.attempts.get().request_excerpt) is is_kept


def test_what_is_owed_about_somebody_else_is_still_delivered(webhook, receiver):
    """Who enrolled a learner is retired: the learner's enrolment must not be lost."""
    Webhook.objects.update(webhook_url=receiver.url("/hook"))
    delivery = deliver(webhook, 6, State.PENDING)
    CapturedEvent.objects.update(event_type=ENROLLED, payload={"created_by": {"pii": {"username": "ada"}}})
    retirement.forget(Person(5, ("ada",)))
    assert deliver_due().delivered == 1
    assert receiver.received[0].json == {"created_by": {"pii": {"username": "ada"}}}
    assert CapturedEvent.objects.get().payload is None
    texts = delivery.attempts.values_list("request_excerpt", "response_excerpt", "detail")
    assert {text for row in texts for text in row} == {""}


@pytest.mark.parametrize("text, is_kept", [("ada", False), ("Ada@example.com", False), ("adam", True), ("a_a", True)])
def test_calls_about_nobody_that_name_them_are_emptied(db, text, is_kept):
    """A registration that came to nothing, for one."""
    webfilter = Webfilter.objects.create(event=FILTER, webhook_url="https://example.com/")
    body = {"form_data": {"username": text}}
    call = Call.objects.create(webfilter=webfilter, mode="enforce", result="passed", request_body=body)
    retirement.forget(Person(5, ("ada", "ada@example.com")))
    call.refresh_from_db()
    assert (call.request_body is not None) is is_kept


def test_histories_no_longer_say_that_it_was_them(webhook, admin_client, admin_user):
    other = get_user_model().objects.create_user("grace")
    webhook.history.update(history_user_id=other.pk)
    webhook.description = "by the admin"
    webhook._history_user = admin_user  # pylint: disable=protected-access
    webhook.save()
    retirement.forget(Person(other.pk, ("grace",)))
    assert list(webhook.history.values_list("history_user_id", flat=True)) == [admin_user.pk, history.RETIRED]
    page = admin_client.get(f"/admin/openedx_webhooks/webhook/{webhook.pk}/history/").content.decode()
    assert "A retired user" in page and "grace" not in page


# --- What names the person, and is not known to be about them

CODE = "0123456789abcdef" * 2
ADA = Person(5, ("ada", "ada@example.com"), ("Ada Lovelace",), frozenset((CODE,)))
NOTIFIED, SUBMITTED, GRADED, WRITTEN = (
    catalog.find_event(name).event_type
    for name in (
        "USER_NOTIFICATION_REQUESTED",
        "ORA_SUBMISSION_CREATED",
        "EXTERNAL_GRADER_SCORE_SUBMITTED",
        "FORUM_THREAD_CREATED",
    )
)


def capture(webhook, event_type, payload, user_id=None, state=State.DELIVERED):
    """An event of which the columns name somebody else or nobody."""
    delivery = deliver(webhook, user_id, state)
    CapturedEvent.objects.filter(pk=delivery.event_id).update(event_type=event_type, payload=payload, username="")
    return delivery


@pytest.mark.parametrize(
    "event_type, payload, user_id, is_kept",
    [
        (NOTIFIED, {"notification_data": {"user_ids": [4, 5, 6]}}, None, False),
        (NOTIFIED, {"notification_data": {"user_ids": [4, 55]}}, None, True),
        (NOTIFIED, {"notification_data": {"user_ids": [4], "context": {"replier_name": "ada"}}}, None, False),
        (NOTIFIED, {"notification_data": {"user_ids": [4], "context": {"course_mode": "ada"}}}, None, True),
        (NOTIFIED, {"notification_data": {"user_ids": [4], "context": {"text": "a reply of ada"}}}, None, False),
        (SUBMITTED, {"submission": {"anonymous_user_id": CODE}}, None, False),
        (SUBMITTED, {"submission": {"anonymous_user_id": CODE[::-1]}}, None, True),
        (GRADED, {"score": {"user_id": CODE}}, None, False),
        (WRITTEN, {"thread": {"body": "<p>Thanks, @ada!</p>", "user": {"id": 6}}}, 6, False),
        (WRITTEN, {"thread": {"body": "mail Ada@Example.com", "user": {"id": 6}}}, 6, False),
        (WRITTEN, {"thread": {"title": "Ask Ada Lovelace", "user": {"id": 6}}}, 6, False),
        (WRITTEN, {"thread": {"body": "<p>Thanks, Adam of Canada</p>", "user": {"id": 6}}}, 6, True),
        ("org.example.gone.v1", {"note": "see ada"}, None, False),
    ],
)
def test_lists_codes_and_texts_are_looked_through(webhook, event_type, payload, user_id, is_kept):
    delivery = capture(webhook, event_type, payload, user_id)
    retirement.forget(ADA)
    assert (CapturedEvent.objects.get().payload is not None) is is_kept
    assert bool(delivery.attempts.get().request_excerpt) is is_kept


@pytest.mark.parametrize(
    "payload, state",
    [
        ({"submission": {"anonymous_user_id": CODE}}, State.CANCELLED),
        ({"notification_data": {"user_ids": [5]}}, State.CANCELLED),
        ({"notification_data": {"user_ids": [5, 6]}}, State.PENDING),
        ({"thread": {"body": "ada"}}, State.PENDING),
    ],
)
def test_what_is_owed_about_nobody_else_is_given_up(webhook, payload, state):
    delivery = capture(webhook, SUBMITTED, payload, state=State.PENDING)
    retirement.forget(ADA)
    delivery.refresh_from_db()
    assert delivery.state == state
    kept = CapturedEvent.objects.get()
    assert (kept.payload is None) is (state == State.CANCELLED)


def test_answers_that_name_them_are_emptied(webhook):
    """Whatever they were sent: an endpoint may list whom it knows."""
    delivery, other = deliver(webhook, 6), deliver(webhook, 7)
    Attempt.objects.filter(delivery=delivery).update(response_excerpt="known: bob, ada@example.com")
    retirement.forget(ADA)
    assert [delivery.attempts.get().response_excerpt, other.attempts.get().response_excerpt] == ["", "hello"]
    assert CapturedEvent.objects.exclude(payload=None).count() == 2


@pytest.mark.parametrize(
    "fields, is_kept",
    [
        ({"request_body": {"created_by": {"username": "ada"}}}, False),
        ({"request_body": {"a": 1}, "response_excerpt": "we know Ada Lovelace"}, False),
        ({"request_body": {"a": 1}, "note": "ada@example.com was refused"}, False),
        ({"request_body": {"mode": "ada"}}, True),
    ],
)
def test_calls_about_others_that_name_them_are_emptied(db, fields, is_kept):
    webfilter = Webfilter.objects.create(event=FILTER, webhook_url="https://example.com/")
    Call.objects.create(webfilter=webfilter, mode="enforce", result="passed", user_id=6, **fields)
    retirement.forget(ADA)
    call = Call.objects.get()
    assert (call.request_body is not None) is is_kept
    assert is_kept or (call.response_excerpt, call.note) == ("", "")


def test_without_the_search_only_what_is_about_them_goes(webhook, settings):
    settings.OPENEDX_WEBHOOKS = {"RETIREMENT_SEARCHES_TEXTS": False}
    theirs, named = deliver(webhook, 5), capture(webhook, WRITTEN, {"thread": {"body": "ada"}}, 6)
    retirement.forget(ADA)
    assert CapturedEvent.objects.get(pk=theirs.event_id).payload is None
    assert CapturedEvent.objects.get(pk=named.event_id).payload is not None


def test_many_are_looked_through_a_few_at_a_time(webhook, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(recorded, "_AT_ONCE", 10)
    for number in range(35):
        capture(webhook, WRITTEN, {"thread": {"body": "ada" if number % 3 else "bob"}}, 6)
    with django_assert_max_num_queries(80):
        retirement.forget(ADA)
    assert CapturedEvent.objects.exclude(payload=None).count() == 12
    retirement.forget(ADA)
    assert CapturedEvent.objects.exclude(payload=None).count() == 12


def test_the_platform_s_other_ids_of_a_user_are_known(db, monkeypatch):
    """Where there is a platform; its tables are asked when it retires somebody."""
    user = get_user_model()(pk=5, username="ada", first_name="Ada", last_name="King")
    rows = types.SimpleNamespace(values_list=lambda field, flat: [CODE.upper()] if field.startswith("anon") else [])
    model = types.SimpleNamespace(objects=types.SimpleNamespace(filter=lambda user_id: rows if user_id == 5 else None))
    monkeypatch.setattr(people, "apps", types.SimpleNamespace(get_model=lambda app, name: model))
    user.userretirementstatus = types.SimpleNamespace(original_name="Ada Lovelace")
    person = people.person_of(user)
    assert (person.codes, person.full_names) == ({CODE}, ("Ada Lovelace", "Ada King"))


def test_a_platform_without_such_tables_has_no_such_ids(db):
    assert people.person_of(get_user_model()(pk=5, username="ada")) == Person(5, ("ada",))


@pytest.mark.parametrize("part", ["events_naming", "attempts_naming", "calls_naming"])
def test_a_search_that_fails_reaches_the_platform(webhook, monkeypatch, part):
    def fail(*_args):
        raise DatabaseError("away")

    monkeypatch.setattr(recorded, part, fail)
    with pytest.raises(DatabaseError):
        retirement.on_retirement(None, get_user_model()(pk=5, username="ada"))
