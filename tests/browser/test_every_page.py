"""Each page of the desk, in each kind of window: nothing serious for axe-core, no sideways scrolling."""

import pytest

from .desk import Desk

WINDOWS = {"laptop": {}, "dark": {"dark": True}, "phone": {"width": 360}, "spanish": {"language": "es"}}
LISTS = ["webhook/", "webfilter/", "delivery/", "capturedevent/", "call/"]


@pytest.fixture(scope="module", params=WINDOWS)
def window(request, site, chromium):
    """The administrator's, after a login of which there are records."""
    site.learner("ada")
    site.operator.wait_for("SESSION_LOGIN_COMPLETED")
    desk = Desk(chromium, site, **WINDOWS[request.param])
    yield desk
    desk.close()


@pytest.mark.parametrize("path", [*LISTS, "webhook/add/", "webfilter/add/"])
def test_lists_and_empty_forms(window, path):
    window.open(path)
    window.check(path)


@pytest.mark.parametrize("path", LISTS)
def test_pages_of_one_thing(window, path):
    window.open(path)
    window.page.locator("#result_list tbody tr").first.locator("th a, td a").first.click()
    window.check(f"one of {path}")
