"""Cohorts: who is in which, and a page for the course team to move learners."""

import logging
import random

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from opaque_keys.edx.keys import CourseKey
from openedx_filters.learning.filters import CohortAssignmentRequested, CohortChangeRequested

from .models import CohortMembership, CourseEnrollment, CourseOverview, CourseUserGroup
from .pages import refusal

log = logging.getLogger(__name__)

User = get_user_model()


class CohortAssignmentNotAllowed(Exception):
    """A filter prevents that the learner gets a cohort."""


class CohortChangeNotAllowed(Exception):
    """A filter prevents that the learner changes the cohort."""


def assign(cohort: CourseUserGroup, user) -> tuple[CohortMembership, CourseUserGroup | None]:
    """
    Put a learner into a cohort: the platform's ``CohortMembership.assign``.

    Returns:
        the membership, and the cohort the learner was in before, if any.

    Raises:
        CohortAssignmentNotAllowed, CohortChangeNotAllowed: a filter says so.
        ValueError: the learner is in this cohort already.
    """
    try:
        user, cohort = CohortAssignmentRequested.run_filter(user=user, target_cohort=cohort)
    except CohortAssignmentRequested.PreventCohortAssignment as exc:
        raise CohortAssignmentNotAllowed(str(exc)) from exc

    # The filter below runs inside of this transaction, while the row is locked.
    with transaction.atomic():
        membership, created = CohortMembership.objects.select_for_update().get_or_create(
            user=user, course_id=cohort.course_id, defaults={"course_user_group": cohort}
        )
        if created:
            membership.course_user_group.users.add(user)
            return membership, None
        if membership.course_user_group == cohort:
            raise ValueError(_("%s is in this cohort already.") % user.username)
        try:
            membership, cohort = CohortChangeRequested.run_filter(current_membership=membership, target_cohort=cohort)
        except CohortChangeRequested.PreventCohortChange as exc:
            raise CohortChangeNotAllowed(str(exc)) from exc
        previous = membership.course_user_group
        previous.users.remove(user)
        membership.course_user_group = cohort
        membership.course_user_group.users.add(user)
        membership.save()
    return membership, previous


def get_cohort(user, course_key: CourseKey) -> CourseUserGroup | None:
    """
    The learner's cohort; who has none gets one: the platform's function of this name, called at the first access to
    content that not everybody sees.

    Returns:
        the cohort, None if the course has none. Right after an assignment, the one that was meant, even if a filter has
        led to another one.

    Raises:
        CohortAssignmentNotAllowed: a filter says so. Nobody catches it on the way to the learner.
    """
    membership = CohortMembership.objects.filter(user=user, course_id=course_key).first()
    if membership:
        return membership.course_user_group
    cohorts = list(CourseUserGroup.objects.filter(course_id=course_key, group_type="cohort").order_by("pk"))
    if not cohorts:
        return None
    cohort = random.choice(cohorts)
    try:
        assign(cohort, user)
    except (ValueError, IntegrityError) as error:
        log.info("%s has got a cohort of %s in the meantime: %s", user.pk, course_key, error)
    return cohort


@staff_member_required(login_url="login")
@require_POST
def add_users_to_cohort(request: HttpRequest, course_key: CourseKey, cohort_id: int) -> JsonResponse:
    """
    For API clients, as the platform's view of this name: ``users`` holds usernames or addresses, separated by commas.

    Who may not be in the cohort is listed under ``not_allowed``; the reason is dropped, as on the platform.
    """
    cohort = get_object_or_404(CourseUserGroup, pk=cohort_id, course_id=course_key)
    result = {name: [] for name in ("added", "changed", "present", "unknown", "not_allowed")}
    for name in filter(None, (part.strip() for part in request.POST.get("users", "").split(","))):
        user = User.objects.filter(Q(username=name) | Q(email__iexact=name)).first()
        if user is None:
            result["unknown"].append(name)
            continue
        try:
            membership, previous = assign(cohort, user)
        except ValueError:
            result["present"].append(name)
        except (CohortAssignmentNotAllowed, CohortChangeNotAllowed):
            result["not_allowed"].append(name)
        else:
            entry = {"username": user.username, "email": user.email}
            if previous:
                entry |= {"previous_cohort": previous.name, "new_cohort": membership.course_user_group.name}
            result["changed" if previous else "added"].append(entry)
    return JsonResponse({"success": True, **result})


@staff_member_required(login_url="login")
def cohorts_page(request: HttpRequest, course_key: CourseKey) -> HttpResponse:
    """The course team's page; a POST moves one learner and shows a refusal with an error status."""
    course = get_object_or_404(CourseOverview, pk=course_key)
    if request.method == "POST":
        return _move(request, course_key)
    memberships = CohortMembership.objects.filter(course_id=course_key).select_related("course_user_group")
    cohort_of = {membership.user_id: membership.course_user_group for membership in memberships}
    enrollments = CourseEnrollment.objects.filter(course_id=course_key, is_active=True).select_related("user__profile")
    learners = [(entry.user, cohort_of.get(entry.user_id)) for entry in enrollments.order_by("user__username")]
    cohorts = CourseUserGroup.objects.filter(course_id=course_key).order_by("name")
    context = {"course": course, "learners": learners, "cohorts": cohorts}
    return render(request, "minilms/cohorts.html", context)


def _move(request: HttpRequest, course_key: CourseKey) -> HttpResponse:
    here = reverse("cohorts", args=[course_key])
    cohort_id, user_id = (request.POST.get(name, "") for name in ("cohort", "user"))
    cohort = get_object_or_404(CourseUserGroup, pk=cohort_id if cohort_id.isdigit() else 0, course_id=course_key)
    user = get_object_or_404(User, pk=user_id if user_id.isdigit() else 0)
    try:
        membership, _previous = assign(cohort, user)
    except (CohortAssignmentNotAllowed, CohortChangeNotAllowed):
        names = {"name": user.username, "cohort": cohort.name}
        # The reason is dropped, as on the platform.
        message = _("%(name)s is not allowed in this cohort.") % names
        return refusal(request, _("%(name)s was not moved to %(cohort)s") % names, message, status=400, back=here)
    except ValueError as error:
        messages.info(request, str(error))
    else:
        moved = {"name": user.username, "cohort": membership.course_user_group.name}
        messages.success(request, _("%(name)s is now in %(cohort)s.") % moved)
    return redirect(here)
