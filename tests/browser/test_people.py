"""Other people at the desk: those who may not do everything, with another language, on a telephone, without scripts."""

import re

import pytest
from playwright.sync_api import expect

from .desk import Desk

PHONE = 360


@pytest.fixture
def failed(site):
    """A webhook to which one delivery has failed; its description."""
    name = "fails"
    site.operator.answer(f"webhooks/{name}", "403")
    site.shell(f"""
from openedx_webhooks.models import Webhook
event = "org.openedx.learning.student.registration.completed.v1"
found = dict(event=event, webhook_url="{site.receiver_url}/webhooks/{name}", retry_schedule=[1])
Webhook.objects.get_or_create(description="{name}", defaults=found)
""")
    site.settle()
    site.operator.look_away()
    username, _browser = site.newcomer()
    site.operator.wait_for(name, 2)
    return name, username


def test_each_role_has_what_works_for_it(open_desk, site, failed):
    name, username = failed
    site.staff("viewer", "view_")
    site.staff("on-call", "view_", "replay_delivery")
    desk = open_desk("viewer")
    page = desk.row("webhook/", name)
    desk.reads("failing")
    expect(page.get_by_role("button", name=re.compile("Send|Save|Replay|Clone|Rotate|Enabled"))).to_have_count(0)
    page.get_by_role("list", name="Last failures").get_by_role("link").first.click()
    desk.reads("Not shown: you may not see personal data.")
    assert username not in page.locator("#content").inner_text()
    expect(page.get_by_role("button", name="Send again")).to_have_count(0)
    delivery = page.url

    desk = open_desk("on-call")
    page = desk.page
    page.goto(delivery)
    site.operator.answer(f"webhooks/{name}", "nothing")
    site.operator.look_away()
    desk.press("Send again")
    desk.says("It is sent again now.")
    site.operator.wait_for(name)
    desk.reads("The endpoint accepted it.")
    # An address that does something leads back when it is only opened.
    page.goto(delivery.replace("/change/", "/replay/"))
    assert page.url == delivery
    page = desk.row("webhook/", name)
    page.goto(page.url.replace("/change/", "/send-test/").replace("/send-test/", "/test/"))
    assert "/change/" in page.url, page.url


def test_in_spanish(open_desk):
    desk = open_desk(language="es")
    page = desk.row("webhook/", "SESSION_")
    assert page.locator("html").get_attribute("lang") == "es"
    expect(page.locator("#content")).to_contain_text("Guardar")
    desk.check("a webhook in Spanish")


def test_the_main_job_on_a_phone(open_desk, site):
    desk = open_desk(width=PHONE)
    page = desk.open("webhook/add/")
    desk.choose("login", "SESSION_LOGIN_COMPLETED")
    page.get_by_label("Webhook URL").fill(f"{site.receiver_url}/webhooks/phone")
    page.get_by_role("complementary", name="Preview").get_by_role("button", name="Send this as a test").click()
    expect(page.get_by_role("complementary", name="Preview")).to_contain_text("The endpoint accepted it.")
    desk.check("a new webhook on a phone")
    page.get_by_role("button", name="Save", exact=True).click()
    desk.says("Webhook saved.")
    site.operator.look_away()
    site.learner("grace")
    site.operator.wait_for("phone")
    page.get_by_role("tab", name="Deliveries").click()
    desk.reads("Delivered")
    desk.check("deliveries on a phone")


def test_without_scripts(chromium, site):
    desk = Desk(chromium, site, scripts=False)
    page = desk.open("webhook/add/")
    page.get_by_label("Event:", exact=True).select_option(["org.openedx.learning.course.enrollment.created.v1"])
    page.get_by_label("Webhook URL").fill(f"{site.receiver_url}/webhooks/plain")
    page.get_by_label("Field", exact=True).first.fill("enrollment.mode")
    page.get_by_label("Value", exact=True).first.fill("audit")
    page.get_by_label("Rows").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("complementary", name="Preview")).to_contain_text("POST")
    expect(page.get_by_role("complementary", name="Preview")).to_contain_text("enrollment.mode")
    page.get_by_role("button", name="Save", exact=True).last.click()
    desk.says("Webhook saved.")
    page.get_by_role("button", name="Send test").first.click()
    desk.reads("The endpoint accepted it.")
    desk.close()
