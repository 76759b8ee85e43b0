"""Operators' interventions, and the commands."""

# pylint: disable=unused-argument
import io
import os
import signal
import subprocess
import sys
import threading
import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from openedx_webhooks.management.commands import webhooks_replay
from openedx_webhooks.models import CapturedEvent, Delivery, Webhook, delivery_verbs
from openedx_webhooks.models.delivery import STATES
from openedx_webhooks.webhooks import deliver, replay
from openedx_webhooks.webhooks.deliver import deliver_due

from ..receiver import Reply
from .conftest import LOGIN, owe

pytestmark = pytest.mark.django_db(transaction=True)


def run(name, *args, **kwargs):
    out = io.StringIO()
    call_command(name, *args, stdout=out, stderr=out, **kwargs)
    return out.getvalue()


# --- Replay


@pytest.mark.parametrize("state, replayed", [(state, int(traits.is_final)) for state, traits in STATES.items()])
def test_only_finished_deliveries_are_replayed(webhook, state, replayed):
    owe(webhook, state=state, schedule_position=4, attempt_count=4, finished_at=timezone.now())
    assert replay.replay(Delivery.objects.all()) == replayed


def test_replay_starts_the_schedule_again_and_keeps_id_and_history(webhook, receiver):
    receiver.on("/hook", Reply(), Reply(status=500), Reply())
    owe(webhook)
    deliver_due()
    replay.replay(Delivery.objects.all())
    deliver_due()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempt_count, delivery.schedule_position) == ("pending", 2, 1)
    assert (delivery.finished_at, delivery.attempts.count()) == (None, 2)
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1


def test_replay_is_spread_over_time(webhook, settings):
    settings.OPENEDX_WEBHOOKS = {"REPLAY_PER_SECOND": 10}
    owe(webhook, 1200, state="failed", next_attempt_at=None)
    start = timezone.now()
    seen = []
    assert replay.replay(Delivery.objects.all(), progress=seen.append) == 1200
    waits = [(at - start).total_seconds() for at in Delivery.objects.values_list("next_attempt_at", flat=True)]
    assert sum(wait < 10 for wait in waits) == 100
    assert 119 <= max(waits) < 120.5
    assert seen == [500, 1000, 1200]


def test_payload_that_is_no_longer_kept_is_not_replayed(webhook):
    owe(webhook, state="failed")
    CapturedEvent.objects.update(payload=None)
    assert replay.replay(Delivery.objects.all()) == 0


@pytest.mark.parametrize(
    "model, changed",
    [(Delivery, {"state": "pending"}), (CapturedEvent, {"payload": None}), (CapturedEvent, {"keep_payload": False})],
)
def test_what_somebody_changes_after_it_was_chosen_is_not_replayed(webhook, monkeypatch, model, changed):
    monkeypatch.setattr(delivery_verbs, "_CHUNK", 1)
    owe(webhook, 2, state="failed", next_attempt_at=None)
    seen = []

    def progress(count):
        model.objects.filter(pk=model.objects.latest("pk").pk).update(**changed)
        seen.append(count)

    assert replay.replay(Delivery.objects.all(), progress=progress) == 1
    assert seen == [1, 1]


def test_failed_since_takes_one_webhooks_failures_after_the_time(webhook, receiver):
    other = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url())
    hour = timedelta(hours=1)
    now = timezone.now()
    new = owe(webhook, state="failed", finished_at=now - hour)[0]
    owe(webhook, state="failed", finished_at=now - 3 * hour)
    owe(webhook, state="delivered", finished_at=now)
    owe(other, state="failed", finished_at=now)
    assert list(replay.failed_since(webhook, now - 2 * hour)) == [new]


# --- Retry now and cancel


def test_retry_now_makes_pending_deliveries_due(webhook):
    owe(webhook, 3, next_attempt_at=timezone.now() + timedelta(hours=5))
    assert replay.retry_now(Delivery.objects.all()) == 3
    assert deliver_due().delivered == 3


@pytest.mark.parametrize("lease, retried", [(deliver.lease(), 0), (timedelta(), 1)])
def test_retry_now_leaves_what_is_being_sent_alone(webhook, lease, retried):
    """But not what a worker had that was killed."""
    delivery = owe(webhook)[0]
    Delivery.objects.claim([delivery.pk], uuid.uuid4(), lease)
    assert replay.retry_now(Delivery.objects.all()) == retried


@pytest.mark.parametrize("state, cancelled", [(state, int(not traits.is_final)) for state, traits in STATES.items()])
def test_only_pending_deliveries_are_cancelled(webhook, receiver, state, cancelled):
    owe(webhook, state=state)
    assert replay.cancel(Delivery.objects.all()) == cancelled
    assert deliver_due().attempts == 0
    assert not receiver.received


# --- Commands


def test_replay_command_takes_what_failed_and_the_next_run_sends_it(webhook, receiver):
    owe(webhook, 3, state="failed", finished_at=timezone.now())
    out = run("webhooks_replay", "--webhook", str(webhook.pk), "--failed-since", "1h")
    assert "3 deliveries will be sent again" in out
    assert deliver_due().delivered == 3


def test_replay_command_takes_numbers(webhook):
    first, _second = owe(webhook, 2, state="delivered")
    run("webhooks_replay", str(first.pk))
    assert [delivery.pk for delivery in Delivery.objects.filter(state="pending")] == [first.pk]


def test_dry_run_changes_nothing(webhook):
    owe(webhook, 2, state="failed", finished_at=timezone.now())
    assert "2 deliveries would be" in run(
        "webhooks_replay", "--webhook", str(webhook.pk), "--failed-since", "2d", "--dry-run"
    )
    assert not Delivery.objects.filter(state="pending").exists()


def test_replay_command_waits_and_shows_progress(webhook):
    owe(webhook, 2, state="failed", finished_at=timezone.now())
    with pytest.MonkeyPatch.context() as patch:
        # A worker, at the moment when the command would sleep.
        patch.setattr(webhooks_replay, "sleep", lambda _seconds: deliver_due())
        out = run("webhooks_replay", "--webhook", str(webhook.pk), "--failed-since", "2d", "--wait")
    assert "0 of 2 tried" in out
    assert "2 of 2 delivered" in out


@pytest.mark.parametrize(
    "args, problem",
    [
        ([], "Give either"),
        (["--webhook", "1"], "Give either"),
        (["--failed-since", "1h"], "Give either"),
        (["5", "--webhook", "1", "--failed-since", "1h"], "Give either"),
        (["--webhook", "999", "--failed-since", "1h"], "no webhook 999"),
    ],
)
def test_replay_command_says_what_is_missing(db, args, problem):
    with pytest.raises(CommandError, match=problem):
        run("webhooks_replay", *args)


@pytest.mark.parametrize("text", ["yesterday", "5", "1w", "2026-13-01", "2026-02-30T00:00", ""])
def test_replay_command_refuses_what_is_no_time(webhook, text):
    with pytest.raises(CommandError):
        run("webhooks_replay", "--webhook", str(webhook.pk), "--failed-since", text)


@pytest.mark.parametrize("text", ["30m", "6h", "2d", "2020-01-01", "2020-01-01T08:00:00+02:00", "2020-01-01 08:00"])
def test_replay_command_takes_times(webhook, text):
    assert "0 deliveries" in run("webhooks_replay", "--webhook", str(webhook.pk), "--failed-since", text)


def test_deliver_command_delivers_once_and_counts(webhook, receiver):
    receiver.on("/hook", Reply(), Reply(status=500), Reply(status=404))
    owe(webhook, 3)
    assert "1 delivered, 2 to be tried again, 0 failed" in run("webhooks_deliver", "--once")


def test_deliver_command_with_nothing_due_says_so(db):
    assert "0 delivered" in run("webhooks_deliver")


def test_loop_delivers_what_comes_later_and_ends_on_sigterm(webhook, receiver):
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    handler = signal.getsignal(signal.SIGTERM)
    owe(webhook, next_attempt_at=timezone.now() + timedelta(seconds=0.4))
    out = run("webhooks_deliver", "--loop", "--interval", "0.1")
    assert "1 delivered" in out
    assert signal.getsignal(signal.SIGTERM) is handler


def test_command_line_shows_its_help():
    result = subprocess.run(
        [sys.executable, "manage.py", "webhooks_deliver", "--help"], capture_output=True, text=True, check=True
    )
    assert "--loop" in result.stdout
