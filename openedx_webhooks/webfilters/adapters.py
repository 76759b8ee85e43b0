"""
What differs from filter to filter.

Most filters need nothing here: the general rules go by the types of the arguments (:mod:`.changes`) and by the names
and constructors of the exceptions (:mod:`.halts`). An adapter says where they do not serve. Adding one touches this
file and the table in ``tests/webfilters/table.py``.
"""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from .completion import completion_summary
from .kinds.courses import GENERATION_MODE, STATUS, Course, Mode, PassedCourse
from .kinds.objects import Cohort, FormFields, FragmentContent, Records, ResponseVerbs, Rows, Tabs
from .kinds.values import PAGES, Context, Fixed, Form, Kind, Template, TextSet, Url, Value

# Stands for the message in the defaults of exceptions.
MESSAGE = "{message}"
# Stands for the filter's own argument of the same name, with its changes.
ARGUMENT = "{argument}"
NONE = ""
# Where the learner is sent where a redirect without a URL would end in an error or lead back to itself.
HOME = "/"


@attrs.frozen
class Adapter:
    """
    One filter's declaration.

    Attributes:
        kinds: argument name → how it takes a value, where its type does not say it.
        protected: names that no answer may set, at any depth, besides the sensitive ones.
        load: related objects that the payload shall have, such as ``user.profile``: at most one query each.
        extra: further members of the payload, from the arguments; may take queries of its own.
        halt: name of the exception that halts on a failure; :data:`NONE` if no exception can do that, None for the
            general rule.
        redirect: name of the exception that sends the learner to a URL instead; as for ``halt``.
        redirect_argument: for a filter without exceptions: the argument that takes the URL.
        needs_redirect: exceptions that end in an error or an endless redirect without a URL: they get :data:`HOME`.
        without_url: where the platform sends the learner if a redirect has no URL.
        engine: name of the engine that renders the templates; empty for any.
        waits_for_login: changes of the account and profile are saved when the login in the same request has succeeded.
        defaults: exception name → argument → its default, where the constructor's is missing or does not serve.
        statuses: the only status codes that the call site understands; the first is the default.
        escape: the call site puts messages into the page as HTML.
        html_response: the call site takes the response of ``RenderCustomResponse`` as a text of HTML.
        consent_redirect: a redirect is an error code that sends the learner to a path of this site.
    """

    kinds: Mapping[str, Kind] = attrs.field(factory=dict)
    protected: frozenset[str] = attrs.field(default=frozenset(), converter=frozenset)
    load: tuple[str, ...] = ("user.profile",)
    extra: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    halt: str | None = None
    redirect: str | None = None
    redirect_argument: str = ""
    needs_redirect: frozenset[str] = attrs.field(default=frozenset(), converter=frozenset)
    without_url: str = "the platform decides where the learner ends"
    engine: str = PAGES
    waits_for_login: bool = False
    defaults: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    statuses: tuple[int, ...] = ()
    escape: bool = False
    html_response: bool = False
    consent_redirect: bool = False


_DEFAULT = Adapter()
_IGNORED = Fixed("the platform ignores what comes back here")
_PAGE = {"template_name": Template()}
_LEARNING = "org.openedx.learning."
_AUTHENTICATION = "org.openedx.authentication."

_ADAPTERS: dict[str, Adapter] = {
    # --- Accounts, login, registration
    f"{_LEARNING}student.settings.render.started.v1": Adapter(
        kinds=_PAGE, halt="RenderCustomResponse", needs_redirect=["RedirectToPage"]
    ),
    f"{_LEARNING}student.registration.requested.v1": Adapter(
        kinds={"form_data": Form()},
        # Which identity provider vouches for the learner is not for others to say.
        protected=["provider", "social_auth_provider"],
        # Without a status the platform answers 200, and the sign-up page understands only these.
        statuses=(403, 400, 409),
        defaults={"PreventRegistration": {"error_code": "registration-refused"}},
    ),
    f"{_LEARNING}student.login.requested.v1": Adapter(
        redirect="PreventLogin",
        waits_for_login=True,
        # The login page shows a free text for this code only.
        defaults={"PreventLogin": {"error_code": "tpa-authentication-failure", "context": {"errorMessage": MESSAGE}}},
    ),
    f"{_LEARNING}account.settings.read_only_fields.requested.v1": Adapter(kinds={"readonly_fields": TextSet()}),
    f"{_AUTHENTICATION}login.alt_redirect_url.requested.v1": Adapter(
        kinds={"redirect_url": Url()}, redirect_argument="redirect_url"
    ),
    f"{_AUTHENTICATION}account_activation.email.context.generated.v1": Adapter(
        # Both activate the account for whoever has them.
        protected=["key", "confirm_activation_link"]
    ),
    f"{_AUTHENTICATION}login.form.generated.v1": Adapter(
        kinds={"form_desc": FormFields(), "running_pipeline": Fixed(), "current_provider": Fixed()}
    ),
    f"{_AUTHENTICATION}registration.form.generated.v1": Adapter(
        kinds={"form_desc": FormFields(), "running_pipeline": Fixed(), "current_provider": Fixed()}
    ),
    f"{_AUTHENTICATION}logistration_view.render.completed.v1": Adapter(
        kinds={"response": ResponseVerbs(), "context": Fixed("the page is rendered already")}
    ),
    # --- Enrollment
    f"{_LEARNING}course.enrollment.started.v1": Adapter(kinds={"course_key": Course(), "mode": Mode()}),
    f"{_LEARNING}course.unenrollment.started.v1": Adapter(load=("enrollment.user", "enrollment.user.profile")),
    f"{_LEARNING}course.enrollment.view.started.v1": Adapter(
        kinds={"course_key": _IGNORED, "requester_is_backend_service": _IGNORED}
    ),
    f"{_LEARNING}discount.eligibility.check.requested.v1": Adapter(kinds={"course_key": _IGNORED}),
    f"{_LEARNING}course_mode.price.requested.v1": Adapter(
        kinds={"price": Value({"type": "integer"}, (int,), minimum=0), "course_mode_data": _IGNORED}
    ),
    f"{_LEARNING}course_enrollment_queryset.requested.v1": Adapter(kinds={"enrollments": Rows()}),
    # --- Certificates, grades, cohorts
    f"{_LEARNING}certificate.creation.requested.v1": Adapter(
        kinds={
            "course_key": PassedCourse(),
            "mode": Mode(),
            "status": STATUS,
            "grade": _IGNORED,
            "generation_mode": GENERATION_MODE,
        },
        extra=completion_summary,
    ),
    f"{_LEARNING}certificate.render.started.v1": Adapter(
        halt="RenderAlternativeInvalidCertificate", needs_redirect=["RedirectToPage"], extra=completion_summary
    ),
    f"{_LEARNING}cohort.change.requested.v1": Adapter(
        kinds={"target_cohort": Cohort()},
        load=("current_membership.user", "current_membership.user.profile", "current_membership.course_user_group"),
    ),
    f"{_LEARNING}cohort.assignment.requested.v1": Adapter(kinds={"target_cohort": Cohort()}),
    f"{_LEARNING}grade.context.requested.v1": Adapter(kinds={"user_id": _IGNORED, "course_id": _IGNORED}),
    f"{_LEARNING}schedule.queryset.requested.v1": Adapter(kinds={"schedules": Rows()}),
    # --- Courseware and pages
    f"{_LEARNING}course_about.render.started.v1": Adapter(
        kinds=_PAGE, halt="RedirectToPage", without_url="the platform sends the learner to the dashboard"
    ),
    f"{_LEARNING}dashboard.render.started.v1": Adapter(
        kinds=_PAGE, halt="RedirectToPage", without_url="the platform sends the learner to the account page"
    ),
    f"{_LEARNING}instructor.dashboard.render.started.v1": Adapter(
        kinds=_PAGE, halt="RenderCustomResponse", needs_redirect=["RedirectToPage"]
    ),
    f"{_LEARNING}instructor.dashboard.tabs.requested.v1": Adapter(kinds={"tabs": Tabs(), "course_key": _IGNORED}),
    f"{_LEARNING}xblock.render.started.v1": Adapter(
        # PreventXBlockBlockRender ends in an error page; this one shows the message.
        halt="RenderCustomResponse",
        redirect="RenderCustomResponse",
        html_response=True,
    ),
    f"{_LEARNING}vertical_block_child.render.started.v1": Adapter(kinds={"context": Context(scalars_only=True)}),
    f"{_LEARNING}vertical_block.render.completed.v1": Adapter(
        kinds={"fragment": FragmentContent(), "context": _IGNORED, "view": _IGNORED}, escape=True
    ),
    f"{_LEARNING}ora.submission_view.render.started.v1": Adapter(
        # Rendered by the block itself, with any engine of the site.
        kinds={"template_name": Template(engine="")},
        engine="",
        halt=NONE,
        # Both take the place of the filter's arguments: what an answer leaves out stays as it was.
        defaults={"RenderInvalidTemplate": {"context": ARGUMENT, "template_name": ARGUMENT}},
    ),
    f"{_LEARNING}courseware.view.started.v1": Adapter(
        kinds={"course_key": _IGNORED, "view_name": _IGNORED}, halt=NONE, needs_redirect=["RedirectToUrl"]
    ),
    f"{_LEARNING}course.start_date.validation_failed.v1": Adapter(
        kinds={"course_key": _IGNORED, "start_date": _IGNORED},
        # The platform has its own error code and developer's message, for which it takes empty ones.
        defaults={"OverrideStartDateError": {"error_code": "", "developer_message": "", "user_message": MESSAGE}},
    ),
    f"{_LEARNING}courseware.access_checks.requested.v1": Adapter(
        kinds={"course_key": _IGNORED},
        redirect="PreventCoursewareAccess",
        consent_redirect=True,
        defaults={
            "PreventCoursewareAccess": {
                "error_code": "access_denied",
                "developer_message": MESSAGE,
                "user_message": MESSAGE,
            }
        },
    ),
    f"{_LEARNING}course.homepage.url.creation.started.v1": Adapter(
        kinds={"course_home_url": Url(), "course_key": _IGNORED}
    ),
    f"{_LEARNING}home.enrollment.api.rendered.v1": Adapter(kinds={"course_key": _IGNORED}),
    f"{_LEARNING}course_about.page.url.requested.v1": Adapter(kinds={"org": _IGNORED}),
    "org.openedx.content_authoring.lms.page.url.requested.v1": Adapter(
        # The base that Studio joins the addresses of files to.
        kinds={"url": Url(absolute=True), "org": _IGNORED}
    ),
    f"{_LEARNING}support.contact.context.requested.v1": Adapter(kinds={"context": Context(append=frozenset(["tags"]))}),
    f"{_LEARNING}support.enrollment.data.requested.v1": Adapter(kinds={"enrollments_data": Records("course_id")}),
}


def of(filter_type: str) -> Adapter:
    """The adapter of a dotted filter type; one that changes nothing where there is none."""
    return _ADAPTERS.get(filter_type, _DEFAULT)
