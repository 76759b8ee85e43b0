"""Inside a course: who may enter, units of real XBlocks, and what happens without XBlock."""

import random
import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.urls import reverse
from openedx_filters import PipelineStep
from openedx_filters.learning.filters import CohortAssignmentRequested, CohortChangeRequested
from xblock.core import XBlock

from demo.minilms import courseware
from demo.minilms.blocks import LmsRuntime
from demo.minilms.cohorts import assign, get_cohort
from demo.minilms.course_modes.models import CourseMode
from demo.minilms.examples import BLOCKS, UNIT
from demo.minilms.models import CohortMembership, CourseEnrollment, CourseOverview, CourseUserGroup

pytestmark = pytest.mark.django_db


def unit_of(course):
    return reverse("render_xblock", args=[course.id.make_usage_key(*UNIT)])


def test_a_unit_has_all_components_and_their_token(learner_client, enrollment):
    page = learner_client.get(unit_of(enrollment.course)).content.decode()
    assert re.findall('data-block-type="([^"]*)"', page) == ["vertical", "html", "problem", "openassessment"]
    assert len(set(re.findall('data-request-token="([^"]*)"', page))) == 1
    assert "Staff Debug" not in page
    assert BLOCKS["problem", "quiz"]["answer"] not in page.replace("a filter asks first", "")


def test_staff_see_the_answers_of_a_units_problems(client, course, django_user_model):
    client.force_login(django_user_model.objects.create_user("team", is_staff=True))
    page = client.get(unit_of(course)).content.decode()
    assert "Staff Debug" in page
    assert "&quot;filter&quot;" in page


def test_blocks_are_xblocks_own_and_read_nothing_before_it_is_asked_for(rf, learner, course):
    request = rf.get("/")
    request.user, request.session = learner, {}
    block = LmsRuntime(request).get_block(course.id.make_usage_key("problem", "quiz"))
    assert isinstance(block, XBlock)
    assert not block._field_data_cache
    assert block.display_name == "Quiz"


def test_an_answer_and_an_essay_are_kept_for_the_learner(learner_client, enrollment):
    key = enrollment.course_id
    problem, essay = key.make_usage_key("problem", "quiz"), key.make_usage_key("openassessment", "essay")
    check = reverse("xblock_handler", args=[key, problem, "problem_check"])
    assert learner_client.post(check, {"answer": "event"}).json() == {"correct": False}
    submit = reverse("xblock_handler", args=[key, essay, "render_submission"])
    assert "It was six." in learner_client.post(submit, {"submission": "It was six."}).content.decode()
    page = learner_client.get(unit_of(enrollment.course)).content.decode()
    assert 'value="event"' in page
    assert "It was six." in page


def test_the_first_access_to_content_assigns_a_cohort_and_the_next_one_none(learner_client, learner, enrollment, sent):
    for _i in range(2):
        assert learner_client.get(unit_of(enrollment.course)).status_code == 200
    assert CohortMembership.objects.get(user=learner).course_user_group.name in ("Red", "Blue")
    assert [name for name, _kwargs in sent] == ["COHORT_MEMBERSHIP_CHANGED"]


def test_after_an_assignment_that_was_changed_the_request_has_the_original_cohort(learner, course, answer, monkeypatch):
    """The membership is in the other cohort; what this request shows is for the first."""
    red, blue = CourseUserGroup.objects.order_by("-name")
    answer("CohortAssignmentRequested", {"data": {"target_cohort": {"name": "Blue"}}})
    monkeypatch.setattr(random, "choice", lambda _cohorts: red)
    assert get_cohort(learner, course.id) == red
    assert get_cohort(learner, course.id) == blue


@pytest.mark.parametrize(
    "key", ["block-v1:edX+DemoX+2026+type@vertical+block@none", "block-v1:edX+No+2026+type@vertical+block@unit"]
)
def test_a_unit_that_is_not_there_is_a_404(learner_client, enrollment, key):
    assert learner_client.get(f"/xblock/{key}").status_code == 404


def test_who_is_not_enrolled_is_sent_to_the_about_page(learner_client, course):
    assert learner_client.get(unit_of(course))["Location"] == reverse("about", args=[course.id])


def test_who_comes_too_early_is_sent_to_the_dashboard_and_staff_enter(learner_client, enrollment, django_user_model):
    CourseOverview.objects.update(start=datetime(2099, 1, 1, tzinfo=UTC))
    assert learner_client.get(unit_of(enrollment.course))["Location"] == reverse("dashboard")
    learner_client.force_login(django_user_model.objects.create_user("team", is_staff=True))
    assert learner_client.get(unit_of(enrollment.course)).status_code == 200


@pytest.mark.needs("CoursewareAccessChecksRequested")
def test_staff_do_not_enter_against_a_filter(client, course, answer, django_user_model):
    client.force_login(django_user_model.objects.create_user("team", is_staff=True))
    answer("CoursewareAccessChecksRequested", {"exception": {"PreventCoursewareAccess": "No"}})
    access = client.get(reverse("course_metadata", args=[course.id])).json()["course_access"]
    assert access["has_access"] is False


def test_without_xblock_there_are_no_units_and_all_other_pages(learner_client, enrollment, monkeypatch):
    monkeypatch.setattr(courseware, "HAS_XBLOCK", False)
    page = learner_client.get(unit_of(enrollment.course))
    assert page.status_code == 501
    assert "pip install XBlock" in page.content.decode()
    for name in ("about", "progress", "course_home"):
        assert "Demo Course" in learner_client.get(reverse(name, args=[enrollment.course_id])).content.decode()


def test_a_visitors_about_page_is_everybodys_and_a_learners_is_not(client, course, answer, receiver, learner):
    answer("CourseAboutRenderStarted", {"data": {"context": {"course_price": "49 EUR"}}})
    for _i in range(2):
        assert "49 EUR" in client.get(reverse("about", args=[course.id])).content.decode()
    assert len(receiver.received) == 1
    client.force_login(learner)
    client.get(reverse("about", args=[course.id]))
    assert len(receiver.received) == 2


def test_a_visitors_redirect_from_the_about_page_is_not_kept(client, course, answer):
    hook = answer("CourseAboutRenderStarted", {"exception": {"RedirectToPage": {"redirect_to": "/account"}}})
    assert client.get(reverse("about", args=[course.id]))["Location"] == "/account"
    hook.delete()
    assert client.get(reverse("about", args=[course.id])).status_code == 200


class Depth(PipelineStep):
    """Another plugin's step, which notes how deep in transactions it runs."""

    noted = []

    def run_filter(self, **_kwargs):  # pylint: disable=arguments-differ
        self.noted.append(len(connection.savepoint_ids))
        return {}


def test_a_cohort_is_changed_in_a_transaction(learner, course, settings):
    """The filter that may take seconds runs while the learner's row is locked."""
    red, blue = CourseUserGroup.objects.order_by("-name")
    CohortMembership.objects.create(user=learner, course_id=course.id, course_user_group=red)
    filters = (CohortAssignmentRequested, CohortChangeRequested)
    step = {"pipeline": [f"{__name__}.Depth"], "fail_silently": False}
    settings.OPEN_EDX_FILTERS_CONFIG = {one.filter_type: step for one in filters}
    assign(blue, learner)
    assert Depth.noted[1] == Depth.noted[0] + 1


def test_a_track_is_chosen_with_its_price_and_enrolls(learner_client, learner, course):
    CourseMode.objects.create(course=course.id, mode_slug="verified", mode_display_name="Verified", min_price=49)
    url = reverse("choose_mode", args=[course.id])
    assert '<span\n      class="price">49</span>' in learner_client.get(url).content.decode()
    learner_client.post(url, {"mode": "verified"})
    assert CourseEnrollment.objects.get(user=learner).mode == "verified"
