"""
The few tables of the platform that its filters hand around, with the platform's class and field names.

What the platform does when it saves one of them, it does here too: certificates and cohort memberships send their
events from ``save()``.
"""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField
from openedx_events.learning.signals import CERTIFICATE_CHANGED, CERTIFICATE_CREATED, COHORT_MEMBERSHIP_CHANGED

from .learner_data import certificate_data, cohort_data


class UserProfile(models.Model):
    """
    What the platform knows about a learner beside the account.

    .. pii: Name and demographics.
    .. pii_types: name, location, gender, birth_date
    .. pii_retirement: retained
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile")
    name = models.CharField(max_length=255, blank=True)
    country = models.CharField(max_length=2, blank=True)
    language = models.CharField(max_length=255, blank=True)
    level_of_education = models.CharField(max_length=6, blank=True, null=True)
    gender = models.CharField(max_length=6, blank=True, null=True)
    year_of_birth = models.IntegerField(blank=True, null=True)
    goals = models.TextField(blank=True, null=True)
    city = models.TextField(blank=True, null=True)
    bio = models.CharField(max_length=3000, blank=True, null=True)
    meta = models.TextField(blank=True)

    def __str__(self):
        return self.name


class CourseOverview(models.Model):
    """
    A course run as lists show it.

    .. no_pii:
    """

    id = CourseKeyField(primary_key=True, max_length=255)
    display_name = models.TextField(null=True)
    short_description = models.TextField(blank=True, default="")
    start = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)

    def __str__(self):
        return self.display_name or str(self.id)


class CourseEnrollment(models.Model):
    """
    A learner's enrollment in a course run.

    .. no_pii:
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course = models.ForeignKey(CourseOverview, db_constraint=False, on_delete=models.DO_NOTHING)
    mode = models.CharField(max_length=100, default="audit")
    is_active = models.BooleanField(default=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        unique_together = [("user", "course")]

    def __str__(self):
        return f"{self.user_id}: {self.course_id} ({self.mode})"

    @property
    def course_overview(self):
        """The course, as the platform's property of this name."""
        return self.course


class CourseUserGroup(models.Model):
    """
    A cohort.

    .. no_pii:
    """

    name = models.CharField(max_length=255)
    users = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="course_groups")
    course_id = CourseKeyField(max_length=255)
    group_type = models.CharField(max_length=20, default="cohort")

    def __str__(self):
        return self.name


class CohortMembership(models.Model):
    """
    A learner's place in a cohort.

    .. no_pii:
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course_id = CourseKeyField(max_length=255)
    course_user_group = models.ForeignKey(CourseUserGroup, on_delete=models.CASCADE)

    def save(self, *args, **kwargs):
        """Tell of the change before it is stored: that is the platform's order."""
        COHORT_MEMBERSHIP_CHANGED.send_event(cohort=cohort_data(self))
        super().save(*args, **kwargs)


class GeneratedCertificate(models.Model):
    """
    A learner's certificate for a course run.

    .. pii: The learner's name as printed.
    .. pii_types: name
    .. pii_retirement: retained
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course_id = CourseKeyField(max_length=255)
    mode = models.CharField(max_length=32, default="honor")
    status = models.CharField(max_length=32, default="downloadable")
    grade = models.CharField(max_length=5, blank=True)
    name = models.CharField(max_length=255, blank=True)

    def __str__(self):
        return f"{self.user_id}: {self.course_id} ({self.status})"

    def save(self, *args, **kwargs):
        """Tell of every save, and of every one that leaves a valid certificate."""
        super().save(*args, **kwargs)
        CERTIFICATE_CHANGED.send_event(certificate=certificate_data(self))
        if self.status == "downloadable":
            CERTIFICATE_CREATED.send_event(certificate=certificate_data(self))


class PersistentCourseGrade(models.Model):
    """
    A learner's grade in a course run.

    .. no_pii:
    """

    user_id = models.IntegerField()
    course_id = CourseKeyField(max_length=255)
    percent_grade = models.FloatField()
    letter_grade = models.CharField(max_length=255, blank=True)
    passed_timestamp = models.DateTimeField(null=True)

    class Meta:
        unique_together = [("course_id", "user_id")]

    def __str__(self):
        return f"{self.user_id}: {self.course_id} ({self.letter_grade})"


class CertificateTemplate(models.Model):
    """
    A template that renders certificates.

    .. no_pii:
    """

    name = models.CharField(max_length=255)
    template = models.TextField()

    def __str__(self):
        return self.name
