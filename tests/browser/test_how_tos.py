"""
The how-tos of the documentation, followed on the demo: each quotes what the pages say. With SCREENSHOTS (``make
screenshots``) the same run takes their pictures.
"""

import pytest
from playwright.sync_api import expect

from demo.client import Browser

from .desk import Desk
from .how_to import HowTo
from .site import running_site

HOOKS, FILTERS, QUEUES = (f"course-v1:DemoX+{name}+2026" for name in ("HOOKS101", "FILTER201", "OPS301"))
LEARNERS = ("Maja Novak", "Diego Herrera", "Wei Chen", "Fatou Diallo", "Noah Becker")
PASSWORD = "between-us-7261"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A demo of its own, where some people have registered and enrolled."""
    with running_site(tmp_path_factory.mktemp("how-tos")) as running:
        for number, name in enumerate(LEARNERS):
            learner = register(running, name)
            enroll(learner, (HOOKS, FILTERS, QUEUES)[number % 3])
        running.operator.wait_for("COURSE_ENROLLMENT_CREATED", count=len(LEARNERS))
        yield running


@pytest.fixture
def desk(open_desk) -> Desk:
    """The administrator's window, without the list of what else there is in the admin."""
    desk = open_desk()
    # A page that shows an error has no storage.
    desk.page.add_init_script("try { localStorage.setItem('django.admin.navSidebarIsOpen', 'false') } catch {}")
    return desk


def register(site, name: str, company: str = "example.com") -> Browser:
    """A new learner."""
    username = name.split()[0].lower()
    browser = Browser(site.url)
    fields = {"username": username, "email": f"{username}@{company}", "password": PASSWORD}
    assert browser.post("/register", name=name, **fields).status == 302
    return browser


def enroll(learner: Browser, course: str) -> None:
    assert learner.post(f"/courses/{course}/enroll").status == 302


def log_in(page, site, name: str, password: str) -> None:
    """Instead of the administrator, in the same window."""
    page.context.clear_cookies()
    page.goto(f"{site.url}/login")
    page.fill("#email_or_username", name)
    page.fill("#password", password)
    page.locator("form.fields [type=submit]").click()


def choose(desk: Desk, words: str, name: str) -> None:
    """Choose an event or filter in the picker."""
    desk.page.fill("#id_event_search", words)
    desk.page.locator(".owh-picker-list [role=option]", has_text=name).first.click()
    expect(desk.page.locator(".owh-picker-details")).to_contain_text(name)


def row(desk: Desk, field: str, comparison: str, value: str, number: int = 0) -> None:
    """Fill in a row of the condition."""
    page = desk.page
    page.locator("[name=condition-field]").nth(number).fill(field)
    page.locator("[name=condition-comparison]").nth(number).select_option(label=comparison)
    page.locator("[name=condition-value]").nth(number).fill(value)


def previewed(desk: Desk, text: str) -> None:
    """The preview has followed what was typed."""
    expect(desk.page.locator(".owh-preview")).to_contain_text(text)


def add(desk: Desk, how_to: HowTo, kind: str, words: str, name: str) -> None:
    """Begin a new hook."""
    desk.open(f"{kind}/")
    how_to.press(f"Add {kind}", "link")
    choose(desk, words, name)


def local_rule(desk: Desk, how_to: HowTo, words: str, name: str, *rows: tuple[str, str, str], join: str = "") -> None:
    """A webfilter that answers by itself, as a how-to writes it."""
    add(desk, how_to, "webfilter", words, name)
    desk.page.fill("#id_local_answer", how_to.code(0))
    if join:
        desk.page.locator("[name=condition-join]").select_option(label=join)
    for number, each in enumerate(rows):
        if number:
            desk.page.get_by_role("button", name="+ Add a row").click()
        row(desk, *each, number=number)
    how_to.look()
    expect(desk.page.locator("#id_condition")).to_have_value(how_to.code(1))


def saved(desk: Desk) -> str:
    """Save a new hook and give its secret away; returns the address of its page."""
    page = desk.page
    page.get_by_role("button", name="Save and continue editing").click()
    address = page.url
    page.get_by_role("link", name="Show the signing secret once").click()
    page.get_by_role("button", name="Show it once").click()
    page.goto(address)
    return address


def open_part(desk: Desk, how_to: HowTo, title: str) -> None:
    """A tab of a hook's page."""
    how_to.press(title, "tab")


# --- The quickstart


def test_ten_minutes(desk, site):
    how_to, page = HowTo("quickstarts/ten_minutes", desk), desk.page
    desk.open("webhook/")
    how_to.press("Add webhook", "link")
    page.fill("#id_event_search", "enrol")
    expect(page.locator(".owh-picker-list [role=option]").first).to_be_visible()
    how_to.look()
    desk.picture("first-hook-event", of=[".owh-desk-form h2", ".owh-picker-popup"])
    choose(desk, "enrol", "COURSE_ENROLLMENT_CREATED")
    page.fill("#id_webhook_url", f"{site.receiver_url}/webhooks/enrollments")
    row(desk, "enrollment.mode", "is", "audit")
    page.locator("#owh-event").select_option(index=1)
    previewed(desk, "enrollment.mode is audit")
    previewed(desk, "captured events")
    how_to.look()
    desk.picture("first-hook-preview", of=[".owh-desk"], most=790)
    how_to.press("Send this as a test")
    previewed(desk, "The endpoint accepted it.")
    desk.picture("first-hook-test", of=[".owh-preview-test"])
    how_to.press("Save and continue editing")
    address = page.url
    how_to.press("Show the signing secret once", "link")
    how_to.press("Show it once")
    how_to.look()
    enroll(site.learner("ada"), FILTERS)
    site.operator.wait_for("enrollments", 2)
    page.goto(address)
    open_part(desk, how_to, "Deliveries")
    how_to.look()
    break_it(desk, site, how_to, address)
    how_to.done()


def break_it(desk, site, how_to, address):
    page, operator = desk.page, site.operator
    operator.answer("webhooks/enrollments", "500")
    seen_at_the_receiver(desk, how_to)
    for name in ("Lea Martin", "Ivo Horvat", "Aiko Tanaka"):
        enroll(register(site, name), QUEUES)
    # Each a second time, a few seconds later; the third is minutes away.
    operator.wait_for("enrollments", 8, seconds=60)
    page.goto(address)
    expect(page.locator(".owh-health")).to_contain_text("failing")
    how_to.look()
    desk.picture("first-hook-failing", of=[".owh-title", ".owh-header"])
    operator.answer("webhooks/enrollments", "nothing")
    page.locator(".owh-figures div", has_text="waiting").get_by_role("link").click()
    page.locator("#action-toggle").check()
    page.locator("[name=action]").select_option(label="Retry now: do not wait for the next attempt…")
    how_to.press("Go")
    how_to.look()
    how_to.press("Retry 3 now")
    operator.wait_for("enrollments", 11)
    page.goto(f"{address}#owh-deliveries")


def seen_at_the_receiver(desk, how_to):
    address = desk.page.url
    desk.page.goto(desk.site.receiver_url)
    expect(desk.page.locator("#webhooks")).to_contain_text("enrollments")
    how_to.look()
    desk.page.goto(address)


def test_the_first_picture(desk, site):
    """What the README opens with: a webhook that has worked all day, until its receiver broke."""
    page = desk.page
    desk.open("webhook/add/")
    choose(desk, "enrol", "COURSE_ENROLLMENT_CREATED")
    page.fill("#id_webhook_url", f"{site.receiver_url}/webhooks/crm")
    page.fill("#id_description", "New learners of our organisation for the customer database")
    row(desk, "enrollment.course.course_key", "starts with", "course-v1:DemoX+")
    previewed(desk, "captured events")
    address = saved(desk)
    site.shell(_YESTERDAY)
    site.operator.answer("webhooks/crm", "500")
    for name in ("Ana Souza", "Tom Baker", "Yuki Mori"):
        enroll(register(site, name), HOOKS)
    site.operator.wait_for("crm", 3)
    page.goto(address)
    expect(page.locator(".owh-health")).to_contain_text("failing")
    page.locator("#owh-event").select_option(index=1)
    previewed(desk, "captured events")
    desk.picture("desk", of=[".owh-title", ".owh-page"], most=960)
    site.operator.answer("webhooks/crm", "nothing")


# Deliveries of the day before, of events that have happened.
_YESTERDAY = """
import random
from datetime import timedelta
from django.utils.timezone import now
from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Webhook

random.seed(7)
webhook = Webhook.objects.latest("pk")
some = CapturedEvent.objects.filter(event_type=webhook.event).first()
for hour in range(1, 24):
    for each in range(random.randint(4, 9) + (12 - abs(hour - 12)) * 2):
        at = now() - timedelta(hours=hour, seconds=random.randint(0, 3000))
        event = CapturedEvent.objects.get(pk=some.pk)
        event.pk, event.event_id, event.created, event.time = None, __import__("uuid").uuid4(), at, at
        event.save()
        delivery = Delivery.objects.create(
            webhook=webhook, event=event, state="delivered", attempt_count=1, created=at, finished_at=at,
            next_attempt_at=None,
        )
        Attempt.objects.create(
            delivery=delivery, started_at=at, duration=random.uniform(0.02, 0.2), status_code=200
        )
"""


# --- Services


def test_tell_slack(desk, site):
    how_to, page = HowTo("how-tos/tell_slack", desk), desk.page
    add(desk, how_to, "webhook", "enrol", "COURSE_ENROLLMENT_CREATED")
    page.fill("#id_webhook_url", "https://hooks.slack.com/services/T024BE7LD/B024BE7LH/…")
    page.get_by_label("Recipe for a service").check()
    page.locator("[name=shape-recipe]").select_option(label="Slack")
    page.locator("#owh-event").select_option(index=1)
    previewed(desk, "Course enrollment created: ")
    how_to.look()
    desk.picture("slack-recipe", of=["[data-owh-expression=shape]", ".owh-preview-result"], stays=True)


def test_connect_n8n(desk, site):
    how_to, page = HowTo("how-tos/connect_n8n", desk), desk.page
    add(desk, how_to, "webhook", "enrol", "COURSE_ENROLLMENT_CREATED")
    # Nothing is there, as long as the workflow is not active.
    page.fill("#id_webhook_url", f"{site.url}/webhook/enrollments")
    page.get_by_label("Recipe for a service").check()
    page.locator("[name=shape-recipe]").select_option(label="n8n")
    previewed(desk, '"data"')
    how_to.press("Send this as a test")
    previewed(desk, "404")
    how_to.look()
    desk.picture("n8n-not-active", of=[".owh-preview-test"])
    page.fill("#id_webhook_url", f"{site.receiver_url}/webhooks/n8n")
    how_to.press("Send this as a test")
    previewed(desk, "The endpoint accepted it.")
    body = site.operator.wait_for("n8n")[0]["body"]["json"]
    assert body["data"]["event_metadata"]["test"] is True
    assert "email" in body["data"]["enrollment"]["user"]["pii"]
    how_to.press("Save")
    how_to.done()


def test_connect_zapier(desk, site):
    how_to, page = HowTo("how-tos/connect_zapier", desk), desk.page
    add(desk, how_to, "webhook", "enrol", "COURSE_ENROLLMENT_CREATED")
    page.fill("#id_webhook_url", f"{site.receiver_url}/webhooks/zapier")
    page.get_by_label("Only these fields").check()
    how_to.look()
    page.get_by_label("Recipe for a service").check()
    page.locator("[name=shape-recipe]").select_option(label="Zapier")
    page.locator("#owh-event").select_option(index=1)
    previewed(desk, "course_key")
    desk.picture("zapier-recipe", of=[".owh-preview-result section > pre"])
    how_to.press("Send this as a test")
    previewed(desk, "The endpoint accepted it.")
    sent = site.operator.wait_for("zapier")[0]["body"]["json"]
    assert not any(isinstance(value, dict | list) for value in sent.values())
    how_to.press("Save")
    how_to.done()


# --- Rules


def test_company_addresses(desk, site):
    how_to, page = HowTo("how-tos/company_addresses", desk), desk.page
    condition = ("form_data.email", "does not end with", "@example.com")
    local_rule(desk, how_to, "signup", "StudentRegistrationRequested", condition)
    page.get_by_label("Observe first").check()
    previewed(desk, "It would halt the process")
    how_to.look()
    desk.picture("company-addresses-form", of=[".owh-desk"], most=560)
    how_to.press("Save and continue editing")
    for name, company in (("Mina Kim", "example.com"), ("Eva Costa", "mail.example"), ("Jan Visser", "mail.example")):
        register(site, name, company)
    page.reload()
    open_part(desk, how_to, "Calls")
    expect(page.locator("#owh-report")).to_be_visible()
    how_to.look()
    desk.picture("company-addresses-report", of=["section[aria-labelledby=owh-report]"])
    how_to.press("Enforce: let its answers count from now on")
    refused = site.learner("ada").post(
        "/register", name="Kim", username="kim", email="kim@mail.example", password=PASSWORD
    )
    assert refused.status == 403
    how_to.press("Disabled")
    desk.open("webfilter/add/")
    how_to.done()


def test_suspended_customers(desk, site):
    how_to, page = HowTo("how-tos/suspended_customers", desk), desk.page
    companies = [("user.email", "ends with", f"@{name}.example") for name in ("acme", "initech")]
    local_rule(desk, how_to, "login", "StudentLoginRequested", *companies, join="one of these is true")
    how_to.press("Save")
    register(site, "Olga Petrova", "acme.example")
    log_in(page, site, "olga@acme.example", PASSWORD)
    how_to.look()
    desk.picture("suspended-login", of=["main .panel"])


def test_banner(desk, site):
    how_to, page = HowTo("how-tos/banner", desk), desk.page
    rows = [("block.usage_key", "starts with", "block-v1:DemoX+"), ("view", "is", "student_view")]
    local_rule(desk, how_to, "unit", "VerticalBlockRenderCompleted", *rows)
    previewed(desk, "It would change")
    how_to.look()
    how_to.press("Save")
    log_in(page, site, "ada", site.passwords["ada"])
    page.goto(f"{site.url}/xblock/block-v1:DemoX+HOOKS101+2026+type@vertical+block@unit")
    how_to.look()
    desk.picture("banner-unit", of=["main"])


# --- Keeping it going


@pytest.fixture
def webhook(desk, site, request) -> str:
    """The address of the page of a webhook for enrollments; the receiver knows it by the test's name."""
    page = desk.page
    desk.open("webhook/add/")
    choose(desk, "enrol", "COURSE_ENROLLMENT_CREATED")
    page.fill("#id_webhook_url", f"{site.receiver_url}/webhooks/{request.node.name}")
    return saved(desk)


def test_pause_and_move_a_receiver(desk, site, webhook):
    how_to, page = HowTo("how-tos/pause", desk), desk.page
    desk.open("webhook/")
    how_to.look()
    page.goto(webhook)
    how_to.press("Paused")
    site.operator.look_away()
    for name in ("Rosa Marin", "Otto Lang", "Ida Lund"):
        enroll(register(site, name), HOOKS)
    site.operator.wait_for("COURSE_ENROLLMENT_CREATED", 3)
    page.reload()
    expect(page.locator(".owh-header")).to_contain_text("3 deliveries wait")
    how_to.look()
    desk.picture("paused", of=[".owh-title", ".owh-header"])
    page.fill("#id_webhook_url", f"{site.receiver_url}/webhooks/new")
    how_to.press("Save and continue editing")
    page.locator(".owh-preview").get_by_role("button", name="Send this as a test").click()
    previewed(desk, "The endpoint accepted it.")
    how_to.look()
    how_to.press("Enabled")
    site.operator.wait_for("new", 4)
    assert "test_pause_and_move_a_receiver" not in {entry["name"] for entry in site.operator.new()}
    desk.open("webhook/add/")
    how_to.done()


def test_find_out_why_nothing_fires(desk, site, webhook):
    how_to, page = HowTo("how-tos/nothing_happens", desk), desk.page
    page.locator("[name=condition-mode][value=text]").check()
    page.fill("#id_condition", "enrolment.mode == 'audit'")
    page.locator("#owh-event").select_option(index=1)
    previewed(desk, "Is that meant so?")
    desk.picture("condition-mistake", of=[".owh-preview h2", ".owh-preview-result section:nth-of-type(2)"])
    how_to.press("Correct it")
    previewed(desk, "This would be sent.")


def test_replay(desk, site, webhook):
    how_to, page = HowTo("how-tos/replay", desk), desk.page
    site.operator.look_away()
    enroll(register(site, "Nils Borg"), HOOKS)
    site.operator.wait_for("test_replay")
    page.goto(webhook)
    how_to.look()
    page.goto(f"{webhook}#owh-deliveries")
    how_to.look()
    page.get_by_role("link", name="All deliveries of this webhook").click()
    page.locator("#action-toggle").check()
    page.locator("[name=action]").select_option(label="Send again…")
    page.get_by_role("button", name="Go").click()
    how_to.look()
    page.get_by_label("also what was accepted before").check()
    page.get_by_role("button", name="Count them").click()
    how_to.look()
    desk.picture("replay", of=[".owh-count", ".owh-past"])
    site.operator.look_away()
    page.get_by_role("button", name="Send 1").click()
    site.operator.wait_for("test_replay")


def test_verify_signatures(desk, site):
    page = desk.page
    page.set_viewport_size({"width": 900, "height": 900})
    page.goto(site.receiver_url)
    request = page.locator("details.request", has_text="COURSE_ENROLLMENT_CREATED")
    request = request.filter(has_text="signature valid").first
    request.locator("summary").click()
    page.evaluate("document.querySelectorAll('details.request[open]').forEach((each) => each.id = 'shown')")
    desk.picture("verified", of=["#shown"])


def test_send_pseudonyms(desk, site):
    how_to, page = HowTo("how-tos/personal_data_modes", desk), desk.page
    desk.open("webhook/add/")
    choose(desk, "enrol", "COURSE_ENROLLMENT_CREATED")
    page.fill("#id_webhook_url", f"{site.receiver_url}/webhooks/analytics")
    page.select_option("#id_personal_data", "pseudonymous")
    expect(page.locator(".owh-preview-result section > pre").first).not_to_contain_text("username")
    how_to.look()
    desk.picture("personal-data", of=[".field-personal_data", ".owh-preview-result"], stays=True)
    saved(desk)
    enroll(register(site, "Nora Quist"), HOOKS)
    site.operator.wait_for("analytics", 1)
    open_part(desk, how_to, "Reference")
    expect(page.locator("[aria-labelledby=owh-carries]")).to_contain_text("a pseudonym")
    desk.check("what is personal")
    page.goto(site.receiver_url)
    expect(page.locator("#webhooks")).to_contain_text("analytics")
    how_to.done()
