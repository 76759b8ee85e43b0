"""What every test may use."""

import runpy
from pathlib import Path

import pytest
from django.utils import translation

from openedx_webhooks import index, shared_cache, skips

from .receiver import Receiver


def pytest_configure(config):
    """Compile the translations if they changed: once, before there are other processes."""
    if not hasattr(config, "workerinput"):
        runpy.run_path(str(Path(__file__).parent.parent / "setup.py"))["compile_catalogs"]()


def pytest_itemcollected(item):
    """
    Tests that share something made at some cost run in the same process of several (``pytest -n 2 --dist loadgroup``).

    What they share is a fixture of ours with the scope of a module or class.
    """
    definitions = [found[-1] for found in item._fixtureinfo.name2fixturedefs.values()]
    scopes = {definition.scope for definition in definitions if definition.baseid.startswith("tests")}
    if "module" in scopes:
        item.add_marker(pytest.mark.xdist_group(item.getparent(pytest.Module).nodeid))
    elif "class" in scopes:
        item.add_marker(pytest.mark.xdist_group(item.getparent(pytest.Class).nodeid))


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
