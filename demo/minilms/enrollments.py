"""Enroll and unenroll, by the platform's rules and with its filters and events."""

import json
import logging

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseForbidden, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey
from openedx_events.learning.signals import (
    COURSE_ENROLLMENT_CHANGED,
    COURSE_ENROLLMENT_CREATED,
    COURSE_UNENROLLMENT_COMPLETED,
)
from openedx_filters.learning.filters import CourseEnrollmentStarted, CourseUnenrollmentStarted

from .learner_data import enrollment_data
from .models import CourseEnrollment, CourseOverview
from .newer_filters import CourseEnrollmentViewStarted
from .pages import refusal

log = logging.getLogger(__name__)

DEFAULT_MODE = "audit"


class EnrollmentNotAllowed(Exception):
    """A filter prevents the enrollment."""


class UnenrollmentNotAllowed(Exception):
    """A filter prevents the unenrollment."""


class NonExistentCourseError(Exception):
    """There is no such course."""


def enroll(user, course_key: CourseKey, mode: str | None = None, *, check_access: bool = False) -> CourseEnrollment:
    """
    Enroll a learner: the platform's ``CourseEnrollment.enroll``.

    User, course and mode are what comes back from the filter. Nobody asks whether the course has such a mode, nor,
    unless access is checked, whether there is such a course. A first enrollment sends COURSE_ENROLLMENT_CHANGED,
    because the row is made inactive and then activated, and then COURSE_ENROLLMENT_CREATED.

    Raises:
        EnrollmentNotAllowed: a filter says so.
        NonExistentCourseError: access is checked and there is no such course.
    """
    try:
        user, course_key, mode = CourseEnrollmentStarted.run_filter(user=user, course_key=course_key, mode=mode)
    except CourseEnrollmentStarted.PreventEnrollment as exc:
        raise EnrollmentNotAllowed(str(exc)) from exc

    if check_access and not CourseOverview.objects.filter(pk=course_key).exists():
        raise NonExistentCourseError(str(course_key))
    enrollment, _created = CourseEnrollment.objects.get_or_create(
        user=user, course_id=course_key, defaults={"mode": mode or DEFAULT_MODE, "is_active": False}
    )
    update_enrollment(enrollment, is_active=True, mode=mode or DEFAULT_MODE)
    COURSE_ENROLLMENT_CREATED.send_event(enrollment=enrollment_data(enrollment))
    return enrollment


def unenroll(user, course_key: CourseKey) -> None:
    """
    End a learner's enrollment: the platform's ``CourseEnrollment.unenroll``. Without an enrollment, nothing happens.

    Raises:
        UnenrollmentNotAllowed: a filter says so.
    """
    enrollment = CourseEnrollment.objects.filter(user=user, course_id=course_key, is_active=True).first()
    if enrollment is None:
        return
    try:
        enrollment = CourseUnenrollmentStarted.run_filter(enrollment=enrollment)
    except CourseUnenrollmentStarted.PreventUnenrollment as exc:
        raise UnenrollmentNotAllowed(str(exc)) from exc
    update_enrollment(enrollment, is_active=False)


def update_enrollment(enrollment: CourseEnrollment, *, is_active: bool, mode: str | None = None) -> None:
    """Store a changed state or mode, and send what the platform sends: nothing if nothing changed."""
    activation_changed = enrollment.is_active != is_active
    mode_changed = mode is not None and enrollment.mode != mode
    if not (activation_changed or mode_changed):
        return
    enrollment.is_active = is_active
    enrollment.mode = mode or enrollment.mode
    enrollment.save()
    COURSE_ENROLLMENT_CHANGED.send_event(enrollment=enrollment_data(enrollment))
    if activation_changed and not is_active:
        COURSE_UNENROLLMENT_COMPLETED.send_event(enrollment=enrollment_data(enrollment))


@require_POST
def change_enrollment(request: HttpRequest) -> HttpResponse:
    """
    ``enrollment_action`` (enroll or unenroll) for ``course_id``: the platform's view of this name.

    A refusal is a 400 whose body is the message; success is a 200 whose body is the address to go to.
    """
    if not request.user.is_authenticated:
        return HttpResponseForbidden()
    action = request.POST.get("enrollment_action")
    try:
        course_key = CourseKey.from_string(request.POST.get("course_id", ""))
    except InvalidKeyError:
        return HttpResponseBadRequest(_("Invalid course id"))
    if not CourseOverview.objects.filter(pk=course_key).exists():
        return HttpResponseBadRequest(_("Course id is invalid"))
    try:
        if action == "enroll":
            enroll(request.user, course_key, DEFAULT_MODE, check_access=True)
        elif action == "unenroll":
            unenroll(request.user, course_key)
        else:
            return HttpResponseBadRequest(_("Enrollment action is invalid"))
    except (EnrollmentNotAllowed, UnenrollmentNotAllowed) as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    except NonExistentCourseError:
        return HttpResponseBadRequest(_("Could not enroll"))
    return HttpResponse(reverse("dashboard"), content_type="text/plain; charset=utf-8")


@require_POST
def enrollment_api(request: HttpRequest) -> HttpResponse:
    """
    Enroll with ``{"course_details": {"course_id": …}, "mode": …}``: ``EnrollmentListView.post`` of the platform.

    Both filters run, the second one without a mode: the one that is asked for is set afterwards.
    """
    if not request.user.is_authenticated:
        return HttpResponseForbidden()
    asked = json.loads(request.body)
    try:
        course_key = CourseKey.from_string(asked.get("course_details", {}).get("course_id", ""))
        CourseEnrollmentViewStarted.run_filter(
            user=request.user, course_key=course_key, requester_is_backend_service=False
        )
        enrollment = enroll(request.user, course_key, check_access=True)
    except InvalidKeyError:
        return JsonResponse({"message": _("Invalid course id")}, status=400)
    except EnrollmentNotAllowed as error:
        return JsonResponse({"message": str(error), "localizedMessage": str(error)}, status=403)
    except (CourseEnrollmentViewStarted.PreventEnrollment, NonExistentCourseError) as error:
        # What a filter has to say goes to the log alone.
        log.warning("No enrollment in %s: %s", asked.get("course_details"), error)
        return JsonResponse({"message": _("An error occurred while creating the new course enrollment")}, status=400)
    if mode := asked.get("mode"):
        update_enrollment(enrollment, is_active=True, mode=mode)
    return JsonResponse({"user": request.user.username, "mode": enrollment.mode, "is_active": enrollment.is_active})


@login_required
@require_POST
def enroll_page(request: HttpRequest, course_key: CourseKey) -> HttpResponse:
    """The button on a course's about page: there a script sends ``change_enrollment`` and shows what it answers."""
    course = get_object_or_404(CourseOverview, pk=course_key)
    try:
        enrollment = enroll(request.user, course_key, DEFAULT_MODE, check_access=True)
    except (EnrollmentNotAllowed, NonExistentCourseError) as error:
        title = _("You were not enrolled in %s") % course.display_name
        message = str(error) if isinstance(error, EnrollmentNotAllowed) else _("Could not enroll")
        return refusal(request, title, message, status=400, back=reverse("about", args=[course_key]))
    messages.success(request, _("You are enrolled in %s.") % enrollment.course.display_name)
    return redirect("dashboard")


@login_required
@require_POST
def unenroll_page(request: HttpRequest, course_key: CourseKey) -> HttpResponse:
    """The button on the dashboard."""
    course = get_object_or_404(CourseOverview, pk=course_key)
    try:
        unenroll(request.user, course_key)
    except UnenrollmentNotAllowed as error:
        title = _("You are still enrolled in %s") % course.display_name
        return refusal(request, title, str(error), status=400, back=reverse("dashboard"))
    messages.success(request, _("You are no longer enrolled in %s.") % course.display_name)
    return redirect("dashboard")
