"""A learner, an instructor and two courses of the mini LMS, and what people do there that runs a filter."""

import json
from datetime import UTC, datetime

from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from opaque_keys.edx.keys import CourseKey

from demo.minilms.course_modes.models import CourseMode
from demo.minilms.examples import UNIT
from demo.minilms.models import (
    CohortMembership,
    CourseEnrollment,
    CourseOverview,
    CourseUserGroup,
    GeneratedCertificate,
    UserProfile,
)

PASSWORD = "s3cret-Pa55"
FORM = {"name": "Grace", "username": "grace", "email": "grace@example.com", "password": PASSWORD, "country": "US"}
AFTER_ALL = datetime(2099, 1, 1, tzinfo=UTC)


class Platform:
    """
    The people and courses, before anything happens.

    Attributes:
        visitor, learner, instructor: browsers; nobody, ada and team are logged in.
        course: ada is enrolled, in the cohort Red, and has a certificate.
        other_course: ada is not enrolled.
    """

    def __init__(self):
        users = get_user_model().objects
        self.ada = users.create_user("ada", "ada@example.com", PASSWORD)
        UserProfile.objects.create(user=self.ada, name="Ada Lovelace")
        self.team = users.create_user("team", "team@example.com", PASSWORD, is_staff=True)
        self.course, self.other_course = (
            CourseOverview.objects.create(
                id=CourseKey.from_string(f"course-v1:edX+{name}+2026"),
                display_name=f"{name} Course",
                start=datetime(2026, 1, 1, tzinfo=UTC),
            )
            for name in ("Demo", "Other")
        )
        self.key, self.other_key = self.course.id, self.other_course.id
        for key in (self.key, self.other_key):
            for slug, price in (("audit", 0), ("verified", 49)):
                CourseMode.objects.create(course=key, mode_slug=slug, mode_display_name=slug.title(), min_price=price)
        self.red, self.blue, self.green = (
            CourseUserGroup.objects.create(name=name, course_id=self.key) for name in ("Red", "Blue", "Green")
        )
        self.enrollment = CourseEnrollment.objects.create(user=self.ada, course=self.course)
        self.membership = CohortMembership.objects.create(user=self.ada, course_id=self.key, course_user_group=self.red)
        self.red.users.add(self.ada)
        self.certificate = GeneratedCertificate.objects.create(
            user=self.ada, course_id=self.key, name="Ada Lovelace", grade="0.91"
        )
        self.visitor, self.learner, self.instructor = (Client(raise_request_exception=False) for _i in range(3))
        self.learner.force_login(self.ada)
        self.instructor.force_login(self.team)

    # --- What people do. Each gives the responses: what the browser shows first, then what is behind it.

    def register(self):
        return self.visitor.post(reverse("register"), FORM), self.visitor.post(
            reverse("registration_api"), {**FORM, "username": "grace2", "email": "grace2@example.com"}
        )

    def log_in(self, password=PASSWORD):
        form = {"email_or_username": "ada", "password": password}
        return self.visitor.post(reverse("login"), form), self.visitor.post(reverse("login_api"), form)

    def change_account(self):
        url, content = reverse("account_api"), json.dumps({"bio": "I compute."})
        return (self.learner.patch(url, content, content_type="application/json"),)

    def enroll(self):
        form = {"course_id": str(self.other_key), "enrollment_action": "enroll"}
        return (self.learner.post(reverse("change_enrollment"), form),)

    def enroll_by_api(self):
        content = {"course_details": {"course_id": str(self.other_key)}}
        return (self.learner.post(reverse("enrollment_api"), json.dumps(content), content_type="application/json"),)

    def choose_mode(self):
        return (self.learner.post(reverse("choose_mode", args=[self.other_key]), {"mode": "audit"}),)

    def unenroll(self):
        form = {"course_id": str(self.key), "enrollment_action": "unenroll"}
        return (self.learner.post(reverse("change_enrollment"), form),)

    def look_at_modes(self):
        return (self.learner.get(reverse("choose_mode", args=[self.key])),)

    def ask_for_certificate(self):
        return (self.learner.post(reverse("generate_user_cert", args=[self.key])),)

    def look_at_certificate(self):
        return (self.visitor.get(reverse("certificate", args=[self.ada.pk, self.key])),)

    def change_cohort(self):
        return self.instructor.post(
            reverse("cohorts", args=[self.key]), {"user": self.ada.pk, "cohort": self.blue.pk}
        ), self.instructor.post(reverse("add_to_cohort", args=[self.key, self.blue.pk]), {"users": "ada"})

    def first_access(self):
        self.membership.delete()
        return (self.learner.get(reverse("render_xblock", args=[self.key.make_usage_key(*UNIT)])),)

    def list_courses(self):
        return (self.visitor.get(reverse("courses")),)

    def look_at_about_page(self):
        return (self.visitor.get(reverse("about", args=[self.key])),)

    def look_at_dashboard(self):
        return (self.learner.get(reverse("dashboard")),)

    def open_learner_home(self):
        return (self.learner.get(reverse("learner_home")),)

    def look_at_instructor_dashboard(self):
        return (self.instructor.get(reverse("instructor_dashboard", args=[self.key])),)

    def open_instructor_app(self):
        return (self.instructor.get(reverse("instructor_tabs", args=[self.key])),)

    def look_at_progress(self):
        return (self.learner.get(reverse("progress", args=[self.key])),)

    def enter_course(self):
        return self.learner.get(reverse("course_home", args=[self.key])), self.learner.get(
            reverse("course_metadata", args=[self.key])
        )

    def enter_course_too_early(self):
        CourseOverview.objects.filter(pk=self.key).update(start=AFTER_ALL)
        return self.enter_course()

    def look_at_unit(self):
        return (self.learner.get(reverse("render_xblock", args=[self.key.make_usage_key(*UNIT)])),)

    def write_essay(self):
        essay = self.key.make_usage_key("openassessment", "essay")
        url = reverse("xblock_handler", args=[self.key, essay, "render_submission"])
        return (self.learner.post(url, {"submission": "It was six, and all was green."}),)
