"""The data classes that the platform's events carry, built from the mini LMS's models."""

from django.core.exceptions import ObjectDoesNotExist
from openedx_events.learning.data import (
    CertificateData,
    CohortData,
    CourseData,
    CourseEnrollmentData,
    UserData,
    UserPersonalData,
)


def user_data(user) -> UserData:
    """The user, with the name of the profile as on the platform."""
    profile = getattr(user, "profile", None)
    return UserData(
        id=user.pk,
        is_active=user.is_active,
        pii=UserPersonalData(username=user.username, email=user.email, name=profile.name if profile else ""),
    )


def enrollment_data(enrollment) -> CourseEnrollmentData:
    """The enrollment, its user and its course, which has no name if there is no such course."""
    try:
        display_name = enrollment.course.display_name or ""
    except ObjectDoesNotExist:
        display_name = ""
    return CourseEnrollmentData(
        user=user_data(enrollment.user),
        course=CourseData(course_key=enrollment.course_id, display_name=display_name),
        mode=enrollment.mode,
        is_active=enrollment.is_active,
        creation_date=enrollment.created,
    )


def certificate_data(certificate) -> CertificateData:
    """The certificate, its user and its course, which has no display name here."""
    return CertificateData(
        user=user_data(certificate.user),
        course=CourseData(course_key=certificate.course_id),
        mode=certificate.mode,
        grade=certificate.grade,
        current_status=certificate.status,
        download_url="",
        name=certificate.name,
    )


def cohort_data(membership) -> CohortData:
    """The cohort that the learner is now in."""
    return CohortData(
        user=user_data(membership.user),
        course=CourseData(course_key=membership.course_id),
        name=membership.course_user_group.name,
    )
