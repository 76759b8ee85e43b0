"""
Which filters and events the installed libraries lack: each release of the platform has its own, and tox tests on all.

A test with such a filter's name among its arguments is skipped, as one is that says so by ``@pytest.mark.needs``.
"""

import re

import pytest
from django.db import connection

from openedx_webhooks import catalog

from .webfilters.table import TABLE

# The LMS runs on MySQL, whose bounds Django 4.2 knows.
needs_bounds = pytest.mark.skipif(
    connection.ops.integer_field_range("IntegerField")[1] is None,
    reason="Django 4.2 knows no bounds of SQLite's numbers",
)


def skip_what_the_release_lacks(items):
    """Of collected tests."""
    absent = {name for name in TABLE if not catalog.find_filter(name)}
    for item in items:
        named = absent.intersection(re.findall(r"\w+", item.name.partition("[")[2]))
        named.update(name for mark in item.iter_markers("needs") for name in mark.args if not _is_there(name))
        if named:
            item.add_marker(pytest.mark.skip(reason=f"this release has no {', '.join(sorted(named))}"))


def _is_there(name):
    return catalog.find_filter(name) or catalog.find_event(name)
