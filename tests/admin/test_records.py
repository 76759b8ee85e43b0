"""The lists and pages of deliveries."""

import json
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from openedx_webhooks.models import Attempt, Call, CapturedEvent, Delivery, Webhook
from openedx_webhooks.operations import newest
from openedx_webhooks.webhooks import sending

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
