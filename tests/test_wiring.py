"""Our step in every filter's pipeline, and nothing of ours in what other plugins say about theirs."""

import copy
import json
import pickle
from types import SimpleNamespace

import pytest
import yaml
from django.apps import apps as django_apps
from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.test import override_settings
from openedx_filters.tooling import OpenEdxPublicFilter

from openedx_webhooks import catalog, wiring
from openedx_webhooks.models import Webfilter
from openedx_webhooks.settings.common import plugin_settings
from openedx_webhooks.wiring import STEP, FiltersConfig, with_step

from . import neighbours

LOGIN = "org.openedx.learning.student.login.requested.v1"
OTHER, ANOTHER = "other_plugin.steps.First", "other_plugin.steps.Second"


def run_of(filter_type):
    """What the filters library runs now, by its own reading: (pipeline, fail_silently, other keys)."""
    declared = type("Declared", (OpenEdxPublicFilter,), {"filter_type": filter_type})
    try:
        return declared.get_pipeline_configuration()
    finally:
        declared.filter_type = ""


class TestOneEntry:
    """What the library gets for one filter."""

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
            # Somebody gave it this place.
            ({"pipeline": [STEP, OTHER]}, {"pipeline": [STEP, OTHER]}),
            (STEP, {"pipeline": [STEP]}),
        ],
    )
    def test_every_shape_keeps_its_steps_their_order_and_its_other_keys(self, entry, expected):
        assert with_step(entry) == FiltersConfig({LOGIN: entry}).get(LOGIN) == expected

    @pytest.mark.parametrize("entry", [5, {"pipeline": 5}, {"pipeline": {"a": 1}}, object(), True])
    def test_a_malformed_one_is_left_as_it_is(self, entry):
        assert FiltersConfig({LOGIN: entry}).get(LOGIN) is entry

    def test_what_others_put_there_is_not_changed(self):
        pipeline = [OTHER]
        config = FiltersConfig({LOGIN: {"pipeline": pipeline}})
        config.get(LOGIN)
        assert (config, pipeline) == ({LOGIN: {"pipeline": [OTHER]}}, [OTHER])

    def test_what_others_add_later_counts(self):
        config = FiltersConfig({LOGIN: {"pipeline": [OTHER]}})
        config[LOGIN]["pipeline"].append(ANOTHER)
        config["org.example.new.v1"] = OTHER
        assert config.get(LOGIN)["pipeline"] == [OTHER, ANOTHER, STEP]
        assert config.get("org.example.new.v1")["pipeline"] == [OTHER, STEP]

    def test_the_filter_around_management_commands_never_runs_it(self):
        """Its pipeline runs before Django is set up: a step that needs the database would end every command."""
        config = FiltersConfig()
        assert config.get("org.openedx.management.command.contextmanager.requested.v1", {}) == {}

    @pytest.mark.parametrize("key", [None, 5, "", ("a",)])
    def test_what_is_no_filter_type_gets_what_a_dict_gives(self, key):
        assert FiltersConfig().get(key, "default") == "default"


class TestTheSetting:
    """``OPEN_EDX_FILTERS_CONFIG`` of this process."""

    @pytest.mark.parametrize("filter_type", [*catalog.filters(), "org.example.declared.later.v1"])
    def test_every_filter_runs_our_step_last_whether_it_is_known_now_or_later(self, filter_type):
        assert run_of(filter_type)[0][-1] == STEP

    @pytest.mark.parametrize("config", [{}, None, {LOGIN: {"pipeline": [OTHER], "fail_silently": False, "x": 1}}])
    def test_a_test_that_overrides_it_keeps_what_it_says_and_our_step(self, config):
        with override_settings(OPEN_EDX_FILTERS_CONFIG=config):
            entry = (config or {}).get(LOGIN, {})
            extra = {"x": 1} if entry else {}
            assert run_of(LOGIN) == ([*entry.get("pipeline", ()), STEP], entry.get("fail_silently", True), extra)
        assert run_of(LOGIN)[0] == [STEP]

    def test_nothing_is_in_it_that_nobody_put_there(self):
        assert django_settings.OPEN_EDX_FILTERS_CONFIG == {}
        assert LOGIN not in django_settings.OPEN_EDX_FILTERS_CONFIG

    @pytest.mark.parametrize(
        "dumped",
        [
            copy.copy,
            copy.deepcopy,
            dict,
            lambda config: {**config},
            lambda config: config | {},
            lambda config: json.loads(json.dumps(config)),
            lambda config: pickle.loads(pickle.dumps(config)),
            lambda config: yaml.safe_load(yaml.safe_dump(config)),
            lambda config: eval(repr(config)),  # pylint: disable=eval-used
        ],
    )
    def test_whatever_copies_or_dumps_it_takes_it_for_the_dict_it_is(self, dumped):
        config = {LOGIN: {"pipeline": [OTHER], "fail_silently": False}, "org.example.v1": [OTHER]}
        assert dumped(FiltersConfig(config)) == config

    def test_a_snapshot_that_is_put_back_still_runs_our_step(self):
        with override_settings(OPEN_EDX_FILTERS_CONFIG=copy.deepcopy(django_settings.OPEN_EDX_FILTERS_CONFIG)):
            assert run_of(LOGIN)[0] == [STEP]

    def test_while_apps_start_others_read_what_they_would_read_without_us(self, monkeypatch):
        monkeypatch.setattr(django_apps, "ready", False)
        assert FiltersConfig({LOGIN: OTHER}).get(LOGIN) == OTHER
        assert FiltersConfig().get(LOGIN, {}) == {}


class TestProblems:
    """What keeps webfilters from being called is said, when one is saved, too."""

    MALFORMED = {LOGIN: 5}

    @staticmethod
    def webfilter(**fields):
        """One that is not saved."""
        return Webfilter(event=LOGIN, webhook_url="https://example.com/", **fields)

    @pytest.mark.parametrize("config", [MALFORMED, {LOGIN: {"pipeline": 5}}, ["a"], "a", 5])
    def test_a_webfilter_that_would_never_be_called_is_not_saved_without_saying_so(self, config):
        with override_settings(OPEN_EDX_FILTERS_CONFIG=config), pytest.raises(ValidationError) as refused:
            self.webfilter().clean()
        (message,) = refused.value.message_dict["event"]
        assert "OPEN_EDX_FILTERS_CONFIG" in message
        assert "only if it is not enabled" in message

    def test_the_form_shows_it_at_the_field(self, admin_client):
        with override_settings(OPEN_EDX_FILTERS_CONFIG=self.MALFORMED):
            page = admin_client.post(
                "/admin/openedx_webhooks/webfilter/add/",
                {"event": LOGIN, "webhook_url": "https://example.com/", "enabled": "on"},
            )
        assert LOGIN in " ".join(page.context["adminform"].form.errors["event"])
        assert not Webfilter.objects.exists()

    def test_one_that_is_not_enabled_can_be_saved(self):
        with override_settings(OPEN_EDX_FILTERS_CONFIG=self.MALFORMED):
            self.webfilter(enabled=False).clean()

    def test_one_of_another_filter_is_not_concerned(self):
        with override_settings(OPEN_EDX_FILTERS_CONFIG={"org.example.v1": 5}):
            self.webfilter().clean()

    def test_a_malformed_entry_does_not_stop_the_others(self):
        with override_settings(OPEN_EDX_FILTERS_CONFIG=self.MALFORMED):
            unwired = [known for known in catalog.filters() if STEP not in run_of(known)[0]]
        assert unwired == [LOGIN]

    def test_it_is_in_the_log_from_the_start(self, caplog):
        with override_settings(OPEN_EDX_FILTERS_CONFIG=self.MALFORMED):
            wiring.connect()
        assert LOGIN in caplog.text


def enterprise(settings):
    """edx-enterprise's settings function, with its switch on."""
    settings.ENABLE_ENTERPRISE_INTEGRATION = True
    neighbours.module("enterprise.settings.common").plugin_settings(settings)


def consent(settings):
    """That of its other plugin, which comes after it in a pipeline."""
    settings.ENABLE_ENTERPRISE_INTEGRATION = True
    neighbours.module("consent.settings.common").plugin_settings(settings)


def sample(settings):
    """openedx-sample-plugin's settings function."""
    neighbours.module("sample_plugin.settings.common").plugin_settings(settings)


ABOUT_URL = "org.openedx.learning.course_about.page.url.requested.v1"
ACCESS = "org.openedx.learning.courseware.access_checks.requested.v1"
DASHBOARD = "org.openedx.learning.dashboard.render.started.v1"


def after(*plugins, config=None):
    """The setting after these plugins' settings functions, as the platform's loader calls them; or their error."""
    settings = SimpleNamespace(OPEN_EDX_FILTERS_CONFIG=copy.deepcopy(config or {}))
    try:
        for plugin in plugins:
            plugin(settings)
    except Exception as error:  # pylint: disable=broad-exception-caught
        return type(error), str(error)
    return settings.OPEN_EDX_FILTERS_CONFIG


@neighbours.needed
class TestBesideOtherPlugins:
    """Their real code, in both orders."""

    @pytest.mark.parametrize(
        "plugins", [(enterprise,), (enterprise, consent), (sample,), (enterprise, consent, sample)]
    )
    @pytest.mark.parametrize(
        "entry", [None, OTHER, [OTHER], {"pipeline": [OTHER]}, {"pipeline": [OTHER], "fail_silently": True}, {}]
    )
    @pytest.mark.parametrize("filter_type", [ABOUT_URL, ACCESS, DASHBOARD])
    def test_they_do_before_and_after_ours_what_they_do_without_it(self, plugins, entry, filter_type):
        """Also where that is an error: edx-enterprise's code takes an entry of the operator for a dict."""
        config = {} if entry is None else {filter_type: entry}
        alone = after(*plugins, config=config)
        assert after(plugin_settings, *plugins, config=config) == alone
        assert after(*plugins, plugin_settings, config=config) == alone

    @pytest.mark.parametrize("ours_first", [True, False])
    @pytest.mark.parametrize(
        "plugins, filter_type, steps",
        [
            ((enterprise,), DASHBOARD, ["enterprise.filters.dashboard.DashboardContextEnricher"]),
            (
                (enterprise, consent),
                ACCESS,
                [
                    "enterprise.filters.courseware.ActiveEnterpriseCheckStep",
                    "consent.filters.courseware.DataSharingConsentCourseAccessStep",
                ],
            ),
            ((sample,), ABOUT_URL, ["sample_plugin.pipeline.ChangeCourseAboutPageUrl"]),
        ],
    )
    def test_their_steps_run_in_their_order_with_their_errors_and_ours_last(
        self, plugins, filter_type, steps, ours_first
    ):
        order = (plugin_settings, *plugins) if ours_first else (*plugins, plugin_settings)
        with override_settings(OPEN_EDX_FILTERS_CONFIG=after(*order)):
            assert run_of(filter_type) == ([*steps, STEP], False, {})

    @pytest.mark.parametrize("entry", [{"pipeline": [OTHER]}, {"pipeline": [OTHER], "fail_silently": True, "x": 1}])
    def test_what_the_operator_said_comes_first_and_stays(self, entry):
        with override_settings(OPEN_EDX_FILTERS_CONFIG=after(plugin_settings, enterprise, config={DASHBOARD: entry})):
            pipeline, fail_silently, extra = run_of(DASHBOARD)
        assert pipeline == [OTHER, "enterprise.filters.dashboard.DashboardContextEnricher", STEP]
        assert (fail_silently, extra) == (entry.get("fail_silently", False), {"x": 1} if "x" in entry else {})

    @pytest.mark.parametrize("plugin, filter_type", [(enterprise, DASHBOARD), (sample, ABOUT_URL)])
    def test_one_that_extends_the_setting_at_the_start_after_us_does_not_lose_what_it_says(
        self, plugin, filter_type, monkeypatch
    ):
        settings = SimpleNamespace(OPEN_EDX_FILTERS_CONFIG=FiltersConfig())
        monkeypatch.setattr(django_apps, "ready", False)
        plugin(settings)
        monkeypatch.undo()
        entry = settings.OPEN_EDX_FILTERS_CONFIG.get(filter_type)
        assert (entry["pipeline"][-1], entry["fail_silently"]) == (STEP, False)


class TestSettings:
    """The plugin's settings module, applied as the platform applies it."""

    @pytest.mark.parametrize("given, kept", [({}, {}), ({"OPENEDX_WEBHOOKS": {"DELIVERY_QUEUE": "hooks"}},) * 2])
    def test_it_gives_our_setting_its_place_and_leaves_what_is_there(self, given, kept):
        settings = SimpleNamespace(**copy.deepcopy(given))
        plugin_settings(settings)
        assert vars(settings) == {"OPENEDX_WEBHOOKS": {}, **kept}
