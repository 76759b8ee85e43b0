"""What the demo begins with, and what a second run leaves alone."""

import json

import pytest
from django.contrib.auth import get_user_model

from demo.minilms.examples import EVENTS, FILTERS
from demo.minilms.models import CourseOverview
from demo.minilms.seed import seed
from openedx_webhooks import catalog
from openedx_webhooks.models import Webfilter, Webhook

pytestmark = pytest.mark.django_db
URL = "http://127.0.0.1:9000"
HOOKED = [name for name in FILTERS if catalog.find_filter(name)]


def test_a_first_run_makes_accounts_courses_and_hooks(tmp_path):
    accounts = seed(tmp_path, URL)
    assert get_user_model().objects.get(is_superuser=True).check_password(accounts.passwords[accounts.admin])
    assert CourseOverview.objects.count() == 3
    assert [hook.event_name for hook in Webhook.objects.all()] == list(EVENTS)
    assert [hook.event_name for hook in Webfilter.objects.all()] == HOOKED


def test_the_receiver_gets_the_signing_secrets_and_nobody_else_may_read_them(tmp_path):
    seed(tmp_path, URL)
    file = tmp_path / "secrets.json"
    assert json.loads(file.read_text()) == [
        hook.secret for model in (Webhook, Webfilter) for hook in model.objects.all()
    ]
    assert {path.stat().st_mode & 0o077 for path in (file, tmp_path / "demo.json")} == {0}


def test_a_second_run_keeps_what_the_operator_changed_and_moves_the_examples(tmp_path):
    accounts = seed(tmp_path, URL)
    Webfilter.objects.first().delete()
    own = Webhook.objects.create(event=Webhook.objects.first().event, webhook_url="https://example.com/hook")
    user = get_user_model().objects.get(username=accounts.admin)
    user.set_password("another one")
    user.save()

    again = seed(tmp_path, "http://127.0.0.1:9001")
    assert Webfilter.objects.count() == len(HOOKED) - 1
    assert all(hook.webhook_url.startswith("http://127.0.0.1:9001/webfilters/") for hook in Webfilter.objects.all())
    own.refresh_from_db()
    assert own.webhook_url == "https://example.com/hook"
    assert own.secret in json.loads((tmp_path / "secrets.json").read_text())
    assert not again.unchanged(again.admin)
    assert again.unchanged("ada")
