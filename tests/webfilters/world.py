"""What the platform hands around in its filters: real models of the host project, stand-ins of the rest."""

from collections import defaultdict, namedtuple
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import crum
from django.contrib.auth import get_user_model
from django.contrib.auth.models import update_last_login
from django.contrib.auth.signals import user_logged_in
from django.http import HttpResponse, QueryDict
from django.test import RequestFactory
from django.utils.translation import gettext_lazy
from opaque_keys.edx.keys import CourseKey
from openedx_filters.learning.filters import StudentLoginRequested

from demo.minilms.models import (
    CertificateTemplate,
    CohortMembership,
    CourseEnrollment,
    CourseOverview,
    CourseUserGroup,
    UserProfile,
)

COURSE_KEY = CourseKey.from_string("course-v1:edX+DemoX+2026")
OTHER_KEY = CourseKey.from_string("course-v1:edX+Other+2026")
START = datetime(2030, 1, 31, 12, tzinfo=UTC)
# A template that the host project's pages can be rendered from.
TEMPLATE = "minilms/account.html"
# A value of each secret: tests search for it in everything that was sent and logged.
SECRET = "s3cret-Va1ue"

Mode = namedtuple("Mode", "slug name min_price suggested_prices currency expiration_datetime description sku bulk_sku")


class XBlock:
    """As much of an XBlock as the platform's filters show; reading its fields would cost a query."""

    def __init__(self, block_type="problem"):
        self.usage_key = COURSE_KEY.make_usage_key(block_type, "one")
        self.scope_ids = SimpleNamespace(usage_id=self.usage_key, block_type=block_type)
        self.display_name = "First"
        self.runtime = SimpleNamespace(block=self)
        self.answer = SECRET


class Fragment:
    """As ``web_fragments.fragment.Fragment``."""

    def __init__(self, content):
        self.content = content
        self.resources = []


class FormDescription:
    """The platform's description of a form, as far as its filters use it."""

    PROPERTIES = (
        "label",
        "type",
        "defaultValue",
        "placeholder",
        "instructions",
        "required",
        "restrictions",
        "options",
        "supplementalLink",
        "supplementalText",
    )

    def __init__(self):
        self.method = "post"
        self.submit_url = "/api/login"
        self.fields = []
        self.overrides = defaultdict(dict)

    def override_field_properties(self, field_name, **properties):
        """Take effect when the field is added."""
        if "field_type" in properties:
            properties["type"] = properties["field_type"]
        if "default" in properties:
            properties["defaultValue"] = properties["default"]
        self.overrides[field_name].update(
            {name: value for name, value in properties.items() if name in self.PROPERTIES}
        )


class CourseGrade:
    """The platform's grade object."""

    def __init__(self):
        self.percent = 0.83
        self.letter_grade = "B"
        self.passed = True
        self.course_data = SimpleNamespace(secret=SECRET)


class ProviderConfig:
    """A third-party login provider, with its secret."""

    def __init__(self):
        self.provider_id = "oa2-google"
        self.name = "Google"
        self.secret = SECRET


class World:
    """One learner, two courses, two cohorts, and the arguments of every filter."""

    def __init__(self):
        self.user = get_user_model().objects.create_user("ada", "ada@example.com", SECRET, first_name="Ada")
        self.profile = UserProfile.objects.create(user=self.user, name="Ada", country="GB", goals="to learn")
        self.course = CourseOverview.objects.create(id=COURSE_KEY, display_name="Demo")
        CourseOverview.objects.create(id=OTHER_KEY, display_name="Other")
        self.enrollment = CourseEnrollment.objects.create(user=self.user, course=self.course, mode="audit")
        self.cohort, self.other_cohort = (
            CourseUserGroup.objects.create(name=name, course_id=COURSE_KEY) for name in ("Red", "Blue")
        )
        self.foreign_cohort = CourseUserGroup.objects.create(name="Foreign", course_id=OTHER_KEY)
        self.membership = CohortMembership.objects.create(
            user=self.user, course_id=COURSE_KEY, course_user_group=self.cohort
        )
        self.template = CertificateTemplate.objects.create(name="Plain", template="<html>")

    def arguments(self, filter_type) -> dict:
        """Fresh arguments for a filter of the catalog."""
        user = get_user_model().objects.get(pk=self.user.pk)
        known = {**self._shared(), **self._special(filter_type.name)}
        return {name: known[name](user) if callable(known[name]) else known[name] for name in filter_type.arguments}

    def _shared(self):
        return {
            "user": lambda user: user,
            "course_key": COURSE_KEY,
            "template_name": "dashboard.html",
            "context": page_context,
            "url": "https://lms.example.com/about",
            "org": "edX",
            "target_cohort": lambda _user: self.other_cohort,
            "block": lambda _user: XBlock(),
        }

    def _special(self, name):
        form = {
            "form_desc": lambda _user: FormDescription(),
            "running_pipeline": running_pipeline,
            "current_provider": lambda _user: ProviderConfig(),
        }
        return {
            "StudentRegistrationRequested": {"form_data": lambda _user: registration_form()},
            "CourseEnrollmentStarted": {"mode": "audit"},
            "CourseUnenrollmentStarted": {
                "enrollment": lambda _user: CourseEnrollment.objects.get(pk=self.enrollment.pk)
            },
            "CourseEnrollmentViewStarted": {"requester_is_backend_service": False},
            "CertificateCreationRequested": {
                "mode": "audit",
                "status": None,
                "grade": lambda _user: CourseGrade(),
                "generation_mode": "self",
            },
            "CertificateRenderStarted": {
                "context": lambda _user: {"accomplishment_copy_name": "Ada", "certificate_data": {"title": "Done"}},
                "custom_template": lambda _user: self.template,
            },
            "CohortChangeRequested": {
                "current_membership": lambda _user: CohortMembership.objects.get(pk=self.membership.pk)
            },
            "CourseEnrollmentQuerysetRequested": {"enrollments": lambda _user: CourseEnrollment.objects.all()},
            "ScheduleQuerySetRequested": {"schedules": lambda _user: CourseEnrollment.objects.all()},
            "CourseModePriceRequested": {
                "course_mode_data": Mode("verified", "Verified", 49, "", "usd", START, None, "sku", None),
                "price": 49,
            },
            "GradeEventContextRequested": {
                "context": lambda _user: {"course_id": str(COURSE_KEY), "org_id": "edX"},
                "user_id": lambda user: user.pk,
                "course_id": COURSE_KEY,
            },
            "CourseHomeUrlCreationStarted": {"course_home_url": "https://mfe.example.com/home"},
            "CourseEnrollmentAPIRenderStarted": {
                "serialized_enrollment": lambda _user: {
                    "isEnrolled": True,
                    "mode": "audit",
                    "accessExpirationDate": START,
                    "coursewareAccess": {"hasUnmet": False},
                }
            },
            "CourseRunAPIRenderStarted": {
                "serialized_courserun": lambda _user: {"isStarted": True, "minPassingGrade": "0.5", "homeUrl": "/home"}
            },
            "CourseStartDateValidationFailed": {"start_date": START},
            "CoursewareViewStarted": {"view_name": "progress"},
            "AccountSettingsReadOnlyFieldsRequested": {"readonly_fields": lambda _user: {"email"}},
            "InstructorDashboardTabsRequested": {
                "tabs": lambda _user: [
                    {"tab_id": "info", "title": gettext_lazy("Info"), "url": "/info", "sort_order": 10}
                ]
            },
            "SupportContactContextRequested": {
                "context": lambda _user: {
                    "platform_name": "Demo",
                    "tags": ["LMS"],
                    "user_enrollments": CourseEnrollment.objects.all(),
                }
            },
            "SupportEnrollmentDataRequested": {
                "enrollments_data": lambda _user: [
                    {"course_id": str(COURSE_KEY), "mode": "audit", "course_start": START, "is_active": True},
                    {"course_id": str(OTHER_KEY), "mode": "honor", "course_start": START, "is_active": True},
                ]
            },
            "VerticalBlockRenderCompleted": {"fragment": lambda _user: Fragment("<p>unit</p>"), "view": "student_view"},
            "RenderXBlockStarted": {"student_view_context": lambda _user: {"show_title": "0", "exam_access": SECRET}},
            "AuthnMFEContextGenerated": {"extra_context": lambda _user: {}},
            "LoginAltRedirectURLRequested": {"redirect_url": "/dashboard"},
            "LogistrationViewRenderCompleted": {"response": lambda _user: HttpResponse("page")},
            "AccountActivationEmailContextGenerated": {
                "message_context": lambda _user: {
                    "key": SECRET,
                    "confirm_activation_link": f"https://lms.example.com/activate/{SECRET}",
                    "name": "Ada",
                }
            },
            "LoginFormGenerated": form,
            "RegistrationFormGenerated": form,
        }.get(name, {})


@contextmanager
def login_that_succeeds(user):
    """A request in which this user has logged in at the end of the block; nobody notes when."""
    request = RequestFactory().post("/login_ajax")
    crum.set_current_request(request)
    user_logged_in.disconnect(dispatch_uid="update_last_login")
    try:
        yield
        user_logged_in.send(sender=type(user), request=request, user=user)
    finally:
        user_logged_in.connect(update_last_login, dispatch_uid="update_last_login")
        crum.set_current_request(None)


def log_in(user):
    """What the filter returns, in a request in which the login of the user then succeeds."""
    with login_that_succeeds(user):
        return StudentLoginRequested.run_filter(user=user)


def page_context(user):
    """A page's context as the platform's: scalars, lazy texts, dicts by course key, live objects, secrets."""
    return {
        "title": "Dashboard",
        "platform_name": gettext_lazy("Open edX"),
        "is_verified": True,
        "count": 3,
        "share": 0.5,
        "nothing": None,
        "course": XBlock("course"),
        "user": user,
        "enrollments": CourseEnrollment.objects.all(),
        "by_course": {COURSE_KEY: {"status": "open"}},
        "labels": ["a", "b"],
        "keys": frozenset([COURSE_KEY]),
        "options": {"color": "red", "nested": {"deep": 1}},
        "start": START,
        "csrf_token": SECRET,
        "render": page_context,
    }


def registration_form():
    """What a learner submits, passwords and tokens included."""
    form = QueryDict(mutable=True)
    form.update(
        {
            "username": "ada",
            "email": "ada@example.com",
            "name": "Ada",
            "password": SECRET,
            "access_token": SECRET,
            "csrfmiddlewaretoken": SECRET,
        }
    )
    form.setlist("interests", ["math", "engines"])
    return form


def running_pipeline(user):
    """A login through another provider, with that provider's raw answer."""
    return {
        "backend": "google-oauth2",
        "kwargs": {
            "details": {"fullname": "Ada"},
            "response": {"access_token": SECRET, "assertion": SECRET},
            "user": user,
        },
    }
