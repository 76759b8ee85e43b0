"""A hook's page: what it tells, and what its buttons do."""

import html
import json
import re
from datetime import timedelta

import django
import pytest
from django.core.cache import cache
from django.utils import timezone
from django.utils.html import escape
from standardwebhooks.webhooks import Webhook as Verifier

from openedx_webhooks import catalog, skips
from openedx_webhooks.models import Call, Delivery, Webfilter, Webhook
from openedx_webhooks.transport import signing
from openedx_webhooks.transport.breaker import State, breaker
from tests.receiver import Reply

from .conftest import HOSTILE, LOGIN, MAY_LOGIN, UNKNOWN, count_calls, form_of, make_delivery, url_of

pytestmark = pytest.mark.django_db


def page_of(client, hook) -> str:
    """The page of a hook."""
    response = client.get(url_of(type(hook), "change", hook.pk))
    assert response.status_code == 200
    return response.content.decode()


def press(client, hook, button, **data):
    """Press a button of the page."""
    return client.post(url_of(type(hook), button, hook.pk), data)


class TestReference:
    """What is sent, and what may be answered."""

    def test_a_sample_of_the_payload_and_its_schema(self, admin_client, webhook):
        page = page_of(admin_client, webhook)
        assert escape('"email": "ada@example.org"') in page or "ada@" in page
        assert "json-schema.org/draft/2020-12" in page

    def test_what_condition_and_shape_make_of_the_sample(self, admin_client, webhook):
        Webhook.objects.update(condition="user.id == `-1`", shape="{only: event_metadata.event_name}")
        page = page_of(admin_client, webhook)
        assert "This sample does not match it" in page
        assert escape('"only": "SESSION_LOGIN_COMPLETED"') in page

    @pytest.mark.thorough
    @pytest.mark.parametrize("model, catalogued", [(Webhook, catalog.events), (Webfilter, catalog.filters)])
    def test_every_type_has_a_page(self, admin_client, model, catalogued):
        for dotted in catalogued():
            hook = model.objects.create(event=dotted, webhook_url="https://example.com/")
            assert "A sample of the payload" in page_of(admin_client, hook), dotted

    @pytest.mark.parametrize(
        "model, event, says",
        [
            (Webfilter, "org.openedx.learning.student.login.requested.v1", "without the password"),
            (Webfilter, "org.openedx.learning.student.settings.render.started.v1", "Nothing in the platform runs it"),
            (Webhook, "org.openedx.learning.course.passing.status.updated.v1", "among the busiest events"),
            (Webhook, "org.openedx.learning.certificate.changed.v1", "another time than that of the event"),
        ],
    )
    def test_what_the_platform_does_is_said_where_it_surprises(self, admin_client, model, event, says):
        assert says in page_of(admin_client, model.objects.create(event=event, webhook_url="https://example.com/"))

    def test_the_exceptions_and_data_of_a_filter(self, admin_client, webfilter):
        page = page_of(admin_client, webfilter)
        assert "<code>PreventLogin</code>" in page
        assert "<code>profile</code>" in page
        assert "<code>redirect_to</code>" in page

    def test_an_unknown_type_says_that_it_never_runs(self, admin_client, webhook):
        Webhook.objects.update(event=UNKNOWN)
        assert "it never runs" in page_of(admin_client, webhook)

    def test_a_broken_expression_in_the_database_is_told_not_raised(self, admin_client, webhook):
        Webhook.objects.update(condition="a ==", shape="{")
        assert "It fails on this sample" in page_of(admin_client, webhook)


class TestHealth:
    """The last day."""

    def test_the_chart_has_a_bar_for_each_hour_and_says_what_it_shows(self, admin_client, webhook):
        make_delivery(webhook, "delivered")
        make_delivery(webhook, "failed")
        page = page_of(admin_client, webhook)
        assert page.count("owh-bar-back") == 24
        assert 'aria-label="Attempts (24 hours): 2, of which 1 were not accepted"' in page
        for tone, label in (("good", "Accepted"), ("bad", "Not accepted")):
            assert f'<rect class="owh-bar-{tone}"' in page
            assert f'<i class="owh-key owh-bar-{tone}"></i>{label}' in page
            assert f"{label}: 1" in page

    def test_what_a_webfilter_would_have_done_is_told_as_such(self, admin_client, webfilter):
        count_calls(webfilter, halted=1, would_halt=1)
        page = page_of(admin_client, webfilter)
        assert "In the last day: Halted: 1, Would have halted: 1." in page
        assert "</i>Halted, Would have halted" in page

    def test_the_latest_deliveries_with_their_last_answer(self, admin_client, webhook):
        delivery = make_delivery(webhook, "failed")
        page = page_of(admin_client, webhook)
        assert f'<a href="/admin/openedx_webhooks/delivery/{delivery.pk}/change/">' in page
        assert "<td>500</td>" in page

    def test_why_the_plugin_disabled_it(self, admin_client, webhook):
        Webhook.objects.update(enabled=False, disabled_reason="Down since Monday.")
        page = page_of(admin_client, webhook)
        assert "<strong>Down since Monday.</strong>" in page
        assert "The plugin disabled this webhook" in page
        assert "This webhook is disabled" not in page

    @pytest.mark.parametrize(
        "kind, says",
        [
            ("webhook", "This webhook is disabled: events are not recorded for it"),
            ("webfilter", "This webfilter is disabled: nobody is stopped by it"),
        ],
    )
    def test_that_somebody_disabled_it(self, admin_client, request, kind, says):
        hook = request.getfixturevalue(kind)
        assert says not in page_of(admin_client, hook)
        type(hook).objects.update(enabled=False)
        assert says in page_of(admin_client, hook)

    @pytest.mark.parametrize(
        "due, enabled, is_said",
        [
            (timedelta(minutes=-5), True, True),
            (timedelta(minutes=-5), False, False),
            (timedelta(seconds=-5), True, False),
            (timedelta(minutes=5), True, False),
        ],
    )
    def test_that_no_worker_takes_what_is_due(self, admin_client, webhook, due, enabled, is_said):
        Webhook.objects.update(enabled=enabled)
        make_delivery(webhook, "pending", next_attempt_at=timezone.now() + due)
        assert ("the Celery workers are not running" in page_of(admin_client, webhook)) == is_said

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_the_chart_has_numbers_that_a_browser_reads(self, admin_client, webhook, language):
        make_delivery(webhook)
        page = admin_client.get(url_of(Webhook, "change", webhook.pk), headers={"accept-language": language})
        coordinates = re.findall(r' (?:x|y|width|height)="([^"]*)"', page.content.decode().split("owh-chart")[1])
        assert len(coordinates) > 24
        assert all(re.fullmatch(r"[0-9.]+", number) for number in coordinates)

    @pytest.mark.parametrize("kind", ["webhook", "webfilter"])
    def test_why_it_was_not_called(self, admin_client, request, kind):
        hook = request.getfixturevalue(kind)
        cache.clear()
        for _ in range(3):
            skips.note(hook, skips.Reason.NO_MATCH)
        assert "The condition did not match (3)" in page_of(admin_client, hook)

    def test_a_look_costs_few_queries(self, admin_client, webhook, django_assert_max_num_queries):
        for _ in range(30):
            make_delivery(webhook)
        # What a process reads once: the index, and content types.
        page_of(admin_client, webhook)
        # Two more are a savepoint that Django 4.2 makes.
        with django_assert_max_num_queries(19 if django.VERSION >= (5,) else 21):
            page_of(admin_client, webhook)


class TestSendTest:
    """Send test."""

    def test_a_webhook_sends_its_sample_and_shows_both_sides(self, admin_client, webhook, receiver):
        Webhook.objects.update(webhook_url=receiver.on("/hook", Reply({"thanks": HOSTILE}, headers={"X-Who": "crm"})))
        page = press(admin_client, webhook, "test").content.decode()
        (got,) = receiver.received
        assert got.json["event_metadata"]["event_name"] == "SESSION_LOGIN_COMPLETED"
        assert got.headers["Authorization"] == "Bearer t0p-s3cret"
        assert "200</span>" in page
        assert "x-who: crm" in page
        assert "thanks" in page

    def test_it_makes_no_delivery(self, admin_client, webhook, receiver):
        Webhook.objects.update(webhook_url=receiver.url())
        press(admin_client, webhook, "test")
        assert not Delivery.objects.exists()

    @pytest.mark.parametrize("kind", ["webhook", "webfilter"])
    def test_it_is_signed_and_the_page_says_so(self, admin_client, request, receiver, kind):
        hook = request.getfixturevalue(kind)
        type(hook).objects.update(webhook_url=receiver.url())
        page = press(admin_client, hook, "test").content.decode()
        (got,) = receiver.received
        assert Verifier(hook.secret).verify(got.body, got.headers)
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            assert escape(f"{name}: {got.headers[name]}") in page

    @pytest.mark.parametrize("kind", ["webhook", "webfilter"])
    def test_a_malformed_secret_is_why_nothing_is_sent(self, admin_client, request, receiver, kind):
        hook = request.getfixturevalue(kind)
        type(hook).objects.update(webhook_url=receiver.url(), secret="whsec_T0PSECRET!")
        page = press(admin_client, hook, "test").content.decode()
        assert "cannot be sent" in page
        assert "A signing secret is whsec_ followed by base64" in page
        assert "T0PSECRET" not in page
        assert not receiver.received

    @pytest.mark.parametrize("kind", ["webhook", "webfilter"])
    def test_header_values_are_not_shown_and_the_response_is_escaped(self, admin_client, request, receiver, kind):
        hook = request.getfixturevalue(kind)
        type(hook).objects.update(webhook_url=receiver.on("/hook", Reply(HOSTILE.encode(), status=500)))
        page = press(admin_client, hook, "test").content.decode()
        assert "t0p-s3cret" not in page
        assert "<script>alert" not in page
        assert escape(HOSTILE) in page

    @pytest.mark.parametrize("kind", ["webhook", "webfilter"])
    def test_header_values_that_the_endpoint_echoes_are_not_shown(self, admin_client, request, receiver, kind):
        hook = request.getfixturevalue(kind)
        reply = Reply({"got": "t0p-s3cret", "kept": 1}, headers={"X-Got": "Bearer t0p-s3cret"})
        type(hook).objects.update(webhook_url=receiver.on("/hook", reply))
        page = press(admin_client, hook, "test").content.decode()
        assert receiver.received[0].headers["Authorization"] == "Bearer t0p-s3cret"
        assert "t0p-s3cret" not in page
        assert escape('"kept": 1') in page

    def test_a_form_encoded_hook_shows_the_form(self, admin_client, webhook, receiver):
        Webhook.objects.update(webhook_url=receiver.url(), use_www_form_encoding=True)
        page = press(admin_client, webhook, "test").content.decode()
        assert "Content-Type: application/x-www-form-urlencoded" in page
        assert "event_metadata_event_name=SESSION_LOGIN_COMPLETED" in page

    @pytest.mark.parametrize("kind", ["webhook", "webfilter"])
    def test_an_endpoint_that_is_not_there_is_told(self, admin_client, request, kind):
        hook = request.getfixturevalue(kind)
        type(hook).objects.update(webhook_url="http://127.0.0.1:9/")
        page = press(admin_client, hook, "test").content.decode()
        assert "not reachable" in page
        assert "There was no response." in page
        assert "connect:" not in page

    @pytest.mark.parametrize(
        "reply, says",
        [
            (Reply(status=404), "n8n answers so while a workflow is not active"),
            (Reply(status=401), "does not know us"),
            (
                Reply(status=302, headers={"Location": "https://b.example/?k=Bearer%20t0p-s3cret"}),
                "has moved to https://b.example/?k=",
            ),
            (Reply(status=204), None),
        ],
    )
    @pytest.mark.parametrize("kind", ["webhook", "webfilter"])
    def test_what_it_means_is_said(self, admin_client, request, receiver, kind, reply, says):
        hook = request.getfixturevalue(kind)
        type(hook).objects.update(webhook_url=receiver.on("/hook", reply))
        page = press(admin_client, hook, "test").content.decode()
        assert ("owh-meaning" in page) is bool(says or kind == "webhook")
        assert says is None or says in page
        assert "t0p-s3cret" not in page

    @pytest.mark.parametrize("kind", ["webhook", "webfilter"])
    def test_an_unknown_type_cannot_be_tested(self, admin_client, request, kind):
        hook = request.getfixturevalue(kind)
        type(hook).objects.update(event=UNKNOWN)
        response = admin_client.post(url_of(type(hook), "test", hook.pk), follow=True)
        assert UNKNOWN in response.content.decode()
        assert response.status_code == 200

    @pytest.mark.parametrize(
        "answer, says",
        [
            ({}, "The process would go on unchanged."),
            ({"data": {"profile": {"name": "Ada King"}}}, "It would change profile.name."),
            ({"data": {"user": {"is_staff": True}}}, "It would not change user.is_staff"),
            ({"exception": {"PreventLogin": "No."}}, "It would halt the process with PreventLogin: No."),
            ({"exception": {"NoSuchException": "x"}}, "Not used"),
            ([1], "Not used"),
        ],
    )
    def test_a_webfilter_says_what_the_answer_would_do(self, admin_client, webfilter, receiver, answer, says):
        Webfilter.objects.update(webhook_url=receiver.on("/hook", Reply(answer)))
        assert says in press(admin_client, webfilter, "test").content.decode()

    def test_a_message_that_echoes_a_header_value_is_not_shown_with_it(self, admin_client, webfilter, receiver):
        answer = {"exception": {"PreventLogin": "You sent Bearer t0p-s3cret."}}
        Webfilter.objects.update(webhook_url=receiver.on("/hook", Reply(answer)))
        page = press(admin_client, webfilter, "test").content.decode()
        assert "It would halt the process with PreventLogin" in page
        assert "t0p-s3cret" not in page

    def test_a_halt_on_failure_is_said_too(self, admin_client, webfilter, receiver):
        Webfilter.objects.update(webhook_url=receiver.on("/hook", Reply(status=403)), halt_on_4xx=True)
        assert "It would halt the process with PreventLogin" in press(admin_client, webfilter, "test").content.decode()


@pytest.mark.parametrize("model", [Webhook, Webfilter])
class TestSecret:
    """Made, shown once, rotated: the same for both kinds of hook."""

    @pytest.fixture
    def hook(self, model):
        """One that is there already."""
        event = LOGIN if model is Webhook else MAY_LOGIN
        return model.objects.create(event=event, webhook_url="https://example.com/hooks")

    def make(self, client, model):
        """A hook that was just made in the form."""
        client.post(url_of(model, "add"), form_of(model))
        return model.objects.get()

    def save(self, client, hook, **changes):
        """Send the form of a hook."""
        data = form_of(type(hook), event=hook.event, webhook_url=hook.webhook_url, **changes)
        assert client.post(url_of(type(hook), "change", hook.pk), data).status_code == 302
        hook.refresh_from_db()

    def test_a_new_hook_has_one_that_can_be_shown_once(self, admin_client, model):
        hook = self.make(admin_client, model)
        assert "Show it once" in page_of(admin_client, hook)
        first = press(admin_client, hook, "show-secret")
        assert escape(hook.secret) in first.content.decode()
        assert "no-store" in first["Cache-Control"]
        assert "Show it once" not in page_of(admin_client, hook)
        second = admin_client.post(url_of(model, "show-secret", hook.pk), follow=True).content.decode()
        assert hook.secret not in second
        assert "A secret is shown only once" in second

    def test_nobody_else_can_show_it(self, admin_client, staff, model):
        hook = self.make(admin_client, model)
        other = staff(f"view_{model.__name__.lower()}", f"change_{model.__name__.lower()}")
        response = other.post(url_of(model, "show-secret", hook.pk), follow=True)
        assert hook.secret not in response.content.decode()

    def test_who_made_one_cannot_show_that_of_another_kind_with_the_same_number(self, admin_client, hook):
        other = Webfilter if isinstance(hook, Webhook) else Webhook
        twin = other.objects.create(pk=hook.pk, event="x", webhook_url="https://example.com/")
        press(admin_client, hook, "rotate-secret")
        page = admin_client.post(url_of(other, "show-secret", twin.pk), follow=True).content.decode()
        assert twin.secret not in page
        assert "A secret is shown only once" in page

    def test_it_is_on_no_page(self, admin_client, hook):
        assert hook.secret not in page_of(admin_client, hook)

    def test_rotation_keeps_the_old_one_valid_for_a_while(self, admin_client, hook):
        old = hook.secret
        response = press(admin_client, hook, "rotate-secret")
        assert response.status_code == 302
        hook.refresh_from_db()
        assert hook.secret != old
        assert hook.previous_secret == old
        assert hook.previous_secret_expires_at > timezone.now()
        page = press(admin_client, hook, "show-secret").content.decode()
        assert escape(hook.secret) in page
        assert "the receiver must change to this one by then" in page

    def test_a_button_pressed_twice_does_not_end_the_one_that_the_receiver_has(self, admin_client, hook):
        old = hook.secret
        as_read = re.search('name="as_read" value="([^"]+)"[^<]*<button', page_of(admin_client, hook)).group(1)
        press(admin_client, hook, "rotate-secret", as_read=as_read)
        hook.refresh_from_db()
        new = hook.secret
        press(admin_client, hook, "rotate-secret", as_read=as_read)
        hook.refresh_from_db()
        assert (hook.secret, hook.previous_secret) == (new, old)
        assert "There is no new secret" in page_of(admin_client, hook)

    def test_a_leaked_one_ends_at_once(self, admin_client, hook):
        press(admin_client, hook, "rotate-secret", leaked="1")
        hook.refresh_from_db()
        assert hook.previous_secret == ""

    def test_ones_own_secret_is_taken_and_the_old_one_kept_for_a_while(self, admin_client, hook):
        old, new = hook.secret, signing.new_secret()
        self.save(admin_client, hook, secret=new)
        assert (hook.secret, hook.previous_secret) == (new, old)
        assert hook.previous_secret_expires_at > timezone.now()

    def test_saving_without_one_keeps_it(self, admin_client, hook):
        old = hook.secret
        self.save(admin_client, hook, description="changed")
        assert (hook.secret, hook.previous_secret) == (old, "")

    def test_ones_own_secret_at_the_start_need_not_be_shown(self, admin_client, model):
        secret = signing.new_secret()
        admin_client.post(url_of(model, "add"), form_of(model, secret=secret))
        hook = model.objects.get()
        assert hook.secret == secret
        assert "Show it once" not in page_of(admin_client, hook)

    def test_that_there_is_none_is_told(self, admin_client, hook):
        type(hook).objects.update(secret="")
        assert "Requests are not signed: there is no secret." in page_of(admin_client, hook)

    def test_a_malformed_one_is_told_and_a_rotation_is_its_end(self, admin_client, hook):
        """Were it kept for the overlap, nothing could be sent for as long."""
        type(hook).objects.update(secret="whsec_?")
        page = page_of(admin_client, hook)
        assert "The signing secret is malformed: make another." in page
        assert "the old one stays valid" not in page
        assert ">misconfigured</span>" in admin_client.get(url_of(type(hook))).content.decode()
        press(admin_client, hook, "rotate-secret")
        assert "malformed" not in page_of(admin_client, hook)
        hook.refresh_from_db()
        assert hook.previous_secret == ""


class TestReplayFailed:
    """Send again everything that failed since a time: the button leads to the page that counts first."""

    def count(self, client, webhook, since="2026-01-01T00:00"):
        """That page."""
        return client.post(url_of(Webhook, "replay-failed", webhook.pk), {"since": since}, follow=True)

    def test_only_what_failed_since_then(self, admin_client, webhook):
        make_delivery(webhook, "failed")
        Delivery.objects.update(finished_at=timezone.now() - timedelta(days=3))
        make_delivery(webhook, "failed", created=timezone.now() - timedelta(days=3))
        make_delivery(webhook, "delivered")
        make_delivery(webhook, "failed", payload=None)
        since = timezone.localtime(timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
        page = self.count(admin_client, webhook, since)
        assert page.context["counted"]["count"] == 1
        assert not Delivery.objects.filter(state="pending").exists()
        assert "cannot be sent: the payload was removed" in page.content.decode()

    def test_nothing_to_replay_is_said(self, admin_client, webhook):
        assert "There is nothing to do." in self.count(admin_client, webhook).content.decode()

    def test_that_they_wait_for_a_disabled_webhook_is_said(self, admin_client, webhook):
        Webhook.objects.update(enabled=False)
        make_delivery(webhook, "failed")
        assert "they will wait until it is enabled" in self.count(admin_client, webhook).content.decode()

    @pytest.mark.parametrize("since", ["", "yesterday", "2026-13-45T99:99", "\x00", "9999-99-99T00:00"])
    def test_a_time_that_is_none_is_asked_for_again(self, admin_client, webhook, since):
        delivery = make_delivery(webhook, "failed")
        response = admin_client.post(url_of(Webhook, "replay-failed", webhook.pk), {"since": since}, follow=True)
        assert "Enter a date and time" in response.content.decode()
        delivery.refresh_from_db()
        assert delivery.state == "failed"


def test_the_page_leads_to_cancelling_what_waits(admin_client, webhook):
    """… and to nothing else: what is accepted stays so."""
    waiting = make_delivery(webhook, state=Delivery.State.PENDING)
    accepted = make_delivery(webhook, state=Delivery.State.DELIVERED)
    address = html.unescape(re.search(r'href="([^"]*verb=cancel[^"]*)"', page_of(admin_client, webhook)).group(1))
    assert "will be cancelled" in admin_client.get(address + "&count=1").content.decode()
    admin_client.post(address.partition("?")[0], {"verb": "cancel", "webhook": webhook.pk})
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {waiting.pk: Delivery.State.CANCELLED, accepted.pk: Delivery.State.DELIVERED}


class TestObserveReport:
    """What a webfilter in observe mode would have done."""

    def test_the_figures_of_the_last_day(self, admin_client, webfilter):
        for result, keys, error in (
            ("halted", "", ""),
            ("changed", "profile.name, profile.city", ""),
            ("changed", "profile.name", ""),
            ("ignored", "", "timeout"),
            ("passed", "", ""),
        ):
            Call.objects.create(
                webfilter=webfilter, mode="observe", result=result, changed_keys=keys, error=error, duration=0.2
            )
        Call.objects.create(
            webfilter=webfilter, mode="observe", result="halted", started_at=timezone.now() - timedelta(days=2)
        )
        page = page_of(admin_client, webfilter)
        figures = dict(zip(re.findall(r"<dt>(.*?)</dt>", page), re.findall(r"<dd>(.*?)</dd>", page)))
        assert figures["Calls"] == "5"
        assert figures["Would have halted"] == "1"
        assert figures["Would have changed data"] == "2"
        assert figures["Half took less than"] == "200 ms"
        assert "<code>profile.name</code> (2), <code>profile.city</code> (1)" in page
        assert "timed out (1)" in page
        assert "Enforce: let its answers count" in page

    def test_failures_of_one_kind_are_one_figure(self, admin_client, webfilter):
        for error in ("connect: refused", "connect: unreachable", "timeout"):
            Call.objects.create(webfilter=webfilter, mode="observe", result="ignored", error=error)
        assert "not reachable (2), timed out (1)" in page_of(admin_client, webfilter)

    def test_without_calls_it_says_why_there_may_be_none(self, admin_client, webfilter):
        assert "Nobody has passed by" in page_of(admin_client, webfilter)

    def test_a_webfilter_that_is_enforced_has_none(self, admin_client, webfilter):
        Webfilter.objects.update(mode="enforce")
        assert "What it would have done" not in page_of(admin_client, webfilter)


class TestWebfilterButtons:
    """Breaker and promotion."""

    def test_the_breaker_can_be_reset(self, admin_client, webfilter):
        for _ in range(5):
            breaker(webfilter.webhook_url).record(False)
        assert "Call it again now" in page_of(admin_client, webfilter)
        press(admin_client, webfilter, "reset-breaker")
        assert breaker(webfilter.webhook_url).state() == State.CLOSED
        assert "Call it again now" not in page_of(admin_client, webfilter)

    def test_one_click_promotes_from_observe_to_enforce(self, admin_client, webfilter):
        press(admin_client, webfilter, "promote")
        webfilter.refresh_from_db()
        assert webfilter.mode == "enforce"

    def test_the_latest_calls(self, admin_client, call):
        page = page_of(admin_client, call.webfilter)
        assert f'<a href="/admin/openedx_webhooks/call/{call.pk}/change/">' in page


BUTTONS = [
    (Webhook, "test"),
    (Webhook, "rotate-secret"),
    (Webhook, "show-secret"),
    (Webhook, "replay-failed"),
    (Webfilter, "test"),
    (Webfilter, "rotate-secret"),
    (Webfilter, "show-secret"),
    (Webfilter, "reset-breaker"),
    (Webfilter, "promote"),
]


@pytest.mark.parametrize("model, button", BUTTONS)
def test_a_button_answers_nothing_but_post(admin_client, webhook, webfilter, model, button):
    """A link, a prefetch or an image in a mail can't press it; whoever comes back from a login sees the hook."""
    hook = webhook if model is Webhook else webfilter
    response = admin_client.get(url_of(model, button, hook.pk))
    assert (response.status_code, response.url) == (302, url_of(model, "change", hook.pk))
    hook.refresh_from_db()
    assert getattr(hook, "mode", "observe") == "observe"


@pytest.mark.parametrize("model, button", BUTTONS)
def test_a_button_of_a_hook_that_is_gone_leads_home(admin_client, model, button):
    assert admin_client.post(url_of(model, button, 999)).status_code == 302


@pytest.mark.usefixtures("delivery")
def test_the_page_of_a_hook_changes_nothing(admin_client, webhook):
    before = list(Webhook.objects.values()), list(Delivery.objects.values())
    page_of(admin_client, webhook)
    assert (list(Webhook.objects.values()), list(Delivery.objects.values())) == before


def test_every_form_of_the_page_has_a_csrf_token(admin_client, webhook):
    page = page_of(admin_client, webhook)
    forms = re.findall(r"<form .*?</form>", page, re.DOTALL)
    posts = [form for form in forms if 'method="post"' in form]
    assert len(posts) >= 4
    assert all("csrfmiddlewaretoken" in form for form in posts)


def test_samples_on_the_page_are_json(admin_client, webfilter):
    page = page_of(admin_client, webfilter)
    texts = re.findall(r'<pre class="owh-json" tabindex="0">(.*?)</pre>', page, re.DOTALL)
    assert len(texts) >= 4
    for text in texts:
        json.loads(
            text.replace("&quot;", '"')
            .replace("&#x27;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
        )
