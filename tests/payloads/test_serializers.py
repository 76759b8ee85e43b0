"""The platform's objects: their documented fields, from memory, without a query."""

import datetime
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import QueryDict
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject
from opaque_keys.edx.keys import CourseKey

from demo.minilms import models
from openedx_webhooks import catalog
from openedx_webhooks.payloads.serialize import filter_payload, to_json, user_id_of

COURSE = CourseKey.from_string("course-v1:edX+DemoX+2026")
JOINED = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
LOGIN = catalog.find_filter("StudentLoginRequested")


@pytest.fixture(name="user")
def _user(db):  # pylint: disable=unused-argument
    user = get_user_model().objects.create_user(
        "ada", "ada@example.com", "correct horse", first_name="Ada", last_name="Lovelace", date_joined=JOINED
    )
    models.UserProfile.objects.create(
        user=user,
        name="Ada Łovelace",
        country="GB",
        language="en",
        level_of_education="p",
        gender="f",
        year_of_birth=1815,
        city="London",
        meta='{"session": "S3CR3T"}',
    )
    return get_user_model().objects.get()


@pytest.fixture(name="enrollment")
def _enrollment(user):
    models.CourseOverview.objects.create(id=COURSE, display_name="Demo")
    models.CourseEnrollment.objects.create(user=user, course_id=COURSE, mode="verified")
    return models.CourseEnrollment.objects.get()


@pytest.fixture(name="membership")
def _membership(user):
    group = models.CourseUserGroup.objects.create(name="Left", course_id=COURSE)
    group.users.add(user)
    models.CohortMembership.objects.create(user=user, course_id=COURSE, course_user_group=group)
    return models.CohortMembership.objects.get()


def without_queries(value):
    """The JSON of a value, made without a query."""
    with CaptureQueriesContext(connection) as queries:
        data = to_json(value)
    assert not queries.captured_queries
    return data


USER = {
    "username": "ada",
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "is_active": True,
    "is_staff": False,
    "date_joined": "2026-01-02T03:04:05+00:00",
    "last_login": None,
}


def test_user(user):
    """Who it is; no password hash, no permissions, no profile that nobody loaded."""
    assert without_queries(user) == {"id": user.id, **USER}


def test_user_with_deferred_fields(user):
    """Fields that aren't loaded are left out."""
    deferred = get_user_model().objects.only("username").get()
    assert without_queries(deferred) == {"id": user.id, "username": "ada"}


def test_unsaved_user():
    """A user who isn't in the database yet has no id."""
    data = to_json(get_user_model()(username="new"))
    assert (data["id"], data["username"]) == (None, "new")


@pytest.mark.parametrize("value", [AnonymousUser(), None])
def test_nobody(value):
    """An anonymous visitor is null."""
    assert to_json({"user": value}) == {"user": None}


def test_request_user_that_the_platform_has_looked_at(user):
    """A lazy user in use is that user."""
    lazy = SimpleLazyObject(lambda: user)
    assert lazy.username == "ada"
    assert without_queries(lazy) == {"id": user.id, **USER}


def test_request_user_that_nobody_has_looked_at(user):
    """A lazy user who isn't loaded isn't loaded for the payload."""
    lazy = SimpleLazyObject(lambda: get_user_model().objects.get(id=user.id))
    assert without_queries({"user": lazy}) == {"user": {"type": "django.utils.functional.SimpleLazyObject"}}


def test_profile(user):
    """The learner's own words; no ``meta``, which is anything."""
    assert without_queries(models.UserProfile.objects.get()) == {
        "name": "Ada Łovelace",
        "country": "GB",
        "language": "en",
        "level_of_education": "p",
        "gender": "f",
        "year_of_birth": 1815,
        "city": "London",
        "goals": None,
        "bio": None,
    }
    assert user.id


def test_country_object_is_its_code():
    """django-countries hands around objects."""
    country = type("Country", (), {})()
    country.code = "GB"
    assert to_json(country) == "GB"


def test_enrollment_whose_user_is_not_loaded(enrollment):
    """The user is known by id."""
    assert without_queries(enrollment) == {
        "id": enrollment.id,
        "user": {"id": enrollment.user_id},
        "course_id": str(COURSE),
        "mode": "verified",
        "is_active": True,
        "created": enrollment.created.isoformat(),
    }


def test_enrollment_brings_its_user(enrollment):
    """A user whom somebody loaded comes along."""
    loaded = models.CourseEnrollment.objects.select_related("user").get()
    assert without_queries(loaded)["user"] == {"id": enrollment.user_id, **USER}


def test_cohort(membership):
    """Never its members."""
    group = models.CourseUserGroup.objects.get()
    assert without_queries(group) == {"id": group.id, "name": "Left", "course_id": str(COURSE), "group_type": "cohort"}
    assert membership.id


def test_cohort_membership(membership):
    """Relations that aren't loaded are known by id, loaded ones in full."""
    assert without_queries(membership) == {
        "id": membership.id,
        "user": {"id": membership.user_id},
        "course_id": str(COURSE),
        "course_user_group": {"id": membership.course_user_group_id},
    }
    loaded = models.CohortMembership.objects.select_related("course_user_group", "user").get()
    assert without_queries(loaded)["course_user_group"]["name"] == "Left"


def test_certificate(user):
    """A certificate with the name printed on it."""
    certificate = models.GeneratedCertificate.objects.create(user=user, course_id=COURSE, grade="0.9", name="Ada")
    certificate = models.GeneratedCertificate.objects.get(id=certificate.id)
    assert without_queries(certificate) == {
        "id": certificate.id,
        "user": {"id": user.id},
        "course_id": str(COURSE),
        "mode": "honor",
        "status": "downloadable",
        "grade": "0.9",
        "name": "Ada",
    }


def test_certificate_template():
    """Which template; not its text."""
    assert to_json(models.CertificateTemplate(id=3, name="Gold", template="<html>")) == {"id": 3, "name": "Gold"}


def test_course_overview():
    """A course run as lists show it."""
    course = models.CourseOverview(id=COURSE, display_name="Demo", start=JOINED)
    assert to_json(course) == {
        "id": str(COURSE),
        "display_name": "Demo",
        "start": "2026-01-02T03:04:05+00:00",
        "end": None,
    }


def test_other_model_with_a_number(user):
    """Any other model is its type and number."""
    group = user.groups.create(name="S3CR3T")
    assert to_json(group) == {"type": "auth.Group", "id": group.id}


def test_other_model_with_another_key():
    """The key of a session is the session."""
    assert to_json(Session(session_key="S3CR3T")) == {"type": "sessions.Session"}


@pytest.mark.usefixtures("enrollment")
def test_queryset_is_not_evaluated():
    """The model's name is all there is."""
    queryset = models.CourseEnrollment.objects.filter(mode="verified")
    assert without_queries(queryset) == {"type": "minilms.CourseEnrollment"}
    assert queryset._result_cache is None


@pytest.mark.parametrize(
    "rows",
    [models.CourseEnrollment.objects.all(), models.CourseEnrollment.objects.values("id", "mode")],
    ids=["objects", "values"],
)
def test_queryset_that_is_loaded(enrollment, rows):
    """Count and ids, if the caller has paid for the rows."""
    rows = rows.all()
    assert len(rows) == 1
    assert without_queries(rows) == {"type": "minilms.CourseEnrollment", "count": 1, "ids": [enrollment.id]}


@pytest.mark.django_db
def test_loaded_queryset_with_many_rows():
    """The count is the whole, the ids are the first."""
    for number in range(5):
        models.CertificateTemplate.objects.create(name=f"T{number}")
    rows = models.CertificateTemplate.objects.order_by("id")
    assert len(rows) == 5
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_ITEMS": 2}):
        data = without_queries(rows)
    assert data == {"type": "minilms.CertificateTemplate", "count": 5, "ids": [rows[0].id, rows[1].id]}


def test_object_nested_too_deeply():
    """Also an object with a serializer counts as a level."""
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_DEPTH": 1}):
        assert to_json([get_user_model()(username="ada")]) == [{"type": "django.contrib.auth.models.User"}]


def test_related_manager(user):
    """A relation that could be followed isn't."""
    assert list(without_queries({"groups": user.groups, "model": get_user_model().objects})["groups"]) == ["type"]


# --- What isn't a model


class CourseGradeBase:
    """As the platform's: with the user and the course beside the grade."""

    def __init__(self):
        self.user = SimpleNamespace(password="S3CR3T")
        self.percent, self.letter_grade, self.passed = 0.9, "A", True


class CourseGrade(CourseGradeBase):
    """Reads the course where it is asked for more."""

    @property
    def summary(self):
        """Would compute."""
        pytest.fail("computed")


class FormDescription:
    """As the platform's."""

    def __init__(self, fields):
        self.method, self.submit_url, self.fields, self._field_overrides = "post", "/login", fields, {}


class ProviderConfig:
    """As a login provider's."""

    prefix = "oa2"
    KEY_FIELDS = ("slug",)

    def __init__(self, **state):
        self.__dict__.update(state)


def test_course_grade():
    """The grade, not whose."""
    assert to_json(CourseGrade()) == {"percent": 0.9, "letter_grade": "A", "passed": True}


def test_form_description():
    """A form by its fields; what was filled in as a password isn't there."""
    form = FormDescription(
        [
            {"name": "email", "type": "email", "defaultValue": "a@b.c"},
            {"name": "password", "type": "password", "defaultValue": "S3CR3T"},
        ]
    )
    assert to_json(form) == {
        "method": "post",
        "submit_url": "/login",
        "fields": [
            {"name": "email", "type": "email", "defaultValue": "a@b.c"},
            {"name": "password", "type": "password"},
        ],
    }


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"slug": "google", "name": "Google", "secret": "S3CR3T"}, {"provider_id": "oa2-google", "name": "Google"}),
        ({"name": "Google", "key": "S3CR3T"}, {"provider_id": None, "name": "Google"}),
        ({"provider_id": "saml-uni", "name": "Uni"}, {"provider_id": "saml-uni", "name": "Uni"}),
    ],
)
def test_login_provider(state, expected):
    """Its public id and name."""
    assert to_json(type("OAuth2ProviderConfig", (ProviderConfig,), {})(**state)) == expected


# --- Payloads of filters


def test_profile_beside_user(user):
    """A profile that is loaded comes beside its user."""
    assert user.profile
    with CaptureQueriesContext(connection) as queries:
        payload = filter_payload(LOGIN, {"user": user})
    assert not queries.captured_queries
    assert list(payload) == ["user", "profile", "event_metadata"]
    assert payload["profile"]["name"] == "Ada Łovelace"


def test_profile_of_a_lazy_user(user):
    """Also where the user is lazy."""
    assert user.profile
    lazy = SimpleLazyObject(lambda: user)
    assert lazy.id
    assert "profile" in filter_payload(LOGIN, {"user": lazy})


def test_profile_beside_the_user_of_an_enrollment(enrollment):
    """An enrollment whose user and profile are loaded brings both."""
    assert enrollment.user.profile
    filter_type = catalog.find_filter("CourseUnenrollmentStarted")
    with CaptureQueriesContext(connection) as queries:
        payload = filter_payload(filter_type, {"enrollment": enrollment})
    assert not queries.captured_queries
    assert list(payload["enrollment"])[:3] == ["id", "user", "profile"]
    assert payload["enrollment"]["profile"]["name"] == "Ada Łovelace"


def test_profile_beside_the_users_of_a_list(enrollment):
    """In a list the profile isn't repeated for each."""
    assert enrollment.user.profile
    payload = filter_payload(catalog.find_filter("DashboardRenderStarted"), {"context": {"enrollments": [enrollment]}})
    assert "profile" not in payload["context"]["enrollments"][0]


class Untouchable:
    """Fails whatever is asked of it."""

    def __getattribute__(self, name):
        raise RuntimeError("no")


@pytest.mark.parametrize("name", ["user", "enrollment", "running_pipeline", "anything"])
def test_argument_that_fails(name):
    """Whatever an argument is, there is a payload."""
    payload = filter_payload(LOGIN, {name: Untouchable()})
    assert set(payload) == {name, "event_metadata"}


def test_profile_that_is_not_loaded(user):
    """A profile that isn't loaded isn't loaded for the payload."""
    with CaptureQueriesContext(connection) as queries:
        payload = filter_payload(LOGIN, {"user": user})
    assert not queries.captured_queries
    assert "profile" not in payload


def test_extra_member(user):
    """What an adapter adds comes too, but replaces nothing of the filter's."""
    profile = models.UserProfile.objects.get()
    payload = filter_payload(LOGIN, {"user": user}, {"profile": profile, "user": None})
    assert payload["profile"]["name"] == "Ada Łovelace"
    assert payload["user"]["id"] == user.id


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_filter_without_user(user):
    """An unknown account is null."""
    payload = filter_payload(LOGIN, {"user": user})
    assert payload["user"] is None
    assert user_id_of(payload) is None


def test_metadata_of_a_filter():
    """As an event's: with an id and a time of its own."""
    metadata = filter_payload(LOGIN, {"user": None})["event_metadata"]
    assert metadata["event_type"] == "org.openedx.learning.student.login.requested.v1"
    assert metadata["event_name"] == "StudentLoginRequested"
    assert metadata["source"] == "openedx/lms/web"
    assert metadata["time"].endswith("+00:00")
    assert set(metadata) == {
        "event_type",
        "event_name",
        "id",
        "time",
        "source",
        "sourcehost",
        "minorversion",
        "sourcelib",
    }
    assert metadata["id"] != filter_payload(LOGIN, {"user": None})["event_metadata"]["id"]


@pytest.mark.needs("RegistrationFormGenerated")
def test_login_through_another_provider(user):
    """Of a running pipeline: the provider and what is known of the learner; nothing of the provider's raw answer."""
    pipeline = {
        "backend": "saml",
        "kwargs": {
            "details": {"email": "a@b.c", "fullname": "Ada", "raw": "S3CR3T"},
            "user": user,
            "social": object(),
            "response": {"assertion": "S3CR3T"},
            "uid": "S3CR3T",
        },
    }
    payload = filter_payload(
        catalog.find_filter("RegistrationFormGenerated"),
        {"form_desc": FormDescription([]), "running_pipeline": pipeline, "current_provider": None},
    )
    assert payload["running_pipeline"] == {
        "backend": "saml",
        "details": {"email": "a@b.c", "fullname": "Ada"},
        "user": {"id": user.id, **USER},
    }


@pytest.mark.needs("LoginFormGenerated")
@pytest.mark.parametrize("pipeline", [None, "x", {}, {"kwargs": None}, {"kwargs": {"details": []}}])
def test_odd_pipeline(pipeline):
    """A pipeline of another form is no reason to fail."""
    payload = filter_payload(catalog.find_filter("LoginFormGenerated"), {"running_pipeline": pipeline})
    assert "running_pipeline" in payload


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"user": {"id": 5}}, 5),
        ({"user": None}, None),
        ({}, None),
        ({"user_id": 5}, 5),
        ({"user_id": "5"}, 5),
        ({"user_id": "c0ffee"}, None),
        ({"user_id": True}, None),
        ({"user_id": "٣"}, None),
        ({"user_id": 5.5}, None),
        ({"enrollment": {"user": {"id": 5}}}, 5),
        ({"grade": {"user_id": 5}}, 5),
        ({"redemption": {"lms_user_id": 5}}, 5),
        ({"exam_attempt": {"student_user": {"id": 5}, "requesting_user": {"id": 6}}}, 5),
        ({"current_membership": {"user": {"id": 5}}, "target_cohort": {"id": 6}}, 5),
        ({"context": {"user": {"id": 5}, "course": {"id": 6}}}, 5),
        ({"context": {"accomplishment_user_id": "5"}}, 5),
        ({"e": {"enterprise_course_enrollment": {"enterprise_customer_user": {"id": 1, "user_id": 5}}}}, 5),
        ({"tracking_log": {"context": '{"user_id": 5, "path": "/"}'}}, 5),
        ({"tracking_log": {"context": '{"user_id": null}'}}, None),
        ({"launch": {"user": {"id": 5}, "launch_params": {"user_id": "77"}}}, 5),
        ({"rows": [{"user": {"id": 5}}]}, None),
        ({"event_metadata": {"user_id": 5}}, None),
        ({"user": [1]}, None),
    ],
)
def test_user_id_of(payload, expected):
    """The user whom a payload is about, the nearest to the top."""
    assert user_id_of(payload) == expected


@pytest.mark.parametrize(
    "junk",
    [
        [(f"f{number}", "x") for number in range(5000)],
        [(f"f{number}", "x" * 1000) for number in range(900)],
        [("big", "x" * 1_000_000), ("name", "y" * 300_000)],
    ],
)
def test_learner_cannot_push_a_field_out_of_the_payload(junk):
    """A webfilter that refuses some e-mail addresses must see the address, whatever else is in the form."""
    form = QueryDict(mutable=True)
    for name, value in junk:
        form.appendlist(name, value)
    form.update({"nickname": "Ada", "email": "ada@evil.example"})
    registration = catalog.filters()["org.openedx.learning.student.registration.requested.v1"]
    with override_settings(REGISTRATION_EXTRA_FIELDS={"nickname": "optional"}):
        sent = filter_payload(registration, {"form_data": form})
    assert (sent["form_data"]["email"], sent["form_data"]["nickname"]) == ("ada@evil.example", "Ada")
    assert sent["event_metadata"]["cut"]


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, -1])
def test_number_that_no_column_holds_is_nobodys_id(number):
    """The row of the event must be written all the same."""
    assert user_id_of({"user_id": number}) is None
