"""Sending past events to a webhook: the form, the count before, and what is said after."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from openedx_webhooks.admin import past_events
from openedx_webhooks.models import CapturedEvent, Delivery, Webhook

from .conftest import HOSTILE, UNKNOWN, make_delivery, make_event, url_of

pytestmark = pytest.mark.django_db
COURSE = "course-v1:edX+DemoX+2026"


def count(client, webhook, **chosen):
    """The page with the count."""
    return client.get(url_of(Webhook, "past-events", webhook.pk), {"limit": 100, **chosen})


def send(client, webhook, **chosen):
    """Confirm it."""
    return client.post(url_of(Webhook, "past-events", webhook.pk), {"limit": 100, **chosen}, follow=True)


def test_the_page_begins_with_a_form_and_counts_nothing(admin_client, webhook):
    response = admin_client.get(url_of(Webhook, "past-events", webhook.pk))
    assert response.status_code == 200
    assert "counted" not in response.context
    page = admin_client.get(url_of(Webhook, "change", webhook.pk)).content.decode()
    assert f"/webhook/{webhook.pk}/past-events/" in page


def test_the_count_comes_first_and_changes_nothing(admin_client, webhook):
    Webhook.objects.update(condition="number")
    make_delivery(webhook, payload={"number": 1})
    for payload in ({"number": 1}, {"number": 2}, {"number": 0, "x": None}, {}, None):
        make_event(payload=payload)
    make_event(event_type=UNKNOWN, payload={"number": 1})
    page = count(admin_client, webhook)
    text = page.content.decode()
    assert (page.context["counted"]["count"], page.context["counted"]["is_cut"]) == (3, False)
    assert "<strong>1</strong> owed to this webhook before" in text
    assert "<strong>1</strong> not wanted" in text
    assert "<strong>1</strong> cannot be sent: the payload was removed" in text
    assert ">Send 3</button>" in text
    assert Delivery.objects.count() == 1


def test_confirming_owes_them_and_says_how_many(admin_client, webhook):
    events = [make_event() for _ in range(3)]
    page = send(admin_client, webhook).content.decode()
    assert "3 will be sent." in page
    assert set(Delivery.objects.values_list("event_id", "state")) == {(event.pk, "pending") for event in events}
    assert "0 will be sent." in send(admin_client, webhook).content.decode()


@pytest.mark.parametrize(
    "chosen, expected",
    [
        ({"learner": "ada"}, {"ada"}),
        ({"learner": "1"}, {"ada"}),
        ({"course_key": COURSE}, {"bob"}),
        ({"limit": 1}, {"old"}),
        ({"since": "now-1d"}, {"ada", "bob"}),
        ({"until": "now-1d"}, {"old"}),
    ],
)
def test_only_what_was_chosen(admin_client, webhook, chosen, expected):
    old = make_event(username="old", user_id=3)
    CapturedEvent.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(days=3))
    make_event(username="ada", user_id=1)
    make_event(username="bob", user_id=2, course_key=COURSE)
    day = (timezone.localtime() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    chosen = {name: day if value == "now-1d" else value for name, value in chosen.items()}
    counted = count(admin_client, webhook, **chosen).context["counted"]
    assert (counted["count"], counted["is_cut"]) == (len(expected), "limit" in chosen)
    page = send(admin_client, webhook, **chosen).content.decode()
    assert ("There are more" in page) is ("limit" in chosen)
    assert set(Delivery.objects.values_list("event__username", flat=True)) == expected


@pytest.mark.parametrize(
    "chosen, field",
    [
        ({"limit": ""}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"limit": past_events.MOST + 1}, "limit"),
        ({"since": "soon"}, "since"),
        ({"since": "2026-11-25T00:00", "until": "2026-11-24T00:00"}, "until"),
        ({"learner": "a" * 151}, "learner"),
        ({"course_key": "a\0b"}, "course_key"),
    ],
)
def test_a_mistake_is_told_beside_the_field_and_nothing_sent(admin_client, webhook, chosen, field):
    make_event()
    for response in (count(admin_client, webhook, **chosen), send(admin_client, webhook, **chosen)):
        assert response.status_code == 200
        assert field in response.context["form"].errors
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    "fields, says", [({"enabled": False}, "until it is enabled"), ({"paused": True}, "until it is resumed")]
)
def test_that_they_will_wait_is_said_before_and_after(admin_client, webhook, fields, says):
    Webhook.objects.update(**fields)
    make_event()
    assert says in count(admin_client, webhook).content.decode()
    assert says in send(admin_client, webhook).content.decode()


@pytest.mark.parametrize(
    "permissions, may",
    [
        (["view_webhook"], False),
        (["view_webhook", "change_webhook"], False),
        (["change_delivery"], False),
        (["view_webhook", "change_delivery"], True),
    ],
)
def test_who_may(staff, webhook, permissions, may):
    make_event()
    client = staff(*permissions)
    assert (count(client, webhook).status_code == 200) is may
    assert (send(client, webhook).status_code == 200) is may
    assert Delivery.objects.exists() is may


def test_of_a_webhook_that_is_gone(admin_client):
    assert admin_client.get(url_of(Webhook, "past-events", 999)).status_code == 302
    assert admin_client.get(url_of(Webhook, "past-events", "nonsense")).status_code == 302


def test_it_is_in_the_history(admin_client, webhook):
    make_event()
    send(admin_client, webhook)
    assert (
        "Send past events: 1 will be sent." in admin_client.get(url_of(Webhook, "history", webhook.pk)).content.decode()
    )


def test_what_was_counted_is_sent(admin_client, webhook):
    """The fields come back hidden, in a form that is read the same in any time zone."""
    now = timezone.now()
    made = make_event(created=now - timedelta(hours=5), username="ada")
    make_event(created=now - timedelta(hours=1), username="ada")
    make_event(created=now - timedelta(hours=5))
    times = {
        name: timezone.localtime(now - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")
        for name, hours in (("since", 6), ("until", 4))
    }
    page = count(admin_client, webhook, learner="ada", **times).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert {"since", "until", "learner"} <= hidden.keys()
    admin_client.post(url_of(Webhook, "past-events", webhook.pk), hidden)
    assert [delivery.event for delivery in Delivery.objects.all()] == [made]


def test_nothing_to_send_has_no_button(admin_client, webhook):
    page = count(admin_client, webhook).content.decode()
    assert "There is nothing to do." in page
    assert 'class="owh-buttons">' not in page.partition('class="owh-past"')[0]


def test_what_was_entered_is_escaped(admin_client, webhook):
    page = count(admin_client, webhook, learner=HOSTILE, course_key=HOSTILE).content.decode()
    assert "<script>alert" not in page


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_webhook_that_is_being_removed_gets_nothing(admin_client, webhook, method):
    Webhook.objects.update(removing_since=timezone.now(), enabled=False)
    make_event()
    response = getattr(admin_client, method)(url_of(Webhook, "past-events", webhook.pk), {"limit": 5}, follow=True)
    assert "nothing can be done with it" in response.content.decode()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("learner, is_told", [("ada", False), ("7", True)])
def test_who_may_not_see_usernames_counts_nobody_s_events(staff, webhook, learner, is_told):
    make_event(username="ada", user_id=7)
    client = staff("view_webhook", "view_delivery", "replay_delivery")
    context = count(client, webhook, learner=learner).context
    assert ("counted" in context) is is_told
    assert ("learner" in context["form"].errors) is not is_told
