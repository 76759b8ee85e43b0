"""May a learner see a course: the platform's access checks, as far as filters have a word in them."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from opaque_keys.edx.keys import CourseKey

from .models import CourseOverview
from .newer_filters import CourseStartDateValidationFailed, CoursewareAccessChecksRequested


class AccessResponse:
    """The platform's answer to such a question: an object that is true or false, and says why."""

    def __init__(self, has_access, error_code=None, developer_message=None, user_message=None):
        self.has_access = has_access
        self.error_code = error_code
        self.developer_message = developer_message
        self.user_message = user_message

    def __bool__(self):
        return self.has_access

    def __repr__(self):
        return f"AccessResponse({self.has_access!r}, {self.error_code!r}, {self.developer_message!r})"

    def to_json(self) -> dict:
        """As APIs give it."""
        return {
            "has_access": self.has_access,
            "error_code": self.error_code,
            "developer_message": self.developer_message,
            "user_message": self.user_message,
        }


ACCESS_GRANTED = AccessResponse(True)


def check_start_date(start_date: datetime | None, course_key: CourseKey) -> AccessResponse:
    """Whether a course, or a block of it, is open; a filter may say otherwise why not, but not that it is."""
    if start_date is None or start_date < timezone.now():
        return ACCESS_GRANTED
    code, developer_message = "course_not_started", f"Course does not start until {start_date}"
    user_message = _("Course does not start until %s") % f"{start_date:%Y-%m-%d}"
    try:
        CourseStartDateValidationFailed.run_filter(course_key=course_key, start_date=start_date)
    except CourseStartDateValidationFailed.OverrideStartDateError as exc:
        code, developer_message = exc.error_code or code, exc.developer_message or developer_message
        user_message = exc.user_message or user_message
    return AccessResponse(False, code, developer_message, user_message)


def check_course_access(course: CourseOverview, user) -> AccessResponse:
    """
    Whether a learner may enter a course: the platform's function of this name.

    Staff enter a course that is not open yet, but not against a filter.
    """
    access = check_start_date(course.start, course.id)
    if not access and not user.is_staff:
        return access
    try:
        CoursewareAccessChecksRequested.run_filter(user=user, course_key=course.id)
    except CoursewareAccessChecksRequested.PreventCoursewareAccess as exc:
        return AccessResponse(False, exc.error_code, exc.developer_message, exc.user_message)
    return ACCESS_GRANTED
