"""``manage.py webhooks_purge``."""

import io

import pytest
from django.core.management import CommandError, call_command

from openedx_webhooks.models import Attempt, Call, Delivery, Webfilter
from openedx_webhooks.operations import retention

from ..operations import test_retention
from ..operations.test_retention import FILTER, State, call, deliver, what_is_left

pytestmark = pytest.mark.django_db
make_webhook, make_webfilter = test_retention.make_webhook, test_retention.make_webfilter


def purge(*arguments):
    """What the command says."""
    out = io.StringIO()
    call_command("webhooks_purge", *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([], ["full", "emptied", "gone"]),
        (["--payloads-only"], ["full", "emptied", "emptied"]),
        (["--older-than", "5"], ["full", "gone", "gone"]),
        (["--older-than", "0"], ["gone", "gone", "gone"]),
        (["--older-than", "inf"], ["full", "full", "full"]),
        (["--older-than", "0.5", "--payloads-only"], ["emptied", "emptied", "emptied"]),
        (["--older-than", "0", "--dry-run"], ["full", "full", "full"]),
    ],
)
def test_the_age_is_the_settings_or_the_option_s(webhook, arguments, expected):
    deliveries = [deliver(webhook, age) for age in (1, 10, 40)]
    purge(*arguments)
    assert [what_is_left(delivery) for delivery in deliveries] == expected


def test_it_says_what_it_did_and_what_it_would_do(webhook):
    for age in (10, 40, 40):
        deliver(webhook, age)
    assert "Would be deleted: 2 records; emptied: 1." in purge("--dry-run")
    assert "Deleted: 2 records; emptied: 1." in purge()
    assert "Deleted: 0 records; emptied: 0." in purge()


def test_pending_deliveries_stay(webhook):
    delivery = deliver(webhook, 40, State.PENDING)
    purge("--older-than", 0)
    assert what_is_left(delivery) == "full"


def test_of_one_webhook_only(webhook, webfilter):
    other = deliver(type(webhook).objects.create(event=webhook.event, webhook_url="https://example.org/"), 40)
    deliver(webhook, 40)
    call(webfilter, 40)
    purge("--older-than", 0, "--webhook", webhook.pk)
    assert list(Delivery.objects.all()) == [other]
    assert (Attempt.objects.count(), Call.objects.count()) == (1, 1)


def test_of_one_webfilter_only(webhook, webfilter):
    other = call(Webfilter.objects.create(event=FILTER, webhook_url="https://example.org/"), 40)
    call(webfilter, 40)
    deliver(webhook, 40)
    purge("--older-than", 0, "--webfilter", webfilter.pk)
    assert list(Call.objects.all()) == [other]
    assert Delivery.objects.count() == 1


def test_if_the_settings_keep_everything_it_says_so(webhook, settings):
    settings.OPENEDX_WEBHOOKS = {"RETENTION_PAYLOAD_DAYS": 0, "RETENTION_ROW_DAYS": 0}
    delivery = deliver(webhook, 4000)
    assert "--older-than" in purge()
    assert what_is_left(delivery) == "full"


def test_progress_is_a_line_that_is_overwritten_on_a_terminal(webhook, monkeypatch):
    class Terminal(io.StringIO):
        """A terminal."""

        def isatty(self):
            return True

    monkeypatch.setattr(retention, "_STEP_ROWS", 1)
    monkeypatch.setattr("openedx_webhooks.management.output._TERMINAL_SECONDS", 0)
    for _ in range(2):
        deliver(webhook, 40)
    out = Terminal()
    call_command("webhooks_purge", stdout=out)
    lines = out.getvalue().split("\r")
    assert [line.split()[1] for line in lines if line] == ["1", "2", "2"]
    assert out.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["--older-than", "-1"], "older-than"),
        (["--older-than", "soon"], "older-than"),
        (["--older-than", "nan"], "older-than"),
        (["--webhook", "x"], "webhook"),
        (["--webhook", "999999"], "There is no webhook 999999."),
        (["--webfilter", "999999"], "There is no webfilter 999999."),
        (["--webhook", "1", "--webfilter", "1"], "not allowed"),
    ],
)
def test_bad_input_is_refused_and_nothing_removed(webhook, arguments, problem):
    delivery = deliver(webhook, 40)
    with pytest.raises(CommandError, match=problem):
        purge(*arguments)
    assert what_is_left(delivery) == "full"


def test_a_wrong_setting_is_said(settings):
    settings.OPENEDX_WEBHOOKS = {"RETENTION_ROW_DAYS": "soon"}
    with pytest.raises(CommandError, match="RETENTION_ROW_DAYS"):
        purge()
