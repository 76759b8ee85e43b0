"""The list of courses, a course's about page, and the learner's dashboard."""

# The filters' exceptions set every argument as an attribute:
# pylint: disable=no-member
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from opaque_keys.edx.keys import CourseKey
from openedx_filters.learning.filters import CourseAboutRenderStarted, DashboardRenderStarted

from .models import CourseEnrollment, CourseOverview, GeneratedCertificate


@ensure_csrf_cookie
def course_list(request: HttpRequest) -> HttpResponse:
    """All courses."""
    return render(request, "minilms/courses.html", {"courses": CourseOverview.objects.order_by("start", "id")})


def course_about(request: HttpRequest, course_key: CourseKey) -> HttpResponse:
    """What a course is about: the platform's view of this name."""
    course = get_object_or_404(CourseOverview, pk=course_key)
    registered = (
        request.user.is_authenticated
        and CourseEnrollment.objects.filter(user=request.user, course_id=course_key, is_active=True).exists()
    )
    context = {
        "course": course,
        "course_details": {"short_description": course.short_description, "effort": "3 h", "language": "en"},
        "course_price": "0",
        "single_paid_mode": {},
        "show_courseware_link": registered,
        "registered": registered,
        "is_course_full": False,
        "can_enroll": True,
        "invitation_only": False,
        "pre_requisite_courses": [],
        "course_image_urls": {},
        "active_reg_button": True,
    }
    try:
        context, template_name = CourseAboutRenderStarted.run_filter(
            context=context, template_name="minilms/course_about.html"
        )
    except CourseAboutRenderStarted.RenderInvalidCourseAbout as exc:
        return render(request, exc.course_about_template, exc.template_context)
    except CourseAboutRenderStarted.RedirectToPage as exc:
        return redirect(exc.redirect_to or reverse("dashboard"))
    except CourseAboutRenderStarted.RenderCustomResponse as exc:
        return exc.response or render(request, "minilms/course_about.html", context)
    return render(request, template_name, context)


@login_required
def student_dashboard(request: HttpRequest) -> HttpResponse:
    """The learner's courses: the platform's view of this name, with the awkward types of its context."""
    enrollments = list(
        CourseEnrollment.objects.filter(user=request.user, is_active=True).select_related("course", "user")
    )
    certificates = GeneratedCertificate.objects.filter(user=request.user)
    context = {
        "user": request.user,
        "platform_name": "Mini LMS",
        "course_enrollments": enrollments,
        "course_entitlements": [],
        "enrollment_message": "",
        "redirect_message": "",
        "account_activation_messages": [],
        "staff_access": request.user.is_staff,
        # The platform keys these by course key and hands out frozen sets.
        "cert_statuses": {certificate.course_id: {"status": certificate.status} for certificate in certificates},
        "all_course_modes": {enrollment.course_id: {"audit": {}} for enrollment in enrollments},
        "show_courseware_links_for": {enrollment.course_id: True for enrollment in enrollments},
        "show_email_settings_for": frozenset(enrollment.course_id for enrollment in enrollments),
        "block_courses": frozenset(),
        "inverted_programs": {},
        "logout_url": reverse("logout"),
    }
    try:
        context, template_name = DashboardRenderStarted.run_filter(
            context=context, template_name="minilms/dashboard.html"
        )
    except DashboardRenderStarted.RenderInvalidDashboard as exc:
        return render(request, exc.dashboard_template, exc.template_context)
    except DashboardRenderStarted.RedirectToPage as exc:
        # The platform goes to the account page if no address is given.
        return redirect(exc.redirect_to or reverse("account"))
    except DashboardRenderStarted.RenderCustomResponse as exc:
        return exc.response
    return render(request, template_name, context)
