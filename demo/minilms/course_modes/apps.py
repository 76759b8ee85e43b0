"""The app has the platform's label: plugins look its models up by it."""

from django.apps import AppConfig


class CourseModesConfig(AppConfig):
    """Of the mini LMS."""

    name = "demo.minilms.course_modes"
    label = "course_modes"
    verbose_name = "Mini LMS: course modes"
    default_auto_field = "django.db.models.BigAutoField"
