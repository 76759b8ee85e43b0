"""Cohorts: assignment and change."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from demo.minilms.models import CohortMembership, CourseUserGroup

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client, db):  # pylint: disable=unused-argument
    """A browser in which somebody of the course team is logged in."""
    client.force_login(get_user_model().objects.create_user("team", is_staff=True))
    return client


@pytest.fixture
def cohorts(course):
    """Name → cohort."""
    return {cohort.name: cohort for cohort in CourseUserGroup.objects.filter(course_id=course.id)}


@pytest.fixture
def membership(learner, cohorts):
    """The learner is in Red."""
    cohorts["Red"].users.add(learner)
    return CohortMembership.objects.create(
        user=learner, course_id=cohorts["Red"].course_id, course_user_group=cohorts["Red"]
    )


def add(client, cohort, users):
    return client.post(reverse("add_to_cohort", args=[cohort.course_id, cohort.pk]), {"users": users}).json()


def move(client, cohort, user):
    return client.post(reverse("cohorts", args=[cohort.course_id]), {"user": user.pk, "cohort": cohort.pk})


def test_a_first_cohort_is_an_assignment_with_its_event(staff, learner, cohorts, sent):
    result = add(staff, cohorts["Red"], "ada, nobody")
    assert result["added"] == [{"username": "ada", "email": "ada@example.com"}]
    assert result["unknown"] == ["nobody"]
    assert list(cohorts["Red"].users.all()) == [learner]
    ((name, kwargs),) = sent
    assert (name, kwargs["cohort"].name) == ("COHORT_MEMBERSHIP_CHANGED", "Red")


def test_another_cohort_is_a_change(staff, learner, membership, cohorts, sent):
    assert move(staff, cohorts["Blue"], learner).status_code == 302
    membership.refresh_from_db()
    assert membership.course_user_group == cohorts["Blue"]
    assert not cohorts["Red"].users.exists()
    assert sent[0][1]["cohort"].name == "Blue"


def test_the_same_cohort_again_is_present(staff, membership, cohorts):  # pylint: disable=unused-argument
    assert add(staff, cohorts["Red"], "ada")["present"] == ["ada"]


@pytest.mark.parametrize(
    "filter_name, exception",
    [("CohortAssignmentRequested", "PreventCohortAssignment"), ("CohortChangeRequested", "PreventCohortChange")],
)
def test_a_refused_learner_stays(staff, learner, membership, cohorts, answer, sent, filter_name, exception):
    # pylint: disable=too-many-arguments,too-many-positional-arguments
    answer(filter_name, {"exception": {exception: "Groups are fixed"}})
    assert add(staff, cohorts["Blue"], "ada")["not_allowed"] == ["ada"]
    page = move(staff, cohorts["Blue"], learner)
    assert page.status_code == 400
    assert "ada is not allowed in this cohort" in page.content.decode()
    assert "Groups are fixed" not in page.content.decode()
    membership.refresh_from_db()
    assert membership.course_user_group == cohorts["Red"]
    assert not sent


@pytest.mark.parametrize("filter_name", ["CohortAssignmentRequested", "CohortChangeRequested"])
def test_an_answer_names_another_cohort_of_the_course(staff, course, learner, membership, cohorts, answer, filter_name):  # pylint: disable=too-many-arguments,too-many-positional-arguments
    green = CourseUserGroup.objects.create(name="Green", course_id=course.id)
    answer(filter_name, {"data": {"target_cohort": {"name": "Green"}}})
    move(staff, cohorts["Blue"], learner)
    membership.refresh_from_db()
    assert membership.course_user_group == green


def test_learners_move_nobody(learner_client, learner, membership, cohorts):
    move(learner_client, cohorts["Blue"], learner)
    membership.refresh_from_db()
    assert membership.course_user_group == cohorts["Red"]


def test_the_page_lists_learners_with_their_cohort(staff, enrollment, membership):
    page = staff.get(reverse("cohorts", args=[enrollment.course_id])).content.decode()
    assert membership.user.username in page
    assert "Red" in page
