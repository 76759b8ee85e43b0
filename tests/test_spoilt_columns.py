"""
Every column of every table holds what other software, old servers and attackers leave there: each page opens, each
endpoint and command answers, and what is owed to others is delivered.

What the texts of a hook may be is said in admin/test_malformed.py, and what becomes of a delivery in
webhooks/test_isolation.py.
"""

import contextlib
import io

import pytest
from django.apps import apps
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from openedx_webhooks.background import process
from openedx_webhooks.models import (
    Attempt,
    Call,
    CapturedEvent,
    Delivery,
    Mark,
    ReceiverToken,
    SequenceCounter,
    Tally,
    TallyMark,
    Webfilter,
    Webhook,
)
from openedx_webhooks.operations import receiver_access
from openedx_webhooks.tally_rows import start_of

from .admin.conftest import LOGIN, MAY_LOGIN, make_delivery, url_of
from .admin.test_malformed import store

pytestmark = pytest.mark.django_db
MODELS = [model for model in apps.get_app_config("openedx_webhooks").get_models() if not model._meta.proxy]
OLD_WEBHOOK, OLD_WEBFILTER = (
    apps.get_model("openedx_webhooks", f"historical{kind}") for kind in ("webhook", "webfilter")
)
# Kinds of columns, and what each of them holds in turn.
MOMENTS = ["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"]
if connection.vendor == "mysql":
    MOMENTS += ["0000-00-00 00:00:00", "2026-00-05 00:00:00"]
KINDS = {
    "moment": (models.DateTimeField, MOMENTS),
    "number": ((models.IntegerField, models.FloatField), [-1, 2**63 - 1]),
    "switch": (models.BooleanField, [2]),
    "reference": (models.ForeignKey, [0, -1, 2**63 - 1]),
    "text": ((models.CharField, models.TextField, models.UUIDField), [""]),
    "null": (models.Field, [None]),
}
COMMANDS = [
    ["webhooks_status"],
    ["webhooks_export"],
    ["webhooks_export_user", "--user-id", "7"],
    ["webhooks_replay", "--webhook", "{}", "--events", "--dry-run"],
    ["webhooks_replay", "--webhook", "{}", "--failed-since", "2020-01-01", "--dry-run"],
    ["webhooks_purge", "--dry-run"],
    ["webhooks_rotate_keys", "--dry-run"],
    ["webhooks_purge"],
    ["webhooks_deliver", "--once"],
]
RECORDS = {
    Webhook: "webhooks",
    Webfilter: "webfilters",
    CapturedEvent: "captured_events",
    Delivery: "deliveries",
    Call: "calls",
}
# Whose pages show what has none of its own.
SHOWN_BY = {
    CapturedEvent: (CapturedEvent, Delivery),
    Attempt: (Delivery,),
    Tally: (Webhook,),
    SequenceCounter: (Webhook,),
    ReceiverToken: (Webhook,),
    OLD_WEBHOOK: (Webhook,),
    OLD_WEBFILTER: (Webfilter,),
    Mark: (),
    TallyMark: (),
}


def spoilt(kind):
    """The columns of a kind, by model: (column, value) in the order of the columns."""
    fields, values = KINDS[kind]
    return {
        model: [
            (field.column, value)
            for field in model._meta.concrete_fields
            if isinstance(field, fields) and not (field.primary_key and field.remote_field is None)
            for value in values
            if value is not None or field.null
        ]
        for model in MODELS
    }


def one_of_each(number, url):
    """A row in every table, about one webhook and one webfilter; and the token of the receiver."""
    webhook = Webhook.objects.create(event=LOGIN, webhook_url=url, receiver_access=True, description="old")
    webfilter = Webfilter.objects.create(event=MAY_LOGIN, webhook_url=url, description="old", enabled=False)
    for hook in (webhook, webfilter):
        hook.description = "new"
        hook.save()
    pending, failed = (
        make_delivery(webhook, "pending", next_attempt_at=timezone.now()),
        make_delivery(webhook, "failed"),
    )
    token, hour = receiver_access.make_token(webhook), start_of(timezone.now(), Tally.Span.HOUR)
    delivery = pending if number % 2 else failed
    rows = {
        Webhook: webhook,
        Webfilter: webfilter,
        CapturedEvent: delivery.event,
        Delivery: delivery,
        Attempt: delivery.attempts.get(),
        Call: Call.objects.create(webfilter=webfilter, mode="observe", result="halted", user_id=7),
        SequenceCounter: SequenceCounter.objects.create(webhook=webhook, last=5),
        ReceiverToken: ReceiverToken.objects.get(webhook=webhook),
        Tally: Tally.objects.create(webhook=webhook, span=1, start=hour, counts={"accepted": {"5": 3}}),
        Mark: Mark.objects.create(name=f"worker:{number}", at=timezone.now()),
        TallyMark: TallyMark.objects.all()[number % 2],
        OLD_WEBHOOK: webhook.history.first(),
        OLD_WEBFILTER: webfilter.history.first(),
    }
    return rows, token


API, MESSAGES = "/openedx_webhooks/api/v1/", "/openedx_webhooks/receiver/messages"
LISTS = [
    "/admin/openedx_webhooks/overview/",
    "/admin/openedx_webhooks/webhook/deleted/",
    "/admin/openedx_webhooks/webfilter/deleted/",
    "/openedx_webhooks/metrics",
    *(url_of(model) for model in RECORDS),
    *(f"{API}{name}/" for name in RECORDS.values()),
]


@pytest.fixture(autouse=True)
def _anything_goes():
    """MySQL as it was before it became strict, and no constraints."""
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = '', foreign_key_checks = 0")
    yield
    Call.objects.exclude(webfilter__in=Webfilter.objects.all()).delete()
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = DEFAULT, foreign_key_checks = 1")


def addresses(rows, models_spoilt):
    """The pages and endpoints that show some of the rows."""
    shown = {by: None for model in models_spoilt for by in SHOWN_BY.get(model, (model,))}
    for model in shown:
        yield url_of(model, "change", rows[model].pk)
        yield f"{API}{RECORDS[model]}/{rows[model].pk}/"
        if model in (Webhook, Webfilter):
            yield url_of(model, "history", rows[model].pk)


def spoil(kind, url):
    """Rows of which each table's have one column spoilt, each another one: where they are shown, and tokens."""
    columns, pages, tokens = spoilt(kind), [], []
    for number in range(max(map(len, columns.values()))):
        rows, token = one_of_each(number, url)
        having = [model for model in MODELS if number < len(columns[model])]
        for model in having:
            # What this database, or this column, does not take.
            with contextlib.suppress(DatabaseError), transaction.atomic():
                store(model, *columns[model][number], rows[model].pk)
        pages += addresses(rows, having)
        tokens.append(token)
    return pages, tokens


@pytest.mark.parametrize("kind", KINDS)
def test_a_spoilt_column_closes_no_page_and_stops_nobody_else(admin_client, receiver, caplog, kind):
    call_command("webhooks_deliver", "--once", stdout=io.StringIO())
    pages, tokens = spoil(kind, receiver.url("/spoilt"))
    for page in (*pages, *LISTS):
        assert admin_client.get(page).status_code in (200, 302, 404), page
    for token in tokens:
        asked = admin_client.get(MESSAGES, headers={"Authorization": f"Bearer {token}"})
        assert asked.status_code in (200, 401, 403)
    well = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/well"))
    make_delivery(well, "pending", next_attempt_at=timezone.now())
    for command, *arguments in COMMANDS:
        # As a process finds it that has not asked before.
        cache.clear()
        process.forget()
        process.serve()
        with contextlib.suppress(SystemExit):
            call_command(command, *(each.format(well.pk) for each in arguments), stdout=io.StringIO())
    assert len(receiver.at("/well")) == 1
    assert not {"openedx_webhooks.operations.chores", "openedx_webhooks.operations.tallies"} & {
        record.name for record in caplog.records
    }
