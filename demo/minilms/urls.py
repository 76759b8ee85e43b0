"""URLs of the mini LMS, those that API clients of the platform know included, and those that plugins bring."""

from django.conf import settings
from django.contrib import admin
from django.urls import path, register_converter
from edx_django_utils.plugins import get_plugin_url_patterns

from . import accounts, certificates, cohorts, courses, enrollments, pages

register_converter(pages.CourseKeyConverter, "course_key")

urlpatterns = [
    path("", courses.course_list, name="courses"),
    path("register", accounts.register_page, name="register"),
    path("login", accounts.login_page, name="login"),
    path("logout", accounts.logout_page, name="logout"),
    path("account", accounts.account_page, name="account"),
    path("dashboard", courses.student_dashboard, name="dashboard"),
    path("courses/<course_key:course_key>/about", courses.course_about, name="about"),
    path("courses/<course_key:course_key>/enroll", enrollments.enroll_page, name="enroll"),
    path("courses/<course_key:course_key>/unenroll", enrollments.unenroll_page, name="unenroll"),
    path("courses/<course_key:course_key>/certificate", certificates.generate_page, name="generate_certificate"),
    path("courses/<course_key:course_key>/cohorts/", cohorts.cohorts_page, name="cohorts"),
    path(
        "certificates/user/<int:user_id>/course/<course_key:course_key>",
        certificates.render_html_view,
        name="certificate",
    ),
    # For API clients, as on the platform.
    path("api/user/v2/account/registration/", accounts.registration, name="registration_api"),
    path("api/user/v2/account/login_session/", accounts.login_user, name="login_api"),
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
