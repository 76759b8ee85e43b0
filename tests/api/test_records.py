"""Events, deliveries and calls through the API: pages, filters, and what can be done with a delivery."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from openedx_webhooks.models import Call, CapturedEvent, Delivery, Webhook
from openedx_webhooks.operations import newest

from ..admin.conftest import LOGIN, make_delivery, make_event

pytestmark = pytest.mark.django_db


def walk(api, path, **query):
    """The numbers of all pages, in their order, and how many pages there were."""
    numbers, pages = [], 0
    while True:
        status, page = api.get(path, **query)
        assert status == 200, page
        numbers += [row["id"] for row in page["results"]]
        pages += 1
        if page["next"] is None:
            return numbers, pages
        query = dict(parse_qsl(urlsplit(page["next"]).query))


@pytest.fixture
def deliveries(webhook):
    """Twelve of two webhooks, one a minute, every third failed."""
    other = Webhook.objects.create(event=LOGIN, webhook_url="https://other.example.com/")
    return [
        make_delivery(
            (webhook, other)[n % 2],
            "delivered" if n % 3 else "failed",
            created=timezone.now() - timedelta(minutes=12 - n),
        )
        for n in range(12)
    ]


def test_pages_follow_each_other_without_gap_or_repetition(api, deliveries):
    numbers, pages = walk(api, "deliveries/", page_size=5)
    assert numbers == [delivery.pk for delivery in reversed(deliveries)]
    assert pages == 3


@pytest.mark.parametrize(
    "query",
    [
        {"state": "failed"},
        {"webhook": True},
        {"webhook": True, "state": "failed"},
        {"since": 6.5},
        {"until": 6.5, "state": "failed"},
        {"since": 9.5, "until": 3.5, "webhook": True},
    ],
)
@pytest.mark.parametrize("window, seconds", [(1000, 60), (2, 0)])
def test_filters_find_the_rows_of_a_plain_query(api, deliveries, monkeypatch, query, window, seconds):
    """Also if the time is over after each window, so that pages say how far it was looked."""
    monkeypatch.setattr(newest, "COUNTED", 2)
    monkeypatch.setattr(newest, "_WINDOW", window)
    monkeypatch.setattr(newest, "_SECONDS", seconds)
    plain = Delivery.objects.order_by("-pk")
    if "webhook" in query:
        query = {**query, "webhook": deliveries[0].webhook_id}
        plain = plain.filter(webhook=query["webhook"])
    if "state" in query:
        plain = plain.filter(state=query["state"])
    for name, lookup in (("since", "gte"), ("until", "lte")):
        if name in query:
            at = timezone.now() - timedelta(minutes=query[name])
            query, plain = {**query, name: at.isoformat()}, plain.filter(**{f"created__{lookup}": at})
    numbers, _pages = walk(api, "deliveries/", page_size=3, **query)
    assert numbers == list(plain.values_list("pk", flat=True))


@pytest.mark.parametrize("page_size", [1, 50])
def test_a_list_takes_as_many_queries_however_long_it_is(api, deliveries, page_size):
    api.get("deliveries/")
    with CaptureQueriesContext(connection) as queries:
        api.get("deliveries/", page_size=page_size)
    of_ours = [query for query in queries if "openedx_webhooks_" in query["sql"]]
    assert len(of_ours) == 3


@pytest.mark.parametrize("name", ["message_id", "event"])
def test_what_an_index_knows_is_found_at_once(api, deliveries, monkeypatch, name):
    """However far down it is: nothing is walked."""
    monkeypatch.setattr(newest, "_WINDOW", 1)
    monkeypatch.setattr(newest, "_SECONDS", 0)
    wanted = deliveries[0]
    page = api.get("deliveries/", **{name: wanted.message_id if name == "message_id" else wanted.event_id})[1]
    assert ([row["id"] for row in page["results"]], page["next"]) == ([wanted.pk], None)


@pytest.mark.parametrize("path", ["webhooks/", "webfilters/", "captured_events/", "deliveries/", "calls/"])
@pytest.mark.parametrize(
    "query, field",
    [
        ({"webhook_url__startswith": "https://"}, "webhook_url__startswith"),
        ({"headers": "x"}, "headers"),
        ({"secret": "x"}, "secret"),
        ({"cursor": "before.x"}, "cursor"),
        ({"cursor": "at.9999-99-99"}, "cursor"),
        ({"cursor": "at.2026-01-01T00:00:00"}, "cursor"),
        ({"cursor": f"before.{2**64}"}, "cursor"),
        ({"page_size": 100_000}, "page_size"),
    ],
)
def test_what_is_no_filter_is_refused(api, path, query, field):
    """Passed over it would give another list than was asked for; and an address is not to be guessed by filters."""
    status, errors = api.get(path, **query)
    assert (status, list(errors)) == (400, [field])


@pytest.mark.parametrize("query", [{"since": "0001-01-01T00:00:00Z"}, {"until": "9999-12-31T23:59:59+14:00"}])
def test_times_that_no_calendar_can_count_with_find_what_they_can(api, deliveries, query):
    assert len(api.get("deliveries/", **query)[1]["results"]) == 12


@pytest.mark.parametrize("path", ["webhooks/", "webfilters/", "captured_events/", "deliveries/", "calls/"])
def test_a_cursor_before_all_rows_is_an_empty_last_page(api, deliveries, call, path):
    """Somebody wrote it by hand, or all that lay behind it was removed."""
    assert api.get(path, cursor="at.1980-01-01T00:00:00Z") == (200, {"next": None, "results": []})


def test_an_event_is_found_by_its_learner_course_and_id_at_once(api, monkeypatch):
    monkeypatch.setattr(newest, "_WINDOW", 1)
    monkeypatch.setattr(newest, "_SECONDS", 0)
    event, _other = make_event(username="ada", course_key="course-v1:a+b+c", org="a"), make_event(user_id=8)
    for query in ({"user_id": 7}, {"username": "ada"}, {"course_key": "course-v1:a+b+c"}, {"org": "a"},
                  {"event_id": event.event_id}):  # fmt: skip
        assert walk(api, "captured_events/", **query) == ([event.pk], 1), query


def test_an_event_shows_its_payload_on_its_own_page_only(api):
    event = make_event(payload={"a": 1})
    assert "payload" not in api.get("captured_events/")[1]["results"][0]
    assert api.get(f"captured_events/{event.pk}/")[1]["payload"] == {"a": 1}


@pytest.mark.parametrize(
    "stored, shown",
    [
        ("{", "{"),
        ("[NaN,-Infinity]", "[NaN,-Infinity]"),
        ('{"a":"\\ud800"}', {"a": "?"}),
        ("[" * 5000, "[" * 5000),
        ('{"a":1}', {"a": 1}),
    ],
    ids=["cut", "no numbers", "half a character", "deep", "well"],
)
def test_a_payload_that_somebody_has_spoilt_does_not_spoil_the_answer(api, call, stored, shown):
    event = make_event()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE openedx_webhooks_capturedevent SET payload = %s", [stored])
        cursor.execute("UPDATE openedx_webhooks_call SET request_body = %s", [stored])
    assert api.get(f"captured_events/{event.pk}/")[1]["payload"] == shown
    assert api.get(f"calls/{call.pk}/")[1]["request_body"] == shown


def test_a_delivery_shows_its_attempts(api, delivery):
    shown = api.get(f"deliveries/{delivery.pk}/")[1]
    assert [attempt["status_code"] for attempt in shown["attempts"]] == [500]
    assert shown["event_type"] == LOGIN


def test_a_delivery_outlives_its_event(api, delivery):
    CapturedEvent.objects.filter(pk=delivery.event_id).delete()
    make_delivery(delivery.webhook)
    Delivery.objects.update(event_id=10**9)
    assert [row["event_type"] for row in api.get("deliveries/")[1]["results"]] == [None]


def test_calls_are_found_by_webfilter_and_result(api, call):
    Call.objects.create(webfilter=call.webfilter, mode="observe", result="passed")
    assert walk(api, "calls/", webfilter=call.webfilter_id, result="halted")[0] == [call.pk]
    assert api.get(f"calls/{call.pk}/")[1]["request_body"] == call.request_body


@pytest.mark.parametrize(
    "state, verb, becomes",
    [
        ("failed", "replay", "pending"),
        ("pending", "retry", "pending"),
        ("pending", "cancel", "cancelled"),
        ("pending", "replay", None),
        ("failed", "retry", None),
        ("failed", "cancel", None),
    ],
)
def test_a_delivery_is_operated_where_its_state_allows_it(api, webhook, state, verb, becomes):
    delivery = make_delivery(webhook, state, **({"next_attempt_at": timezone.now()} if state == "pending" else {}))
    status, answer = api.post(f"deliveries/{delivery.pk}/{verb}/")
    delivery.refresh_from_db()
    if becomes is None:
        assert (status, delivery.state) == (409, state)
        assert answer["detail"].startswith("Not ")
    else:
        assert (status, answer["state"], delivery.state) == (200, becomes, becomes)


def test_rows_are_added_changed_and_deleted_by_nobody(api, delivery):
    for method, path in ((api.post, "deliveries/"), (api.delete, f"deliveries/{delivery.pk}/")):
        assert method(path)[0] == 405
    assert api.patch(f"captured_events/{delivery.event_id}/", {"username": "x"})[0] == 405
