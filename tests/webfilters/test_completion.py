"""How far the learner has come, beside the arguments of the certificates' filters."""

import sys
from types import ModuleType

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection, connections, transaction
from openedx_filters.learning.filters import CertificateCreationRequested, CertificateRenderStarted

from openedx_webhooks import catalog
from openedx_webhooks.payloads.samples import sample_payload
from tests.receiver import Reply

from .world import COURSE_KEY, CourseGrade, World

pytestmark = pytest.mark.django_db
SUMMARY = {"complete_count": 3, "incomplete_count": 1, "locked_count": 0}


@pytest.fixture(name="counted")
def _counted(monkeypatch):
    """The platform's module, and of whom in which course it has counted."""
    courses, counted = ModuleType("lms.djangoapps.courseware.courses"), []

    def get_course_blocks_completion_summary(course_key, user):
        counted.append((course_key, user.pk))
        if courses.fails:
            get_user_model().objects.extra(where=["nonsense"]).first()
        return SUMMARY if user.pk else []

    courses.fails = False
    courses.get_course_blocks_completion_summary = get_course_blocks_completion_summary
    for name in ("lms", "lms.djangoapps", "lms.djangoapps.courseware"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "lms.djangoapps.courseware.courses", courses)
    sys.modules["lms.djangoapps.courseware"].courses = courses
    counted.append(courses)
    return counted


def create(world):
    """As the platform asks whether to make a certificate."""
    return CertificateCreationRequested.run_filter(
        user=world.user,
        course_key=COURSE_KEY,
        mode="verified",
        status=None,
        grade=CourseGrade(),
        generation_mode="self",
    )


def show(**context):
    """As the platform asks whether to show one."""
    return CertificateRenderStarted.run_filter(context=context, custom_template=None)


def test_a_certificate_is_asked_for(counted, make_webfilter, receiver):
    """The user's units in that course, counted once for all webfilters."""
    world = World()
    for _ in range(3):
        make_webfilter(CertificateCreationRequested.filter_type, Reply({}))
    create(world)
    assert [request.json["completion_summary"] for request in receiver.received] == [SUMMARY] * 3
    assert counted[1:] == [(COURSE_KEY, world.user.pk)]


def test_a_certificate_is_shown(counted, make_webfilter, receiver):
    """To anybody: whose it is, is in the context."""
    user = World().user
    make_webfilter(CertificateRenderStarted.filter_type, Reply({}))
    show(course_id=str(COURSE_KEY), accomplishment_user_id=user.pk)
    assert receiver.received[-1].json["completion_summary"] == SUMMARY
    assert counted[1:] == [(COURSE_KEY, user.pk)]


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"course_id": str(COURSE_KEY)},
        {"course_id": str(COURSE_KEY), "accomplishment_user_id": 987654},
        {"course_id": str(COURSE_KEY), "accomplishment_user_id": "nobody"},
        {"course_id": "nonsense", "accomplishment_user_id": 1},
    ],
)
def test_whose_it_is_is_unknown(context, counted, make_webfilter, receiver):
    """Then nothing is counted, and the webfilter is called all the same."""
    make_webfilter(CertificateRenderStarted.filter_type, Reply({}))
    show(**context)
    assert "completion_summary" not in receiver.received[-1].json
    assert counted[1:] == []


def test_counting_fails(counted, make_webfilter, receiver, caplog):
    """A database error in it doesn't spoil the caller's transaction."""
    world = World()
    counted[0].fails = True
    make_webfilter(CertificateCreationRequested.filter_type, Reply({}))
    create(world)
    assert "completion_summary" not in receiver.received[-1].json
    assert "completion_summary could not be found out for a payload: " in caplog.text
    assert get_user_model().objects.filter(pk=world.user.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_lost_connection_in_counting_does_not_look_like_success(counted, make_webfilter, receiver):
    """What the server has ended can't be committed: the certificate's request must fail as it would without us."""
    if connection.vendor != "mysql":
        pytest.skip("by MySQL's KILL")
    world = World()
    make_webfilter(CertificateCreationRequested.filter_type, Reply({}))

    def count(_course_key, _user):
        with connection.cursor() as cursor:
            cursor.execute("SELECT CONNECTION_ID()")
            ours = cursor.fetchone()[0]
        other = connections.create_connection("default")
        with other.cursor() as cursor:
            cursor.execute(f"KILL {ours}")
        other.close()
        return list(get_user_model().objects.all())

    counted[0].get_course_blocks_completion_summary = count
    with pytest.raises(DatabaseError):
        transaction.atomic(lambda: (get_user_model().objects.create(username="lost"), create(world)))()
    assert not get_user_model().objects.filter(username="lost").exists()


def test_where_there_are_no_courses(make_webfilter, receiver):
    """As in Studio: the platform's module can't be imported."""
    make_webfilter(CertificateCreationRequested.filter_type, Reply({}))
    create(World())
    assert "completion_summary" not in receiver.received[-1].json


@pytest.mark.parametrize("name", ["CertificateCreationRequested", "CertificateRenderStarted"])
def test_sample(name):
    """The sample shows it, with the same names."""
    assert list(sample_payload(catalog.find_filter(name))["completion_summary"]) == list(SUMMARY)
