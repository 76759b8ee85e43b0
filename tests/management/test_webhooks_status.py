"""``manage.py webhooks_status``: what it prints, and its exit status."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from openedx_webhooks.models import Mark
from openedx_webhooks.operations import workers

pytestmark = pytest.mark.django_db


def run(*args):
    """Exit status and what was printed."""
    out = io.StringIO()
    try:
        call_command("webhooks_status", *args, stdout=out)
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


def test_where_a_worker_delivers():
    workers.note()
    status, text = run()
    assert status == 0
    assert "✓ worker: A worker looked for deliveries" in text
    assert "✓ broker:" in text


def test_where_none_answers_it_says_so_with_the_remedy_and_fails():
    status, text = run("--wait", "0.3")
    assert status == 1
    assert "✕ worker: No worker has ever looked for deliveries" in text
    assert "none answered within 0.3 seconds" in text
    assert "→ Start the platform's Celery workers" in text


def test_a_worker_that_answers_when_it_is_asked(monkeypatch):
    """On a quiet site nobody has asked it for long."""
    Mark.objects.create(name="worker:celery@host", at=timezone.now() - timedelta(days=1))
    monkeypatch.setattr(workers, "ask", lambda: workers.note() or True)
    status, text = run()
    assert status == 0
    assert "✓ worker: A worker looked for deliveries 0 seconds ago: webhooks_deliver@" in text


@pytest.mark.parametrize("is_seen", [True, False])
def test_json_for_scripts(is_seen):
    if is_seen:
        workers.note()
    status, text = run("--json", "--wait", "0.1")
    report = json.loads(text)
    assert (status, report["status"]) == ((0, "warn") if is_seen else (1, "bad"))
    assert set(report["findings"][0]) == {"name", "level", "words", "remedy"}
    assert {"worker", "backlog", "clock", "queue", "broker", "cache"} <= {
        finding["name"] for finding in report["findings"]
    }
