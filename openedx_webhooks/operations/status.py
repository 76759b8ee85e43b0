"""
Is it running at all? What a site's own parts say about that, in words, with what to do.

The commonest silent failure is a site on which no worker takes our messages. Nothing fails then: events are captured,
hooks look healthy, and nothing is sent. So workers leave a mark when they have looked; and where there is none lately,
one is asked to look, and whether it does is said the next time.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs
from django.db import DatabaseError, InterfaceError, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import shared_cache, startup_problems
from ..app_settings import app_settings
from ..models import Delivery, Mark
from ..webhooks import wakeups
from . import services, workers
from .finding import LEVELS, Finding, Level, lasting
from .hook_health import PATIENCE
from .workers import Worker

_APP = "openedx_webhooks"
# NTP keeps clocks together by far more than this; retries and signatures suffer from more.
_CLOCKS_DIFFER_SECONDS = 5


@attrs.frozen
class Status:
    """
    What was found, in the order in which it matters.

    Attributes:
        worker: the one that looked last, if any did lately.
        oldest_due: since when the oldest delivery that can be sent waits; None if nothing is late.
        is_readable: the database answers and has our tables; without it nothing else can be told.
    """

    findings: list[Finding]
    worker: Worker | None = None
    oldest_due: datetime | None = None
    is_readable: bool = True

    @property
    def level(self) -> Level:
        """Of the worst."""
        return max((finding.level for finding in self.findings), key=LEVELS.index, default=Level.OK)

    def as_json(self) -> dict[str, Any]:
        return {"status": self.level, "findings": [attrs.asdict(finding) for finding in self.findings]}


def oldest_due() -> datetime | None:
    """Since when the oldest delivery that can be sent waits; None if nothing is late."""
    due = Delivery.objects.writable().next_due()
    return due if due and due < timezone.now() else None


# --- Findings


def look(*, is_full: bool = True) -> Status:
    """
    Find out. Never raises because something is away.

    Args:
        is_full: also ask broker and cache for what they are worth, which may take seconds, and for whether every
            migration was applied. Without it a handful of short queries, and a word if the cache is away.
    """
    found = list(_start())
    try:
        if is_full and (missing := missing_migrations(Mark.objects.writable().db)):
            return Status([*found, not_migrated(missing)], is_readable=False)
        worker, late = workers.last(), oldest_due()
        found += [_worker(worker, late), _backlog(late), _clock(worker)]
    except (DatabaseError, InterfaceError) as error:
        return Status([*found, _trouble(error)], is_readable=False)
    if is_full:
        is_seen = all(finding.level is Level.OK for finding in found if finding.name == "worker")
        found += services.find(is_worker_seen_lately=is_seen)
    elif shared_cache.is_away():
        found.append(services.cache_away(_("found away or slow")))
    return Status(found, worker, late)


def _start() -> Iterator[Finding]:
    for problem in startup_problems.found:
        words = _("The plugin could not start fully: %s") % problem
        yield Finding("start", Level.BAD, words, _("The site runs without the part that failed. The log says more."))


def missing_migrations(using: str) -> list[str]:
    """Names of our migrations that a database lacks."""
    executor = MigrationExecutor(connections[using])
    plan = executor.migration_plan([node for node in executor.loader.graph.leaf_nodes() if node[0] == _APP])
    return [migration.name for migration, _is_backwards in plan if migration.app_label == _APP]


def not_migrated(missing: list[str]) -> Finding:
    return Finding(
        "tables",
        Level.BAD,
        ngettext(
            "The tables are not those of this version: %(count)d migration is missing, %(first)s.",
            "The tables are not those of this version: %(count)d migrations are missing, from %(first)s on.",
            len(missing),
        )
        % {"count": len(missing), "first": missing[0]},
        _("Run manage.py migrate openedx_webhooks; with Tutor: tutor local do init --limit lms."),
    )


def _trouble(error: Exception) -> Finding:
    """The database is away, or our tables are."""
    try:
        using = Mark.objects.writable().db
        connections[using].close_if_unusable_or_obsolete()
        if missing := missing_migrations(using):
            return not_migrated(missing)
    except (DatabaseError, InterfaceError):
        pass
    return Finding(
        "database",
        Level.BAD,
        _("The database does not answer (%s).") % type(error).__name__,
        _("Look at the database server: nothing else can be told without it."),
    )


def _worker(worker: Worker | None, late: datetime | None) -> Finding:
    if wakeups.is_eager():
        return Finding("worker", Level.WARN, *_eager())
    if worker and worker.is_seen_lately:
        words = _("A worker looked for deliveries %(ago)s ago: %(name)s.")
        return Finding("worker", Level.OK, words % {"ago": lasting(worker.seen_ago), "name": worker.name})
    if worker:
        words = _("No worker has looked for deliveries for %s.") % lasting(worker.seen_ago)
    else:
        words = _("No worker has ever looked for deliveries, or none in the last week.")
    asked_ago = workers.asked_ago(worker)
    # Whichever it is: a message that a broker has lost is sent again.
    workers.ask_soon(is_asked=asked_ago is not None)
    if (asked_ago and asked_ago > PATIENCE) or (late and late < timezone.now() - PATIENCE):
        said = _("Nothing is sent, and nothing is lost: events are captured and wait.")
        return Finding("worker", Level.BAD, f"{words} {said}", services.start_workers())
    return Finding("worker", Level.WARN, words, _("One has been asked to look just now: look here again in a minute."))


def _eager() -> tuple[str, str]:
    return (
        _("Celery is eager here: deliveries are made in learners' requests, and retries wait for a command."),
        _("For development only. Set CELERY_ALWAYS_EAGER to False and run a worker, or run webhooks_deliver --loop."),
    )


def _backlog(late: datetime | None) -> Finding:
    now = timezone.now()
    if late is None or late > now - PATIENCE:
        return Finding("backlog", Level.OK, _("Nothing is late."))
    too_old = app_settings.BACKLOG_ALERT_SECONDS and late < now - timedelta(seconds=app_settings.BACKLOG_ALERT_SECONDS)
    return Finding(
        "backlog",
        Level.BAD if too_old else Level.WARN,
        _("Deliveries that could be sent have waited for %s.") % lasting(now - late),
        _("If workers run, they are behind: give DELIVERY_QUEUE a queue and a worker of its own, or more workers."),
    )


def _clock(worker: Worker | None) -> Finding:
    """This machine's and the last worker's against the database's."""
    ours = abs(Mark.objects.writable().clock_ahead())
    theirs = abs(worker.clock_ahead) if worker else 0.0
    if ours > _CLOCKS_DIFFER_SECONDS:
        words = _("The clocks of this machine and of the database differ by %.0f seconds.") % ours
    elif theirs > _CLOCKS_DIFFER_SECONDS:
        words = _("The clocks of the worker %(name)s and of the database differ by %(seconds).0f seconds.") % {
            "name": worker.name,
            "seconds": theirs,
        }
    else:
        return Finding("clock", Level.OK, _("The clocks agree."))
    remedy = _("Keep the machines' time with NTP: retries come late or early, and receivers refuse old signatures.")
    return Finding("clock", Level.WARN, words, remedy)
