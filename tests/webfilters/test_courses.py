"""Courses, modes and certificates: only what the platform has, since it does not check them again after a filter."""

from types import SimpleNamespace

import pytest
from django.apps import apps
from openedx_filters.learning.filters import CertificateCreationRequested, CourseEnrollmentStarted

from demo.minilms.models import CourseEnrollment, CourseOverview
from tests.receiver import Reply

from .world import COURSE_KEY, OTHER_KEY, CourseGrade, World

pytestmark = pytest.mark.django_db
MODES = {COURSE_KEY: {"audit", "verified"}, OTHER_KEY: {"audit", "honor"}}


class CourseMode:
    """The platform's model, as far as it is asked."""

    @staticmethod
    def modes_for_course_dict(key, **_options):
        return dict.fromkeys(MODES.get(key, ()))


class PersistentCourseGrade:
    """The platform's model: courses that the learner has passed."""

    passed: set = set()

    class objects:  # pylint: disable=invalid-name
        """Its manager."""

        @staticmethod
        def filter(user_id, course_id, passed_timestamp__isnull):
            found = course_id in PersistentCourseGrade.passed and user_id and not passed_timestamp__isnull
            return SimpleNamespace(exists=lambda: found)


PLATFORM = {
    ("course_overviews", "CourseOverview"): CourseOverview,
    ("course_modes", "CourseMode"): CourseMode,
    ("student", "CourseEnrollment"): CourseEnrollment,
    ("grades", "PersistentCourseGrade"): PersistentCourseGrade,
}


@pytest.fixture
def platform(monkeypatch):
    """The platform's models in the platform's apps."""
    original = apps.get_model
    monkeypatch.setattr(apps, "get_model", lambda *name, **rest: PLATFORM.get(name) or original(*name, **rest))
    monkeypatch.setattr(PersistentCourseGrade, "passed", {OTHER_KEY})


def enroll(mode="audit"):
    """What is enrolled: the course and the mode."""
    return CourseEnrollmentStarted.run_filter(user=World().user, course_key=COURSE_KEY, mode=mode)[1:]


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize(
    ("mode", "data", "expected", "reason"),
    [
        ("audit", {"mode": "verified"}, (COURSE_KEY, "verified"), ""),
        ("audit", {"course_key": str(OTHER_KEY)}, (OTHER_KEY, "audit"), ""),
        ("verified", {"course_key": str(OTHER_KEY), "mode": "honor"}, (OTHER_KEY, "honor"), ""),
        # Whichever the answer names first.
        ("verified", {"mode": "honor", "course_key": str(OTHER_KEY)}, (OTHER_KEY, "honor"), ""),
        (None, {"course_key": str(OTHER_KEY)}, (OTHER_KEY, None), ""),
        ("audit", {"mode": "honor"}, (COURSE_KEY, "audit"), "mode was not changed: the course has no such mode"),
        ("verified", {"course_key": str(OTHER_KEY)}, (COURSE_KEY, "verified"), "that course does not have the mode"),
        ("audit", {"course_key": str(OTHER_KEY), "mode": "x"}, (COURSE_KEY, "audit"), "does not have the mode"),
        ("audit", {"course_key": "course-v1:edX+Nothing+2026"}, (COURSE_KEY, "audit"), "there is no such course"),
        ("audit", {"course_key": "nonsense"}, (COURSE_KEY, "audit"), "it is not a valid key"),
        ("audit", {"course_key": None}, (COURSE_KEY, "audit"), "it can't be null"),
    ],
)
def test_an_enrollment_goes_to_a_course_that_exists_in_a_mode_that_it_has(
    mode, data, expected, reason, make_webfilter, caplog
):
    make_webfilter(CourseEnrollmentStarted.filter_type, Reply({"data": data}))
    assert enroll(mode) == expected
    assert reason in caplog.text
    assert bool(reason) == ("was not changed" in caplog.text)


def certify(world=None, status=None):
    """Course, mode, status and generation mode of the certificate."""
    result = CertificateCreationRequested.run_filter(
        user=(world or World()).user,
        course_key=COURSE_KEY,
        mode="audit",
        status=status,
        grade=CourseGrade(),
        generation_mode="self",
    )
    return result[1], result[2], result[3], result[5]


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"status": "downloadable"}, "downloadable"),
        ({"status": None}, None),
        ({"status": "Downloadable"}, "unverified"),
        ({"status": "granted with honours and much more"}, "unverified"),
        ({"status": 5}, "unverified"),
        ({"status": ["downloadable"]}, "unverified"),
    ],
)
def test_a_certificates_status_is_one_of_the_platforms(data, expected, make_webfilter, caplog):
    make_webfilter(CertificateCreationRequested.filter_type, Reply({"data": data}))
    assert certify(status="unverified")[2] == expected
    assert ("status was not changed: it must be one of the platform's own values" in caplog.text) == (
        expected == "unverified"
    )


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize(("given", "expected"), [("batch", "batch"), ("auto", "self"), (None, None), (True, "self")])
def test_a_certificates_generation_mode_is_one_of_the_platforms(given, expected, make_webfilter):
    make_webfilter(CertificateCreationRequested.filter_type, Reply({"data": {"generation_mode": given}}))
    assert certify()[3] == expected


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize(
    ("enrolled", "passed", "reason"),
    [
        (True, True, ""),
        (False, True, "the learner is not enrolled in that course"),
        (True, False, "the learner has not passed that course"),
    ],
)
def test_a_certificate_is_for_a_course_that_the_learner_has_passed(
    enrolled, passed, reason, make_webfilter, caplog, monkeypatch
):
    world = World()
    CourseEnrollment.objects.create(user=world.user, course_id=OTHER_KEY, is_active=enrolled)
    monkeypatch.setattr(PersistentCourseGrade, "passed", {OTHER_KEY} if passed else set())
    make_webfilter(CertificateCreationRequested.filter_type, Reply({"data": {"course_key": str(OTHER_KEY)}}))
    assert certify(world)[0] == (COURSE_KEY if reason else OTHER_KEY)
    assert reason in caplog.text


def test_what_no_table_of_the_site_can_tell_is_refused_and_logged(make_webfilter, caplog, monkeypatch):
    monkeypatch.setattr(apps, "get_models", list)
    make_webfilter(CourseEnrollmentStarted.filter_type, Reply({"data": {"course_key": str(OTHER_KEY)}}))
    assert enroll() == (COURSE_KEY, "audit")
    assert "it can't be checked: this site has no CourseOverview" in caplog.text
