"""Kinds of argument: what each accepts, and what it refuses with which reason."""

from collections import OrderedDict
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from types import SimpleNamespace

import pytest
from ccx_keys.locator import CCXLocator
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from opaque_keys.edx.keys import CourseKey, UsageKey
from openedx_filters.exceptions import OpenEdxFilterException
from openedx_filters.tooling import OpenEdxPublicFilter

from demo.minilms.models import CourseEnrollment, CourseOverview, CourseUserGroup, UserProfile
from openedx_webhooks.catalog import FilterType, filters
from openedx_webhooks.webfilters import changes, halts
from openedx_webhooks.webfilters.kinds import accounts, courses, objects, values
from openedx_webhooks.webfilters.kinds.convert import Refused
from openedx_webhooks.webfilters.plan import Plan, dotted
from tests.releases import needs_bounds

from .world import COURSE_KEY, OTHER_KEY, FormDescription, Fragment, Mode, World

CCX = CCXLocator.from_string("ccx-v1:edX+DemoX+2026+ccx@1")
MOMENT = datetime(2030, 1, 31, 12, tzinfo=UTC)


class Color(Enum):
    RED = "red"


class OfAnotherPackage(OpenEdxPublicFilter):
    """A filter without type: the catalog doesn't see it, and no other test does."""

    class RedirectNowhere(OpenEdxFilterException):
        """Only called so."""

        def __init__(self, message):
            super().__init__(message)

    class RedirectElsewhere(OpenEdxFilterException):
        """With a URL."""

        def __init__(self, message, redirect_to):
            super().__init__(message, redirect_to=redirect_to)

    class Veto(OpenEdxFilterException):
        """Any arguments."""

    class Silent(OpenEdxFilterException):
        """Has its own message."""

        def __init__(self, help_url=""):
            super().__init__("closed")
            self.help_url = help_url

    class Anything(OpenEdxFilterException):
        """Whatever the base class takes."""

        def __init__(self, **arguments):
            super().__init__(**arguments)

    class Picky(OpenEdxFilterException):
        """With rules of its own."""

        def __init__(self, message, level, note_message):
            super().__init__(message)
            self.level = int(level)
            self.note_message = note_message

    @classmethod
    def run_filter(cls, thing, title: str, count: int, rows: list, link_url: str, key: CourseKey, other):
        return super().run_pipeline(
            thing=thing, title=title, count=count, rows=rows, link_url=link_url, key=key, other=other
        )


EXAMPLE = FilterType("org.example.thing.v1", "OfAnotherPackage", OfAnotherPackage)


def changed_to(current, given):
    """What becomes of a context's key with this value; a text that begins with ``refused`` if it is."""
    plan = changes.plan_changes(EXAMPLE, {"other": {"key": current}}, {"other": {"key": given}})
    if plan.refused:
        return f"refused: {plan.refused[0][1]}"
    return plan.values["other"]["key"] if "other" in plan.values else current


@pytest.mark.parametrize(
    ("current", "given", "expected"),
    [
        ("a", "b", "b"),
        (gettext_lazy("a"), "b", "b"),
        (mark_safe("<b>"), "<i>", "<i>"),
        (True, False, False),
        (3, 4, 4),
        (3, 4.0, 4),
        (0.5, 1, 1.0),
        (0.5, 0.25, 0.25),
        (Decimal("1.5"), 2, Decimal(2)),
        (Decimal("1.5"), "2.25", Decimal("2.25")),
        (MOMENT, "2031-01-31T12:00:00+00:00", MOMENT.replace(year=2031)),
        (date(2030, 1, 1), "2031-01-01", date(2031, 1, 1)),
        (MOMENT.replace(tzinfo=None), "2031-01-31T12:00:00", datetime(2031, 1, 31, 12)),
        (COURSE_KEY, str(OTHER_KEY), OTHER_KEY),
        (CCX, "ccx-v1:edX+DemoX+2026+ccx@2", CCXLocator.from_string("ccx-v1:edX+DemoX+2026+ccx@2")),
        (
            COURSE_KEY.make_usage_key("html", "a"),
            str(COURSE_KEY.make_usage_key("html", "b")),
            COURSE_KEY.make_usage_key("html", "b"),
        ),
        ({"a"}, ["b"], {"a", "b"}),
        (frozenset("a"), ["a"], frozenset("a")),
        (frozenset("a"), ["b"], frozenset("ab")),
        (["a"], ["b", "c"], ["b", "c"]),
        (("a",), ["b"], ("b",)),
        ([], [1, "a"], [1, "a"]),
        ([{"a": 1}], [], []),
        (None, 5, 5),
        (None, {"a": 1}, {"a": 1}),
        (None, None, None),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({1: "a"}, {"1": "b"}, {1: "b"}),
        (OrderedDict(a=1), {"a": 2}, OrderedDict(a=2)),
    ],
)
def test_values_keep_their_type(current, given, expected):
    new = changed_to(current, given)
    assert new == expected
    assert type(new) is type(expected)


@pytest.mark.parametrize(
    ("current", "given", "reason"),
    [
        ("a", 5, "it must be a text"),
        ("a", None, "it can't be null: the platform expects a text"),
        (3, None, "it can't be null: the platform expects a whole number"),
        ("a", "\0", "it has a NUL character"),
        ("a", "x" * 1_000_001, "it is too long"),
        (True, 1, "it must be true or false"),
        (True, "true", "it must be true or false"),
        (3, True, "it must be a whole number"),
        (3, 1.5, "it must be a whole number"),
        (3, "4", "it must be a whole number"),
        (0.5, "1", "it must be a number"),
        (0.5, False, "it must be a number"),
        (Decimal(1), "x", "it must be a number"),
        (Decimal(1), "NaN", "it must be a number"),
        (Decimal(1), True, "it must be a number"),
        (MOMENT, "2031-01-31T12:00:00", "it needs a time zone, as in 2030-01-31T12:00:00Z"),
        (MOMENT, "2031-13-31T12:00:00Z", "it must be a date in ISO 8601"),
        (MOMENT, 5, "it must be a date in ISO 8601"),
        (MOMENT, "soon", "it must be a date in ISO 8601"),
        (date(2030, 1, 1), "x", "it must be a date in ISO 8601"),
        (COURSE_KEY, "nonsense", "it is not a valid key"),
        (COURSE_KEY, 5, "it must be a key in quotes"),
        (COURSE_KEY, "library-v1:edX+Lib", "it is a LibraryLocator, not a CourseLocator"),
        (COURSE_KEY, str(CCX), "it is a CCXLocator, not a CourseLocator"),
        (COURSE_KEY, str(COURSE_KEY.make_usage_key("html", "a")), "it is not a valid key"),
        (UsageKey.from_string("block-v1:a+b+c+type@html+block@d"), str(COURSE_KEY), "it is not a valid key"),
        ({COURSE_KEY}, ["x"], "nothing can be added to a set of objects"),
        ({"a"}, "b", "it must be a list of texts"),
        ({"a"}, [5], "it must be a text"),
        (["a"], [5], "its items must be of the same type as before"),
        (["a"], "b", "it must be a list"),
        ([object()], ["b"], "it is a list of objects of the platform, which an answer can't make"),
        ([{"a": object()}], [{"a": 1}], "it is a list of objects of the platform, which an answer can't make"),
        (Mode(*"abcdefghi"), ["b"], "it must be an object of its members"),
        ({"a": 1}, 5, "it must be an object"),
        ({"a": 1}, None, "it can't be null: the platform expects an object"),
        (object(), {"a": 1}, "it is an object of the platform (object), which an answer can't make"),
        (QueryDict("a=1"), {"a": "2"}, "it must be an object"),
        (Color.RED, "blue", "it is one of a fixed set of the platform's objects, which an answer can't name"),
        ({COURSE_KEY: 1}, {"other": 2}, "there is no such key"),
    ],
)
def test_values_of_another_type_are_refused(current, given, reason):
    assert changed_to(current, given) == f"refused: {reason}"


def test_lazy_object_is_not_woken_to_be_refused():
    """Waking the user of a request can cost a query."""
    assert changed_to(SimpleLazyObject(lambda: 1 / 0), "x").startswith("refused: it is an object of the platform")


@pytest.mark.parametrize("name", ["self", "context", "a b", "_private", "1", "", "csrf_token", "new-key"])
def test_new_keys_of_a_context_must_be_plain_names(name):
    plan = changes.plan_changes(EXAMPLE, {"other": {}}, {"other": {name: "x", "fine": "y"}})
    assert plan.values == {"other": {"fine": "y"}}
    assert len(plan.refused) == 1


def test_context_does_not_grow_without_end():
    given = {f"key{number}": 1 for number in range(5)}
    plan = changes.plan_changes(EXAMPLE, {"other": dict.fromkeys(range(1000))}, {"other": {"a": given}})
    assert not plan.values


@pytest.mark.parametrize(
    ("name", "current", "given", "expected"),
    [
        ("title", None, "x", "x"),
        ("count", None, 5, 5),
        ("link_url", None, "/x", "/x"),
        ("rows", None, ["a"], ["a"]),
        ("key", None, str(COURSE_KEY), COURSE_KEY),
        ("title", 5, 6, 6),
        ("key", "text", "other", "other"),
        ("count", COURSE_KEY, str(OTHER_KEY), OTHER_KEY),
        ("rows", ("a",), ["b"], ("b",)),
        ("thing", 5, 6, 6),
        ("thing", {"a": 1}, {"a": 2}, {"a": 2}),
    ],
)
def test_type_of_the_value_decides_where_it_is_not_what_was_declared(name, current, given, expected):
    plan = changes.plan_changes(EXAMPLE, {name: current}, {name: given})
    assert (plan.values, plan.refused) == ({name: expected}, [])


@pytest.mark.parametrize(
    ("name", "current", "given"),
    [
        ("title", None, 5),
        ("count", None, "x"),
        ("rows", None, "x"),
        ("key", None, "nonsense"),
        ("thing", None, "x"),
        ("thing", object(), "x"),
        ("link_url", "/a", "javascript:alert(1)"),
        ("link_url", "/a", "//evil.example"),
        ("link_url", "/a", 5),
        ("other", SimpleNamespace(a=1), {"a": 2}),
        ("missing", 5, [6]),
    ],
)
def test_what_fits_nothing_is_refused(name, current, given):
    plan = changes.plan_changes(EXAMPLE, {name: current}, {name: given})
    assert not plan.values
    assert plan.refused


def test_failing_object_is_refused_and_the_rest_applies():
    class Hostile(dict):
        def __copy__(self):
            raise RuntimeError("do not copy")

    plan = changes.plan_changes(EXAMPLE, {"other": Hostile(), "title": "a"}, {"other": {"a": 1}, "title": "b"})
    assert plan.values == {"title": "b"}
    assert plan.refused == [(("other",), "it failed with RuntimeError")]


def test_effect_that_fails_is_noted_and_the_others_happen():
    done, plan = [], Plan({}, changed=[("a", "x"), ("b", "y")])
    plan.effects = [(("a",), lambda: 1 / 0), (("b",), lambda: done.append("b"))]
    changes.carry_out(plan)
    assert done == ["b"]
    assert plan.changed == [("b", "y")]
    assert plan.refused == [(("a",), "it could not be saved: ZeroDivisionError")]


def test_log_lines_stay_lines():
    assert dotted(("a\r\nb", "c" * 200)) == "a??b." + "c" * 80


# --- Objects of the platform


def refusal(kind, current, given, path=("thing",), **kwargs):
    """Why a kind refuses a value, as a whole or in its parts."""
    plan = Plan(kwargs)
    try:
        kind.plan(current, given, path, plan)
    except Refused as error:
        return str(error)
    return plan.refused[0][1] if plan.refused else None


@pytest.mark.parametrize(
    ("kind", "current", "given"),
    [
        (values.Template(), "a.html", "no/such/template.html"),
        (values.Template(), "a.html", "../../etc/passwd"),
        (values.Template(), "a.html", ""),
        (values.Template(), "a.html", 5),
        (values.Template(), "a.html", "a\0b"),
        (courses.Mode(), "audit", "Not A Mode"),
        (courses.Mode(), "audit", ""),
        (courses.Mode(), "audit", 5),
        (values.Url(absolute=True), "https://a.example", "/path"),
        (values.Context(), None, {}),
        (values.Context(), {}, []),
        (values.Form(), QueryDict(), []),
        (values.Form(), QueryDict(), {"a": []}),
        (values.Form(), QueryDict(), {"a": None}),
        (values.Form(), {}, {"a": {}}),
        (values.Fixed(), 1, 2),
        (values.Kind(), 1, 2),
        (values.Value({}, (int,), minimum=0), 5, -1),
        (objects.Rows(), None, {}),
        (objects.Rows(), [], {}),
        (objects.FragmentContent(), None, {}),
        (objects.FragmentContent(), Fragment("a"), "b"),
        (objects.FragmentContent(), Fragment("a"), {"content": 5}),
        (objects.FormFields(), None, {}),
        (objects.FormFields(), FormDescription(), []),
        (objects.FormFields(), FormDescription(), {"email": "x"}),
        (objects.FormFields(), FormDescription(), {"email": {"supplementalLink": "javascript:x"}}),
        (objects.FormFields(), FormDescription(), {"email": {"label": True}}),
        (objects.ResponseVerbs(), None, {}),
        (objects.Records("id"), None, []),
        (objects.Records("id"), [], {}),
        (objects.Records("id"), [], ["x"]),
        (objects.Tabs(), None, []),
        (objects.Tabs(), [], {}),
        (objects.Tabs(), [], [5]),
        (objects.Tabs(), [], [{}]),
        (objects.Tabs(), [], [{"tab_id": "a", "title": "A", "url": "javascript:x"}]),
        (objects.Tabs(), [], [{"tab_id": "a", "title": "A", "url": "/a", "sort_order": True}]),
        (objects.Cohort(), None, {}),
        (accounts.Account(), AnonymousUser(), {"first_name": "x"}),
        (accounts.Profile(), AnonymousUser(), {"name": "x"}),
        (accounts.Account(), None, {}),
    ],
)
def test_objects_refuse(kind, current, given):
    assert refusal(kind, current, given)


def test_empty_list_of_tabs_is_meaningful():
    plan = Plan({})
    tabs = objects.Tabs().plan([{"tab_id": "a"}], [], ("tabs",), plan)
    assert isinstance(tabs, list)
    assert not tabs
    assert plan.changed == [("tabs",)]


def test_plain_dict_as_form():
    assert values.Form().plan({"a": "1"}, {"a": True}, ("form_data",), Plan({})) == {"a": "true"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given",
    [[], {"id": True}, {"id": 2**70}, {"id": "1"}, {"name": ""}, {"name": "a\0"}, {"name": "Foreign"}, {"id": -1}, {}],
)
def test_cohorts_that_are_refused(given):
    assert refusal(objects.Cohort(), World().cohort, given)


@pytest.mark.django_db
def test_cohort_by_id_of_the_same_course_only():
    world = World()
    kind = objects.Cohort()
    assert kind.plan(world.cohort, {"id": world.other_cohort.pk}, ("c",), Plan({})) == world.other_cohort
    assert kind.plan(world.cohort, {"id": world.cohort.pk}, ("c",), Plan({})) is world.cohort
    assert refusal(kind, world.cohort, {"id": world.foreign_cohort.pk})
    CourseUserGroup.objects.create(name="Blue", course_id=COURSE_KEY)
    assert refusal(kind, world.cohort, {"name": "Blue"}) == "the course has no such cohort"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given",
    [
        [],
        {"include_ids": 5},
        {"include_ids": [True]},
        {"include_ids": [1.5]},
        {"include_ids": [None]},
        {"include_ids": ["1); DROP TABLE"]},
        pytest.param({"exclude_ids": [10**19]}, marks=needs_bounds),
        {"exclude_ids": list(range(10_001))},
        {"delete": []},
    ],
)
def test_ids_that_are_refused(given):
    assert refusal(objects.Rows(), CourseEnrollment.objects.all(), given)


@pytest.mark.django_db
def test_rows_stay_lazy(django_assert_num_queries):
    world = World()
    with django_assert_num_queries(0):
        given = {"include_ids": [world.enrollment.pk, str(world.enrollment.pk + 1)]}
        rows = objects.Rows().plan(CourseEnrollment.objects.all(), given, ("rows",), Plan({}))
    assert list(rows) == [world.enrollment]
    assert refusal(objects.Rows(), CourseEnrollment.objects.all()[:5], {"include_ids": [1]}) == (
        "the query is cut to a slice already"
    )


@pytest.mark.django_db
def test_mode_must_be_one_of_the_course(monkeypatch):
    """Where the platform's course modes are there to be asked."""

    class CourseMode:
        @staticmethod
        def modes_for_course_dict(key, **_options):
            return {"audit": 1, "verified": 1} if key == COURSE_KEY else {}

    def get_model(app_label, model_name):
        assert (app_label, model_name) == ("course_modes", "CourseMode")
        return CourseMode

    monkeypatch.setattr(apps, "get_model", get_model)
    assert courses.Mode().plan("audit", "verified", ("mode",), Plan({"course_key": COURSE_KEY})) == "verified"
    assert refusal(courses.Mode(), "audit", "honor", course_key=COURSE_KEY) == "the course has no such mode"
    assert refusal(courses.Mode(), "audit", "verified", course_key=OTHER_KEY)


def test_what_only_looks_like_what_was_sent_is_no_echo():
    """To Python ``1`` is ``True``; to JSON, and to a platform that shows it, it is not."""
    sent = {"flag": True, "count": 1, "in": {"flag": False}, "empty": {}}
    assert not changes.without_echo(sent, sent)
    assert changes.without_echo({"flag": 1, "count": 1.0, "in": {"flag": 0}}, sent) == {
        "flag": 1,
        "count": 1.0,
        "in": {"flag": 0},
    }


@pytest.mark.django_db
def test_protected_fields_setting(settings):
    user = World().user
    settings.OPENEDX_WEBHOOKS = {"PROTECTED_FIELDS": ["profile.name", "first_name"]}
    plan = changes.plan_changes(
        EXAMPLE, {"user": user}, {"user": {"first_name": "x", "last_name": "y"}, "profile": {"name": "x", "goals": "y"}}
    )
    assert plan.changed == [("user", "last_name"), ("profile", "goals")]


@pytest.mark.django_db
def test_user_without_profile():
    user = get_user_model().objects.create_user("eve")
    assert refusal(accounts.Profile(), user, {"name": "x"}) == "the account has no profile"
    assert refusal(accounts.Account(), get_user_model()(), {"first_name": "x"}) == "there is no account to change"


@pytest.mark.django_db
def test_failed_save_leaves_no_trace_in_the_object(monkeypatch):
    """The call site goes on with this very object."""
    user = World().user
    plan = changes.plan_changes(EXAMPLE, {"user": user}, {"profile": {"name": "x"}})
    monkeypatch.setattr(UserProfile, "save", lambda *args, **kwargs: 1 / 0)
    changes.carry_out(plan)
    assert user.profile.name == "Ada"
    assert plan.changed == []


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        ("start", "2031-01-31T12:00:00+00:00", MOMENT.replace(year=2031)),
        ("start", None, "refused"),
        ("start", "2031-01-31T12:00:00", "refused"),
        ("start", "2031-99-31T12:00:00Z", "refused"),
        ("start", 5, "refused"),
        ("display_name", "Other", "Other"),
        ("display_name", None, "refused"),
        ("display_name", 5, "refused"),
        ("id", str(OTHER_KEY), "refused"),
    ],
)
def test_fields_of_any_model(field, given, expected):
    course = CourseOverview(id=COURSE_KEY, display_name="Demo", start=MOMENT)
    plan = Plan({})
    accounts.plan_fields(course, {field: given}, ("course",), plan)
    if expected == "refused":
        assert plan.refused
        assert not plan.effects
    else:
        assert plan.effects[0][1].values == {field: expected}


@pytest.mark.parametrize("given", [0, 1, "false", None, []])
def test_boolean_field_takes_a_boolean(given):
    field = CourseEnrollment._meta.get_field("is_active")
    with pytest.raises(Refused, match="true or false"):
        accounts._clean(field, given, CourseEnrollment())  # pylint: disable=protected-access


# --- Exceptions of any filter


@pytest.mark.needs("CoursewareAccessChecksRequested")
@pytest.mark.parametrize(
    ("url", "attributes"),
    [
        ("/grant", {"error_code": "data_sharing_access_required", "developer_message": "/grant"}),
        ("https://example.com/", {"error_code": "access_denied"}),
    ],
)
def test_way_to_consent_is_a_path_of_this_site(url, attributes):
    filter_type = filters()["org.openedx.learning.courseware.access_checks.requested.v1"]
    error = halts.after_failure(filter_type, url, {}).exception
    assert {name: getattr(error, name) for name in attributes} == attributes


@pytest.mark.parametrize(
    ("status", "passed_on"), [(400, 400), (403, 403), (409, 409), (404, 403), (500, 403), (None, 403)]
)
def test_registration_passes_on_the_statuses_that_the_sign_up_page_knows(status, passed_on):
    filter_type = filters()["org.openedx.learning.student.registration.requested.v1"]
    assert halts.after_failure(filter_type, "", {}, status).exception.status_code == passed_on


@pytest.mark.parametrize("status", [None, 403, 418, 503])
@pytest.mark.parametrize("name", [known.name for known in filters().values() if known.exceptions])
def test_what_a_halt_after_a_failure_says_is_taken_by_its_exception(name, status):
    """Whether or not there is a URL, and whether or not the filter has a use for it."""
    (filter_type,) = (known for known in filters().values() if known.name == name)
    for url in ("", "/x"):
        notes = halts.after_failure(filter_type, url, {}, status).notes
        assert all("no URL was given" in note or "the platform takes only" in note for note in notes)


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "Your request was refused."), (503, "could not be checked"), (None, "could not be checked")],
)
def test_learner_reads_whether_somebody_refused_or_nobody_answered(status, message):
    assert message in str(halts.after_failure(EXAMPLE, "", {}, status).exception)


@pytest.mark.parametrize(
    ("name", "arguments", "attributes"),
    [
        ("Veto", "", {"message": "Your request was refused."}),
        ("Veto", {}, {"message": "Your request was refused."}),
        ("Veto", "\0", {"message": "Your request was refused."}),
        ("Veto", {"message": " \r\n"}, {"message": "Your request was refused."}),
        ("Veto", {"message": 5}, {"message": "5"}),
        ("Veto", {"message": ["a"]}, {"message": '["a"]'}),
        ("Veto", {"message": "x" * 5000}, {"message": "x" * 2000}),
        ("Veto", {"message": "a\0b"}, {"message": "ab"}),
        ("Veto", {"message": "a", "hint": {"b": 1}}, {"message": "a", "hint": {"b": 1}}),
        ("Veto", {"status_code": "409"}, {"status_code": 409}),
        ("Veto", {"redirect_to": ""}, {"redirect_to": ""}),
        ("Silent", "No", {"message": "closed"}),
        ("Anything", "No", {"message": "No"}),
        ("RedirectElsewhere", {"redirect_to": "/x"}, {"redirect_to": "/x"}),
        ("Picky", {"message": "a", "level": 3}, {"level": 3, "note_message": "a"}),
    ],
)
def test_exceptions_are_built(name, arguments, attributes):
    error = halts.by_name(EXAMPLE, name, arguments, {}).exception
    assert {attribute: getattr(error, attribute) for attribute in attributes} == attributes


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Nothing", "x"),
        ("OpenEdxFilterException", "x"),
        ("__class__", "x"),
        ("Picky", {"level": "high"}),
        ("Picky", "x"),
    ],
)
def test_exceptions_that_cannot_be_built_are_refused(name, arguments):
    """The filter has none of that name, or its constructor has rules that nobody can know."""
    with pytest.raises(Refused):
        halts.by_name(EXAMPLE, name, arguments, {})


@pytest.mark.parametrize(
    ("name", "arguments", "note"),
    [
        ("RedirectElsewhere", "no URL", "no URL was given: the learner is sent to /"),
        ("RedirectElsewhere", {"redirect_to": "javascript:alert(1)"}, "redirect_to: it is not an http"),
        ("RedirectElsewhere", {"redirect_to": 5}, "redirect_to: it must be a text"),
        ("RedirectElsewhere", {"redirect_to": "/x", "level": 3}, "level: there is no such argument"),
        ("Veto", {"__class__": "x"}, "__class__: there is no such argument"),
        ("Veto", {"args": []}, "args: there is no such argument"),
        ("Veto", {"with_traceback": 1}, "with_traceback: there is no such argument"),
        ("Veto", {"a b": 1}, "a b: there is no such argument"),
        ("Veto", {"self": 1}, "self: there is no such argument"),
        ("Veto", {"status_code": 200}, "status_code: status must be a number"),
        ("Veto", {"status_code": True}, "status_code: status must be a number"),
        ("Veto", {"help_url": "javascript:x"}, "help_url: it is an address that runs a script"),
        ("Silent", {"help_url": "javascript:x"}, "help_url: it is an address that runs a script"),
    ],
)
def test_an_argument_that_does_not_fit_is_named_and_does_not_void_the_halt(name, arguments, note):
    halt = halts.by_name(EXAMPLE, name, arguments, {})
    assert type(halt.exception).__name__ == name
    assert halt.notes[0].startswith(f"{name}: {note}")


def test_an_answer_fills_no_log_with_arguments():
    halt = halts.by_name(EXAMPLE, "RedirectElsewhere", {f"argument {number}": 1 for number in range(1000)}, {})
    assert len(halt.notes) == 10


def test_rules_find_the_exceptions_of_any_filter():
    assert halts.can_halt(EXAMPLE)
    assert halts.can_redirect(EXAMPLE)
    assert type(halts.after_failure(EXAMPLE, "", {}).exception) is OfAnotherPackage.Veto
    assert type(halts.after_failure(EXAMPLE, "/x", {}).exception) is OfAnotherPackage.RedirectElsewhere
    assert halts.accepted_exceptions(EXAMPLE)["RedirectElsewhere"]["required"] == ["redirect_to"]
    assert set(changes.changeable(EXAMPLE)) == {"title", "count", "rows", "link_url", "key"}


@pytest.mark.parametrize(
    ("name", "current", "given"),
    [
        ("link_url", "/a", "javascript:alert(1)"),
        ("link_url", "/a", " " * 100 + "javascript:alert(1)"),
        ("link_url", "/a", {"prepend": "javascript:"}),
        ("link_url", None, "//evil.example"),
        ("link_url", "/a", None),
        ("title", "a", 5),
        ("count", 3, "x"),
    ],
)
def test_what_is_refused_is_not_told_to_change(name, current, given):
    plan = changes.plan_changes(EXAMPLE, {name: current}, {name: given})
    assert (plan.values, plan.changed, len(plan.refused)) == ({}, [], 1)


def test_an_address_is_added_to():
    plan = changes.plan_changes(EXAMPLE, {"link_url": "/a"}, {"link_url": {"append": "?from=b"}})
    assert plan.values == {"link_url": "/a?from=b"}
