"""Marks: when something last happened that every process must know, whichever did it."""

from datetime import datetime, timedelta

from django.db import connections, models, router, transaction
from django.utils import timezone

from ..rows import lock_free, raw_delete
from .row_fields import MomentField

# Of names: a process that delivers, and what monitoring has told about.
WORKER, ALERT = "worker:", "alert:"
LONGEST_NAME = 150
# Seconds since the epoch, now, and not when the transaction began.
_EPOCH = {
    "mysql": "SELECT UNIX_TIMESTAMP(SYSDATE(6))",
    "postgresql": "SELECT EXTRACT(EPOCH FROM clock_timestamp())",
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
}


class MarkQuerySet(models.QuerySet):
    """
    Marks, and how they are set: by the database's clock, since those of the machines may differ. Nobody waits for one
    that somebody has locked: who delivers has more to do.
    """

    def writable(self) -> "MarkQuerySet":
        """On the database that they are written to."""
        return self.using(router.db_for_write(self.model))

    def clock_ahead(self) -> float:
        """By how many seconds the database's clock is ahead of this machine's; 0 where nobody knows how to ask it."""
        connection = connections[self.db]
        if connection.vendor not in _EPOCH:
            return 0.0
        with connection.cursor() as cursor:
            cursor.execute(_EPOCH[connection.vendor])
            return float(cursor.fetchone()[0]) - timezone.now().timestamp()

    def now(self) -> datetime:
        """By the database's clock."""
        return timezone.now() + timedelta(seconds=self.clock_ahead())

    def note(self, name: str, value: str = "") -> None:
        """Set a mark to now, unless somebody has locked it."""
        fields = {"at": self.now(), "value": value}
        if not self.filter(name=name).update_free(**fields):
            self.get_or_create(name=name, defaults=fields)

    def take_turn(self, name: str, seconds: float) -> bool:
        """Whether the caller may do what all processes together do only every so many seconds; sets the mark if so."""
        now, wait = self.now(), timedelta(seconds=seconds)
        # A mark in the future was set by a clock that was wrong, or by somebody who wrote to the table.
        is_due = models.Q(at__lte=now - wait) | models.Q(at__gt=now + wait)
        if self.filter(is_due, name=name).update_free(at=now):
            return True
        return self.get_or_create(name=name, defaults={"at": now})[1]

    def forget(self) -> None:
        """Delete marks, but for those that somebody has locked."""
        with transaction.atomic(using=self.db):
            raw_delete(self._free())

    def update_free(self, **fields) -> int:
        """UPDATE those that nobody has locked; how many."""
        with transaction.atomic(using=self.db):
            return self._free().update(**fields)

    def _free(self) -> "MarkQuerySet":
        names = list(lock_free(self).values_list("pk", flat=True))
        return self.model.objects.using(self.db).filter(pk__in=names)


class Mark(models.Model):
    """
    When something last happened, such as that a worker looked for deliveries; one row for each thing, and few of them.

    In the database, because a cache may be emptied, or be each process's own. Nothing that is needed to deliver belongs
    here: a mark is for people and for monitoring. Never written in a learner's request.

    .. no_pii:
    """

    name = models.CharField(max_length=LONGEST_NAME, primary_key=True)
    at = MomentField()
    value = models.CharField(max_length=20, blank=True, default="")

    objects = MarkQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        # Of the addresses below /openedx_webhooks/ that monitoring reads.
        permissions = [("view_monitoring", "Can read health and metrics")]

    def __str__(self):
        return self.name
