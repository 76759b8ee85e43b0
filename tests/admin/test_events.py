"""The pages of captured events, and sending past ones to a webhook."""

import uuid

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from openedx_webhooks.admin import searching
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
        assert listed(admin_client, q="ad") == {ada.pk}
        assert listed(admin_client, q="da") == set()
        assert listed(admin_client, q="demox") == {ada.pk}
        assert listed(admin_client, q="104") == set()

    def test_names_and_addresses_are_found_by_those_only_who_may_see_payloads(self, staff, webhook):
        get_user_model().objects.create(pk=42, username="ada", email="ada@example.com", last_name="Lovelace")
        make_delivery(webhook, user_id=42)
        client = staff("view_delivery")
        for term, found in (("42", 1), ("ada", 0), ("ada@example.com", 0), ("Love", 0)):
            response = client.get(url_of(Delivery), {"q": term})
            assert len(response.context["cl"].result_list) == found, term

    def test_a_search_that_means_many_learners_says_so(self, admin_client, monkeypatch):
        monkeypatch.setattr(searching, "MOST_LEARNERS", 2)
        for number in range(3):
            make_event(username=f"learner{number}", user_id=100 + number)
        response = admin_client.get(url_of(CapturedEvent), {"q": "learn"})
        assert len(response.context["cl"].result_list) == 2
        assert "fits more than 2 learners" in response.content.decode()

    @pytest.mark.parametrize(
        "query", ["payload__contains=a", "username__startswith=a", "event_id=1", "deliveries__webhook__secret=w", "o=1"]
    )
    def test_no_other_lookup_can_be_typed(self, admin_client, query):
        make_event()
        response = admin_client.get(f"{url_of(CapturedEvent)}?{query}")
        assert response.status_code == (200 if query == "o=1" else 400)

    def test_filters_by_type_and_sample(self, admin_client, webhook):
        Webhook.objects.create(event=UNKNOWN, webhook_url="https://example.com/")
        login, other, sample = make_event(), make_event(event_type=UNKNOWN), make_event(is_sample=True)
        assert listed(admin_client, event_type=UNKNOWN) == {other.pk}
        assert listed(admin_client, event_type=webhook.event) == {login.pk, sample.pk}
        assert listed(admin_client, is_sample__exact=1) == {sample.pk}
        assert listed(admin_client, is_sample__exact=0) == {login.pk, other.pk}

    def test_no_payload_is_read_and_nothing_counted_in_full(self, admin_client):
        for _ in range(60):
            make_event(username="ada")
        for query in ({}, {"q": "ada"}, {"event_type": LOGIN}):
            with CaptureQueriesContext(connection) as captured:
                listed(admin_client, **query)
            of_events = [each["sql"] for each in captured if "openedx_webhooks_capturedevent" in each["sql"]]
            assert of_events
            assert not [sql for sql in of_events if '"payload"' in sql or "`payload`" in sql]
            assert not [
                sql for sql in of_events if "LIMIT" not in sql and 'id" IN (' not in sql and "`id` IN (" not in sql
            ]

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

    def test_it_can_be_sent_to_a_webhook(self, admin_client, staff):
        event = make_event()
        link = f"/delivery/send-again/?verb=replay&amp;event={event.pk}"
        assert link in admin_client.get(url_of(CapturedEvent, "change", event.pk)).content.decode()
        client = staff("view_capturedevent", "view_delivery")
        assert "send-again" not in client.get(url_of(CapturedEvent, "change", event.pk)).content.decode()

    def test_the_learner_s_own_page_is_linked_for_those_who_may_see_it(self, admin_client, staff):
        event = make_event(username="ada", user_id=7)
        page = admin_client.get(url_of(CapturedEvent, "change", event.pk)).content.decode()
        assert '<a href="/admin/auth/user/7/change/">ada (7)</a>' in page
        client = staff("view_capturedevent", "view_payload")
        page = client.get(url_of(CapturedEvent, "change", event.pk)).content.decode()
        assert "ada (7)" in page
        assert "/auth/user/" not in page

    def test_nothing_there_can_be_edited(self, admin_client):
        event = make_event()
        assert 'name="_save"' not in admin_client.get(url_of(CapturedEvent, "change", event.pk)).content.decode()
        assert admin_client.post(url_of(CapturedEvent, "change", event.pk), {"username": "x"}).status_code == 403
        assert admin_client.post(url_of(CapturedEvent, "delete", event.pk), {"post": "yes"}).status_code == 403

    def test_who_may_not_see_deliveries_or_events_does_not_see_them_elsewhere(self, staff, delivery):
        client = staff("view_capturedevent")
        assert "crm.example.com" not in client.get(url_of(CapturedEvent, "change", delivery.event_id)).content.decode()

    def test_who_may_not_see_payloads_sees_none_on_the_delivery(self, staff, delivery):
        client = staff("view_delivery", "view_capturedevent")
        page = client.get(url_of(Delivery, "change", delivery.pk)).content.decode()
        assert "onerror" not in page
        assert "you may not see personal data" in page
