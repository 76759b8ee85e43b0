"""Steps: registration and login."""

import json

from .steps import PASSWORD, expect, expect_delivery, expect_page, expect_signed, step


def register(browser, username: str):
    """Fill in the registration form as a new learner."""
    return browser.post(
        "/register",
        name=f"{username.title()} Smoke",
        username=username,
        email=f"{username}@example.com",
        password=PASSWORD,
    )


@step
def registration_goes_on_unchanged(do):
    """A registration that the receiver answers with nothing"""
    expect_page(do, register(do.browser, "unchanged"), 302, location="/dashboard")
    entry = do.operator.wait_for("StudentRegistrationRequested")[0]
    expect_signed(entry)
    sent = entry["body"]["json"]
    expect(sent["form_data"]["name"] == "Unchanged Smoke", f"form_data is {sent.get('form_data')}")
    expect(sent["event_metadata"]["event_name"] == "StudentRegistrationRequested", "event_metadata has no name")
    expect_page(do, do.browser.get("/account"), 200, "Unchanged Smoke")


@step
def registration_event_is_delivered(do):
    """The event of a registration is delivered by the worker, signed"""
    browser = do.new_browser()
    expect_page(do, register(browser, "signed"), 302)
    (entry,) = expect_delivery(do, "STUDENT_REGISTRATION_COMPLETED", user__pii__username="signed")
    do.note(f"checked: {entry['signature']['steps'][-1]['text']}")


@step
def registration_is_changed(do):
    """A registration whose name the answer changes"""
    do.operator.answer("webfilters/StudentRegistrationRequested", "data", {"form_data": {"name": "New Name"}})
    browser = do.new_browser()
    expect_page(do, register(browser, "renamed"), 302)
    expect_page(do, browser.get("/account"), 200, "New Name")
    expect_delivery(do, "STUDENT_REGISTRATION_COMPLETED", user__pii__name="New Name")


@step
def registration_is_refused(do):
    """A registration that the answer refuses: message and error status, no account"""
    message = "Not allowed to register"
    do.operator.answer("webfilters/StudentRegistrationRequested", "exception", {"PreventRegistration": message})
    page = register(do.new_browser(), "refused")
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


@step
def login_works(do):
    """A login, and its event"""
    page = do.browser.post("/logout")
    expect(page.status == 302, f"logging out: {page}")
    page = do.browser.post("/login", email_or_username="ada@example.com", password=do.passwords["ada"])
    expect_page(do, page, 302, location=f"{do.demo.lms_url}/dashboard")
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
