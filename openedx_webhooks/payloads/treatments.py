"""
What the restricted modes of personal data make of each member of an event: sent, replaced by a pseudonym, left out.

What is personal is told by :mod:`.personal_data`, from names and from the libraries' own data classes. All other
members are personal until they are known: by their type, if nothing of a person fits into it (true or false, a moment,
the key of a course), or else by the tables below. So a field that a new release of a library brings is held back, or,
if it is named like an identifier, replaced, until somebody has looked at it.
"""

import re
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import lru_cache
from types import MappingProxyType, UnionType
from typing import Any

import attrs
from opaque_keys import InvalidKeyError, OpaqueKey

from . import personal_data
from .data_classes import data_fields, is_data_class, unwrapped


class Treatment(Enum):
    """What becomes of a member."""

    CLEAR = "clear"
    """Sent in each mode, if it has the form that it should have."""
    RESULT = "result"
    """Says something of a person, but not who: not sent in the mode without personal data."""
    PSEUDONYM = "pseudonym"
    """Replaced by a pseudonym; not sent in the mode without personal data."""
    WITHHELD = "withheld"
    """Sent in neither."""
    INSIDE = "inside"
    """An object, or a list of such: its members decide."""


@attrs.frozen
class Member:
    """
    A member of an object, or an argument of an event.

    Attributes:
        type: its class; of a list that of its items; None if that can't be told.
        kinds: of personal data, by OEP-30's names; none for what is not, or not known to be.
        fits: whether a JSON value, of a list each, is what :attr:`Treatment.CLEAR` may send.
        namespace: identifiers in different ones have different pseudonyms.
        is_list: it is declared as a list.
    """

    name: str
    type: Any
    treatment: Treatment
    kinds: tuple[str, ...] = ()
    fits: typing.Callable[[Any], bool] = attrs.field(default=lambda _value: True, repr=False, eq=False)
    namespace: str = ""
    is_list: bool = False


# --- What is known to be harmless. Class → fields.

# Texts that are public, such as the title of a course.
_TEXTS = {
    "BadgeTemplateData": "name description",
    "CcxCourseData": "display_name",
    "CertificateConfigData": "title",
    "CertificateSignatoryData": "organization",
    "CourseCatalogData": "name",
    "CourseData": "display_name",
    "DiscussionTopicContext": "title",
    "ProgramData": "title",
}
# Words out of a list, keys of content, addresses of pictures, numbers: one word, whatever is declared.
_WORDS = {
    "BadgeTemplateData": "uuid origin image_url",
    "CcxCourseData": "start end max_students_allowed",
    "CertificateConfigData": "certificate_type",
    "CertificateData": "mode current_status previous_status",
    "ContentObjectChangedData": "object_id changes",
    "ContentObjectData": "object_id",
    "CourseAccessRoleData": "org_key role",
    "CourseDiscussionConfigurationData": "provider_type",
    "CourseEnrollmentData": "mode",
    "CourseNotificationData": "app_name notification_type",
    "CourseScheduleData": "pacing",
    "DiscussionThreadData": "commentable_id thread_type user_course_roles user_forums_roles",
    "DiscussionTopicContext": "external_id group_id ordering",
    "DuplicatedXBlockData": "block_type",
    "EnterpriseCourseEnrollment": "source_slug",
    "EnterpriseCustomerUser": "enterprise_customer_uuid",
    "EnterpriseGroup": "uuid",
    "ExamAttemptData": "exam_type",
    "ExternalGraderScoreData": "points_possible course_id module_id queue_name",
    "LearnerCreditEnterpriseCourseEnrollment": "fulfillment_type",
    "LedgerTransaction": "quantity state ledger_uuid subsidy_access_policy_uuid content_key parent_content_key",
    "LedgerTransactionReversal": "quantity state",
    "LtiProviderLaunchParamsData": "roles context_id",
    "ORASubmissionData": "location attempt_number",
    "PersistentCourseGradeData": "course_version grading_policy_hash",
    "ProgramCertificateData": "status",
    "ProgramData": "uuid program_type",
    "RoleAssignmentData": "operation role scope",
    "SubsidyRedemption": "subsidy_identifier content_key",
    "TrackingLogData": "name",
    "UserNotificationData": "app_name notification_type",
    "VerificationAttemptData": "status",
    "XBlockData": "block_type",
    "XBlockSkillVerificationData": "verified_skills ignored_skills",
}
# Names of switches, and whether they are on.
_SWITCHES = {"CourseDiscussionConfigurationData": "plugin_configuration", "DiscussionThreadData": "options"}
# What somebody has achieved.
_RESULTS = frozenset(("grade", "letter_grade", "percent_grade", "points_earned"))
# Identifiers of the platform's users, which are the same user's under each name.
_USER_IDS = frozenset(("accomplishment_user_id", "actor_id", "lms_user_id", "user_id", "user_ids"))
# Roles name their subject, a user, by the username behind a mark: ``user^ada``.
USER_MARK = "user^"
_MARKED = frozenset((("RoleAssignmentData", "subject"),))
_IDENTIFIER = re.compile(r"(?:^|_)(?:ids?|pk|uuids?|guid|keys?|identifiers?)$")

_WORD = re.compile(r"\S{1,255}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]{0,20}(?:Z|[+-]\d\d:?\d\d(?::\d\d)?)?", re.ASCII)
_SWITCH = re.compile(r"\w{1,100}", re.ASCII)


@lru_cache(maxsize=1024)
def members_of(cls: type) -> Mapping[str, Member]:
    return MappingProxyType({field.name: member(field.name, field.type, cls) for field in data_fields(cls)})


def member(name: str, annotation: Any, cls: type | None = None) -> Member:
    """
    What becomes of a member.

    Args:
        annotation: its type.
        cls: the data class it is a field of; None for an argument of an event.
    """
    owner = cls.__name__ if cls else ""
    kind, is_list = _item(annotation)
    found = Member(name, kind, Treatment.WITHHELD, personal_data.kinds(name, owner, cls), is_list=is_list)
    if is_data_class(kind) and not personal_data.is_personal_class(cls):
        return attrs.evolve(found, treatment=Treatment.INSIDE)
    if found.kinds:
        if name in _RESULTS:
            return attrs.evolve(found, treatment=Treatment.RESULT, fits=_is_word)
        is_identifier = found.kinds == ("id",) or (owner, name) in _MARKED
    elif fits := _known(name, owner) or _by_type(kind):
        return attrs.evolve(found, treatment=Treatment.CLEAR, fits=fits)
    else:
        is_identifier = _IDENTIFIER.search(name) is not None
    if is_identifier:
        return attrs.evolve(found, treatment=Treatment.PSEUDONYM, namespace=_namespace(name, owner))
    return found


def _item(annotation: Any) -> tuple[Any, bool]:
    """The class that a value is of, of a list that of its items, None if that can't be told; and whether it is one."""
    annotation = unwrapped(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, UnionType):
        inner = {_item(argument) for argument in arguments if argument is not type(None)}
        return inner.pop() if len(inner) == 1 else (None, False)
    if origin in (list, set, frozenset, tuple):
        return (_item(arguments[0])[0] if arguments else None), True
    base = origin or annotation
    return (base if isinstance(base, type) else None), False


def _namespace(name: str, owner: str) -> str:
    if (owner, name) in _MARKED:
        return "username"
    return "user" if name in _USER_IDS or (name == "id" and owner.startswith("User")) else name


def _known(name: str, owner: str) -> typing.Callable[[Any], bool] | None:
    for table, fits in ((_WORDS, _is_word), (_TEXTS, _is_text), (_SWITCHES, _are_switches)):
        if name in table.get(owner, "").split():
            return fits
    return None


def _by_type(kind: Any) -> typing.Callable[[Any], bool] | None:
    if not isinstance(kind, type):
        return None
    if issubclass(kind, bool):
        return _is_switch
    if issubclass(kind, datetime):
        return lambda value: isinstance(value, str) and _MOMENT.fullmatch(value) is not None
    return _key_test(kind) if issubclass(kind, OpaqueKey) else None


# --- Nobody checks what an event is sent with, so what was declared is looked for in the value.


def _is_word(value: Any) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, str) and _WORD.fullmatch(value) is not None)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_switch(value: Any) -> bool:
    return isinstance(value, bool)


def _are_switches(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(one, bool) and _SWITCH.fullmatch(name) is not None for name, one in value.items()
    )


def _key_test(kind: type[OpaqueKey]) -> typing.Callable[[Any], bool]:
    @lru_cache(maxsize=1024)
    def is_key(text: str) -> bool:
        try:
            kind.from_string(text)
        except (InvalidKeyError, NotImplementedError, ValueError):
            return False
        return True

    return lambda value: isinstance(value, str) and len(value) <= 255 and is_key(value)
