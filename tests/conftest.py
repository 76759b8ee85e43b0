"""What every test may use."""

import functools
import os
import re
import runpy
from pathlib import Path

import pytest
from django.utils import translation
from xdist.scheduler import LoadScopeScheduling

from openedx_webhooks import index
from openedx_webhooks.background import process

from .receiver import Receiver

# How much of random input a test tries: its own number, or so many times as much (`make thorough`).
TIMES = int(os.environ.get("TEST_EXAMPLES", "1"))


def pytest_configure(config):
    """Compile the translations if they changed: once, before there are other processes."""
    if not hasattr(config, "workerinput"):
        runpy.run_path(str(Path(__file__).parent.parent / "setup.py"))["compile_catalogs"]()


def pytest_collection_modifyitems(items):
    """Skip tests of filters and events that the installed libraries lack."""
    from .releases import skip_what_the_release_lacks  # pylint: disable=import-outside-toplevel  # needs the apps

    skip_what_the_release_lacks(items)


class Scheduler(LoadScopeScheduling):
    """
    What each of several processes gets next (``pytest -n 2``): one test with all its arguments, or a whole file if its
    tests share a fixture, which every process would else make for itself; what has the most tests comes first.

    By hand, since ``--dist loadgroup`` of pytest-xdist 3.8 does nothing with pytest 9.2 (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        return file if _shares_fixtures(self.config.rootpath / file) else nodeid.partition("[")[0]


@functools.cache
def _shares_fixtures(path):
    return re.search(r'scope="(module|class)"', path.read_text()) is not None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Ours, unless another one is asked for."""
    return Scheduler(config, log) if config.getvalue("dist") == "load" else None


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
    from openedx_webhooks.webfilters.call_counts import CallCounts  # pylint: disable=import-outside-toplevel
    from openedx_webhooks.webfilters.call_log import CallRecords  # pylint: disable=import-outside-toplevel

    # A thread with a connection of its own sees nothing of a test's transaction, and would outlive the test.
    monkeypatch.setattr(CallRecords, "INLINE", True)
    # Tests that want them written say so.
    monkeypatch.setattr(CallCounts, "ask", lambda _self: None)
    process.forget()
    process.serve()
    yield
    process.forget()
