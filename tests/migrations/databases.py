"""Databases that are migrated by themselves, of the kind that the tests run on."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import django
from django.db import connections

_numbers = itertools.count(1)


@contextlib.contextmanager
def brief_database(directory: Path) -> Iterator[str]:
    """The alias of an empty database, which is dropped at the end; SQLite's file is in the directory."""
    default, number = connections["default"], next(_numbers)
    options = default.settings_dict["OPTIONS"]
    with contextlib.ExitStack() as stack:
        if default.vendor == "sqlite":
            # A file, since more than one connection needs it; one that need not survive a power cut.
            if django.VERSION >= (5, 1):
                options = {**options, "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF"}
            name = str(directory / "upgrade.sqlite3")
        else:
            name = f"test_{connections.settings['default']['NAME'].removeprefix('test_')}_migrations_{number}"
            _server(default, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
            stack.callback(_server, default, f"DROP DATABASE {name}")
        alias = f"migrations_{number}"
        connections.settings[alias] = {**default.settings_dict, "NAME": name, "OPTIONS": options}
        stack.callback(_forget, alias)
        yield alias


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
