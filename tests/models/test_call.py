"""What is a failed call is the same in the database and outside of it."""

import itertools

import pytest

from openedx_webhooks.models import Call, Webfilter

pytestmark = pytest.mark.django_db
STATUSES = (None, 200, 399, 400, 403, 499, 500)


def test_rows_and_what_is_no_row_yet_are_judged_alike():
    webfilter = Webfilter.objects.create(
        event="org.openedx.learning.student.login.requested.v1", webhook_url="https://e.test/"
    )
    cases = itertools.product(Call.Result.values, ("", "client_error", "timeout"), STATUSES)
    calls = Call.objects.bulk_create(
        Call(webfilter=webfilter, result=result, error=error, status_code=status) for result, error, status in cases
    )
    failed = {call.pk for call in calls if Call.is_failure(call.result, call.error, call.status_code)}
    assert set(Call.objects.filter(Call.FAILED).values_list("pk", flat=True)) == failed
    assert 0 < len(failed) < len(calls)


@pytest.mark.parametrize(
    "result, error, status, is_failure",
    [
        ("halted", "client_error", 403, False),
        ("halted", "server_error", 503, True),
        ("halted", "timeout", None, True),
        ("passed", "client_error", 404, True),
        ("halted", "", 200, False),
    ],
)
def test_a_refusal_by_4xx_is_an_answer(result, error, status, is_failure):
    assert Call.is_failure(result, error, status) is is_failure
