"""The operator's desk, as a person at a browser uses it."""

import os
import re
import time
from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from demo.supervisor import ROOT

from .site import Site
from .small_png import small_png

# A laptop's window.
WINDOW = {"width": 1280, "height": 800}
PICTURES = ROOT / "docs" / "images"
# Of axe-core: those that keep a person from doing something.
_SERIOUS = {"serious", "critical"}
# What sticks to the window lies over something else in a picture of the page.
_NO_BAR = ".submit-row { position: static !important; } #toggle-nav-sidebar { display: none; }"
_STILL = ".owh-desk-preview { position: static !important; max-height: none !important; }"
_BOXES = """([selectors, isInWindow]) => selectors.map((selector) => {
    const {left, top, right, bottom} = document.querySelector(selector).getBoundingClientRect();
    const [x, y] = isInWindow ? [0, 0] : [scrollX, scrollY];
    return {left: left + x, right: right + x, top: top + y, bottom: bottom + y};
})"""
_ROOM = 6  # pixels
# Texts, wherever the page shows them.
_REPLACE = """texts => {
    const replaced = (text) => Object.entries(texts).reduce((made, [old, fresh]) => made.replaceAll(old, fresh), text);
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (nodes.nextNode()) {
        const text = replaced(nodes.currentNode.data);
        if (text !== nodes.currentNode.data) nodes.currentNode.data = text;
    }
    for (const field of document.querySelectorAll("input[type=text], input:not([type]), textarea")) {
        const text = replaced(field.value);
        if (text !== field.value) field.value = text;
    }
}"""


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
        self,
        chromium: Browser,
        site: Site,
        username: str = "admin",
        *,
        width=1280,
        language="en",
        dark=False,
        scripts=True,
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

    def picture(self, name: str, *, of: str | Sequence[str] = (), most: int = 0, stays: bool = False) -> None:
        """
        Check the page, and keep a picture of it for the documentation if that is what this run is for.

        Args:
            name: of the file in docs/images, without its suffix.
            of: selectors: only the part of the page in which the first thing of each of them is; without any, what is
                in the window.
            most: pixels of height; what is below is left out. 0: all of it.
            stays: what stays in the window while somebody scrolls is where it is then, beside the first of ``of``.
        """
        self.check(name)
        if not os.environ.get("SCREENSHOTS"):
            return
        PICTURES.mkdir(exist_ok=True)
        parts = [of] if isinstance(of, str) else of
        self.page.add_style_tag(content=_NO_BAR if stays else _NO_BAR + _STILL)
        if stays:
            self.page.locator(parts[0]).first.evaluate("element => element.scrollIntoView({block: 'center'})")
        clip = self._around(parts, most, is_in_window=stays) if parts else None
        file = PICTURES / f"{name}.png"
        self.page.evaluate(_REPLACE, self._usual_addresses())
        png = self.page.screenshot(full_page=bool(parts) and not stays, clip=clip, caret="hide")
        self.page.evaluate(_REPLACE, {usual: ours for ours, usual in self._usual_addresses().items()})
        file.write_bytes(small_png(self.page, png))

    def _usual_addresses(self) -> dict[str, str]:
        """The addresses of a demo that somebody has started, for ours on whatever ports were free."""
        return {
            self.site.url.partition("//")[2]: "127.0.0.1:8000",
            self.site.receiver_url.partition("//")[2]: "127.0.0.1:9000",
        }

    def _around(self, parts: Sequence[str], most: int, *, is_in_window: bool) -> dict[str, float]:
        """The rectangle around parts of the page, or of what is in the window, with a little room."""
        boxes = self.page.evaluate(_BOXES, [list(parts), is_in_window])
        left, top = min(box["left"] for box in boxes), min(box["top"] for box in boxes)
        right, bottom = max(box["right"] for box in boxes), max(box["bottom"] for box in boxes)
        bottom = min(bottom, top + most) if most else bottom
        left, top = max(left - _ROOM, 0), max(top - _ROOM, 0)
        return {"x": left, "y": top, "width": right + _ROOM - left, "height": bottom + _ROOM - top}
