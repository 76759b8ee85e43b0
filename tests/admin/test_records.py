"""The pages of deliveries and calls."""

import json
import re
import uuid
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from demo.minilms.models import UserProfile
from openedx_webhooks.admin import sending_again
from openedx_webhooks.models import Attempt, Call, CapturedEvent, Delivery, Webhook
from openedx_webhooks.operations import newest
from openedx_webhooks.webhooks import resending, sending

from .conftest import HOSTILE, LOGIN, UNKNOWN, make_delivery, url_of

pytestmark = pytest.mark.django_db


def listed(client, query="") -> set[int]:
    """The primary keys on the list of deliveries."""
    response = client.get(url_of(Delivery) + query)
    assert response.status_code == 200
    return {delivery.pk for delivery in response.context["cl"].result_list}


class TestList:
    """The list of deliveries."""

    @pytest.mark.usefixtures("delivery")
    def test_a_row_tells_state_event_webhook_attempts_and_last_answer(self, admin_client):
        page = admin_client.get(url_of(Delivery)).content.decode()
        for text in (">Failed<", "SESSION_LOGIN_COMPLETED", "crm.example.com", ">500<br>", "1 attempt"):
            assert text in page

    def test_an_unknown_event_keeps_its_dotted_type(self, admin_client, webhook):
        Webhook.objects.update(event=UNKNOWN)
        webhook.refresh_from_db()
        make_delivery(webhook)
        assert UNKNOWN in admin_client.get(url_of(Delivery)).content.decode()

    def test_filters(self, admin_client, webhook):
        other = Webhook.objects.create(event=UNKNOWN, webhook_url="https://example.com/")
        failed, pending = make_delivery(webhook, "failed"), make_delivery(other, "pending")
        old = make_delivery(webhook, created=timezone.now() - timedelta(days=40))
        assert listed(admin_client) == {failed.pk, pending.pk, old.pk}
        assert listed(admin_client, "?state__exact=failed") == {failed.pk}
        assert listed(admin_client, f"?webhook__id__exact={other.pk}") == {pending.pk}
        assert listed(admin_client, f"?event_type={UNKNOWN}") == {pending.pk}
        week = (timezone.localtime() - timedelta(days=7)).strftime("%Y-%m-%dT%H:%M")
        assert listed(admin_client, f"?since={week}") == {failed.pk, pending.pk}
        assert listed(admin_client, f"?until={week}") == {old.pk}
        assert listed(admin_client, "?when=week") == {failed.pk, pending.pk}
        assert listed(admin_client, "?answer=5xx") == {failed.pk, pending.pk}
        assert listed(admin_client, "?answer=2xx&when=") == {old.pk}
        Attempt.objects.create(delivery=failed, started_at=timezone.now(), error="timeout")
        assert listed(admin_client, "?answer=none") == {failed.pk}
        assert listed(admin_client, "?answer=none&when=week&state__exact=pending") == set()

    def test_search_by_each_id_in_full(self, admin_client, webhook):
        first, second = make_delivery(webhook, user_id=1007), make_delivery(webhook, user_id=1008)
        for term in (
            first.event.event_id,
            str(first.message_id).upper(),
            first.message_id.hex,
            1007,
            f" {first.event.event_id} ",
        ):
            assert listed(admin_client, f"?q={term}") == {first.pk}, term
        assert listed(admin_client, f"?q={second.pk}") == {second.pk}
        assert listed(admin_client, f"?q={uuid.uuid4()}") == set()

    def test_several_words_find_what_they_mean_together(self, admin_client, webhook):
        course = "course-v1:DemoX+HOOKS101+2026"
        wanted = make_delivery(webhook, username="grace", course_key=course, org="DemoX")
        make_delivery(webhook, username="grace", course_key="course-v1:DemoX+OPS301+2026", org="DemoX")
        make_delivery(webhook, username="ada", user_id=8, course_key=course, org="DemoX")
        assert listed(admin_client, "?q=grace+HOOKS101") == {wanted.pk}
        assert listed(admin_client, "?q=hooks101+grace+demox") == {wanted.pk}
        assert listed(admin_client, "?q=grace+nothing") == set()

    @pytest.mark.parametrize("term", ["ada", "%00", "12 34", "9" * 30, "²", "-1", "1e5", "a" * 500, "'; drop table"])
    @pytest.mark.usefixtures("delivery")
    def test_a_term_that_is_no_id_finds_nothing_and_says_what_can_be_searched(self, admin_client, term):
        response = admin_client.get(url_of(Delivery), {"q": term})
        assert response.status_code in (200, 302)
        page = admin_client.get(response["Location"] if response.status_code == 302 else url_of(Delivery), {"q": term})
        assert page.status_code == 200

    @pytest.mark.parametrize(
        "query",
        [
            "?state__exact=nonsense",
            "?webhook__id__exact=abc",
            "?webhook__id__exact=999999999999999999999",
            "?since=never&until=0001-01-01T00:00",
            "?when=never&answer=9xx",
            "?p=99999",
            "?p=abc",
            "?o=9",
            "?user_id__exact=1",
            "?webhook__secret__startswith=w",
        ],
    )
    @pytest.mark.usefixtures("delivery")
    def test_a_mistyped_address_is_no_error(self, admin_client, query):
        assert admin_client.get(url_of(Delivery) + query).status_code in (200, 302, 400)


class TestSize:
    """With a million rows."""

    def queries(self, client, query="") -> list[str]:
        """The SQL of a list page."""
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url_of(Delivery) + query).status_code == 200
        return [each["sql"] for each in captured if "openedx_webhooks_delivery" in each["sql"]]

    def test_no_query_counts_or_reads_them_all(self, admin_client, delivery):
        for _ in range(60):
            make_delivery(delivery.webhook, "failed")
        for query in ("", "?state__exact=failed", f"?webhook__id__exact={delivery.webhook_id}"):
            statements = self.queries(admin_client, query)
            assert statements
            assert [
                sql for sql in statements if "LIMIT" not in sql and 'id" IN (' not in sql and "`id` IN (" not in sql
            ] == []

    @pytest.mark.usefixtures("delivery")
    def test_the_list_reads_no_payloads(self, admin_client):
        assert [sql for sql in self.queries(admin_client) if '"payload"' in sql or "`payload`" in sql] == []

    def test_what_lies_beyond_the_count_is_said(self, admin_client, webhook, monkeypatch):
        monkeypatch.setattr(newest, "COUNTED", 3)
        for _ in range(5):
            make_delivery(webhook)
        assert "These are the newest 3 of more." in admin_client.get(url_of(Delivery)).content.decode()

    @pytest.mark.parametrize("model", [Delivery, Call])
    def test_facets_are_never_counted(self, admin_client, model):
        """Nor offered; Django 4.2 has none."""
        page = admin_client.get(url_of(model), {"_facets": "True"}, follow=True)
        # Django 4.2 refuses what it does not know, and newer ones show the list.
        assert page.status_code == 400 or not getattr(page.context["cl"], "add_facets", False)
        assert "_facets" not in admin_client.get(url_of(model)).content.decode()

    def test_the_number_of_queries_does_not_grow_with_the_rows(
        self, admin_client, webhook, django_assert_max_num_queries
    ):
        for _ in range(60):
            make_delivery(webhook)
        # What a process asks once, such as the types of content, does not count.
        admin_client.get(url_of(Delivery))
        with django_assert_max_num_queries(12):
            admin_client.get(url_of(Delivery))

    def test_the_filter_lists_only_some_of_many_webhooks_and_the_one_asked_for(self, admin_client):
        Webhook.objects.bulk_create(
            Webhook(event=LOGIN, webhook_url=f"https://example.com/{number}") for number in range(80)
        )
        oldest = Webhook.objects.order_by("pk").first()
        changes = admin_client.get(url_of(Delivery) + f"?webhook__id__exact={oldest.pk}").context["cl"]
        (spec,) = [spec for spec in changes.filter_specs if spec.title == "webhook"]
        assert len(spec.lookup_choices) == 51
        assert str(oldest.pk) in {pk for pk, _label in spec.lookup_choices}


class TestPage:
    """One delivery."""

    def test_the_payload_and_every_attempt(self, admin_client, delivery):
        Attempt.objects.create(delivery=delivery, started_at=timezone.now(), duration=5.01, error="timeout")
        page = admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()
        assert page.count('<details class="owh-attempt"') == 2
        assert "timed out" in page
        assert "took 200 ms" in page
        assert "&quot;name&quot;" in page

    def test_hostile_payloads_and_responses_are_escaped(self, admin_client, delivery, call):
        for record in (delivery, call):
            page = admin_client.get(url_of(type(record), "change", record.pk)).content.decode()
            assert "<script>alert" not in page
            assert "<img src=x" not in page
            assert escape(HOSTILE) in page

    @pytest.mark.parametrize(
        "due, enabled, says",
        [
            (timedelta(minutes=-5), True, "the Celery workers are not running"),
            (timedelta(minutes=-5), False, "its webhook is disabled"),
            (timedelta(minutes=5), True, None),
        ],
    )
    def test_why_a_pending_delivery_waits(self, admin_client, webhook, due, enabled, says):
        type(webhook).objects.update(enabled=enabled)
        delivery = make_delivery(webhook, "pending", next_attempt_at=timezone.now() + due)
        page = admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()
        assert ("owh-alert" in page) == bool(says)
        assert says is None or says in page

    def test_an_error_is_told_in_words_and_with_its_details(self, admin_client, delivery):
        Attempt.objects.update(status_code=None, error="connect", detail="no connection: Connection refused")
        listed_page = admin_client.get(url_of(Delivery)).content.decode()
        assert "not reachable" in listed_page
        assert "Connection refused" not in listed_page
        page = admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()
        assert "The server could not be reached" in page
        assert "no connection: Connection refused</code>" in page

    def test_the_state_in_its_title_is_in_the_language_of_the_reader(self, admin_client, delivery):
        page = admin_client.get(url_of(Delivery, "change", delivery.pk), headers={"accept-language": "es"})
        assert "(Fallida)" in page.content.decode()

    def test_a_payload_that_retention_removed_is_said(self, admin_client, delivery):
        CapturedEvent.objects.update(payload=None)
        assert "Removed:" in admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()

    @pytest.mark.parametrize("payload", [{}, [], "text", 0, {"deep": [[[[{}]]]]}, {"ключ": "знач"}])
    def test_any_payload_can_be_shown(self, admin_client, delivery, payload):
        CapturedEvent.objects.update(payload=payload)
        assert admin_client.get(url_of(Delivery, "change", delivery.pk)).status_code == 200

    @pytest.mark.parametrize(
        "response", ['{"half": "\\ud83d"}', "[" * 2000, f'{{"n": {"9" * 4000}}}', '"\\u0000"', "NaN"]
    )
    def test_any_response_can_be_shown(self, admin_client, delivery, response):
        """What an endpoint answered must not lock people out of the page that shows it."""
        Attempt.objects.update(response_excerpt=response)
        assert admin_client.get(url_of(Delivery, "change", delivery.pk)).status_code == 200

    def test_nothing_there_can_be_edited(self, admin_client, delivery):
        page = admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()
        assert 'name="_save"' not in page
        assert admin_client.get(url_of(Delivery, "add")).status_code == 403
        assert admin_client.post(url_of(Delivery, "delete", delivery.pk), {"post": "yes"}).status_code == 403
        assert admin_client.post(url_of(Delivery, "change", delivery.pk), {"state": "delivered"}).status_code == 403

    @pytest.mark.parametrize(
        "state, buttons",
        [
            ("pending", {"retry", "cancel"}),
            ("delivered", {"replay"}),
            ("failed", {"replay"}),
            ("skipped", {"replay"}),
            ("cancelled", {"replay"}),
        ],
    )
    def test_the_buttons_fit_the_state(self, admin_client, webhook, state, buttons):
        delivery = make_delivery(webhook, state)
        page = admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()
        assert {name for name in ("replay", "retry", "cancel") if f"/{name}/" in page} == buttons

    def test_a_delivery_that_is_gone(self, admin_client):
        assert admin_client.get(url_of(Delivery, "change", 999)).status_code == 302
        assert admin_client.post(url_of(Delivery, "replay", 999)).status_code == 302
        assert admin_client.get(url_of(Delivery, "change", "nonsense")).status_code == 302


OPERATIONS = [
    # action, button, state before and after
    ("replay_deliveries", "replay", "failed", "pending"),
    ("replay_deliveries", "replay", "delivered", "pending"),
    ("replay_deliveries", "replay", "cancelled", "pending"),
    ("retry_deliveries", "retry", "pending", "pending"),
    ("cancel_deliveries", "cancel", "pending", "cancelled"),
    ("cancel_deliveries", "cancel", "delivered", "delivered"),
]


SEND_AGAIN = url_of(Delivery) + "send-again/"


def hidden_of(response) -> dict[str, list[str]]:
    """What the button of the page with the count sends."""
    form = response.content.decode().partition('<form method="post"')[2].partition("</form>")[0]
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(?!csrf)(\w+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(unescape(value))
    return fields


def act(client, action, *deliveries, **more):
    """Choose an action, and confirm what is counted; the page with the count, and the one with the progress."""
    chosen = {"action": action, "_selected_action": [delivery.pk for delivery in deliveries], **more}
    counted = client.post(url_of(Delivery) + more.pop("query", ""), chosen)
    assert counted.status_code == 200
    return counted, client.post(SEND_AGAIN, hidden_of(counted))


@pytest.mark.parametrize("way", ["action", "button"])
@pytest.mark.parametrize("action, button, before, after", OPERATIONS)
def test_replay_retry_and_cancel(admin_client, webhook, way, action, button, before, after):
    later = timezone.now() + timedelta(hours=1)
    chosen = make_delivery(webhook, before, next_attempt_at=later if before == "pending" else None)
    other = make_delivery(webhook, before, next_attempt_at=later if before == "pending" else None)
    if way == "button":
        assert admin_client.post(url_of(Delivery, button, chosen.pk)).status_code == 302
    elif before == "delivered" and button == "replay":
        # Only if it is ticked.
        counted, _done = act(admin_client, action, chosen)
        assert counted.context["counted"]["count"] == 0
        assert "accepted by the receiver before" in counted.content.decode()
        admin_client.post(SEND_AGAIN, {**hidden_of(counted), "deliveries": chosen.pk, "with_delivered": "on"})
    else:
        act(admin_client, action, chosen)
    chosen.refresh_from_db()
    other.refresh_from_db()
    assert (chosen.state, other.state) == (after, before)
    if action == "retry_deliveries":
        assert chosen.next_attempt_at <= timezone.now() < other.next_attempt_at


def test_the_count_comes_first_and_changes_nothing(admin_client, webhook):
    chosen = [make_delivery(webhook, state) for state in ("failed", "delivered", "pending", "skipped")]
    CapturedEvent.objects.filter(pk=chosen[3].event_id).update(payload=None)
    ids = [delivery.pk for delivery in chosen]
    page = admin_client.post(url_of(Delivery), {"action": "replay_deliveries", "_selected_action": ids})
    text = page.content.decode()
    assert page.context["counted"]["count"] == 1
    for why in ("on their way already", "accepted by the receiver before", "cannot be sent: the payload was removed"):
        assert f"<strong>1</strong> {why}" in text
    assert ">Send 1</button>" in text
    assert [delivery.state for delivery in Delivery.objects.order_by("pk")] == [each.state for each in chosen]


def test_an_action_works_on_everything_that_the_filters_show(admin_client, webhook):
    """“Select all 120 deliveries”, beyond the page."""
    for _ in range(60):
        make_delivery(webhook, "failed")
    kept = make_delivery(webhook, "cancelled")
    first = Delivery.objects.filter(state="failed").first()
    act(admin_client, "replay_deliveries", first, select_across="1", query="?state__exact=failed")
    assert Delivery.objects.filter(state="pending").count() == 60
    kept.refresh_from_db()
    assert kept.state == "cancelled"


def test_an_action_on_all_works_on_no_more_than_the_list_counted(admin_client, webhook, monkeypatch):
    """The person was told that number."""
    monkeypatch.setattr(newest, "COUNTED", 3)
    for _ in range(5):
        first = make_delivery(webhook, "failed")
    act(admin_client, "replay_deliveries", first, select_across="1")
    assert Delivery.objects.filter(state="pending").count() == 3


@pytest.mark.parametrize(
    "action, state, says",
    [
        ("replay_deliveries", "pending", "on their way already"),
        ("retry_deliveries", "failed", "finished already"),
        ("cancel_deliveries", "delivered", "finished already"),
    ],
)
def test_an_action_that_fits_no_delivery_says_why(admin_client, webhook, action, state, says):
    delivery = make_delivery(webhook, state)
    response = admin_client.post(url_of(Delivery), {"action": action, "_selected_action": [delivery.pk]})
    text = response.content.decode()
    assert says in text
    assert "There is nothing to do." in text


class TestSendingAgain:
    """Many deliveries: chosen by webhook and time, to another webhook, and the progress."""

    def test_the_page_begins_with_a_form(self, admin_client):
        page = admin_client.get(SEND_AGAIN)
        assert "counted" not in page.context
        assert 'name="webhook"' in page.content.decode()

    def test_what_failed_for_a_webhook_in_a_time(self, admin_client, webhook):
        now = timezone.now()
        make_delivery(webhook, "failed")
        Delivery.objects.update(finished_at=now - timedelta(hours=5))
        wanted = make_delivery(webhook, "failed", created=now - timedelta(days=2))
        make_delivery(webhook, "cancelled")
        since = timezone.localtime(now - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
        counted = admin_client.get(
            SEND_AGAIN, {"verb": "replay", "webhook": webhook.pk, "states": "failed", "since": since, "count": "1"}
        )
        assert counted.context["counted"]["count"] == 1
        admin_client.post(SEND_AGAIN, hidden_of(counted))
        assert [delivery.pk for delivery in Delivery.objects.filter(state="pending")] == [wanted.pk]

    def test_an_event_goes_to_another_webhook(self, admin_client, delivery):
        other = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/")
        choice = {"verb": "replay", "event": delivery.event_id, "to": other.pk}
        assert admin_client.get(SEND_AGAIN, {**choice, "count": "1"}).context["counted"]["count"] == 1
        assert not other.deliveries.exists()
        admin_client.post(SEND_AGAIN, choice)
        assert other.deliveries.get().event_id == delivery.event_id

    def test_it_goes_on_where_it_was_and_ends(self, admin_client, webhook, monkeypatch):
        monkeypatch.setattr(resending, "_STEP", 2)
        monkeypatch.setattr(sending_again, "_SECONDS", 0.000001)
        ids = [make_delivery(webhook, "failed").pk for _ in range(5)]
        fields, counts = {"verb": "replay", "deliveries": ",".join(map(str, ids))}, []
        for _ in range(3):
            page = admin_client.post(SEND_AGAIN, fields, headers={"x-requested-with": "XMLHttpRequest"})
            assert "<html" not in page.content.decode()
            fields["token"] = page.context["progress"]["token"]
            counts.append((Delivery.objects.filter(state="pending").count(), page.context["progress"]["is_over"]))
        assert counts == [(2, False), (4, False), (5, True)]
        assert page.context["progress"]["waiting"] == 5
        Delivery.objects.update(state="delivered")
        page = admin_client.post(SEND_AGAIN, fields)
        assert not page.context["progress"]["goes_on"]
        assert Delivery.objects.filter(state="delivered").count() == 5
        assert (
            "Send again: 5 will be sent." in admin_client.get(url_of(Webhook, "history", webhook.pk)).content.decode()
        )

    @pytest.mark.parametrize("token", ["nonsense", "WzFd:1abc:xyz"])
    def test_a_token_that_is_not_ours_does_nothing(self, admin_client, delivery, token):
        response = admin_client.post(SEND_AGAIN, {"verb": "replay", "deliveries": delivery.pk, "token": token})
        assert response.status_code == 302
        delivery.refresh_from_db()
        assert delivery.state == "failed"

    @pytest.mark.parametrize(
        "fields, wrong",
        [
            ({"deliveries": "1,x"}, "deliveries"),
            ({"event": "x"}, "event"),
            ({"event": "1"}, "to"),
            ({"webhook": "999"}, "webhook"),
            ({}, "webhook"),
            ({"webhook": "1", "since": "soon"}, "since"),
            ({"webhook": "1", "since": "2026-11-25T00:00", "until": "2026-11-24T00:00"}, "until"),
            ({"deliveries": "1", "verb": "explode"}, "verb"),
        ],
    )
    @pytest.mark.usefixtures("webhook")
    def test_a_mistake_is_told_and_nothing_done(self, admin_client, fields, wrong):
        for response in (
            admin_client.get(SEND_AGAIN, {"verb": "replay", **fields, "count": "1"}),
            admin_client.post(SEND_AGAIN, {"verb": "replay", **fields}),
        ):
            assert response.status_code == 200
            assert wrong in response.context["form"].errors

    @pytest.mark.parametrize(
        "permissions, may",
        [
            (["view_delivery"], False),
            (["change_delivery"], True),
            (["view_webhook", "change_webhook"], False),
            (["view_webhook", "change_delivery"], True),
            (["view_delivery", "change_delivery"], True),
        ],
    )
    def test_who_may(self, staff, delivery, permissions, may):
        client = staff(*permissions)
        assert (client.get(SEND_AGAIN).status_code == 200) is may
        client.post(SEND_AGAIN, {"verb": "replay", "deliveries": delivery.pk})
        delivery.refresh_from_db()
        assert (delivery.state == "pending") is may

    def test_who_may_not_see_webhooks_sends_to_none(self, staff, delivery):
        client = staff("view_delivery", "change_delivery")
        response = client.post(SEND_AGAIN, {"verb": "replay", "deliveries": delivery.pk, "to": delivery.webhook_id})
        assert "to" in response.context["form"].errors


class TestFollowing:
    """A pending delivery's page follows it."""

    def test_the_part_that_is_fetched_says_when_it_is_final(self, admin_client, webhook):
        delivery = make_delivery(webhook, "pending", next_attempt_at=timezone.now() + timedelta(hours=1))
        page = admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()
        url = url_of(Delivery, "progress", delivery.pk)
        assert f'data-owh-follow="{url}"' in page
        part = admin_client.get(url).content.decode()
        assert "data-owh-pending" in part
        assert "<html" not in part
        Delivery.objects.update(state="delivered")
        assert "data-owh-pending" not in admin_client.get(url).content.decode()

    def test_of_a_delivery_that_is_gone_or_not_one_s_to_see(self, admin_client, staff, delivery):
        assert admin_client.get(url_of(Delivery, "progress", 999)).status_code == 404
        assert staff("view_webhook").get(url_of(Delivery, "progress", delivery.pk)).status_code == 403


class TestDifference:
    """Between what was sent last and what would be sent now."""

    def page(self, client, delivery) -> str:
        return client.get(url_of(Delivery, "change", delivery.pk)).content.decode()

    def sent(self, delivery, body, **fields):
        """The last attempt has sent that."""
        shown = sending.request_for(delivery, delivery.webhook, delivery.event).shown_headers()
        Attempt.objects.update(request_excerpt=body, request_bytes=len(body), request_headers=shown, **fields)

    def test_the_same(self, admin_client, webhook):
        delivery = make_delivery(webhook, "failed", payload={"name": "Ada"})
        self.sent(delivery, '{"name":"Ada"}')
        assert "The same as was sent last" in self.page(admin_client, delivery)

    def test_a_changed_shape_is_marked_and_escaped(self, admin_client, webhook):
        delivery = make_delivery(webhook, "failed", payload={"name": HOSTILE})
        Webhook.objects.update(shape="{text: name}")
        self.sent(delivery, '{"name":"<b>Ada</b>"}')
        page = self.page(admin_client, delivery)
        assert "<del>−   &quot;name&quot;: &quot;&lt;b&gt;Ada&lt;/b&gt;&quot;</del>" in page
        assert "<ins>+   &quot;text&quot;:" in page

    @pytest.mark.parametrize(
        "fields, says",
        [
            ({"condition": "name == 'Bob'"}, "Now nothing would be sent."),
            ({"shape": "sum(name)"}, "Now nothing would be sent."),
            ({"secret": "whsec_!"}, "Now nothing could be sent."),
        ],
    )
    def test_that_nothing_would_be_sent(self, admin_client, webhook, fields, says):
        delivery = make_delivery(webhook, "failed", payload={"name": "Ada"})
        self.sent(delivery, '{"name":"Ada"}')
        Webhook.objects.update(**fields)
        assert says in self.page(admin_client, delivery)

    def test_of_a_large_body_the_beginnings_are_compared(self, admin_client, webhook, settings):
        settings.OPENEDX_WEBHOOKS = {"RESPONSE_EXCERPT_BYTES": 3000}
        payload = {f"key{number}": "x" * 20 for number in range(2000)}
        delivery = make_delivery(webhook, "failed", payload=payload)
        body = json.dumps(payload, separators=(",", ":"))
        self.sent(delivery, body[:3000])
        Attempt.objects.update(request_bytes=len(body))
        assert "The same as was sent last" in self.page(admin_client, delivery)

    def test_who_may_not_see_payloads_sees_none(self, staff, webhook):
        delivery = make_delivery(webhook, "failed", payload={"name": "Ada"})
        self.sent(delivery, '{"name":"Ada"}', response_excerpt="hello Ada")
        page = self.page(staff("view_delivery"), delivery)
        assert "Ada" not in page
        assert "Not shown: you may not see personal data." in page


def test_what_was_done_is_in_the_history(admin_client, delivery):
    admin_client.post(url_of(Delivery, "replay", delivery.pk))
    assert "Send again" in admin_client.get(url_of(Delivery, "history", delivery.pk)).content.decode()


@pytest.mark.parametrize("button", ["replay", "retry", "cancel"])
def test_a_get_leads_back_and_changes_nothing(admin_client, delivery, button):
    response = admin_client.get(url_of(Delivery, button, delivery.pk))
    assert response["Location"] == url_of(Delivery, "change", delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == "failed"


class TestCalls:
    """Webfilter calls."""

    @pytest.mark.usefixtures("call")
    def test_the_list(self, admin_client):
        page = admin_client.get(url_of(Call)).content.decode()
        for text in (">Would have halted<", "StudentLoginRequested", "auth.example.com", "profile.name"):
            assert text in page

    def test_search(self, admin_client, call):
        user = get_user_model().objects.create(pk=7, username="ada", email="ada@example.com")
        UserProfile.objects.create(user=user, name="Lovelace, Ada")
        for term in (7, call.pk, call.message_id, "ada", "ad", "ada@example.com", "love"):
            response = admin_client.get(url_of(Call), {"q": term})
            assert len(response.context["cl"].result_list) == 1, term
        for term in (8888, "x", uuid.uuid4(), "da", "ada@", "@example.com"):
            response = admin_client.get(url_of(Call), {"q": term})
            assert len(response.context["cl"].result_list) == 0, term

    def test_filters(self, admin_client, call):
        for query, found in (
            ("?answer=2xx", 1),
            ("?answer=none", 0),
            ("?result__exact=halted&mode__exact=observe", 1),
            (f"?webfilter__id__exact={call.webfilter_id}&when=hour", 1),
            (f"?event_type={call.webfilter.event}", 1),
            ("?until=2020-01-01T00:00", 0),
        ):
            response = admin_client.get(url_of(Call) + query)
            assert len(response.context["cl"].result_list) == found, query

    @pytest.mark.parametrize(
        "fields, says",
        [
            ({"result": "halted"}, "It went on: the webfilter only observes."),
            ({"result": "halted", "mode": "enforce"}, "The process was halted"),
            ({"result": "ignored", "status_code": None, "error": "timeout: no answer"}, "did not answer in time"),
            ({"result": "ignored", "status_code": 404}, "nothing is there"),
            ({"result": "invented", "mode": "invented"}, "invented"),
        ],
    )
    def test_its_page_says_it_in_words(self, admin_client, call, fields, says):
        Call.objects.update(**fields)
        page = admin_client.get(url_of(Call, "change", call.pk)).content.decode()
        assert says in page
        assert "timeout: " not in page

    def test_nothing_there_can_be_edited(self, admin_client, call):
        assert admin_client.post(url_of(Call, "change", call.pk), {"result": "passed"}).status_code == 403
        assert admin_client.post(url_of(Call, "delete", call.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("page", ["delivery/send-again", "webhook/{}/past-events"])
@pytest.mark.parametrize("zone", ["UTC", "America/Lima", "Asia/Tokyo"])
def test_no_time_is_too_long_ago_or_too_far_away(admin_client, delivery, settings, page, zone):
    settings.TIME_ZONE = zone
    chosen = {"webhook": delivery.webhook_id, "since": "0001-01-01T00:00:00", "until": "9999-12-31T23:59:59"}
    url = f"/admin/openedx_webhooks/{page.format(delivery.webhook_id)}/"
    response = admin_client.get(url, {"verb": "replay", "count": "1", "limit": "9", **chosen})
    assert response.context["counted"]
    failed = f"/admin/openedx_webhooks/webhook/{delivery.webhook_id}/replay-failed/"
    assert admin_client.post(failed, {"since": "0001-01-01T00:00"}).status_code == 302


def test_a_verb_that_is_none_sends_again(admin_client):
    assert admin_client.get("/admin/openedx_webhooks/delivery/send-again/", {"verb": "<b>"}).status_code == 200
