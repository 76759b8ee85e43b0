"""The demo is a site as it should be: what a new operator looks at first finds nothing wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Broker and worker are the smoke run's.
LOOK = """
import django; django.setup()
from django.conf import settings
from openedx_webhooks.operations import reachability
print(reachability.is_cache_private(), reachability.cache_error(), settings.OPENEDX_WEBHOOKS["ALERT_EMAILS"] != [])
"""


@pytest.fixture(name="run")
def _run(tmp_path):
    """A function: Python with arguments, in the demo's settings and a directory of its own; its output."""

    def run(*arguments):
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "demo.minilms.settings", "DEMO_DIR": str(tmp_path)}
        environment["PYTHONPATH"] = str(ROOT)
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_djangos_checks_for_a_deployment_find_nothing(run):
    status, said = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert (status, "no issues" in said) == (0, True), said


def test_its_processes_share_a_cache_and_somebody_is_told(run):
    assert run("-c", LOOK) == (0, "False  True\n")
