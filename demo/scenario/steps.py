"""What the steps of the scenario are made of."""

import time
from urllib.parse import quote

from ..minilms.examples import COURSES

PASSWORD = "Smoke-Pa55word!"
HOOKS, FILTERS, QUEUES = (quote(course_id, safe=":+") for course_id, _name, _about in COURSES)


def step(function):
    """Make a function a step."""
    function.is_step = True
    return function


def expect(condition, otherwise: str) -> None:
    """
    Check something; unlike ``assert`` also with ``python -O``.

    Raises:
        AssertionError: with ``otherwise``.
    """
    if not condition:
        raise AssertionError(otherwise)


def expect_page(do, page, status: int, *texts: str, location: str | None = None) -> None:
    """Print a page and check its status, its address and that it shows the texts."""
    do.note(f"the person got: {page}")
    expect(page.status == status, f"the status is {page.status}, not {status}; the page says: {page.text[:300]}")
    if location is not None:
        expect(page.location == location, f"the address is “{page.location}”, not “{location}”")
    for text in texts:
        expect(text in page.text, f"the page does not show “{text}” but: {page.text[:300]}")


def expect_delivery(do, name: str, count: int = 1, **values) -> list[dict]:
    """
    Wait for deliveries of a webhook, and check their signatures.

    Args:
        values: of the payload, by dotted name with ``__`` for the dot.
    """

    def fits(entry):
        return all(_value(entry["body"]["json"], path) == value for path, value in values.items())

    entries = do.operator.wait_for(name, count, where=fits)
    for entry in entries:
        expect_signed(entry)
    return entries


def expect_signed(entry: dict) -> None:
    """Check the signature of a request."""
    verdict, why = entry["signature"]["verdict"], entry["signature"]["steps"][-1]["text"]
    expect(verdict == "valid", f"the signature of {entry['name']} is {verdict}: {why}")


def _value(payload, path: str):
    for part in path.split("__"):
        payload = payload.get(part) if isinstance(payload, dict) else None
    return payload


def header(entry: dict, name: str) -> str:
    """A header of a request, by its name in any case."""
    return next((value for key, value in entry["headers"] if key.lower() == name), "")


def wait_until(check, otherwise: str, seconds: float = 15):
    """The first true value of ``check``; fails after some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := check():
            return value
        time.sleep(0.2)
    raise AssertionError(otherwise)
