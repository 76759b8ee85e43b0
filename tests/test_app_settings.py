"""Access to the settings."""

from pathlib import Path

import pytest
from django.test import override_settings

from openedx_webhooks import checks
from openedx_webhooks.app_settings import DEFAULTS, app_settings


def test_defaults_hold_where_nothing_is_set():
    with override_settings(OPENEDX_WEBHOOKS={}):
        for name, default in DEFAULTS.items():
            assert getattr(app_settings, name) == default


def test_the_operators_value_replaces_one_default():
    with override_settings(OPENEDX_WEBHOOKS={"DELIVERY_BATCH_SIZE": 7}):
        assert app_settings.DELIVERY_BATCH_SIZE == 7
        assert DEFAULTS["DELIVERY_THREADS"] == app_settings.DELIVERY_THREADS


def test_a_change_is_seen_at_once_and_so_is_its_end():
    before = app_settings.DELIVERY_BATCH_SIZE
    for value in (1, 2):
        with override_settings(OPENEDX_WEBHOOKS={"DELIVERY_BATCH_SIZE": value}):
            assert value == app_settings.DELIVERY_BATCH_SIZE
    assert before == app_settings.DELIVERY_BATCH_SIZE


def test_none_and_false_are_values():
    with override_settings(OPENEDX_WEBHOOKS={"VERIFY_TLS": False, "CA_BUNDLE": None}):
        assert app_settings.VERIFY_TLS is False
        assert app_settings.CA_BUNDLE is None


@pytest.mark.parametrize(
    "name, value",
    [
        ("DELIVERY_BATCH_SIZE", "200"),
        ("DELIVERY_BATCH_SIZE", 2.5),
        ("DELIVERY_BATCH_SIZE", None),
        ("DELIVERY_BATCH_SIZE", True),
        ("BREAKER_FAILURES", -1),
        ("WEBFILTER_TIMEOUT_SECONDS", "5"),
        ("WEBFILTER_TIMEOUT_SECONDS", float("nan")),
        ("WEBFILTER_TIMEOUT_SECONDS", float("inf")),
        ("DELIVERY_QUEUE", 5),
        ("DELIVERY_SCHEDULE_SECONDS", "5"),
        ("DELIVERY_SCHEDULE_SECONDS", [5, "300"]),
        ("DELIVERY_SCHEDULE_SECONDS", 5),
        ("ALLOWED_HOSTS", {"a": 1}),
        ("SENSITIVE_KEYS", None),
        ("ALERT_EMAILS", [5]),
    ],
)
def test_the_default_stands_for_a_value_of_the_wrong_kind(name, value):
    with override_settings(OPENEDX_WEBHOOKS={name: value}):
        assert getattr(app_settings, name) == DEFAULTS[name]
        (message,) = checks.check_setting_values()
    assert (message.id, repr(name) in message.msg) == ("openedx_webhooks.W004", True)
    assert "the default is used" in message.hint


@pytest.mark.parametrize(
    "name, value",
    [
        ("BREAKER_OPEN_SECONDS", 0.5),
        ("RETENTION_ROW_DAYS", 0),
        ("DELIVERY_JITTER_RATIO", 0),
        ("DELIVERY_QUEUE", "webhooks"),
        ("CA_BUNDLE", Path("/etc/ssl")),
        ("DELIVERY_SCHEDULE_SECONDS", (5, 0.5)),
        ("DELIVERY_SCHEDULE_SECONDS", []),
        ("ALLOWED_HOSTS", ("a.test",)),
        ("SENSITIVE_KEYS", frozenset(("a",))),
        ("DENY_PRIVATE_ADDRESSES", True),
    ],
)
def test_a_value_of_the_right_kind_is_taken_as_it_is(name, value):
    with override_settings(OPENEDX_WEBHOOKS={name: value}):
        assert getattr(app_settings, name) is value
        assert checks.check_setting_values() == []


@pytest.mark.parametrize(
    "name, value, used, hint",
    [
        # Never less safe than what the operator may have meant.
        ("DENY_PRIVATE_ADDRESSES", "yes", True, "it counts as True"),
        ("DENY_PRIVATE_ADDRESSES", 0, False, "it counts as False"),
        ("VERIFY_TLS", "False", True, "it counts as True"),
        ("SENSITIVE_KEYS", "student_number", ["student_number"], "it counts as a list of one"),
        ("SENSITIVE_KEYS", ["student_number", 5], ["student_number"], "only its texts are used"),
        ("ALLOWED_HOSTS", "n8n.test", ["n8n.test"], "it counts as a list of one"),
    ],
)
def test_what_can_be_guessed_is_guessed_and_told(name, value, used, hint):
    with override_settings(OPENEDX_WEBHOOKS={name: value}):
        assert getattr(app_settings, name) == used
        (message,) = checks.check_setting_values()
    assert hint in message.hint


def test_a_wrong_number_of_days_removes_nothing():
    """The default in its place might remove what was to be kept."""
    with override_settings(OPENEDX_WEBHOOKS={"RETENTION_ROW_DAYS": "365"}):
        assert app_settings.RETENTION_ROW_DAYS == "365"
        (message,) = checks.check_setting_values()
    assert "nothing is removed" in message.hint


def test_no_value_stands_in_a_message():
    with override_settings(OPENEDX_WEBHOOKS={"ENCRYPTION_KEYS": [b"hush"]}):
        (message,) = checks.check_setting_values()
    assert "hush" not in f"{message.msg}{message.hint}"


@pytest.mark.parametrize("value", [None, [], "x", 5])
def test_a_setting_that_is_no_dict_leaves_the_defaults(value):
    with override_settings(OPENEDX_WEBHOOKS=value):
        assert DEFAULTS["DELIVERY_BATCH_SIZE"] == app_settings.DELIVERY_BATCH_SIZE


def test_a_name_that_no_setting_has_is_an_error():
    with pytest.raises(AttributeError, match="no setting 'DELIVERY_QEUE'"):
        assert app_settings.DELIVERY_QEUE


def test_a_value_is_looked_up_once():
    """Hot paths pay one attribute access."""
    app_settings.reload()
    assert "DELIVERY_THREADS" not in vars(app_settings)
    assert app_settings.DELIVERY_THREADS
    assert "DELIVERY_THREADS" in vars(app_settings)
