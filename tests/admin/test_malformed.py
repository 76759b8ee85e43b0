"""Rows that somebody wrote past the form: their pages open, say what is wrong, and take a correction."""

import html
import json

import pytest
from django.core.cache import caches
from django.db import connection

from openedx_webhooks.background import process
from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Webfilter, Webhook
from openedx_webhooks.operations import hook_problems

from .conftest import errors_of, form_of, make_delivery, url_of

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


ROWS = [(model, *row) for model in (Webhook, Webfilter) for row in MALFORMED]
ROWS += [(Webhook, *row) for row in OF_WEBHOOKS]
ROWS += [(Webfilter, "redirect_on_4xx", "//evil.example", "Redirect on 4xx: Enter a full address")]


# To what does not read the schedule, all that is wrong with one is the same.
BESIDE_SCHEDULES = [row[:2] for row in MALFORMED] + [("retry_schedule", '["5"]'), ("retry_schedule", "[" * 6000)]


def store(model, column, value, pk=None):
    """Past every field, as another program would: for one row, or all."""
    statement, values = f"UPDATE {model._meta.db_table} SET {connection.ops.quote_name(column)} = %s", [value]
    if pk:
        statement, values = f"{statement} WHERE {model._meta.pk.column} = %s", [value, pk]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def stored(model, column):
    """What the column holds, past every field."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {connection.ops.quote_name(column)} FROM {model._meta.db_table}")
        return cursor.fetchone()[0]


def posted(page):
    """What a browser sends back from a page on which nothing was changed."""
    data = {}
    for bound in page.context["adminform"].form:
        value = bound.value()
        if bound.name == "headers":
            data |= {"headers-name": [*value, ""], "headers-value": [""] * (len(value) + 1)}
        elif value is not False:
            data[bound.name] = {True: "on", None: ""}.get(value, value) if not isinstance(value, list | dict) else ""
    return data


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_the_list_says_of_each_what_is_malformed(admin_client, model):
    says = {}
    for of, column, value, words in ROWS:
        if of is model:
            hook = model.objects.create(
                event=form_of(model)["event"], webhook_url="https://crm.example.com/", headers={"X": "y"}
            )
            store(model, column, value, hook.pk)
            says[hook.pk] = words
    listed = html.unescape(admin_client.get(url_of(model)).content.decode())
    rows = {pk: row for pk in says for row in listed.split("<tr") if f'href="{url_of(model, "change", pk)}' in row}
    assert rows.keys() == says.keys()
    for pk, words in says.items():
        if words:
            assert ">misconfigured<" in rows[pk]
            assert words in rows[pk]


@pytest.mark.parametrize("model, column, value, says", ROWS)
def test_a_malformed_row_is_explained_kept_by_saving_something_else_and_corrected(
    admin_client, request, model, column, value, says
):
    hook = request.getfixturevalue(model.__name__.lower())
    store(model, column, value)
    page_url = url_of(model, "change", hook.pk)
    page = admin_client.get(page_url)
    assert page.status_code == 200
    assert says is None or says in html.unescape(page.content.decode())
    if says:
        data = {**posted(page), "description": "new"}
        data.pop("enabled")
        response = admin_client.post(page_url, data)
        assert response.status_code == 302, errors_of(response)
        assert stored(model, column) == value
        assert (stored(model, "description"), bool(stored(model, "enabled"))) == ("new", False)
    # With what the form shows, and a correction of what is wrong.
    form = form_of(model, **{"headers-name": ["X-New"], "headers-value": ["1"]})
    response = admin_client.post(page_url, form)
    assert response.status_code == 302, errors_of(response)
    if column != "secret":
        assert not hook_problems.malformed(model.objects.get())


@pytest.mark.parametrize("column, value", BESIDE_SCHEDULES)
def test_the_buttons_of_a_malformed_webhook_answer(admin_client, webhook, receiver, column, value):
    Webhook.objects.update(webhook_url=receiver.url())
    store(Webhook, column, value)
    for button in ("test", "rotate-secret", "past-events"):
        response = admin_client.post(url_of(Webhook, button, webhook.pk), {"limit": "10"})
        assert response.status_code in (200, 302)
    # With what they have to say.
    assert admin_client.get(url_of(Webhook, "change", webhook.pk)).status_code == 200


@pytest.mark.parametrize(
    "payload", ["{", "null", '"text"', "[]", "[" * 5000, '{"a": ' * 3000 + "1" + "}" * 3000, '{"n": NaN}', '"\\ud83d"']
)
def test_an_event_with_a_malformed_payload_is_shown(admin_client, delivery, payload):
    store(CapturedEvent, "payload", payload)
    for record in (delivery, delivery.event):
        assert admin_client.get(url_of(type(record))).status_code == 200
        assert admin_client.get(url_of(type(record), "change", record.pk)).status_code == 200


@pytest.mark.parametrize("column, value", BESIDE_SCHEDULES)
def test_the_deliveries_and_events_of_a_malformed_webhook_are_shown(admin_client, delivery, column, value):
    store(Webhook, column, value)
    assert admin_client.get(url_of(Delivery)).status_code == 200
    for record in (delivery, delivery.event):
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


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_another_malformed_value_is_no_correction(admin_client, request, model):
    hook = request.getfixturevalue(model.__name__.lower())
    store(model, "condition", "a ==")
    data = form_of(model, webhook_url=hook.webhook_url, condition="b ==")
    assert "condition" in errors_of(admin_client.post(url_of(model, "change", hook.pk), data))


def test_an_error_beside_a_malformed_value_that_was_left_alone_is_told(admin_client, webfilter):
    """It is the model's, about a field whose own errors are passed over."""
    store(Webfilter, "shape", "{")
    page_url = url_of(Webfilter, "change", webfilter.pk)
    data = {**posted(admin_client.get(page_url)), "local_answer": "{}", "webhook_url": "", "headers-name": [""]}
    assert "shape" in errors_of(admin_client.post(page_url, data))


@pytest.mark.parametrize("model", [Webhook, Webfilter])
@pytest.mark.parametrize("column", ["secret", "headers", "credentials"])
def test_what_a_lost_key_encrypted_is_there_when_the_key_comes_back(admin_client, request, settings, model, column):
    hook = request.getfixturevalue(model.__name__.lower())
    if column == "credentials":
        hook.headers, hook.authentication, hook.credentials = {}, "basic", {"user": "lms", "password": "t0p-s3cret"}
        hook.save()
    before, page_url = stored(model, column), url_of(model, "change", hook.pk)
    settings.OPENEDX_WEBHOOKS = {"ENCRYPTION_KEYS": ["another key"]}
    data = {**posted(admin_client.get(page_url)), "description": "new"}
    assert admin_client.post(page_url, data).status_code == 302
    assert (stored(model, column), stored(model, "description")) == (before, "new")


def test_headers_whose_values_are_lost_are_kept_when_others_are_changed(admin_client, webhook, settings):
    settings.OPENEDX_WEBHOOKS = {"ENCRYPTION_KEYS": ["another key"]}
    page_url = url_of(Webhook, "change", webhook.pk)
    data = {
        **posted(admin_client.get(page_url)),
        "headers-name": ["Authorization", "X-New"],
        "headers-value": ["", "1"],
    }
    assert admin_client.post(page_url, data).status_code == 302
    settings.OPENEDX_WEBHOOKS = {"ENCRYPTION_KEYS": ["another key", settings.SECRET_KEY]}
    webhook.refresh_from_db()
    assert webhook.headers == {"Authorization": "Bearer t0p-s3cret", "X-New": "1"}


@pytest.mark.parametrize("model, column, value, says", [row for row in ROWS if row[1] == "webhook_url" and row[3]])
def test_the_preview_of_an_address_left_as_it_is_promises_nothing(admin_client, request, model, column, value, says):
    hook = request.getfixturevalue(model.__name__.lower())
    store(model, column, value)
    page_url = url_of(model, "change", hook.pk)
    made = admin_client.post(
        url_of(model, "preview", hook.pk), posted(admin_client.get(page_url)), headers={"accept": "application/json"}
    ).json()
    assert made["status"].startswith("1 mistake to correct.")
    assert says in html.unescape(made["result"])


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_the_preview_of_a_type_that_is_gone_says_so(admin_client, request, model):
    hook = request.getfixturevalue(model.__name__.lower())
    store(model, "event", "OF_A_REMOVED_PLUGIN")
    page = html.unescape(admin_client.get(url_of(model, "change", hook.pk)).content.decode())
    preview = page.partition('class="owh-preview-status"')[2]
    assert "This installation does not know “OF_A_REMOVED_PLUGIN”" in preview
