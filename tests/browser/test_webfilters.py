"""An operator and a webfilter: observed first, its report read, then enforced; and a rule without a server."""

from playwright.sync_api import expect

COURSE = "/courses/course-v1:DemoX+OPS301+2026"


def test_observed_read_and_enforced(desk, site):
    site.operator.answer("webfilters/gate", "exception", {"PreventEnrollment": "Employees only"})
    page = desk.open("webfilter/add/")
    desk.choose("enrolment", "CourseEnrollmentStarted")
    page.get_by_label("Webhook URL").fill(f"{site.receiver_url}/webfilters/gate")
    page.get_by_label("Description").fill("gate")
    page.get_by_label("Observe").check()
    desk.press("Save")
    desk.says("Webfilter saved.")
    username, learner = site.newcomer()
    assert learner.post(f"{COURSE}/enroll").status == 302, "an observed webfilter has stopped a learner"

    page.get_by_role("tab", name="Calls").click()
    desk.reads("Would have halted")
    report = page.get_by_role("region", name="What it would have done in the last day")
    expect(report.get_by_role("row").filter(has_text=username)).to_contain_text("Employees only")
    desk.press("Enforce")
    expect(page.get_by_role("button", name="Enforced")).to_have_attribute("aria-pressed", "true")

    _username, learner = site.newcomer()
    refusal = learner.post(f"{COURSE}/enroll")
    assert (refusal.status, "Employees only" in refusal.text) == (400, True), refusal.text
    page.get_by_role("button", name="Disabled").click()
    desk.says("It is disabled: it is not called, and nobody is stopped by it.")
    assert learner.post(f"{COURSE}/enroll").status == 302


def test_a_rule_without_a_server(desk, site):
    page = desk.open("webfilter/add/")
    desk.choose("unenrol", "CourseUnenrollmentStarted")
    page.get_by_label("Local answer").fill("{exception: {PreventUnenrollment: 'Ask your manager first'}}")
    page.get_by_label("Description").fill("no way out")
    preview = page.get_by_role("complementary", name="Preview")
    expect(preview).to_contain_text("What the local answer would do")
    expect(preview).to_contain_text("It would halt the process with PreventUnenrollment")
    desk.press("Save")
    desk.says("Webfilter saved.")
    _username, learner = site.newcomer()
    learner.post(f"{COURSE}/enroll")
    assert "Ask your manager first" in learner.post(f"{COURSE}/unenroll").text
    desk.press("Disabled")
    assert learner.post(f"{COURSE}/unenroll").status == 302
