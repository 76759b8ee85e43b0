"""Our step in OPEN_EDX_FILTERS_CONFIG, beside what others have put there."""

import copy
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from openedx_webhooks import apps, catalog, startup_problems
from openedx_webhooks.settings import common, production
from openedx_webhooks.settings import test as for_tests
from openedx_webhooks.wiring import STEP, wire_filters, with_step

LOGIN = "org.openedx.learning.student.login.requested.v1"
OTHER, ANOTHER = "other_plugin.steps.First", "other_plugin.steps.Second"


def wired(entry):
    """What becomes of one entry."""
    settings = SimpleNamespace(OPEN_EDX_FILTERS_CONFIG={LOGIN: entry})
    problems = wire_filters(settings)
    return settings.OPEN_EDX_FILTERS_CONFIG[LOGIN], problems


@pytest.mark.parametrize(
    "entry, expected",
    [
        (OTHER, {"pipeline": [OTHER, STEP]}),
        ([OTHER, ANOTHER], {"pipeline": [OTHER, ANOTHER, STEP]}),
        ((OTHER,), {"pipeline": [OTHER, STEP]}),
        ([], {"pipeline": [STEP]}),
        ("", {"pipeline": [STEP]}),
        (None, {"pipeline": [STEP]}),
        ({}, {"pipeline": [STEP]}),
        ({"pipeline": [OTHER]}, {"pipeline": [OTHER, STEP]}),
        ({"pipeline": OTHER}, {"pipeline": [OTHER, STEP]}),
        ({"pipeline": None}, {"pipeline": [STEP]}),
        ({"fail_silently": False}, {"fail_silently": False, "pipeline": [STEP]}),
        (
            {"fail_silently": False, "log_level": "debug", "pipeline": [ANOTHER, OTHER]},
            {"fail_silently": False, "log_level": "debug", "pipeline": [ANOTHER, OTHER, STEP]},
        ),
        ({"pipeline": [STEP, OTHER]}, {"pipeline": [STEP, OTHER]}),
        (STEP, {"pipeline": [STEP]}),
    ],
)
def test_every_shape_of_entry_keeps_its_steps_their_order_and_its_other_keys(entry, expected):
    assert wired(entry) == (expected, [])


@pytest.mark.parametrize("entry", [5, {"pipeline": 5}, {"pipeline": {"a": 1}}, object(), True])
def test_a_malformed_entry_is_left_alone_and_told(entry):
    result, (problem,) = wired(entry)
    assert result is entry
    assert LOGIN in problem
    assert "a list of paths" in problem


def test_a_malformed_entry_does_not_stop_the_others():
    settings = SimpleNamespace(OPEN_EDX_FILTERS_CONFIG={LOGIN: 5})
    wire_filters(settings)
    assert [
        filter_type
        for filter_type in catalog.filters()
        if filter_type != LOGIN and STEP not in settings.OPEN_EDX_FILTERS_CONFIG[filter_type]["pipeline"]
    ] == []


@pytest.mark.parametrize("config", [["a"], "a", 5])
def test_a_malformed_setting_is_left_alone_and_told(config):
    settings = SimpleNamespace(OPEN_EDX_FILTERS_CONFIG=config)
    (problem,) = wire_filters(settings)
    assert settings.OPEN_EDX_FILTERS_CONFIG is config
    assert "not a dict" in problem


@pytest.mark.parametrize("before", [{}, {"OPEN_EDX_FILTERS_CONFIG": None}, {"OPEN_EDX_FILTERS_CONFIG": {}}])
def test_every_filter_is_wired_where_nothing_was(before):
    settings = SimpleNamespace(**before)
    assert not wire_filters(settings)
    assert set(settings.OPEN_EDX_FILTERS_CONFIG) == set(catalog.filters())


def test_the_filter_around_management_commands_is_never_wired():
    settings = SimpleNamespace()
    wire_filters(settings)
    assert [name for name in settings.OPEN_EDX_FILTERS_CONFIG if ".management.command." in name] == []


def test_entries_of_filters_that_are_not_installed_stay():
    settings = SimpleNamespace(OPEN_EDX_FILTERS_CONFIG={"org.example.not.installed.v1": [OTHER]})
    wire_filters(settings)
    assert settings.OPEN_EDX_FILTERS_CONFIG["org.example.not.installed.v1"] == [OTHER]


def test_a_second_time_changes_nothing():
    settings = SimpleNamespace(OPEN_EDX_FILTERS_CONFIG={LOGIN: {"fail_silently": False, "pipeline": [OTHER]}})
    wire_filters(settings)
    once = copy.deepcopy(settings.OPEN_EDX_FILTERS_CONFIG)
    wire_filters(settings)
    assert once == settings.OPEN_EDX_FILTERS_CONFIG


def test_the_dict_and_lists_of_others_are_not_changed_in_place():
    """They may be shared with settings that others still read."""
    pipeline = [OTHER]
    entry = {"pipeline": pipeline}
    config = {LOGIN: entry}
    wire_filters(SimpleNamespace(OPEN_EDX_FILTERS_CONFIG=config))
    assert (config, pipeline) == ({LOGIN: {"pipeline": [OTHER]}}, [OTHER])
    assert with_step(LOGIN, entry)["pipeline"] == [OTHER, STEP]


def test_the_filters_library_runs_what_we_wired():
    """By its own reading of the setting."""
    config = {LOGIN: {"fail_silently": False, "pipeline": ["tests.test_wiring.Marking"]}}
    with override_settings(OPEN_EDX_FILTERS_CONFIG=config):
        wire_filters(django_settings)
        login = catalog.filters()[LOGIN].filter_class
        pipeline, fail_silently, _extra = login.get_pipeline_configuration()
    assert (pipeline, fail_silently) == (["tests.test_wiring.Marking", STEP], False)


class TestSettings:
    """The plugin's settings modules, applied as the platform applies them."""

    @pytest.mark.parametrize("module", [common, production, for_tests])
    def test_each_wires_and_gives_the_setting_its_place(self, module):
        settings = SimpleNamespace()
        module.plugin_settings(settings)
        assert STEP in settings.OPEN_EDX_FILTERS_CONFIG[LOGIN]["pipeline"]
        assert settings.OPENEDX_WEBHOOKS == {}

    def test_what_the_operator_set_stays(self):
        settings = SimpleNamespace(OPENEDX_WEBHOOKS={"DELIVERY_QUEUE": "hooks"})
        common.plugin_settings(settings)
        assert settings.OPENEDX_WEBHOOKS == {"DELIVERY_QUEUE": "hooks"}

    def test_a_yaml_file_that_replaces_the_setting_is_survived(self):
        """The platform reads it between the common and the production settings."""
        settings = SimpleNamespace()
        common.plugin_settings(settings)
        settings.OPEN_EDX_FILTERS_CONFIG = {LOGIN: {"pipeline": [OTHER], "fail_silently": False}}
        production.plugin_settings(settings)
        assert settings.OPEN_EDX_FILTERS_CONFIG[LOGIN] == {"pipeline": [OTHER, STEP], "fail_silently": False}
        assert set(catalog.filters()) <= set(settings.OPEN_EDX_FILTERS_CONFIG)

    def test_a_settings_file_that_replaces_it_last_is_survived(self):
        """Tutor's patches come after all plugin settings; ``ready()`` comes after them."""
        with override_settings(OPEN_EDX_FILTERS_CONFIG={LOGIN: OTHER}):
            apps._wire_filters()  # pylint: disable=protected-access
            assert django_settings.OPEN_EDX_FILTERS_CONFIG[LOGIN] == {"pipeline": [OTHER, STEP]}

    def test_a_malformed_entry_is_reported_and_the_settings_load_all_the_same(self, monkeypatch):
        monkeypatch.setattr(startup_problems, "found", [])
        settings = SimpleNamespace(OPEN_EDX_FILTERS_CONFIG={LOGIN: 5})
        common.plugin_settings(settings)
        assert [LOGIN in problem for problem in startup_problems.found] == [True]
