"""The overview in a browser, with a day of attempts; with SCREENSHOTS, its picture for the documentation."""

import pytest
from playwright.sync_api import expect

from .how_to import HowTo
from .site import running_site

# What a day of a site leaves.
_MAKE = """
import random, uuid
from datetime import timedelta
from django.utils import timezone
from openedx_webhooks.models import Attempt, Call, CapturedEvent, Delivery, Webfilter, Webhook

random.seed(7)
now = timezone.now()

def made(event, address, description, hourly, fails, **more):
    hook = Webhook.objects.create(event=event, webhook_url=address, description=description, **more)
    for hour in reversed(range(24)):
        for _each in range(int(hourly * (1 + hour % 12) / 6)):
            at = now - timedelta(hours=hour, minutes=random.uniform(2, 55))
            is_good = random.random() >= fails(hour)
            captured = CapturedEvent.objects.create(event_id=uuid.uuid4(), event_type=event, time=at, created=at)
            delivery = Delivery.objects.create(
                webhook=hook, event=captured, created=at, schedule_position=1, attempt_count=1,
                state="delivered" if is_good else "pending" if hour < 3 else "failed",
                finished_at=at if is_good else None,
                next_attempt_at=now + timedelta(hours=1) if not is_good and hour < 3 else None,
            )
            Attempt.objects.create(
                delivery=delivery, started_at=at, duration=random.lognormvariate(-3, 0.7),
                status_code=200 if is_good else 404,
            )
    return hook

ENROLLED = "org.openedx.learning.course.enrollment.created.v1"
REGISTERED = "org.openedx.learning.student.registration.completed.v1"
made(ENROLLED, "https://n8n.example.org/webhook/enrolled", "Enrollments to n8n", 6, lambda hour: hour < 3,
    consecutive_failures=9, failing_since=now - timedelta(hours=3))
made(ENROLLED, "https://crm.example.org/hooks/enrolled", "Enrollments to the CRM", 9, lambda hour: 0.02)
made(REGISTERED, "https://hooks.slack.com/services/T1/B1/x", "Tell Slack about newcomers", 3, lambda hour: 0)
made(REGISTERED, "https://mail.example.org/lists", "Newsletter", 2, lambda hour: 0, paused=True)
made("org.openedx.learning.certificate.created.v1", "https://badges.example.org/issue", "Badges", 0, lambda hour: 0)
gate = Webfilter.objects.create(
    event="org.openedx.learning.student.registration.requested.v1", webhook_url="https://gate.example.org/",
    description="Only company addresses", mode="observe", call_log="all",
)
for hour in range(24):
    for number in range(8):
        Call.objects.create(
            webfilter=gate, mode="observe", result="halted" if number == 3 else "passed",
            started_at=now - timedelta(hours=hour, minutes=3), duration=random.lognormvariate(-2.5, 0.5),
            status_code=200,
        )
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A demo of its own, after a busy day."""
    with running_site(tmp_path_factory.mktemp("overview")) as running:
        running.shell(_MAKE)
        running.staff("webfilters-only", "view_webfilter")
        yield running


def test_an_operator_sees_what_needs_a_hand_and_follows_it(desk):
    how_to = HowTo("how-tos/overview", desk)
    page = desk.page
    page.add_init_script("try { localStorage.setItem('django.admin.navSidebarIsOpen', 'false') } catch {}")
    page.goto(f"{desk.site.url}/admin/")
    how_to.look()
    page.locator(".app-openedx_webhooks tbody th a").first.click()
    rows = page.locator(".owh-hooks tbody tr")
    expect(rows.first).to_contain_text("Enrollments to n8n")
    expect(rows.first).to_contain_text("failing")
    expect(rows.first).to_contain_text("404")
    desk.picture("overview")
    page.get_by_text("The figures as a table").first.click()
    how_to.look()
    for label in ("7 days", "30 days"):
        page.get_by_role("link", name=label).click()
        expect(page.get_by_role("link", name=label)).to_have_attribute("aria-current", "page")
        how_to.look()
    how_to.done()
    rows.first.get_by_role("link").click()
    desk.reads("Enrollments to n8n")


@pytest.mark.parametrize("how", [{}, {"dark": True}, {"width": 360}, {"language": "es", "width": 800}])
def test_it_can_be_used_by_everybody(open_desk, how):
    desk = open_desk(**how)
    for period in ("day", "month"):
        desk.open(f"overview/?period={period}")
        desk.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        desk.check(f"overview, {how}")


def test_who_may_see_webfilters_sees_those(open_desk):
    page = open_desk("webfilters-only").open("overview/")
    rows = page.locator(".owh-hooks tbody tr")
    expect(rows.filter(has_text="Only company addresses")).to_have_count(1)
    expect(rows.filter(has_text="webhook ·")).to_have_count(0)
    expect(page.locator("#content")).not_to_contain_text("events captured")
