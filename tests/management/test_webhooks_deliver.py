"""``manage.py webhooks_deliver``: what it does besides delivering, and what it says."""

import io
import os
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from openedx_webhooks.models import Webhook

from ..webhooks.conftest import LOGIN, owe

pytestmark = pytest.mark.django_db(transaction=True)


def deliver():
    """What the command says."""
    out = io.StringIO()
    call_command("webhooks_deliver", stdout=out)
    return out.getvalue()


def test_what_the_condition_skips_is_counted_as_skipped():
    owe(Webhook.objects.create(event=LOGIN, webhook_url="http://127.0.0.1:9/", condition="number == `9`"), 2)
    assert "0 delivered, 0 to be tried again, 0 failed, 2 skipped" in deliver()


def test_it_goes_on_with_a_removal_where_no_worker_runs():
    webhook = Webhook.objects.create(event=LOGIN, webhook_url="http://127.0.0.1:9/", enabled=False)
    owe(webhook, 2)
    Webhook.objects.update(removing_since=timezone.now() - timedelta(minutes=1))
    deliver()
    assert not Webhook.objects.exists()


def test_a_probe_sees_that_it_does_its_work(tmp_path):
    """The file is touched again by each round, one that has nothing to do, too."""
    alive = tmp_path / "alive"
    call_command("webhooks_deliver", alive_file=alive, stdout=io.StringIO())
    os.utime(alive, (0, 0))
    call_command("webhooks_deliver", alive_file=alive, stdout=io.StringIO())
    assert alive.stat().st_mtime > 0


def test_a_probe_sees_that_the_database_is_away(tmp_path, monkeypatch):
    def is_away(**_kwargs):
        raise OperationalError

    monkeypatch.setattr("openedx_webhooks.webhooks.deliver.deliver_due", is_away)
    with pytest.raises(OperationalError):
        call_command("webhooks_deliver", alive_file=tmp_path / "alive", stdout=io.StringIO())
    assert not (tmp_path / "alive").exists()
