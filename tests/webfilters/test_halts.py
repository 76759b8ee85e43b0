"""Halts that answers ask for: none is void because of how it was said, and what was missing is told."""

import pytest
from openedx_filters.learning import filters as learning

from openedx_webhooks import catalog
from openedx_webhooks.models import Call
from openedx_webhooks.webfilters import halts, trial_call
from tests.receiver import Reply

from .world import TEMPLATE, World

pytestmark = pytest.mark.django_db
FILTERS = {known.name: known for known in catalog.filters().values() if known.exceptions}
HOME = "the learner is sent to /, the home page of the site"


def run(name):
    """The exception that the filter ends in."""
    with pytest.raises(tuple(FILTERS[name].exceptions.values())) as caught:
        FILTERS[name].filter_class.run_filter(**World().arguments(FILTERS[name]))
    return caught.value


@pytest.mark.parametrize(
    ("name", "exception", "redirect_to", "where"),
    [
        ("AccountSettingsRenderStarted", "RedirectToPage", "/", HOME),
        ("CertificateRenderStarted", "RedirectToPage", "/", HOME),
        ("InstructorDashboardRenderStarted", "RedirectToPage", "/", HOME),
        ("CoursewareViewStarted", "RedirectToUrl", "/", HOME),
        ("CourseAboutRenderStarted", "RedirectToPage", "", "the platform sends the learner to the dashboard"),
        ("DashboardRenderStarted", "RedirectToPage", "", "the platform sends the learner to the account page"),
    ],
)
@pytest.mark.parametrize("arguments", ["Not allowed", {"message": "Not allowed"}, {"redirect_to": None}])
def test_a_redirect_without_a_url_halts_too_and_log_call_and_test_say_where_the_learner_ends(
    name, exception, redirect_to, where, arguments, make_webfilter, caplog
):
    webfilter = make_webfilter(FILTERS[name].filter_type, Reply({"exception": {exception: arguments}}))
    error = run(name)
    assert (type(error).__name__, error.redirect_to) == (exception, redirect_to)
    note = f"{exception}: no URL was given: {where}"
    assert f"Webfilter {webfilter.pk} ({name}): {note}" in caplog.text
    assert Call.objects.get().note == note
    assert note in trial_call.call_test(webfilter).notes


@pytest.mark.parametrize(
    ("name", "exception"), [(name, exception) for name, known in FILTERS.items() for exception in known.exceptions]
)
@pytest.mark.parametrize("message", [5, True, [1, 2]])
def test_a_message_of_another_kind_halts_all_the_same(name, exception, message, make_webfilter):
    if not FILTERS[name].filter_class.__module__.startswith("openedx_filters."):
        pytest.skip("another package's")
    make_webfilter(FILTERS[name].filter_type, Reply({"exception": {exception: message}}))
    assert isinstance(run(name), tuple(FILTERS[name].exceptions.values()))


@pytest.mark.parametrize(
    ("name", "exception"), [(name, exception) for name, known in FILTERS.items() for exception in known.exceptions]
)
def test_every_exception_may_be_its_message_alone(name, exception):
    """As documented: it halts, whatever its constructor wants."""
    if not FILTERS[name].filter_class.__module__.startswith("openedx_filters."):
        pytest.skip("another package's")
    halt = halts.by_name(FILTERS[name], exception, "Not allowed", {"context": {}, "template_name": TEMPLATE})
    assert type(halt.exception) in FILTERS[name].exceptions.values()
    assert not halt.problem


@pytest.mark.parametrize(
    ("given", "expected", "note"),
    [
        ({"error_code": 42}, {"error_code": "42"}, ""),
        ({"error_code": True}, {"error_code": "true"}, ""),
        ({"message": 5, "redirect_to": "/x"}, {"message": "5", "redirect_to": "/x"}, ""),
        ({"error_code": ["x"]}, {"error_code": "tpa-authentication-failure"}, "error_code: it must be a text"),
        ({"context": "x"}, {"context": {"errorMessage": "Your request was refused."}}, "context: it must be an object"),
        ({"redirect_to": 5}, {"redirect_to": ""}, "redirect_to: it must be a text"),
        ({"no_such": 1}, {}, "no_such: there is no such argument; it has: message, redirect_to, error_code, context"),
    ],
)
def test_an_argument_of_another_type_is_converted_or_named_and_the_halt_stands(
    given, expected, note, make_webfilter, caplog
):
    make_webfilter(learning.StudentLoginRequested.filter_type, Reply({"exception": {"PreventLogin": given}}))
    error = run("StudentLoginRequested")
    assert {name: getattr(error, name) for name in expected} == expected
    assert ("(StudentLoginRequested): PreventLogin: " in caplog.text) == bool(note)
    assert note in caplog.text
    assert Call.objects.get().note == (f"PreventLogin: {note}" if note else "")


def test_a_custom_response_has_the_type_reason_and_charset_of_the_answer(make_webfilter):
    given = {"content": "Später", "status": 451, "content_type": "text/plain", "reason": "Later", "charset": "latin-1"}
    make_webfilter(learning.DashboardRenderStarted.filter_type, Reply({"exception": {"RenderCustomResponse": given}}))
    response = run("DashboardRenderStarted").response
    assert (response.content, response.status_code, response.reason_phrase) == (b"Sp\xe4ter", 451, "Later")
    assert response.headers["Content-Type"] == "text/plain"


@pytest.mark.needs("CoursewareAccessChecksRequested")
@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", " " * 100 + "javascript:alert(1)", ""]
)
def test_the_way_to_consent_that_an_answer_gives_is_a_path_of_this_site(path, make_webfilter, caplog):
    """The learning app goes there: it is a link, though it is called a message."""
    given = {"error_code": halts.CONSENT_CODE, "developer_message": path, "message": "No"}
    make_webfilter(
        learning.CoursewareAccessChecksRequested.filter_type, Reply({"exception": {"PreventCoursewareAccess": given}})
    )
    error = run("CoursewareAccessChecksRequested")
    assert (error.error_code, error.developer_message) == ("access_denied", "No")
    assert "developer_message: " in caplog.text
