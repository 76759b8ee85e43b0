"""System checks: every misconfiguration that would be silent."""

import sys
from types import SimpleNamespace

import pytest
from django.apps import apps as django_apps
from django.conf import settings
from django.core import checks as django_checks
from django.core.management import call_command
from django.test import override_settings

from openedx_webhooks import checks, startup_problems
from openedx_webhooks.models import Webfilter, Webhook
from openedx_webhooks.operations import status, workers
from openedx_webhooks.webhooks import wakeups

EVENT = "org.openedx.learning.auth.session.login.completed.v1"
LOGIN = "org.openedx.learning.student.login.requested.v1"


def ids(found):
    """The ids of messages."""
    return [message.id for message in found]


def test_a_sound_installation_has_nothing_to_report():
    found = [message for message in django_checks.run_checks() if message.id.startswith("openedx_webhooks")]
    assert found == []


def test_a_startup_problem_is_reported_with_its_text(monkeypatch):
    monkeypatch.setattr(startup_problems, "found", [])
    startup_problems.note("connecting the events", ValueError("no way"))
    (message,) = checks.check_startup()
    assert message.id == "openedx_webhooks.W001"
    assert "connecting the events: ValueError: no way" in message.msg


def test_the_same_problem_is_noted_once(monkeypatch, caplog):
    """The settings are applied up to four times per process."""
    monkeypatch.setattr(startup_problems, "found", [])
    for _ in range(3):
        startup_problems.note("again")
    assert startup_problems.found == ["again"]
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "value, reported",
    [
        ({}, []),
        (None, []),
        ({"DELIVERY_QUEUE": "x"}, []),
        ({"DELIVERY_QEUE": "x"}, ["DELIVERY_QEUE"]),
        ({"a": 1, "b": 2}, ["a", "b"]),
        ({5: 1}, ["5"]),
    ],
)
def test_an_unknown_key_of_the_setting(value, reported):
    with override_settings(OPENEDX_WEBHOOKS=value):
        found = checks.check_setting_names()
    assert ids(found) == ["openedx_webhooks.W002"] * len(reported)
    assert all(repr(name) in message.msg for name, message in zip(reported, found))
    assert all("DELIVERY_QUEUE" in message.hint for message in found)


@pytest.mark.parametrize("value", [["DELIVERY_QUEUE"], "x", 5])
def test_a_setting_that_is_no_dict(value):
    with override_settings(OPENEDX_WEBHOOKS=value):
        (message,) = checks.check_setting_names()
    assert message.id == "openedx_webhooks.W002"
    assert "is ignored" in message.msg


@pytest.mark.parametrize("entry", [5, {"pipeline": 5}, {"pipeline": {"a": 1}}, True])
def test_an_entry_of_a_filter_that_nothing_can_run(entry):
    with override_settings(OPEN_EDX_FILTERS_CONFIG={LOGIN: entry}):
        (message,) = checks.check_wiring()
    assert message.id == "openedx_webhooks.W003"
    assert LOGIN in message.msg
    assert "a list of them" in message.msg


@pytest.mark.parametrize("config", [["a"], "a", 5])
def test_a_filter_setting_that_is_no_dict(config):
    """Said once, not for each filter."""
    with override_settings(OPEN_EDX_FILTERS_CONFIG=config):
        (message,) = checks.check_wiring()
    assert "instead of dict" in message.msg


def test_a_filter_setting_that_was_assigned_anew_after_the_start(monkeypatch):
    """By a plugin's ``ready()``, for example."""
    monkeypatch.setattr(settings, "OPEN_EDX_FILTERS_CONFIG", {LOGIN: {"pipeline": ["other.Step"]}})
    (message,) = checks.check_wiring()
    assert "assigned the setting OPEN_EDX_FILTERS_CONFIG anew" in message.msg


@pytest.mark.parametrize(
    "config", [{}, None, {LOGIN: "other.Step"}, {LOGIN: ["other.Step"]}, {LOGIN: {}}, {LOGIN: None}]
)
def test_no_setting_is_blamed_that_nobody_set_or_that_is_sound(config):
    with override_settings(OPEN_EDX_FILTERS_CONFIG=config):
        assert checks.check_wiring() == []


@pytest.mark.parametrize("options, problems", [({"has_threads": 0}, 1), ({"has_threads": 1}, 0), ({}, 0), (None, 0)])
def test_uwsgi_without_threads(monkeypatch, caplog, options, problems):
    """uWSGI puts a module of this name into its processes; elsewhere there is none."""
    monkeypatch.setattr(startup_problems, "found", [])
    monkeypatch.setitem(sys.modules, "uwsgi", options if options is None else SimpleNamespace(**options))
    django_apps.get_app_config("openedx_webhooks").ready()
    assert len(startup_problems.found) == len(caplog.records) == problems
    assert caplog.text.count("enable-threads = true") == problems


def test_no_problem_ends_a_management_command(monkeypatch, capsys):
    """An error would: ``migrate``, and with it a deployment, would stop because of a plugin."""
    monkeypatch.setattr(startup_problems, "found", ["everything is broken"])
    with override_settings(OPENEDX_WEBHOOKS={"nonsense": 1}, OPEN_EDX_FILTERS_CONFIG={}):
        call_command("check")
    assert "everything is broken" in capsys.readouterr().err


LONG = "x" * 50


@pytest.mark.parametrize(
    "keys, reported",
    [(None, "made of SECRET_KEY"), ([], "made of SECRET_KEY"), (["short", LONG], "fewer than 50"), ([LONG, "old"], "")],
)
def test_deploying_without_a_good_key_of_its_own(keys, reported):
    with override_settings(OPENEDX_WEBHOOKS={} if keys is None else {"ENCRYPTION_KEYS": keys}):
        found = [m for m in django_checks.run_checks(include_deployment_checks=True) if m.id == "openedx_webhooks.W005"]
    assert [reported in message.msg for message in found] == ([True] if reported else [])
    assert "openedx_webhooks.W005" not in ids(django_checks.run_checks())


@pytest.mark.django_db
def test_secrets_that_no_key_opens_are_reported_by_id(django_assert_num_queries):
    hooks = [model.objects.create(event=LOGIN, webhook_url="https://e.com/") for model in (Webhook, Webfilter, Webhook)]
    found = [*django_checks.run_checks(databases=["default"])]
    assert "openedx_webhooks.W006" not in ids(found)
    with override_settings(SECRET_KEY="another" * 10):
        found = [m for m in django_checks.run_checks(databases=["default"]) if m.id == "openedx_webhooks.W006"]
        with django_assert_num_queries(0):
            assert "openedx_webhooks.W006" not in ids(django_checks.run_checks())
    assert [f"webhooks: {hooks[0].pk}, {hooks[2].pk}." in found[0].msg, f": {hooks[1].pk}." in found[1].msg] == [
        True
    ] * 2


def of_database():
    return [m for m in django_checks.run_checks(databases=["default"]) if m.id.startswith("openedx_webhooks")]


HOT = "org.openedx.learning.vertical_block_child.render.started.v1"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "model, fields, reported",
    [
        (Webhook, {"event": "org.example.gone.v1"}, ["W007"]),
        (Webfilter, {"event": "org.example.gone.v1"}, ["W007"]),
        (Webhook, {"event": "org.example.gone.v1", "enabled": False}, []),
        (Webhook, {"event": EVENT, "webhook_url": "gopher://x"}, ["W009"]),
        (Webfilter, {"event": HOT}, ["W012"]),
        (Webfilter, {"event": HOT, "cache_answers": True}, []),
        (Webfilter, {"event": HOT, "webhook_url": "", "local_answer": "{}"}, []),
        (Webfilter, {"event": LOGIN}, []),
    ],
)
def test_enabled_hooks_that_cannot_work_or_cost_too_much(model, fields, reported):
    workers.note()
    hook = model.objects.create(**{"webhook_url": "https://example.com/", **fields})
    found = of_database()
    assert ids(found) == [f"openedx_webhooks.{name}" for name in reported]
    assert all(f"{model._meta.verbose_name} {hook.pk}" in message.msg for message in found)


@pytest.mark.django_db
def test_enabled_webfilters_that_a_setting_keeps_from_being_called():
    workers.note()
    hooks = [Webfilter.objects.create(event=LOGIN, webhook_url="https://e.com/", enabled=on) for on in (True, False)]
    assert of_database() == []
    with override_settings(OPEN_EDX_FILTERS_CONFIG={LOGIN: 5}):
        (message,) = [m for m in of_database() if m.id == "openedx_webhooks.W008"]
    assert f"never called: {hooks[0].pk}." in message.msg


@pytest.mark.django_db
def test_a_queue_that_nobody_serves_is_told_from_the_database():
    (message,) = of_database()
    assert message.id == "openedx_webhooks.W010"
    assert "No worker has ever looked" in message.msg


@pytest.mark.django_db
def test_migrations_that_were_not_applied(monkeypatch):
    workers.note()
    monkeypatch.setattr(status, "missing_migrations", lambda _using: ["0014_marks"])
    (message,) = of_database()
    assert message.id == "openedx_webhooks.W011"
    monkeypatch.setattr(sys, "argv", ["manage.py", "migrate"])
    assert of_database() == []


@pytest.mark.django_db
def test_all_migrations_are_applied_here():
    assert status.missing_migrations("default") == []


@pytest.mark.parametrize(
    "given, said",
    [
        ({"CELERY_ALWAYS": True}, "CELERY_ALWAYS_EAGER"),
        ({"OPENEDX_WEBHOOKS": {"VERIFY_TLS": False}}, "VERIFY_TLS"),
        ({"OPENEDX_WEBHOOKS": {"MONITORING_TOKENS": ["short"]}}, "can be guessed"),
        ({"DEBUG": True}, "DEBUG is on"),
        ({}, ""),
    ],
)
def test_settings_that_are_for_development(given, said, monkeypatch):
    if given.pop("CELERY_ALWAYS", False):
        monkeypatch.setattr(wakeups, "is_eager", lambda: True)
    with override_settings(**given):
        found = [m for m in django_checks.run_checks(include_deployment_checks=True) if m.id == "openedx_webhooks.W013"]
    assert [said in message.msg and bool(message.hint) for message in found] == ([True] if said else [])
