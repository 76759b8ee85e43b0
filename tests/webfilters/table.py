"""
Filters × (payload, write-back, exceptions, halt, redirect): what each filter sends, takes back and raises.

A filter that is missing here, or an exception of one, fails a test.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from .world import COURSE_KEY, OTHER_KEY, TEMPLATE

URL = "https://example.com/sorry"
REFUSED = "Your request was refused."
CANNOT = None


@attrs.frozen
class Row:
    """
    One filter.

    Attributes:
        sent: place in the payload → value.
        data: what an answer gives; some of it must be refused.
        changed: place in the arguments afterwards → value; everything else must be as it was.
        exceptions: name → what an answer gives and the attributes of what is raised.
        halt: name and attributes of what a 4xx raises, or :data:`CANNOT`.
        redirect: the same with a URL; or the data that takes it; or :data:`CANNOT`.
    """

    sent: Mapping[str, Any]
    data: Mapping[str, Any]
    changed: Mapping[str, Any]
    exceptions: Mapping[str, tuple[Any, Mapping[str, Any]]]
    halt: tuple[str, Mapping[str, Any]] | None
    redirect: tuple[str, Mapping[str, Any]] | Mapping[str, Any] | None


def prevents(name, **attributes):
    """The columns of a filter whose one exception takes a message."""
    return {
        "exceptions": {name: ("No entry", {"message": "No entry", **attributes})},
        "halt": (name, {"message": REFUSED, **attributes}),
        "redirect": CANNOT,
    }


NO_EXCEPTION = {"exceptions": {}, "halt": CANNOT, "redirect": CANNOT}
USER = {"user.username": "ada", "profile.name": "Ada"}
PROFILE_DATA = {
    "profile": {"name": "Ada King", "user_id": 99},
    "user": {"first_name": "A.", "is_staff": True, "id": 99},
}
PROFILE_CHANGED = {"user.profile.name": "Ada King", "user.first_name": "A."}


def custom_response(**attributes):
    """``RenderCustomResponse`` with an HTTP response."""
    given = {"content": "<b>No</b>", "status": 451, "headers": {"Retry-After": "60"}}
    return given, {
        "response.content": b"<b>No</b>",
        "response.status_code": 451,
        "response.headers.Retry-After": "60",
        **attributes,
    }


def page(template_argument, invalid, halt):
    """The columns of a page that is rendered from a context and a template."""
    refused = (halt, {"response.status_code": 403} if halt == "RenderCustomResponse" else {"redirect_to": ""})
    return Row(
        sent={
            "context.title": "Dashboard",
            "context.platform_name": "Open edX",
            "context.count": 3,
            "context.by_course": {str(COURSE_KEY): {"status": "open"}},
            "template_name": "dashboard.html",
        },
        data={
            "context": {
                "title": "Welcome",
                "platform_name": "Ours",
                "count": 4,
                "share": 1,
                "is_verified": False,
                "nothing": "x",
                "labels": ["c"],
                "options": {"nested": {"deep": 2}},
                "by_course": {str(COURSE_KEY): {"status": "shut"}},
                "start": "2031-01-01T00:00:00Z",
                "banner": {"text": "new"},
                # Refused: live objects, other types, secrets, names that the template engine needs.
                "course": {"display_name": "x"},
                "user": "eve",
                "enrollments": [],
                "render": None,
                "keys": ["x"],
                "csrf_token": "x",
                "self": "x",
                "is_verified_": {},
                "by_course2": {},
            },
            "template_name": TEMPLATE,
        },
        changed={
            "context.title": "Welcome",
            "context.platform_name": "Ours",
            "context.count": 4,
            "context.share": 1.0,
            "context.is_verified": False,
            "context.nothing": "x",
            "context.labels": ["c"],
            "context.options": {"color": "red", "nested": {"deep": 2}},
            "context.by_course": {COURSE_KEY: {"status": "shut"}},
            "context.start": datetime(2031, 1, 1, tzinfo=UTC),
            "context.banner": {"text": "new"},
            "context.is_verified_": {},
            "context.by_course2": {},
            "template_name": TEMPLATE,
        },
        exceptions={
            "RedirectToPage": ({"message": "Go", "redirect_to": URL}, {"message": "Go", "redirect_to": URL}),
            invalid: (
                {"message": "No", template_argument: TEMPLATE, "template_context": {"a": 1}},
                {"message": "No", template_argument: TEMPLATE, "template_context": {"a": 1}},
            ),
            "RenderCustomResponse": custom_response(),
        },
        halt=refused,
        redirect=("RedirectToPage", {"redirect_to": URL}),
    )


FORM = Row(
    sent={
        "form_desc.submit_url": "/api/login",
        "running_pipeline.backend": "google-oauth2",
        "current_provider.provider_id": "oa2-google",
    },
    data={
        "form_desc": {
            "email": {
                "label": "Work e-mail",
                "required": True,
                "restrictions": {"max_length": 50},
                "nonsense": 1,
                "placeholder": 5,
            },
            "password": {"default": "x", "instructions": "Long"},
        },
        "running_pipeline": {"backend": "x"},
        "current_provider": {"secret": "x"},
    },
    changed={
        "form_desc.overrides": {
            "email": {"label": "Work e-mail", "required": True, "restrictions": {"max_length": 50}},
            "password": {"instructions": "Long"},
        }
    },
    **NO_EXCEPTION,
)

TABLE: dict[str, Row] = {
    "AccountSettingsRenderStarted": page(
        "account_settings_template", "RenderInvalidAccountSettings", "RenderCustomResponse"
    ),
    "StudentRegistrationRequested": Row(
        sent={"form_data.username": "ada", "form_data.interests": ["math", "engines"]},
        data={
            "form_data": {
                "name": "New Name",
                "terms": True,
                "age": 17,
                "interests": ["maps"],
                "username": "ada",
                "password": "x",
                "access_token": "x",
                "provider": "evil",
                "bio": None,
                "meta": {"a": 1},
            }
        },
        changed={
            "form_data.name": ["New Name"],
            "form_data.terms": ["true"],
            "form_data.age": ["17"],
            "form_data.interests": ["maps"],
        },
        **{
            **prevents("PreventRegistration", status_code=403, error_code="registration-refused"),
            "halt": ("PreventRegistration", {"message": REFUSED, "status_code": 403}),
        },
    ),
    "StudentLoginRequested": Row(
        sent=USER,
        data=PROFILE_DATA,
        changed=PROFILE_CHANGED,
        exceptions={
            "PreventLogin": (
                {"message": "No", "error_code": "blocked", "context": {"a": 1}, "redirect_to": "/help"},
                {"message": "No", "error_code": "blocked", "context": {"a": 1}, "redirect_to": "/help"},
            )
        },
        halt=(
            "PreventLogin",
            {"message": REFUSED, "error_code": "tpa-authentication-failure", "context": {"errorMessage": REFUSED}},
        ),
        redirect=("PreventLogin", {"redirect_to": URL}),
    ),
    "CourseEnrollmentStarted": Row(
        sent={**USER, "course_key": str(COURSE_KEY), "mode": "audit"},
        data={**PROFILE_DATA, "course_key": str(OTHER_KEY), "mode": "verified", "event_metadata": {"id": "x"}},
        changed={**PROFILE_CHANGED, "course_key": OTHER_KEY, "mode": "verified"},
        **prevents("PreventEnrollment"),
    ),
    "CourseUnenrollmentStarted": Row(
        sent={"enrollment.mode": "audit", "enrollment.course_id": str(COURSE_KEY), "enrollment.user.username": "ada"},
        data={"enrollment": {"is_active": False, "mode": "verified"}, "profile": {"name": "x"}},
        changed={},
        **prevents("PreventUnenrollment"),
    ),
    "CourseEnrollmentViewStarted": Row(
        sent={**USER, "course_key": str(COURSE_KEY), "requester_is_backend_service": False},
        data={"course_key": str(OTHER_KEY), "requester_is_backend_service": True, "profile": {"name": "Ada King"}},
        changed={"user.profile.name": "Ada King"},
        **prevents("PreventEnrollment"),
    ),
    "CertificateCreationRequested": Row(
        sent={**USER, "grade.percent": 0.83, "grade.passed": True, "status": None, "generation_mode": "self"},
        data={
            "mode": "verified",
            "status": "unverified",
            "generation_mode": "batch",
            "grade": 1.0,
            "course_key": "library-v1:edX+Lib",
            "user": {"email": "eve@example.com"},
        },
        changed={"mode": "verified", "status": "unverified", "generation_mode": "batch"},
        **prevents("PreventCertificateCreation"),
    ),
    "CertificateRenderStarted": Row(
        sent={"context.accomplishment_copy_name": "Ada", "custom_template.name": "Plain"},
        data={
            "context": {"accomplishment_copy_name": "Ada King", "certificate_data": {"title": "Passed"}},
            "custom_template": {"id": 5},
        },
        changed={"context.accomplishment_copy_name": "Ada King", "context.certificate_data": {"title": "Passed"}},
        exceptions={
            "RedirectToPage": ({"message": "Go", "redirect_to": URL}, {"redirect_to": URL}),
            "RenderAlternativeInvalidCertificate": (
                {"message": "No", "template_name": TEMPLATE},
                {"message": "No", "template_name": TEMPLATE},
            ),
            "RenderCustomResponse": custom_response(),
        },
        halt=("RenderAlternativeInvalidCertificate", {"message": REFUSED, "template_name": ""}),
        redirect=("RedirectToPage", {"redirect_to": URL}),
    ),
    "CohortChangeRequested": Row(
        sent={
            "current_membership.course_user_group.name": "Red",
            "current_membership.user.username": "ada",
            "target_cohort.name": "Blue",
        },
        data={"target_cohort": {"name": "Red"}, "current_membership": {"course_user_group": 5}},
        changed={"target_cohort.name": "Red"},
        **prevents("PreventCohortChange"),
    ),
    "CohortAssignmentRequested": Row(
        sent={**USER, "target_cohort.name": "Blue", "target_cohort.course_id": str(COURSE_KEY)},
        data={"target_cohort": {"name": "Foreign"}, **PROFILE_DATA},
        changed=PROFILE_CHANGED,
        **prevents("PreventCohortAssignment"),
    ),
    "CourseAboutRenderStarted": page("course_about_template", "RenderInvalidCourseAbout", "RedirectToPage"),
    "DashboardRenderStarted": page("dashboard_template", "RenderInvalidDashboard", "RedirectToPage"),
    "InstructorDashboardRenderStarted": page("instructor_template", "RenderInvalidDashboard", "RenderCustomResponse"),
    "VerticalBlockChildRenderStarted": Row(
        sent={
            "block.usage_key": str(COURSE_KEY.make_usage_key("problem", "one")),
            "block.display_name": "First",
            "context.title": "Dashboard",
        },
        data={"context": {"title": "Child", "options": {"color": "blue"}}, "block": {"display_name": "x"}},
        changed={"context.title": "Child"},
        **prevents("PreventChildBlockRender"),
    ),
    "CourseEnrollmentQuerysetRequested": Row(
        sent={"enrollments.type": "minilms.CourseEnrollment"},
        data={"enrollments": {"include_ids": [], "exclude_ids": ["x"], "delete": True}},
        changed={"enrollments.count()": 0},
        **prevents("PreventEnrollmentQuerysetRequest"),
    ),
    "RenderXBlockStarted": Row(
        sent={"context.title": "Dashboard", "student_view_context": {"show_title": "0"}},
        data={"context": {"title": "Unit"}, "student_view_context": {"show_title": "1", "exam_access": "x"}},
        changed={"context.title": "Unit", "student_view_context.show_title": "1"},
        exceptions={
            "PreventXBlockBlockRender": ("No", {"message": "No"}),
            "RenderCustomResponse": ({"content": "<b>No</b>"}, {"response": "<b>No</b>"}),
        },
        halt=("RenderCustomResponse", {"response": f"<p>{REFUSED}</p>"}),
        redirect=(
            "RenderCustomResponse",
            {"response": f'<p>{REFUSED}</p><p><a href="{URL}" target="_top">Continue</a></p>'},
        ),
    ),
    "VerticalBlockRenderCompleted": Row(
        sent={"fragment.content": "<p>unit</p>", "view": "student_view", "block.block_type": "problem"},
        data={"fragment": {"content": "<p>new</p>", "resources": []}, "view": "public_view", "context": {"title": "x"}},
        changed={"fragment.content": "<p>new</p>"},
        exceptions={"PreventVerticalBlockRender": ("<b>No</b>", {"message": "&lt;b&gt;No&lt;/b&gt;"})},
        halt=("PreventVerticalBlockRender", {"message": REFUSED}),
        redirect=CANNOT,
    ),
    "CourseHomeUrlCreationStarted": Row(
        sent={"course_home_url": "https://mfe.example.com/home", "course_key": str(COURSE_KEY)},
        data={"course_home_url": URL, "course_key": str(OTHER_KEY)},
        changed={"course_home_url": URL},
        **NO_EXCEPTION,
    ),
    "CourseEnrollmentAPIRenderStarted": Row(
        sent={
            "serialized_enrollment.mode": "audit",
            "serialized_enrollment.accessExpirationDate": "2030-01-31T12:00:00+00:00",
        },
        data={
            "serialized_enrollment": {
                "mode": "verified",
                "accessExpirationDate": "2031-01-01T00:00:00+01:00",
                "isEnrolled": "yes",
                "coursewareAccess": {"hasUnmet": True},
                "note": "new",
            }
        },
        changed={
            "serialized_enrollment.mode": "verified",
            "serialized_enrollment.note": "new",
            "serialized_enrollment.accessExpirationDate": datetime(2030, 12, 31, 23, tzinfo=UTC),
            "serialized_enrollment.coursewareAccess": {"hasUnmet": True},
        },
        **NO_EXCEPTION,
    ),
    "CourseRunAPIRenderStarted": Row(
        sent={"serialized_courserun.minPassingGrade": "0.5"},
        data={"serialized_courserun": {"homeUrl": URL, "minPassingGrade": 0.7, "isStarted": None}},
        changed={"serialized_courserun.homeUrl": URL},
        **NO_EXCEPTION,
    ),
    "InstructorDashboardTabsRequested": Row(
        sent={"tabs": [{"tab_id": "info", "title": "Info", "url": "/info", "sort_order": 10}], **USER},
        data={"tabs": [{"tab_id": "ours", "title": "Ours", "url": "/ours", "sort_order": 1}], "course_key": "x"},
        changed={"tabs": [{"tab_id": "ours", "title": "Ours", "url": "/ours", "sort_order": 1}]},
        exceptions={
            "PreventTabsGeneration": (
                {"message": "No", "tabs": [{"tab_id": "a", "title": "A", "url": "/a"}]},
                {"message": "No", "tabs": [{"tab_id": "a", "title": "A", "url": "/a"}]},
            )
        },
        halt=("PreventTabsGeneration", {"message": REFUSED, "tabs": None}),
        redirect=CANNOT,
    ),
    "ORASubmissionViewRenderStarted": Row(
        sent={"context.title": "Dashboard", "template_name": "dashboard.html"},
        data={"context": {"title": "Essay"}, "template_name": TEMPLATE},
        changed={"context.title": "Essay", "template_name": TEMPLATE},
        exceptions={
            "RenderInvalidTemplate": (
                {"message": "No", "context": {"title": "Closed"}, "template_name": TEMPLATE},
                {"message": "No", "context.title": "Closed", "context.count": 3, "template_name": TEMPLATE},
            )
        },
        halt=CANNOT,
        redirect=CANNOT,
    ),
    "IDVPageURLRequested": Row(
        sent={"url": "https://lms.example.com/about"}, data={"url": URL}, changed={"url": URL}, **NO_EXCEPTION
    ),
    "CourseAboutPageURLRequested": Row(
        sent={"url": "https://lms.example.com/about", "org": "edX"},
        data={"url": URL, "org": "x"},
        changed={"url": URL},
        **NO_EXCEPTION,
    ),
    "ScheduleQuerySetRequested": Row(
        sent={"schedules.type": "minilms.CourseEnrollment"},
        data={"schedules": {"include_ids": []}},
        changed={"schedules.count()": 0},
        **NO_EXCEPTION,
    ),
    "AccountSettingsReadOnlyFieldsRequested": Row(
        sent={"readonly_fields": ["email"], **USER},
        data={"readonly_fields": ["name", "country"]},
        changed={"readonly_fields": {"email", "name", "country"}},
        **NO_EXCEPTION,
    ),
    "GradeEventContextRequested": Row(
        sent={"context.org_id": "edX", "course_id": str(COURSE_KEY)},
        data={"context": {"org_id": "MIT", "campaign": "x"}, "user_id": 99, "course_id": str(OTHER_KEY)},
        changed={"context.org_id": "MIT", "context.campaign": "x"},
        **NO_EXCEPTION,
    ),
    "CoursewareViewStarted": Row(
        sent={"course_key": str(COURSE_KEY), "view_name": "progress"},
        data={"course_key": str(OTHER_KEY), "view_name": "index"},
        changed={},
        exceptions={
            "RedirectToUrl": ({"message": "Go", "redirect_to": "/pay"}, {"message": "Go", "redirect_to": "/pay"})
        },
        halt=CANNOT,
        redirect=("RedirectToUrl", {"redirect_to": URL}),
    ),
    "CourseStartDateValidationFailed": Row(
        sent={"course_key": str(COURSE_KEY), "start_date": "2030-01-31T12:00:00+00:00"},
        data={"start_date": "2020-01-01T00:00:00Z", "course_key": str(OTHER_KEY)},
        changed={},
        exceptions={
            "OverrideStartDateError": (
                {"message": "No", "error_code": "early", "developer_message": "d", "user_message": "Wait"},
                {"message": "No", "error_code": "early", "developer_message": "d", "user_message": "Wait"},
            )
        },
        halt=("OverrideStartDateError", {"message": REFUSED, "error_code": "", "user_message": REFUSED}),
        redirect=CANNOT,
    ),
    "CoursewareAccessChecksRequested": Row(
        sent={**USER, "course_key": str(COURSE_KEY)},
        data={"course_key": str(OTHER_KEY), **PROFILE_DATA},
        changed=PROFILE_CHANGED,
        exceptions={
            "PreventCoursewareAccess": (
                "No",
                {"message": "No", "error_code": "access_denied", "developer_message": "No", "user_message": "No"},
            )
        },
        halt=("PreventCoursewareAccess", {"error_code": "access_denied", "user_message": REFUSED}),
        # Only a path of this site can be the way to consent.
        redirect=("PreventCoursewareAccess", {"error_code": "access_denied", "user_message": REFUSED}),
    ),
    "DiscountEligibilityCheckRequested": Row(
        sent={**USER, "course_key": str(COURSE_KEY)},
        data={"course_key": str(OTHER_KEY), **PROFILE_DATA},
        changed=PROFILE_CHANGED,
        **prevents("DiscountIneligible"),
    ),
    "CourseModePriceRequested": Row(
        sent={**USER, "course_mode_data.slug": "verified", "price": 49},
        data={"price": 20, "course_mode_data": {"slug": "audit"}},
        changed={"price": 20},
        **NO_EXCEPTION,
    ),
    "SupportContactContextRequested": Row(
        sent={"context.tags": ["LMS"], "context.platform_name": "Demo"},
        data={"context": {"tags": ["LMS", "vip"], "user_enrollments": [], "platform_name": "Ours"}},
        changed={"context.tags": ["LMS", "vip"], "context.platform_name": "Ours"},
        **NO_EXCEPTION,
    ),
    "SupportEnrollmentDataRequested": Row(
        sent={"enrollments_data.0.mode": "audit", **USER},
        data={
            "enrollments_data": [
                {"course_id": str(OTHER_KEY), "mode": "verified", "extra": "x", "is_active": "no"},
                {"course_id": "course-v1:no+such+course", "mode": "x"},
            ]
        },
        changed={"enrollments_data.1.mode": "verified", "enrollments_data.1.extra": "x"},
        **NO_EXCEPTION,
    ),
    "LogistrationViewContextGenerated": Row(
        sent={"context.title": "Dashboard"},
        data={"context": {"options": {"color": "blue"}, "course": 5}},
        changed={"context.options": {"color": "blue", "nested": {"deep": 1}}},
        **NO_EXCEPTION,
    ),
    "AuthnMFEContextGenerated": Row(
        sent={"context.title": "Dashboard", "extra_context": {}},
        data={"context": {"title": "Sign in"}, "extra_context": {"welcome": "Hi"}},
        changed={"context.title": "Sign in", "extra_context.welcome": "Hi"},
        **NO_EXCEPTION,
    ),
    "LoginAltRedirectURLRequested": Row(
        sent={**USER, "redirect_url": "/dashboard"},
        data={"redirect_url": "/courses"},
        changed={"redirect_url": "/courses"},
        exceptions={},
        halt=CANNOT,
        redirect={"redirect_url": URL},
    ),
    "LoginFormGenerated": FORM,
    "RegistrationFormGenerated": FORM,
    "LogistrationViewRenderCompleted": Row(
        sent={"response.status_code": 200, "context.title": "Dashboard"},
        data={
            "response": {
                "headers": {
                    "Cache-Control": "no-store",
                    "X-Frame-Options": "DENY",
                    "Set-Cookie": "sessionid=x",
                    "Bad\r\n": "x",
                },
                "cookies": {"campaign": "x", "sessionid": "x"},
                "delete_cookies": ["old", "csrftoken"],
                "content": "x",
            },
            "context": {"title": "x"},
        },
        changed={
            "response.headers.Cache-Control": "no-store",
            "response.cookies.campaign.value": "x",
            "response.cookies.old.value": "",
        },
        **NO_EXCEPTION,
    ),
    "AccountActivationEmailContextGenerated": Row(
        sent={**USER, "message_context": {"name": "Ada"}},
        data={"message_context": {"name": "Ada King", "key": "x", "confirm_activation_link": "x", "greeting": "Hi"}},
        changed={"message_context.name": "Ada King", "message_context.greeting": "Hi"},
        **NO_EXCEPTION,
    ),
    "LMSPageURLRequested": Row(
        sent={"url": "https://lms.example.com/about", "org": "edX"},
        data={"url": URL, "org": "x"},
        changed={"url": URL},
        **NO_EXCEPTION,
    ),
}
