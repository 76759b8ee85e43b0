"""The table of course modes, with the platform's class and field names."""

from collections import namedtuple

from django.db import models
from django.utils import timezone
from opaque_keys.edx.django.models import CourseKeyField

Mode = namedtuple(
    "Mode",
    [
        "slug",
        "name",
        "min_price",
        "suggested_prices",
        "currency",
        "expiration_datetime",
        "description",
        "sku",
        "bulk_sku",
        "android_sku",
        "ios_sku",
    ],
)


class CourseMode(models.Model):
    """
    One mode of a course.

    .. no_pii:
    """

    course = CourseKeyField(max_length=255, db_index=True)
    mode_slug = models.CharField(max_length=100)
    mode_display_name = models.CharField(max_length=255)
    min_price = models.IntegerField(default=0)
    currency = models.CharField(default="usd", max_length=8)
    expiration_datetime = models.DateTimeField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    sku = models.CharField(max_length=255, null=True, blank=True)

    # What a course has that nobody gave a mode. The platform's own default is audit alone.
    DEFAULT_MODES = tuple(
        Mode(slug, name, 0, "", "usd", None, None, None, None, None, None)
        for slug, name in (("audit", "Audit"), ("honor", "Honor"), ("verified", "Verified"))
    )

    class Meta:
        unique_together = [("course", "mode_slug", "currency")]

    def __str__(self):
        return f"{self.course}: {self.mode_slug}"

    def to_tuple(self) -> Mode:
        """As the platform hands modes around."""
        return Mode(
            self.mode_slug,
            self.mode_display_name,
            self.min_price,
            "",
            self.currency,
            self.expiration_datetime,
            self.description,
            self.sku,
            None,
            None,
            None,
        )

    @classmethod
    def modes_for_course_dict(cls, course_id, *, include_expired: bool = False) -> dict[str, Mode]:
        """Slug → mode of a course."""
        modes = cls.objects.filter(course=course_id)
        if not include_expired:
            modes = modes.exclude(expiration_datetime__lt=timezone.now())
        return {mode.slug: mode for mode in [mode.to_tuple() for mode in modes] or cls.DEFAULT_MODES}
