"""The operator's desk, as a person at a browser uses it."""

import os
import re
import time
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from demo.supervisor import ROOT

from .site import Site

# A laptop's window.
WINDOW = {"width": 1280, "height": 800}
PICTURES = ROOT / "docs" / "images"
# Of axe-core: those that keep a person from doing something.
_SERIOUS = {"serious", "critical"}


class Desk:
    """
    One person's browser window in the admin.

    Args:
        username: who is logged in.
        width: of the window, in pixels.
        language: of the browser.
        dark: whether the person prefers dark pages.
        scripts: whether the browser runs them.

    Attributes:
        page: Playwright's.
    """

    def __init__(
        self, chromium: Browser, site: Site, username: str = "admin", *, width=1280, language="en", dark=False, scripts=True
    ):
        self.site = site
        self._context = chromium.new_context(
            viewport={**WINDOW, "width": width},
            device_scale_factor=2,
            locale=language,
            timezone_id="UTC",
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            java_script_enabled=scripts,
        )
        self._context.set_default_timeout(15_000)
        self.page: Page = self._context.new_page()
        self._errors: list[str] = []
        self.page.on("pageerror", lambda error: self._errors.append(str(error)))
        self._log_in(username)

    def _log_in(self, username: str) -> None:
        self.page.goto(f"{self.site.url}/admin/login/")
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", self.site.passwords[username])
        self.page.click("[type=submit]")

    def close(self) -> None:
        """Close the window; no script may have failed."""
        self._context.close()
        assert not self._errors, self._errors

    def open(self, path: str) -> Page:
        """Open a page of our section: ``webhook/``, ``webhook/add/``."""
        self.page.goto(f"{self.site.url}/admin/openedx_webhooks/{path}")
        return self.page

    def row(self, list_path: str, text: str) -> Page:
        """Open the page of the first row of a list that holds a text."""
        self.open(list_path)
        self.page.locator("#result_list tbody tr", has_text=text).first.locator("th a, td a").first.click()
        return self.page

    def says(self, text: str | re.Pattern) -> None:
        """A message above the page says so."""
        expect(self.page.locator(".messagelist")).to_contain_text(text)

    def choose(self, words: str, name: str) -> None:
        """Type words into the picker of events or filters, and choose one that it finds by its name."""
        self.page.get_by_role("combobox", name="Event").press_sequentially(words)
        found = self.page.get_by_role("listbox", name="What can be chosen").get_by_role("option")
        found.filter(has=self.page.get_by_text(name, exact=True)).first.click()

    def press(self, name: str) -> None:
        """Press a button, by the beginning of what stands on it."""
        self.page.get_by_role("button", name=re.compile(f"^{re.escape(name)}")).first.click()

    def reads(self, text: str, *, seconds: float = 15) -> None:
        """A person can read a text on the page; if not yet, then after opening it again within so many seconds."""
        end = time.monotonic() + seconds
        while True:
            try:
                expect(self.page.locator("#content")).to_contain_text(text, timeout=1000, use_inner_text=True)
                return
            except AssertionError:
                shown = self.page.locator("#content").inner_text()
                assert time.monotonic() < end, f"“{text}” is not on {self.page.url}:\n{shown[:2000]}"
            self.page.reload()

    # --- What each page must be

    def check(self, name: str) -> None:
        """Nothing keeps a person from using the page: by axe-core, and without sideways scrolling."""
        self._check_access(name)
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= self.page.viewport_size["width"], f"{name} is {width} pixels wide: it scrolls sideways"

    def _check_access(self, name: str) -> None:
        found = Axe().run(self.page, options={"resultTypes": ["violations"]})
        serious = [rule for rule in found.response["violations"] if rule["impact"] in _SERIOUS]
        told = [
            f"{rule['id']} ({rule['impact']}): {rule['help']}\n    "
            + "\n    ".join(f"{node['target']}: {node['html'][:200]}" for node in rule["nodes"][:5])
            for rule in serious
        ]
        assert not serious, f"{name} at {self.page.url}:\n" + "\n".join(told)

    def picture(self, name: str, *, of: str | None = None, whole: bool = False) -> None:
        """
        Check the page, and keep a picture of it for the documentation if that is what this run is for.

        Args:
            name: of the file in docs/images, without its suffix.
            of: a selector: only this part of the page.
            whole: the whole page, not what is in the window.
        """
        self.check(name)
        if not os.environ.get("SCREENSHOTS"):
            return
        PICTURES.mkdir(exist_ok=True)
        file = Path(PICTURES / f"{name}.png")
        if of:
            self.page.locator(of).first.screenshot(path=file)
        else:
            self.page.screenshot(path=file, full_page=whole)
