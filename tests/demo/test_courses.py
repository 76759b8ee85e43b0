"""The course list, a course's about page and the dashboard."""

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db
PAGE = {"message": "x", "content": "<h1>Closed</h1>", "status": 403, "headers": {"X-Reason": "maintenance"}}


def about(client, course):
    return client.get(reverse("about", args=[course.id]))


def test_pages_need_no_webfilters(learner_client, enrollment):
    assert "Demo Course" in learner_client.get(reverse("courses")).content.decode()
    assert "About it." in about(learner_client, enrollment.course).content.decode()
    assert "Demo Course" in learner_client.get(reverse("dashboard")).content.decode()


@pytest.mark.parametrize("path", ["/courses/nonsense/about", "/courses/course-v1:edX+Nowhere+2026/about", "/nothing"])
def test_what_is_not_there_is_a_404(client, db, path):  # pylint: disable=unused-argument
    assert client.get(path).status_code == 404


def test_an_answer_changes_the_about_page_and_leaves_the_course(client, course, answer, receiver):
    answer("CourseAboutRenderStarted", {"data": {"context": {"course_price": "49 EUR", "course": None}}})
    page = about(client, course).content.decode()
    assert "49 EUR" in page
    assert "Demo Course" in page
    assert receiver.received[0].json["template_name"] == "courseware/course_about.html"


def test_an_answer_changes_the_dashboard_for_all_its_awkward_types(learner_client, enrollment, answer, receiver):
    answer("DashboardRenderStarted", {"data": {"context": {"enrollment_message": "<i>Hello</i>"}}})
    page = learner_client.get(reverse("dashboard")).content.decode()
    assert "&lt;i&gt;Hello&lt;/i&gt;" in page
    assert "Demo Course" in page
    context = receiver.received[0].json["context"]
    assert list(context["all_course_modes"]) == [str(enrollment.course_id)]
    assert context["show_email_settings_for"] == [str(enrollment.course_id)]


@pytest.mark.parametrize(
    "exception, status, location",
    [
        ({"RedirectToPage": {"message": "x", "redirect_to": "/account"}}, 302, "/account"),
        ({"RedirectToPage": "x"}, 302, "/dashboard"),
        ({"RenderCustomResponse": PAGE}, 403, None),
    ],
)
def test_an_answer_replaces_the_about_page(client, course, answer, exception, status, location):
    # pylint: disable=too-many-arguments,too-many-positional-arguments
    answer("CourseAboutRenderStarted", {"exception": exception})
    response = about(client, course)
    assert (response.status_code, response.get("Location")) == (status, location)


@pytest.mark.parametrize(
    "exception, status, location",
    [
        ({"RedirectToPage": {"message": "x", "redirect_to": "/courses"}}, 302, "/courses"),
        ({"RedirectToPage": "x"}, 302, "/account"),
        ({"RenderCustomResponse": PAGE}, 403, None),
    ],
)
def test_an_answer_replaces_the_dashboard(learner_client, answer, exception, status, location):
    answer("DashboardRenderStarted", {"exception": exception})
    response = learner_client.get(reverse("dashboard"))
    assert (response.status_code, response.get("Location")) == (status, location)


@pytest.mark.parametrize("name", ["DashboardRenderStarted", "CourseAboutRenderStarted"])
@pytest.mark.parametrize(
    "body, status", [(b"", 200), (b"\xff\xfe<h1>", 200), (b"null", 200), ({"data": 5}, 200), (b"", 403), (b"", 500)]
)
def test_a_useless_answer_changes_nothing(learner_client, enrollment, answer, name, body, status):
    # pylint: disable=too-many-arguments,too-many-positional-arguments
    answer(name, body, status)
    page = reverse("dashboard") if name.startswith("Dash") else reverse("about", args=[enrollment.course_id])
    response = learner_client.get(page)
    assert response.status_code == 200
    assert "Demo Course" in response.content.decode()


def test_a_failing_webfilter_with_a_redirect_sends_the_learner_there(learner_client, answer):
    answer("DashboardRenderStarted", b"", status=403, halt_on_4xx=True, redirect_on_4xx="/account")
    response = learner_client.get(reverse("dashboard"))
    assert (response.status_code, response["Location"]) == (302, "/account")


def test_strangers_have_no_dashboard(client, db):  # pylint: disable=unused-argument
    assert client.get(reverse("dashboard"))["Location"].startswith("/login")
