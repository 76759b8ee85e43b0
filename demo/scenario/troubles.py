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
def paused_webhook_captures_and_sends_when_it_is_resumed(do):
    """A paused webhook captures and sends nothing; resumed, it sends what waited"""
    hook = _webhook("/webhooks/COURSE_ENROLLMENT_CHANGED")
    _change(hook, paused=True)
    expect_page(do, do.browser.post(f"/courses/{QUEUES}/enroll"), 302)
    waiting = wait_until(hook.deliveries.pending().first, "nothing was captured")
    time.sleep(1)
    waiting.refresh_from_db()
    expect(waiting.state == "pending", f"the delivery is {waiting.state}, although the webhook is paused")
    _change(hook, paused=False)
    expect_delivery(do, "COURSE_ENROLLMENT_CHANGED", enrollment__is_active=True)


@step
def corrected_shape_sends_what_had_failed(do):
    """A shape that fails is a failed attempt with its reason; once corrected, the event is sent"""
    hook = _webhook("/webhooks/COURSE_ENROLLMENT_CHANGED")
    _change(hook, shape="sum(enrollment.mode)")
    expect_page(do, do.browser.post(f"/courses/{QUEUES}/unenroll"), 302)
    failed = wait_until(
        hook.deliveries.filter(attempts__error="shape_failed").first, "the failure of the shape was not recorded"
    )
    attempt = failed.attempts.first()
    do.note(f"recorded: delivery {failed.state}, {attempt.error}: {attempt.detail}")
    expect("sum(enrollment.mode)" in attempt.detail, "the attempt does not name the expression")
    _change(hook, shape="{corrected: enrollment.mode}")
    _replay().retry_now(hook.deliveries.filter(pk=failed.pk))
    expect_delivery(do, "COURSE_ENROLLMENT_CHANGED", corrected="audit")
    _change(hook, shape="")


@step
def past_events_are_sent_to_a_webhook_that_came_later(do):
    """Events that happened before there was the webhook are counted, then sent to it"""
    known = _webhook("/webhooks/COURSE_ENROLLMENT_CHANGED")
    later = type(known)(
        event=known.event, webhook_url=f"{do.demo.receiver_url}/webhooks/SENT_LATER", secret=known.secret
    )
    later.full_clean()
    later.save()
    resending = _resending()
    past = resending.Past(known.event, learner="ada")
    choice = resending.Choice(past=past, to=later, limit=2)
    counted, sent = (resending.advance(choice, resending.Progress(), act=act).tally for act in (False, True))
    do.note(f"counted before: {dict(counted)}; then: {dict(sent)}")
    expect(counted == sent and sent[resending.DONE] == 2, "two events of the learner should have been sent")
    expect_delivery(do, "SENT_LATER", count=2, enrollment__user__pii__username="ada")


def _webhook(path: str):
    from openedx_webhooks.models import Webhook  # pylint: disable=import-outside-toplevel

    return Webhook.objects.get(webhook_url__endswith=path)


def _resending():
    from openedx_webhooks.webhooks import resending  # pylint: disable=import-outside-toplevel

    return resending


def _replay():
    from openedx_webhooks.webhooks import replay  # pylint: disable=import-outside-toplevel

    return replay


def _change(hook, **fields) -> None:
    """As the admin does; other processes see it after at most INDEX_REFRESH_SECONDS, a worker at once."""
    from openedx_webhooks.webhooks.wakeups import nudge  # pylint: disable=import-outside-toplevel

    for name, value in fields.items():
        setattr(hook, name, value)
    hook.full_clean()
    hook.save()
    if not hook.paused:
        nudge()


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
