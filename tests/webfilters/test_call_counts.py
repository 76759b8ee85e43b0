"""Every call of a webfilter is counted, recorded or not, and a learner's request only adds one."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import DatabaseError
from django.utils import timezone
from openedx_filters.learning.filters import StudentRegistrationRequested

from openedx_webhooks import tally_rows
from openedx_webhooks.background import process
from openedx_webhooks.models import Call, Tally, Webfilter
from openedx_webhooks.operations import hook_health, statistics
from openedx_webhooks.operations.hook_health import Word
from openedx_webhooks.transport.breaker import breaker
from openedx_webhooks.webfilters import call_counts
from openedx_webhooks.webfilters.call_counts import CallCounts
from tests.receiver import Reply

from .world import registration_form

pytestmark = pytest.mark.django_db
REGISTRATION = StudentRegistrationRequested.filter_type


def register():
    with contextlib.suppress(StudentRegistrationRequested.PreventRegistration):
        StudentRegistrationRequested.run_filter(form_data=registration_form())


def write() -> bool:
    """What the job of a process does every few seconds."""
    return process.get(CallCounts).write()


@pytest.mark.parametrize("call_log", ["none", "problems", "all"])
def test_calls_are_counted_whatever_is_recorded(call_log, make_webfilter):
    webfilter = make_webfilter(REGISTRATION, Reply(), call_log=call_log)
    for _ in range(3):
        register()
    write()
    found = statistics.of(webfilter)
    assert (found.tally, found.accepted_share) == ({"passed": 3}, 1.0)
    assert 0 < found.durations[0] < 1
    assert sum(row.span == Tally.Span.DAY for row in Tally.objects.all()) == 1


def test_a_call_that_was_not_made_is_one_without_an_answer_and_takes_no_time(make_webfilter):
    webfilter = make_webfilter(REGISTRATION, Reply())
    for _ in range(5):
        breaker(webfilter.webhook_url).record(False)
    register()
    write()
    found = statistics.of(webfilter)
    assert (found.tally, found.refused, found.durations) == ({"not_called": 1}, 1, None)


def test_what_calls_did_and_would_have_done():
    webfilter = Webfilter.objects.create(event=REGISTRATION, webhook_url="https://example.com/")
    now = timezone.now()
    for observes, result, more in (
        (False, "passed", {}),
        (False, "halted", {"at": now - timedelta(hours=3)}),
        (False, "passed", {"at": now - timedelta(hours=30)}),
        (False, "passed", {"is_cached": True, "duration": 3}),
        (False, "halted", {"problem": "it answered with status 403", "status": 403}),
        (False, "halted", {"problem": "budget: no time", "error": "budget", "duration": 0}),
        (False, "ignored", {"problem": "budget: no time", "error": "budget", "duration": 0}),
        (False, "ignored", {"problem": "it is no JSON", "status": 200}),
        (True, "changed", {}),
        (True, "halted", {}),
        (True, "halted", {"problem": "timeout"}),
        (True, "passed", {}),
    ):
        outcome = SimpleNamespace(
            started_at=more.get("at", now),
            duration=more.get("duration", 0.2),
            error=more.get("error", ""),
            status_code=more.get("status"),
        )
        call = SimpleNamespace(
            webfilter=webfilter,
            outcome=outcome,
            is_cached=more.get("is_cached", False),
            observes=observes,
            verdict=SimpleNamespace(problem=more.get("problem", "")),
        )
        call_counts.count(call, result)
    write()
    found = statistics.of(webfilter)
    assert found.tally == {
        "passed": 3,
        "halted": 2,
        "halted_by_failure": 1,
        "not_called": 1,
        "ignored": 1,
        "would_change": 1,
        "would_halt": 1,
        "would_halt_by_failure": 1,
    }
    assert (found.tried, found.refused) == (11, 4)
    assert found.durations == pytest.approx([0.2, 0.2], rel=0.1)


def test_what_is_written_is_added_to_what_is_there(make_webfilter):
    webfilter = make_webfilter(REGISTRATION, Reply(), call_log="none")
    for _ in range(3):
        register()
        write()
        write()
    assert statistics.of(webfilter).tally == {"passed": 3}


def test_nothing_is_lost_while_the_database_is_away(make_webfilter, monkeypatch, caplog):
    webfilter = make_webfilter(REGISTRATION, Reply(), call_log="none")
    register()

    def away(*_args):
        raise DatabaseError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(tally_rows, "write", away)
        assert not write()
    assert "counted later" in caplog.text
    register()
    assert write()
    assert statistics.of(webfilter).tally == {"passed": 2}


def test_who_finds_another_writing_comes_again(make_webfilter, monkeypatch):
    webfilter = make_webfilter(REGISTRATION, Reply(), call_log="none")
    register()
    with monkeypatch.context() as busy:
        busy.setattr(tally_rows, "free_mark", lambda *_args: None)
        assert not write()
    assert write()
    assert statistics.of(webfilter).tally == {"passed": 1}


def test_threads_that_count_at_the_same_time_lose_none():
    counts, key = CallCounts(), (1, timezone.now(), "passed", "")
    with ThreadPoolExecutor(8) as threads:
        for _ in range(8):
            threads.submit(lambda: [counts.add(key) for _ in range(2000)])
    assert counts._counts == {key: 16_000}


def test_the_health_of_a_webfilter_that_records_only_problems_is_that_of_all_its_calls(make_webfilter, receiver):
    webfilter = make_webfilter(REGISTRATION, Reply(), call_log="problems")
    for _ in range(30):
        register()
    receiver.on("/hook", Reply(status=500))
    register()
    receiver.on("/hook", Reply())
    register()
    assert Call.objects.count() == 1
    write()
    health = hook_health.of(webfilter)
    assert (health.figures.day.tried, health.figures.day.refused) == (32, 1)
    assert health.word == Word.DEGRADED


def test_a_webfilter_that_records_nothing_is_fine_when_its_calls_are_answered(make_webfilter):
    webfilter = make_webfilter(REGISTRATION, Reply(), call_log="none")
    assert hook_health.of(webfilter).word == Word.NOT_RECORDED
    register()
    write()
    assert hook_health.of(webfilter).word == Word.FINE
