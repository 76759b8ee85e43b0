"""Databases of their own for tests that migrate."""

import contextlib
import itertools

import django
import pytest
from django.db import connections

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def new_database(django_db_setup, django_db_blocker, tmp_path_factory):
    """Make an empty database of the kind that the tests run on; returns its alias."""
    default = connections["default"]
    with contextlib.ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())

        def make() -> str:
            name = f"{connections.settings['default']['NAME'].removeprefix('test_')}_migrations_{next(_numbers)}"
            options = default.settings_dict["OPTIONS"]
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
            return alias

        yield make


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
