"""
Each page of the desk and each state of it: nothing serious for axe-core, no sideways scrolling; in a laptop's window,
with dark colours, and on a telephone.
"""

import pytest

from .desk import WINDOW, Desk
from .furniture import furnish

LISTS = ["webhook/", "webfilter/", "delivery/", "capturedevent/", "call/"]
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def furnished(site):
    furnish(site)
    return site


@pytest.fixture(scope="module")
def window(furnished, chromium):
    """The administrator's, for all pages."""
    desk = Desk(chromium, furnished)
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def watching(furnished, chromium):
    """The window of somebody who may look, but at no personal data."""
    desk = Desk(chromium, furnished, "watcher")
    yield desk
    desk.close()


def unfold(page):
    """All that is folded away."""
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


def check(desk, name):
    """The page as it is, then as narrow as a telephone, then dark."""
    page = desk.page
    page.wait_for_load_state()
    # A colour that is on its way to another has no contrast to speak of.
    page.add_style_tag(content="* { transition: none !important }")
    desk.check(name)
    page.set_viewport_size(PHONE)
    desk.check(f"{name}, on a phone")
    page.set_viewport_size(WINDOW)
    page.emulate_media(color_scheme="dark")
    desk.check(f"{name}, dark")
    page.emulate_media(color_scheme="light")


EMPTY = ["webhook/add/", "webfilter/add/", "webhook/deleted/", "webfilter/deleted/", "webhook/configuration/"]
FILE = """
version: 1
webhooks:
- name: of-a-file
  event: SESSION_LOGIN_COMPLETED
  webhook_url: https://crm.example.com/hooks
  condition: user.is_active == `true` && starts_with(user.pii.email, 'a-very-long-beginning-of-an-address')
"""


@pytest.mark.parametrize("path", [*LISTS, *EMPTY])
def test_lists_and_empty_forms(window, path):
    window.open(path)
    check(window, path)


@pytest.mark.parametrize("file", [FILE, FILE.replace("condition", "conditions")], ids=["difference", "mistake"])
def test_a_configuration_file(window, file):
    window.open("webhook/configuration/")
    window.page.set_input_files("#owh-file", {"name": "hooks.yml", "mimeType": "text/yaml", "buffer": file.encode()})
    window.page.get_by_role("button", name="Show the difference").click()
    check(window, "what a configuration file would change")


@pytest.mark.parametrize("path", ["delivery/?state=failed", "webhook/?q=page", "delivery/?q=ada", "delivery/?q=nobody"])
def test_lists_that_are_searched(window, path):
    window.open(path)
    check(window, path)


@pytest.mark.parametrize("path", ["", *LISTS])
def test_lists_of_who_may_only_look(watching, path):
    watching.open(path)
    watching.check(f"{path} of a watcher")


HOOKS = [
    ("webhook/", "failing page"),
    ("webhook/", "pending page"),
    ("webhook/", "paused page"),
    ("webhook/", "disabled page"),
    ("webhook/", "shapeless page"),
    ("webfilter/", "observed page"),
    ("webfilter/", "local page"),
]


@pytest.mark.parametrize("path, name", HOOKS, ids=[name for _path, name in HOOKS])
def test_page_of_a_hook_on_each_tab(window, path, name):
    page = window.row(path, name)
    unfold(page)
    page.wait_for_load_state("networkidle")
    check(window, f"{name}, setup")
    for tab in page.get_by_role("tab").all()[1:]:
        tab.click()
        check(window, f"{name}, {tab.inner_text()}")


@pytest.mark.parametrize("path, name", [HOOKS[0], HOOKS[5]], ids=["webhook", "webfilter"])
def test_page_of_a_hook_of_who_may_only_look(watching, path, name):
    page = watching.row(path, name)
    watching.check(f"{name} of a watcher")
    for tab in page.get_by_role("tab").all()[1:]:
        tab.click()
        watching.check(f"{name} of a watcher, {tab.inner_text()}")


RECORDS = [
    ("delivery/", "Failed"),
    ("delivery/", "Pending"),
    ("delivery/", "Delivered"),
    ("capturedevent/", "SESSION_LOGIN"),
    ("call/", "halted"),
]


@pytest.mark.parametrize("path, text", RECORDS, ids=[text for _path, text in RECORDS])
def test_page_of_a_record(window, watching, path, text):
    page = window.row(path, text)
    unfold(page)
    check(window, f"{path} {text}")
    watching.page.goto(page.url)
    watching.check(f"{path} {text} of a watcher")


def test_a_mistake_and_the_open_picker(window):
    page = window.open("webhook/add/")
    page.get_by_label("Webhook URL").fill("not an address")
    page.get_by_role("button", name="Save", exact=True).click()
    check(window, "the page of a mistake")
    page.get_by_role("combobox", name="Event").fill("enrolment")
    page.locator(".owh-picker-popup [role=option]").first.wait_for()
    check(window, "the picker while it is open")


def test_a_preview_that_warns_and_one_of_an_answer(window):
    page = window.row("webhook/", "shapeless page")
    page.get_by_label("Find a captured event").wait_for()
    page.locator(".owh-preview-warnings").wait_for()
    unfold(page)
    check(window, "a preview with warnings")
    page = window.row("webfilter/", "observed page")
    page.get_by_label("If the endpoint answered").fill('{"exception": {"Nonsense": "x"}}')
    page.get_by_text("What this answer would do").wait_for()
    check(window, "a preview of an answer")


def test_results_of_tests(window):
    page = window.row("webhook/", "failing page")
    page.locator("#owh-preview").get_by_role("button", name="Send this as a test").click()
    page.get_by_text("What was sent, and what came back").click()
    check(window, "a test beside the form")
    page.locator(".owh-header").get_by_role("button", name="Send test").click()
    page.get_by_text("The same as a command").click()
    check(window, "a test's own page")


def test_sending_again(window):
    page = window.row("webhook/", "failing page")
    page.locator(".owh-header").get_by_role("link", name="Send past events").click()
    check(window, "past events")
    page.get_by_role("button", name="Count them").click()
    check(window, "past events, counted")
    page = window.row("webhook/", "failing page")
    page.get_by_role("link", name="Replay failed").click()
    page.get_by_role("button", name="Replay failed").click()
    check(window, "the count before deliveries are sent again")
    page.get_by_role("button", name="Send 2").click()
    page.get_by_role("heading", name="Progress").wait_for()
    check(window, "the progress")


def test_history_and_restoring(window):
    page = window.row("webhook/", "failing page")
    page.get_by_role("link", name="History").click()
    check(window, "history")
    page.get_by_role("link", name="Restore").last.click()
    check(window, "restoring")


def test_what_asks_before_it_is_done(window):
    for path, action in [
        ("webhook/", "Pause selected"),
        ("webhook/", "Disable selected"),
        ("webfilter/", "Enable selected"),
    ]:
        page = window.open(path)
        page.get_by_label("Select this object for an action").nth(1).check()
        page.get_by_label("Select this object for an action").nth(-1).check()
        actions = page.get_by_role("combobox", name="Action")
        actions.select_option(next(text for text in actions.locator("option").all_inner_texts() if action in text))
        page.get_by_role("button", name="Go").click()
        check(window, action)
    page = window.row("webhook/", "failing page")
    page.get_by_role("link", name="Delete").click()
    check(window, "the question before a webhook is deleted")


def test_a_copy_and_its_secret(window):
    page = window.row("webhook/", "paused page")
    page.get_by_role("button", name="Clone").click()
    check(window, "a copy")
    page.get_by_role("button", name="Show it once").click()
    check(window, "the secret")
