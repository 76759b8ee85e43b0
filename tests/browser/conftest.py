"""One demo and one Chromium for all tests of this folder."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from .desk import Desk
from .site import running_site

# Chromium must not ask anybody on the net for anything.
_ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def pytest_configure():
    """Without a browser there is nothing to begin with."""
    if not _installed_chromium():
        raise pytest.UsageError(
            "These tests drive Chromium. Install it (Debian: apt install chromium; Ubuntu: Google Chrome's package; "
            "macOS: brew install --cask chromium), or name it: make test-browser CHROMIUM=/path/to/it"
        )


def _installed_chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), "")


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A running demo."""
    with running_site(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="session")
def chromium():
    """The Chromium that is installed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_installed_chromium(), args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_desk(chromium, site):
    """Open windows: ``open_desk("ada", width=360, language="es")``."""
    desks = []

    def opened(username="admin", **how) -> Desk:
        desks.append(Desk(chromium, site, username, **how))
        return desks[-1]

    yield opened
    for each in desks:
        each.close()


@pytest.fixture
def desk(open_desk):
    """The administrator's window."""
    return open_desk()
