"""The pages of captured events, and sending past ones to a webhook."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from openedx_webhooks.admin import filters, past_events
from openedx_webhooks.models import CapturedEvent, Delivery, Webhook

from .conftest import LOGIN, UNKNOWN, make_delivery, make_event, url_of

pytestmark = pytest.mark.django_db
COURSE = "course-v1:edX+DemoX+2026"


def listed(client, **query) -> set[int]:
    """The primary keys on the list."""
    response = client.get(url_of(CapturedEvent), query)
    assert response.status_code == 200
    return {event.pk for event in response.context["cl"].result_list}


class TestList:
    """What happened."""

    def test_a_row_tells_event_learner_course_and_how_many_it_was_owed_to(self, admin_client, webhook):
        make_delivery(webhook, username="ada", user_id=42, course_key=COURSE, org="edX")
        page = admin_client.get(url_of(CapturedEvent)).content.decode()
        for text in ("SESSION_LOGIN_COMPLETED", "ada (42)", COURSE, '<td class="field-owed_column">1</td>'):
            assert text in page

    def test_search_by_learner_course_organisation_and_ids(self, admin_client):
        ada = make_event(username="ada", user_id=1042, course_key=COURSE, org="edX")
        number = make_event(username="1042", user_id=9, course_key="", org="")
        make_event(username="bob", user_id=8)
        assert listed(admin_client, q="ada") == {ada.pk}
        assert listed(admin_client, q="1042") == {ada.pk, number.pk}
        assert listed(admin_client, q=COURSE) == {ada.pk}
        assert listed(admin_client, q="edX") == {ada.pk}
        assert listed(admin_client, q=str(ada.event_id)) == {ada.pk}
        assert listed(admin_client, q=str(ada.pk)) == {ada.pk}
        assert listed(admin_client, q=uuid.uuid4()) == set()
        assert listed(admin_client, q="ad") == set()

    def test_filters_by_type_and_sample(self, admin_client, webhook):
        Webhook.objects.create(event=UNKNOWN, webhook_url="https://example.com/")
        login, other, sample = make_event(), make_event(event_type=UNKNOWN), make_event(is_sample=True)
        assert listed(admin_client, event_type=UNKNOWN) == {other.pk}
        assert listed(admin_client, event_type=webhook.event) == {login.pk, sample.pk}
        assert listed(admin_client, is_sample__exact=1) == {sample.pk}

    def test_samples_are_looked_for_among_the_newest_events(self, admin_client, monkeypatch):
        monkeypatch.setattr(filters, "SAMPLES_AMONG", 3)
        events = [make_event(is_sample=number != 3) for number in range(5)]
        assert listed(admin_client, is_sample__exact=1) == {events[2].pk, events[4].pk}
        assert listed(admin_client, is_sample__exact=0) == {events[3].pk}

    def test_no_payload_is_read_and_nothing_counted_in_full(self, admin_client):
        for _ in range(60):
            make_event(username="ada")
        for query in ({}, {"q": "ada"}, {"event_type": LOGIN}):
            with CaptureQueriesContext(connection) as captured:
                listed(admin_client, **query)
            of_events = [each["sql"] for each in captured if "openedx_webhooks_capturedevent" in each["sql"]]
            assert of_events
            assert not [sql for sql in of_events if '"payload"' in sql or "`payload`" in sql or "LIMIT" not in sql]

    def test_deliveries_are_found_by_whom_they_are_about(self, admin_client, webhook):
        ada = make_delivery(webhook, username="ada", user_id=1042, course_key=COURSE)
        make_delivery(webhook, username="bob", user_id=8)
        for term in ("ada", "1042", COURSE, ada.event.event_id):
            response = admin_client.get(url_of(Delivery), {"q": term})
            assert [delivery.pk for delivery in response.context["cl"].result_list] == [ada.pk], term


class TestPage:
    """One event."""

    def test_the_payload_and_what_became_of_it(self, admin_client, webhook):
        delivery = make_delivery(webhook, "failed", username="ada")
        page = admin_client.get(url_of(CapturedEvent, "change", delivery.event_id)).content.decode()
        assert "&quot;name&quot;" in page
        assert f"/delivery/{delivery.pk}/change/" in page
        assert "crm.example.com" in page
        assert ">Failed<" in page

    def test_the_delivery_s_page_leads_to_it(self, admin_client, delivery):
        page = admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()
        assert f"/capturedevent/{delivery.event_id}/change/" in page

    def test_a_sample_says_what_it_is_for(self, admin_client):
        event = make_event(is_sample=True)
        page = admin_client.get(url_of(CapturedEvent, "change", event.pk)).content.decode()
        assert "kept as a sample" in page

    def test_nothing_there_can_be_edited(self, admin_client):
        event = make_event()
        assert 'name="_save"' not in admin_client.get(url_of(CapturedEvent, "change", event.pk)).content.decode()
        assert admin_client.post(url_of(CapturedEvent, "change", event.pk), {"username": "x"}).status_code == 403
        assert admin_client.post(url_of(CapturedEvent, "delete", event.pk), {"post": "yes"}).status_code == 403

    def test_who_may_not_see_deliveries_or_events_does_not_see_them_elsewhere(self, staff, delivery):
        client = staff("view_capturedevent")
        assert "crm.example.com" not in client.get(url_of(CapturedEvent, "change", delivery.event_id)).content.decode()

    def test_who_may_not_see_events_sees_no_payload_on_the_delivery(self, staff, delivery):
        page = staff("view_delivery").get(url_of(Delivery, "change", delivery.pk)).content.decode()
        assert "owh-payload" not in page


class TestPastEvents:
    """Send what happened before there was the webhook."""

    def count(self, client, webhook, **chosen):
        """The page with the count."""
        return client.get(url_of(Webhook, "past-events", webhook.pk), {"limit": 100, **chosen})

    def send(self, client, webhook, **chosen):
        """Confirm it."""
        return client.post(url_of(Webhook, "past-events", webhook.pk), {"limit": 100, **chosen}, follow=True)

    def test_the_page_begins_with_a_form_and_counts_nothing(self, admin_client, webhook):
        response = admin_client.get(url_of(Webhook, "past-events", webhook.pk))
        assert response.status_code == 200
        assert response.context["found"] is None
        page = admin_client.get(url_of(Webhook, "change", webhook.pk)).content.decode()
        assert f"/webhook/{webhook.pk}/past-events/" in page

    def test_the_count_comes_first_and_changes_nothing(self, admin_client, webhook):
        Webhook.objects.update(condition="number")
        make_delivery(webhook, payload={"number": 1})
        for payload in ({"number": 1}, {"number": 2}, {"number": 0, "x": None}, {}, None):
            make_event(payload=payload)
        make_event(event_type=UNKNOWN, payload={"number": 1})
        page = self.count(admin_client, webhook)
        found = page.context["found"]
        assert (found.owed, found.had, found.unmatched, found.is_cut) == (3, 1, 1, False)
        assert "Send 3 events" in page.content.decode()
        assert Delivery.objects.count() == 1

    def test_confirming_owes_them_and_says_how_many(self, admin_client, webhook):
        events = [make_event() for _ in range(3)]
        page = self.send(admin_client, webhook).content.decode()
        assert "3 past events will be sent." in page
        assert set(Delivery.objects.values_list("event_id", "state")) == {(event.pk, "pending") for event in events}
        assert "No event was found that could be sent." in self.send(admin_client, webhook).content.decode()

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
    def test_only_what_was_chosen(self, admin_client, webhook, chosen, expected):
        old = make_event(username="old", user_id=3)
        CapturedEvent.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(days=3))
        make_event(username="ada", user_id=1)
        make_event(username="bob", user_id=2, course_key=COURSE)
        day = (timezone.localtime() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
        chosen = {name: day if value == "now-1d" else value for name, value in chosen.items()}
        found = self.count(admin_client, webhook, **chosen).context["found"]
        assert (found.owed, found.is_cut) == (len(expected), "limit" in chosen)
        page = self.send(admin_client, webhook, **chosen).content.decode()
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
    def test_a_mistake_is_told_beside_the_field_and_nothing_sent(self, admin_client, webhook, chosen, field):
        make_event()
        for response in (self.count(admin_client, webhook, **chosen), self.send(admin_client, webhook, **chosen)):
            assert response.status_code == 200
            assert field in response.context["form"].errors
        assert not Delivery.objects.exists()

    @pytest.mark.parametrize(
        "fields, says", [({"enabled": False}, "until it is enabled"), ({"paused": True}, "until it is resumed")]
    )
    def test_that_they_will_wait_is_said_before_and_after(self, admin_client, webhook, fields, says):
        Webhook.objects.update(**fields)
        make_event()
        assert says in self.count(admin_client, webhook).content.decode()
        after = "until the webhook is enabled" if "enabled" in fields else "until the webhook is resumed"
        assert after in self.send(admin_client, webhook).content.decode()

    @pytest.mark.parametrize(
        "permissions, may",
        [
            (["view_webhook"], False),
            (["view_webhook", "change_webhook"], False),
            (["change_delivery"], False),
            (["view_webhook", "change_delivery"], True),
        ],
    )
    def test_who_may(self, staff, webhook, permissions, may):
        make_event()
        client = staff(*permissions)
        assert (self.count(client, webhook).status_code == 200) is may
        assert (self.send(client, webhook).status_code == 200) is may
        assert Delivery.objects.exists() is may

    def test_of_a_webhook_that_is_gone(self, admin_client):
        assert admin_client.get(url_of(Webhook, "past-events", 999)).status_code == 302
        assert admin_client.get(url_of(Webhook, "past-events", "nonsense")).status_code == 302


class TestPause:
    """The page of a paused webhook."""

    def page(self, client, webhook):
        return client.get(url_of(Webhook, "change", webhook.pk)).content.decode()

    def test_it_says_how_many_wait_and_since_when(self, admin_client, webhook):
        Webhook.objects.update(paused=True)
        assert "Nothing waits yet." in self.page(admin_client, webhook)
        since = timezone.now() - timedelta(hours=5)
        make_delivery(webhook, "pending", next_attempt_at=since)
        make_delivery(webhook, "pending", next_attempt_at=timezone.now())
        page = self.page(admin_client, webhook)
        assert "2 deliveries wait, the oldest since" in page
        assert ">paused<" in page
        assert "the Celery workers are not running" not in page

    def test_its_deliveries_say_why_they_wait(self, admin_client, webhook):
        Webhook.objects.update(paused=True)
        delivery = make_delivery(webhook, "pending", next_attempt_at=timezone.now() - timedelta(hours=1))
        page = admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()
        assert "its webhook is paused" in page
