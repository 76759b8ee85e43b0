"""Steps: pages, answers that are no help, deliveries in trouble, and secrets."""

import json
import time
from collections import Counter

from ..minilms.examples import COURSES
from ..supervisor import free_port
from .steps import PASSWORD, QUEUES, expect, expect_delivery, expect_page, expect_signed, header, step, wait_until


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


@step
def hooks_are_configured(do):
    """The operator adds a webhook to a dead port, and lets a webfilter halt on 4xx with a redirect"""
    from openedx_webhooks.models import Webfilter, Webhook  # pylint: disable=import-outside-toplevel

    do.dead = Webhook(event="COURSE_ENROLLMENT_CREATED", webhook_url=f"http://127.0.0.1:{free_port()}/nobody")
    do.dead.full_clean()
    do.dead.save()
    halting = Webfilter.objects.get(webhook_url__endswith="/DashboardRenderStarted")
    halting.halt_on_4xx, halting.redirect_on_4xx = True, "/account"
    halting.full_clean()
    halting.save()
    # Other processes see what is configured after at most INDEX_REFRESH_SECONDS.
    time.sleep(5.5)


@step
def halting_webfilter_redirects(do):
    """A 403 to a webfilter that halts on 4xx: the learner is sent to its redirect"""
    do.operator.answer("webfilters/DashboardRenderStarted", "403")
    page = do.browser.get("/dashboard")
    do.operator.answer("webfilters/DashboardRenderStarted", "nothing")
    expect_page(do, page, 302, location="/account")


@step
def dead_webhook_disturbs_nobody(do):
    """A webhook to a port where nobody listens: the learner notices nothing, the attempt is recorded"""
    started = time.monotonic()
    expect_page(do, do.browser.post(f"/courses/{QUEUES}/enroll"), 302)
    expect(time.monotonic() - started < 2, "the learner had to wait")
    expect_delivery(do, "COURSE_ENROLLMENT_CREATED", enrollment__is_active=True)
    delivery = wait_until(lambda: do.dead.deliveries.filter(attempts__isnull=False).first(), "no attempt was recorded")
    attempt = delivery.attempts.first()
    do.note(f"recorded: delivery {delivery.state}, attempt 1: {attempt.error}, next at {delivery.next_attempt_at:%X}")
    expect(delivery.state == "pending", f"the delivery is {delivery.state}")
    expect(attempt.error, "the attempt has no error")


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
def everything_was_signed(do):
    """Every webhook and every webfilter was signed with a secret that the receiver knows"""
    everything = [entry for entry in do.operator.everything() if entry["type"] != "other"]
    for entry in everything:
        expect_signed(entry)
    kinds = Counter(entry["type"] for entry in everything)
    expect(len(kinds) == 2, f"there were only {dict(kinds)}")
    do.note(f"checked: {kinds['webhook']} webhooks and {kinds['webfilter']} webfilters")


@step
def no_secret_was_sent(do):
    """Nothing that was sent holds a password, a hash, a token or a session"""
    everything = json.dumps(do.operator.everything())
    names = [PASSWORD, *do.passwords.values(), "csrfmiddlewaretoken", "pbkdf2_sha256", "sessionid"]
    found = [name for name in names if name in everything]
    expect(not found, f"{len(found)} of them were sent")
    do.note(f"searched: {len(do.operator.everything())} requests")
