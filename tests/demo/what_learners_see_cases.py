"""The cases of the page "What learners see": each site of the mini LMS, with data, each exception, and a redirect."""

from collections.abc import Iterable, Mapping
from typing import Any

from .platform import Platform
from .what_learners_see import (
    HTML,
    MESSAGE,
    PATH,
    URL,
    Case,
    Check,
    account_named,
    certificate,
    enrolled,
    has,
    in_cohort,
    in_json,
    lacks,
    logged_in,
    no_account,
    not_logged_in,
    profile_name,
    still_enrolled,
)

TEMPLATE = "certificates/invalid.html"
SAYS_INVALID = {"The page is made with the template.": has("not valid")}


def site(
    filter_name: str,
    act,
    data: Mapping[str, Any] | None = None,
    used: Mapping[str, Check] | None = None,
    *,
    exceptions: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Check]]] | None = None,
    halts: Mapping[str, Check] | None = None,
    where: str = "",
    url: str = URL,
) -> Iterable[Case]:
    """
    The cases of one site.

    Args:
        data: what is answered, and ``used`` what came of it.
        exceptions: name → its arguments besides the message, and what came of it.
        halts: what came of a 403 with *Halt on 4xx* and a redirect; None for a filter that can't be halted.
    """
    if data is not None:
        yield Case(filter_name, act, "data", data, used or {}, where, url)
    for name, (arguments, checks) in (exceptions or {}).items():
        yield Case(filter_name, act, name, {"message": MESSAGE, **arguments}, checks, where, url)
    if halts is not None:
        yield Case(filter_name, act, "", {}, halts, where, url)


def custom(closed="Nothing else of the page is shown."):
    """``RenderCustomResponse`` with its message alone."""
    return {}, {closed: lacks("Demo Course")}


TO_URL = {"redirect_to": URL}
NO_ACCOUNT = {"No account is made.": no_account}
NOT_LOGGED_IN = {"Nobody is logged in.": not_logged_in}
NOT_ENROLLED = {"Nobody is enrolled.": enrolled(None)}
STAYS = {"The learner stays in the cohort.": in_cohort("Red")}

CASES = [
    *site(
        "StudentRegistrationRequested",
        Platform.register,
        {"form_data": {"name": "Amazing Grace"}},
        {"``form_data`` is what the account is made of.": account_named("Amazing Grace")},
        exceptions={"PreventRegistration": ({**TO_URL, "status_code": 409, "error_code": "closed"}, NO_ACCOUNT)},
        halts=NO_ACCOUNT,
    ),
    *site(
        "StudentLoginRequested",
        Platform.log_in,
        {"profile": {"name": "Ada King"}},
        {"``profile`` is saved.": profile_name("Ada King"), "The login goes on.": logged_in},
        exceptions={"PreventLogin": (TO_URL, NOT_LOGGED_IN)},
        halts=NOT_LOGGED_IN,
    ),
    *site(
        "LoginAltRedirectURLRequested",
        Platform.log_in,
        {"redirect_url": PATH},
        {"The learner is logged in.": logged_in},
        url=PATH,
    ),
    *site(
        "LoginAltRedirectURLRequested",
        Platform.log_in,
        {"redirect_url": URL},
        {"The platform drops the URL.": logged_in},
        where="URL of another host",
    ),
    *site(
        "AccountSettingsReadOnlyFieldsRequested",
        Platform.change_account,
        {"readonly_fields": ["bio"]},
        {"A field that was added can't be changed.": has("not editable")},
    ),
    *site(
        "CourseEnrollmentStarted",
        Platform.enroll,
        {"mode": "verified"},
        {"``mode`` is the enrollment's.": enrolled("verified")},
        exceptions={"PreventEnrollment": (TO_URL, NOT_ENROLLED)},
        halts=NOT_ENROLLED,
    ),
    *site(
        "CourseEnrollmentStarted",
        Platform.enroll_by_api,
        exceptions={"PreventEnrollment": ({}, NOT_ENROLLED)},
        where="enrollment API",
    ),
    *site(
        "CourseEnrollmentStarted",
        Platform.choose_mode,
        exceptions={"PreventEnrollment": ({}, NOT_ENROLLED)},
        where="choosing a track",
    ),
    *site(
        "CourseEnrollmentViewStarted",
        Platform.enroll_by_api,
        exceptions={"PreventEnrollment": (TO_URL, NOT_ENROLLED)},
        halts=NOT_ENROLLED,
    ),
    *site(
        "CourseUnenrollmentStarted",
        Platform.unenroll,
        exceptions={"PreventUnenrollment": (TO_URL, {"The learner stays enrolled.": still_enrolled})},
        halts={"The learner stays enrolled.": still_enrolled},
    ),
    *site(
        "CourseModePriceRequested",
        Platform.look_at_modes,
        {"price": 29},
        {"``price`` is shown, and the price of before struck through.": has("<s>49</s> <span")},
    ),
    *site(
        "CertificateCreationRequested",
        Platform.ask_for_certificate,
        {"mode": "verified", "grade": 1},
        {
            "``mode`` is the certificate's.": certificate(mode="verified"),
            "``grade`` isn't used.": certificate(grade="0.91"),
        },
        exceptions={"PreventCertificateCreation": (TO_URL, {"No certificate is made.": certificate(mode="honor")})},
        halts={"No certificate is made.": certificate(mode="honor")},
    ),
    *site(
        "CertificateRenderStarted",
        Platform.look_at_certificate,
        {"context": {"accomplishment_copy_name": "Dr. Ada King"}},
        {"``context`` is in the page.": has("Dr. Ada King")},
        exceptions={
            "RedirectToPage": (TO_URL, {}),
            "RenderAlternativeInvalidCertificate": ({}, {"The page says that it is not valid.": has("not valid")}),
            "RenderCustomResponse": custom(),
        },
        halts={},
    ),
    *site(
        "CohortChangeRequested",
        Platform.change_cohort,
        {"target_cohort": {"name": "Green"}},
        {"``target_cohort`` is the learner's.": in_cohort("Green")},
        exceptions={"PreventCohortChange": (TO_URL, STAYS)},
        halts=STAYS,
    ),
    *site(
        "CohortAssignmentRequested",
        Platform.change_cohort,
        {"target_cohort": {"name": "Green"}},
        {"``target_cohort`` is the learner's.": in_cohort("Green")},
        exceptions={"PreventCohortAssignment": (TO_URL, STAYS)},
        halts=STAYS,
    ),
    *site(
        "CohortAssignmentRequested",
        Platform.first_access,
        exceptions={"PreventCohortAssignment": ({}, {"The learner can't enter the course.": in_cohort(None)})},
        where="first access to content",
    ),
    *site(
        "CourseAboutPageURLRequested",
        Platform.list_courses,
        {"url": URL},
        {"``url`` is where the name of a course leads.": has(f'href="{URL}"')},
    ),
    *site(
        "CourseAboutRenderStarted",
        Platform.look_at_about_page,
        {"context": {"course_price": "49 EUR"}},
        {"``context`` is in the page.": has("49 EUR")},
        exceptions={
            "RedirectToPage": (TO_URL, {}),
            "RenderInvalidCourseAbout": ({"course_about_template": TEMPLATE}, SAYS_INVALID),
            "RenderCustomResponse": custom(),
        },
        halts={},
    ),
    *site(
        "DashboardRenderStarted",
        Platform.look_at_dashboard,
        {"context": {"enrollment_message": "Exams are on Friday."}},
        {"``context`` is in the page.": has("Exams are on Friday.")},
        exceptions={
            "RedirectToPage": (TO_URL, {}),
            "RenderInvalidDashboard": ({"dashboard_template": TEMPLATE}, SAYS_INVALID),
            "RenderCustomResponse": custom(),
        },
        halts={},
    ),
    *site(
        "CourseHomeUrlCreationStarted",
        Platform.open_learner_home,
        {"course_home_url": URL},
        {"``course_home_url`` is where the course's link leads.": in_json("homeUrl", URL)},
    ),
    *site(
        "CourseEnrollmentAPIRenderStarted",
        Platform.open_learner_home,
        {"serialized_enrollment": {"canUpgrade": True}},
        {"``serialized_enrollment`` is in the API's answer.": in_json("canUpgrade", True)},
    ),
    *site(
        "CourseRunAPIRenderStarted",
        Platform.open_learner_home,
        {"serialized_courserun": {"minPassingGrade": "0.70"}},
        {"``serialized_courserun`` is in the API's answer.": in_json("minPassingGrade", "0.70")},
    ),
    *site(
        "InstructorDashboardRenderStarted",
        Platform.look_at_instructor_dashboard,
        {"context": {"analytics_dashboard_message": "Reports are late today."}},
        {"``context`` is in the page.": has("Reports are late today.")},
        exceptions={
            "RedirectToPage": (TO_URL, {}),
            "RenderInvalidDashboard": ({"instructor_template": TEMPLATE}, SAYS_INVALID),
            "RenderCustomResponse": custom(),
        },
        halts={},
    ),
    *site(
        "InstructorDashboardTabsRequested",
        Platform.open_instructor_app,
        {"tabs": [{"tab_id": "reports", "title": "Reports", "url": "/reports", "sort_order": 1}]},
        {"``tabs`` are the tabs.": in_json("tab_id", "reports")},
        exceptions={"PreventTabsGeneration": ({}, {"There are no tabs.": in_json("tabs", [])})},
        halts={"There are no tabs.": in_json("tabs", [])},
    ),
    *site("CoursewareViewStarted", Platform.look_at_progress, exceptions={"RedirectToUrl": (TO_URL, {})}, halts={}),
    *site(
        "CourseStartDateValidationFailed",
        Platform.enter_course_too_early,
        exceptions={
            "OverrideStartDateError": (
                {"error_code": "in_autumn"},
                {
                    "The learner has no access.": has("no access"),
                    "The code is the answer's.": in_json("error_code", "in_autumn"),
                },
            )
        },
        halts={"The learner has no access.": has("no access")},
    ),
    *site(
        "CoursewareAccessChecksRequested",
        Platform.enter_course,
        exceptions={"PreventCoursewareAccess": ({}, {"The learner has no access.": has("no access")})},
        halts={"The learner has no access.": in_json("has_access", False)},
        url=PATH,
    ),
    *site(
        "RenderXBlockStarted",
        Platform.look_at_unit,
        {"context": {"verified_upgrade_link": URL}},
        {"``context`` is in the page around the unit.": has(f'href="{URL}"')},
        exceptions={
            "PreventXBlockBlockRender": ({}, {}),
            "RenderCustomResponse": ({}, {"It is where the unit would be.": lacks("vert-mod")}),
        },
        halts={"It is where the unit would be.": lacks("vert-mod")},
    ),
    *site(
        "VerticalBlockChildRenderStarted",
        Platform.look_at_unit,
        exceptions={"PreventChildBlockRender": (TO_URL, {"The components are left out.": lacks("can say no")})},
        halts={"The components are left out.": lacks("can say no")},
    ),
    *site(
        "VerticalBlockRenderCompleted",
        Platform.look_at_unit,
        {"fragment": {"content": HTML}},
        {"``fragment.content`` is the unit.": has(HTML)},
        exceptions={"PreventVerticalBlockRender": (TO_URL, {"The message is the unit.": lacks("can say no")})},
        halts={"The message is the unit.": lacks("can say no")},
    ),
    *site(
        "ORASubmissionViewRenderStarted",
        Platform.write_essay,
        {"context": {"announcement": "Two pages at most."}},
        {"``context`` is in the form.": has("Two pages at most.")},
        exceptions={
            "RenderInvalidTemplate": (
                {"template_name": "minilms/api_answer.html", "context": {"answer": "Later"}},
                {"The form is made with context and template.": has("Later")},
            )
        },
    ),
]
