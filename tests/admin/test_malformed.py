"""Rows that somebody wrote past the form: their pages open, say what is wrong, and take a correction."""

import html
import json

import pytest
from django.core.cache import caches
from django.db import connection

from openedx_webhooks.background import process
from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Webfilter, Webhook

from .conftest import LOGIN, form_of, make_delivery, url_of

pytestmark = pytest.mark.django_db
# column, what is stored, a word of what the page says
MALFORMED = [
    ("webhook_url", "http://[bad/x", "Webhook URL: This is not a valid address"),
    ("webhook_url", "", None),
    ("webhook_url", "x" * 2000, "Webhook URL: The address must begin with"),
    ("headers", "[1, 2]", "Headers: Enter an object"),
    ("headers", '{"broken": ', "Headers: Enter an object"),
    ("headers", '"text"', "Headers: Enter an object"),
    ("headers", '{"X-Number": 5}', "Headers: The value of “X-Number” must be a text"),
    ("headers", '{"Host": "elsewhere"}', "Headers: “Host” is set by the plugin itself"),
    ("condition", "user.id ==", "Condition: Not a JMESPath expression"),
    ("condition", "nosuch(user)", "Condition: JMESPath has no function nosuch()"),
    ("shape", "{", "Shape: Not a JMESPath expression"),
    ("shape", "[" * 5000, "Shape: "),
    ("secret", "whsec_?", "The signing secret is malformed: make another."),
    ("event", "", None),
    ("event", "no dots at all", None),
]
OF_WEBHOOKS = [
    ("retry_schedule", "5, 10", "Retry schedule: Enter a list of waits"),
    ("retry_schedule", '"5"', "Retry schedule: Enter a list of waits"),
    ("retry_schedule", '["5"]', "Retry schedule: Enter a list of waits"),
    ("retry_schedule", "[[5]]", "Retry schedule: Enter a list of waits"),
    ("retry_schedule", "{}", None),
    ("retry_schedule", '{"a": 1}', "Retry schedule: Enter a list of waits"),
    ("retry_schedule", "[1e20]", "Retry schedule: Enter a list of waits"),
    ("retry_schedule", "[NaN]", "Retry schedule: Enter a list of waits"),
    ("retry_schedule", "[" * 6000, "Retry schedule: Enter a list of waits"),
    ("retry_schedule", "null", None),
]


def store(model, column, value):
    """Past every field, as another program would."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {connection.ops.quote_name(column)} = %s", [value])


@pytest.mark.parametrize(
    "model, column, value, says",
    [(model, *row) for model in (Webhook, Webfilter) for row in MALFORMED] + [(Webhook, *row) for row in OF_WEBHOOKS],
)
def test_a_malformed_row_is_shown_explained_and_corrected(admin_client, request, model, column, value, says):
    hook = request.getfixturevalue(model.__name__.lower())
    store(model, column, value)
    assert admin_client.get(url_of(model)).status_code == 200
    response = admin_client.get(url_of(model, "change", hook.pk))
    assert response.status_code == 200
    page = html.unescape(response.content.decode())
    assert says is None or says in page
    if says and model is Webhook:
        assert ">cannot be sent<" in admin_client.get(url_of(model)).content.decode()
    # With what the form shows, and a correction of what is wrong.
    form = form_of(model, event=LOGIN if model is Webhook else hook.event, headers="")
    response = admin_client.post(url_of(model, "change", hook.pk), form)
    assert response.status_code == 302, response.context["adminform"].form.errors
    if column != "secret":
        page = html.unescape(admin_client.get(url_of(model, "change", hook.pk)).content.decode())
        assert "What is stored here cannot be used" not in page


@pytest.mark.parametrize("column, value", [row[:2] for row in MALFORMED + OF_WEBHOOKS])
def test_the_buttons_of_a_malformed_webhook_answer(admin_client, webhook, receiver, column, value):
    Webhook.objects.update(webhook_url=receiver.url())
    store(Webhook, column, value)
    for button in ("test", "rotate-secret", "past-events"):
        response = admin_client.post(url_of(Webhook, button, webhook.pk), {"limit": "10"}, follow=True)
        assert response.status_code == 200


@pytest.mark.parametrize(
    "payload", ["{", "null", '"text"', "[]", "[" * 5000, '{"a": ' * 3000 + "1" + "}" * 3000, '{"n": NaN}', '"\\ud83d"']
)
def test_an_event_with_a_malformed_payload_is_shown(admin_client, delivery, payload):
    store(CapturedEvent, "payload", payload)
    for record in (delivery, delivery.event):
        assert admin_client.get(url_of(type(record))).status_code == 200
        assert admin_client.get(url_of(type(record), "change", record.pk)).status_code == 200


@pytest.mark.parametrize("column, value", [row[:2] for row in MALFORMED + OF_WEBHOOKS])
def test_the_deliveries_and_events_of_a_malformed_webhook_are_shown(admin_client, delivery, column, value):
    store(Webhook, column, value)
    for record in (delivery, delivery.event):
        assert admin_client.get(url_of(type(record))).status_code == 200
        assert admin_client.get(url_of(type(record), "change", record.pk)).status_code == 200


@pytest.mark.parametrize(
    "column, value", [("request_headers", "{"), ("request_headers", "[]"), ("error", "nobody knows")]
)
def test_a_malformed_attempt_is_shown(admin_client, delivery, column, value):
    store(Attempt, column, value)
    Attempt.objects.update(status_code=None)
    assert admin_client.get(url_of(Delivery, "change", delivery.pk)).status_code == 200


@pytest.mark.parametrize("gone", ["webhook", "event"])
def test_a_delivery_whose_webhook_or_event_is_gone_is_shown(admin_client, delivery, gone):
    """It was written in the moment in which the other was deleted; workers clear it away."""
    of = {"webhook": Webhook, "event": CapturedEvent}[gone]
    of.objects.all()._raw_delete("default")  # pylint: disable=protected-access
    assert admin_client.get(url_of(Delivery)).status_code == 200
    assert "Deleted" in admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()


@pytest.fixture
def _no_cache(settings):
    """The cache's server is away; sessions are not kept in it."""
    away = {"BACKEND": "tests.webhooks.caches.AwayCache"}
    settings.CACHES = {**settings.CACHES, "default": away}
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    process.forget()
    process.serve()


@pytest.mark.usefixtures("_no_cache")
def test_every_page_is_there_without_the_cache(admin_client, webhook, webfilter, call):
    with pytest.raises(ConnectionError):
        caches["default"].get("x")
    delivery = make_delivery(webhook, "failed")
    for record in (webhook, webfilter, delivery, delivery.event, call):
        for url in (url_of(type(record)), url_of(type(record), "change", record.pk)):
            # As a process finds it that has not asked before.
            process.forget()
            process.serve()
            assert admin_client.get(url).status_code == 200, url


def test_a_header_value_that_could_not_be_read_is_not_lost_by_looking(admin_client, webhook):
    store(Webhook, "headers", json.dumps({"X-Number": 5, "X-Text": "kept"}))
    admin_client.get(url_of(Webhook, "change", webhook.pk))
    webhook.refresh_from_db()
    assert webhook.headers == {"X-Number": 5, "X-Text": "kept"}
