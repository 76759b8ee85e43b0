"""The report on a webfilter that observes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from openedx_webhooks.models import Call, Webfilter
from openedx_webhooks.webfilters import report

pytestmark = pytest.mark.django_db


def test_report_counts_what_would_have_happened():
    """Only this webfilter's, only those in observe mode, only since then."""
    now = timezone.now()
    webfilter, other = (
        Webfilter.objects.create(
            event="org.openedx.learning.student.login.requested.v1", webhook_url="http://a.example"
        )
        for _ in range(2)
    )

    def call(result, duration, owner=webfilter, mode="observe", age=0, **fields):
        Call.objects.create(
            webfilter=owner,
            mode=mode,
            result=result,
            duration=duration,
            started_at=now - timedelta(hours=age),
            **fields,
        )

    for number in range(1, 17):
        call("passed", number / 100)
    call("changed", 0.17, changed_keys="profile.name, user.first_name")
    call("changed", 0.18, changed_keys="profile.name")
    call("halted", 0.19)
    call("ignored", 0.9, error="timeout: time was up")
    call("halted", 9, mode="enforce")
    call("halted", 9, owner=other)
    call("halted", 9, age=25)
    assert report.figures(webfilter, report.last_day("observe")) == {
        "calls": 20,
        "halted": 1,
        "changed": 2,
        "changed_keys": {"profile.name": 2, "user.first_name": 1},
        "errors": {"timeout: time was up": 1},
        "p50": 0.11,
        "p95": 0.9,
        "is_complete": True,
    }


def test_report_without_calls():
    webfilter = Webfilter.objects.create(event="x", webhook_url="http://a.example")
    found = report.figures(webfilter, report.Period("observe", timezone.now()))
    assert (found["calls"], found["p50"], found["p95"]) == (0, None, None)


def test_calls_without_a_request_count_but_have_no_time():
    """An endpoint whose circuit is open, or whose answer is cached, must not look fast."""
    webfilter = Webfilter.objects.create(event="x", webhook_url="http://a.example")
    for fields in (
        {"duration": 0.3},
        {"error": "breaker_open: the circuit is open after failures of the endpoint"},
        {"error": "breaker_open: the circuit is open after failures of the endpoint"},
        {"error": "budget: the time for all webfilters of this request is used up"},
        {"is_cached": True},
        {"is_cached": True},
    ):
        Call.objects.create(webfilter=webfilter, mode="observe", result="halted", **fields)
    found = report.figures(webfilter, report.last_day("observe"))
    assert (found["calls"], found["halted"], found["p50"], found["p95"]) == (6, 6, 0.3, 0.3)


@pytest.mark.parametrize(
    "fields, name, message",
    [
        ({"response_excerpt": '{"exception": {"PreventLogin": "Suspended"}}'}, "PreventLogin", "Suspended"),
        ({"response_excerpt": '{"exception": {"PreventLogin": {"message": "No"}}}'}, "PreventLogin", "No"),
        ({"response_excerpt": '{"exception": "PreventLogin"}'}, "PreventLogin", ""),
        ({"response_excerpt": '{"exception": {"PreventLogin": "cut off', "status_code": 200}, "200", ""),
        ({"response_excerpt": '{"exception": {}}', "status_code": 200}, "200", ""),
        ({"response_excerpt": "[" * 100_000, "status_code": 200}, "200", ""),
        ({"response_excerpt": "7", "status_code": 403}, "403", ""),
        ({"error": "timeout: time was up"}, "timeout", ""),
        ({"result": "changed", "changed_keys": "profile.name"}, "profile.name", ""),
    ],
)
def test_the_reason_of_a_call_is_in_its_answer(fields, name, message):
    webfilter = Webfilter.objects.create(event="x", webhook_url="http://a.example")
    call = Call.objects.create(**{"webfilter": webfilter, "mode": "observe", "result": "halted", **fields})
    assert report.reasons([call.pk]) == {call.pk: report.Reason(name, message)}


def test_each_person_is_one_line_with_the_newest_call():
    webfilter = Webfilter.objects.create(event="x", webhook_url="http://a.example", mode="observe")
    made = [
        Call.objects.create(webfilter=webfilter, mode="observe", result=result, user_id=user)
        for user, result in [(7, "halted"), (8, "changed"), (7, "halted"), (9, "passed"), (None, "halted")]
    ]
    found = report.people(webfilter, report.last_day("observe"))
    assert [(person.user_id, person.halts, person.changes, person.latest) for person in found] == [
        (None, 1, 0, made[4].pk),
        (7, 2, 0, made[2].pk),
        (8, 0, 1, made[1].pk),
    ]


def test_the_last_day_of_observing_is_known_after_it_is_enforced():
    webfilter = Webfilter.objects.create(event="x", webhook_url="http://a.example")
    assert report.last_observed(webfilter) is None
    for mode in ("observe", "enforce"):
        webfilter.mode = mode
        webfilter.save()
    Call.objects.create(webfilter=webfilter, mode="observe", result="halted")
    webfilter.description = "changed later"
    webfilter.save()
    period = report.last_observed(webfilter)
    assert report.figures(webfilter, period)["halted"] == 1
