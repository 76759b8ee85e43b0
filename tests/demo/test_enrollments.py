"""Enrolling and unenrolling: filters, events in the platform's order, and what the learner gets."""

import pytest
from django.urls import reverse

from demo.minilms.models import CourseEnrollment

pytestmark = pytest.mark.django_db


def change(client, course, action):
    return client.post(reverse("change_enrollment"), {"course_id": str(course.id), "enrollment_action": action})


def test_a_first_enrollment_sends_changed_and_then_created(learner_client, course, sent):
    response = change(learner_client, course, "enroll")
    assert (response.status_code, response.content.decode()) == (200, reverse("dashboard"))
    assert [name for name, _kwargs in sent] == ["COURSE_ENROLLMENT_CHANGED", "COURSE_ENROLLMENT_CREATED"]
    data = sent[-1][1]["enrollment"]
    assert (data.course.course_key, data.course.display_name, data.mode) == (course.id, "Demo Course", "audit")


def test_an_unenrollment_sends_changed_and_then_completed(learner_client, enrollment, sent):
    response = change(learner_client, enrollment.course, "unenroll")
    assert response.status_code == 200
    assert not CourseEnrollment.objects.get().is_active
    assert [name for name, _kwargs in sent] == ["COURSE_ENROLLMENT_CHANGED", "COURSE_UNENROLLMENT_COMPLETED"]


@pytest.mark.parametrize(
    "filter_name, exception, action, enrolled",
    [
        ("CourseEnrollmentStarted", "PreventEnrollment", "enroll", False),
        ("CourseUnenrollmentStarted", "PreventUnenrollment", "unenroll", True),
    ],
)
def test_a_refusal_is_a_400_with_the_message_and_changes_nothing(
    learner_client, learner, course, answer, sent, filter_name, exception, action, enrolled
):  # pylint: disable=too-many-arguments,too-many-positional-arguments
    if enrolled:
        CourseEnrollment.objects.create(user=learner, course=course)
    answer(filter_name, {"exception": {exception: "Ask first"}})
    response = change(learner_client, course, action)
    assert (response.status_code, response.content.decode()) == (400, "Ask first")
    page = learner_client.post(reverse(action, args=[course.id]))
    assert page.status_code == 400
    assert "Ask first" in page.content.decode()
    assert CourseEnrollment.objects.filter(is_active=True).exists() is enrolled
    assert not sent


def test_an_answer_sets_the_mode(learner_client, course, answer):
    answer("CourseEnrollmentStarted", {"data": {"mode": "honor"}})
    change(learner_client, course, "enroll")
    assert CourseEnrollment.objects.get().mode == "honor"


def test_enrolling_again_with_nothing_changed_sends_created_only(learner_client, enrollment, sent):
    change(learner_client, enrollment.course, "enroll")
    assert [name for name, _kwargs in sent] == ["COURSE_ENROLLMENT_CREATED"]


@pytest.mark.parametrize(
    "fields",
    [
        {"course_id": "nonsense", "enrollment_action": "enroll"},
        {"course_id": "course-v1:edX+Nowhere+2026", "enrollment_action": "enroll"},
        {"course_id": "course-v1:edX+DemoX+2026", "enrollment_action": "dance"},
        {},
    ],
)
def test_a_request_that_makes_no_sense_is_a_400(learner_client, course, fields):  # pylint: disable=unused-argument
    assert learner_client.post(reverse("change_enrollment"), fields).status_code == 400


def test_strangers_enroll_nowhere(client, course):
    assert change(client, course, "enroll").status_code == 403
    assert client.post(reverse("enroll", args=[course.id])).status_code == 302
    assert not CourseEnrollment.objects.exists()
