"""The generated reference: valid OpenAPI 3.1, and true to what is sent."""

import json
import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from openedx_events.data import EventsMetadata

from demo.minilms.models import CohortMembership, CourseEnrollment, CourseOverview, CourseUserGroup, UserProfile
from openedx_webhooks import catalog
from openedx_webhooks.operations import schema
from openedx_webhooks.payloads.samples import sample_instance, sample_payload
from openedx_webhooks.payloads.secret_names import is_sensitive
from openedx_webhooks.payloads.serialize import event_payload, filter_payload
from tests import factories

from .schema_checks import COURSE, differing, every_event, every_filter, every_type, payloads, validate


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
