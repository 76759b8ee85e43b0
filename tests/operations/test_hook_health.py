"""The word for a hook's health, and the figures that it is decided from."""

import uuid
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from openedx_webhooks.models import Attempt, Call, CapturedEvent, Delivery, Webfilter, Webhook
from openedx_webhooks.operations import hook_figures, hook_health
from openedx_webhooks.operations.hook_health import TONES, WORDS, Word
from openedx_webhooks.transport.breaker import breaker

pytestmark = pytest.mark.django_db
EVENT = "org.openedx.learning.auth.session.login.completed.v1"
FILTER = "org.openedx.learning.student.login.requested.v1"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_circuits():
    cache.clear()


def ago(**time):
    """A moment in the past."""
    return timezone.now() - timedelta(**time)


def past(fields):
    """With a moment in the place of how long ago it was: a table is made long before its tests run."""
    return {name: timezone.now() - value if isinstance(value, timedelta) else value for name, value in fields.items()}


def webhook(**fields):
    """A webhook."""
    return Webhook.objects.create(**{"event": EVENT, "webhook_url": "https://example.com/", **fields})


def deliver(hook, state="delivered", count=1, before=timedelta(minutes=5), *, tried=1, status=None, error=""):
    """Deliveries with one attempt each, or without any."""
    at = timezone.now() - before
    for _ in range(count):
        event = CapturedEvent.objects.create(event_id=uuid.uuid4(), event_type=EVENT, time=at)
        made = Delivery.objects.create(
            webhook=hook,
            event=event,
            state=state,
            schedule_position=tried,
            created=at,
            finished_at=None if state == "pending" else at,
            next_attempt_at=timezone.now() + HOUR if state == "pending" else None,
        )
        if tried:
            status_code = status or (None if error else 200 if state == "delivered" else 500)
            Attempt.objects.create(delivery=made, started_at=at, status_code=status_code, error=error)


def webfilter(**fields):
    """A webfilter that records every call."""
    return Webfilter.objects.create(
        **{"event": FILTER, "webhook_url": "https://example.com/", "call_log": "all", **fields}
    )


def call(hook, result="passed", count=1, before=timedelta(minutes=5), **fields):
    """Recorded calls."""
    at = timezone.now() - before
    for _ in range(count):
        Call.objects.create(webfilter=hook, mode=hook.mode, result=result, started_at=at, **fields)


def word(hook) -> Word:
    """Its health now."""
    hook.refresh_from_db()
    return hook_health.of(hook).word


def test_every_word_has_a_tone_and_some_hook():
    assert set(TONES) == set(Word) == set(WORDS[Webhook]) | set(WORDS[Webfilter])


# Deliveries as (state, count, how long ago, more), the webhook's fields, and the word.
@pytest.mark.parametrize(
    "deliveries, fields, expected",
    [
        ([], {}, Word.NOTHING_YET),
        ([("pending", 3, HOUR / 2, {"tried": 0})], {}, Word.NOTHING_YET),
        ([("skipped", 3, HOUR / 2, {"tried": 0})], {}, Word.NOTHING_YET),
        ([("delivered", 1, HOUR / 2, {})], {}, Word.FINE),
        ([("delivered", 1, 6 * DAY, {})], {}, Word.FINE),
        ([("delivered", 1, 8 * DAY, {})], {}, Word.IDLE),
        ([("failed", 1, 2 * DAY, {})], {}, Word.IDLE),
        # 218 of 1,003 is not fine, here 22 of 101; nor is one that nobody sends again.
        ([("delivered", 79, 5 * HOUR, {}), ("failed", 22, 5 * HOUR, {})], {}, Word.DEGRADED),
        ([("delivered", 200, HOUR / 2, {}), ("failed", 1, 5 * HOUR, {})], {}, Word.DEGRADED),
        # One that is accepted at the second attempt is what retries are for.
        ([("delivered", 200, HOUR / 4, {}), ("pending", 1, HOUR / 2, {})], {}, Word.FINE),
        ([("delivered", 28, HOUR / 4, {}), ("pending", 12, HOUR / 2, {"status": 404})], {}, Word.FAILING),
        # It was repaired since: too few in the last hour for a share of their own.
        ([("pending", 12, 5 * HOUR, {}), ("delivered", 5, HOUR / 4, {})], {}, Word.DEGRADED),
        ([("delivered", 5, 5 * HOUR, {}), ("pending", 12, HOUR / 4, {})], {"failing_since": HOUR / 4}, Word.FAILING),
        # Its health was reset since, by another address: nothing tells yet that this was the remedy.
        ([("delivered", 5, 5 * HOUR, {}), ("pending", 12, HOUR / 4, {})], {}, Word.DEGRADED),
        # A test was accepted since, or a delivery after failures in a row: what was before decides nothing any more.
        ([("delivered", 5, 5 * HOUR, {}), ("pending", 12, HOUR / 4, {})], {"recovered_at": MINUTE}, Word.FINE),
        ([("failed", 1, 5 * HOUR, {})], {"recovered_at": MINUTE}, Word.FINE),
        ([("pending", 1, HOUR / 2, {"error": "refused_address"})], {"recovered_at": MINUTE}, Word.FINE),
        # A test tells nothing of what an expression makes of other payloads.
        ([("pending", 1, HOUR / 2, {"error": "shape_failed"})], {"recovered_at": MINUTE}, Word.MISCONFIGURED),
        # That was before the last failure; or so long ago that it tells nothing of today.
        ([("pending", 12, HOUR / 4, {})], {"recovered_at": HOUR, "failing_since": HOUR / 4}, Word.FAILING),
        ([("delivered", 28, HOUR / 4, {}), ("pending", 12, HOUR / 2, {})], {"recovered_at": HOUR}, Word.FAILING),
        ([("failed", 1, 9 * DAY, {})], {"recovered_at": timedelta(days=8)}, Word.IDLE),
        # Nothing but a test.
        ([], {"recovered_at": MINUTE}, Word.NOTHING_YET),
        ([("delivered", 9, HOUR / 2, {})], {"consecutive_failures": 3, "failing_since": 5 * MINUTE}, Word.FAILING),
        ([("delivered", 9, HOUR / 2, {})], {"consecutive_failures": 1, "failing_since": 5 * MINUTE}, Word.DEGRADED),
        ([("pending", 1, HOUR / 2, {"error": "refused_address"})], {}, Word.MISCONFIGURED),
        ([("pending", 1, HOUR / 2, {"error": "shape_failed"})], {}, Word.MISCONFIGURED),
        ([("pending", 1, HOUR / 2, {"error": "timeout"})], {"failing_since": HOUR / 2}, Word.FAILING),
        ([("failed", 9, HOUR / 2, {})], {"paused": True}, Word.PAUSED),
        ([("delivered", 9, HOUR / 2, {})], {"enabled": False}, Word.DISABLED),
        ([("failed", 9, HOUR / 2, {})], {"enabled": False, "disabled_reason": "410"}, Word.DISABLED),
        ([("delivered", 9, HOUR / 2, {})], {"removing_since": HOUR}, Word.REMOVING),
        ([("delivered", 9, HOUR / 2, {})], {"event": "org.example.gone.v1"}, Word.MISCONFIGURED),
        ([("delivered", 9, HOUR / 2, {})], {"secret": "whsec_?"}, Word.MISCONFIGURED),
        ([("delivered", 9, HOUR / 2, {})], {"condition": "a =="}, Word.MISCONFIGURED),
        ([("delivered", 9, HOUR / 2, {})], {"webhook_url": "http://[bad/"}, Word.MISCONFIGURED),
    ],
)
def test_the_word_for_a_webhook(deliveries, fields, expected):
    hook = webhook(**past(fields))
    for state, count, before, more in deliveries:
        deliver(hook, state, count, before, **more)
    assert word(hook) == expected


def test_what_is_due_and_sent_by_nobody_is_a_word_of_its_own():
    hook = webhook()
    deliver(hook)
    deliver(hook, "pending", tried=0)
    Delivery.objects.filter(state="pending").update(next_attempt_at=ago(minutes=5))
    assert word(hook) == Word.OVERDUE


UNUSABLE = {"error": "timeout"}


@pytest.mark.parametrize(
    "calls, fields, failures, expected",
    [
        ([], {}, 0, Word.NOTHING_YET),
        ([], {"call_log": "problems"}, 0, Word.NOT_RECORDED),
        ([], {"call_log": "none"}, 0, Word.NOT_RECORDED),
        ([("passed", 1, HOUR / 2, {})], {}, 0, Word.FINE),
        ([("passed", 1, 8 * DAY, {})], {}, 0, Word.IDLE),
        # An answer from the cache says nothing about the endpoint.
        ([("passed", 1, HOUR / 2, {"is_cached": True})], {}, 0, Word.IDLE),
        ([("halted", 1, HOUR / 2, {})], {"call_log": "problems"}, 0, Word.FINE),
        ([("ignored", 1, HOUR / 2, UNUSABLE)], {"call_log": "problems"}, 0, Word.DEGRADED),
        ([("passed", 95, HOUR / 2, {}), ("ignored", 5, HOUR / 2, UNUSABLE)], {}, 0, Word.DEGRADED),
        ([("passed", 28, HOUR / 2, {}), ("ignored", 12, HOUR / 2, UNUSABLE)], {}, 0, Word.FAILING),
        # With “halt on 4xx” that is the endpoint's way to say no.
        ([("halted", 9, HOUR / 2, {"error": "it answered with status 403", "status_code": 403})], {}, 0, Word.FINE),
        ([("ignored", 1, HOUR / 2, {"error": "refused_address: private"})], {}, 1, Word.MISCONFIGURED),
        ([("passed", 9, HOUR / 2, {})], {}, 1, Word.DEGRADED),
        ([("passed", 9, HOUR / 2, {})], {}, 3, Word.FAILING),
        ([("passed", 9, HOUR / 2, {})], {}, 5, Word.CIRCUIT_OPEN),
        ([("passed", 9, HOUR / 2, {})], {"mode": "observe"}, 0, Word.OBSERVING),
        ([], {"mode": "observe"}, 5, Word.CIRCUIT_OPEN),
        ([], {"enabled": False}, 5, Word.DISABLED),
        ([], {"local_answer": "{}", "webhook_url": ""}, 0, Word.LOCAL),
        ([("ignored", 1, HOUR / 2, UNUSABLE)], {"local_answer": "{}", "webhook_url": ""}, 0, Word.DEGRADED),
        ([], {"event": "org.example.gone.v1"}, 0, Word.MISCONFIGURED),
        # A test was answered since.
        ([("ignored", 12, HOUR / 2, UNUSABLE)], {"recovered_at": MINUTE}, 0, Word.FINE),
        ([("ignored", 12, HOUR / 2, UNUSABLE)], {"recovered_at": MINUTE}, 1, Word.FAILING),
        ([("ignored", 12, HOUR / 2, UNUSABLE)], {"recovered_at": HOUR}, 0, Word.FAILING),
    ],
)
def test_the_word_for_a_webfilter(calls, fields, failures, expected):
    hook = webfilter(**past(fields))
    for result, count, before, more in calls:
        call(hook, result, count, before, **more)
    for _ in range(failures):
        breaker(hook.webhook_url).record(False)
    assert word(hook) == expected


def test_an_open_circuit_is_probed_after_its_time():
    hook = webfilter()
    for _ in range(5):
        breaker(hook.webhook_url).record(False)
    cache.delete(breaker(hook.webhook_url).open_key)
    health = hook_health.of(hook)
    assert health.word == Word.PROBED
    assert health.circuit.since is not None


@pytest.mark.parametrize("make", [webhook, webfilter])
def test_what_no_key_opens_any_more_is_misconfigured(settings, make):
    hook = make(headers={"X-Key": "1"})
    settings.OPENEDX_WEBHOOKS = {"ENCRYPTION_KEYS": ["another key"]}
    hook = type(hook).objects.get()
    health = hook_health.of(hook)
    assert health.word == Word.MISCONFIGURED
    assert "can't be read any more" in health.problems[0]
    assert "X-Key" in " ".join(health.problems)
    assert hook_health.of(make(secret="")).word != Word.MISCONFIGURED


def test_the_figures_are_of_the_newest_only(monkeypatch):
    monkeypatch.setattr(hook_figures, "NEWEST", 3)
    hook, other = webhook(), webhook()
    for minutes in range(6):
        deliver(hook, "failed" if minutes > 3 else "delivered", before=timedelta(minutes=minutes))
    deliver(other, "failed")
    found = hook_figures.of_webhooks([hook, other])
    assert (found[hook.pk].is_cut, found[hook.pk].all.refused) == (True, 0)
    assert (found[other.pk].is_cut, found[other.pk].all.refused) == (False, 1)
    assert found[other.pk].refusal.status_code == 500


@pytest.mark.parametrize("most, counted", [(1, 1), (2, 2), (5, 2)])
def test_what_failed_in_the_morning_is_not_fine_by_noon(monkeypatch, most, counted):
    monkeypatch.setattr(hook_figures, "NEWEST", 3)
    monkeypatch.setattr(hook_figures, "MOST_LOST", most)
    hook, other = webhook(), webhook()
    deliver(hook, "failed", before=2 * DAY)
    deliver(other, "failed", before=5 * HOUR)
    deliver(hook, "failed", 2, before=5 * HOUR)
    for minutes in range(6):
        deliver(hook, before=timedelta(minutes=minutes))
    health = hook_health.of(hook)
    assert (health.word, health.figures.day.lost, health.figures.day.refused) == (Word.DEGRADED, counted, 0)


@pytest.mark.parametrize("make, fill", [(webhook, deliver), (webfilter, call)])
def test_many_hooks_take_as_many_queries_as_one(make, fill, django_assert_max_num_queries):
    bad = {"state": "failed"} if make is webhook else {"result": "ignored", **UNUSABLE}
    hooks = [make(webhook_url=f"https://example.com/{number}", secret="") for number in range(9)]
    for hook in hooks:
        fill(hook)
        fill(hook, **bad)
    with django_assert_max_num_queries(5):
        found = hook_health.OF[type(hooks[0])](hooks)
    assert len(found) == 9


def test_a_state_that_somebody_wrote_past_us_breaks_no_figure():
    hook = webhook()
    deliver(hook, "unheard_of")
    assert word(hook) == Word.NOTHING_YET
