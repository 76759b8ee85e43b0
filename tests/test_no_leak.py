"""
Secrets and a person are in every argument of every event and filter of the installed libraries, and are found nowhere
but where they may be: on the wire, in the database, in logs, in the admin, in exports, in the broker.
"""

import io
import logging
import re
import uuid

import pytest
from celery import Celery, _state
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone
from django.views.debug import ExceptionReporter
from kombu import Connection

from openedx_webhooks import catalog, hook_request
from openedx_webhooks.background import process
from openedx_webhooks.models import Attempt, Call, CapturedEvent, Delivery, Webfilter, Webhook
from openedx_webhooks.operations import personal_report, retention, retirement
from openedx_webhooks.payloads import formats, personal_modes
from openedx_webhooks.payloads.mentions import Person
from openedx_webhooks.webhooks.deliver import deliver_due

from . import markers
from .markers import CORES, PERSON, Planter, found

pytestmark = pytest.mark.django_db
HOOK_SECRETS = ("Bearer hk1-stored-t0ken", "hk2-stored-passw0rd")
LOGIN = "org.openedx.learning.auth.session.login.completed.v1"
VIEW = ("view_webhook", "view_webfilter", "view_delivery", "view_call", "view_capturedevent")
# What is no secret, and fits into every text.
WORD = "w0rd"
# Each event is sent as JSON, and in one of these ways.
WAYS = [
    {"use_www_form_encoding": True},
    {"shape": "{all: @, text: to_string(@), names: *.*.pii.username}"},
    *({"payload_format": name} for name in formats.FORMATS if name != formats.CURRENT),
]


def test_no_marker_is_found_by_chance():
    """The search finds what is there."""
    assert found((*CORES, *PERSON), markers.TEXT) == {*CORES, *PERSON}
    assert found(PERSON, f"%7B{markers.EMAIL.replace('@', '%40')}") == {markers.EMAIL}


@pytest.fixture(name="broker")
def _broker(settings):
    """What workers are told, in memory."""
    name, before = f"test-{uuid.uuid4()}", _state._tls.current_app  # pylint: disable=protected-access
    settings.OPENEDX_WEBHOOKS = {"DELIVERY_QUEUE": name, "PURGE_ENABLED": False}
    Celery(name, broker="memory://").set_current()

    def messages():
        assert process.flush(10)
        with Connection("memory://") as broker:
            simple = broker.SimpleQueue(name)
            try:
                return repr([(message.headers, message.properties, message.body) for message in _each(simple)])
            finally:
                simple.close()

    yield messages
    _state._tls.current_app = before  # pylint: disable=protected-access


def _each(simple):
    try:
        while True:
            message = simple.get(timeout=0.2)
            message.ack()
            yield message
    except simple.Empty:
        pass


def hooks_for(receiver, mode):
    """Two webhooks for each event: one for JSON, one for another way."""
    stored = {
        "personal_data": mode,
        "pseudonym_key": personal_modes.new_key(),
        "headers": {"Authorization": HOOK_SECRETS[0], "X-Password": HOOK_SECRETS[1]},
    }
    return Webhook.objects.bulk_create(
        Webhook(event=dotted, webhook_url=receiver.url(f"/{dotted}{path}"), **stored, **way)
        for number, dotted in enumerate(catalog.events())
        for path, way in (("", {}), ("/other", WAYS[number % len(WAYS)]))
    )


def send_all(planter):
    """Each event, really."""
    for event in catalog.events().values():
        event.signal.send_event(**planter.arguments(event))


def dump(*skipped) -> str:
    """Every column of every table; ``skipped`` are (table, column)."""
    texts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            wanted = [place for place, name in enumerate(names) if (table, name) not in skipped]
            texts += [repr([row[place] for place in wanted]) for row in cursor.fetchall()]
    return "\n".join(texts)


# Where a captured event is whole; user_id is an id, which rows and logs may have.
WHOLE = [("openedx_webhooks_capturedevent", name) for name in ("payload", "username", "user_id")]


def wire(receiver) -> str:
    """All that arrived."""
    return "\n".join(f"{one.path} {one.headers} {one.body.decode()}" for one in receiver.received)


def log_of(caplog) -> str:
    """All lines of all loggers, with their tracebacks; but for those of queries, which only debug mode has."""
    formatter = logging.Formatter("%(name)s %(message)s")
    records = (record for record in caplog.records if not record.name.startswith("django.db"))
    return "\n".join(formatter.format(record) for record in records)


@pytest.mark.parametrize("mode", personal_modes.MODES)
def test_events(receiver, broker, caplog, mode, django_capture_on_commit_callbacks, client):
    caplog.set_level(logging.DEBUG)
    hooks_for(receiver, mode)
    failing = Webhook.objects.create(
        event=LOGIN, webhook_url=receiver.url("/never"), shape="abs(user.pii.username)", retry_schedule=[86400]
    )
    with django_capture_on_commit_callbacks(execute=True):
        send_all(Planter())
        # A word is what many fields may have, and is no secret: only where the report promises it.
        send_all(Planter(WORD))
    told = broker()
    while deliver_due().attempts:
        pass
    types = len(catalog.events())
    failed = Attempt.objects.filter(delivery__webhook=failing)
    assert len(failed) == 2 and not found(PERSON, repr(list(failed.values())))
    assert (Delivery.objects.filter(state="delivered").count(), len(receiver.received)) == (4 * types, 4 * types)
    assert CapturedEvent.objects.count() == 2 * types
    sent, logged = wire(receiver), log_of(caplog)
    assert not found(CORES, sent, logged, told, dump())
    assert not found(PERSON[:4], logged, told) and "deliver" in told
    assert found(HOOK_SECRETS, sent) == {*HOOK_SECRETS} and not found(HOOK_SECRETS, logged, told, dump())
    if mode == personal_modes.FULL:
        assert found(PERSON, sent) == {*PERSON}
    else:
        assert not found(PERSON, sent)
        assert not found(PERSON, dump(*WHOLE))
        assert_no_more_than_promised(receiver, mode)
    assert_exports_and_errors()
    if mode == personal_modes.PSEUDONYMOUS:
        look_at_pages(client, {Webhook: 75, Delivery: 30, CapturedEvent: 15})
    retire_and_purge()


@pytest.mark.thorough
def test_every_page_of_events(receiver, client, settings):
    settings.OPENEDX_WEBHOOKS = {**settings.OPENEDX_WEBHOOKS, "API_REQUESTS_PER_MINUTE": 0}
    hooks_for(receiver, personal_modes.NONE)
    send_all(Planter())
    while deliver_due().attempts:
        pass
    look_at_pages(client, {Webhook: 1, Delivery: 1, CapturedEvent: 1})


def test_filters(receiver, caplog, client):
    caplog.set_level(logging.DEBUG)
    stored = {"headers": {"Authorization": HOOK_SECRETS[0], "X-Password": HOOK_SECRETS[1]}, "call_log": "all"}
    names = [name for name in formats.FORMATS if name != formats.CURRENT]
    ways = [{}, {"use_www_form_encoding": True}, *({"payload_format": name} for name in names)]
    for dotted in catalog.filters():
        for way in ways:
            Webfilter.objects.create(event=dotted, webhook_url=receiver.url(f"/{dotted}"), **stored, **way)
    for known in catalog.filters().values():
        known.filter_class.run_filter(**markers.filter_call(known))
    count = len(ways) * len(catalog.filters())
    assert (Call.objects.count(), len(receiver.received)) == (count, count)
    sent, logged = wire(receiver), log_of(caplog)
    assert found(PERSON, sent) == {*PERSON}
    assert not found(CORES, sent, logged, dump())
    assert not found(PERSON[:4], logged) and not found(HOOK_SECRETS, logged, dump())
    look_at_pages(client, {Webfilter: 40, Call: 20})
    Call.objects.update(started_at=timezone.now() - timezone.timedelta(days=365))
    retention.purge(retention.Purge())
    assert not found(PERSON, dump())


def assert_no_more_than_promised(receiver, mode):
    """The words that arrived as JSON are in the members of which the report says so."""
    for dotted, event in catalog.events().items():
        promised = {line.path for line in personal_report.lines_of(event) if getattr(line, mode) == "as it is"}
        for request in receiver.at(f"/{dotted}"):
            assert {path for path, value in leaves(request.json) if value == WORD} <= promised, dotted


def leaves(value, path=""):
    """Paths and values, as the report writes paths."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, f"{path}[]")
    else:
        yield path, value


def assert_exports_and_errors():
    """What leaves as a file, and what a page of Django's shows of an exception in the midst of sending."""
    dumped, exported = io.StringIO(), io.StringIO()
    call_command("dumpdata", "openedx_webhooks", stdout=dumped)
    call_command("webhooks_export_user", user_id=markers.USER_ID, username=markers.USERNAME, stdout=exported)
    assert not found((*CORES, *HOOK_SECRETS), dumped.getvalue(), exported.getvalue())
    assert markers.USERNAME in exported.getvalue()
    webhook, event = Webhook.objects.first(), CapturedEvent.objects.first()
    try:
        webhook.payload_format = formats.CLOUDEVENTS
        hook_request.request_of(webhook, "m", event.payload, None)
        page = ""
    except TypeError as error:
        with override_settings(DEBUG=True):
            page = ExceptionReporter(None, type(error), error, error.__traceback__).get_traceback_html()
    assert "encode_for" in page and "user_id" in page
    assert not found((*CORES, *HOOK_SECRETS), page)


def shown(client, url) -> str:
    """A page, which is there."""
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


def look_at_pages(client, steps):
    """Each so many-th page of a model. Without the permission nothing of anybody, with it no secret."""
    for extra, may_find in (((), ()), (("view_payload",), PERSON[:4])):
        user = get_user_model().objects.create_user(f"staff-{len(extra)}", is_staff=True)
        codenames = (*VIEW, *extra)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        names = {CapturedEvent: "captured_events", Delivery: "deliveries"}
        api = [(model, names.get(model, f"{model._meta.model_name}s")) for model in steps]
        seen = [
            shown(client, url)
            for model, step in steps.items()
            for url in (
                reverse(f"admin:openedx_webhooks_{model._meta.model_name}_changelist"),
                *(
                    reverse(f"admin:openedx_webhooks_{model._meta.model_name}_change", args=[pk])
                    for pk in model.objects.order_by("pk").values_list("pk", flat=True)[::step]
                ),
            )
        ]
        seen += [
            shown(client, url)
            for model, name in api
            for url in (
                f"/openedx_webhooks/api/v1/{name}/",
                *(
                    f"/openedx_webhooks/api/v1/{name}/{pk}/"
                    for pk in model.objects.order_by("pk").values_list("pk", flat=True)[:: steps[model]]
                ),
            )
        ]
        seen.append(shown(client, reverse("admin:openedx_webhooks_overview_changelist")))
        assert not found((*CORES, *HOOK_SECRETS), *seen)
        assert found(PERSON[:4], *seen) <= {*may_find}
        assert bool(found(PERSON[:4], *seen)) is bool(may_find)


def retire_and_purge():
    """After the retirement it is in no record, however it was named; after the purge nowhere."""
    assert found(PERSON, dump()) == {*PERSON}
    retirement.forget(Person(markers.USER_ID, (markers.USERNAME, markers.EMAIL), (markers.NAME,)))
    # What happened to the user of this number stays until its time is over. A submission may have the same number.
    left = dump(("openedx_webhooks_capturedevent", "user_id"))
    left = re.sub(rf"submission_id\W{{1,6}}{markers.USER_ID}", "", left)
    assert not found(PERSON, left)
    everything_is_old()
    retention.purge(retention.Purge())
    assert not found(PERSON, dump())
    assert not CapturedEvent.objects.exists() and not Attempt.objects.exists()


def everything_is_old():
    """A year has passed."""
    before = timezone.now() - timezone.timedelta(days=365)
    CapturedEvent.objects.update(time=before, created=before)
    Delivery.objects.update(created=before, finished_at=before)
    Attempt.objects.update(started_at=before)
