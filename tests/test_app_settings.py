"""Access to the settings."""
import pytest
from django.test import override_settings

from openedx_webhooks.app_settings import DEFAULTS, app_settings


def test_defaults_hold_where_nothing_is_set():
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
    with override_settings(OPENEDX_WEBHOOKS={"VERIFY_TLS": False, "DELIVERY_BATCH_SIZE": None}):
        assert app_settings.VERIFY_TLS is False
        assert app_settings.DELIVERY_BATCH_SIZE is None


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
