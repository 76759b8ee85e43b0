"""How far a learner has come in a course: what a certificate is about, beside the arguments of its filters."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS
from opaque_keys.edx.keys import CourseKey

from ..savepoint import savepoint


def completion_summary(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """
    The units that are complete, incomplete and locked, as the platform counts them.

    Args:
        kwargs: the arguments of a filter, with ``user`` and ``course_key``, or with a certificate's ``context``.

    Returns:
        ``{"completion_summary": {"complete_count": …, "incomplete_count": …, "locked_count": …}}``; empty if the
        learner or the course is unknown, or there are no courses here (Studio).
    """
    try:
        from lms.djangoapps.courseware import courses  # pylint: disable=import-outside-toplevel
    except (ImportError, RuntimeError):
        # RuntimeError: its models belong to apps that are not installed.
        return {}
    with savepoint(DEFAULT_DB_ALIAS):
        user, course_key = _whose(kwargs)
        summary = courses.get_course_blocks_completion_summary(course_key, user) if user and course_key else None
    return {"completion_summary": dict(summary)} if summary else {}


def _whose(kwargs):
    if "context" not in kwargs:
        return kwargs.get("user"), kwargs.get("course_key")
    # The page of a certificate is public, and says whose it is.
    context = kwargs["context"] or {}
    course_id, user_id = context.get("course_id"), context.get("accomplishment_user_id")
    user = get_user_model().objects.filter(pk=user_id).first() if user_id else None
    return user, CourseKey.from_string(str(course_id)) if course_id else None
