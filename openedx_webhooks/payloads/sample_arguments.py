"""
Sample arguments of filters.

The platform's classes can't be imported here, and the serializers know them by name: so these are stand-ins of the same
names that hold the same attributes.
"""

import copy
import functools
import inspect
from collections import namedtuple
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django.http import HttpResponse, QueryDict
from opaque_keys import OpaqueKey
from opaque_keys.edx.keys import CourseKey, UsageKey

from ..catalog import FilterType
from . import sample_values as values

_COURSE = CourseKey.from_string(values.COURSE)
_BLOCK = UsageKey.from_string(values.BLOCK)
_ABSENT = object()
Mode = namedtuple("Mode", "slug name min_price suggested_prices currency expiration_datetime description sku bulk_sku")


def filter_arguments(filter_type: FilterType) -> dict[str, Any]:
    """Made-up arguments of a filter, one for each that ``run_filter`` takes; whoever gets them may change them."""
    special = _OF_FILTER.get(filter_type.name, {})
    return {
        name: copy.deepcopy(special[name]) if name in special else _argument(name, parameter.annotation)
        for name, parameter in filter_type.arguments.items()
    }


@functools.cache
def _stand_in_class(name: str, *bases: str) -> type:
    parents = tuple(_stand_in_class(base) for base in bases)
    meta = SimpleNamespace(pk=SimpleNamespace(attname="id"), label=name)
    return type(name.rpartition(".")[2], parents, {"_meta": meta})


def stand_in(class_name: str, /, *bases: str, **attributes: Any) -> Any:
    """An object whose class has this name (and those of its bases) and which holds these attributes."""
    instance = _stand_in_class(class_name, *bases)()
    vars(instance).update(attributes)
    return instance


def user() -> Any:
    """A learner with her profile loaded."""
    profile = stand_in(
        "UserProfile",
        id=17,
        name="Ada Lovelace",
        country="GB",
        language="en",
        level_of_education="m",
        gender="f",
        year_of_birth=1990,
        city="London",
        state="",
        goals="Learn to program",
        bio="Mathematician",
    )
    return stand_in(
        "User",
        "AbstractBaseUser",
        id=42,
        username="ada",
        email="ada@example.org",
        first_name="Ada",
        last_name="Lovelace",
        is_active=True,
        is_staff=False,
        date_joined=values.MOMENT - timedelta(days=200),
        last_login=values.MOMENT - timedelta(days=1),
        profile=profile,
    )


def _enrollment():
    return stand_in(
        "CourseEnrollment",
        id=1001,
        user=user(),
        course_id=_COURSE,
        mode="verified",
        is_active=True,
        created=values.MOMENT - timedelta(days=20),
    )


def _cohort(number=12, name="Group A"):
    return stand_in("CourseUserGroup", id=number, name=name, course_id=_COURSE, group_type="cohort")


def _membership():
    return stand_in(
        "CohortMembership", id=205, user=user(), course_id=_COURSE, course_user_group=_cohort(11, "Default group")
    )


def _block():
    return stand_in("XBlock", scope_ids=SimpleNamespace(usage_id=_BLOCK, block_type="problem"), display_name="Quiz 1")


def _course():
    return stand_in(
        "XBlock",
        display_name="Demonstration Course",
        scope_ids=SimpleNamespace(usage_id=_COURSE.make_usage_key("course", "course"), block_type="course"),
    )


def _form():
    return stand_in("FormDescription", method="post", submit_url="/api/user/v1/account/registration/", fields=[])


def _provider():
    return stand_in("ProviderConfig", provider_id="oa2-google-oauth2", name="Google")


def _pipeline():
    details = {"username": "ada", "email": "ada@example.org", "fullname": "Ada Lovelace"}
    return {"backend": "google-oauth2", "kwargs": {"details": details, "user": None}}


def _rows(model, *numbers):
    rows = [stand_in("Row", id=number) for number in numbers]
    return stand_in("QuerySet", model=SimpleNamespace(_meta=SimpleNamespace(label=model)), _result_cache=rows)


def _mode():
    return Mode("verified", "Verified Certificate", 99, "", "usd", values.MOMENT + timedelta(days=60), "", "ABC123", "")


def _registration():
    fields = {
        "username": "ada",
        "email": "ada@example.org",
        "name": "Ada Lovelace",
        "country": "GB",
        "level_of_education": "m",
        "terms_of_service": "true",
    }
    form = QueryDict(mutable=True)
    form.update(fields)
    return form


# Argument → what makes it, in any filter.
_BY_NAME = {
    "block": _block,
    "context": lambda: {"platform_name": "Example Academy", "language": "en"},
    "course_home_url": lambda: "https://apps.example.org/learning/course/course-v1:edX+DemoX+Demo_Course/home",
    "course_id": lambda: values.COURSE,
    "course_mode_data": _mode,
    "current_membership": _membership,
    "current_provider": _provider,
    "custom_template": lambda: stand_in("CertificateTemplate", id=3, name="Spring"),
    "enrollment": _enrollment,
    "enrollments": lambda: _rows("student.CourseEnrollment", 1001, 1002),
    "extra_context": lambda: {"hideUsername": True},
    "form_data": _registration,
    "form_desc": _form,
    "fragment": lambda: stand_in("Fragment", content='<div class="vert">…</div>'),
    "generation_mode": lambda: "self",
    "grade": lambda: stand_in("CourseGrade", percent=0.92, letter_grade="Pass", passed=True),
    "mode": lambda: "verified",
    "org": lambda: "edX",
    "price": lambda: 99,
    "readonly_fields": lambda: {"email", "name"},
    "redirect_url": lambda: "/dashboard",
    "response": lambda: HttpResponse(status=200, content_type="text/html; charset=utf-8"),
    "running_pipeline": _pipeline,
    "schedules": lambda: _rows("schedules.Schedule", 501, 502),
    "start_date": lambda: values.MOMENT + timedelta(days=14),
    "status": lambda: "unverified",
    "target_cohort": _cohort,
    "url": lambda: "https://lms.example.org/",
    "user": user,
    "user_id": lambda: 42,
    "view": lambda: "student_view",
    "view_name": lambda: "progress",
}
# Filter → argument → value, where the filter's own argument of that name is another.
_OF_FILTER: Mapping[str, Mapping[str, Any]] = {
    "AccountActivationEmailContextGenerated": {
        "message_context": {"platform_name": "Example Academy", "name": "Ada Lovelace", "email": "ada@example.org"}
    },
    "AccountSettingsRenderStarted": {"template_name": "student_account/account_settings.html"},
    "AuthnMFEContextGenerated": {
        "context": {
            "platformName": "Example Academy",
            "currentProvider": None,
            "providers": [],
            "secondaryProviders": [],
            "countryCode": "GB",
        }
    },
    "CertificateRenderStarted": {
        "context": {
            "platform_name": "Example Academy",
            "course_id": values.COURSE,
            "username": "ada",
            "accomplishment_copy_name": "Ada Lovelace",
            "accomplishment_copy_course_name": "Demonstration Course",
            "certificate_data": {"course_title": "Demonstration Course", "signatories": []},
        }
    },
    "CourseAboutRenderStarted": {
        "context": {
            "course": _course(),
            "course_price": "Free",
            "can_enroll": True,
            "invitation_only": False,
            "registered": False,
            "is_course_full": False,
        },
        "template_name": "courseware/course_about.html",
    },
    "CourseAboutPageURLRequested": {"url": "https://lms.example.org/courses/course-v1:edX+DemoX+Demo_Course/about"},
    "CourseEnrollmentAPIRenderStarted": {
        "serialized_enrollment": {
            "accessExpirationDate": values.MOMENT + timedelta(days=30),
            "isAudit": False,
            "hasAccess": {"hasUnmetPrerequisites": False, "isTooEarly": False, "isStaff": False},
            "hasStarted": True,
            "mode": "verified",
        }
    },
    "CourseRunAPIRenderStarted": {
        "serialized_courserun": {
            "isStarted": True,
            "isArchived": False,
            "courseId": values.COURSE,
            "minPassingGrade": "0.5",
            "startDate": "2026-08-02T08:30:00+00:00",
            "homeUrl": "https://apps.example.org/learning/course/home",
            "resumeUrl": None,
        }
    },
    "DashboardRenderStarted": {
        "context": {
            "user": user(),
            "course_enrollments": [_enrollment()],
            "platform_name": "Example Academy",
            "show_email_settings_for": {_COURSE},
            "cert_statuses": {_COURSE: {"status": "downloadable"}},
            "display_sidebar_on_dashboard": True,
        },
        "template_name": "dashboard.html",
    },
    "GradeEventContextRequested": {"context": {"course_id": values.COURSE, "org_id": "edX", "path": "/courses/x"}},
    "IDVPageURLRequested": {"url": "https://apps.example.org/account/id-verification"},
    "InstructorDashboardRenderStarted": {
        "context": {
            "course": _course(),
            "studio_url": "https://studio.example.org/",
            "sections": [{"section_key": "course_info", "section_display_name": "Course Info"}],
        },
        "template_name": "instructor/instructor_dashboard_2/instructor_dashboard_2.html",
    },
    "InstructorDashboardTabsRequested": {
        "tabs": [{"tab_id": "grading", "title": "Grading", "url": "/instructor/grading", "sort_order": 60}]
    },
    "LogistrationViewContextGenerated": {
        "context": {
            "data": {"initial_mode": "login", "login_redirect_url": "/dashboard"},
            "disable_courseware_js": True,
        }
    },
    "ORASubmissionViewRenderStarted": {
        "context": {"xblock_id": values.BLOCK, "user_language": "en", "submission_due": values.MOMENT},
        "template_name": "legacy/response/oa_response.html",
    },
    "RenderXBlockStarted": {
        "context": {"course": _course(), "block": _block(), "is_learning_mfe": True, "staff_access": False},
        "student_view_context": {"view": "student_view", "show_title": True, "hide_access_error_blocks": True},
    },
    "SupportContactContextRequested": {
        "context": {
            "platform_name": "Example Academy",
            "support_email": "help@example.org",
            "tags": ["LMS"],
            "course_id": values.COURSE,
        }
    },
    "SupportEnrollmentDataRequested": {
        "enrollments_data": [
            {
                "course_id": values.COURSE,
                "mode": "verified",
                "is_active": True,
                "created": values.MOMENT,
                "verified_price": 99,
            }
        ]
    },
    "VerticalBlockChildRenderStarted": {"context": {"username": "ada", "bookmarked": False, "child_of_vertical": True}},
}


# Filter → what its payload has beside the arguments.
_COMPLETION = {"completion_summary": {"complete_count": 41, "incomplete_count": 2, "locked_count": 0}}
_EXTRA: Mapping[str, Mapping[str, Any]] = {
    "CertificateCreationRequested": _COMPLETION,
    "CertificateRenderStarted": _COMPLETION,
}


def filter_extra(filter_type: FilterType) -> Mapping[str, Any]:
    return _EXTRA.get(filter_type.name, {})


def _argument(name: str, annotation: Any) -> Any:
    if name in _BY_NAME:
        return _BY_NAME[name]()
    if inspect.isclass(annotation):
        if issubclass(annotation, OpaqueKey):
            return _BLOCK if issubclass(annotation, UsageKey) else _COURSE
        value = next((value for known, value in values.BY_TYPE.items() if issubclass(annotation, known)), _ABSENT)
        if value is not _ABSENT:
            return value
        if annotation in (dict, list, set):
            return annotation()
        if issubclass(annotation, datetime):
            return values.MOMENT
    origin = getattr(annotation, "__origin__", None)
    return origin() if origin in (dict, list, set) else None
