"""
The steps of the smoke run, in order. A step's first docstring line is what it is called in the output.

``do`` is the :class:`demo.smoke.Smoke` that runs it.
"""
import json
import time
from urllib.parse import quote

from .minilms.examples import COURSES
from .supervisor import free_port

PASSWORD = "Smoke-Pa55word!"
HOOKS, FILTERS, QUEUES = (quote(course_id, safe=":+") for course_id, _name, _about in COURSES)
STEPS = []


def step(function):
    """Make a function the next step."""
    STEPS.append(function)
    return function


def expect(condition, otherwise: str) -> None:
    """
    Check something; unlike ``assert`` also with ``python -O``.

    Raises:
        AssertionError: with ``otherwise``.
    """
    if not condition:
        raise AssertionError(otherwise)


def expect_page(do, page, status: int, *texts: str, location: str | None = None) -> None:
    """Print a page and check its status, its address and that it shows the texts."""
    do.note(f"the person got: {page}")
    expect(page.status == status, f"the status is {page.status}, not {status}; the page says: {page.text[:300]}")
    if location is not None:
        expect(page.location == location, f"the address is “{page.location}”, not “{location}”")
    for text in texts:
        expect(text in page.text, f"the page does not show “{text}” but: {page.text[:300]}")


def expect_delivery(do, name: str, count: int = 1, **values) -> list[dict]:
    """Wait for deliveries of a webhook with these values (by dotted name, ``__`` for the dot), signed as they should."""

    def fits(entry):
        return all(_value(entry["body"]["json"], path) == value for path, value in values.items())

    entries = do.operator.wait_for(name, count, where=fits)
    for entry in entries:
        verdict = entry["signature"]["verdict"]
        expect(verdict == "valid", f"the signature of {name} is {verdict}: {entry['signature']['steps'][-1]['text']}")
    return entries


def _value(payload, path: str):
    for part in path.split("__"):
        payload = payload.get(part) if isinstance(payload, dict) else None
    return payload


def register(do, browser, username: str):
    """Fill in the registration form as a new learner."""
    return browser.post(
        "/register", name=f"{username.title()} Smoke", username=username, email=f"{username}@example.com",
        password=PASSWORD,
    )


# --- Registration


@step
def registration_goes_on_unchanged(do):
    """A registration that the receiver answers with nothing"""
    expect_page(do, register(do, do.browser, "unchanged"), 302, location="/dashboard")
    sent = do.operator.wait_for("StudentRegistrationRequested")[0]["body"]["json"]
    expect(sent["form_data"]["name"] == "Unchanged Smoke", f"form_data is {sent.get('form_data')}")
    expect(sent["event_metadata"]["event_name"] == "StudentRegistrationRequested", "event_metadata has no name")
    expect_page(do, do.browser.get("/account"), 200, "Unchanged Smoke")


@step
def registration_event_is_delivered(do):
    """The event of a registration is delivered by the worker, signed"""
    browser = do.new_browser()
    expect_page(do, register(do, browser, "signed"), 302)
    entry, = expect_delivery(do, "STUDENT_REGISTRATION_COMPLETED", user__pii__username="signed")
    do.note(f"checked: {entry['signature']['steps'][-1]['text']}")


@step
def registration_is_changed(do):
    """A registration whose name the answer changes"""
    do.operator.answer("webfilters/StudentRegistrationRequested", "data", {"form_data": {"name": "New Name"}})
    browser = do.new_browser()
    expect_page(do, register(do, browser, "renamed"), 302)
    expect_page(do, browser.get("/account"), 200, "New Name")
    expect_delivery(do, "STUDENT_REGISTRATION_COMPLETED", user__pii__name="New Name")


@step
def registration_is_refused(do):
    """A registration that the answer refuses: message and error status, no account"""
    message = "Not allowed to register"
    do.operator.answer("webfilters/StudentRegistrationRequested", "exception", {"PreventRegistration": message})
    page = register(do, do.new_browser(), "refused")
    expect_page(do, page, 403, message)
    do.operator.answer("webfilters/StudentRegistrationRequested", "nothing")
    page = do.new_browser().post("/login", email_or_username="refused", password=PASSWORD)
    expect(page.status == 400, "the refused learner has an account")


@step
def registration_api_refuses(do):
    """The registration API refuses with the platform's JSON and the status of the answer"""
    refusal = {"PreventRegistration": {"message": "Not yet", "status_code": 409, "error_code": "too-early"}}
    do.operator.answer("webfilters/StudentRegistrationRequested", "exception", refusal)
    page = do.new_browser().post("/api/user/v2/account/registration/", username="refused2", password=PASSWORD)
    do.operator.answer("webfilters/StudentRegistrationRequested", "nothing")
    expect_page(do, page, 409)
    expected = {"error_message": [{"user_message": "Not yet"}], "error_code": "too-early"}
    expect(json.loads(page.text) == expected, f"the answer is {page.text}")


# --- Login


@step
def login_works(do):
    """A login, and its event"""
    page = do.browser.post("/logout")
    expect(page.status == 302, f"logging out: {page}")
    page = do.browser.post("/login", email_or_username="ada@example.com", password=do.passwords["ada"])
    expect_page(do, page, 302, location="/dashboard")
    expect_delivery(do, "SESSION_LOGIN_COMPLETED", user__pii__username="ada", user__pii__name="Ada Lovelace")


@step
def login_is_refused(do):
    """A login that the answer refuses: message and error status"""
    do.operator.answer("webfilters/StudentLoginRequested", "exception", {"PreventLogin": "Come back on Monday"})
    browser = do.new_browser()
    page = browser.post("/login", email_or_username="ada", password=do.passwords["ada"])
    do.operator.answer("webfilters/StudentLoginRequested", "nothing")
    expect_page(do, page, 400, "Come back on Monday")
    expect(browser.get("/account").status == 302, "the refused learner is logged in")


@step
def login_changes_profile(do):
    """A login whose answer changes the profile's name, and nothing else"""
    do.operator.answer("webfilters/StudentLoginRequested", "data", {"profile": {"name": "Countess of Lovelace"}})
    browser = do.log_in("ada")
    do.operator.answer("webfilters/StudentLoginRequested", "nothing")
    expect_page(do, browser.get("/account"), 200, "Countess of Lovelace", "ada@example.com")


# --- Enrollment


@step
def enrollment_works(do):
    """An enrollment, and its events"""
    expect_page(do, do.browser.post(f"/courses/{FILTERS}/enroll"), 302, location="/dashboard")
    expect_delivery(do, "COURSE_ENROLLMENT_CHANGED", enrollment__is_active=True)
    expect_delivery(do, "COURSE_ENROLLMENT_CREATED", enrollment__mode="audit",
                    enrollment__course__course_key=COURSES[1][0])
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
    expect(entry["signature"]["verdict"] == "valid", f"the signature is {entry['signature']}")
    expect(fields.get("enrollment_user_pii_username") == "ada", f"the fields are {fields}")
    expect(fields.get("enrollment_is_active") == "false", f"the fields are {fields}")
    page = do.browser.get("/dashboard")
    expect("mode “honor”" not in page.text, f"the learner is still enrolled: {page.text[:300]}")


# --- Certificates


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
    page = do.new_browser().get(certificate_path(do))
    do.operator.answer("webfilters/CertificateRenderStarted", "nothing")
    expect_page(do, page, 200, "Dr. Ada King", COURSES[1][1])


@step
def certificate_is_redirected(do):
    """A certificate whose reader the answer sends elsewhere"""
    elsewhere = {"RedirectToPage": {"message": "Moved", "redirect_to": "https://certificates.example.com/1"}}
    do.operator.answer("webfilters/CertificateRenderStarted", "exception", elsewhere)
    page = do.new_browser().get(certificate_path(do))
    expect_page(do, page, 302, location="https://certificates.example.com/1")
    withdrawn = {"RenderAlternativeInvalidCertificate": "Withdrawn"}
    do.operator.answer("webfilters/CertificateRenderStarted", "exception", withdrawn)
    page = do.new_browser().get(certificate_path(do))
    do.operator.answer("webfilters/CertificateRenderStarted", "nothing")
    expect_page(do, page, 200, "This certificate is not valid")


def certificate_path(do) -> str:
    """Where Ada's certificate is."""
    from django.contrib.auth import get_user_model  # pylint: disable=import-outside-toplevel

    return f"/certificates/user/{get_user_model().objects.get(username='ada').pk}/course/{FILTERS}"


# --- Cohorts


@step
def cohort_change_is_refused(do):
    """A change of cohort that the answer refuses"""
    do.operator.answer("webfilters/CohortChangeRequested", "exception", {"PreventCohortChange": "Groups are fixed"})
    page = move_to_cohort(do, "grace", "Group B")
    do.operator.answer("webfilters/CohortChangeRequested", "nothing")
    expect_page(do, page, 400, "Groups are fixed")
    expect(cohort_of("grace") == "Group A", f"grace is in {cohort_of('grace')}")


@step
def cohort_assignment_is_refused(do):
    """A place in a cohort that the answer refuses"""
    refusal = {"PreventCohortAssignment": "Groups are full"}
    do.operator.answer("webfilters/CohortAssignmentRequested", "exception", refusal)
    page = move_to_cohort(do, "grace", "Group B")
    do.operator.answer("webfilters/CohortAssignmentRequested", "nothing")
    expect_page(do, page, 400, "Groups are full")


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

    from .minilms.models import CourseUserGroup  # pylint: disable=import-outside-toplevel

    user = get_user_model().objects.get(username=username)
    target = CourseUserGroup.objects.get(course_id=COURSES[0][0], name=cohort)
    return do.log_in("admin").post(f"/courses/{HOOKS}/cohorts/", user=str(user.pk), cohort=str(target.pk))


def cohort_of(username: str) -> str:
    """The name of a learner's cohort in the first course."""
    from .minilms.models import CohortMembership  # pylint: disable=import-outside-toplevel

    membership = CohortMembership.objects.get(user__username=username, course_id=COURSES[0][0])
    return membership.course_user_group.name


# --- Pages


@step
def about_page_is_changed_and_redirected(do):
    """A course's about page: changed, then redirected"""
    do.operator.answer("webfilters/CourseAboutRenderStarted", "data", {"context": {"course_price": "49 EUR"}})
    expect_page(do, do.browser.get(f"/courses/{QUEUES}/about"), 200, "49 EUR", COURSES[2][1])
    elsewhere = {"RedirectToPage": {"message": "Moved", "redirect_to": "/account"}}
    do.operator.answer("webfilters/CourseAboutRenderStarted", "exception", elsewhere)
    page = do.browser.get(f"/courses/{QUEUES}/about")
    do.operator.answer("webfilters/CourseAboutRenderStarted", "nothing")
    expect_page(do, page, 302, location="/account")


@step
def dashboard_is_changed_and_redirected(do):
    """The dashboard: changed, redirected, replaced by another response"""
    dashboard = "webfilters/DashboardRenderStarted"
    do.operator.answer(dashboard, "data", {"context": {"enrollment_message": "Hello from outside"}})
    expect_page(do, do.browser.get("/dashboard"), 200, "Hello from outside", COURSES[1][1])
    do.operator.answer(dashboard, "exception", {"RedirectToPage": {"message": "x", "redirect_to": "/account"}})
    expect_page(do, do.browser.get("/dashboard"), 302, location="/account")
    page = {"message": "x", "content": "<h1>Closed today</h1>", "status": 403}
    do.operator.answer(dashboard, "exception", {"RenderCustomResponse": page})
    page = do.browser.get("/dashboard")
    do.operator.answer(dashboard, "nothing")
    expect_page(do, page, 403, "Closed today")


# --- Answers that are no help


@step
def useless_answers_change_nothing(do):
    """403, 500 and garbage: the learner's page comes as if there were no webfilter"""
    for kind in ("403", "500", "garbage"):
        do.operator.answer("webfilters/DashboardRenderStarted", kind)
        expect_page(do, do.browser.get("/dashboard"), 200, COURSES[1][1])
    do.operator.answer("webfilters/DashboardRenderStarted", "nothing")
    expect_page(do, do.browser.get("/dashboard"), 200, COURSES[1][1])


@step
def hanging_answer_ends_in_time(do):
    """An answer that never comes: the page comes within the webfilter's timeout"""
    do.operator.answer("webfilters/DashboardRenderStarted", "hang")
    started = time.monotonic()
    page = do.browser.get("/dashboard")
    took = time.monotonic() - started
    do.operator.answer("webfilters/DashboardRenderStarted", "nothing")
    expect_page(do, page, 200, COURSES[1][1])
    expect(1.0 < took < 3.0, f"it took {took:.1f} s; the timeout is 1.5 s")


@step
def unknown_exception_changes_nothing(do):
    """An exception that the filter does not have, and one with arguments it does not take"""
    for exception in ({"NoSuchException": "x"}, {"PreventLogin": {"bogus_argument": 1}}):
        do.operator.answer("webfilters/StudentLoginRequested", "exception", exception)
        page = do.new_browser().post("/login", email_or_username="ada", password=do.passwords["ada"])
        expect(page.status in (302, 400), f"the login answered {page}")
        do.note(f"the person got: {page}")
    do.operator.answer("webfilters/StudentLoginRequested", "nothing")
    do.log_in("ada")


# --- Deliveries in trouble


@step
def dead_webhook_disturbs_nobody(do):
    """A webhook to a port where nobody listens: the learner notices nothing, the attempt is recorded"""
    from openedx_webhooks.models import Webhook  # pylint: disable=import-outside-toplevel

    dead = Webhook(event="COURSE_ENROLLMENT_CREATED", webhook_url=f"http://127.0.0.1:{free_port()}/nobody")
    dead.full_clean()
    dead.save()
    # Other processes see a new hook after at most INDEX_REFRESH_SECONDS.
    time.sleep(5.5)
    started = time.monotonic()
    expect_page(do, do.browser.post(f"/courses/{QUEUES}/enroll"), 302)
    expect(time.monotonic() - started < 2, "the learner had to wait")
    expect_delivery(do, "COURSE_ENROLLMENT_CREATED", enrollment__is_active=True)
    delivery = wait_until(lambda: dead.deliveries.filter(attempts__isnull=False).first(), "no attempt was recorded")
    attempt = delivery.attempts.get()
    do.note(f"recorded: delivery {delivery.state}, attempt 1: {attempt.error}, next at {delivery.next_attempt_at:%X}")
    expect(delivery.state == "pending" and attempt.error, f"the delivery is {delivery.state}")
    dead.enabled = False
    dead.save()


@step
def failed_delivery_is_tried_again(do):
    """A webhook that answers 500 gets the same message again, and then it is delivered"""
    do.operator.answer("webhooks/COURSE_ENROLLMENT_CHANGED", "500")
    expect_page(do, do.browser.post(f"/courses/{QUEUES}/unenroll"), 302)
    expect_delivery(do, "COURSE_ENROLLMENT_CHANGED", enrollment__is_active=False)
    do.operator.answer("webhooks/COURSE_ENROLLMENT_CHANGED", "nothing")
    first, second = expect_delivery(do, "COURSE_ENROLLMENT_CHANGED", count=2, enrollment__is_active=False)[:2]
    expect([first["answer"]["status"], second["answer"]["status"]] == [500, 200], "it was not a 500 and then a 200")
    ids = [header(entry, "webhook-id") for entry in (first, second)]
    expect(ids[0] == ids[1], f"the ids differ: {ids}")
    do.note(f"both attempts: webhook-id {ids[0]}")


@step
def no_secret_was_sent(do):
    """Nothing that was sent holds a password, a hash, a token or a session"""
    everything = json.dumps(do.operator.everything())
    names = [PASSWORD, *do.passwords.values(), "csrfmiddlewaretoken", "pbkdf2_sha256", "sessionid"]
    found = [name for name in names if name in everything]
    expect(not found, f"{len(found)} of them were sent")
    do.note(f"searched: {len(do.operator.everything())} requests")


def header(entry: dict, name: str) -> str:
    """A header of a request, by its name in any case."""
    return next((value for key, value in entry["headers"] if key.lower() == name), "")


def wait_until(check, otherwise: str, seconds: float = 15):
    """The first true value of ``check``; fails after some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := check():
            return value
        time.sleep(0.2)
    raise AssertionError(otherwise)
