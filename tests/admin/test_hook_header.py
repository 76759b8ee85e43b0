"""What stands first on a hook's page: state, health and buttons; and how the rest is ordered."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from openedx_webhooks import index
from openedx_webhooks.models import Call, Delivery, Webfilter, Webhook
from openedx_webhooks.operations import statistics
from openedx_webhooks.transport.breaker import breaker
from openedx_webhooks.webhooks import wakeups

from .conftest import LOGIN, MAY_LOGIN, count_calls, form_of, make_delivery, url_of

pytestmark = pytest.mark.django_db


def header_of(client, hook) -> str:
    """The header of a hook's page."""
    page = client.get(url_of(type(hook), "change", hook.pk)).content.decode()
    return re.search(r'<section class="owh-header.*?</section>', page, re.DOTALL).group()


def switch(client, hook, to):
    """Press a button of the switch; the page that follows."""
    return client.post(url_of(type(hook), "switch", hook.pk), {"to": to}, follow=True).content.decode()


class TestSwitch:
    """The state in one click."""

    @pytest.mark.parametrize(
        "model, event, to, fields",
        [
            (Webhook, LOGIN, "enabled", {"enabled": True, "paused": False}),
            (Webhook, LOGIN, "paused", {"enabled": True, "paused": True}),
            (Webhook, LOGIN, "disabled", {"enabled": False}),
            (Webfilter, MAY_LOGIN, "enforced", {"enabled": True, "mode": "enforce"}),
            (Webfilter, MAY_LOGIN, "observing", {"enabled": True, "mode": "observe"}),
            (Webfilter, MAY_LOGIN, "disabled", {"enabled": False}),
        ],
    )
    @pytest.mark.parametrize("before", [True, False])
    def test_each_state(self, admin_client, model, event, to, fields, before):
        hook = model.objects.create(event=event, webhook_url="https://example.com/", enabled=before)
        old = timezone.now() - timedelta(days=1)
        model.objects.update(modified=old)
        page = switch(admin_client, hook, to)
        hook.refresh_from_db()
        assert {name: getattr(hook, name) for name in fields} == fields
        assert re.search(r'value="(\w+)" aria-pressed="true"', page).group(1) == to
        hooks = index.webhooks if model is Webhook else index.webfilters
        assert bool(hooks.get(event)) is hook.enabled

    def test_enabling_begins_afresh_and_sends_what_waits(self, admin_client, webhook, monkeypatch):
        nudges = []
        monkeypatch.setattr(wakeups, "nudge_on_commit", nudges.append)
        failing = {"consecutive_failures": 9, "failing_since": timezone.now(), "disabled_reason": "down"}
        Webhook.objects.update(enabled=False, **failing)
        assert "what waited is sent now" in switch(admin_client, webhook, "enabled")
        webhook.refresh_from_db()
        assert (webhook.consecutive_failures, webhook.failing_since, webhook.disabled_reason) == (0, None, "")
        assert nudges == ["default"]
        latest = webhook.history.first()
        assert (latest.enabled, latest.disabled_reason) == (True, "")

    def test_who_disabled_it_is_told(self, admin_client, webhook):
        switch(admin_client, webhook, "disabled")
        assert "Disabled by admin at 20" in header_of(admin_client, webhook)
        # Not who has changed something else since.
        webhook.refresh_from_db()
        webhook.description = "by a script"
        webhook.save()
        assert "Disabled by admin at 20" in header_of(admin_client, webhook)

    def test_that_a_command_disabled_it_is_told(self, admin_client, webhook):
        webhook.enabled = False
        webhook.save()
        assert "Disabled by a command or script at 20" in header_of(admin_client, webhook)

    @pytest.mark.parametrize("to", ["", "nonsense", "enabled"])
    def test_what_is_no_change_changes_nothing(self, admin_client, webhook, to):
        count = webhook.history.count()
        switch(admin_client, webhook, to)
        assert webhook.history.count() == count

    def test_a_viewer_sees_the_state_and_cannot_switch(self, viewer, webhook):
        header = header_of(viewer, webhook)
        assert "<strong>Enabled</strong>" in header
        assert "<form" not in header
        assert viewer.post(url_of(Webhook, "switch", webhook.pk), {"to": "disabled"}).status_code == 403
        webhook.refresh_from_db()
        assert webhook.enabled


class TestHealth:
    """In words with evidence, consequence and next step."""

    def test_what_waits_can_be_sent_at_once_when_the_receiver_was_repaired(self, admin_client, receiver):
        hook = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/ok"), consecutive_failures=3)
        Webhook.objects.update(failing_since=timezone.now())
        make_delivery(hook, "pending", next_attempt_at=timezone.now() + timedelta(hours=1), schedule_position=1)
        assert "Retry now…" in header_of(admin_client, hook)
        assert "Send now what waits…" in admin_client.post(url_of(Webhook, "test", hook.pk)).content.decode()
        header = header_of(admin_client, hook)
        assert ">fine</span> <strong>Fine since 20" in header
        assert "; before that 1 of 1 in the last hour were not accepted: 500.</strong>" in header
        response = admin_client.post(url_of(Webhook, "retry-waiting", hook.pk), follow=True)
        assert "Retry 1 now" in response.content.decode()

    def test_a_webhook_that_fails(self, admin_client, webhook):
        for state in ("delivered", "failed", "failed", "failed"):
            make_delivery(webhook, state)
        Delivery.objects.update(schedule_position=1)
        Webhook.objects.update(failing_since=timezone.now(), consecutive_failures=3)
        header = header_of(admin_client, webhook)
        assert ">failing</span> <strong>3 of 4 in the last hour were not accepted: 500.</strong>" in header
        assert "its operators can tell why" in header
        assert "Learners notice nothing." in header
        assert "3 have failed for good" in header
        assert header.count("✕") == 3
        assert 'href="#owh-replay">Replay failed…' in header

    def test_what_was_tried_last_stands_first(self, admin_client, webhook):
        """Also an older delivery, when it was tried again."""
        for minutes in (1, 3, 2):
            moment = timezone.now() - timedelta(minutes=minutes)
            make_delivery(webhook, "failed").attempts.update(started_at=moment)
        times = re.findall(r'<time datetime="([^"]+)"', header_of(admin_client, webhook).partition("owh-failures")[2])
        assert times == sorted(times, reverse=True) and len(set(times)) == 3

    def test_a_webfilter_whose_circuit_is_open(self, admin_client, webfilter):
        Webfilter.objects.update(mode="enforce")
        for _ in range(5):
            breaker(webfilter.webhook_url).record(False)
        Call.objects.create(webfilter=webfilter, mode="enforce", result="ignored", error="connect: refused")
        header = header_of(admin_client, webfilter)
        assert "5 failures in a row: not reachable; open since 20" in header
        assert "Learners go on unchecked" in header
        assert "Call it again now" in header

    @pytest.mark.parametrize(
        "call_log, says",
        [
            ("none", "Its calls are counted, and not recorded"),
            ("problems", "no problem was recorded lately"),
            ("all", "not run"),
        ],
    )
    def test_that_calls_are_not_recorded_is_said_plainly(self, admin_client, webfilter, call_log, says):
        Webfilter.objects.update(mode="enforce", call_log=call_log)
        assert says in header_of(admin_client, webfilter)

    def test_the_figures_of_a_webfilter(self, admin_client, webfilter):
        Webfilter.objects.update(call_log="all", mode="enforce")
        count_calls(webfilter, passed=1, halted=1, changed=2, ignored=1)
        header = header_of(admin_client, webfilter)
        values = [re.sub(r"<[^>]*>", "", value) for value in re.findall(r"<dd>(.*?)</dd>", header)]
        figures = dict(zip(re.findall(r"<dt>(.*?)</dt>", header), values))
        expected = {"calls, last day": "5", "halted": "1", "changed": "2", "failed": "1"}
        assert figures == {**expected, "median · 95 of 100": "210 ms · 210 ms"}

    def test_the_figures_are_of_what_it_does_in_its_mode(self, admin_client, webfilter):
        count_calls(webfilter, halted=1, would_halt_by_failure=1)
        for mode, label in (("observe", "would have halted"), ("enforce", "halted")):
            Webfilter.objects.update(mode=mode)
            assert re.search(rf"<dt>{label}</dt><dd>(?:<a [^>]*>)?1<", header_of(admin_client, webfilter))

    def test_that_the_workers_still_count_is_told(self, admin_client, webhook, monkeypatch):
        make_delivery(webhook)
        assert "still counting" not in header_of(admin_client, webhook)
        monkeypatch.setattr(statistics, "_MOST_NEW", 1)
        assert "still counting" in header_of(admin_client, webhook)

    def test_what_was_lost_before_it_was_well_again_can_be_sent_again(self, admin_client, webhook):
        make_delivery(webhook, "failed")
        Webhook.objects.update(recovered_at=timezone.now())
        header = header_of(admin_client, webhook)
        assert "Fine since" in header
        assert "1 has failed for good: when the cause is gone, “Replay failed” sends it again." in header

    def test_list_and_page_say_the_same(self, admin_client, webhook):
        make_delivery(webhook, "failed")
        listed = admin_client.get(url_of(Webhook)).content.decode()
        word = re.search(r'field-health_column"><span[^>]*>([^<]*)<', listed).group(1)
        assert f">{word}</span>" in header_of(admin_client, webhook)
        chosen = admin_client.get(url_of(Webhook) + f"?health={word}").context["cl"].result_list
        assert [hook.pk for hook in chosen] == [webhook.pk]

    def test_who_may_not_see_deliveries_sees_none(self, staff, webhook):
        make_delivery(webhook, "failed")
        header = header_of(staff("view_webhook"), webhook)
        assert "✕" not in header
        assert "/delivery/" not in header


class TestParts:
    """Tabs, and what is folded away."""

    @pytest.mark.parametrize("model", [Webhook, Webfilter])
    def test_every_tab_leads_to_its_part(self, admin_client, request, model):
        hook = request.getfixturevalue(model.__name__.lower())
        page = admin_client.get(url_of(model, "change", hook.pk)).content.decode()
        nav = re.search(r'<nav class="owh-tabs.*?</nav>', page, re.DOTALL).group()
        for target in re.findall(r'href="#([^"]*)"', nav):
            assert f'<div class="owh-tab" id="{target}">' in page
        assert url_of(model, "history", hook.pk) in nav
        ids = re.findall(r' id="([^"]+)"', page)
        assert sorted(ids) == sorted(set(ids))

    def test_a_mistake_keeps_the_header_of_what_is_stored(self, admin_client, webhook):
        data = form_of(Webhook, condition="a ==", retry_schedule="soon")
        page = admin_client.post(url_of(Webhook, "change", webhook.pk), data).content.decode()
        assert "→ crm.example.com" in page
        assert '<details class="owh-advanced" open>' in page
        assert "errornote" in page

    @pytest.mark.parametrize(
        "fields, says", [({}, "everything as usual"), ({"retry_schedule": [5, 300]}, "retry schedule: 5s, 5m")]
    )
    def test_the_fold_says_what_is_otherwise_than_usual(self, admin_client, webhook, fields, says):
        Webhook.objects.filter(pk=webhook.pk).update(**fields)
        page = admin_client.get(url_of(Webhook, "change", webhook.pk)).content.decode()
        assert '<details class="owh-advanced">' in page
        assert says in page


class TestMessages:
    """After saving, what comes next."""

    @pytest.mark.parametrize("model", [Webhook, Webfilter])
    @pytest.mark.parametrize(
        "changes, says",
        [
            ({}, "Next: show its signing secret once, then send a test."),
            ({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "Next: send a test."),
            ({"enabled": ""}, "It is disabled: enable it when you are ready."),
        ],
    )
    def test_a_new_hook_leads_to_its_page(self, admin_client, model, changes, says):
        data = {name: value for name, value in form_of(model, **changes).items() if value or name != "enabled"}
        response = admin_client.post(url_of(model, "add"), data, follow=True)
        assert response.redirect_chain == [(url_of(model, "change", model.objects.get().pk), 302)]
        assert says in response.content.decode()

    def test_the_other_buttons_do_what_they_say(self, admin_client):
        response = admin_client.post(url_of(Webhook, "add"), form_of(Webhook, _addanother="1"), follow=True)
        assert response.redirect_chain == [(url_of(Webhook, "add"), 302)]
        assert "Next: show its signing secret once, then send a test." in response.content.decode()
        hook = Webhook.objects.get()
        response = admin_client.post(url_of(Webhook, "change", hook.pk), form_of(Webhook, _continue="1"), follow=True)
        assert response.redirect_chain == [(url_of(Webhook, "change", hook.pk), 302)]
        assert "Next: show its signing secret once, then send a test." in response.content.decode()
        response = admin_client.post(url_of(Webhook, "change", hook.pk), form_of(Webhook))
        assert response.url == url_of(Webhook)
