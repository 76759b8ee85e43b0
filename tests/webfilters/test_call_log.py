"""The record of calls survives what happens to the learner's request, and stays out of its way."""

import contextlib

import pytest
from celery.signals import worker_process_shutdown
from django.db import DataError, connection, transaction
from django.db.models import QuerySet
from openedx_filters.learning.filters import StudentRegistrationRequested

from openedx_webhooks.background import process
from openedx_webhooks.models import Call, Webfilter
from openedx_webhooks.webfilters import call_log
from openedx_webhooks.webfilters.call_log import CallRecords
from tests.receiver import Reply

from .world import SECRET, registration_form

REGISTRATION = StudentRegistrationRequested.filter_type
in_transaction = pytest.mark.django_db
with_commits = pytest.mark.django_db(transaction=True)
PREVENT = Reply({"exception": {"PreventRegistration": "no"}})


def register():
    with contextlib.suppress(StudentRegistrationRequested.PreventRegistration):
        StudentRegistrationRequested.run_filter(form_data=registration_form())


@pytest.fixture
def records(monkeypatch):
    """Written by a thread, as outside tests."""
    monkeypatch.setattr(CallRecords, "INLINE", False)
    return process.get(CallRecords)


@in_transaction
@pytest.mark.parametrize(
    ("wanted", "reply", "count"),
    [
        ("none", Reply(status=500), 0),
        ("none", PREVENT, 0),
        ("problems", Reply(), 0),
        ("problems", Reply({"data": {"form_data": {"name": "x"}}}), 0),
        ("problems", Reply(status=500), 1),
        ("problems", Reply(b"<p>"), 1),
        ("problems", PREVENT, 1),
        ("all", Reply(), 1),
        ("all", Reply(status=500), 1),
    ],
)
def test_which_calls_are_recorded(wanted, reply, count, make_webfilter):
    make_webfilter(REGISTRATION, reply, call_log=wanted)
    register()
    assert Call.objects.count() == count


@in_transaction
def test_webfilter_that_keeps_no_payloads_records_what_came_of_it(make_webfilter, receiver):
    make_webfilter(REGISTRATION, Reply(b"no", status=500), call_log="all", keep_payloads=False)
    register()
    call = Call.objects.get()
    assert receiver.received[0].json["form_data"]
    assert (call.request_body, call.response_excerpt) == (None, "")
    assert (call.status_code, call.result) == (500, "ignored")


@in_transaction
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(), ("passed", 200, "", "")),
        (Reply({"data": {"form_data": {"name": "x", "password": SECRET}}}), ("changed", 200, "", "form_data.name")),
        (PREVENT, ("halted", 200, "", "")),
        (Reply(status=503), ("ignored", 503, "it answered with status 503", "")),
        (Reply([]), ("ignored", 200, "the answer is a list, not an object", "")),
    ],
)
def test_what_is_recorded(reply, expected, make_webfilter, receiver):
    make_webfilter(REGISTRATION, reply, call_log="all")
    register()
    call = Call.objects.get()
    assert (call.result, call.status_code, call.error, call.changed_keys) == expected
    assert str(call.message_id) == receiver.received[0].headers["webhook-id"]
    assert call.request_body == receiver.received[0].json
    assert call.response_excerpt.startswith(reply.content.decode()[:20])
    assert call.duration > 0
    assert SECRET not in str(call.__dict__)


@in_transaction
@pytest.mark.parametrize(
    ("fields", "cached"),
    [
        ({"call_log": "all"}, [False, True, True]),
        ({"call_log": "problems"}, [False, True, True]),
        ({"call_log": "none", "mode": "observe"}, []),
        ({"call_log": "problems", "mode": "observe"}, [False, True, True]),
    ],
)
def test_halt_by_a_cached_answer_is_recorded_as_such(fields, cached, make_webfilter, receiver):
    halt = Reply({"exception": {"PreventRegistration": "no"}}, headers={"Cache-Control": "max-age=60"})
    make_webfilter(REGISTRATION, halt, cache_answers=True, **fields)
    for _ in range(3):
        register()
    assert [call.is_cached for call in Call.objects.order_by("pk")] == cached
    assert {call.result for call in Call.objects.all()} <= {"halted"}
    assert len(receiver.received) == 1


@in_transaction
def test_keys_that_do_not_fit_are_left_out_whole(make_webfilter):
    fields = {f"custom_field_number_{number:02}": "x" for number in range(30)}
    make_webfilter(REGISTRATION, Reply({"data": {"form_data": fields}}), call_log="all")
    form = registration_form()
    form.update(dict.fromkeys(fields, "y"))
    StudentRegistrationRequested.run_filter(form_data=form)
    keys = Call.objects.get().changed_keys.split(", ")
    assert len(keys) == 7
    assert set(keys) <= {f"form_data.{name}" for name in fields}


@in_transaction
def test_secret_that_the_endpoint_echoes_is_not_recorded(make_webfilter):
    """Header values are encrypted at rest; a record of the answer must not undo that."""
    echo = Reply({"you_sent": "t0p-s3cret"})
    make_webfilter(REGISTRATION, echo, call_log="all", headers={"X-Hook": "Key t0p-s3cret"})
    register()
    assert Call.objects.get().response_excerpt == '{"you_sent": "***"}'


@in_transaction
def test_endpoint_that_is_left_alone_fills_no_table(make_webfilter):
    """A page can run a filter a hundred times."""
    make_webfilter(REGISTRATION, Reply(status=500))
    for _ in range(8):
        register()
    assert Call.objects.count() == 5


@in_transaction
def test_requests_that_were_not_made_fill_neither_table_nor_log(make_webfilter, settings, caplog):
    """Once the time of a web request is used up, all the other runs of its filters are left out."""
    settings.OPENEDX_WEBHOOKS = {"WEBFILTER_REQUEST_BUDGET_SECONDS": 0.0}
    make_webfilter(REGISTRATION)
    for _ in range(8):
        register()
    assert not Call.objects.exists()
    assert caplog.text.count("is used up") == 1


@in_transaction
def test_halt_of_another_webfilter_is_not_this_ones_result(make_webfilter):
    make_webfilter(REGISTRATION, PREVENT, path="/1", order=1, call_log="all")
    make_webfilter(REGISTRATION, Reply({"data": {"form_data": {"name": "x"}}}), path="/2", order=2, call_log="all")
    register()
    assert list(Call.objects.order_by("pk").values_list("result", flat=True)) == ["halted", "passed"]


@with_commits
def test_record_survives_a_rollback(make_webfilter, records):
    make_webfilter(REGISTRATION, PREVENT)
    with pytest.raises(StudentRegistrationRequested.PreventRegistration), transaction.atomic():
        StudentRegistrationRequested.run_filter(form_data=registration_form())
    assert process.flush(10)
    assert Call.objects.get().result == "halted"


@with_commits
def test_record_survives_the_end_of_a_celery_process(make_webfilter, records, monkeypatch):
    """Such a process ends without the functions of atexit, perhaps at once after its task."""
    monkeypatch.setattr(CallRecords, "GATHER_SECONDS", 1.0)
    make_webfilter(REGISTRATION, PREVENT)
    register()
    assert Call.objects.count() == 0
    worker_process_shutdown.send(sender=None, pid=1, exitcode=0)
    assert Call.objects.count() == 1


@with_commits
def test_learner_does_not_write(make_webfilter, records, django_assert_num_queries):
    make_webfilter(REGISTRATION, PREVENT)
    register()
    with django_assert_num_queries(0):
        register()
    assert process.flush(10)
    assert Call.objects.count() == 2


@with_commits
def test_records_that_cannot_be_written_do_not_take_the_others_along(make_webfilter, records, caplog):
    """The webfilter of one was deleted in the meantime."""
    webfilter = make_webfilter(REGISTRATION)
    for webfilter_id in (webfilter.pk, webfilter.pk + 999, webfilter.pk):
        records.put({"webfilter_id": webfilter_id, "mode": "enforce", "result": "passed"})
    assert process.flush(10)
    assert Call.objects.count() == 2
    assert "was not recorded: IntegrityError" in caplog.text


@in_transaction
def test_body_that_the_table_cannot_hold_is_left_out(make_webfilter, monkeypatch):
    """On a database with three bytes per character, say."""
    insert = QuerySet.bulk_create

    def narrow(self, rows):
        if not all(row.response_excerpt.isascii() for row in rows):
            raise DataError("Incorrect string value")
        return insert(self, rows)

    monkeypatch.setattr(QuerySet, "bulk_create", narrow)
    fields = {"webfilter_id": make_webfilter(REGISTRATION).pk, "mode": "enforce", "result": "passed"}
    batch = [{**fields, "response_excerpt": "🙂"}, {**fields, "response_excerpt": "plain"}]
    call_log._write(batch)  # pylint: disable=protected-access
    assert sorted(Call.objects.values_list("response_excerpt", flat=True)) == ["", "plain"]


@with_commits
@pytest.mark.parametrize("is_made", [True, False])
def test_call_of_a_registration_is_found_by_the_account_that_it_became(
    make_webfilter, records, django_user_model, is_made
):
    """The payload names nobody by an id; a retirement looks for ids."""
    make_webfilter(REGISTRATION, call_log="all")
    make_webfilter(REGISTRATION, path="/2", call_log="all")
    register()
    user = django_user_model.objects.create(username=registration_form()["username"] if is_made else "another")
    assert process.flush(10)
    assert list(Call.objects.values_list("user_id", flat=True)) == [user.pk if is_made else None] * 2


@in_transaction
def test_full_queue_loses_records_instead_of_time(monkeypatch, caplog):
    monkeypatch.setattr(CallRecords, "INLINE", False)
    monkeypatch.setattr(CallRecords, "GATHER_SECONDS", 60)
    monkeypatch.setattr(call_log, "_QUEUE_SIZE", 1)
    own = process.get(CallRecords)
    for _ in range(5):
        own.put({"webfilter_id": 1})
        own.put({"webfilter_id": 1}, size=10**9)
    assert len(own._waiting) == 1  # pylint: disable=protected-access
    assert caplog.text.count("can't keep up") == 1


@in_transaction
def test_record_goes_with_its_webfilter(make_webfilter):
    webfilter = make_webfilter(REGISTRATION, PREVENT)
    register()
    Webfilter.objects.get(pk=webfilter.pk).delete()
    assert not Call.objects.exists()
    assert not connection.needs_rollback
