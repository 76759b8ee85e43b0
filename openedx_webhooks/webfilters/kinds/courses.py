"""
Courses, their modes and their certificates: what the platform itself does not check once a filter has changed it.

The platform's own tables are asked. Where a site has none of them (another service, a demo), a model of the same name
is; where there is none at all, a change that nobody can check is refused, and the log says so.
"""

import re

import attrs
from django.apps import apps
from django.db import router
from django.utils.translation import gettext as _
from opaque_keys import OpaqueKey

from ...savepoint import savepoint
from .convert import Refused, convert, convert_null
from .values import Choice, Kind

_MODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")

# Certificates: what the platform's own code sets. Celery passes on anything, and the column takes any 32 characters.
STATUS = Choice((None, "downloadable", "notpassing", "unavailable", "unverified"))
GENERATION_MODE = Choice((None, "self", "batch"))


@attrs.frozen
class Mode(Kind):
    """A course mode: one that the course has, where the platform's course modes can be asked."""

    def fits(self, current):
        return current is None or isinstance(current, str)

    def plan(self, current, given, path, plan):
        if not isinstance(given, str) or not _MODE.fullmatch(given):
            raise Refused("it must be the name of a course mode")
        if given == current:
            return current
        known = _modes(plan.argument("course_key"))
        if known is not None and given not in known:
            raise Refused("the course has no such mode")
        plan.changed.append(path)
        return given

    def schema(self):
        return {"type": "string", "pattern": f"^{_MODE.pattern}$", "description": _("A mode that the course has.")}


@attrs.frozen
class Course(Kind):
    """Another course: one that exists and has the mode of the request."""

    def fits(self, current):
        return current is None or isinstance(current, OpaqueKey)

    def plan(self, current, given, path, plan):
        key = convert_null((OpaqueKey,), given) if current is None else convert(current, given)
        if key == current:
            return current
        self._check(key, plan)
        plan.changed.append(path)
        return key

    def _check(self, key, plan):
        if not _exists("course_overviews", "CourseOverview", id=key):
            raise Refused("there is no such course")
        mode = plan.data.get("mode")
        mode = mode if isinstance(mode, str) else plan.kwargs.get("mode")
        known = _modes(key)
        if known is not None and mode is not None and mode not in known:
            raise Refused("that course does not have the mode: give a mode that it has, too")

    def schema(self):
        return {"type": "string", "description": _("The key of a course that exists and has the mode.")}


@attrs.frozen
class PassedCourse(Course):
    """Another course of which the learner may have a certificate: the platform does not check that again."""

    def _check(self, key, plan):
        super()._check(key, plan)
        user = plan.kwargs.get("user")
        pk = getattr(user, "pk", None)
        if pk is None or not _exists("student", "CourseEnrollment", user_id=pk, course_id=key, is_active=True):
            raise Refused("the learner is not enrolled in that course")
        if not _exists("grades", "PersistentCourseGrade", user_id=pk, course_id=key, passed_timestamp__isnull=False):
            raise Refused("the learner has not passed that course")

    def schema(self):
        return {
            "type": "string",
            "description": _("The key of a course that the learner is enrolled in and has passed."),
        }


def _model(app_label: str, name: str):
    try:
        return apps.get_model(app_label, name)
    except LookupError:
        return next((model for model in apps.get_models() if model.__name__ == name), None)


def _exists(app_label: str, name: str, **lookup) -> bool:
    """Whether there is such a row; refused where this site has no such table."""
    model = _model(app_label, name)
    if model is None:
        raise Refused(f"it can't be checked: this site has no {name}")
    with savepoint(router.db_for_read(model)):
        return model.objects.filter(**lookup).exists()


def _modes(course_key) -> set[str] | None:
    """The names of the course's modes, those included that have expired; None where there are none to ask."""
    model = _model("course_modes", "CourseMode")
    if model is None:
        return None
    with savepoint(router.db_for_read(model)):
        if hasattr(model, "modes_for_course_dict"):
            return set(model.modes_for_course_dict(course_key, include_expired=True))
        return set(model.objects.filter(course_id=course_key).values_list("mode_slug", flat=True))
