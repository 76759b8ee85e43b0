"""Inside a course: progress, units, and what the course's app asks first."""

# The filters' exceptions set every argument as an attribute:
# pylint: disable=no-member
import logging
from functools import wraps
from importlib.util import find_spec

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from opaque_keys.edx.keys import CourseKey, UsageKey
from openedx_filters.learning.filters import RenderXBlockStarted

from .access import check_course_access, check_start_date
from .cohorts import get_cohort
from .examples import UNIT
from .grades import read_grade
from .models import CourseEnrollment, CourseOverview
from .newer_filters import CoursewareViewStarted
from .pages import CourseAccessRedirect, refusal, render_to_response

log = logging.getLogger(__name__)

HAS_XBLOCK = find_spec("xblock") is not None


def courseware_view_hooks(view):
    """Let a filter send the learner elsewhere before a view runs: the platform's decorator of this name."""

    @wraps(view)
    def wrapper(request, course_key, *args, **kwargs):
        try:
            CoursewareViewStarted.run_filter(course_key=course_key, view_name=view.__name__)
        except CoursewareViewStarted.RedirectToUrl as exc:
            return redirect(exc.redirect_to)
        return view(request, course_key, *args, **kwargs)

    return wrapper


@login_required
@courseware_view_hooks
def progress(request: HttpRequest, course_key: CourseKey) -> HttpResponse:
    """The learner's progress, and the way to the unit."""
    course = get_course_with_access(request.user, course_key)
    context = {
        "course": course,
        "grade_percent": round(read_grade(request.user, course_key).percent * 100),
        "unit_url": reverse("render_xblock", args=[course_key.make_usage_key(*UNIT)]),
    }
    return render_to_response("courseware/progress.html", context)


def get_course_with_access(user, course_key: CourseKey) -> CourseOverview:
    """
    The course, for who may enter it: the platform's function of this name.

    Raises:
        Http404: there is no such course.
        CourseAccessRedirect: it is not open yet, or the learner is not enrolled.
    """
    course = get_object_or_404(CourseOverview, pk=course_key)
    if not user.is_staff:
        if not check_start_date(course.start, course_key):
            raise CourseAccessRedirect(reverse("dashboard"))
        if not CourseEnrollment.objects.filter(user=user, course_id=course_key, is_active=True).exists():
            raise CourseAccessRedirect(reverse("about", args=[course_key]))
    return course


def get_course_block(request: HttpRequest, course: CourseOverview):
    """The course as the platform's pages have it, a block; without XBlock, what lists know of it."""
    if not HAS_XBLOCK:
        return course
    return _block_or_404(request, course.id.make_usage_key("course", "course"))


@login_required
def course_metadata(request: HttpRequest, course_key: CourseKey) -> JsonResponse:
    """What the course's app asks before it shows anything: the platform's view of this purpose."""
    course = get_object_or_404(CourseOverview, pk=course_key)
    access = check_course_access(course, request.user)
    return JsonResponse({"course_id": str(course_key), "title": course.display_name, "course_access": access.to_json()})


@login_required
def course_home(request: HttpRequest, course_key: CourseKey) -> HttpResponse:
    """
    A course's home, as the platform's app for learning shows it: it goes by the code of a refusal.

    One code sends the learner to the path that stands where a message for developers should; with another one that the
    app does not know it shows this page, and no message.
    """
    course = get_object_or_404(CourseOverview, pk=course_key)
    access = check_course_access(course, request.user)
    if access.error_code == "data_sharing_access_required":
        return redirect(access.developer_message)
    return render(request, "minilms/course_home.html", {"course": course, "access": access})


@transaction.non_atomic_requests
@login_required
@ensure_csrf_cookie
def render_xblock(request: HttpRequest, usage_key: UsageKey) -> HttpResponse:
    """One unit as the course's app frames it: the platform's view of this name. Not in a transaction, as there."""
    if not HAS_XBLOCK:
        return _without_xblock(request)
    course = get_course_with_access(request.user, usage_key.course_key)
    # What a learner sees of a course may depend on the cohort: the first access assigns one.
    get_cohort(request.user, usage_key.course_key)
    block = _block_or_404(request, usage_key)
    student_view_context = {**request.GET.dict(), "show_bookmark_button": True, "show_title": True}
    context = {
        "course": get_course_block(request, course),
        "block": block,
        "disable_header": True,
        "is_learning_mfe": True,
        "staff_access": request.user.is_staff,
        "verified_upgrade_link": None,
        "on_courseware_page": True,
        "request_token": block.runtime.request_token,
    }
    try:
        context, student_view_context = RenderXBlockStarted.run_filter(
            context=context, student_view_context=student_view_context
        )
    except RenderXBlockStarted.PreventXBlockBlockRender as exc:
        log.info("Halted rendering block %s. Reason: %s", usage_key, exc.message)
        return render(request, "500.html", status=500)
    except RenderXBlockStarted.RenderCustomResponse as exc:
        log.info("Rendered another response for block %s. Reason: %s", usage_key, exc.message)
        from web_fragments.fragment import Fragment  # pylint: disable=import-outside-toplevel

        fragment = Fragment(exc.response)
    else:
        fragment = block.render(request.GET.get("view", "student_view"), student_view_context)
    context = {**context, "fragment": fragment, "fragment_head": fragment.head_html()}
    return render_to_response("courseware/courseware-chromeless.html", context)


@login_required
def xblock_handler(request: HttpRequest, course_key: CourseKey, usage_key: UsageKey, handler: str) -> HttpResponse:
    """What the scripts of a block ask its handlers."""
    if not HAS_XBLOCK:
        return _without_xblock(request)
    from webob import Request  # pylint: disable=import-outside-toplevel

    get_course_with_access(request.user, course_key)
    block = _block_or_404(request, usage_key)
    response = block.handle(handler, Request.blank(request.get_full_path(), POST=request.POST.dict()))
    block.save()
    return HttpResponse(response.body, status=response.status_code, content_type=response.content_type)


def _block_or_404(request, usage_key):
    from .blocks import get_block  # pylint: disable=import-outside-toplevel

    try:
        return get_block(request, usage_key)
    except (LookupError, CourseOverview.DoesNotExist) as error:
        raise Http404(str(usage_key)) from error


def _without_xblock(request):
    title, back = _("Units need XBlock"), reverse("dashboard")
    message = _("Install it into the demo's environment, and start the demo again: pip install XBlock")
    return refusal(request, title, message, status=501, back=back)
