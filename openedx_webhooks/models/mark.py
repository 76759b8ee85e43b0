"""Marks: when something last happened that every process must know, whichever did it."""

from datetime import timedelta

from django.db import models, router
from django.utils import timezone

# Of names: a process that delivers, and what monitoring has told about.
WORKER, ALERT = "worker:", "alert:"
_LONGEST_NAME = 150


class MarkQuerySet(models.QuerySet):
    """Marks, and how they are set."""

    def writable(self) -> "MarkQuerySet":
        """On the database that they are written to."""
        return self.using(router.db_for_write(self.model))

    def note(self, name: str, value: str = "") -> None:
        """Set a mark to now. By UPDATE, in the usual case: one statement, of one row that nobody else needs."""
        now = timezone.now()
        if not self.filter(name=name[:_LONGEST_NAME]).update(at=now, value=value):
            self.update_or_create(name=name[:_LONGEST_NAME], defaults={"at": now, "value": value})

    def take_turn(self, name: str, seconds: float) -> bool:
        """Whether the caller may do what all processes together do only every so many seconds; sets the mark if so."""
        now = timezone.now()
        # One that is from a clock that was ahead counts as old.
        is_recent = models.Q(at__gt=now - timedelta(seconds=seconds), at__lte=now + timedelta(seconds=seconds))
        if self.filter(name=name).exclude(is_recent).update(at=now):
            return True
        return self.get_or_create(name=name, defaults={"at": now})[1]


class Mark(models.Model):
    """
    When something last happened, such as that a worker looked for deliveries; one row for each thing, and few of them.

    In the database, because a cache may be emptied, or be each process's own. Nothing that is needed to deliver belongs
    here: a mark is for people and for monitoring. Never written in a learner's request.

    .. no_pii:
    """

    name = models.CharField(max_length=_LONGEST_NAME, primary_key=True)
    at = models.DateTimeField()
    value = models.CharField(max_length=20, blank=True, default="")

    objects = MarkQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        # Of the addresses below /openedx_webhooks/ that monitoring reads.
        permissions = [("view_monitoring", "Can read health and metrics")]

    def __str__(self):
        return self.name
