"""Steps: enrollment, certificates and cohorts."""

from ..minilms.examples import COURSES
from .steps import FILTERS, HOOKS, QUEUES, expect, expect_delivery, expect_page, expect_signed, step


@step
def enrollment_works(do):
    """An enrollment, and its events"""
    expect_page(do, do.browser.post(f"/courses/{FILTERS}/enroll"), 302, location="/dashboard")
    expect_delivery(do, "COURSE_ENROLLMENT_CHANGED", enrollment__is_active=True)
    expect_delivery(
        do, "COURSE_ENROLLMENT_CREATED", enrollment__mode="audit", enrollment__course__course_key=COURSES[1][0]
    )
    expect_page(do, do.browser.get("/dashboard"), 200, COURSES[1][1])


@step
def enrollment_mode_is_changed(do):
    """An enrollment whose mode the answer changes"""
    do.operator.answer("webfilters/CourseEnrollmentStarted", "data", {"mode": "honor"})
    expect_page(do, do.browser.post(f"/courses/{QUEUES}/enroll"), 302)
    do.operator.answer("webfilters/CourseEnrollmentStarted", "nothing")
    expect_page(do, do.browser.get("/dashboard"), 200, "mode “honor”")


@step
def enrollment_is_refused(do):
    """An enrollment that the answer refuses"""
    do.operator.answer("webfilters/CourseEnrollmentStarted", "exception", {"PreventEnrollment": "Employees only"})
    browser = do.log_in("grace")
    page = browser.post(f"/courses/{QUEUES}/enroll")
    do.operator.answer("webfilters/CourseEnrollmentStarted", "nothing")
    expect_page(do, page, 400, "Employees only")
    expect(COURSES[2][1] not in browser.get("/dashboard").text, "the refused learner is enrolled")


@step
def unenrollment_is_refused(do):
    """An unenrollment that the answer refuses"""
    do.operator.answer("webfilters/CourseUnenrollmentStarted", "exception", {"PreventUnenrollment": "Ask first"})
    page = do.browser.post(f"/courses/{QUEUES}/unenroll")
    do.operator.answer("webfilters/CourseUnenrollmentStarted", "nothing")
    expect_page(do, page, 400, "Ask first")
    expect_page(do, do.browser.get("/dashboard"), 200, COURSES[2][1])


@step
def unenrollment_works(do):
    """An unenrollment, whose event comes as form fields, signed"""
    expect_page(do, do.browser.post(f"/courses/{QUEUES}/unenroll"), 302)
    entry = do.operator.wait_for("COURSE_UNENROLLMENT_COMPLETED")[0]
    fields = dict(entry["body"].get("fields", []))
    expect_signed(entry)
    expect(fields.get("enrollment_user_pii_username") == "ada", f"the fields are {fields}")
    expect(fields.get("enrollment_is_active") == "false", f"the fields are {fields}")
    page = do.browser.get("/dashboard")
    expect("mode “honor”" not in page.text, f"the learner is still enrolled: {page.text[:300]}")


@step
def price_is_changed(do):
    """The page to choose a track, with a price that the answer changes"""
    do.operator.answer("webfilters/CourseModePriceRequested", "data", {"price": 29})
    page = do.browser.get(f"/course_modes/choose/{FILTERS}/")
    do.operator.answer("webfilters/CourseModePriceRequested", "nothing")
    expect_page(do, page, 200, "49 29 USD")


@step
def progress_is_redirected(do):
    """The progress page, from which the answer sends the learner elsewhere"""
    elsewhere = {"RedirectToUrl": {"message": "Moved", "redirect_to": "/account"}}
    do.operator.answer("webfilters/CoursewareViewStarted", "exception", elsewhere)
    page = do.browser.get(f"/courses/{FILTERS}/progress")
    do.operator.answer("webfilters/CoursewareViewStarted", "nothing")
    expect_page(do, page, 302, location="/account")


@step
def certificate_is_refused(do):
    """A certificate that the answer refuses"""
    refusal = {"PreventCertificateCreation": "The fee is not paid"}
    do.operator.answer("webfilters/CertificateCreationRequested", "exception", refusal)
    page = do.browser.post(f"/courses/{FILTERS}/certificate")
    do.operator.answer("webfilters/CertificateCreationRequested", "nothing")
    expect_page(do, page, 400, "The fee is not paid")


@step
def certificate_is_made(do):
    """A certificate is made, with its event, and shown"""
    page = do.browser.post(f"/courses/{FILTERS}/certificate")
    expect_page(do, page, 302)
    sent = do.operator.wait_for("CertificateCreationRequested")[0]["body"]["json"]
    expect(sent["grade"]["percent"] == 0.91, f"the grade is {sent['grade']}")
    expect_delivery(do, "CERTIFICATE_CREATED", certificate__grade="0.91", certificate__name="Countess of Lovelace")
    expect_page(do, do.new_browser().get(page.location), 200, "Countess of Lovelace", COURSES[1][1])


@step
def certificate_is_changed(do):
    """A certificate whose name the answer changes when it is shown"""
    change = {"context": {"accomplishment_copy_name": "Dr. Ada King"}}
    do.operator.answer("webfilters/CertificateRenderStarted", "data", change)
    page = do.new_browser().get(certificate_path())
    do.operator.answer("webfilters/CertificateRenderStarted", "nothing")
    expect_page(do, page, 200, "Dr. Ada King", COURSES[1][1])


@step
def certificate_is_redirected(do):
    """A certificate whose reader the answer sends elsewhere"""
    elsewhere = {"RedirectToPage": {"message": "Moved", "redirect_to": "https://certificates.example.com/1"}}
    do.operator.answer("webfilters/CertificateRenderStarted", "exception", elsewhere)
    page = do.new_browser().get(certificate_path())
    expect_page(do, page, 302, location="https://certificates.example.com/1")
    withdrawn = {"RenderAlternativeInvalidCertificate": "Withdrawn"}
    do.operator.answer("webfilters/CertificateRenderStarted", "exception", withdrawn)
    page = do.new_browser().get(certificate_path())
    do.operator.answer("webfilters/CertificateRenderStarted", "nothing")
    expect_page(do, page, 200, "This certificate is not valid")


def certificate_path() -> str:
    """Where Ada's certificate is."""
    from django.contrib.auth import get_user_model  # pylint: disable=import-outside-toplevel

    return f"/certificates/user/{get_user_model().objects.get(username='ada').pk}/course/{FILTERS}"


@step
def cohort_change_is_refused(do):
    """A change of cohort that the answer refuses"""
    do.operator.answer("webfilters/CohortChangeRequested", "exception", {"PreventCohortChange": "Groups are fixed"})
    page = move_to_cohort(do, "grace", "Group B")
    do.operator.answer("webfilters/CohortChangeRequested", "nothing")
    expect_page(do, page, 400, "grace is not allowed in this cohort")
    expect(cohort_of("grace") == "Group A", f"grace is in {cohort_of('grace')}")


@step
def cohort_assignment_is_refused(do):
    """A place in a cohort that the answer refuses"""
    refusal = {"PreventCohortAssignment": "Groups are full"}
    do.operator.answer("webfilters/CohortAssignmentRequested", "exception", refusal)
    page = move_to_cohort(do, "grace", "Group B")
    do.operator.answer("webfilters/CohortAssignmentRequested", "nothing")
    expect_page(do, page, 400, "grace is not allowed in this cohort")


@step
def cohort_change_is_changed(do):
    """A change of cohort that the answer leads to another cohort, and its event"""
    other = {"target_cohort": {"name": "Group C"}}
    do.operator.answer("webfilters/CohortChangeRequested", "data", other)
    page = move_to_cohort(do, "grace", "Group B")
    do.operator.answer("webfilters/CohortChangeRequested", "nothing")
    expect_page(do, page, 302)
    expect_delivery(do, "COHORT_MEMBERSHIP_CHANGED", cohort__name="Group C", cohort__user__pii__username="grace")
    expect(cohort_of("grace") == "Group C", f"grace is in {cohort_of('grace')}")


def move_to_cohort(do, username: str, cohort: str):
    """As the course team does it on the cohorts page."""
    from django.contrib.auth import get_user_model  # pylint: disable=import-outside-toplevel

    from ..minilms.models import CourseUserGroup  # pylint: disable=import-outside-toplevel

    user = get_user_model().objects.get(username=username)
    target = CourseUserGroup.objects.get(course_id=COURSES[0][0], name=cohort)
    return do.log_in("admin").post(f"/courses/{HOOKS}/cohorts/", user=str(user.pk), cohort=str(target.pk))


def cohort_of(username: str) -> str:
    """The name of a learner's cohort in the first course."""
    from ..minilms.models import CohortMembership  # pylint: disable=import-outside-toplevel

    membership = CohortMembership.objects.get(user__username=username, course_id=COURSES[0][0])
    return membership.course_user_group.name
