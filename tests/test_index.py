"""The index of hooks: no query on hot paths, and yet every change is seen in time."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from openedx_webhooks import index
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


def test_without_a_table_there_is_nobody():
    """``migrate`` itself sends events."""
    hooks = HookIndex("Webhook")
    with connection.execute_wrapper(_refuse_hooks):
        assert not hooks.get(EVENT)
        assert hooks.types() is None


def _refuse_hooks(execute, sql, params, many, context):
    if "openedx_webhooks_webhook" in sql:
        raise connection.Database.OperationalError("no such table")
    return execute(sql, params, many, context)


def test_it_tells_which_types_anybody_wants():
    make()
    make(event="org.example.other.v1")
    make(event="org.example.disabled.v1", enabled=False)
    assert set(index.webhooks.types()) == {EVENT, "org.example.other.v1"}
    assert not index.webhooks.is_empty()
