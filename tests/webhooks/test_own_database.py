"""The plugin's tables on a database of their own, by the router of the page on scale."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found():
    """What happened on a site with two databases: in a process of its own, which migrates both."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.webhooks.own_database_settings"}
    command = [sys.executable, "-m", "tests.webhooks.own_database"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def test_each_table_is_on_one_database(found):
    assert found["tables"]["default"] == 0
    assert found["tables"]["webhooks"] > 5


def test_what_happens_is_captured_and_delivered(found):
    assert (found["delivered"], found["received"], found["page"]) == (1, 1, 200)


def test_a_request_that_is_rolled_back_on_both_has_captured_nothing(found):
    """As with ATOMIC_REQUESTS on both; where only the platform's is rolled back, the event stays captured."""
    assert (found["kept by a rollback of both"], found["kept by a rollback of one"]) == (0, 1)
