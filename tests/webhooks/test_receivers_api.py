"""What a webhook's receiver gets with its token at /openedx_webhooks/receiver/, and what nobody else gets."""

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook as Verifier

from openedx_webhooks import shared_cache
from openedx_webhooks.background import process
from openedx_webhooks.models import CapturedEvent, Delivery, ReceiverToken, Webhook
from openedx_webhooks.operations import receiver_access
from openedx_webhooks.webhooks.deliver import deliver_due

from .conftest import LOGIN, happened, owe

pytestmark = pytest.mark.django_db(transaction=True)
BASE = "/openedx_webhooks/receiver/"


class Receiver:
    """A receiver's requests; each answer is its status, and the JSON if it is one."""

    def __init__(self, webhook, token=None):
        self.client = Client(enforce_csrf_checks=True)
        self.headers = {"Authorization": f"Bearer {token or receiver_access.make_token(webhook)}"}

    def get(self, path="messages", **query):
        return self.client.get(BASE + path, query, headers=self.headers)

    def numbers(self, **query):
        answer = self.get(**query).json()
        return [one["sequence"] for one in answer["messages"]], answer["next_after"]

    def send_again(self, *sequences, body=None):
        body = body or json.dumps({"sequences": sequences})
        return self.client.post(BASE + "send-again", body, content_type="application/json", headers=self.headers)


@pytest.fixture(name="webhook")
def webhook_with_access(webhook):
    webhook.receiver_access = True
    webhook.save()
    return webhook


@pytest.fixture(name="asks")
def a_receiver_that_asks(webhook):
    return Receiver(webhook)


def sent(webhook, count=1):
    """Messages that were delivered."""
    owe(webhook, count)
    deliver_due()


# --- Who may ask


def test_without_the_token_of_a_webhook_nobody_learns_anything(webhook, asks):
    other = Webhook.objects.create(event=LOGIN, webhook_url=webhook.webhook_url, receiver_access=True)
    token = asks.headers["Authorization"].removeprefix("Bearer ")
    renumbered = f"whr_{other.pk}_{token.split('_', 2)[2]}"
    for wrong in ("", "x", token[:-1] + "~", renumbered, f"whr_{'9' * 10}_{'a' * 43}", f"whr_{other.pk}_{'a' * 43}"):
        answer = Receiver(webhook, wrong or " ").get()
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer"), wrong
        assert answer.json()["error"] == "unauthorized"
    assert Client().get(BASE + "messages").status_code == 401
    assert Client().get(BASE + "messages", headers={"Authorization": f"Basic {token}"}).status_code == 401
    assert asks.get().status_code == 200


def test_a_new_token_ends_the_one_before_and_only_its_hash_is_stored(webhook, asks):
    token = receiver_access.make_token(webhook)
    assert asks.get().status_code == 401
    assert Receiver(webhook, token).get().status_code == 200
    assert token[-43:] not in str(ReceiverToken.objects.values().get())


@pytest.mark.parametrize(
    "changed, status, error",
    [
        ({"receiver_access": False}, 403, "access_off"),
        ({"enabled": False}, 403, "webhook_disabled"),
        ({"webhook_url": "https://another.example.com/"}, 401, "unauthorized"),
        ({"paused": True}, 200, None),
    ],
)
@pytest.mark.parametrize("path", ["messages", "messages/1"])
def test_access_ends_with_the_switch_the_webhook_or_another_server(webhook, asks, changed, status, error, path):
    sent(webhook)
    Webhook.objects.filter(pk=webhook.pk).update(**changed)
    answer = asks.get(path)
    assert (answer.status_code, answer.json().get("error")) == (status, error)


def test_messages_of_another_webhook_are_unknown(webhook, receiver):
    other = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/other"), receiver_access=True)
    sent(other, 2)
    asks = Receiver(webhook)
    assert asks.numbers() == ([], None)
    assert asks.get("messages/1").status_code == 404
    assert asks.send_again(1, 2).json()["unknown"] == [1, 2]


# --- The list


def test_list_tells_of_each_message_what_became_of_it(webhook, asks, receiver):
    sent(webhook)
    delivery, (request,) = Delivery.objects.get(), receiver.received
    answer = asks.get()
    assert answer["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert answer.json() == {
        "webhook": webhook.pk,
        "paused": False,
        "last": 1,
        "next_after": None,
        "messages": [
            {
                "sequence": 1,
                "id": request.headers["webhook-id"],
                "state": "delivered",
                "created": delivery.created.isoformat(),
                "finished": delivery.finished_at.isoformat(),
                "attempts": 1,
                "bytes": len(request.body),
                "kept": True,
            }
        ],
    }


def test_pages_follow_one_another_and_what_has_no_number_is_not_listed(webhook, asks):
    sent(webhook, 5)
    owe(webhook, 1)
    assert asks.numbers(limit=2) == ([1, 2], 2)
    assert asks.numbers(limit=2, after=2) == ([3, 4], 4)
    assert asks.numbers(limit=2, after=4) == ([5], None)
    assert asks.numbers(after=2**63 - 1) == ([], None)


def test_since_a_time_it_lists_what_was_captured_from_then_on(webhook, asks):
    sent(webhook, 2)
    Delivery.objects.filter(sequence=1).update(created=timezone.now() - timedelta(days=2))
    yesterday = timezone.now() - timedelta(days=1)
    assert asks.numbers(since=yesterday.isoformat()) == ([2], None)
    assert asks.numbers(since=(yesterday - timedelta(days=5)).isoformat()) == ([1, 2], None)


@pytest.mark.parametrize(
    "since, numbers", [("0001-01-01T00:00:00+14:00", [1]), ("9999-12-31T23:59:59-14:00", [])], ids=["first", "last"]
)
def test_since_a_time_that_no_calendar_can_count_with_is_the_nearest_that_it_can(webhook, asks, since, numbers):
    sent(webhook)
    assert asks.numbers(since=since) == (numbers, None)


@pytest.mark.parametrize(
    "query, name",
    [
        ({"after": "-1"}, "after"),
        ({"after": "1.5"}, "after"),
        ({"after": str(2**63)}, "after"),
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-02-30T00:00:00Z"}, "since"),
        ({"since": "2026-11-24T18:30:00"}, "since"),
        ({"form": "3"}, "form"),
    ],
)
def test_wrong_query_is_refused_by_name(asks, query, name):
    answer = asks.get(**query)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid")
    assert f"“{name}”" in answer.json()["message"]


# --- A message


def test_message_is_given_as_it_would_be_sent_with_shape_and_signature(webhook, asks, receiver):
    Webhook.objects.filter(pk=webhook.pk).update(shape="{n: number}", headers={"Authorization": "Bearer t0p-s3cret"})
    sent(webhook)
    answer = asks.get("messages/1")
    assert (answer.status_code, answer.content) == (200, receiver.received[0].body) == (200, b'{"n":0}')
    assert answer["webhook-id"] == receiver.received[0].headers["webhook-id"]
    assert (answer["webhook-sequence"], answer["content-type"]) == ("1", "application/json")
    assert Verifier(webhook.secret).verify(answer.content, dict(answer.items())) == {"n": 0}
    assert "s3cret" not in str(answer.headers)


@pytest.mark.parametrize(
    "event, changed, status, error",
    [
        ({"payload": None}, {}, 410, "payload_removed"),
        ({"keep_payload": False}, {}, 410, "payload_removed"),
        ({}, {"condition": "number == `7`"}, 409, "no_match"),
        ({}, {"shape": "abs('text')"}, 409, "shape_failed"),
        ({}, {"secret": "malformed"}, 409, "unsendable"),
    ],
)
def test_message_that_can_not_be_made_any_more_says_why(webhook, asks, event, changed, status, error):
    sent(webhook)
    CapturedEvent.objects.update(**(event or {"is_sample": False}))
    Webhook.objects.filter(pk=webhook.pk).update(**(changed or {"description": ""}))
    answer = asks.get("messages/1")
    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize("number", [2, 0, 2**64])
def test_unknown_message_is_not_found(webhook, asks, number):
    sent(webhook)
    assert asks.get(f"messages/{number}").json()["error"] == "unknown_message"


# --- Once more


def test_what_is_asked_for_comes_again_with_its_number_and_id(webhook, asks, receiver):
    sent(webhook, 3)
    owe(webhook, 1)
    CapturedEvent.objects.filter(deliveries__sequence=2).update(payload=None)
    answer = asks.send_again(1, 2, 9)
    assert (answer.status_code, answer.json()) == (
        202,
        {"sent_again": 1, "pending": 0, "removed": 1, "unknown": [9], "paused": False},
    )
    deliver_due()
    first, *_others, again = [one for one in receiver.received if one.headers["webhook-sequence"] == "1"]
    assert (again.body, again.headers["webhook-id"]) == (first.body, first.headers["webhook-id"])


@pytest.mark.parametrize("has_cache", [True, False])
def test_it_comes_again_only_now_and_then_with_a_cache_and_without(webhook, asks, monkeypatch, has_cache):
    if not has_cache:
        monkeypatch.setattr(shared_cache, "ask", lambda *_args, **_kwargs: None)
    sent(webhook, 2)
    assert asks.send_again(1).status_code == 202
    if has_cache:
        process.forget()  # Another process.
    answer = asks.send_again(2)
    assert (answer.status_code, answer["Retry-After"], answer.json()["error"]) == (429, "30", "too_soon")
    assert Delivery.objects.get(sequence=2).state == "delivered"
    cache.clear()
    process.forget()
    assert asks.send_again(2).status_code == 202


@pytest.mark.parametrize("has_cache", [True, False])
def test_lists_and_messages_are_given_so_many_times_a_minute(webhook, asks, monkeypatch, has_cache):
    if not has_cache:
        monkeypatch.setattr(shared_cache, "ask", lambda *_args, **_kwargs: None)
    monkeypatch.setattr(receiver_access, "READS", 3)
    clock = [1_000_000.0]
    monkeypatch.setattr(receiver_access, "time", type("Clock", (), {"time": lambda: clock[0]}))
    other = Receiver(Webhook.objects.create(event=LOGIN, webhook_url=webhook.webhook_url, receiver_access=True))
    sent(webhook)
    assert [asks.get(path).status_code for path in ("messages", "messages/1", "messages/9")] == [200, 200, 404]
    if has_cache:
        process.forget()  # Another process.
    answer = asks.get("messages/1")
    assert (answer.status_code, answer["Retry-After"], answer.json()["error"]) == (429, "20", "too_soon")
    assert (other.get().status_code, asks.send_again(1).status_code) == (200, 202)
    clock[0] += 20
    assert asks.get("messages/1").status_code == 200


@pytest.mark.parametrize(
    "body",
    ["", "{", "[1]", "{}", '{"sequences": []}', '{"sequences": "12"}', '{"sequences": [1.0]}', '{"sequences": [true]}',
     '{"sequences": [0]}', json.dumps({"sequences": [2**63]}), json.dumps({"sequences": list(range(1, 502))}),
     b'{"sequences": [1], "\xff": 1}', "[" * 100_000],
)  # fmt: skip
def test_wrong_body_is_refused_and_uses_up_nothing(webhook, asks, body):
    sent(webhook)
    answer = asks.send_again(body=body or " ")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid")
    assert asks.send_again(1).status_code == 202


def test_wrong_method_is_told_the_right_one(asks):
    answer = asks.get("send-again")
    assert (answer.status_code, answer["Allow"], answer.json()["error"]) == (405, "POST", "method_not_allowed")


def test_logs_name_numbers_and_nothing_else(webhook, asks, caplog):
    caplog.set_level("INFO", logger="openedx_webhooks")
    (event,) = happened(payload={"user": {"email": "ann@example.com"}})
    Delivery.objects.create(webhook=webhook, event=event)
    deliver_due()
    asks.get("messages/1")
    asks.send_again(1)
    assert f"webhook {webhook.pk} took its message 1" in caplog.text
    assert "ann@" not in caplog.text and asks.headers["Authorization"][-43:] not in caplog.text
