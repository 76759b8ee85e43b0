"""The receiver of docs/how-tos/missed.rst finds out what it missed."""

import json
import os
import sqlite3
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.utils import timezone

from openedx_webhooks.models import CapturedEvent, Delivery, Webhook
from openedx_webhooks.operations import receiver_access
from openedx_webhooks.webhooks.deliver import deliver_due

HOW_TOS = Path(__file__).resolve().parents[2] / "docs" / "how-tos"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.django_db(transaction=True)
def test_receiver_that_lost_its_database_gets_all_that_is_kept_and_names_the_rest(live_server, receiver, tmp_path):
    webhook = Webhook.objects.create(
        event="org.openedx.learning.auth.session.login.completed.v1",
        webhook_url=receiver.url(), secret=SECRET, receiver_access=True,
    )  # fmt: skip
    for number in range(6):
        event = CapturedEvent.objects.create(
            event_id=uuid.uuid4(), event_type=webhook.event, time=timezone.now(), payload={"n": number}
        )
        Delivery.objects.create(webhook=webhook, event=event)
    deliver_due()
    CapturedEvent.objects.filter(deliveries__sequence=2).update(payload=None)
    Delivery.objects.filter(sequence=3).delete()
    Delivery.objects.filter(sequence=4).update(state="pending")
    environment = {"LMS": live_server.url, "WEBHOOK_TOKEN": receiver_access.make_token(webhook)}

    def reconcile():
        command = [sys.executable, HOW_TOS / "reconcile.py", tmp_path / "inbox.db"]
        environ = {**os.environ, "WEBHOOK_SECRET": SECRET, **environment}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout.splitlines(), done.stderr

    lost = ["message 2 can't be had: payload_removed", "message 3 can't be had: removed"]
    assert reconcile() == (1, ["of 6 messages: 0 were here, 3 fetched, 1 coming", *lost], "")
    with sqlite3.connect(tmp_path / "inbox.db") as inbox:
        kept = {number: json.loads(body) for number, body in inbox.execute("SELECT sequence, body FROM messages")}
    inbox.close()
    sent = {int(one.headers["webhook-sequence"]): one.json for one in receiver.received}
    assert kept == {number: sent[number] for number in (1, 5, 6)}
    assert reconcile() == (1, ["of 6 messages: 3 were here, 0 fetched, 1 coming", *lost], "")
