"""What every test may use."""

import pytest
from django.utils import translation

from openedx_webhooks import index
from openedx_webhooks.background import process

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
def _fresh_process(monkeypatch):
    """
    No test sees what the process has found out or put off in the test before it: caches that died, lines that were
    logged, nudges that no broker took.
    """
    from openedx_webhooks.webfilters.call_log import CallRecords  # pylint: disable=import-outside-toplevel

    # A thread with a connection of its own sees nothing of a test's transaction, and would outlive the test.
    monkeypatch.setattr(CallRecords, "INLINE", True)
    process.forget()
    process.serve()
    yield
    process.forget()
