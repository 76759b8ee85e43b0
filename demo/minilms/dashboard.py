"""The learner's courses: the page, and the API of the app that takes its place."""

# The filters' exceptions set every argument as an attribute:
# pylint: disable=no-member
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET
from openedx_filters.learning.filters import (
    CourseEnrollmentAPIRenderStarted,
    CourseRunAPIRenderStarted,
    DashboardRenderStarted,
)

from .access import check_start_date
from .course_modes.models import CourseMode
from .courses import course_home_url
from .models import CourseEnrollment, GeneratedCertificate
from .pages import render_to_response


def _enrollments_of(user) -> list[CourseEnrollment]:
    return list(CourseEnrollment.objects.filter(user=user, is_active=True).select_related("course", "user"))


@login_required
def student_dashboard(request: HttpRequest) -> HttpResponse:
    """The learner's courses: the platform's view of this name, with the awkward types of its context."""
    enrollments = _enrollments_of(request.user)
    certificates = GeneratedCertificate.objects.filter(user=request.user)
    context = {
        "user": request.user,
        "platform_name": settings.PLATFORM_NAME,
        "course_enrollments": enrollments,
        "course_entitlements": [],
        "enrollment_message": "",
        "redirect_message": mark_safe(""),
        "account_activation_messages": [],
        "staff_access": request.user.is_staff,
        # The platform keys these by course key and hands out frozen sets, answers to access checks and named tuples.
        "cert_statuses": {certificate.course_id: {"status": certificate.status} for certificate in certificates},
        "all_course_modes": {
            enrollment.course_id: CourseMode.modes_for_course_dict(enrollment.course_id) for enrollment in enrollments
        },
        "show_courseware_links_for": {
            enrollment.course_id: check_start_date(enrollment.course.start, enrollment.course_id)
            for enrollment in enrollments
        },
        "show_email_settings_for": frozenset(enrollment.course_id for enrollment in enrollments),
        "block_courses": frozenset(),
        "inverted_programs": {},
        "nav_hidden": True,
        "logout_url": reverse("logout"),
    }
    try:
        context, template_name = DashboardRenderStarted.run_filter(context=context, template_name="dashboard.html")
    except DashboardRenderStarted.RenderInvalidDashboard as exc:
        return render_to_response(exc.dashboard_template, exc.template_context)
    except DashboardRenderStarted.RedirectToPage as exc:
        # The platform goes to the account page if no address is given.
        return redirect(exc.redirect_to or reverse("account"))
    except DashboardRenderStarted.RenderCustomResponse as exc:
        return exc.response
    return render_to_response(template_name, context)


@require_GET
def learner_home(request: HttpRequest) -> HttpResponse:
    """What the app "learner home" shows: the platform's view of this purpose. Three filters run for each course."""
    if not request.user.is_authenticated:
        return HttpResponseForbidden()
    courses = [
        {"enrollment": serialize_enrollment(enrollment), "courseRun": serialize_course_run(enrollment)}
        for enrollment in _enrollments_of(request.user)
    ]
    return JsonResponse({"courses": courses})


def serialize_enrollment(enrollment: CourseEnrollment) -> dict:
    """``EnrollmentSerializer.to_representation`` of the platform; what comes back is in the API's answer as it is."""
    data = {
        # The one value that is not JSON yet.
        "accessExpirationDate": enrollment.course.end,
        "isAudit": enrollment.mode == "audit",
        "hasStarted": False,
        "coursewareAccess": {"hasUnmetPrerequisites": False, "isTooEarly": False, "isStaff": enrollment.user.is_staff},
        "isVerified": enrollment.mode == "verified",
        "canUpgrade": False,
        "isAuditAccessExpired": False,
        "isEmailEnabled": False,
        "hasOptedOutOfEmail": False,
        "lastEnrolled": enrollment.created.isoformat(),
        "isEnrolled": enrollment.is_active,
        "mode": enrollment.mode,
    }
    _key, data = CourseEnrollmentAPIRenderStarted.run_filter(
        course_key=enrollment.course_id, serialized_enrollment=data
    )
    return data


def serialize_course_run(enrollment: CourseEnrollment) -> dict:
    """``CourseRunSerializer.to_representation`` of the platform, likewise."""
    course = enrollment.course
    data = {
        "isStarted": True,
        "isArchived": False,
        "courseId": str(course.id),
        "minPassingGrade": "0.50",
        "startDate": course.start.isoformat() if course.start else None,
        "endDate": course.end.isoformat() if course.end else None,
        "homeUrl": course_home_url(course.id),
        "marketingUrl": None,
        "progressUrl": reverse("progress", args=[course.id]),
        "unenrollUrl": reverse("unenroll", args=[course.id]),
        "upgradeUrl": None,
        "resumeUrl": None,
    }
    return CourseRunAPIRenderStarted.run_filter(serialized_courserun=data)
