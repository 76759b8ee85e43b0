"""The mini LMS with a learner, a course and cohorts, and webfilters that the real receiver answers."""

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from opaque_keys.edx.keys import CourseKey

from demo.minilms.models import CourseEnrollment, CourseOverview, CourseUserGroup, UserProfile
from openedx_webhooks import catalog
from openedx_webhooks.models import Webfilter
from tests.receiver import Reply

PASSWORD = "s3cret-Pa55"


@pytest.fixture(autouse=True)
def _no_open_breakers():
    """The breakers of the test before this one are in the cache."""
    cache.clear()


@pytest.fixture
def answer(db, receiver):  # pylint: disable=unused-argument
    """``answer(FilterName, {"data": …})`` makes a webfilter whose endpoint answers that with status 200."""

    def make(name, body, status=200, **fields):
        url = receiver.on(f"/{name}", Reply(body, status))
        return Webfilter.objects.create(event=catalog.find_filter(name).filter_type, webhook_url=url, **fields)

    return make


@pytest.fixture
def course(db):  # pylint: disable=unused-argument
    """A course with two cohorts."""
    course = CourseOverview.objects.create(
        id=CourseKey.from_string("course-v1:edX+DemoX+2026"), display_name="Demo Course", short_description="About it."
    )
    for name in ("Red", "Blue"):
        CourseUserGroup.objects.create(name=name, course_id=course.id)
    return course


@pytest.fixture
def learner(db):  # pylint: disable=unused-argument
    """An account with a profile."""
    user = get_user_model().objects.create_user("ada", "ada@example.com", PASSWORD)
    UserProfile.objects.create(user=user, name="Ada Lovelace")
    return user


@pytest.fixture
def learner_client(client, learner):
    """A browser in which the learner is logged in."""
    client.force_login(learner)
    return client


@pytest.fixture
def enrollment(learner, course):
    """The learner's enrollment."""
    return CourseEnrollment.objects.create(user=learner, course=course)


@pytest.fixture
def sent():
    """The events that are sent during a test, as ``(constant's name, arguments)``."""
    received = []

    def listen(signal, **kwargs):
        names = {event.event_type: event.name for event in catalog.events().values()}
        received.append((names[signal.event_type], kwargs))

    signals = [event.signal for event in catalog.events().values()]
    for signal in signals:
        signal.connect(listen)
    yield received
    for signal in signals:
        signal.disconnect(listen)
