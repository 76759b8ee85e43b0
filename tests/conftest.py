"""What every test may use."""

import functools
import gc
import os
import re
import runpy
from pathlib import Path

import hypothesis
import pytest
from django.core.management.color import no_style
from django.db import connections
from django.test import TransactionTestCase
from django.utils import translation
from hypothesis import HealthCheck
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
    # A machine that is busy with something else fails no test.
    hypothesis.settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    hypothesis.settings.load_profile("any machine")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """
    Skip tests of filters and events that the installed libraries lack.

    One of several processes: what takes long comes first, or one process would be at it alone at the end.
    """
    from .releases import skip_what_the_release_lacks  # pylint: disable=import-outside-toplevel  # needs the apps

    skip_what_the_release_lacks(items)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not _takes_long(item.path))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """
    Twelve thousand tests are half a million objects that stay. Without this the garbage collector looks through all of
    them again and again: a fifth of the time that it takes to collect them, and an eighth of the whole time.
    """
    gc.disable()
    result = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return result


class Scheduler(LoadScopeScheduling):
    """
    What each of several processes gets next (``pytest -n 2``): one test with all its arguments, or a whole file if its
    tests share a fixture, which every process would else make for itself; in the order of the collection, above.

    By hand, since ``--dist loadgroup`` of pytest-xdist 3.8 does nothing with pytest 9.2 (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        return file if _shares_fixtures(self.config.rootpath / file) else nodeid.partition("[")[0]


@functools.cache
def _shares_fixtures(path):
    return re.search(r'scope="(module|class)"', path.read_text()) is not None


@functools.cache
def _takes_long(path):
    starts_processes = re.search(r"^(import subprocess|from \.test_plugin_loading)", path.read_text(), re.MULTILINE)
    return starts_processes is not None or _shares_fixtures(path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Ours, unless another one is asked for."""
    if config.getvalue("dist") != "load":
        return None
    # Most tests first is not longest first.
    config.option.loadscopereorder = False
    return Scheduler(config, log)


@pytest.fixture(scope="session", autouse=True)
def _quick_flush():
    """
    A test that commits leaves empty tables, but for those of content types and permissions: to have Django make these
    anew each time takes fifteen times as long as the rest.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", _empty_tables)
        yield


def _empty_tables(case):
    for alias in case._databases_names(include_mirrors=False):
        connection = connections[alias]
        tables = {*connection.introspection.django_table_names(only_existing=True, include_views=False)}
        tables -= {"django_content_type", "auth_permission"}
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), sorted(tables)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """
    One more than there are processors (``-n auto``), where nobody says how many: many tests wait for a deadline, a
    process or a second to pass, and those of what sends take a fifth less time on two processors.
    """
    if config.option.numprocesses != "auto" or "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return (os.cpu_count() or 1) + 1


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
