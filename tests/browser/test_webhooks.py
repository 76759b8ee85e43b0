"""An operator and a webhook: from choosing an event to what arrives, and what goes wrong on the way."""

import re

import pytest
from playwright.sync_api import expect

COURSE = "/courses/course-v1:DemoX+FILTER201+2026"


def add(desk, name, **fields):
    """A webhook for registrations, saved; its name is the receiver's and its description."""
    page = desk.open("webhook/add/")
    desk.choose("signup", "STUDENT_REGISTRATION_COMPLETED")
    page.get_by_label("Webhook URL").fill(f"{desk.site.receiver_url}/webhooks/{name}")
    page.get_by_label("Description").fill(name)
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " ").capitalize()).fill(value)
    desk.press("Save")
    desk.says("Webhook saved.")
    return page


def test_from_choosing_an_event_to_its_delivery(desk, site):
    page = desk.open("webhook/add/")
    desk.choose("enrolment", "COURSE_ENROLLMENT_CREATED")
    page.get_by_label("Webhook URL").fill(f"{site.receiver_url}/webhooks/slack")
    page.get_by_label("Field", exact=True).first.fill("enrollment.course.course_key")
    page.get_by_label("Comparison").first.select_option("starts with")
    page.get_by_label("Value", exact=True).first.fill("course-v1:DemoX+FILTER")
    preview = page.get_by_role("complementary", name="Preview")
    expect(preview).to_contain_text("The condition does not match")
    expect(preview).to_contain_text("here it is")

    page.get_by_label("Value", exact=True).first.fill("course-v1:")
    page.get_by_label("Recipe for a service").check()
    page.get_by_role("group", name="Shape").get_by_role("combobox").select_option("Slack")
    expect(preview).to_contain_text("This would be sent.")
    expect(preview).to_contain_text('"text":')
    preview.get_by_role("button", name="Send this as a test").click()
    expect(preview).to_contain_text("The endpoint accepted it.")
    assert site.operator.wait_for("slack")[0]["body"]["json"]["text"], "the test is no message for Slack"

    page.get_by_label("Value", exact=True).first.fill("course-v1:DemoX+FILTER")
    desk.press("Save")
    desk.says("Webhook saved.")
    desk.says("Next: show its signing secret once, then send a test.")
    page.get_by_role("link", name="Show the signing secret once").click()
    desk.press("Show it once")
    desk.reads("It will not be shown again.")
    page.get_by_role("link", name="Back").click()

    site.operator.look_away()
    username, learner = site.newcomer()
    learner.post("/courses/course-v1:DemoX+OPS301+2026/enroll")
    learner.post(f"{COURSE}/enroll")
    assert username in site.operator.wait_for("slack")[0]["body"]["json"]["text"]
    assert len(site.operator.new()) and len([each for each in site.operator.new() if each["name"] == "slack"]) == 1
    page.get_by_role("tab", name="Deliveries").click()
    desk.reads("Delivered")
    page.get_by_role("link", name="All deliveries of this webhook").click()
    expect(page.locator("#result_list")).to_contain_text(username)
    page.locator("#result_list a").first.click()
    desk.reads("The endpoint accepted it.")


def test_a_broken_receiver_is_seen_repaired_and_what_failed_is_replayed(desk, site):
    page = desk.open("webhook/add/")
    page.locator("summary", has_text="Advanced").click()
    page.get_by_label("Retry schedule").fill("1s")
    desk.choose("signup", "STUDENT_REGISTRATION_COMPLETED")
    page.get_by_label("Webhook URL").fill(f"{site.receiver_url}/webhooks/breaks")
    desk.press("Save")
    site.operator.answer("webhooks/breaks", "403")
    site.operator.look_away()
    username, _browser = site.newcomer()
    site.operator.wait_for("breaks", 2)
    desk.reads("failing")
    desk.reads("1 of 1 in the last hour")
    desk.reads("the key that we send may not do this there")

    page.get_by_role("list", name="Last failures").get_by_role("link").first.click()
    desk.reads("The endpoint knows us and refuses")
    desk.reads("This was the last attempt")
    page.go_back()

    site.operator.answer("webhooks/breaks", "nothing")
    site.operator.look_away()
    page.get_by_role("link", name="Replay failed").click()
    desk.press("Replay failed deliveries")
    desk.reads("This is what would be sent")
    desk.press("Send 1")
    expect(page.locator("#content")).to_contain_text("1 will be sent.")
    expect(page.locator("#content")).to_contain_text("All is done.")
    sent = site.operator.wait_for("breaks")[0]["body"]["json"]
    assert sent["user"]["pii"]["username"] == username
    page.get_by_role("link", name="Deliveries of").click()
    expect(page.locator("#result_list")).to_contain_text("Delivered")


def test_a_shape_that_fails_is_corrected_and_sent_at_once(desk, site):
    page = add(desk, "shapes")
    shape = page.get_by_role("group", name="Shape")
    shape.get_by_role("radio", name="JMESPath").check()
    shape.get_by_role("textbox", name="JMESPath").fill("{name: join('-', user.id)}")
    page.locator("summary", has_text="Advanced").click()
    page.get_by_label("Retry schedule").fill("1h")
    desk.press("Save and continue")
    site.operator.look_away()
    username, _browser = site.newcomer()
    desk.reads("shape failed")
    page.get_by_role("list", name="Last failures").get_by_role("link").first.click()
    desk.reads("the webhook's shape cannot be applied to this payload. Correct the shape.")
    delivery = page.url
    page.get_by_role("definition").get_by_role("link", name=re.compile("shapes")).click()

    shape.get_by_role("textbox", name="JMESPath").fill("{name: user.pii.username}")
    expect(page.get_by_role("complementary", name="Preview")).to_contain_text("This would be sent.")
    desk.press("Save and continue")
    page.goto(delivery)
    desk.reads("now there would be a request")
    desk.press("Retry now")
    desk.says("It is tried now.")
    assert site.operator.wait_for("shapes")[0]["body"]["json"] == {"name": username}
    expect(page.locator("#content")).to_contain_text("The endpoint accepted it.")


def test_pause_and_resume_lose_nothing(desk, site):
    page = add(desk, "pauses")
    desk.press("Paused")
    desk.says("It is paused: events are captured, and nothing is sent until it is enabled.")
    site.operator.look_away()
    username, _browser = site.newcomer()
    desk.reads("1 delivery waits, since")
    assert not [each for each in site.operator.new() if each["name"] == "pauses"], "it was sent"
    desk.press("Enabled")
    desk.says("what waited is sent now")
    assert site.operator.wait_for("pauses")[0]["body"]["json"]["user"]["pii"]["username"] == username
    assert page.get_by_role("button", name="Enabled").get_attribute("aria-pressed") == "true"


def test_several_events_at_once_and_their_secrets(desk, site):
    page = desk.open("webhook/add/")
    desk.choose("certificate", "CERTIFICATE_CREATED")
    desk.choose("cohort", "COHORT_MEMBERSHIP_CHANGED")
    page.get_by_label("Webhook URL").fill(f"{site.receiver_url}/webhooks/several")
    desk.press("Save and add another")
    desk.says("1 more webhook was made, with the same settings and the same signing secret:")
    add(desk, "another")
    desk.press("Show it once")
    desk.reads("It will not be shown again.")
    # The one before can still be shown, and only once.
    page = desk.row("webhook/?q=several", "CERTIFICATE_CREATED")
    desk.press("Show it once")
    desk.reads("It will not be shown again.")
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("button", name="Show it once")).to_have_count(0)
    desk.reads("The secret cannot be shown again.")


def test_a_copy_and_an_earlier_version(desk):
    page = add(desk, "first-name")
    desk.press("Clone")
    desk.says("It is disabled: change what shall differ, save, and enable it.")
    expect(page.get_by_role("button", name="Disabled")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Description").fill("second name")
    desk.press("Save and continue")
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("listitem").filter(has_text="second name")).to_contain_text("Copy of first-name")
    page.get_by_role("link", name="Restore…").first.click()
    desk.press("Restore this version")
    desk.says("The hook is again as it was at")
    expect(page.get_by_label("Description")).to_have_value("Copy of first-name")


@pytest.mark.parametrize("width, beside", [(1600, True), (1280, False), (360, False)])
def test_what_is_sent_as_before_the_upgrade_and_now(open_desk, width, beside):
    """The preview shows both bodies, side by side where there is room."""
    desk = open_desk(width=width)
    page = desk.open("webhook/add/")
    desk.choose("enrolment", "COURSE_ENROLLMENT_CREATED")
    page.get_by_label("Payload format").select_option("published")
    forms = page.locator(".owh-both-forms > section")
    expect(forms).to_have_count(2, timeout=15_000)
    expect(forms.first).to_contain_text("openedx_events.learning.data.CourseEnrollmentData")
    expect(forms.last).to_contain_text('"enrollment"')
    first, last = forms.first.bounding_box(), forms.last.bounding_box()
    assert (first["y"] == last["y"]) == beside
    desk.check(f"both forms, {width} pixels")
