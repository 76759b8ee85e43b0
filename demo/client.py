"""A browser and an operator for the smoke run: both talk HTTP like people do."""

import html
import re
import time
from collections.abc import Callable

import attrs
import requests

TIMEOUT_SECONDS = 20


@attrs.frozen
class Page:
    """What came back: status, address to go to (for redirects) and the text that a person sees."""

    status: int
    location: str
    text: str

    def __str__(self):
        return f"HTTP {self.status}" + (f" → {self.location}" if self.location else "")


class Browser:
    """
    A learner's browser; it follows no redirects, so that each answer can be looked at.

    Args:
        base: address of the mini LMS, without a slash at the end.
    """

    def __init__(self, base: str):
        self._base = base
        self._session = requests.Session()
        # A proxy of this machine is not for loopback.
        self._session.trust_env = False

    def get(self, path: str) -> Page:
        """Open a page."""
        return self._page(self._session.get(self._base + path, timeout=TIMEOUT_SECONDS, allow_redirects=False))

    def post(self, path: str, **fields: str) -> Page:
        """Send a form as a page of the site would."""
        if "csrftoken" not in self._session.cookies:
            self.get("/login")
        headers = {"X-CSRFToken": self._session.cookies["csrftoken"]}
        return self._page(
            self._session.post(
                self._base + path, data=fields, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        )

    @staticmethod
    def _page(response: requests.Response) -> Page:
        text = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", response.text, flags=re.DOTALL)
        return Page(response.status_code, response.headers.get("Location", ""), " ".join(html.unescape(text).split()))


class Operator:
    """
    Whoever sits at the receiver.

    Args:
        base: address of the receiver, without a slash at the end.
    """

    def __init__(self, base: str):
        self._base = base
        self._session = requests.Session()
        self._session.trust_env = False
        self._seen = 0

    def answer(self, hook: str, kind: str, content: dict | None = None) -> None:
        """Choose what ``webfilters/NAME`` or ``webhooks/NAME`` answers."""
        self._call("PUT", f"/api/answers/{hook}", {"kind": kind, "content": content})

    def look_away(self) -> None:
        """From now on :meth:`wait_for` sees only what arrives later."""
        self._seen = max([self._seen, *(entry["number"] for entry in self.everything())])

    def everything(self) -> list[dict]:
        """All that arrived, oldest first."""
        return self._call("GET", "/api/requests")

    def new(self) -> list[dict]:
        """What arrived since :meth:`look_away`, oldest first."""
        return [entry for entry in self.everything() if entry["number"] > self._seen]

    def wait_for(
        self, name: str, count: int = 1, seconds: float = 15, where: Callable[[dict], bool] = lambda entry: True
    ) -> list[dict]:
        """
        Wait for requests of one hook that came since :meth:`look_away`.

        Args:
            where: tells those that are waited for from late ones of an earlier step.

        Raises:
            AssertionError: they didn't come.
        """
        end = time.monotonic() + seconds
        while True:
            found = [entry for entry in self.new() if entry["name"] == name]
            fitting = [entry for entry in found if where(entry)]
            if len(fitting) >= count:
                return fitting
            if time.monotonic() > end:
                raise AssertionError(
                    f"{name} was sent {len(found)} times within {seconds:g} s, {len(fitting)} of them as expected"
                )
            time.sleep(0.1)

    def _call(self, method: str, path: str, value=None):
        response = self._session.request(method, self._base + path, json=value, timeout=TIMEOUT_SECONDS)
        if not response.ok:
            raise AssertionError(f"The receiver refused {method} {path}: {response.text}")
        return response.json()
