"""Deliveries that are sent again, retried and cancelled, one and many."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from openedx_webhooks.admin import sending_again
from openedx_webhooks.models import CapturedEvent, Delivery, Webhook
from openedx_webhooks.operations import newest
from openedx_webhooks.webhooks import resending

from .conftest import LOGIN, make_delivery, url_of

pytestmark = pytest.mark.django_db


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


def test_what_was_done_is_in_the_history(admin_client, delivery):
    admin_client.post(url_of(Delivery, "replay", delivery.pk))
    assert "Send again" in admin_client.get(url_of(Delivery, "history", delivery.pk)).content.decode()


@pytest.mark.parametrize("button", ["replay", "retry", "cancel"])
def test_a_get_leads_back_and_changes_nothing(admin_client, delivery, button):
    response = admin_client.get(url_of(Delivery, button, delivery.pk))
    assert response["Location"] == url_of(Delivery, "change", delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == "failed"


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
