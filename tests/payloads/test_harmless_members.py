"""
What the restricted modes of personal data send as it is, kept a second time and with the reason: a member that somebody
lists as harmless by mistake is sent to receivers who are promised that nothing of anybody is.

The reasons are held against what the libraries themselves say of the members, so that one mistake in both lists is
found, too.
"""

import re
import typing
from datetime import datetime

import pytest
from opaque_keys import OpaqueKey
from openedx_events.data import EventsMetadata

from openedx_webhooks import catalog
from openedx_webhooks.operations.schema_types import described
from openedx_webhooks.payloads import treatments
from openedx_webhooks.payloads.data_classes import data_fields, is_data_class, unwrapped
from openedx_webhooks.payloads.personal_modes import NONE, PSEUDONYMOUS, restrict
from openedx_webhooks.payloads.serialize import event_payload
from openedx_webhooks.payloads.treatments import Treatment, members_of
from tests import markers

# Why nothing of a person can be in a member, and what its class must say of it.
REASONS = {
    "a word out of a list": r"mode|status|state|types?\b|roles?\b|pacing|operation|origin|slug|type\b|changes",
    "which content": r"course|block|content|program|module|location|topic|commentable|template|launch",
    "a number of things": r"number|maximum|quantity|how many|position|score",
    "when": r"date",
    "which piece of the site": r"app\b|event name|queue|policy|ledger|enterprise|subsidy|org|group|of the record",
    "a picture": r"image",
    "a public title": r"name|title|description|display|organization",
    "which skills": r"skill",
    "switches": r"configuration|options",
}
# Class → member → the reason.
HARMLESS = {
    "BadgeTemplateData": {
        "uuid": "which content",
        "origin": "a word out of a list",
        "image_url": "a picture",
        "name": "a public title",
        "description": "a public title",
    },
    "CcxCourseData": {
        "start": "when",
        "end": "when",
        "max_students_allowed": "a number of things",
        "display_name": "a public title",
    },
    "CertificateConfigData": {"certificate_type": "a word out of a list", "title": "a public title"},
    "CertificateData": dict.fromkeys(("mode", "current_status", "previous_status"), "a word out of a list"),
    "CertificateSignatoryData": {"organization": "a public title"},
    "ContentObjectChangedData": {"object_id": "which content", "changes": "a word out of a list"},
    "ContentObjectData": {"object_id": "which content"},
    "CourseAccessRoleData": {"org_key": "which piece of the site", "role": "a word out of a list"},
    "CourseCatalogData": {"name": "a public title"},
    "CourseData": {"display_name": "a public title"},
    "CourseDiscussionConfigurationData": {"provider_type": "a word out of a list", "plugin_configuration": "switches"},
    "CourseEnrollmentData": {"mode": "a word out of a list"},
    "CourseNotificationData": {"app_name": "which piece of the site", "notification_type": "a word out of a list"},
    "CourseScheduleData": {"pacing": "a word out of a list"},
    "DiscussionThreadData": {
        "commentable_id": "which content",
        "thread_type": "a word out of a list",
        "user_course_roles": "a word out of a list",
        "user_forums_roles": "a word out of a list",
        "options": "switches",
    },
    "DiscussionTopicContext": {
        "external_id": "which content",
        "group_id": "which piece of the site",
        "ordering": "a number of things",
        "title": "a public title",
    },
    "DuplicatedXBlockData": {"block_type": "a word out of a list"},
    "EnterpriseCourseEnrollment": {"source_slug": "a word out of a list"},
    "EnterpriseCustomerUser": {"enterprise_customer_uuid": "which piece of the site"},
    "EnterpriseGroup": {"uuid": "which piece of the site"},
    "ExamAttemptData": {"exam_type": "a word out of a list"},
    "ExternalGraderScoreData": {
        "points_possible": "a number of things",
        "course_id": "which content",
        "module_id": "which content",
        "queue_name": "which piece of the site",
    },
    "LearnerCreditEnterpriseCourseEnrollment": {"fulfillment_type": "a word out of a list"},
    "LedgerTransaction": {
        "quantity": "a number of things",
        "state": "a word out of a list",
        "ledger_uuid": "which piece of the site",
        "subsidy_access_policy_uuid": "which piece of the site",
        "content_key": "which content",
        "parent_content_key": "which content",
    },
    "LedgerTransactionReversal": {"quantity": "a number of things", "state": "a word out of a list"},
    "LtiProviderLaunchParamsData": {"roles": "a word out of a list", "context_id": "which content"},
    "ORASubmissionData": {"location": "which content", "attempt_number": "a number of things"},
    "PersistentCourseGradeData": dict.fromkeys(("course_version", "grading_policy_hash"), "which content"),
    "ProgramCertificateData": {"status": "a word out of a list"},
    "ProgramData": {"uuid": "which content", "program_type": "a word out of a list", "title": "a public title"},
    "RoleAssignmentData": {
        "operation": "a word out of a list",
        "role": "a word out of a list",
        "scope": "which content",
    },
    "SubsidyRedemption": {"subsidy_identifier": "which piece of the site", "content_key": "which content"},
    "TrackingLogData": {"name": "which piece of the site"},
    "UserNotificationData": {"app_name": "which piece of the site", "notification_type": "a word out of a list"},
    "VerificationAttemptData": {"status": "a word out of a list"},
    "XBlockData": {"block_type": "a word out of a list"},
    "XBlockSkillVerificationData": dict.fromkeys(("verified_skills", "ignored_skills"), "which skills"),
}
RESULTS = {"CertificateData.grade", "PersistentCourseGradeData.letter_grade"}
# What the libraries say of members that are about a person.
_PERSONAL = re.compile(
    r"e-?mail|username|birth|gender|address\b|phone|biograph|(?:user|learner|student|coach)(?:'s)? (?:id|name)"
    r"|(?:id|name|identifier) of (?:the |a )?(?:user|learner|student|person|author)|anonymous|free.?form|written by",
    re.I,
)
# Where nothing can be of a person, whatever it is called.
_SAFE_TYPES = (bool, datetime, OpaqueKey)


def data_classes():
    """Every data class in the payload of an installed event."""
    seen = {}

    def look(annotation):
        for part in typing.get_args(unwrapped(annotation)):
            look(part)
        cls = unwrapped(annotation)
        if is_data_class(cls) and cls not in seen:
            seen[cls] = None
            for field in data_fields(cls):
                look(field.type)

    for event in catalog.events().values():
        for kind in event.init_data.values():
            look(kind)
    return list(seen)


def mistakes():
    """Members that are sent as they are in each mode, and must not be as far as can be told."""
    found = []
    for cls in data_classes():
        about = described(cls, "Attributes")
        for name, one in members_of(cls).items():
            if one.treatment != Treatment.CLEAR or (isinstance(one.type, type) and issubclass(one.type, _SAFE_TYPES)):
                continue
            reason = HARMLESS.get(cls.__name__, {}).get(name)
            said = f"{name.replace('_', ' ')}: {about.get(name, '')}"
            if reason is None:
                found.append(f"{cls.__name__}.{name} is in no list of this test")
            elif _PERSONAL.search(said) or not re.search(REASONS[reason], said, re.I):
                found.append(f"{cls.__name__}.{name} is not “{reason}”: {said}")
    return found


def test_what_is_sent_as_it_is_says_nothing_of_anybody():
    assert mistakes() == []


def test_no_list_names_what_is_not_there():
    """Of an older library there may be less, but no class that has some of it may lack the rest."""
    names = {cls.__name__: {field.name for field in data_fields(cls)} for cls in data_classes()}
    listed = {cls: set(members) for cls, members in HARMLESS.items()}
    tables = (treatments._WORDS, treatments._TEXTS, treatments._SWITCHES)  # pylint: disable=protected-access
    for table in tables:
        for cls, members in table.items():
            assert set(members.split()) <= listed[cls], cls
    assert {cls for cls in names if cls in listed and not names[cls] & listed[cls]} == set()


@pytest.fixture
def listed_by_mistake(monkeypatch):
    """Somebody lists a member as harmless."""

    def add(table, cls, name):
        before = getattr(treatments, table)
        monkeypatch.setattr(treatments, table, {**before, cls: f"{before.get(cls, '')} {name}"})
        members_of.cache_clear()

    yield add
    members_of.cache_clear()


UNKNOWN = sorted(
    (cls.__name__, name)
    for cls in data_classes()
    for name, one in members_of(cls).items()
    if one.treatment in (Treatment.WITHHELD, Treatment.PSEUDONYM) and not one.kinds
)


@pytest.mark.parametrize("cls, name", UNKNOWN, ids=".".join)
@pytest.mark.parametrize("table", ["_WORDS", "_TEXTS"])
def test_any_member_that_is_listed_by_mistake_fails_this(cls, name, table, listed_by_mistake):
    listed_by_mistake(table, cls, name)
    assert mistakes() == [f"{cls}.{name} is in no list of this test"]


@pytest.mark.parametrize("name", ["username", "email", "name"])
def test_what_is_known_to_be_personal_can_not_be_listed(name, listed_by_mistake):
    """The kind of personal data counts before any list."""
    listed_by_mistake("_WORDS", "UserPersonalData", name)
    assert mistakes() == []
    (pii,) = [cls for cls in data_classes() if cls.__name__ == "UserPersonalData"]
    assert members_of(pii)[name].treatment != Treatment.CLEAR


@pytest.mark.parametrize("mode", [PSEUDONYMOUS, NONE])
def test_a_stranger_in_every_text_is_found_only_where_this_says(mode):
    """A single word, as a username is, of somebody whom the event does not name otherwise."""
    word = "zephyrine"
    planter = markers.Planter(word)
    for event in catalog.events().values():
        payload = event_payload(event, planter.arguments(event), EventsMetadata(event_type=event.event_type))
        left = restrict(payload, mode, "1" * 64)
        found = {name for name, value in _leaves(left, event) if value == word}
        allowed = {f"{cls}.{name}" for cls, members in HARMLESS.items() for name in members}
        # Of somebody who has a pseudonym, without which there are no results.
        allowed |= set() if mode == NONE else RESULTS
        assert found <= allowed, event.name


def _leaves(left, event):
    """``Class.member`` and value, of all that is left."""
    pending = [(left.get(name), kind) for name, kind in event.init_data.items()]
    while pending:
        value, kind = pending.pop()
        if isinstance(value, list):
            pending += [(item, kind) for item in value]
            continue
        cls = treatments.member("x", kind).type
        if not is_data_class(cls):
            yield f"{event.name}.argument", value
            continue
        for field in data_fields(cls):
            inner = value.get(field.name) if isinstance(value, dict) else None
            if members_of(cls)[field.name].treatment == Treatment.INSIDE:
                pending.append((inner, field.type))
            else:
                for item in inner if isinstance(inner, list) else [inner]:
                    yield f"{cls.__name__}.{field.name}", item
