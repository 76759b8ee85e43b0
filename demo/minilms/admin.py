"""The mini LMS's tables in the Django admin, to see what answers have changed."""

from django.contrib import admin

from . import models
from .course_modes.models import CourseMode


@admin.register(models.UserProfile)
class UserProfileAdmin(admin.ModelAdmin):
    """Profiles: where a changed name can be seen."""

    list_display = ("user", "name", "country")


@admin.register(models.CourseEnrollment)
class CourseEnrollmentAdmin(admin.ModelAdmin):
    """Enrollments with their mode."""

    list_display = ("user", "course", "mode", "is_active", "created")


@admin.register(models.CohortMembership)
class CohortMembershipAdmin(admin.ModelAdmin):
    """Who is in which cohort."""

    list_display = ("user", "course_id", "course_user_group")


@admin.register(models.CertificateTemplate)
class CertificateTemplateAdmin(admin.ModelAdmin):
    """The template of certificates; without one, a plain certificate is shown."""


admin.site.register(
    [
        CourseMode,
        models.CourseOverview,
        models.CourseUserGroup,
        models.GeneratedCertificate,
        models.PersistentCourseGrade,
    ]
)
