"""The instructor dashboard: the page, and the tabs of the app that takes its place."""

# The filters' exceptions set every argument as an attribute:
# pylint: disable=no-member
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from opaque_keys.edx.keys import CourseKey
from openedx_filters.learning.filters import InstructorDashboardRenderStarted

from .courseware import get_course_block
from .models import CourseEnrollment, CourseOverview, CourseUserGroup, GeneratedCertificate
from .newer_filters import InstructorDashboardTabsRequested
from .pages import render_to_response

TEMPLATE = "instructor/instructor_dashboard_2/instructor_dashboard_2.html"


@staff_member_required(login_url="login")
def instructor_dashboard_2(request: HttpRequest, course_key: CourseKey) -> HttpResponse:
    """What the course team sees: the platform's view of this name, with the query sets and addresses of its context."""
    course = get_object_or_404(CourseOverview, pk=course_key)
    context = {
        "course": get_course_block(request, course),
        "studio_url": None,
        "sections": _sections(course),
        "disable_buttons": False,
        "analytics_dashboard_message": None,
        "certificate_allowlist": _allowlist(course_key),
        "certificate_invalidations": [],
        "certificate_exception_view_url": reverse("instructor_dashboard", args=[course_key]),
    }
    try:
        context, template_name = InstructorDashboardRenderStarted.run_filter(context=context, template_name=TEMPLATE)
    except InstructorDashboardRenderStarted.RenderInvalidDashboard as exc:
        return render_to_response(exc.instructor_template, exc.template_context)
    except InstructorDashboardRenderStarted.RedirectToPage as exc:
        # Without an address this leads to this page again, and so on.
        return redirect(exc.redirect_to)
    except InstructorDashboardRenderStarted.RenderCustomResponse as exc:
        return exc.response
    return render_to_response(template_name, context)


def _sections(course: CourseOverview) -> list[dict]:
    enrollments = CourseEnrollment.objects.filter(course_id=course.id)
    return [
        {
            "section_key": "course_info",
            "section_display_name": _("Course Info"),
            "access": {"admin": True, "staff": True},
            "course_id": course.id,
            "course_display_name": course.display_name,
            "start_date": course.start,
            "enrollment_count": {"total": enrollments.filter(is_active=True).count()},
        },
        {
            "section_key": "cohort_management",
            "section_display_name": _("Cohorts"),
            "access": {"admin": True, "staff": True},
            "cohorts": CourseUserGroup.objects.filter(course_id=course.id),
            "cohorts_url": reverse("cohorts", args=[course.id]),
        },
    ]


def _allowlist(course_key: CourseKey) -> list[dict]:
    """Who has a certificate, with the address: other learners' data in the context of one person's page."""
    return [
        {
            "id": certificate.pk,
            "user_id": certificate.user_id,
            "user_name": certificate.user.username,
            "user_email": certificate.user.email,
            "course_id": str(course_key),
            "certificate_generated": certificate.status,
            "notes": "",
        }
        for certificate in GeneratedCertificate.objects.filter(course_id=course_key).select_related("user")
    ]


@staff_member_required(login_url="login")
def instructor_tabs(request: HttpRequest, course_key: CourseKey) -> JsonResponse:
    """The tabs of the instructor's app: ``get_tabs`` of the platform's serializer."""
    course = get_object_or_404(CourseOverview, pk=course_key)
    tabs = [
        {
            "tab_id": "course_info",
            "title": gettext_lazy("Course Info"),
            "url": reverse("instructor_dashboard", args=[course.id]),
            "sort_order": 10,
        },
        {
            "tab_id": "cohorts",
            "title": gettext_lazy("Cohorts"),
            "url": reverse("cohorts", args=[course.id]),
            "sort_order": 20,
        },
    ]
    try:
        tabs, _user, _key = InstructorDashboardTabsRequested.run_filter(
            tabs=tabs, user=request.user, course_key=course_key
        )
    except InstructorDashboardTabsRequested.PreventTabsGeneration as exc:
        tabs = exc.tabs or []
    return JsonResponse({"tabs": sorted(tabs, key=lambda tab: tab.get("sort_order", 0))})
