"""The report on a webfilter that observes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from openedx_webhooks.models import Call, Webfilter
from openedx_webhooks.webfilters.report import observe_report

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
    assert observe_report(webfilter, now - timedelta(hours=24)) == {
        "calls": 20,
        "would_have_halted": 1,
        "would_have_changed": 2,
        "changed_keys": {"profile.name": 2, "user.first_name": 1},
        "errors": {"timeout: time was up": 1},
        "p50": 0.11,
        "p95": 0.9,
        "is_complete": True,
    }


def test_report_without_calls():
    webfilter = Webfilter.objects.create(event="x", webhook_url="http://a.example")
    report = observe_report(webfilter, timezone.now())
    assert (report["calls"], report["p50"], report["p95"]) == (0, None, None)


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
    report = observe_report(webfilter, timezone.now() - timedelta(hours=1))
    assert (report["calls"], report["would_have_halted"], report["p50"], report["p95"]) == (6, 6, 0.3, 0.3)
