"""The catalog: everything that is installed, nothing by hand, and nothing that could hurt."""

import sys
import types

import attrs
import pytest
from openedx_events.tooling import OpenEdxPublicSignal, load_all_signals
from openedx_filters.exceptions import OpenEdxFilterException
from openedx_filters.tooling import OpenEdxPublicFilter

from openedx_webhooks import catalog


def all_filter_classes(base=OpenEdxPublicFilter):
    """Every subclass, at any depth."""
    for subclass in base.__subclasses__():
        yield subclass
        yield from all_filter_classes(subclass)


@pytest.fixture
def late_event():
    """An event that another package declares after the plugin has started."""
    name = "some_plugin.signals"
    module = types.ModuleType(name)

    @attrs.frozen
    class Data:
        """Its data class."""

        id = attrs.field(type=int)

    signal = OpenEdxPublicSignal(event_type="org.example.late.thing.happened.v1", data={"thing": Data})
    module.THING_HAPPENED = signal
    sys.modules[name] = module
    yield signal
    del sys.modules[name]
    OpenEdxPublicSignal.all_events().remove(signal)
    OpenEdxPublicSignal._mapping.pop(signal.event_type)  # pylint: disable=protected-access


@pytest.fixture
def late_filter():
    """A filter that another package defines after the plugin has started."""

    class ThingRequested(OpenEdxPublicFilter):
        """Its filter."""

        filter_type = "org.example.late.thing.requested.v1"

        class PreventThing(OpenEdxFilterException):
            """Its exception."""

        @classmethod
        def run_filter(cls, thing: str, count: int = 1):
            """As filters do."""
            return cls.run_pipeline(thing=thing, count=count)

    yield ThingRequested
    # A class may outlive its test; without a type it is no filter any more.
    for each in [ThingRequested, *all_filter_classes(ThingRequested)]:
        each.filter_type = ""


class TestEvents:
    """Events."""

    def test_every_declared_event_is_there(self):
        load_all_signals()
        assert set(catalog.events()) == {signal.event_type for signal in OpenEdxPublicSignal.all_events()}
        assert len(catalog.events()) >= 70

    def test_each_is_named_by_its_constant(self):
        nameless = [event.event_type for event in catalog.events().values() if event.name == event.event_type]
        assert nameless == []
        for event in catalog.events().values():
            assert event.name == event.name.upper(), event

    def test_names_are_unique(self):
        names = [event.name for event in catalog.events().values()]
        assert len(names) == len(set(names))

    def test_a_late_one_of_another_package_appears_by_its_constants_name(self, late_event):
        found = catalog.events()[late_event.event_type]
        assert (found.name, found.signal) == ("THING_HAPPENED", late_event)
        assert list(found.init_data) == ["thing"]

    def test_a_late_one_without_a_constant_appears_by_its_type(self, late_event):
        del sys.modules["some_plugin.signals"].THING_HAPPENED
        catalog._events._seen = None  # pylint: disable=protected-access
        assert catalog.events()[late_event.event_type].name == late_event.event_type


class TestFilters:
    """Filters."""

    def test_every_defined_filter_is_there_but_those_that_run_before_django(self):
        defined = {cls.filter_type for cls in all_filter_classes() if cls.filter_type}
        left_out = defined - set(catalog.filters())
        assert all(".management.command." in filter_type for filter_type in left_out)
        assert len(catalog.filters()) >= 24

    @pytest.mark.needs("SupportEnrollmentDataRequested")  # of the same age
    def test_the_filter_around_management_commands_is_never_there(self):
        """Its pipeline runs before Django is set up: a step that needs the database would end every command."""
        commands = [cls.filter_type for cls in all_filter_classes() if ".management.command." in str(cls.filter_type)]
        assert commands
        assert not set(commands) & set(catalog.filters())

    def test_a_late_one_of_another_package_appears(self, late_filter):
        found = catalog.filters()[late_filter.filter_type]
        assert (found.name, found.filter_class) == ("ThingRequested", late_filter)

    def test_its_arguments_and_exceptions_are_read_from_the_class(self, late_filter):
        found = catalog.filters()[late_filter.filter_type]
        assert list(found.arguments) == ["thing", "count"]
        assert list(found.exceptions) == ["PreventThing"]

    def test_a_subclass_that_keeps_the_type_does_not_take_its_place(self, late_filter):
        class Special(late_filter):
            """Somebody's variant."""

        assert catalog.filters()[Special.filter_type].filter_class is late_filter

    def test_inherited_exceptions_count(self, late_filter):
        class MoreRequested(late_filter):
            """Another filter with the same exception."""

            filter_type = "org.example.late.more.requested.v1"

        assert list(catalog.filters()[MoreRequested.filter_type].exceptions) == ["PreventThing"]

    def test_a_base_class_without_a_type_is_no_filter(self):
        class Base(OpenEdxPublicFilter):
            """Abstract."""

        assert Base not in {found.filter_class for found in catalog.filters().values()}


@pytest.mark.parametrize(
    "find, text, name",
    [
        (catalog.find_event, "org.openedx.learning.auth.session.login.completed.v1", "SESSION_LOGIN_COMPLETED"),
        (catalog.find_event, "SESSION_LOGIN_COMPLETED", "SESSION_LOGIN_COMPLETED"),
        (catalog.find_filter, "org.openedx.learning.student.login.requested.v1", "StudentLoginRequested"),
        (catalog.find_filter, "StudentLoginRequested", "StudentLoginRequested"),
    ],
)
def test_types_are_found_by_either_name(find, text, name):
    assert find(text).name == name


@pytest.mark.parametrize("text", ["", "NOTHING", "org.openedx.learning", "login", "None"])
def test_what_is_not_there_is_not_found(text):
    assert catalog.find_event(text) is None
    assert catalog.find_filter(text) is None


@pytest.mark.parametrize(
    "dotted, subdomain",
    [
        ("org.openedx.learning.student.login.requested.v1", "learning"),
        ("org.openedx.content_authoring.course.created.v1", "content_authoring"),
        ("org.example.late.thing.v1", "org.example"),
        ("org.openedx", "org.openedx"),
        ("lonely", "lonely"),
    ],
)
def test_subdomains(dotted, subdomain):
    assert catalog._subdomain(dotted) == subdomain  # pylint: disable=protected-access


def test_looking_again_costs_no_rebuild():
    assert catalog.events() is catalog.events()
    assert catalog.filters() is catalog.filters()


def test_the_arguments_of_an_exception_leave_self_out():
    prevent_login = catalog.find_filter("StudentLoginRequested").exceptions["PreventLogin"]
    assert "self" not in catalog.exception_arguments(prevent_login)
    assert "message" in catalog.exception_arguments(prevent_login)
