"""
What members of payloads mean, where neither the libraries nor the classes of the platform say it.

Object → member → its meaning. What a library documents later is taken from there: see operations/schema_types.py.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from .facts import Text

_KEY_OF_COURSE = _("The key of the course.")
_NUMBER = _("Its number on this site.")
_BLOCK_TYPE = _("Its kind, such as problem, video or vertical.")
_USAGE_KEY = _("The key of the block.")
_SHOWN_NAME = _("The name that people see.")

_MEMBERS: dict[str, dict[str, Text]] = {
    # --- Objects of the platform
    "User": {
        "id": _("The number of the account on this site; it never changes."),
        "username": _("The public name of the account."),
        "email": _("The address of the account; the learner may change it."),
        "first_name": _("Mostly empty: the platform keeps the full name in the profile."),
        "last_name": _("Mostly empty: the platform keeps the full name in the profile."),
        "is_active": _("Whether the address was confirmed and the account not deactivated."),
        "is_staff": _("Whether the user is staff of the whole site."),
        "date_joined": _("When the account was made."),
        "last_login": _("When the user last logged in; null before the first time."),
    },
    "UserProfile": {
        "name": _("The full name."),
        "country": _("The country, as the two letters of ISO 3166-1."),
        "language": _("The preferred language, as free text or a code; often empty."),
        "level_of_education": _(
            "The highest degree: p (doctorate), m (master), b (bachelor), a (associate), hs and jhs (secondary "
            "school), el (elementary school), none, or other."
        ),
        "gender": _("f, m, o (other), or empty."),
        "year_of_birth": _("The year of birth."),
        "city": _("The city, as the learner wrote it."),
        "state": _("The state, as the two letters of the United States."),
        "goals": _("Why the learner registered, in the learner's words."),
        "bio": _("What the learner says about themselves."),
    },
    "CourseEnrollment": {
        "id": _NUMBER,
        "user": _("Who is enrolled."),
        "profile": _("The profile of that user."),
        "course_id": _KEY_OF_COURSE,
        "mode": _("The mode, such as audit, honor, verified or professional."),
        "is_active": _("False once the user has left the course."),
        "created": _("When the user enrolled."),
    },
    "CohortMembership": {
        "id": _NUMBER,
        "user": _("Who is in the cohort."),
        "profile": _("The profile of that user."),
        "course_id": _KEY_OF_COURSE,
        "course_user_group": _("The cohort."),
    },
    "CourseUserGroup": {
        "id": _NUMBER,
        "name": _SHOWN_NAME,
        "course_id": _KEY_OF_COURSE,
        "group_type": _("What the group is for; of a cohort it is cohort."),
    },
    "CourseGrade": {
        "percent": _("The grade as a share: 0 to 1."),
        "letter_grade": _("The name of the grade that was reached, such as Pass or A; null if none was."),
        "passed": _("Whether the learner passes."),
    },
    "CertificateTemplate": {"id": _NUMBER, "name": _SHOWN_NAME},
    "Mode": {
        "slug": _("The mode, such as audit, honor, verified or professional."),
        "name": _SHOWN_NAME,
        "min_price": _("The lowest price, in whole units of the currency."),
        "suggested_prices": _("Prices to choose from, separated by commas."),
        "currency": _("The currency, as the three letters of ISO 4217 in lower case."),
        "expiration_datetime": _("Until when one can enroll in it; null without an end."),
        "description": _("What the mode offers."),
        "sku": _("Its number in the shop."),
        "bulk_sku": _("Its number in the shop, for many at once."),
    },
    "XBlock": {
        "usage_key": _USAGE_KEY,
        "course_key": _KEY_OF_COURSE,
        "block_type": _BLOCK_TYPE,
        "display_name": _("The name that people see; null if it is not in memory."),
    },
    "Fragment": {"content": _("The HTML, as the platform rendered it.")},
    "FormDescription": {
        "method": _("How the form is sent."),
        "submit_url": _("Where it is sent to."),
        "fields": _("Its fields, each with its name, label, type and whether it is required."),
    },
    "ProviderConfig": {"provider_id": _("Which identity provider, such as saml-university."), "name": _SHOWN_NAME},
    "RunningPipeline": {
        "backend": _("Which kind of provider the learner comes from, such as tpa-saml."),
        "details": _("What the provider says about the learner, such as email and fullname."),
        "user": _("The account, if it is known already."),
    },
    "HttpResponse": {
        "status_code": _("The HTTP status."),
        "headers": _("Name → value; cookies are left out."),
        "cookies": _("Cookies to set: name → value."),
        "delete_cookies": _("Names of cookies to delete."),
    },
    "QuerySet": {
        "type": _("What it holds."),
        "count": _("How many, if the platform has read them already."),
        "ids": _("Which, if the platform has read them already."),
        "include_ids": _("Only these stay."),
        "exclude_ids": _("These are left out."),
    },
    "File": {"name": _("Its name."), "size": _("Its size in bytes.")},
    # --- Data classes whose docstrings leave something out
    "VerificationAttemptData": {"expiration_date": _("Until when the verification holds; null while nobody knows.")},
    "DuplicatedXBlockData": {
        "usage_key": _("The key of the new block."),
        "block_type": _BLOCK_TYPE,
        "version": _("Which version of the block it is about, if there are versions."),
    },
    "CourseAccessRoleData": {"org_key": _("The organization that the role is for.")},
    "CcxCoursePassingStatusData": {"user": _("Whose state it is."), "is_passing": _("Whether the learner passes now.")},
    "LearnerCreditEnterpriseCourseEnrollment": {
        "uuid": _("Its number."),
        "created": _("When it was made."),
        "modified": _("When it last changed."),
        "fulfillment_type": _("How the credit was spent."),
        "enterprise_course_entitlement_uuid": _("The entitlement, if it was spent on one."),
        "enterprise_course_enrollment": _("The enrollment, if it was spent on one."),
        "is_revoked": _("Whether it was taken back."),
    },
    # --- Members of what may be answered; ".*" is each that an object has under a name of its own
    "FormDescription.*": {
        "label": _("What stands beside the field."),
        "default": _("What is in it at first."),
        "field_type": _("Its kind, such as text, email, select or checkbox."),
        "placeholder": _("What an empty field shows."),
        "instructions": _("What stands below it."),
        "required": _("Whether it must be filled in."),
        "restrictions": _("Limits, such as min_length and max_length."),
        "options": _("What can be chosen."),
        "supplementalLink": _("Where a link below it leads."),
        "supplementalText": _("What that link says."),
    },
    "tabs": {
        "tab_id": _("Which tab it is."),
        "title": _("What stands on it."),
        "url": _("Where it leads."),
        "sort_order": _("Its place: the lowest comes first."),
    },
    "enrollments_data": {"course_id": _("Which record is changed.")},
    # --- Arguments of types
    "LogistrationViewRenderCompleted": {"response": _("The response, which the page is sent with.")},
    "StudentRegistrationRequested": {
        "form_data": _(
            "The fields of the form as they were sent: email, username, name, country, honor_code, terms_of_service "
            "and next; those that the site asks for: first_name, last_name, city, state, gender, year_of_birth, "
            "level_of_education, mailing_address, goals, company, job_title, title, profession, specialty, "
            "marketing_emails_opt_in; and fields of the site's own. Passwords and tokens are left out. A field that "
            "was sent twice is a list, and nobody has checked any of them."
        )
    },
    "": {
        "prepend": _("What is put before it."),
        "append": _("What is put behind it."),
        "completion_summary": _(
            "How many units the learner has completed, has left, and can't open: complete_count, incomplete_count, "
            "locked_count. It is missing if the platform can't tell."
        ),
    },
}


def is_known(owner: str) -> bool:
    """Whether anything is written down about the members of a class."""
    return owner in _MEMBERS


def meaning(owner: str, member: str) -> str:
    """
    What a member means; empty if nobody has written it down.

    Args:
        owner: the name of the object's class, or the short name of the event or filter.
    """
    known: Mapping[str, Text] = _MEMBERS.get(owner, {})
    return str(known.get(member) or _MEMBERS[""].get(member, ""))
