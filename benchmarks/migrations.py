"""The upgrade of a database of the published plugin with many hooks, and the way back.

``BENCHMARK_ROWS`` is how many webhooks (100,000; a tenth as many webfilters). ``TEST_DATABASE_URL`` chooses the
database, as for the tests.
"""

import os
import tempfile
import time
from pathlib import Path

from django.core.management import call_command
from django.db import connections

from benchmarks import _million
from benchmarks._goals import Goals
from tests.migrations import databases, published

ROWS = int(os.environ.get("BENCHMARK_ROWS", "100000"))
# A million in ten minutes, on a machine that has other work too.
_GOAL_PER_SECOND = 1700
# One that no library knows among them.
_EVENTS = ("SESSION_LOGIN_COMPLETED", "COURSE_ENROLLMENT_CREATED", "EVENT_OF_A_REMOVED_PLUGIN", "CERTIFICATE_CREATED")
_FILTERS = ("StudentLoginRequested", "CourseEnrollmentStarted")


def main() -> bool:
    """Print the duration of each migration; False if all of them together were slower than the goal."""
    goals = Goals()
    with tempfile.TemporaryDirectory(prefix="webhooks-migrations-") as directory:
        with databases.brief_database(Path(directory)) as alias:
            database = connections[alias]
            print(f"Database: {database.vendor}, {ROWS:,} webhooks, {ROWS // 10:,} webfilters")
            published.Dump("22.0.0", [], []).load(database)
            _fill(database, "openedx_webhooks_webhook", ROWS, _EVENTS)
            _fill(database, "openedx_webhooks_webfilter", ROWS // 10, _FILTERS)
            forward = [_migrate(goals, alias, "to", target) for target in ("0009", "0010", "0011")]
            per_second = ROWS / sum(forward)
            goals.add(
                "… all of them",
                f"{sum(forward):.1f} s",
                per_second >= _GOAL_PER_SECOND,
                f"≥ {_GOAL_PER_SECOND:,} webhooks/s",
                f"{per_second:,.0f} webhooks/s",
            )
            for target in ("0010", "0009", "0008"):
                _migrate(goals, alias, "back to", target)
    return goals.are_met


def _fill(database, table: str, rows: int, names: tuple[str, ...]) -> None:
    values = {
        "varchar(50) NOT NULL": f"CASE n % {len(names)} "
        + " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(names))
        + " END",
        "varchar(255) NOT NULL": "'https://hooks.example/lms'",
        "id": "n + 1",
        "datetime": "CURRENT_TIMESTAMP",
        "bool": "n % 2 = 0",
        "text": "'What it is for'",
    }
    columns = {name: values[kind] for name, kind in published.TABLES[table].items()}
    _million.insert(database, table, rows, columns)


def _migrate(goals: Goals, alias: str, direction: str, target: str) -> float:
    start = time.perf_counter()
    call_command("migrate", "openedx_webhooks", target, database=alias, verbosity=0, interactive=False)
    seconds = time.perf_counter() - start
    goals.add(f"{direction} {target}", f"{seconds:.1f} s", beside=f"{ROWS / seconds:,.0f} webhooks/s")
    return seconds
