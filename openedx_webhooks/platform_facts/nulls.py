"""
Where the platform has null, and where it never has, as far as the annotations of the libraries leave that open.

What is not listed is as the library declares it: null where None is allowed or the default, and anything where it
declares nothing.
"""

from collections.abc import Mapping

# Objects of the platform, all members of which are known: of them only these may be null, as its tables allow it.
_OF_OBJECTS: Mapping[str, frozenset[str]] = {
    name: frozenset(members)
    for name, members in {
        "User": ("last_login",),
        "UserProfile": (
            "country", "level_of_education", "gender", "year_of_birth", "city", "state", "goals", "bio",
        ),
        "CourseEnrollment": ("created",),
        "CohortMembership": (),
        "CourseUserGroup": (),
        "CourseGrade": ("letter_grade",),
        "CertificateTemplate": (),
        "Mode": ("expiration_datetime", "description", "sku", "bulk_sku"),
        "XBlock": ("display_name",),
        "Fragment": (),
        "FormDescription": (),
        "ProviderConfig": (),
        "RunningPipeline": ("user",),
        "HttpResponse": (),
        # What has not been read is not there.
        "QuerySet": (),
        "File": ("name", "size"),
    }.items()
}  # fmt: skip

# Members of events' data classes, and arguments of filters: whether they may be null.
_OF_TYPES: Mapping[tuple[str, str], bool] = {
    # The library calls these optional, and what the platform puts there instead is False or a text.
    ("CourseCatalogData", "hidden"): False,
    ("CertificateData", "previous_status"): False,
    ("TrackingLogData", "data"): False,
    # A number in the database, which holds nothing that JSON could not.
    ("PersistentCourseGradeData", "percent_grade"): False,
    # The platform has nothing to put in here in some cases, although the class has no default for it.
    ("CourseAccessRoleData", "course_key"): True,
    ("LedgerTransaction", "content_key"): True,
    ("LedgerTransaction", "lms_user_id"): True,
    ("LedgerTransaction", "subsidy_access_policy_uuid"): True,
    ("ORASubmissionData", "anonymous_user_id"): True,
    ("ORASubmissionData", "location"): True,
    ("PersistentCourseGradeData", "course_edited_timestamp"): True,
    ("PersistentCourseGradeData", "passed_timestamp"): True,
    # Arguments that are declared as plain types and may be None all the same.
    ("CertificateCreationRequested", "generation_mode"): True,
    ("CertificateCreationRequested", "grade"): True,
    ("CertificateCreationRequested", "status"): True,
    ("CourseEnrollmentStarted", "mode"): True,
    ("LoginAltRedirectURLRequested", "redirect_url"): True,
    ("VerticalBlockRenderCompleted", "context"): True,
    # Arguments that are declared as anything, and are always an object of the platform.
    **dict.fromkeys(
        (
            ("AccountActivationEmailContextGenerated", "user"),
            ("AccountSettingsReadOnlyFieldsRequested", "user"),
            ("CertificateCreationRequested", "user"),
            ("CohortAssignmentRequested", "target_cohort"),
            ("CohortAssignmentRequested", "user"),
            ("CohortChangeRequested", "current_membership"),
            ("CohortChangeRequested", "target_cohort"),
            ("CourseEnrollmentStarted", "user"),
            ("CourseEnrollmentViewStarted", "user"),
            ("CourseModePriceRequested", "course_mode_data"),
            ("CourseModePriceRequested", "user"),
            ("CourseUnenrollmentStarted", "enrollment"),
            ("DiscountEligibilityCheckRequested", "user"),
            ("InstructorDashboardTabsRequested", "user"),
            ("LoginAltRedirectURLRequested", "user"),
            ("LogistrationViewRenderCompleted", "response"),
            ("SupportEnrollmentDataRequested", "user"),
            ("VerticalBlockChildRenderStarted", "block"),
            ("VerticalBlockRenderCompleted", "block"),
            ("VerticalBlockRenderCompleted", "fragment"),
        ),
        False,
    ),
    # Declared as anything too: nobody, for somebody who has no account or is not logged in; and no template.
    ("CertificateRenderStarted", "custom_template"): True,
    ("CoursewareAccessChecksRequested", "user"): True,
    ("StudentLoginRequested", "user"): True,
}


def may_be_null(owner: str, member: str) -> bool | None:
    """
    Whether the platform may have null there; None if nobody has written it down.

    Args:
        owner: the name of the object's class, or the short name of the filter.
    """
    if owner in _OF_OBJECTS:
        return member in _OF_OBJECTS[owner]
    return _OF_TYPES.get((owner, member))
