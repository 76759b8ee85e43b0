"""Marks: when something last happened that every process must know, whichever did it."""

from datetime import datetime, timedelta

from django.db import connections, models, router
from django.utils import timezone

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
    """Marks, and how they are set: by the database's clock, since those of the machines may differ."""

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
        """Set a mark to now."""
        fields = {"at": self.now(), "value": value}
        # By UPDATE, in the usual case: of one row, that nobody else needs.
        if not self.filter(name=name).update(**fields):
            self.update_or_create(name=name, defaults=fields)

    def take_turn(self, name: str, seconds: float) -> bool:
        """Whether the caller may do what all processes together do only every so many seconds; sets the mark if so."""
        now = self.now()
        if self.filter(name=name, at__lte=now - timedelta(seconds=seconds)).update(at=now):
            return True
        return self.get_or_create(name=name, defaults={"at": now})[1]


class Mark(models.Model):
    """
    When something last happened, such as that a worker looked for deliveries; one row for each thing, and few of them.

    In the database, because a cache may be emptied, or be each process's own. Nothing that is needed to deliver belongs
    here: a mark is for people and for monitoring. Never written in a learner's request.

    .. no_pii:
    """

    name = models.CharField(max_length=LONGEST_NAME, primary_key=True)
    at = models.DateTimeField()
    value = models.CharField(max_length=20, blank=True, default="")

    objects = MarkQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        # Of the addresses below /openedx_webhooks/ that monitoring reads.
        permissions = [("view_monitoring", "Can read health and metrics")]

    def __str__(self):
        return self.name
