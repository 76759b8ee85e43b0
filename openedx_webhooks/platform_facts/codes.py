"""
Which values members have, where a code means something and the library that declares the member does not list it.

Said after the meaning, whoever says that: the library, or members.py.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from .facts import Text

_MODES = _(
    "Modes are audit, honor, verified, professional, no-id-professional, credit, masters, and those of executive "
    "education and bootcamps, such as paid-executive-education and unpaid-bootcamp."
)
_CERTIFICATE = _(
    "downloadable: the learner has it. notpassing, unverified (no valid verification of the identity), unavailable "
    "(taken back): there is none. Certificates of former years may have others, such as generating or audit_passing."
)
_SHARE = _("It is a share: 0 to 1.")

# The data class of an event and its member, or the short name of a filter and an argument, its own or an exception's.
_CODES: Mapping[tuple[str, str], Text] = {
    ("CourseEnrollmentData", "mode"): _MODES,
    ("CertificateData", "mode"): _MODES,
    ("CertificateData", "grade"): _("It is a share as a text, 0 to 1, such as 0.87; it may be empty."),
    ("CertificateData", "current_status"): _CERTIFICATE,
    ("CertificateData", "previous_status"): _("The platform leaves it empty."),
    ("PersistentCourseGradeData", "user_id"): _("It is the number of the learner's account."),
    ("PersistentCourseGradeData", "percent_grade"): _SHARE,
    ("PersistentCourseGradeData", "letter_grade"): _("It is empty if no grade was reached."),
    ("VerificationAttemptData", "status"): _("It is created, pending, approved or denied."),
    ("CourseAccessRoleData", "role"): _(
        "Such as staff, instructor, limited_staff, beta_testers, data_researcher, ccx_coach or library_user."
    ),
    ("LearnerCreditEnterpriseCourseEnrollment", "fulfillment_type"): _("license, learner_credit or coupon_code."),
    ("DiscussionThreadData", "thread_type"): _("It is discussion or question."),
    ("StudentRegistrationRequested", "error_code"): _(
        "The sign-up page has texts for forbidden-request, form-submission-error, internal-server-error, "
        "tpa-authentication-failure and tpa-session-expired."
    ),
    ("StudentLoginRequested", "error_code"): _(
        "The login page has texts for account-locked-out, allowed-domain-login-error, failed-login-attempt, "
        "forbidden-request, inactive-user, incorrect-email-or-password, internal-server-error, invalid-form, "
        "require-password-change and tpa-authentication-failure."
    ),
    ("CourseEnrollmentStarted", "mode"): _MODES,
    ("CertificateCreationRequested", "mode"): _MODES,
    ("CertificateCreationRequested", "status"): _(
        "unverified: the certificate is withheld until the learner's identity is verified; null: it is made."
    ),
    ("CertificateCreationRequested", "generation_mode"): _("self: the learner asked for it; batch: the platform did."),
}


def values_of(owner: str, member: str) -> str:
    """
    Which values a member has; empty if its meaning says enough.

    Args:
        owner: the name of an event's data class, or the short name of a filter.
        member: of the data class; of a filter, an argument of its own or of one of its exceptions.
    """
    return str(_CODES.get((owner, member), ""))
