"""The lists of webhooks and webfilters: columns, filters, search, actions and deletion."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.html import escape

from openedx_webhooks import index
from openedx_webhooks.models import Attempt, Call, Delivery, Tally, Webfilter, Webhook
from openedx_webhooks.operations import removal, tallies, workers
from openedx_webhooks.tally_rows import start_of
from openedx_webhooks.transport.breaker import breaker
from openedx_webhooks.webhooks import wakeups

from .conftest import HOSTILE, LOGIN, MAY_LOGIN, UNKNOWN, make_delivery, url_of

pytestmark = pytest.mark.django_db
NOW = "2026-11-24T12:00Z"


def listed(client, model, query="") -> set[int]:
    """The primary keys on a list."""
    response = client.get(url_of(model) + query)
    assert response.status_code == 200
    return {hook.pk for hook in response.context["cl"].result_list}


def act(client, model, action, *hooks, **more):
    """Run an action on hooks, and confirm it."""
    data = {"action": action, "_selected_action": [hook.pk for hook in hooks], "post": "yes", **more}
    return client.post(url_of(model), data)


class TestColumns:
    """What a row says."""

    @pytest.mark.usefixtures("webhook")
    def test_the_event_by_its_short_name_and_the_server(self, admin_client):
        page = admin_client.get(url_of(Webhook)).content.decode()
        assert ">SESSION_<wbr>LOGIN_<wbr>COMPLETED</span>" in page
        assert ">crm.<wbr>example.<wbr>com</span>" in page

    @pytest.mark.parametrize("model", [Webhook, Webfilter])
    def test_a_type_that_is_not_installed_says_so(self, admin_client, model):
        model.objects.create(event=UNKNOWN, webhook_url="https://example.com/")
        page = admin_client.get(url_of(model)).content.decode()
        assert UNKNOWN in page
        assert "not known to this installation" in page
        assert ">misconfigured<" in page

    def test_how_many_attempts_of_the_last_day_were_accepted(self, admin_client, webhook):
        for state in ("delivered", "delivered", "delivered", "failed"):
            make_delivery(webhook, state)
        make_delivery(webhook, "failed")
        Attempt.objects.filter(pk=Attempt.objects.latest("pk").pk).update(started_at=timezone.now() - timedelta(days=2))
        page = admin_client.get(url_of(Webhook)).content.decode()
        assert '75 % <span class="owh-quiet-text">of 4 attempts</span>' in page

    def test_nearly_all_is_not_all(self, admin_client, webhook):
        tallies.count(tallies.ATTEMPTS)
        counts = {"accepted": {"": 39_999}, "refused": {"": 1}}
        start = start_of(timezone.now(), Tally.Span.HOUR)
        Tally.objects.create(webhook=webhook, span=Tally.Span.HOUR, start=start, counts=counts)
        page = admin_client.get(url_of(Webhook)).content.decode()
        assert '99 % <span class="owh-quiet-text">of 40,000 attempts</span>' in page

    def test_the_latest_delivery(self, admin_client, webhook):
        make_delivery(webhook, "delivered", created=timezone.now() - timedelta(hours=2))
        make_delivery(webhook, "failed", created=timezone.now() - timedelta(hours=1))
        row = admin_client.get(url_of(Webhook)).content.decode().partition("field-latest_column")[2]
        assert row.startswith('"><span class="owh-badge owh-bad"')

    @pytest.mark.parametrize(
        "fields, says",
        [
            ({}, ">nothing sent yet<"),
            ({"enabled": False}, ">disabled<"),
            (
                {"failing_since": NOW, "consecutive_failures": 3},
                '>failing</span><div class="owh-evidence">3 failures in',
            ),
            ({"enabled": False, "failing_since": NOW, "disabled_reason": "gone"}, 'title="gone">disabled<'),
            ({"paused": True}, ">paused<"),
            ({"paused": True, "failing_since": NOW}, ">paused<"),
            ({"paused": True, "enabled": False}, ">disabled<"),
            (
                {"removing_since": NOW, "enabled": False},
                'being removed</span> <span class="owh-quiet-text">0 deliveries left<',
            ),
            ({"webhook_url": "http://[bad/x"}, ">misconfigured<"),
        ],
    )
    @pytest.mark.usefixtures("webhook")
    def test_the_health_of_a_webhook(self, admin_client, fields, says):
        Webhook.objects.update(**fields)
        assert says in admin_client.get(url_of(Webhook)).content.decode()

    def test_the_figures_of_webfilters_are_of_all_calls(self, admin_client, call):
        start = start_of(timezone.now(), Tally.Span.HOUR)
        counts = {"would_halt": {"": 1}}
        Tally.objects.create(webfilter=call.webfilter, span=Tally.Span.HOUR, start=start, counts=counts)
        page = admin_client.get(url_of(Webfilter)).content.decode()
        assert '1<br><span class="owh-quiet-text">Would have halted: 1</span>' in page
        assert ">observing</span>" in page
        assert call.webfilter.server in page.replace("<wbr>", "")

    def test_the_health_of_a_webfilter_is_its_breaker(self, admin_client, webfilter):
        for _ in range(5):
            breaker(webfilter.webhook_url).record(False)
        try:
            assert ">circuit open<" in admin_client.get(url_of(Webfilter)).content.decode()
        finally:
            breaker(webfilter.webhook_url).reset()

    def test_a_page_takes_the_same_number_of_queries_however_many_hooks_it_lists(
        self, admin_client, django_assert_max_num_queries
    ):
        for number in range(30):
            made = Webhook.objects.create(event=LOGIN, webhook_url=f"https://example.com/{number}")
            make_delivery(made)
        workers.note()
        with django_assert_max_num_queries(24):
            admin_client.get(url_of(Webhook))

    @pytest.mark.parametrize("model", [Webhook, Webfilter])
    def test_hostile_text_is_escaped(self, admin_client, model):
        model.objects.create(event=HOSTILE, webhook_url="https://example.com/" + HOSTILE, description=HOSTILE)
        page = admin_client.get(url_of(model)).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert escape(HOSTILE)[:20] in page


@pytest.mark.parametrize(
    "query, expected",
    [
        ("", {1, 2, 3, 4}),
        (f"?event={LOGIN}", {1, 4}),
        ("?health=failing", {4}),
        ("?health=disabled", {3}),
        ("?health=nothing_yet", {1, 2}),
        ("?health=nonsense", {1, 2, 3, 4}),
        ("?q=SESSION_LOGIN", {1, 4}),
        ("?q=session.login", {1, 4}),
        ("?q=crm", {1}),
        ("?q=grades", {2}),
        ("?q=nothing+of+this", set()),
    ],
)
def test_filters_and_search_of_webhooks(admin_client, query, expected):
    course = "org.openedx.content_authoring.course.created.v1"
    grade = "org.openedx.learning.student.registration.completed.v1"
    for number, fields in enumerate(
        [
            {"event": LOGIN, "webhook_url": "https://crm.example.com/"},
            {"event": course, "description": "syncs grades"},
            {"event": grade, "enabled": False, "failing_since": NOW, "disabled_reason": "down"},
            {"event": LOGIN, "failing_since": NOW, "consecutive_failures": 9},
        ],
        start=1,
    ):
        Webhook.objects.create(pk=number, **{"webhook_url": "https://example.com/", **fields})
    assert listed(admin_client, Webhook, query) == expected


@pytest.mark.usefixtures("webfilter")
def test_hooks_of_unknown_types_can_be_found(admin_client):
    lost = Webfilter.objects.create(event=UNKNOWN, webhook_url="https://example.com/")
    assert listed(admin_client, Webfilter, "?health=misconfigured") == {lost.pk}


class TestActions:
    """Enable and disable."""

    @pytest.mark.parametrize("model, event", [(Webhook, LOGIN), (Webfilter, MAY_LOGIN)])
    @pytest.mark.parametrize("action, enabled", [("enable_hooks", True), ("disable_hooks", False)])
    def test_they_take_effect_in_this_process_at_once(self, admin_client, model, event, action, enabled):
        hook = model.objects.create(event=event, webhook_url="https://example.com/", enabled=not enabled)
        hooks = index.webhooks if model is Webhook else index.webfilters
        assert bool(hooks.get(event)) is not enabled
        act(admin_client, model, action, hook)
        assert bool(hooks.get(event)) is enabled

    @pytest.mark.parametrize("action", ["enable_hooks", "disable_hooks"])
    @pytest.mark.parametrize("model, event", [(Webhook, LOGIN), (Webfilter, MAY_LOGIN)])
    def test_other_processes_notice_by_modified(self, admin_client, model, event, action):
        hook = model.objects.create(event=event, webhook_url="https://example.com/", enabled=action == "disable_hooks")
        model.objects.update(modified=timezone.now() - timedelta(days=1))
        act(admin_client, model, action, hook)
        assert timezone.now() - model.objects.get().modified < timedelta(minutes=1)

    def test_enabling_forgets_the_failures(self, admin_client, webhook):
        Webhook.objects.update(
            enabled=False, consecutive_failures=9, failing_since=NOW, warned_at=NOW, disabled_reason="down"
        )
        act(admin_client, Webhook, "enable_hooks", webhook)
        webhook.refresh_from_db()
        assert (
            webhook.enabled,
            webhook.consecutive_failures,
            webhook.failing_since,
            webhook.warned_at,
            webhook.disabled_reason,
        ) == (True, 0, None, None, "")

    def test_what_waited_is_asked_for_at_once(self, admin_client, webhook, monkeypatch):
        nudges = []
        monkeypatch.setattr(wakeups, "nudge_on_commit", nudges.append)
        Webhook.objects.update(enabled=False)
        act(admin_client, Webhook, "enable_hooks", webhook)
        assert nudges == ["default"]

    def test_they_are_in_the_history(self, admin_client, webhook):
        act(admin_client, Webhook, "disable_hooks", webhook)
        history = admin_client.get(url_of(Webhook, "history", webhook.pk)).content.decode()
        assert ">Enabled</dt>" in history

    def test_only_the_selected_ones_change(self, admin_client, webhook):
        other = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/")
        act(admin_client, Webhook, "disable_hooks", webhook)
        other.refresh_from_db()
        assert other.enabled


class TestDeletion:
    """A hook goes with its records, however many."""

    @pytest.fixture(autouse=True)
    def _small_steps(self, monkeypatch):
        monkeypatch.setattr(removal, "_CHUNK", 2)

    def test_the_records_are_counted_on_the_question(self, admin_client, webhook):
        for _ in range(3):
            make_delivery(webhook)
        page = admin_client.get(url_of(Webhook, "delete", webhook.pk)).content.decode()
        assert "3 deliveries" in page

    def test_deliveries_and_attempts_go_with_their_webhook(self, admin_client, webhook):
        other = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/")
        kept = make_delivery(other)
        for _ in range(5):
            make_delivery(webhook)
        response = admin_client.post(url_of(Webhook, "delete", webhook.pk), {"post": "yes"})
        assert response.status_code == 302
        assert list(Webhook.objects.all()) == [other]
        assert list(Delivery.objects.all()) == [kept]
        assert list(Attempt.objects.all()) == list(kept.attempts.all())

    def test_calls_go_with_their_webfilter(self, admin_client, call):
        admin_client.post(url_of(Webfilter, "delete", call.webfilter_id), {"post": "yes"})
        assert not Webfilter.objects.exists()
        assert not Call.objects.exists()

    def test_several_at_once(self, admin_client, webhook):
        other = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/")
        make_delivery(webhook)
        act(admin_client, Webhook, "delete_selected", webhook, other, post="yes")
        assert not Webhook.objects.exists()
        assert not Delivery.objects.exists()


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_a_search_for_a_thousand_words_is_answered(admin_client, model):
    """A page that was pasted into the box: SQLite knows no query of that depth."""
    assert admin_client.get(url_of(model), {"q": "word " * 1000}).status_code == 200


class TestStatus:
    """Above the lists: is anything sent at all?"""

    @pytest.mark.parametrize("model", [Webhook, Webfilter])
    def test_one_line_where_it_runs(self, admin_client, model):
        workers.note()
        page = admin_client.get(url_of(model)).content.decode()
        assert '<span class="owh-badge owh-good">running</span> A worker looked for deliveries' in page
        assert "owh-alert" not in page

    def test_a_site_on_which_nobody_delivers_says_so_with_the_remedy(self, admin_client, webhook):
        make_delivery(webhook, "pending", next_attempt_at=timezone.now() - timedelta(minutes=5))
        page = admin_client.get(url_of(Webhook)).content.decode()
        assert '<div class="owh-alert owh-bad" role="alert">' in page
        assert "No worker has ever looked for deliveries" in page
        assert "webhooks_deliver --loop" in page
