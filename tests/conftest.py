"""What every test may use."""

import pytest
from django.utils import translation

from openedx_webhooks import index, shared_cache, skips

from .receiver import Receiver


@pytest.fixture
def receiver():
    """A real HTTP server on loopback."""
    with Receiver() as server:
        yield server


@pytest.fixture(autouse=True)
def _fresh_index():
    """No test sees the hooks of the test before it, whose rows were rolled back behind the index's back."""
    index.webhooks.forget()
    index.webfilters.forget()
    yield
    index.webhooks.forget()
    index.webfilters.forget()


@pytest.fixture(autouse=True)
def _own_language():
    """Django leaves the language of the last request on."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _the_cache_works_again():
    """A cache that one test lets die must not be left alone in the next."""
    shared_cache.forget()


@pytest.fixture(autouse=True)
def _calls_are_recorded_at_once(monkeypatch):
    """A thread with a connection of its own sees nothing of a test's transaction, and would outlive the test."""
    from openedx_webhooks.webfilters.call_log import recorder  # pylint: disable=import-outside-toplevel

    monkeypatch.setattr(recorder, "inline", True)


@pytest.fixture(autouse=True)
def _skips_are_told_anew(monkeypatch):
    """Hooks of different tests have the same numbers, and what fails is told once an hour for each number."""
    monkeypatch.setattr(skips, "_logged", {})
