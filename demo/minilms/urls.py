"""URLs of the mini LMS, those that API clients of the platform know included, and those that plugins bring."""

from django.conf import settings
from django.contrib import admin
from django.urls import path, register_converter
from edx_django_utils.plugins import get_plugin_url_patterns

from . import (
    accounts,
    certificates,
    cohorts,
    courses,
    courseware,
    dashboard,
    enrollments,
    instructor,
    login,
    pages,
    registration,
)
from .course_modes.views import ChooseModeView

register_converter(pages.CourseKeyConverter, "course_key")
register_converter(pages.UsageKeyConverter, "usage_key")

urlpatterns = [
    path("", courses.course_list, name="courses"),
    path("register", registration.register_page, name="register"),
    path("login", login.login_page, name="login"),
    path("logout", login.logout_page, name="logout"),
    path("account", accounts.account_page, name="account"),
    path("dashboard", dashboard.student_dashboard, name="dashboard"),
    path("courses/<course_key:course_key>/about", courses.course_about, name="about"),
    path("courses/<course_key:course_key>/enroll", enrollments.enroll_page, name="enroll"),
    path("courses/<course_key:course_key>/unenroll", enrollments.unenroll_page, name="unenroll"),
    path("courses/<course_key:course_key>/certificate", certificates.generate_page, name="generate_certificate"),
    path("courses/<course_key:course_key>/cohorts/", cohorts.cohorts_page, name="cohorts"),
    path("courses/<course_key:course_key>/progress", courseware.progress, name="progress"),
    path("learning/course/<course_key:course_key>/home", courseware.course_home, name="course_home"),
    path("courses/<course_key:course_key>/instructor", instructor.instructor_dashboard_2, name="instructor_dashboard"),
    path("course_modes/choose/<course_key:course_key>/", ChooseModeView.as_view(), name="choose_mode"),
    path("xblock/<usage_key:usage_key>", courseware.render_xblock, name="render_xblock"),
    path(
        "certificates/user/<int:user_id>/course/<course_key:course_key>",
        certificates.render_html_view,
        name="certificate",
    ),
    # For API clients, as on the platform.
    path("api/user/v2/account/registration/", registration.registration, name="registration_api"),
    path("api/user/v2/account/login_session/", login.login_user, name="login_api"),
    path("api/user/v1/accounts", accounts.account_api, name="account_api"),
    path("api/enrollment/v1/enrollment", enrollments.enrollment_api, name="enrollment_api"),
    path("api/learner_home/init", dashboard.learner_home, name="learner_home"),
    path("api/course_home/course_metadata/<course_key:course_key>", courseware.course_metadata, name="course_metadata"),
    path("api/instructor/v2/courses/<course_key:course_key>", instructor.instructor_tabs, name="instructor_tabs"),
    path(
        "courses/<course_key:course_key>/xblock/<usage_key:usage_key>/handler/<handler>",
        courseware.xblock_handler,
        name="xblock_handler",
    ),
    path("change_enrollment", enrollments.change_enrollment, name="change_enrollment"),
    path(
        "courses/<course_key:course_key>/generate_user_cert", certificates.generate_user_cert, name="generate_user_cert"
    ),
    path(
        "courses/<course_key:course_key>/cohorts/<int:cohort_id>/add", cohorts.add_users_to_cohort, name="add_to_cohort"
    ),
    path("admin/", admin.site.urls),
    *get_plugin_url_patterns(settings.PROJECT_TYPE),
]
