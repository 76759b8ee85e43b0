"""The generated reference: valid OpenAPI 3.1, and true to what is sent and taken back."""

import dataclasses
import enum
import functools
import json
import re
import typing
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID, uuid1

import attrs
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from opaque_keys.edx.keys import CourseKey
from openapi_spec_validator import OpenAPIV31SpecValidator
from openedx_events.data import EventsMetadata
from openedx_filters.tooling import OpenEdxPublicFilter

from demo.minilms.models import CohortMembership, CourseEnrollment, CourseOverview, CourseUserGroup, UserProfile
from openedx_webhooks import catalog, platform_facts
from openedx_webhooks.operations import schema
from openedx_webhooks.payloads import personal_modes
from openedx_webhooks.payloads.samples import sample_instance, sample_payload
from openedx_webhooks.payloads.secret_names import is_sensitive
from openedx_webhooks.payloads.serialize import event_payload, filter_payload
from openedx_webhooks.transport.client import Outcome
from openedx_webhooks.webfilters import answers, halts
from tests import factories, markers

EVENTS, FILTERS = list(catalog.events().values()), list(catalog.filters().values())
COURSE = CourseKey.from_string("course-v1:edX+DemoX+2026")
every_type = pytest.mark.parametrize("hook_type", [*EVENTS, *FILTERS], ids=lambda hook_type: hook_type.name)
every_event = pytest.mark.parametrize("event_type", EVENTS, ids=lambda hook_type: hook_type.name)
every_filter = pytest.mark.parametrize("filter_type", FILTERS, ids=lambda hook_type: hook_type.name)


def validator(json_schema):
    """A validator that also checks formats."""
    Draft202012Validator.check_schema(json_schema)
    return Draft202012Validator(json_schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@functools.cache
def payloads(hook_type):
    """The validator of a type's payloads; made once, which takes longer than what any test does with it."""
    return validator(schema.payload_schema(hook_type))


@functools.cache
def answers_to(filter_type):
    """The validator of the answers to a filter."""
    return validator(schema.answer_schema(filter_type))


def validate(value, by):
    """Fail with what is wrong and where."""
    assert [f"{error.json_path}: {error.message}" for error in by.iter_errors(value)] == []


@pytest.fixture(scope="module")
def document():
    """The whole document, as a reader gets it."""
    return json.loads(json.dumps(schema.openapi()))


class TestDocument:
    """The OpenAPI document."""

    def test_it_is_valid_openapi_3_1(self, document):
        """By an independent validator, examples and all."""
        assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []

    def test_it_has_every_event_and_filter(self, document):
        """Of this installation."""
        assert set(document["webhooks"]) == {*catalog.events(), *catalog.filters()}

    def test_operation_ids_are_unique(self, document):
        """Code generators need that."""
        ids = [path["post"]["operationId"] for path in document["webhooks"].values()]
        assert len(set(ids)) == len(ids)

    def test_every_request_has_the_headers_of_a_signature_and_a_webhooks_its_number(self, document):
        signed = {"webhook-id", "webhook-timestamp", "webhook-signature", "X-Hub-Signature-256", "webhook-test"}
        for dotted, path in document["webhooks"].items():
            number = {"webhook-sequence"} if dotted in catalog.events() else set()
            assert {each["name"] for each in path["post"]["parameters"]} == signed | number, dotted

    def test_code_generators_take_the_names_of_the_components(self, document):
        """OpenAPI allows dots, and datamodel-code-generator makes a module of each."""
        assert [name for name in document["components"]["schemas"] if not re.fullmatch(r"[A-Za-z]\w*", name)] == []

    def test_every_list_says_of_what(self, document):
        """Spectral asks for that; an empty schema is an answer."""

        def lists(value):
            if isinstance(value, dict):
                if "array" in [value.get("type"), *(value["type"] if isinstance(value.get("type"), list) else ())]:
                    yield value
                for item in value.values():
                    yield from lists(item)
            elif isinstance(value, list):
                for item in value:
                    yield from lists(item)

        found = list(lists(document["components"]["schemas"]))
        assert len(found) > 10 and [each for each in found if "items" not in each] == []

    def test_every_object_says_what_it_may_hold(self, document):
        """One without members and without a word about others is, to TypeScript's generators, always empty."""
        text = json.dumps(document["components"]["schemas"])
        assert re.findall(r'\{"type": "object"\}|\{"type": "object", "description": "[^"]*"\}', text) == []

    def test_every_member_says_what_it_means(self, document):
        """
        At any depth, of what is sent and of what may be answered.

        If this fails after an upgrade of the libraries: platform_facts/members.py takes what they leave out.
        """

        def silent(value, path):
            for name, item in value.items() if isinstance(value, dict) else enumerate(value):
                here = f"{path}.{name}"
                if name == "properties":
                    yield from (
                        f"{here}.{member}" for member, each in item.items()
                        if not each.get("description") and member != "event_metadata" and not is_exception(each)
                    )  # fmt: skip
                # Of the metadata a type has only its constants; the rest is described once for all.
                if isinstance(item, (dict, list)) and name != "event_metadata":
                    yield from silent(item, here)

        def is_exception(each):
            """Its meaning stands beside it: that of the choice."""
            return "anyOf" in each and each["anyOf"][0].get("description") == "The message."

        assert list(silent(document["components"]["schemas"], "")) == []

    def test_a_receiver_can_rely_on_a_signature(self, document):
        """Whoever generates a receiver gets one that wants it; an operator who chooses another kind says so."""
        required = {
            each["name"]
            for path in document["webhooks"].values()
            for each in path["post"]["parameters"]
            if each["required"]
        }
        assert required == {"webhook-id", "webhook-timestamp", "webhook-signature"}

    def test_types_of_one_name_have_a_component_each(self):
        """Another package's event may have the short name of one of the platform's."""
        login = catalog.find_event("SESSION_LOGIN_COMPLETED")
        other = catalog.EventType("org.example.login.v1", login.name, SimpleNamespace(init_data={}, minor_version=0))
        names = set(schema.openapi([login, other])["components"]["schemas"])
        assert {"SESSION_LOGIN_COMPLETED", "org_example_login_v1"} <= names

    def test_every_component_is_used(self, document):
        """And every reference leads somewhere, which the validator checks."""
        text = json.dumps(document)
        unused = [name for name in document["components"]["schemas"] if f'schemas/{name}"' not in text]
        assert unused == []

    def test_no_member_is_one_that_never_leaves(self, document):
        """What redaction drops isn't promised."""

        def names(value):
            if isinstance(value, dict):
                for name, item in value.items():
                    if name == "properties":
                        yield from item
                    yield from names(item)
            elif isinstance(value, list):
                for item in value:
                    yield from names(item)

        sent = {name: each for name, each in document["components"]["schemas"].items() if not name.endswith("Answer")}
        assert [name for name in names(sent) if is_sensitive(name)] == []

    @every_type
    def test_every_type_says_when_it_happens(self, document, hook_type):
        """In the libraries' own words."""
        operation = document["webhooks"][hook_type.dotted]["post"]
        assert operation["summary"] == hook_type.name
        assert len(operation["description"]) > 20

    @every_type
    def test_the_example_is_the_sample(self, document, hook_type):
        """JSON, and the form-encoded twin."""
        content = document["webhooks"][hook_type.dotted]["post"]["requestBody"]["content"]
        assert content["application/json"]["example"] == sample_payload(hook_type)
        form = content["application/x-www-form-urlencoded"]["example"]
        assert form["event_metadata_event_name"] == hook_type.name


class TestPayload:
    """The JSON Schemas of payloads."""

    @every_type
    def test_the_sample_validates(self, hook_type):
        """Formats included."""
        validate(sample_payload(hook_type), payloads(hook_type))

    @every_event
    def test_the_sample_has_exactly_the_described_members(self, event_type):
        """At any depth: neither more than the schema says, nor less."""
        json_schema = schema.payload_schema(event_type)
        assert differing(sample_payload(event_type), json_schema, json_schema["$defs"]) == []

    @every_filter
    def test_a_filters_sample_has_exactly_the_described_arguments(self, filter_type):
        """And profile, where there is a user."""
        assert set(sample_payload(filter_type)) == set(schema.payload_schema(filter_type)["properties"])

    @every_event
    def test_any_instance_validates(self, event_type, monkeypatch):
        """Optional fields both ways, lists, non-ASCII text, awkward defaults."""
        check = payloads(event_type)
        # The platform's one number with a fraction is a grade from the database.
        monkeypatch.setitem(factories.SCALARS, float, st.floats(allow_nan=False, allow_infinity=False))

        @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
        @given(kwargs=factories.event_arguments(event_type))
        def all_of_them(kwargs):
            payload = event_payload(event_type, kwargs, EventsMetadata(event_type=event_type.event_type))
            assert [error.message for error in check.iter_errors(payload)] == []

        all_of_them()  # pylint: disable=no-value-for-parameter

    @every_event
    def test_an_instance_without_optional_fields_validates(self, event_type):
        """As most are sent."""
        kwargs = {name: sample_instance(cls, optional=False) for name, cls in event_type.init_data.items()}
        payload = event_payload(event_type, kwargs, EventsMetadata(event_type=event_type.event_type))
        validate(payload, payloads(event_type))

    @every_type
    def test_a_payload_without_metadata_does_not_validate(self, hook_type):
        """The schema says something."""
        sample = sample_payload(hook_type)
        del sample["event_metadata"]
        assert not payloads(hook_type).is_valid(sample)

    @pytest.mark.parametrize(
        "path, value",
        [
            (("user", "id"), "42"),
            (("user", "id"), None),
            (("user", "pii"), None),
            (("user", "is_active"), "true"),
            (("event_metadata", "event_type"), "org.openedx.learning.student.registration.completed.v1"),
            (("event_metadata", "time"), "yesterday"),
            (("event_metadata", "id"), "1"),
        ],
    )
    def test_what_is_never_sent_does_not_validate(self, path, value):
        """Wrong types, nulls, other events' types, malformed dates."""
        event_type = catalog.find_event("SESSION_LOGIN_COMPLETED")
        sample = sample_payload(event_type)
        sample[path[0]][path[1]] = value
        assert not payloads(event_type).is_valid(sample)


def differing(value, json_schema, definitions, path="$"):
    """The members that a value has and its schema doesn't list (``+``), and those that only the schema has (``-``)."""
    if "$ref" in json_schema:
        target = definitions[json_schema["$ref"].removeprefix("#/$defs/")]
        return differing(value, target, definitions, path)
    for inner in json_schema.get("anyOf", ()):
        if "$ref" in inner:
            return differing(value, inner, definitions, path)
    if isinstance(value, list):
        items = json_schema.get("items", {})
        return [found for item in value for found in differing(item, items, definitions, f"{path}[]")]
    if not isinstance(value, dict) or "properties" not in json_schema:
        return []
    properties = {name: inner for name, inner in json_schema["properties"].items() if name not in ("cut", "test")}
    return [
        *(f"+{path}.{name}" for name in set(value) - set(properties)),
        *(f"-{path}.{name}" for name in set(properties) - set(value)),
        *(
            found
            for name in set(value) & set(properties)
            for found in differing(value[name], properties[name], definitions, f"{path}.{name}")
        ),
    ]


@pytest.mark.django_db
class TestRealObjects:
    """Payloads of model instances from a database, not of stand-ins."""

    @pytest.fixture
    def user(self):
        """With a profile."""
        user = get_user_model().objects.create_user("zoë", "zoë@example.org", "pass")
        UserProfile.objects.create(user=user, name="Zoë", country="FR", year_of_birth=None)
        return get_user_model().objects.select_related("profile").get(pk=user.pk)

    @pytest.fixture
    def arguments(self, user):
        """Filter → the arguments of a call, as the mini LMS makes them."""
        course = CourseOverview.objects.create(id=COURSE, display_name="Démo")
        enrollment = CourseEnrollment.objects.create(user=user, course=course, mode="verified")
        cohort = CourseUserGroup.objects.create(name="A", course_id=COURSE)
        other = CourseUserGroup.objects.create(name="B", course_id=COURSE)
        membership = CohortMembership.objects.create(user=user, course_id=COURSE, course_user_group=cohort)
        form = QueryDict("username=zoë&interests=a&interests=b", mutable=True)
        return {
            "StudentLoginRequested": {"user": user},
            "StudentRegistrationRequested": {"form_data": form},
            "CourseEnrollmentStarted": {"user": user, "course_key": COURSE, "mode": None},
            "CourseUnenrollmentStarted": {"enrollment": CourseEnrollment.objects.get(pk=enrollment.pk)},
            "CohortChangeRequested": {"current_membership": membership, "target_cohort": other},
            "CohortAssignmentRequested": {"user": user, "target_cohort": other},
            "CertificateCreationRequested": {
                "user": user,
                "course_key": COURSE,
                "mode": "honor",
                "status": None,
                "grade": None,
                "generation_mode": "batch",
            },
            "CourseEnrollmentQuerysetRequested": {"enrollments": CourseEnrollment.objects.all()},
            "CourseStartDateValidationFailed": {"course_key": COURSE, "start_date": datetime(2030, 1, 1, tzinfo=UTC)},
            "DashboardRenderStarted": {
                "context": {"user": user, "course_enrollments": [enrollment], "none": {None: {COURSE}}},
                "template_name": "dashboard.html",
            },
        }

    @pytest.mark.parametrize(
        "name",
        [
            "StudentLoginRequested",
            "StudentRegistrationRequested",
            "CourseEnrollmentStarted",
            "CourseUnenrollmentStarted",
            "CohortChangeRequested",
            "CohortAssignmentRequested",
            "CertificateCreationRequested",
            "CourseEnrollmentQuerysetRequested",
            "CourseStartDateValidationFailed",
            "DashboardRenderStarted",
        ],
    )
    def test_the_payload_validates(self, arguments, name):
        """With optional arguments missing, too."""
        filter_type = catalog.find_filter(name)
        validate(filter_payload(filter_type, arguments[name]), payloads(filter_type))

    @pytest.mark.parametrize("name", ["StudentLoginRequested", "CohortChangeRequested", "CourseUnenrollmentStarted"])
    def test_the_schema_describes_every_member_that_is_sent(self, arguments, name):
        """The stand-ins lack nothing that the serializers take from a real instance."""
        filter_type = catalog.find_filter(name)
        payload, json_schema = filter_payload(filter_type, arguments[name]), schema.payload_schema(filter_type)
        differences = differing(payload, json_schema, json_schema["$defs"])
        # What isn't loaded isn't sent, so something may be missing.
        assert [member for member in differences if member.startswith("+")] == []

    @pytest.mark.needs("CoursewareAccessChecksRequested")
    def test_an_anonymous_visitor_is_null(self):
        """Login attempts of unknown accounts, too."""
        filter_type = catalog.find_filter("CoursewareAccessChecksRequested")
        payload = filter_payload(filter_type, {"user": AnonymousUser(), "course_key": COURSE})
        assert payload["user"] is None
        validate(payload, payloads(filter_type))


def parent_of(payload, path):
    """The object that has a member, the first of each list on the way; empty if the sample has nothing there."""
    for name in path[:-1]:
        payload = (payload or {}).get(name)
        payload = payload[0] if isinstance(payload, list) and payload else payload
    return payload or {}


def places(json_schema, definitions, path=()):
    """The path of each member that a payload's schema describes, with its schema, at most once inside itself."""
    while "$ref" in json_schema or "anyOf" in json_schema or "items" in json_schema:
        if "$ref" in json_schema:
            json_schema = definitions[json_schema["$ref"].removeprefix("#/$defs/")]
        else:
            json_schema = json_schema["items"] if "items" in json_schema else json_schema["anyOf"][0]
    for name, inner in json_schema.get("properties", {}).items():
        if name != "event_metadata":
            yield (*path, name), inner
            yield from places(inner, definitions, (*path, name))


def may_be_null(inner, definitions):
    """Whether a member's schema says null in its first place: what the reference's table shows."""
    if "$ref" in inner:
        return may_be_null(definitions[inner["$ref"].removeprefix("#/$defs/")], definitions)
    return inner == {} or "null" in inner.get("type", ()) or {"type": "null"} in inner.get("anyOf", ())


class TestNull:
    """Member by member: null is described where it is sent, and nowhere else."""

    @every_type
    def test_null_validates_where_it_is_described_and_nowhere_else(self, hook_type):
        """In each member of the sample, at any depth."""
        json_schema, check, tried = schema.payload_schema(hook_type), payloads(hook_type), 0
        for path, inner in places(json_schema, json_schema["$defs"]):
            payload = json.loads(json.dumps(sample_payload(hook_type)))
            parent = parent_of(payload, path)
            if path[-1] not in parent:
                continue  # The sample has nothing there.
            parent[path[-1]] = None
            assert check.is_valid(payload) == may_be_null(inner, json_schema["$defs"]), ".".join(path)
            tried += 1
        assert tried >= len(json_schema["properties"]) - 1

    @every_event
    def test_what_has_none_for_a_default_is_described_so(self, event_type):
        """Whatever else is known: the library says that it may be left out."""

        def defaults(cls, path):
            for field in attrs.fields(cls):
                if field.default is None:
                    yield (*path, field.name)
                if attrs.has(field.type):
                    yield from defaults(field.type, (*path, field.name))

        json_schema = schema.payload_schema(event_type)
        described = dict(places(json_schema, json_schema["$defs"]))
        expected = {path for name, cls in event_type.init_data.items() for path in defaults(cls, (name,))}
        expected &= set(described)  # Secrets are never sent.
        assert [path for path in expected if not may_be_null(described[path], json_schema["$defs"])] == []

    @pytest.mark.parametrize(
        "name, path, expected",
        [
            ("COURSE_ENROLLMENT_CREATED", "enrollment.created_by", True),
            ("COURSE_ENROLLMENT_CREATED", "enrollment.user", False),
            ("COURSE_ENROLLMENT_CREATED", "enrollment.course.start", True),
            ("COURSE_ENROLLMENT_CREATED", "enrollment.course.display_name", False),
            ("COURSE_CATALOG_INFO_CHANGED", "catalog_info.hidden", False),
            ("CERTIFICATE_CREATED", "certificate.previous_status", False),
            ("PERSISTENT_GRADE_SUMMARY_CHANGED", "grade.percent_grade", False),
            ("PERSISTENT_GRADE_SUMMARY_CHANGED", "grade.course_edited_timestamp", True),
            ("PERSISTENT_GRADE_SUMMARY_CHANGED", "grade.passed_timestamp", True),
            ("COURSE_ACCESS_ROLE_ADDED", "course_access_role_data.course_key", True),
            ("StudentLoginRequested", "user", True),
            ("StudentLoginRequested", "user.last_login", True),
            ("StudentLoginRequested", "user.username", False),
            ("StudentLoginRequested", "profile.year_of_birth", True),
            ("StudentLoginRequested", "profile.name", False),
            ("CourseEnrollmentStarted", "user", False),
            ("CourseEnrollmentStarted", "mode", True),
            ("CertificateCreationRequested", "mode", False),
            ("CertificateCreationRequested", "status", True),
            ("CertificateCreationRequested", "grade.letter_grade", True),
            ("CohortChangeRequested", "current_membership.course_user_group", False),
            ("DashboardRenderStarted", "context", False),
            ("VerticalBlockRenderCompleted", "context", True),
        ],
    )
    def test_a_member_may_be_null_as_it_is_on_the_platform(self, name, path, expected):
        json_schema = schema.payload_schema(catalog.find_event(name) or catalog.find_filter(name))
        inner = dict(places(json_schema, json_schema["$defs"]))[tuple(path.split("."))]
        assert may_be_null(inner, json_schema["$defs"]) == expected

    @pytest.mark.django_db
    def test_a_learner_of_whom_little_is_known(self):
        """An account that never logged in, with a profile that is empty but for the name: nulls of a real database."""
        user = get_user_model().objects.create_user("ada", "ada@example.org", "pass")
        UserProfile.objects.create(user=user, name="Ada")
        user = get_user_model().objects.select_related("profile").get(pk=user.pk)
        filter_type = catalog.find_filter("CourseEnrollmentStarted")
        payload = filter_payload(filter_type, {"user": user, "course_key": COURSE, "mode": None})
        nulls = [name for name, value in (payload["user"] | payload["profile"] | payload).items() if value is None]
        assert {"last_login", "year_of_birth", "gender", "level_of_education", "bio", "mode"} <= set(nulls)
        validate(payload, payloads(filter_type))

    @pytest.mark.parametrize("model", [get_user_model(), UserProfile, CourseUserGroup, CohortMembership])
    def test_what_the_database_refuses_is_not_described(self, model):
        """Of the classes whose tables the demo has as the platform has them."""
        fields = {field.attname: field.null for field in model._meta.concrete_fields}
        described = {
            name: platform_facts.may_be_null(model.__name__, name)
            for name in fields if platform_facts.meaning(model.__name__, name)
        }  # fmt: skip
        described.pop("country", None)  # The demo has a text where the platform has a country.
        assert described == {name: fields[name] for name in described} and described


class TestPersonalData:
    """The marks of personal data."""

    @pytest.mark.parametrize(
        "name, path, expected",
        [
            ("SESSION_LOGIN_COMPLETED", "learning_UserPersonalData.email", ["email_address"]),
            ("SESSION_LOGIN_COMPLETED", "learning_UserPersonalData.username", ["username"]),
            ("SESSION_LOGIN_COMPLETED", "learning_UserPersonalData.name", ["name"]),
            ("SESSION_LOGIN_COMPLETED", "learning_UserData.id", ["id"]),
            ("SESSION_LOGIN_COMPLETED", "learning_UserData.pii", ["email_address", "name", "username"]),
            ("SESSION_LOGIN_COMPLETED", "learning_UserData.is_active", None),
            (
                "COURSE_ENROLLMENT_CREATED",
                "learning_CourseEnrollmentData.user",
                ["email_address", "id", "name", "username"],
            ),
            (
                "COURSE_ENROLLMENT_CREATED",
                "learning_CourseEnrollmentData.created_by",
                ["email_address", "id", "name", "username"],
            ),
            ("COURSE_ENROLLMENT_CREATED", "learning_CourseData.display_name", None),
            ("CERTIFICATE_CREATED", "learning_CertificateData.name", ["name"]),
            ("COHORT_MEMBERSHIP_CHANGED", "learning_CohortData.name", ["other"]),
            ("IDV_ATTEMPT_APPROVED", "learning_VerificationAttemptData.name", ["name"]),
            ("LEDGER_TRANSACTION_CREATED", "enterprise_LedgerTransaction.state", None),
            ("StudentLoginRequested", "UserProfile.year_of_birth", ["birth_date"]),
            ("StudentLoginRequested", "User.email", ["email_address"]),
        ],
    )
    def test_a_member_is_marked(self, name, path, expected):
        """By OEP-30's kinds; objects have those of their members."""
        hook_type = catalog.find_event(name) or catalog.find_filter(name)
        component, member = path.rsplit(".", 1)
        properties = schema.payload_schema(hook_type)["$defs"][component]["properties"]
        assert properties[member].get("x-personal-data") == expected

    @pytest.mark.parametrize(
        "name, argument",
        [
            ("StudentLoginRequested", "user"),
            ("StudentLoginRequested", "profile"),
            ("StudentRegistrationRequested", "form_data"),
            ("CourseUnenrollmentStarted", "enrollment"),
            ("DashboardRenderStarted", "context"),
        ],
    )
    def test_an_argument_is_marked(self, name, argument):
        """Whole objects of learners, forms and contexts."""
        properties = schema.payload_schema(catalog.find_filter(name))["properties"]
        assert properties[argument]["x-personal-data"]


def _members_less(sent, whole):
    """Whether something is missing, at any depth."""
    if isinstance(whole, dict):
        return any(name not in sent or _members_less(sent[name], item) for name, item in whole.items())
    if isinstance(whole, list):
        return len(sent) < len(whole) or any(map(_members_less, sent, whole))
    return False


RESTRICTED = [mode for mode in personal_modes.MODES if mode != personal_modes.FULL]
in_each_mode = pytest.mark.parametrize("mode", RESTRICTED)


@functools.cache
def restricted(event_type, mode):
    """The validator of what a mode sends of an event."""
    return validator(schema.payload_schema(event_type, mode))


class TestModes:
    """What webhooks send that have another personal-data mode than full."""

    @in_each_mode
    def test_the_document_is_valid_openapi_3_1_of_all_events(self, mode):
        document = json.loads(json.dumps(schema.openapi(mode=mode)))
        assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
        assert document["webhooks"].keys() == catalog.events().keys()
        assert mode in document["info"]["description"]

    @in_each_mode
    @every_event
    def test_the_sample_has_exactly_the_described_members(self, event_type, mode):
        sent = personal_modes.restrict(sample_payload(event_type), mode, "key")
        validate(sent, restricted(event_type, mode))
        described = schema.payload_schema(event_type, mode)
        assert differing(sent, described, described["$defs"]) == []

    @in_each_mode
    @every_event
    def test_whatever_is_sent_validates(self, event_type, mode):
        """Optional fields both ways, lists, non-ASCII text, awkward defaults; and what was not declared."""
        check = restricted(event_type, mode)

        @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
        @given(kwargs=factories.event_arguments(event_type))
        def all_of_them(kwargs):
            payload = event_payload(event_type, kwargs, EventsMetadata(event_type=event_type.event_type))
            sent = json.loads(json.dumps(personal_modes.restrict(payload, mode, "key")))
            assert [error.message for error in check.iter_errors(sent)] == []

        all_of_them()  # pylint: disable=no-value-for-parameter
        for planter in (markers.Planter(), markers.Planter("word")):
            arguments = planter.arguments(event_type)
            payload = event_payload(event_type, arguments, EventsMetadata(event_type=event_type.event_type))
            validate(personal_modes.restrict(payload, mode, "key"), check)

    @in_each_mode
    @every_event
    def test_the_whole_payload_does_not_validate(self, event_type, mode):
        """The schema holds what the mode promises: nothing beside it. Of an event about nobody they are the same."""
        sample = sample_payload(event_type)
        is_the_same = personal_modes.restrict(sample, mode, "key").keys() == sample.keys() and not _members_less(
            personal_modes.restrict(sample, personal_modes.NONE), sample
        )
        assert restricted(event_type, mode).is_valid(sample) is is_the_same

    def test_a_member_that_is_held_back_is_not_described(self):
        login = catalog.find_event("SESSION_LOGIN_COMPLETED")
        assert "pii" not in json.dumps(schema.payload_schema(login, personal_modes.PSEUDONYMOUS))
        assert '"id"' not in json.dumps(schema.payload_schema(login, personal_modes.NONE)["$defs"]["learning_UserData"])


class TestAnswers:
    """What may be answered to a filter."""

    CASES = [(filter_type, name) for filter_type in FILTERS for name in schema.sample_answers(filter_type)]
    every_answer = pytest.mark.parametrize(
        "filter_type, name", CASES, ids=[f"{filter_type.name}-{name}" for filter_type, name in CASES]
    )

    @every_answer
    def test_a_sample_answer_validates(self, filter_type, name):
        """Against the schema beside it."""
        validate(schema.sample_answers(filter_type)[name], answers_to(filter_type))

    @every_answer
    def test_a_sample_answer_is_understood(self, filter_type, name):
        """By the parser of real answers."""
        answer = schema.sample_answers(filter_type)[name]
        outcome = Outcome(status_code=200, body=json.dumps(answer).encode())
        parsed = answers.parse(outcome)
        assert (parsed.problem, parsed.data) == ("", answer.get("data", {}))

    @pytest.mark.parametrize(
        "filter_type", [filter_type for filter_type in FILTERS if filter_type.exceptions], ids=lambda value: value.name
    )
    def test_a_sample_halt_builds_the_exception(self, filter_type):
        """With the real constructor."""
        ((name, arguments),) = schema.sample_answers(filter_type)["halt"]["exception"].items()
        halt = halts.by_name(filter_type, name, arguments, {"context": {}, "template_name": "x.html"})
        assert isinstance(halt.exception, filter_type.exceptions[name])

    @every_filter
    def test_a_filter_without_exceptions_says_so(self, filter_type):
        """Its answer has no exception, and it can't be halted that way."""
        assert ("exception" in schema.answer_schema(filter_type)["properties"]) == bool(filter_type.exceptions)

    @pytest.mark.parametrize(
        "name, exception, argument, is_read",
        [
            ("CourseEnrollmentStarted", "PreventEnrollment", "redirect_to", False),
            ("CourseEnrollmentStarted", "PreventEnrollment", "status_code", False),
            ("StudentRegistrationRequested", "PreventRegistration", "redirect_to", False),
            ("StudentRegistrationRequested", "PreventRegistration", "status_code", True),
            ("CoursewareViewStarted", "RedirectToUrl", "redirect_to", True),
            ("StudentLoginRequested", "PreventLogin", "error_code", True),
        ],
    )
    def test_an_argument_that_the_platform_does_not_read_says_so(self, name, exception, argument, is_read):
        """And only such a one."""
        _does, arguments = schema.exceptions_of(catalog.find_filter(name))[exception]
        description = arguments["properties"][argument].get("description", "")
        assert description.startswith("No effect:") != is_read

    @pytest.mark.parametrize(
        "name, exception", [("RenderXBlockStarted", "RenderCustomResponse"), ("StudentLoginRequested", "PreventLogin")]
    )
    def test_the_sample_halt_is_one_whose_message_is_seen(self, name, exception):
        """Not one that ends in an error page, where there is a choice."""
        assert list(schema.sample_answers(catalog.find_filter(name))["halt"]["exception"]) == [exception]

    @pytest.mark.parametrize(
        "name, halting",
        [
            ("StudentLoginRequested", "It can be halted after a failure; the page does not go to a URL."),
            ("CourseEnrollmentStarted", "It can be halted after a failure; nobody can be sent to a URL."),
            ("RenderXBlockStarted", "a URL becomes a link"),
            ("DashboardRenderStarted", "with or without a URL"),
            ("CoursewareViewStarted", "without one it goes on"),
            ("LoginAltRedirectURLRequested", "without one it goes on"),
            ("GradeEventContextRequested", "It can't be halted after a failure."),
        ],
    )
    def test_what_halting_does_is_what_the_platform_does(self, name, halting):
        assert halting in schema.halting(catalog.find_filter(name))

    @pytest.mark.parametrize(
        "name, answer",
        [
            ("StudentLoginRequested", {"exception": {"NoSuchException": "x"}}),
            ("StudentLoginRequested", {"exception": {"PreventLogin": {"bogus_argument": 1}}}),
            ("StudentLoginRequested", {"exception": {"PreventLogin": "x", "Other": "y"}}),
            ("StudentLoginRequested", {"data": 5}),
            ("StudentLoginRequested", []),
            ("CourseModePriceRequested", {"data": {"price": "79"}}),
            ("CourseModePriceRequested", {"data": {"price": -1}}),
            ("AccountSettingsReadOnlyFieldsRequested", {"data": {"readonly_fields": "name"}}),
            ("StudentRegistrationRequested", {"exception": {"PreventRegistration": {"status_code": 200}}}),
            ("CoursewareViewStarted", {"exception": {"RedirectToUrl": {"message": "no URL"}}}),
        ],
    )
    def test_what_would_be_refused_does_not_validate(self, name, answer):
        """So that a receiver's developer finds out before the learner."""
        assert not answers_to(catalog.find_filter(name)).is_valid(answer)

    @pytest.mark.parametrize(
        "name, answer",
        [
            ("StudentLoginRequested", {"exception": "PreventLogin"}),
            ("StudentLoginRequested", {"exception": {"PreventLogin": {"message": "no", "error_code": "x"}}}),
            (
                "StudentRegistrationRequested",
                {"exception": {"PreventRegistration": {"status_code": 409, "any": "thing"}}},
            ),
            ("DashboardRenderStarted", {"exception": {"RenderCustomResponse": {"content": "<p>", "status": 200}}}),
            ("CoursewareViewStarted", {"exception": {"RedirectToUrl": {"redirect_to": "/dashboard"}}}),
        ],
    )
    def test_what_is_accepted_validates(self, name, answer):
        """All the forms that an exception may have."""
        validate(answer, answers_to(catalog.find_filter(name)))


class Colour(enum.Enum):
    """An enumeration of another package."""

    RED = "red"


Number = typing.NewType("Number", int)


@dataclasses.dataclass
class Inner:
    """Something of the standard library's kind."""

    day: date
    share: Decimal | None = None


@attrs.frozen
class Foreign:
    """
    What another package may declare.

    Attributes:
        number (Number): a number with a name,
            continued here.
        note (str): something (optional).

        This text belongs to no field.
    """

    number: Number
    note: str
    colour: Colour
    kind: typing.Literal["a", "b"]
    either: int | str
    anything: typing.Any
    bare: list
    weight: float
    inner: list[Inner]
    access_token: str = ""
    parent: "Foreign | None" = None
    id: UUID = attrs.field(factory=uuid1)


class ForeignFilter(OpenEdxPublicFilter):
    """Asks something of its own."""

    filter_type = ""

    @classmethod
    def run_filter(cls, thing, count: int, names: list[str]):
        """Run."""
        return cls.run_pipeline(thing=thing, count=count, names=names)


class TestOtherPackages:
    """Events and filters that the installed libraries don't define."""

    EVENT = catalog.EventType(
        "org.example.thing.v1", "THING", SimpleNamespace(init_data={"thing": Foreign}, minor_version=0)
    )
    FILTER = catalog.FilterType("org.example.asked.v1", "ForeignFilter", ForeignFilter)

    @pytest.fixture
    def foreign(self):
        """The component of the data class."""
        definitions = schema.payload_schema(self.EVENT)["$defs"]
        return definitions["tests_operations_test_schema_Foreign"]

    @pytest.mark.parametrize(
        "name, expected",
        [
            ("number", {"type": "integer", "description": "a number with a name, continued here."}),
            ("note", {"type": ["string", "null"], "description": "something (optional)."}),
            ("colour", {"enum": ["red"]}),
            ("kind", {"enum": ["a", "b"]}),
            ("either", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
            ("anything", {}),
            ("bare", {"type": "array", "items": {}}),
            # What is no number has no form in JSON.
            ("weight", {"type": ["number", "null"]}),
            ("inner", {"type": "array", "items": {"$ref": "#/$defs/tests_operations_test_schema_Inner"}}),
            ("parent", {"anyOf": [{"$ref": "#/$defs/tests_operations_test_schema_Foreign"}, {"type": "null"}]}),
            ("id", {"type": "string", "format": "uuid"}),
        ],
    )
    def test_a_field_is_described_by_its_type(self, foreign, name, expected):
        """And by the class's docstring."""
        assert foreign["properties"][name] == expected

    def test_a_sensitive_field_is_not_described(self, foreign):
        """It is never sent."""
        assert "access_token" not in foreign["properties"]

    @pytest.mark.parametrize("hook_type", [EVENT, FILTER], ids=["event", "filter"])
    def test_the_sample_validates(self, hook_type):
        """Whatever the types are."""
        validate(sample_payload(hook_type), payloads(hook_type))

    def test_the_document_is_valid(self):
        """With such types in it."""
        document = schema.openapi([self.EVENT, self.FILTER])
        assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
