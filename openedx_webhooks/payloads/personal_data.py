"""
Which members of payloads are personal data, by OEP-30's kinds (https://docs.openedx.org/projects/openedx-proposals).

Names decide, and data classes that say of themselves that they hold personal data, so that a new class with an e-mail
address in it is marked without an entry here. What a webhook sends of it: :mod:`.treatments`.
"""

import re

# By kind.
_EVERYWHERE = {
    name: kind
    for kind, names in {
        "biography": "bio",
        "birth_date": "year_of_birth",
        "email_address": "coach_email email",
        "gender": "gender",
        "id": "actor_id anonymous_user_id lms_user_id user_id user_ids",
        "location": "city country state",
        "name": "first_name full_name fullname last_name",
        "other": (
            "answer body content_context date_joined goals grade language last_login letter_grade "
            "level_of_education percent_grade points_earned score_msg user_pii"
        ),
        "username": "username",
    }.items()
    for name in names.split()
}
# Names that are personal in these classes only, and those that are not in these.
_IN_CLASS: dict[tuple[str, str], str] = {
    # A page that shows who has it.
    ("CertificateData", "download_url"): "other",
    ("CertificateData", "name"): "name",
    ("CertificateSignatoryData", "name"): "name",
    ("CertificateSignatoryData", "title"): "other",
    # Of a support group, for one.
    ("CohortData", "name"): "other",
    # The address of what somebody has written.
    ("CourseNotificationData", "content_url"): "other",
    ("DiscussionThreadData", "url"): "other",
    ("DiscussionThreadData", "title"): "other",
    ("DiscussionThreadData", "discussion"): "other",
    ("GeneratedCertificate", "name"): "name",
    ("ORASubmissionAnswer", "file_names"): "other",
    ("ORASubmissionAnswer", "file_urls"): "other",
    ("ORASubmissionAnswer", "file_descriptions"): "other",
    ("ORASubmissionAnswer", "parts"): "other",
    ("ProgramCertificateData", "url"): "other",
    ("RoleAssignmentData", "subject"): "username",
    ("RunningPipeline", "details"): "other",
    ("TrackingLogData", "context"): "other",
    ("TrackingLogData", "data"): "other",
    ("User", "id"): "id",
    ("UserData", "id"): "id",
    ("UserNotificationData", "content_url"): "other",
    ("UserNotificationData", "context"): "other",
    ("UserPersonalData", "name"): "name",
    ("UserProfile", "name"): "name",
    ("VerificationAttemptData", "name"): "name",
    ("LtiProviderLaunchParamsData", "extra_params"): "other",
}
_NOT_IN_CLASS = frozenset(
    (("BaseLedgerTransaction", "state"), ("LedgerTransaction", "state"), ("LedgerTransactionReversal", "state"))
)
# Forms and template contexts: anything may be in them.
_CONTAINERS = frozenset(
    (
        "context enrollments_data extra_context form_data message_context serialized_courserun serialized_enrollment "
        "student_view_context template_context"
    ).split()
)


# What the libraries call, and write over, a class all of whose fields are personal data.
_PERSONAL_NAME = re.compile(r"(?<!Non)Personal(?:Data|Info\w*)?$")
_PERSONAL_NOTE = re.compile(r"\bthat contains? (?:personal|PII)\b", re.I)


def is_personal_class(cls: type | None) -> bool:
    """Whether a data class is marked as one that holds personal data, by its name or its docstring."""
    if cls is None:
        return False
    return bool(_PERSONAL_NAME.search(cls.__name__) or _PERSONAL_NOTE.search(cls.__doc__ or ""))


def kinds(name: str, owner: str = "", cls: type | None = None) -> tuple[str, ...]:
    """
    OEP-30's names of the personal data that a member itself holds; none for most.

    Args:
        name: the member's.
        owner: the class it is a field of, without the module; empty for an argument of an event or filter.
        cls: that class, of a data class.
    """
    found = _kinds(name, owner)
    return found or (("other",) if is_personal_class(cls) else ())


def _kinds(name: str, owner: str) -> tuple[str, ...]:
    if (owner, name) in _NOT_IN_CLASS:
        return ()
    kind = _IN_CLASS.get((owner, name)) or _EVERYWHERE.get(name)
    if kind is None and not owner and name in _CONTAINERS:
        kind = "other"
    return (kind,) if kind else ()
