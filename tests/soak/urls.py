"""The mini LMS, and a learner's answer to a problem: what the platform sends for it, without its courseware."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponseForbidden, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from opaque_keys.edx.keys import CourseKey
from openedx_events.analytics.data import TrackingLogData
from openedx_events.analytics.signals import TRACKING_EVENT_EMITTED
from openedx_events.learning.data import CourseData, PersistentCourseGradeData
from openedx_events.learning.signals import PERSISTENT_GRADE_SUMMARY_CHANGED

from demo.minilms.seed import COURSES
from demo.minilms.urls import urlpatterns as of_the_demo

# Events that no hook wants: the platform sends one for nearly everything that a learner does.
_TRACKED = 5
COURSE = COURSES[0][0]


@csrf_exempt
@require_POST
def answer(request: HttpRequest):
    """Take an answer; the response has the id of the event that a webhook wants."""
    if not request.user.is_authenticated:
        return HttpResponseForbidden()
    now = datetime.now(UTC)
    for _number in range(_TRACKED):
        tracked = TrackingLogData(name="problem_check", timestamp=now, data="{}", context="{}")
        TRACKING_EVENT_EMITTED.send_event(tracking_log=tracked)
    metadata = PERSISTENT_GRADE_SUMMARY_CHANGED.generate_signal_metadata()
    grade = PersistentCourseGradeData(
        user_id=request.user.pk,
        course=CourseData(course_key=CourseKey.from_string(COURSE), display_name="Soak"),
        course_edited_timestamp=now,
        course_version="1",
        grading_policy_hash="x",
        percent_grade=0.5,
        letter_grade="",
        passed_timestamp=now,
    )
    PERSISTENT_GRADE_SUMMARY_CHANGED.send_event_with_custom_metadata(metadata, grade=grade)
    return JsonResponse({"event": str(metadata.id)})


urlpatterns = [*of_the_demo, path("soak/answer", answer)]
