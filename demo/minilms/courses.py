"""The list of courses, and a course's about page."""

# The filters' exceptions set every argument as an attribute:
# pylint: disable=no-member
from types import SimpleNamespace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from opaque_keys.edx.keys import CourseKey
from openedx_filters.learning.filters import (
    CourseAboutPageURLRequested,
    CourseAboutRenderStarted,
    CourseHomeUrlCreationStarted,
)

from .course_modes.models import CourseMode
from .courseware import get_course_block
from .models import CourseEnrollment, CourseOverview
from .pages import CourseAccessRedirect, cache_if_anonymous, render_to_response


@ensure_csrf_cookie
def course_list(request: HttpRequest) -> HttpResponse:
    """All courses."""
    courses = [(course, get_link_for_about_page(course)) for course in CourseOverview.objects.order_by("start", "id")]
    return render(request, "minilms/courses.html", {"courses": courses})


def get_link_for_about_page(course: CourseOverview) -> str:
    """The address of a course's about page: the platform's function of this name, called for each course of a list."""
    url, _org = CourseAboutPageURLRequested.run_filter(url=reverse("about", args=[course.id]), org=course.id.org)
    return url


def course_home_url(course_key: CourseKey) -> str:
    """The address of a course's contents: the platform's function of this name, called for each link to a course."""
    _key, url = CourseHomeUrlCreationStarted.run_filter(
        course_key=course_key, course_home_url=reverse("course_home", args=[course_key])
    )
    return url


@ensure_csrf_cookie
@cache_if_anonymous
def course_about(request: HttpRequest, course_key: CourseKey) -> HttpResponse:
    """What a course is about: the platform's view of this name. Visitors get what the first of them got."""
    course = get_object_or_404(CourseOverview, pk=course_key)
    registered = (
        request.user.is_authenticated
        and CourseEnrollment.objects.filter(user=request.user, course_id=course_key, is_active=True).exists()
    )
    context = {
        "course": get_course_block(request, course),
        # An object whose class is of no concern to anybody, as there.
        "course_details": SimpleNamespace(short_description=course.short_description, effort="3 h", language="en"),
        "course_price": "0",
        "single_paid_mode": CourseMode.modes_for_course_dict(course_key).get("verified", {}),
        "show_courseware_link": registered,
        "registered": registered,
        "is_course_full": False,
        "can_enroll": True,
        "invitation_only": False,
        "pre_requisite_courses": [],
        "course_image_urls": {},
        "active_reg_button": True,
        "staff_access": request.user.is_staff,
    }
    try:
        context, template_name = CourseAboutRenderStarted.run_filter(
            context=context, template_name="courseware/course_about.html"
        )
    except CourseAboutRenderStarted.RenderInvalidCourseAbout as exc:
        return render_to_response(exc.course_about_template, exc.template_context)
    except CourseAboutRenderStarted.RedirectToPage as exc:
        # Past the cache: a redirect is not kept.
        raise CourseAccessRedirect(exc.redirect_to or reverse("dashboard")) from exc
    except CourseAboutRenderStarted.RenderCustomResponse as exc:
        return exc.response or render_to_response("courseware/course_about.html", context)
    return render_to_response(template_name, context)
