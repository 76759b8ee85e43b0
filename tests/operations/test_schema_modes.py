"""Personal data in the generated reference, and what each mode sends of it."""

import functools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from openedx_events.data import EventsMetadata

from openedx_webhooks import catalog
from openedx_webhooks.operations import schema
from openedx_webhooks.payloads import personal_modes
from openedx_webhooks.payloads.samples import sample_payload
from openedx_webhooks.payloads.serialize import event_payload
from tests import factories, markers

from .schema_checks import differing, every_event, validate, validator


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
