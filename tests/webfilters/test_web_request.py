"""Webfilters in real web requests of the mini LMS, whose middleware and transactions are the platform's."""

import time

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from openedx_filters.learning.filters import CourseEnrollmentStarted, DashboardRenderStarted, StudentLoginRequested

from demo.minilms.models import CourseEnrollment, CourseOverview, UserProfile
from tests.receiver import Reply

from .world import COURSE_KEY

BUDGET = 0.6
DELAY = 0.4


@pytest.fixture
def client(db):  # pylint: disable=unused-argument
    user = get_user_model().objects.create_user("ada", "ada@example.com", "lovelace")
    UserProfile.objects.create(user=user, name="Ada")
    CourseOverview.objects.create(id=COURSE_KEY, display_name="Demo Course")
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.django_db
def test_budget_is_for_all_filters_of_one_web_request(client, make_webfilter, settings, receiver):
    """A page that runs two filters: the second one gets what the first one left."""
    settings.OPENEDX_WEBHOOKS = {"WEBFILTER_REQUEST_BUDGET_SECONDS": BUDGET}
    settings.ROOT_URLCONF = "tests.webfilters.two_filters"
    make_webfilter(StudentLoginRequested.filter_type, Reply(delay=DELAY), path="/login", timeout=5)
    make_webfilter(DashboardRenderStarted.filter_type, Reply(delay=3), path="/dashboard", timeout=5)
    for _request in range(2):  # the budget is each request's own
        receiver.received.clear()
        start = time.monotonic()
        assert client.get("/both").status_code == 200
        assert DELAY < time.monotonic() - start < 2
        assert [request.path for request in receiver.received] == ["/login", "/dashboard"]


@pytest.mark.django_db
def test_a_page_goes_on_when_the_endpoint_hangs(client, make_webfilter):
    make_webfilter(CourseEnrollmentStarted.filter_type, Reply(delay=2), timeout=0.2)
    client.post("/change_enrollment", {"course_id": str(COURSE_KEY), "enrollment_action": "enroll"})
    assert CourseEnrollment.objects.get().is_active
