"""Databases of their own for tests that migrate."""

import contextlib
import itertools

import django
import pytest
from django.db import connections

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def brief_database(django_db_setup, django_db_blocker, tmp_path_factory):
    """``with brief_database() as alias``: an empty database of the kind that the tests run on, dropped at the end."""

    @contextlib.contextmanager
    def make():
        default = connections["default"]
        name = f"{connections.settings['default']['NAME'].removeprefix('test_')}_migrations_{next(_numbers)}"
        options = default.settings_dict["OPTIONS"]
        with contextlib.ExitStack() as stack:
            if default.vendor == "sqlite":
                # A file, since more than one connection needs it; one that need not survive a power cut.
                if django.VERSION >= (5, 1):
                    options = {**options, "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF"}
                name = str(tmp_path_factory.mktemp("database") / "upgrade.sqlite3")
            else:
                name = f"test_{name}"
                _server(default, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
                stack.callback(_server, default, f"DROP DATABASE {name}")
            alias = f"migrations_{next(_numbers)}"
            connections.settings[alias] = {**default.settings_dict, "NAME": name, "OPTIONS": options}
            stack.callback(_forget, alias)
            yield alias

    with django_db_blocker.unblock():
        yield make


@pytest.fixture(scope="module")
def new_database(brief_database):
    """Make a database that stays until the module's tests have ended; returns its alias."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(brief_database())


def _server(connection, *statements):
    with connection._nodb_cursor() as cursor:  # pylint: disable=protected-access
        for statement in statements:
            if connection.vendor == "mysql" and statement.startswith("CREATE"):
                statement += " CHARACTER SET utf8mb4"
            cursor.execute(statement)


def _forget(alias):
    connections[alias].close()
    del connections[alias]
    del connections.settings[alias]
