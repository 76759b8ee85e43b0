"""
Which members of payloads are personal data, by OEP-30's kinds (https://docs.openedx.org/projects/openedx-proposals).

Names decide, so that a new data class with an e-mail address in it is marked without an entry here.
"""

_EVERYWHERE: dict[str, str] = {
    "actor_id": "id",
    "anonymous_user_id": "id",
    "answer": "other",
    "bio": "biography",
    "body": "other",
    "city": "location",
    "coach_email": "email_address",
    "content_context": "other",
    "country": "location",
    "date_joined": "other",
    "email": "email_address",
    "first_name": "name",
    "full_name": "name",
    "fullname": "name",
    "gender": "gender",
    "goals": "other",
    "grade": "other",
    "language": "other",
    "last_login": "other",
    "last_name": "name",
    "level_of_education": "other",
    "lms_user_id": "id",
    "percent_grade": "other",
    "letter_grade": "other",
    "points_earned": "other",
    "score_msg": "other",
    "state": "location",
    "user_id": "id",
    "user_ids": "id",
    "user_pii": "other",
    "username": "username",
    "year_of_birth": "birth_date",
}
# Names that are personal in these classes only, and those that are not in these.
_IN_CLASS: dict[tuple[str, str], str] = {
    ("CertificateData", "name"): "name",
    ("CertificateSignatoryData", "name"): "name",
    ("DiscussionThreadData", "title"): "other",
    ("DiscussionThreadData", "discussion"): "other",
    ("GeneratedCertificate", "name"): "name",
    ("ORASubmissionAnswer", "file_names"): "other",
    ("ORASubmissionAnswer", "file_urls"): "other",
    ("ORASubmissionAnswer", "parts"): "other",
    ("RoleAssignmentData", "subject"): "username",
    ("RunningPipeline", "details"): "other",
    ("TrackingLogData", "context"): "other",
    ("TrackingLogData", "data"): "other",
    ("User", "id"): "id",
    ("UserData", "id"): "id",
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
        "context",
        "enrollments_data",
        "extra_context",
        "form_data",
        "message_context",
        "serialized_courserun",
        "serialized_enrollment",
        "student_view_context",
        "template_context",
    )
)


def kinds(name: str, owner: str = "") -> tuple[str, ...]:
    """
    OEP-30's names of the personal data that a member itself holds; none for most.

    Args:
        name: the member's.
        owner: the class it is a field of, without the module; empty for an argument of an event or filter.
    """
    if (owner, name) in _NOT_IN_CLASS:
        return ()
    kind = _IN_CLASS.get((owner, name)) or _EVERYWHERE.get(name)
    if kind is None and not owner and name in _CONTAINERS:
        kind = "other"
    return (kind,) if kind else ()
