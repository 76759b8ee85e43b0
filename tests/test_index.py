"""The index of hooks: no query on hot paths, and yet every change is seen in time."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.db.backends.signals import connection_created
from django.test import override_settings
from django.utils import timezone

from openedx_webhooks import index
from openedx_webhooks.background import process
from openedx_webhooks.index import HookIndex
from openedx_webhooks.models import Webfilter, Webhook

pytestmark = pytest.mark.django_db
EVENT = "org.openedx.learning.auth.session.login.completed.v1"
FILTER = "org.openedx.learning.student.login.requested.v1"


def make(model=Webhook, **fields):
    """A hook."""
    event = EVENT if model is Webhook else FILTER
    return model.objects.create(**{"event": event, "webhook_url": "https://example.com/", **fields})


@pytest.fixture
def other_process():
    """The index of another process, which hears of changes only through the database."""
    with override_settings(OPENEDX_WEBHOOKS={"INDEX_REFRESH_SECONDS": 0}):
        yield HookIndex("Webhook")


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves."""

    class Clock:
        """Stands for ``time.monotonic``."""

        now = 1000.0

    monkeypatch.setattr(index.time, "monotonic", lambda: Clock.now)
    return Clock


def test_it_has_the_enabled_hooks_of_a_type_in_their_order():
    late, early = make(Webfilter, order=2), make(Webfilter, order=1)
    make(Webfilter, enabled=False)
    assert index.webfilters.get(FILTER) == [early, late]


def test_nobody_is_an_empty_sequence():
    assert len(index.webhooks.get("org.example.nothing.v1")) == 0


def test_capturing_decrypts_no_secret():
    """With ten thousand webhooks that was most of a second of somebody's request."""
    make(headers={"Authorization": "Bearer abcdefgh"})
    assert index.webhooks.get(EVENT)[0].get_deferred_fields() >= {"headers", "secret", "previous_secret"}
    make(Webfilter)
    assert not index.webfilters.get(FILTER)[0].get_deferred_fields()


def test_looking_again_runs_no_query(django_assert_num_queries):
    make()
    index.webhooks.get(EVENT)
    with django_assert_num_queries(0):
        for _ in range(100):
            index.webhooks.get(EVENT)
            index.webhooks.get("org.example.nothing.v1")


@pytest.mark.parametrize("model, hooks", [(Webhook, index.webhooks), (Webfilter, index.webfilters)])
def test_saving_and_deleting_are_seen_in_this_process_at_once(model, hooks):
    event = EVENT if model is Webhook else FILTER
    assert not hooks.get(event)
    hook = make(model)
    assert hooks.get(event) == [hook]
    hook.enabled = False
    hook.save()
    assert not hooks.get(event)
    hook.enabled = True
    hook.save()
    hook.delete()
    assert not hooks.get(event)


def test_another_process_sees_a_new_a_changed_and_a_deleted_hook(other_process):
    hook = make()
    assert other_process.get(EVENT) == [hook]
    Webhook.objects.update(enabled=False, modified=timezone.now() + timedelta(seconds=1))
    assert not other_process.get(EVENT)
    Webhook.objects.update(enabled=True, modified=timezone.now() + timedelta(seconds=2))
    assert other_process.get(EVENT)
    Webhook.objects.all().delete()
    assert not other_process.get(EVENT)


def test_another_process_looks_no_more_often_than_it_may(clock, django_assert_num_queries):
    hooks = HookIndex("Webhook")
    hooks.get(EVENT)
    make()
    clock.now += 4
    with django_assert_num_queries(0):
        assert not hooks.get(EVENT)
    clock.now += 2
    assert hooks.get(EVENT)


def test_without_a_change_a_look_is_one_small_query(clock, django_assert_num_queries):
    make()
    hooks = HookIndex("Webhook")
    hooks.get(EVENT)
    clock.now += 6
    with django_assert_num_queries(3):  # and the savepoint around it
        hooks.get(EVENT)


def test_a_row_changed_by_hand_is_seen_after_a_minute(clock):
    make()
    hooks = HookIndex("Webhook")
    assert hooks.get(EVENT)
    Webhook.objects.update(enabled=False)
    clock.now += 61
    assert not hooks.get(EVENT)


def test_a_database_error_is_survived_with_what_is_known(clock, caplog):
    """And without spoiling the caller's transaction."""
    make()
    hooks = HookIndex("Webhook")
    hooks.get(EVENT)
    clock.now += 6
    with connection.execute_wrapper(_refuse_hooks):
        assert hooks.get(EVENT)
    assert "could not be read" in caplog.text
    assert Webhook.objects.count() == 1


def test_without_a_table_there_is_nobody_until_a_second_later(clock, caplog):
    """``migrate`` itself sends events: it must be neither slowed down nor the log filled."""
    make()
    hooks = HookIndex("Webhook")
    tried = []

    def refuse(execute, sql, params, many, context):
        tried.append(sql)
        return _refuse_hooks(execute, sql, params, many, context)

    with connection.execute_wrapper(refuse):
        for _ in range(100):
            assert not hooks.get(EVENT)
        once = len(tried)
        clock.now += 1.1
        assert not hooks.get(EVENT)
    assert 1 <= once == len(tried) / 2
    assert caplog.text.count("could not be read") == 1
    clock.now += 1.1
    assert hooks.get(EVENT)


@pytest.mark.django_db(transaction=True)
def test_transaction_that_can_only_be_rolled_back_costs_the_next_caller_nothing():
    hook = make()
    hooks = HookIndex("Webhook")
    with transaction.atomic():
        transaction.set_rollback(True)
        assert not hooks.get(EVENT)
    assert hooks.get(EVENT) == [hook]


def _refuse_hooks(execute, sql, params, many, context):
    if "openedx_webhooks_webhook" in sql:
        raise connection.Database.OperationalError("no such table")
    return execute(sql, params, many, context)


def test_it_tells_whether_anybody_wants_anything():
    make(enabled=False)
    assert index.webhooks.is_empty()
    make()
    assert not index.webhooks.is_empty()


# --- Threads


@pytest.fixture
def slow_database(transactional_db):
    """Connections of new threads take a tenth of a second for each query of hooks."""

    def wait(execute, sql, params, many, context):
        if "openedx_webhooks_webhook" in sql:
            time.sleep(0.1)
        return execute(sql, params, many, context)

    def slow_down(connection, **_kwargs):
        connection.execute_wrappers.append(wait)

    connection_created.connect(slow_down)
    yield
    connection_created.disconnect(slow_down)


def _in_thread(function, *arguments):
    try:
        return function(*arguments)
    finally:
        connections.close_all()


def test_no_thread_of_a_fresh_process_reads_an_index_that_was_never_loaded(slow_database):
    """Or the first requests of a server with threads would pass without their webfilters, and lose their events."""
    hook = make()
    hooks = HookIndex("Webhook")
    start = threading.Barrier(8)

    def get():
        start.wait()
        return list(hooks.get(EVENT))

    with ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(_in_thread, get) for _ in range(8)]
        assert [future.result() for future in futures] == [[hook]] * 8


def test_one_that_was_loaded_serves_while_a_thread_refreshes_it(slow_database):
    hook = make()
    hooks = HookIndex("Webhook")
    hooks.get(EVENT)
    hooks._check_at = 0.0
    refreshing = threading.Thread(target=_in_thread, args=(hooks.get, EVENT))
    refreshing.start()
    time.sleep(0.05)
    start = time.monotonic()
    assert hooks.get(EVENT) == [hook]
    assert time.monotonic() - start < 0.04 or not refreshing.is_alive()
    refreshing.join()


def test_hook_that_was_saved_while_another_thread_read_the_old_ones_is_seen_at_once(transactional_db):
    have_read, may_end = threading.Event(), threading.Event()

    class Reading(HookIndex):
        """Is told when to go on with what it has read."""

        def _load(self):
            super()._load()
            have_read.set()
            may_end.wait(10)

    hooks = Reading("Webhook")
    reading = threading.Thread(target=_in_thread, args=(hooks.get, EVENT))
    reading.start()
    have_read.wait(10)
    hook = make()
    hooks.forget()
    may_end.set()
    reading.join()
    assert hooks.get(EVENT) == [hook]


def test_thread_that_waits_in_vain_for_another_reads_by_itself(monkeypatch):
    """That one may itself wait, for what this one has locked in the database."""
    monkeypatch.setattr(index, "_PATIENCE_SECONDS", 0.05)
    hook = make()
    process.lock("Webhook").acquire()
    assert HookIndex("Webhook").get(EVENT) == [hook]


@pytest.mark.django_db(transaction=True)
def test_it_is_read_in_an_async_context_too():
    hook = make()

    async def get():
        return HookIndex("Webhook").get(EVENT)

    assert asyncio.run(get()) == [hook]


@pytest.mark.django_db(transaction=True)
def test_saving_forgets_again_after_the_commit():
    """Another thread may have read the old rows before it."""
    with transaction.atomic():
        make()
        assert index.webhooks.get(EVENT)
        # What that thread would have left.
        index.webhooks._hooks = {}
    assert index.webhooks.get(EVENT)
