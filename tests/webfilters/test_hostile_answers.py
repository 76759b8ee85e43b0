"""Answers that are made to hurt: what they cost the learner's request and the log, and what they get through."""

import time

import pytest
from opaque_keys.edx.keys import CourseKey
from openedx_filters.learning.filters import (
    CourseEnrollmentStarted,
    CourseRunAPIRenderStarted,
    DashboardRenderStarted,
    StudentRegistrationRequested,
)

from tests.receiver import Reply

from .world import COURSE_KEY, TEMPLATE, registration_form

pytestmark = pytest.mark.django_db
DASHBOARD = DashboardRenderStarted.filter_type
# Fewer than an answer may have.
MANY = 9000


def render(context):
    """The dashboard's context after the filter."""
    return DashboardRenderStarted.run_filter(context=context, template_name=TEMPLATE)[0]


@pytest.mark.parametrize("names", ["-{}", "password{}", "new_{}", "block-v1:edX+D+2026+type@a+block@{}"])
def test_thousands_of_keys_cost_little_and_fill_no_log(names, make_webfilter, caplog):
    """The deadline is over once the answer is there; what comes after it must be short, too."""
    modes = {CourseKey.from_string(f"course-v1:edX+D{number}+2026"): "audit" for number in range(200)}
    given = {names.format(number): "x" for number in range(MANY)}
    make_webfilter(DASHBOARD, Reply({"data": {"context": {"all_course_modes": given}}}))
    start = time.process_time()
    assert render({"all_course_modes": modes}) == {"all_course_modes": modes}
    assert time.process_time() - start < 10
    assert len(caplog.records) < 100
    assert f"{MANY - 50} more keys were not changed" in caplog.text


def test_context_does_not_grow_without_end(make_webfilter):
    make_webfilter(DASHBOARD, Reply({"data": {"context": {f"new_{number}": 1 for number in range(MANY)}}}))
    assert len(render({"title": "old"})) == 1000


def test_answer_with_too_many_members_is_not_used(make_webfilter, caplog):
    """Also if they are spread over many objects."""
    form = {f"field{number}": "x" for number in range(6000)}
    make_webfilter(
        StudentRegistrationRequested.filter_type, Reply({"data": {"form_data": form, "more": [{"a": 1}] * 6000}})
    )
    assert StudentRegistrationRequested.run_filter(form_data=registration_form()) == registration_form()
    assert "more than 10000 members" in caplog.text


@pytest.mark.parametrize(
    "given",
    [
        {"resumeUrl": "javascript:alert(1)"},
        {"resumeUrl": " " * 100 + "javascript:alert(1)"},
        {"resumeUrl": "\n" * 10_000 + "java\tscript:alert(1)"},
        {"resumeUrl": {"prepend": " " * 200 + "javascript:alert(1)//"}},
        {"homeUrl": "data:image/svg+xml,<svg onload='alert(1)'>"},
        {"resumeUrl": " Java\tScript:alert(1)"},
        {"newLink": "vbscript:x"},
        {"home": "data:text/html,<script>alert(1)</script>"},
        {"providers": [{"name": "x", "loginUrl": "javascript:alert(1)"}]},
        {"links": ["https://a.example", "javascript:alert(1)"]},
        {"frame": {"src": "javascript:alert(1)"}},
        {"form": {"action": "java\tscript:alert(1)", "method": "get"}},
        {"next": "\x01JavaScript:alert(1)"},
        {"new": {"deep": {"href": "javascript:alert(1)"}}},
        {"form": {"target": "javascript:alert(1)"}},
        {"video": {"poster": "javascript:alert(1)"}},
        {"redirect_to": "javascript:alert(1)"},
        {"src": "data:text/html;base64,PHNjcmlwdD4="},
        {"html": "data:text/html,<script>alert(1)</script>"},
        {"remark": " da\nta:image/svg+xml,<svg onload='alert(1)'>"},
    ],
)
def test_link_that_runs_a_script_is_refused(given, make_webfilter, caplog):
    """The learner's own page would run it at a click; what is no link may begin like that."""
    make_webfilter(
        CourseRunAPIRenderStarted.filter_type,
        Reply({"data": {"serialized_courserun": {**given, "courseName": "JavaScript: the good parts"}}}),
    )
    run = {"resumeUrl": "/resume", "home": "https://lms.example/", "courseName": "old", "providers": []}
    changed = CourseRunAPIRenderStarted.run_filter(serialized_courserun=run)
    assert changed == {**run, "courseName": "JavaScript: the good parts"}
    assert "runs a script" in caplog.text


LONG = "https://a.example/?" + "x" * 2000


@pytest.mark.parametrize("url", [LONG, "javascript:alert(1)", "//evil.example", "/\\evil"])
def test_redirect_that_django_or_a_browser_takes_amiss_halts_without_it(url, make_webfilter, caplog):
    """Django answers one that is too long with an error page; who was refused stays refused."""
    make_webfilter(DASHBOARD, Reply({"exception": {"RedirectToPage": {"redirect_to": url}}}))
    with pytest.raises(DashboardRenderStarted.RedirectToPage) as caught:
        render({"title": "old"})
    assert caught.value.redirect_to == ""
    assert "RedirectToPage: redirect_to: it is" in caplog.text
    assert "no URL was given: the platform sends the learner to the account page" in caplog.text


def test_script_in_the_context_of_an_exception_is_left_out(make_webfilter, caplog):
    arguments = {"dashboard_template": TEMPLATE, "template_context": {"back_url": "javascript:alert(1)"}}
    make_webfilter(DASHBOARD, Reply({"exception": {"RenderInvalidDashboard": arguments}}))
    with pytest.raises(DashboardRenderStarted.RenderInvalidDashboard) as caught:
        render({"title": "old"})
    assert caught.value.template_context == {}
    assert "template_context: it is an address that runs a script" in caplog.text


def test_key_that_no_column_holds_is_refused(make_webfilter, caplog):
    """The platform would look it up and store it: a database error in the middle of an enrollment."""
    given = f"course-v1:edX+{'D' * 255}+2026"
    make_webfilter(CourseEnrollmentStarted.filter_type, Reply({"data": {"course_key": given}}))
    assert CourseEnrollmentStarted.run_filter(None, COURSE_KEY, "audit")[1] == COURSE_KEY
    assert "too long for a key" in caplog.text


@pytest.mark.parametrize("status", [200, "200", None, 0, True, "x", 302, 1e3, [403]])
def test_refused_registration_is_always_an_error(status, make_webfilter):
    """The platform would answer with the status as it is, and the sign-up page take 200 for success."""
    answer = {"exception": {"PreventRegistration": {"message": "no", "status_code": status}}}
    make_webfilter(StudentRegistrationRequested.filter_type, Reply(answer))
    with pytest.raises(StudentRegistrationRequested.PreventRegistration) as caught:
        StudentRegistrationRequested.run_filter(form_data=registration_form())
    assert (caught.value.status_code, caught.value.message) == (403, "no")


def test_thousands_of_keys_beside_thousands_of_masked_values_cost_little(make_webfilter):
    """Whether a key was masked is looked up, not searched for."""
    context = {f"old_{number}": f"token=0123456789abcdef{number}" for number in range(990)}
    given = {name: f"x{number}" for number, name in enumerate(context)}
    make_webfilter(DASHBOARD, Reply({"data": {"context": {**given, **{f"n{number}": 1 for number in range(8000)}}}}))
    start = time.perf_counter()
    assert render(context)["old_0"] == "x0"
    assert time.perf_counter() - start < 5


def test_encoding_that_takes_long_to_decode_is_not_used(make_webfilter):
    """It is asked for by an answer in the published plugin's format, which obeys others: ten seconds for a megabyte."""
    reply = Reply(b"a" * 1_000_000, headers={"Content-Type": "application/json; charset=punycode"})
    make_webfilter(DASHBOARD, reply, payload_format="published")
    start = time.process_time()
    assert render({"title": "old"}) == {"title": "old"}
    assert time.process_time() - start < 3
