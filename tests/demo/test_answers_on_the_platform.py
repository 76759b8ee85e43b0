"""
What an answer can't do to the platform's pages and tables: its call sites are the mini LMS's, its blocks XBlock's own.

The platform itself checks little of what comes back from a filter; each of these answers once ended in an error page, a
page without scripts, or a row that should not be there.
"""

import json
import re

import pytest
from django.urls import reverse
from opaque_keys.edx.keys import CourseKey

from demo.minilms import examples
from demo.minilms.assessment import SIGNATURE
from demo.minilms.course_modes.models import CourseMode
from demo.minilms.grades import read_grade
from demo.minilms.login import PIPELINE_SESSION_KEY
from demo.minilms.models import CourseEnrollment, CourseOverview, GeneratedCertificate, UserProfile
from openedx_webhooks import catalog
from openedx_webhooks.models import Webfilter

from .platform import FORM, PASSWORD, Platform

pytestmark = pytest.mark.django_db
SCRIPT = " " * 120 + "javascript:alert(1)"
# Django's engine finds it in the admin; the engine that renders pages does not.
DJANGO_TEMPLATE = "admin/base_site.html"


@pytest.fixture
def platform(db):
    return Platform()


@pytest.fixture
def echo(receiver):
    """``echo(FilterName, change)`` makes a webfilter whose answer's data is what ``change`` makes of the payload."""

    def make(name, change, **fields):
        def reply(handler):
            content = json.dumps({"data": change(receiver.received[-1].json)}).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)

        url = receiver.on(f"/{name}", reply)
        return Webfilter.objects.create(event=catalog.find_filter(name).filter_type, webhook_url=url, **fields)

    return make


def profile_name(platform):
    return UserProfile.objects.get(user=platform.ada).name


# --- Login: anybody who knows an address makes the filter run


@pytest.mark.parametrize("password, name", [(PASSWORD, "Ada King"), ("a guess", "Ada Lovelace"), ("", "Ada Lovelace")])
def test_a_profile_is_changed_only_by_who_knows_the_password(platform, answer, password, name):
    answer("StudentLoginRequested", {"data": {"profile": {"name": "Ada King"}, "user": {"first_name": "Countess"}}})
    page, _api = platform.log_in(password)
    assert (page.status_code == 302) == (password == PASSWORD)
    assert profile_name(platform) == name
    platform.ada.refresh_from_db()
    assert platform.ada.first_name == ("Countess" if password == PASSWORD else "")


def test_a_profile_is_changed_by_a_login_through_another_provider(platform, answer):
    answer("StudentLoginRequested", {"data": {"profile": {"name": "Ada King"}}})
    session = platform.visitor.session
    session[PIPELINE_SESSION_KEY] = platform.ada.pk
    session.save()
    assert platform.visitor.post(reverse("login_api")).json()["success"]
    assert profile_name(platform) == "Ada King"


def test_what_one_login_did_not_apply_is_not_applied_by_the_next(platform, answer):
    hook = answer("StudentLoginRequested", {"data": {"profile": {"name": "Ada King"}}})
    platform.log_in("a guess")
    hook.delete()
    assert platform.log_in()[0].status_code == 302
    assert profile_name(platform) == "Ada Lovelace"


def test_a_login_that_is_refused_changes_nothing(platform, answer):
    body = {"data": {"profile": {"name": "Ada King"}}, "exception": {"PreventLogin": "No"}}
    answer("StudentLoginRequested", body)
    assert platform.log_in()[0].status_code == 400
    assert profile_name(platform) == "Ada Lovelace"


# --- Courses, modes and certificates: the platform does not ask whether there are such


@pytest.mark.parametrize(
    "data, enrolled",
    [
        ({"course_key": "course-v1:edX+Nowhere+2026"}, ("Other", "audit")),
        ({"course_key": "course-v1:edX+Nowhere+2026", "mode": "verified"}, ("Other", "verified")),
        ({"mode": "masters"}, ("Other", "audit")),
        ({"mode": "verified"}, ("Other", "verified")),
        ({"course_key": "course-v1:edX+Third+2026"}, ("Third", "audit")),
        # Third has no such mode; the course that was asked for has.
        ({"course_key": "course-v1:edX+Third+2026", "mode": "verified"}, ("Other", "verified")),
    ],
)
def test_an_enrollment_is_changed_only_to_a_course_and_a_mode_that_exist(platform, answer, data, enrolled):
    third = CourseKey.from_string("course-v1:edX+Third+2026")
    CourseOverview.objects.create(id=third, display_name="Third")
    CourseMode.objects.create(course=third, mode_slug="audit", mode_display_name="Audit")
    answer("CourseEnrollmentStarted", {"data": data})
    assert platform.enroll()[0].status_code == 200
    made = CourseEnrollment.objects.exclude(pk=platform.enrollment.pk).get()
    assert (made.course_id.course, made.mode) == enrolled


@pytest.mark.parametrize(
    "data, used",
    [
        ({"status": "unverified"}, {"status": "unverified"}),
        ({"status": "x" * 40}, {"status": "downloadable"}),
        ({"status": "splendid"}, {"status": "downloadable"}),
        ({"generation_mode": "x" * 40, "mode": "verified"}, {"mode": "verified"}),
        ({"mode": "masters"}, {"mode": "audit"}),
    ],
)
def test_a_certificate_takes_only_the_platforms_own_values(platform, answer, data, used):
    answer("CertificateCreationRequested", {"data": data})
    assert platform.ask_for_certificate()[0].status_code == 200
    assert GeneratedCertificate.objects.filter(user=platform.ada, course_id=platform.key, **used).exists()


@pytest.mark.parametrize("enrolled", [True, False])
@pytest.mark.parametrize("passed", [True, False])
def test_a_certificate_for_another_course_needs_an_enrollment_and_a_grade_there(platform, answer, enrolled, passed):
    if enrolled:
        CourseEnrollment.objects.create(user=platform.ada, course=platform.other_course)
    if passed:
        read_grade(platform.ada, platform.other_key)
    answer("CertificateCreationRequested", {"data": {"course_key": str(platform.other_key)}})
    platform.ask_for_certificate()
    made = GeneratedCertificate.objects.filter(user=platform.ada, course_id=platform.other_key)
    assert made.exists() == (enrolled and passed)


# --- Pages


@pytest.mark.parametrize(
    "name, act, shows",
    [
        ("DashboardRenderStarted", Platform.look_at_dashboard, "Demo Course"),
        ("CourseAboutRenderStarted", Platform.look_at_about_page, "Demo Course"),
        ("InstructorDashboardRenderStarted", Platform.look_at_instructor_dashboard, "Demo Course"),
        ("ORASubmissionViewRenderStarted", Platform.write_essay, "all was green"),
    ],
)
@pytest.mark.parametrize("template", [DJANGO_TEMPLATE, "no/such/template.html"])
def test_a_template_is_taken_only_if_the_page_can_be_made_with_it(platform, answer, name, act, shows, template):
    """The platform renders its pages with the engine mako alone; ORA's block takes any engine's templates."""
    answer(name, {"data": {"template_name": template}})
    (response,) = act(platform)
    assert response.status_code == 200
    if name.startswith("ORA") and template == DJANGO_TEMPLATE:
        assert shows not in response.content.decode()
    else:
        assert shows in response.content.decode()


@pytest.mark.parametrize(
    "name, act, exception, argument",
    [
        ("CourseAboutRenderStarted", Platform.look_at_about_page, "RenderInvalidCourseAbout", "course_about_template"),
        ("DashboardRenderStarted", Platform.look_at_dashboard, "RenderInvalidDashboard", "dashboard_template"),
        (
            "InstructorDashboardRenderStarted",
            Platform.look_at_instructor_dashboard,
            "RenderInvalidDashboard",
            "instructor_template",
        ),
        (
            "CertificateRenderStarted",
            Platform.look_at_certificate,
            "RenderAlternativeInvalidCertificate",
            "template_name",
        ),
    ],
)
def test_a_template_of_another_engine_in_an_exception_is_no_error_page(
    platform, answer, name, act, exception, argument
):
    answer(name, {"exception": {exception: {"message": "No", argument: DJANGO_TEMPLATE}}})
    assert act(platform)[0].status_code < 500


def test_a_link_that_runs_a_script_is_not_taken_however_it_is_hidden(platform, answer):
    answer("RenderXBlockStarted", {"data": {"context": {"verified_upgrade_link": SCRIPT, "on_courseware_page": False}}})
    page = platform.look_at_unit()[0].content.decode()
    assert "javascript:" not in page
    assert "Which of the two can say no?" in page


def test_an_essays_files_keep_their_signed_addresses_when_the_answer_adds_a_text(platform, echo, receiver):
    """The signature is masked on the way out, and is not put back as a mask."""
    echo("ORASubmissionViewRenderStarted", lambda sent: {"context": {**sent["context"], "announcement": "Two pages."}})
    page = platform.write_essay()[0].content.decode()
    assert "Two pages." in page
    assert SIGNATURE in page
    assert SIGNATURE not in receiver.received[-1].body.decode()


# --- Units: what was masked or cut never comes back


TOKEN = re.compile(r'data-request-token="([^"]*)"')
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]*)"')
BANNER = "<p>Exams are on Friday.</p>"


def check_unit(page):
    """The banner is there, every block has the page's token and the problem its CSRF value."""
    content = page[page.index('id="content"') :]
    tokens = TOKEN.findall(content)
    # Of the page, the unit and its three components.
    assert len(tokens) == 5
    assert len(set(tokens)) == 1
    assert re.fullmatch("[0-9a-f]{32}", tokens[0])
    (csrf,) = CSRF.findall(content)
    assert len(csrf) == 64
    assert content.count(BANNER) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda sent: {"fragment": {"content": BANNER + sent["fragment"]["content"]}},
        lambda sent: {"fragment": {"content": sent["fragment"]["content"] + BANNER}},
        lambda _sent: {"fragment": {"prepend": BANNER}},
        lambda _sent: {"fragment": {"append": BANNER}},
    ],
    ids=["before what was sent", "after what was sent", "prepend", "append"],
)
@pytest.mark.parametrize("size", [100, 300_000], ids=["small", "cut"])
def test_a_banner_leaves_the_units_scripts_and_texts_alone(platform, echo, monkeypatch, change, size):
    text = {"display_name": "Text", "data": f"<p>{'ж' * size}</p>"}
    monkeypatch.setitem(examples.BLOCKS, ("html", "welcome"), text)
    echo("VerticalBlockRenderCompleted", change)
    page = platform.look_at_unit()[0].content.decode()
    check_unit(page)
    assert page.count("ж") == size


def test_a_unit_that_is_sent_names_its_blocks_and_no_csrf_value(platform, echo, receiver):
    echo("VerticalBlockRenderCompleted", lambda sent: {})
    page = platform.look_at_unit()[0].content.decode()
    sent = receiver.received[-1].json
    assert sent["block"]["display_name"] == "First unit"
    assert TOKEN.search(page)[1] in sent["fragment"]["content"]
    assert CSRF.search(page[page.index('id="content"') :])[1] not in receiver.received[-1].body.decode()


def test_the_course_of_a_page_is_sent_with_its_name_although_nothing_has_read_it(platform, echo, receiver):
    echo("CourseAboutRenderStarted", lambda sent: {})
    platform.look_at_about_page()
    assert receiver.received[-1].json["context"]["course"]["display_name"] == "Demo Course"


def test_the_problem_of_a_unit_still_works_after_a_banner(platform, echo):
    """As the page's script does: it sends the form of a block that has the page's token."""
    echo("VerticalBlockRenderCompleted", lambda sent: {"fragment": {"content": BANNER + sent["fragment"]["content"]}})
    platform.learner.handler.enforce_csrf_checks = True
    page = platform.look_at_unit()[0].content.decode()
    content = page[page.index('id="content"') :]
    action = re.search(r'<form class="problem" method="post" action="([^"]*)"', content)[1]
    form = {"answer": "Filter", "csrfmiddlewaretoken": CSRF.search(content)[1]}
    assert platform.learner.post(action, form).json() == {"correct": True}
    assert platform.learner.post(action, {**form, "csrfmiddlewaretoken": "***"}).status_code == 403


# --- Halts that hold, whatever their arguments are


@pytest.mark.parametrize(
    "name, act, exception, usual",
    [
        ("CertificateRenderStarted", Platform.look_at_certificate, "RedirectToPage", "Ada Lovelace"),
        ("InstructorDashboardRenderStarted", Platform.look_at_instructor_dashboard, "RedirectToPage", "Demo Course"),
        ("DashboardRenderStarted", Platform.look_at_dashboard, "RedirectToPage", "Demo Course"),
        ("CourseAboutRenderStarted", Platform.look_at_about_page, "RedirectToPage", "Demo Course"),
        ("CoursewareViewStarted", Platform.look_at_progress, "RedirectToUrl", "Demo Course"),
    ],
)
@pytest.mark.parametrize("arguments", ["Come back on Monday.", "", {"message": "No"}, {"redirect_to": ""}])
def test_a_redirect_without_a_url_halts_and_does_not_lead_back(
    platform, answer, name, act, exception, usual, arguments, caplog
):
    answer(name, {"exception": {exception: arguments}})
    (response,) = act(platform)
    assert response.status_code < 500
    assert usual not in response.content.decode()
    assert response.get("Location") not in ("", response.request["PATH_INFO"])
    assert "no URL was given" in caplog.text


@pytest.mark.parametrize(
    "arguments, message, status",
    [
        ("No", "No", 403),
        ({"message": 5, "status_code": "409"}, "5", 409),
        ({"message": "No", "status_code": 200}, "No", 403),
        ({"message": "No", "error_code": 7}, "No", 403),
        ({"message": "No", "error_code": ["a"]}, "No", 403),
        ({"message": None}, "Your request was refused.", 403),
    ],
)
def test_an_argument_of_a_wrong_type_does_not_let_anybody_register(platform, answer, arguments, message, status):
    answer("StudentRegistrationRequested", {"exception": {"PreventRegistration": arguments}})
    response = platform.visitor.post(reverse("registration_api"), FORM)
    assert (response.status_code, response.json()["error_message"]) == (status, [{"user_message": message}])


def test_a_response_of_an_answer_has_its_type_its_reason_and_its_charset(platform, answer):
    page = {
        "content": "Schönes Wetter",
        "status": 418,
        "content_type": "text/plain",
        "reason": "Tea",
        "charset": "latin-1",
    }
    answer("DashboardRenderStarted", {"exception": {"RenderCustomResponse": page}})
    (response,) = platform.look_at_dashboard()
    assert (response.status_code, response.reason_phrase) == (418, "Tea")
    assert response["Content-Type"].startswith("text/plain")
    assert response.content == "Schönes Wetter".encode("latin-1")


@pytest.mark.parametrize(
    "status, body, location", [(403, b"", "/account"), (200, {"exception": {"RedirectToPage": "x"}}, None)]
)
def test_disable_halting_is_about_exceptions_alone(platform, answer, status, body, location):
    fields = {"disable_halt": True, "halt_on_4xx": True, "redirect_on_4xx": "/account"}
    answer("DashboardRenderStarted", body, status, **fields)
    (response,) = platform.look_at_dashboard()
    assert response.get("Location") == location


def test_a_cohort_the_learner_is_in_already_is_no_error_page(platform, answer):
    """The platform lists such a learner as present, and the first access to content goes on."""
    answer("CohortAssignmentRequested", {"data": {"target_cohort": {"name": "Red"}}})
    page, api = platform.change_cohort()
    assert page.status_code == 302
    assert api.json()["present"] == ["ada"]
