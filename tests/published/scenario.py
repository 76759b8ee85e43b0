"""
What both plugins are given, the published one and ours: the same events, the same filters, the same answers.

``record.py`` runs it with the published plugin, in an environment without pytest and without ours; ``test_requests.py``
and ``test_answers.py`` with ours.
"""

import collections
import importlib
import itertools
import json
import re
import sys
import typing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from inspect import signature
from types import ModuleType
from uuid import UUID

import attr
from opaque_keys.edx.keys import CourseKey, UsageKey
from opaque_keys.edx.locator import LibraryLocatorV2, LibraryUsageLocatorV2

START = datetime(2026, 1, 1, tzinfo=UTC)
COURSE = CourseKey.from_string("course-v1:edX+DemoX+2026")
BLOCK = UsageKey.from_string("block-v1:edX+DemoX+2026+type@problem+block@one")
MODULES = ("analytics", "authz", "content_authoring", "enterprise", "learning", "content")
_MOMENT = re.compile(rf"{datetime.now(UTC):%Y-%m-%d}([ +T])\d\d(:|%3A)\d\d(:|%3A)\d\d\.\d{{1,6}}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_LIBRARY = re.compile(r'"sourcelib": \[[\d, ]+\]|sourcelib=%5B[\w%+]+%5D')
_HOST = re.compile(r'("sourcehost": "|sourcehost=)[^"&]+')


# --- Values


def sample(kind, name="x"):
    """A value of a data class's member, by its type."""
    kind = _unwrapped(kind)
    if attr.has(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{one.name: sample(hints.get(one.name, one.type or str), one.name) for one in attr.fields(kind)})
    known = {
        str: f"{name} é",
        int: 7,
        float: 0.815,
        bool: True,
        datetime: START + timedelta(microseconds=123),
        date: date(2026, 1, 2),
        dict: {"k": [1, {"z": None, "a": 1.5}], "t": (1, 2), "nested": {"b": True}},
        list: ["b", "a"],
        Decimal: Decimal("1.50"),
        CourseKey: COURSE,
        UsageKey: BLOCK,
    }
    if kind in known:
        return known[kind]
    if kind is LibraryLocatorV2:
        return LibraryLocatorV2("org", "lib")
    if kind is LibraryUsageLocatorV2:
        return LibraryUsageLocatorV2(LibraryLocatorV2("org", "lib"), "html", "one")
    if isinstance(kind, type) and issubclass(kind, str):
        return kind("x")
    return f"{name} of {getattr(kind, '__name__', 'any')}"


def _unwrapped(kind):
    origin = typing.get_origin(kind)
    if origin in (list, dict):
        return origin
    return _unwrapped(typing.get_args(kind)[0]) if origin and typing.get_args(kind) else kind


class Plain:
    """An object of the platform that is no model: whatever is set."""

    def __init__(self, **values):
        self.__dict__.update(values)


def nothing():
    """Something that has no form in JSON."""


Mode = collections.namedtuple("Mode", "slug min_price")
# What sites have and the samples lack.
ODD = {
    "text": "\U0001f600 \u202e\u05d0\u05d1\u202c a\0b \"'\\ </b>&=+%41\r\n\u2028",
    "long": "\u00e9" * 255,
    "big": 2**53 + 1,
    "small": -1e-7,
    "uuid": UUID("12345678-1234-5678-8234-567812345678"),
    "duration": timedelta(days=1, seconds=2, microseconds=3),
    "naive": datetime(2026, 1, 2, 3, 4, 5, 6),
    "zone": datetime(2026, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    "mode": Mode("verified", 49),
    "modes": [Mode("audit", 0)],
    "old key": CourseKey.from_string("MITx/6.002x/2012_Fall"),
    "library": CourseKey.from_string("library-v1:org+lib"),
    "by number": {1: "one", 2.5: {"": [{}]}},
    "ordered": collections.OrderedDict(b=1, a=collections.defaultdict(list, c=[()])),
}


# --- Events


def signals():
    """Every event of the library by its constant's name."""
    found = {}
    for name in MODULES:
        try:
            module = importlib.import_module(f"openedx_events.{name}.signals")
        except ImportError:
            continue
        found.update(
            (key, value) for key, value in vars(module).items() if key.isupper() and hasattr(value, "init_data")
        )
    return found


def event_arguments(signal):
    """The arguments of an event, made up by their types."""
    return {name: sample(kind, name) for name, kind in signal.init_data.items()}


# --- Filters

FIELDS = {
    "name": "Ada \u0141ovelace",
    "country": "GB",
    "language": "en",
    "level_of_education": "m",
    "gender": None,
    "year_of_birth": 1815,
    "goals": "to learn",
    "city": "London",
    "bio": "",
    "meta": '{"session_id": "abc"}',
}


def make_profile_model(create_table):
    """The learner's profile as the host project of our tests has it, for a site that has none."""
    from django.conf import settings
    from django.db import connection, models

    class UserProfile(models.Model):  # noqa: DJ008
        """What the platform knows about a learner."""

        user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile")
        name = models.CharField(max_length=255, blank=True)
        country = models.CharField(max_length=2, blank=True)
        language = models.CharField(max_length=255, blank=True)
        level_of_education = models.CharField(max_length=6, blank=True, null=True)
        gender = models.CharField(max_length=6, blank=True, null=True)
        year_of_birth = models.IntegerField(blank=True, null=True)
        goals = models.TextField(blank=True, null=True)
        city = models.TextField(blank=True, null=True)
        bio = models.CharField(max_length=3000, blank=True, null=True)
        meta = models.TextField(blank=True)

        class Meta:
            app_label = "auth"

    if create_table:
        with connection.schema_editor() as editor:
            editor.create_model(UserProfile)
    return UserProfile


COURSES, STUDENTS = "lms.djangoapps.courseware.courses", "common.djangoapps.student.models"


def stand_in_platform(profile_model):
    """The modules of the platform that a plugin asks, as far as it asks; returns them by name."""
    modules = {}
    for path in (COURSES, STUDENTS):
        for end in [index for index, letter in enumerate(path) if letter == "."] + [len(path)]:
            modules[path[:end]] = ModuleType(path[:end])
    modules["lms.djangoapps.courseware"].courses = modules[COURSES]
    summary = {"complete_count": 3, "incomplete_count": 1, "locked_count": 0}
    modules[COURSES].get_course_blocks_completion_summary = lambda course_key, user: dict(summary)
    modules[STUDENTS].UserProfile = profile_model
    sys.modules.update(modules)
    return modules


class World:
    """One learner, and the arguments of the filters."""

    def __init__(self, profile_model):
        from django.contrib.auth import get_user_model

        users = get_user_model()
        users.objects.filter(username="ada").delete()
        self.user = users.objects.create(
            id=1,
            username="ada",
            email="ada@example.com",
            password="!unusable",
            first_name="Ada",
            date_joined=START,
            last_login=START + timedelta(days=1, microseconds=678901),
        )
        self.profile = profile_model.objects.create(id=1, user=self.user, **FIELDS)

    def fresh(self):
        """The learner as the platform has just read her."""
        return type(self.user).objects.select_related("profile").get(pk=self.user.pk)

    def arguments(self, name):
        """Fresh arguments of a filter."""
        from django.http import QueryDict

        user = self.fresh()
        course = Plain(id=COURSE, display_name="Démo", start=START, _private=1, token="secret-token")
        form = QueryDict(
            "email=a%40b.c&name=Ada&username=ada&terms_of_service=true&opt=1&opt=2&csrfmiddlewaretoken=x", mutable=True
        )
        form["password"] = "geheim"
        form[""] = "\U0001f600"
        form["of a list"] = ["a", "b"]
        certificate = {
            "accomplishment_user_id": user.pk,
            "course_id": str(COURSE),
            "accomplishment_copy_name": "Ada",
            "course": course,
            "d": START,
            "token": "t",
            "nested": {"password": "x", 7: "seven"},
        }
        dashboard = {
            "user": user,
            "course_enrollments": [Plain(course_id=COURSE, mode="audit", created=START)],
            "s": {3, 1, 2},
            "f": nothing,
            "b": b"bytes",
            "dec": Decimal("1.50"),
            "nan": float("nan"),
            "day": date(2026, 1, 2),
            "pair": (1, None),
            "yes": True,
            "none": None,
            "empty": {},
            "list": [],
            "odd": dict(ODD),
        }
        grade = Plain(percent=0.83, letter_grade="B", passed=True, course_data=Plain(structure=Plain(n=1)))
        cohort = Plain(id=12, name="Group A", course_id=COURSE, group_type="cohort")
        special = {
            "StudentRegistrationRequested": {"form_data": form},
            "CertificateRenderStarted": {"context": certificate},
            "CourseAboutRenderStarted": {
                "context": {"course": course, "course_details": Plain(effort="5 h", start=START)}
            },
        }.get(name, {})
        known = {
            "user": user,
            "course_key": COURSE,
            "course_id": COURSE,
            "mode": "audit",
            "enrollment": Plain(id=9, user=user, course_id=COURSE, mode="audit", is_active=True),
            "grade": grade,
            "status": None,
            "generation_mode": "self",
            "custom_template": Plain(id=1, name="tpl", template="<html>", is_active=True),
            "current_membership": Plain(id=5, user=user, user_id=user.pk, course_id=COURSE, course_user_group=cohort),
            "target_cohort": cohort,
            "context": dashboard,
            "student_view_context": dict(dashboard),
            "template_name": "dashboard.html",
            "readonly_fields": {"name"},
            "user_id": user.pk,
            "block": Plain(display_name="Block", usage_key=BLOCK),
            "fragment": Plain(content="<p>unit</p>"),
            "view": "student_view",
            "org": "edX",
            "course_mode_data": Plain(slug="verified", min_price=49),
            "price": 49,
            "serialized_enrollment": {"isEnrolled": True, "expires": START},
            "serialized_courserun": {"isStarted": True, "homeUrl": "/home"},
            "requester_is_backend_service": False,
            "view_name": "progress",
            "start_date": START,
            "tabs": [{"tab_id": "info", "title": "Info", "url": "/info", "sort_order": 10}],
            "enrollments_data": [{"course_id": str(COURSE), "course_start": START}],
            "extra_context": {"a": 1},
            "message_context": {"name": "Ada"},
        }
        names = [
            one
            for one, each in signature(filter_class(name).run_filter).parameters.items()
            if each.kind != each.VAR_KEYWORD
        ]
        # One that is made from the name of what is missing would be a text that says so.
        return {one: special.get(one, known.get(one, f"https://lms/{one}")) for one in names}


def filters():
    """Every filter of the library that is for learners, by its class's name."""
    found = {}
    for module in ("learning", "authentication", "content_authoring"):
        try:
            declared = vars(importlib.import_module(f"openedx_filters.{module}.filters"))
        except ImportError:
            continue
        found.update(
            (name, each)
            for name, each in declared.items()
            if getattr(each, "filter_type", "") and hasattr(each, "run_filter")
        )
    return found


def filter_class(name):
    """A filter of the library by its class's name."""
    return filters()[name]


def run_filter(name, arguments):
    """
    Run a filter as the platform does, and tell what came of it: as text, for people and for comparing.

    Filters differ in what their first argument is called and whether they take names, so it is by position.
    """
    try:
        result = filter_class(name).run_filter(*arguments.values())
    except Exception as error:  # pylint: disable=broad-exception-caught
        return {"raised": type(error).__name__, **_shown_exception(error)}
    results = result if isinstance(result, tuple) else (result,)
    return {"returned": [_shown(one) for one in results]}


def _shown_exception(error):
    shown = {"message": _shown(str(error))}
    for name, value in sorted(vars(error).items()):
        if name == "response" and hasattr(value, "status_code"):
            shown[name] = [
                value.status_code,
                value.reason_phrase,
                value["Content-Type"],
                value.content.decode(errors="replace"),
            ]
        elif value not in (None, "", {}):
            shown[name] = _shown(value)
    return shown


def _shown(value):
    from django.db.models import Model
    from django.http import QueryDict

    if isinstance(value, QueryDict):
        return dict(value.lists())
    if isinstance(value, Model):
        names = ("username", "email", "first_name", "last_name", "is_active", "is_staff")
        shown = {name: getattr(value, name) for name in names if hasattr(value, name)}
        if hasattr(value, "profile"):
            shown |= {f"profile.{name}": getattr(value.profile, name) for name in FIELDS}
        return shown
    if isinstance(value, str):
        return re.sub(r"127.0.0.1:\d+", "127.0.0.1", value)
    if isinstance(value, Plain):
        return {name: _shown(one) for name, one in vars(value).items()}
    if isinstance(value, dict):
        return {str(key): _shown(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(one) for one in value]
    if isinstance(value, set):
        return sorted(value)
    return value if isinstance(value, (int, bool, type(None))) else re.sub(r" at 0x\w+", "", repr(value))


# --- Answers: name → filter, what is answered, settings of the webfilter.


def _answers():  # noqa: PLR0915
    def case(name, filter_name, body, status=200, encoding="utf-8", headers=None, **settings):
        reply = {"status": status, "body": body if isinstance(body, str) else json.dumps(body)}
        if encoding != "utf-8":
            reply["encoding"] = encoding
        if headers:
            reply["headers"] = headers
        return name, (filter_name, reply, settings)

    login, registration, certificate = (
        "StudentLoginRequested",
        "StudentRegistrationRequested",
        "CertificateRenderStarted",
    )
    dashboard, enrollment = "DashboardRenderStarted", "CourseEnrollmentStarted"
    prevent = {"exception": {"PreventLogin": "No"}}
    halts = {"halt_on_4xx": True, "halt_on_5xx": True, "halt_on_request_exception": True}
    yield case("nothing", login, "")
    yield case("empty object", login, {})
    yield case("exception: message", login, prevent)
    yield case(
        "exception: object",
        login,
        {
            "exception": {
                "PreventLogin": {"message": "No", "redirect_to": "https://r/", "error_code": "e", "context": {"a": 1}}
            }
        },
    )
    yield case("exception: true", login, {"exception": True})
    yield case("exception: number", login, {"exception": 1})
    yield case("exception: list", login, {"exception": ["PreventLogin"]})
    yield case("exception: bare name", login, {"exception": "PreventLogin"})
    yield case("exception: other text", login, {"exception": "go away"})
    yield case("exception: unknown name", login, {"exception": {"NoSuch": "No"}})
    yield case("exception: null", login, {"exception": None})
    yield case("exception: empty object", login, {"exception": {}})
    yield case("exception: false", login, {"exception": False})
    yield case("exception: name with true", login, {"exception": {"PreventLogin": True}})
    yield case("exception: name with null", login, {"exception": {"PreventLogin": None}})
    yield case("exception: name with number", login, {"exception": {"PreventLogin": 5}})
    yield case("exception: name with list", login, {"exception": {"PreventLogin": ["a"]}})
    yield case("exception: name with empty object", login, {"exception": {"PreventLogin": {}}})
    yield case(
        "exception: unknown argument", login, {"exception": {"PreventLogin": {"message": "No", "colour": "red"}}}
    )
    yield case(
        "exception: two names",
        certificate,
        {"exception": {"NoSuch": "a", "RedirectToPage": {"redirect_to": "https://r/"}}},
    )
    yield case(
        "exception: two known names",
        certificate,
        {
            "exception": {
                "RedirectToPage": {"redirect_to": "https://r/"},
                "RenderAlternativeInvalidCertificate": {"message": "m"},
            }
        },
    )
    yield case(
        "exception: two names, one of another filter",
        certificate,
        {"exception": {"PreventLogin": "a", "RedirectToPage": {"message": "m", "redirect_to": "https://r/"}}},
    )
    yield case("exception and data", login, {**prevent, "data": {"user": {"first_name": "B"}}})
    yield case("4xx with exception", login, prevent, status=403)
    yield case("5xx with exception", login, prevent, status=500)
    yield case("4xx with exception and disable halting", login, prevent, status=403, disable_halt=True)
    yield case("4xx with data", login, {"data": {"user": {"first_name": "B"}}}, status=403)
    yield case("5xx with data", login, {"data": {"user": {"first_name": "B"}}}, status=500)
    yield case("4xx without a body", login, "", status=403)
    yield case("4xx halts", login, "", status=403, halt_on_4xx=True)
    yield case("4xx halts with a URL", login, "", status=403, halt_on_4xx=True, redirect_on_4xx="https://r/")
    yield case("4xx halts with exception", login, prevent, status=403, halt_on_4xx=True, redirect_on_4xx="https://r/")
    yield case("4xx halts with data", login, {"data": {"user": {"first_name": "B"}}}, status=403, halt_on_4xx=True)
    yield case("5xx halts", login, "", status=500, halt_on_5xx=True)
    yield case("4xx halts though halting is disabled", login, "", status=403, halt_on_4xx=True, disable_halt=True)
    yield case("5xx halts though halting is disabled", login, "", status=503, halt_on_5xx=True, disable_halt=True)
    yield case("halting is disabled", login, prevent, disable_halt=True)
    yield case(
        "halting is disabled, with data", login, {**prevent, "data": {"user": {"first_name": "B"}}}, disable_halt=True
    )
    yield case("filtering is disabled", login, {"data": {"user": {"first_name": "B"}}}, disable_filtering=True)
    yield case("no JSON", login, "oops")
    yield case("no JSON halts", login, "oops", **halts)
    yield case("a list", login, [1], **halts)
    yield case("a text", login, '"x"', **halts)
    yield case("null", login, "null")
    yield case("NaN", certificate, '{"data": {"context": {"n": NaN}}}')
    yield case("the same key twice", login, '{"data": {}, "data": {"user": {"first_name": "B"}}}')
    yield case(
        "latin-1",
        login,
        b'{"data": {"user": {"first_name": "Andr\\u00e9"}}}'.decode("unicode_escape"),
        encoding="latin-1",
    )
    yield case("latin-1 exception", login, '{"exception": {"PreventLogin": "refusé"}}', encoding="latin-1")
    yield case("byte order mark", login, "\ufeff" + json.dumps(prevent))
    yield case("status 201", login, prevent, status=201)
    yield case("status 204", login, "", status=204)
    yield case("status 301", login, "", status=301, headers={"Location": "/other"})
    yield case("status 302", login, "", status=302, headers={"Location": "/other"})
    yield case("status 307", login, "", status=307, headers={"Location": "/other"})
    yield case("status 308", login, "", status=308, headers={"Location": "/other"})
    yield case("redirect without an address", login, prevent, status=302, headers={})
    yield case("user: e-mail and username", login, {"data": {"user": {"email": "b@example.com", "username": "bob"}}})
    yield case("user: is_staff", login, {"data": {"user": {"is_staff": True, "is_superuser": True}}})
    yield case("user: unknown field", login, {"data": {"user": {"colour": "red"}}})
    yield case("user: first name too long", login, {"data": {"user": {"first_name": "x" * 200}}})
    yield case("user: number for a text", login, {"data": {"user": {"first_name": 5}}})
    yield case("profile: name", login, {"data": {"profile": {"name": "B"}}})
    yield case("profile: text for the year of birth", login, {"data": {"profile": {"year_of_birth": "1990"}}})
    yield case("profile: no year", login, {"data": {"profile": {"year_of_birth": "x"}}})
    yield case("profile: null", login, {"data": {"profile": {"name": None}}})
    yield case("data: unknown argument", login, {"data": {"nobody": {"a": 1}}})
    yield case("data: a text", login, {"data": "x"})
    yield case("registration: form_data", registration, {"data": {"form_data": {"name": "New", "more": "m"}}})
    yield case("registration: list", registration, {"data": {"form_data": {"opt": ["3", "4"]}}})
    yield case("registration: number", registration, {"data": {"form_data": {"opt": 5}}})
    yield case("registration: top level", registration, {"data": {"name": "New"}})
    yield case("registration: prevented", registration, {"exception": {"PreventRegistration": "Not allowed"}})
    yield case(
        "registration: status code",
        registration,
        {"exception": {"PreventRegistration": {"message": "n", "status_code": 400}}},
    )
    yield case("enrollment: mode", enrollment, {"data": {"mode": "verified"}})
    yield case("enrollment: course", enrollment, {"data": {"course_key": "course-v1:a+b+c"}})
    yield case("enrollment: prevented", enrollment, {"exception": {"PreventEnrollment": "No"}})
    yield case("context: key", certificate, {"data": {"context": {"accomplishment_copy_name": "B"}}})
    yield case("context: new keys", certificate, {"data": {"context": {"new": 1, "nested": {"x": "1"}}}})
    yield case("context: object", certificate, {"data": {"context": {"course": {"display_name": "Other"}}}})
    yield case(
        "context: another type", certificate, {"data": {"context": {"d": "2027-01-01", "accomplishment_user_id": "2"}}}
    )
    yield case("custom template: attribute", certificate, {"data": {"custom_template": {"template": "<b>"}}})
    yield case(
        "RedirectToPage: object",
        certificate,
        {"exception": {"RedirectToPage": {"message": "m", "redirect_to": "https://r/"}}},
    )
    yield case("RedirectToPage: text", certificate, {"exception": {"RedirectToPage": "m"}})
    yield case("RedirectToPage: address as text", certificate, {"exception": {"RedirectToPage": "https://r/"}})
    yield case(
        "RedirectToPage: script", certificate, {"exception": {"RedirectToPage": {"redirect_to": "javascript:alert(1)"}}}
    )
    yield case(
        "RenderAlternativeInvalidCertificate",
        certificate,
        {
            "exception": {
                "RenderAlternativeInvalidCertificate": {"message": "m", "template_name": "minilms/account.html"}
            }
        },
    )
    yield case(
        "RenderCustomResponse: object",
        certificate,
        {"exception": {"RenderCustomResponse": {"content": "<h1>hi", "status": 418}}},
    )
    yield case(
        "RenderCustomResponse: no status", certificate, {"exception": {"RenderCustomResponse": {"content": "<h1>hi"}}}
    )
    yield case(
        "RenderCustomResponse: all",
        certificate,
        {
            "exception": {
                "RenderCustomResponse": {
                    "content": "x",
                    "content_type": "text/plain",
                    "reason": "Why",
                    "charset": "latin-1",
                    "status": 401,
                    "headers": {"X-A": "b"},
                }
            }
        },
    )
    yield case("RenderCustomResponse: text", certificate, {"exception": {"RenderCustomResponse": "x"}})
    yield case(
        "RenderCustomResponse: number as status",
        certificate,
        {"exception": {"RenderCustomResponse": {"content": "x", "status": "404"}}},
    )
    yield case("dashboard: context", dashboard, {"data": {"context": {"hello": "w", "yes": False}}})
    yield case("dashboard: list", dashboard, {"data": {"context": {"list": ["a"], "pair": [2]}}})
    yield case("dashboard: RedirectToPage text", dashboard, {"exception": {"RedirectToPage": "/x"}})
    yield case(
        "dashboard: RenderInvalidDashboard",
        dashboard,
        {
            "exception": {
                "RenderInvalidDashboard": {
                    "message": "m",
                    "dashboard_template": "minilms/account.html",
                    "template_context": {"a": 1},
                }
            }
        },
    )
    yield case("address: another", "CourseHomeUrlCreationStarted", {"data": {"course_home_url": "https://other/"}})
    yield case("address: script", "CourseHomeUrlCreationStarted", {"data": {"course_home_url": "javascript:alert(1)"}})
    yield case("fields: a list", "AccountSettingsReadOnlyFieldsRequested", {"data": {"readonly_fields": ["email"]}})


ANSWERS = dict(_answers())

# --- Many answers, of which only a letter is kept each: what becomes of the process

# The first with all answers, the others with the plain ones. What is raised, and what is changed.
FATES = {
    "StudentLoginRequested": ("PreventLogin", {"user": {"first_name": "B"}}),
    "StudentRegistrationRequested": ("PreventRegistration", {"form_data": {"name": "B"}}),
    "CourseEnrollmentStarted": ("PreventEnrollment", {"mode": "verified"}),
    "CourseAboutRenderStarted": ("RedirectToPage", {"context": {"new": "B"}}),
    "CertificateCreationRequested": ("PreventCertificateCreation", {"mode": "verified"}),
    "DashboardRenderStarted": ("RedirectToPage", {"context": {"new": "B"}}),
}
_HALTS = {"halt_on_4xx": True, "halt_on_5xx": True, "halt_on_request_exception": True}
_SETTINGS = ({}, _HALTS, {"disable_halt": True}, {"disable_filtering": True})
_STATUSES = (200, 300, 403, 500, 600)
# Of the plain answers; of the others with the first status alone.
_PLAIN = ("both", "data", "exception", "data of another kind", "nothing")


def _bodies(exception, data):
    both = {"exception": {exception: "No"}, "data": data}
    plain = {
        "both": both,
        "data": {"data": data},
        "exception": {"exception": both["exception"]},
        "data of another kind": {**both, "data": [1]},
    }
    yield from ((name, json.dumps(body)) for name, body in plain.items())
    yield "nothing", ""
    if exception != "PreventLogin":
        return
    with_this = '{"exception": {"PreventLogin": "No"}, "data": {"x": %s}}'
    yield "blank", " \n"
    yield "no JSON", "{'exception': {'PreventLogin': 'No'}}"
    yield "cut short", json.dumps(both)[:-1]
    yield "a list", json.dumps([both])
    yield "a text", json.dumps(json.dumps(both))
    yield "bare name", '{"exception": "PreventLogin"}'
    yield "a list of names", '{"exception": ["PreventLogin"]}'
    yield "another name first", '{"exception": {"Nobody": "a", "PreventLogin": "No"}}'
    yield "another case", '{"exception": {"preventlogin": "No"}}'
    yield "nested 40 deep", with_this % ("[" * 40 + "]" * 40)
    yield "12,000 members", with_this % json.dumps(dict.fromkeys(range(12_000)))
    yield "half a pair in the data", with_this % '"\\ud800"'
    yield "half a pair in the message", '{"exception": {"PreventLogin": "No\\ud800"}}'
    yield "a number of 400 digits", with_this % ("9" * 400)
    yield "a number of 5000 digits", with_this % ("9" * 5000)
    yield "numbers that are none", with_this % "[NaN, -Infinity, 1e999]"


def fates(world, recorder, webfilters, name):
    """
    By answer, a letter for each status and each of the settings: ``h`` it halts as the answer says, ``f`` it halts
    after a failure, ``d`` it changes data, ``-`` nothing, ``x`` an error page.
    """

    def letter(body, status=200, settings=None):
        result = answer(world, recorder, webfilters, name, {"status": status, "body": body}, settings or {})
        if "raised" not in result:
            return "-" if result == usual else "d"
        if not hasattr(filter_class(name), result["raised"]):
            return "x"
        return "h" if result["message"].startswith("No") else "f"

    usual = answer(world, recorder, webfilters, name, {}, {})
    return {
        case: " ".join(
            "".join(letter(body, status, settings) for settings in _SETTINGS)
            for status in (_STATUSES if case in _PLAIN else _STATUSES[:1])
        )
        for case, body in _bodies(*FATES[name])
    }


# --- The run


def masked(content_type, body):
    """A body without what differs from run to run, so that two may be compared as they are."""
    text = body.decode("utf-8", "backslashreplace")
    text = _MOMENT.sub(lambda found: f"NOW{found[1]}", text)
    text = _UUID.sub("UUID", text)
    text = _LIBRARY.sub("SOURCELIB", text)
    text = re.sub(r"at([ +])0x[0-9a-f]+", r"at\g<1>0x0", text)
    return [content_type.partition(";")[0], _HOST.sub(r"\1lms", text)]


def run(world, recorder, webhooks, webfilters, deliver):
    """
    Everything; returns what was recorded.

    Args:
        world: a :class:`World`.
        recorder: has ``requests``, ``replies`` and ``url``.
        webhooks, webfilters: the plugin's models.
        deliver: called with a function that makes something happen; returns when what it causes has been sent.
    """
    recorded = {"requests": {}, "answers": {}, "fates": {}}
    for (name, signal), form in itertools.product(sorted(signals().items()), (False, True)):
        recorded["requests"][f"{name} {_encoding(form)}"] = _sent(
            recorder,
            webhooks,
            name,
            form,
            lambda signal=signal: deliver(lambda: signal.send_event(**event_arguments(signal))),
        )
    for name, form in itertools.product(sorted(filters()), (False, True)):
        recorded["requests"][f"{name} {_encoding(form)}"] = _sent(
            recorder, webfilters, name, form, lambda name=name: run_filter(name, world.arguments(name))
        )
    for case, (name, reply, options) in ANSWERS.items():
        if name in filters():
            recorded["answers"][case] = answer(world, recorder, webfilters, name, reply, options)
    for name in FATES:
        if name in filters():
            recorded["fates"][name] = fates(world, recorder, webfilters, name)
    return recorded


def answer(world, recorder, webfilters, name, reply, options):
    """What comes of one answer, what of the account is saved, and which requests were made."""
    before = [dict(vars(one)) for one in (world.user, world.profile)]
    recorder.requests.clear()
    recorder.replies = {
        "/hook": reply,
        "/other": {"body": json.dumps({"exception": {"PreventLogin": "from the other"}})},
    }
    hook = webfilters.objects.create(event=name, webhook_url=recorder.url(), enabled=True, **options)
    try:
        result = run_filter(name, world.arguments(name))
        saved = _shown(world.fresh())
    finally:
        hook.delete()
        for one, values in zip((world.user, world.profile), before):
            type(one).objects.filter(pk=one.pk).update(
                **{key: values[key] for key in values if not key.startswith("_")}
            )
    return {**result, "saved": saved, "requests": [f"{method} {path}" for method, path, *_ in recorder.requests]}


def _encoding(form):
    return "form" if form else "json"


def _sent(recorder, model, name, form, happen):
    recorder.requests.clear()
    recorder.replies = {}
    hook = model.objects.create(event=name, webhook_url=recorder.url(), enabled=True, use_www_form_encoding=form)
    try:
        happen()
    finally:
        hook.delete()
    return [masked(content_type, body) for _method, _path, content_type, body in recorder.requests]
