"""The mini LMS, and the two requests that it has no page for: a problem is submitted, a thread is begun."""

from datetime import UTC, datetime

from django.http import JsonResponse
from django.urls import path
from django.views.decorators.http import require_POST
from opaque_keys.edx.keys import CourseKey
from openedx_events.learning.data import CourseData, DiscussionThreadData, PersistentCourseGradeData
from openedx_events.learning.signals import FORUM_THREAD_CREATED, PERSISTENT_GRADE_SUMMARY_CHANGED

from demo.minilms.grades import read_grade
from demo.minilms.learner_data import user_data
from demo.minilms.models import PersistentCourseGrade
from demo.minilms.urls import urlpatterns as demo_urls

_EDITED = datetime(2026, 9, 1, tzinfo=UTC)


@require_POST
def submit_problem(request):
    """The course's grade changes, as in the platform's ``PersistentCourseGrade.update_or_create``."""
    course_key = CourseKey.from_string(request.POST["course"])
    percent = float(request.POST["percent"])
    read_grade(request.user, course_key)
    PersistentCourseGrade.objects.filter(user_id=request.user.pk, course_id=course_key).update(percent_grade=percent)
    PERSISTENT_GRADE_SUMMARY_CHANGED.send_event(
        grade=PersistentCourseGradeData(
            user_id=request.user.pk,
            course=CourseData(course_key=course_key),
            course_edited_timestamp=_EDITED,
            course_version="",
            grading_policy_hash="",
            percent_grade=percent,
            letter_grade="",
            passed_timestamp=_EDITED,
        )
    )
    return JsonResponse({"percent": percent})


@require_POST
def begin_thread(request):
    """A thread of the forum."""
    FORUM_THREAD_CREATED.send_event(
        thread=DiscussionThreadData(
            body="How does this work? " * 20,
            commentable_id="course",
            id="5f",
            truncated=False,
            url="/thread",
            user=user_data(request.user),
            course_id=CourseKey.from_string(request.POST["course"]),
            title="A question",
        )
    )
    return JsonResponse({})


urlpatterns = [path("soak/grade", submit_problem), path("soak/forum", begin_thread), *demo_urls]
