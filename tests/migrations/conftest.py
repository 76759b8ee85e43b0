"""Databases of their own for tests that migrate."""

import contextlib

import pytest

from . import databases


@pytest.fixture(scope="module")
def brief_database(django_db_setup, django_db_blocker, tmp_path_factory):
    """``with brief_database() as alias``: an empty database of the kind that the tests run on, dropped at the end."""
    with django_db_blocker.unblock():
        yield lambda: databases.brief_database(tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="module")
def new_database(brief_database):
    """Make a database that stays until the module's tests have ended; returns its alias."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(brief_database())
