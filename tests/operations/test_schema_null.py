"""Null in the generated reference: described where it is sent, and nowhere else."""

import json

import attrs
import pytest
from django.contrib.auth import get_user_model

from demo.minilms.models import CohortMembership, CourseUserGroup, UserProfile
from openedx_webhooks import catalog, platform_facts
from openedx_webhooks.operations import schema
from openedx_webhooks.payloads.samples import sample_payload
from openedx_webhooks.payloads.serialize import filter_payload

from .schema_checks import COURSE, every_event, every_type, payloads, validate


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
