"""``manage.py webhooks_replay --events``: captured events for a webhook that was not there when they happened."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from openedx_webhooks.management.commands import webhooks_replay
from openedx_webhooks.models import CapturedEvent, Delivery, Webhook
from openedx_webhooks.webhooks.deliver import deliver_due

from ..webhooks.conftest import LOGIN, happened

pytestmark = pytest.mark.django_db(transaction=True)
COURSE = "course-v1:edX+DemoX+2026"


@pytest.fixture
def webhook(db):  # pylint: disable=unused-argument
    """A webhook that is new."""
    return Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/")


def run(webhook, *arguments):
    """What the command says about past events of a webhook."""
    out = io.StringIO()
    call_command("webhooks_replay", "--events", f"--webhook={webhook.pk}", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_it_owes_what_happened_before(webhook):
    events = happened(3)
    assert "3 events will be sent." in run(webhook)
    assert set(Delivery.objects.values_list("event_id", "state")) == {(event.pk, "pending") for event in events}
    assert "0 events will be sent.\nIt was owed 3 already" in run(webhook)


def test_a_dry_run_counts_and_changes_nothing(webhook):
    happened(5)
    Webhook.objects.update(condition="number > `2`")
    said = run(webhook, "--dry-run")
    assert "2 events would be sent." in said
    assert "its condition does not match 3." in said
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--learner", "ada"], {"ada"}),
        (["--learner", "2"], {"bob"}),
        (["--learner", "nobody"], set()),
        (["--course", COURSE], {"bob"}),
        (["--since", "1d"], {"ada", "bob"}),
        (["--until", "1d"], {"old"}),
        (["--since", "7d", "--until", "1d"], {"old"}),
        (["--limit", "1"], {"old"}),
        ([], {"old", "ada", "bob"}),
    ],
)
def test_only_what_is_asked_for(webhook, arguments, expected):
    happened(username="old", user_id=3)
    CapturedEvent.objects.update(created=timezone.now() - timedelta(days=3))
    happened(username="ada", user_id=1)
    happened(username="bob", user_id=2, course_key=COURSE)
    happened(event_type="org.example.other.v1", username="other")
    run(webhook, *arguments)
    assert set(Delivery.objects.values_list("event__username", flat=True)) == expected


@pytest.mark.parametrize("count, is_cut", [(2, False), (3, True)])
def test_that_there_are_more_than_the_limit_is_said(webhook, monkeypatch, count, is_cut):
    monkeypatch.setattr(webhooks_replay, "_LIMIT", 2)
    happened(count)
    assert ("There are more than 2: run this again for the rest" in run(webhook)) is is_cut
    assert Delivery.objects.count() == 2


@pytest.mark.parametrize(
    "fields, says", [({"enabled": False}, "until it is enabled"), ({"paused": True}, "until it is resumed")]
)
def test_that_they_will_wait_is_said(webhook, fields, says):
    Webhook.objects.update(**fields)
    happened()
    assert says in run(webhook)
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["--webhook", "1", "--events", "--failed-since", "1h"], "--events goes with --webhook"),
        (["--webhook", "1", "--events", "--wait"], "--events goes with --webhook"),
        (["--events"], "--events goes with --webhook"),
        (["7", "--events", "--webhook", "1"], "--events goes with --webhook"),
        (["--webhook", "999", "--events"], "no webhook 999"),
        (["--webhook", "1", "--learner", "ada"], "--learner: give --events, too"),
        (["--webhook", "1", "--failed-since", "1h", "--limit", "5", "--course", "x"], "--course, --limit: give"),
        (["--webhook", "1", "--events", "--limit", "0"], "at least 1"),
        (["--webhook", "1", "--events", "--limit", "many"], "limit"),
    ],
)
def test_bad_input_is_told(webhook, arguments, problem):
    happened()
    arguments = [str(webhook.pk) if argument == "1" else argument for argument in arguments]
    with pytest.raises(CommandError, match=problem):
        call_command("webhooks_replay", *arguments, stdout=io.StringIO(), stderr=io.StringIO())
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", ""])
def test_what_is_no_time_is_refused(webhook, option, text):
    happened()
    with pytest.raises(CommandError, match="is no time"):
        run(webhook, option, text)


def test_a_webhook_that_is_being_removed_is_owed_nothing(webhook):
    Webhook.objects.update(removing_since=timezone.now(), enabled=False)
    with pytest.raises(CommandError, match="being removed"):
        run(webhook)


def test_what_is_sent_is_delivered(receiver):
    webhook = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/hook"))
    happened(3)
    run(webhook)
    assert deliver_due().delivered == 3
    assert sorted(request.json["number"] for request in receiver.received) == [0, 1, 2]
