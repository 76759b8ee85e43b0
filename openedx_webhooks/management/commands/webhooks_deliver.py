"""``manage.py webhooks_deliver``: deliver what is due, without Celery or beside it."""

import contextlib
import signal
import threading
import time
from pathlib import Path

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils.translation import gettext as _

from ...operations import chores
from ...webhooks import deliver
from .. import output

_ALIVE_SECONDS = 1


class Command(BaseCommand):
    """For cron (``--once``), for a container of its own (``--loop``), and for machines that run no Celery."""

    help = (
        "Deliver the webhooks' deliveries that are due: once, or in a loop until the process is told to stop (SIGTERM, "
        "SIGINT). Safe beside Celery workers and beside itself."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser):
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--once", action="store_true", help="Deliver what is due now, then end (the default).")
        how.add_argument("--loop", action="store_true", help="Go on looking for due deliveries until told to stop.")
        parser.add_argument(
            "--interval", type=float, default=1.0, help="Seconds between two looks of the loop while nothing is due."
        )
        parser.add_argument(
            "--alive-file",
            metavar="PATH",
            type=Path,
            help="Touch this file as long as the database answers, every second at most: for probes of Kubernetes.",
        )

    def handle(self, *_args, **options):
        self._stop = threading.Event()
        self._total, self._started, self._line = deliver.Counts(), time.monotonic(), output.ProgressLine(self)
        self._alive_file, self._touch_at = options["alive_file"], 0.0
        with self._until_told_to_stop():
            while True:
                is_done = self._round(options["loop"])
                if self._stop.is_set() or (is_done and not options["loop"]):
                    break
                if is_done:
                    self._stop.wait(max(0.05, options["interval"]))
        self._show(self._total, is_last=True)

    @contextlib.contextmanager
    def _until_told_to_stop(self):
        """End what is under way, give back what isn't, and leave."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(number, lambda *_args: self._stop.set()) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _round(self, is_loop: bool) -> bool:
        """One run; whether it ended because nothing was due any more."""
        before = self._total
        try:
            counts = deliver.deliver_due(tick=lambda counts: self._tick(before.plus(counts)), stop=self._stop.is_set)
        except (DatabaseError, InterfaceError) as error:
            if not is_loop:
                raise
            self.stderr.write(_("The database is away, or not migrated (%s); trying again.") % type(error).__name__)
            close_old_connections()
            return True
        self._total = before.plus(counts)
        self._touch()
        chores.run_when_due()
        return not counts.out_of_time

    def _tick(self, counts: deliver.Counts) -> None:
        self._show(counts)
        # Not before something was claimed: until then the database may be away.
        if counts.attempts:
            self._touch()

    def _touch(self) -> None:
        """Show a probe that this process does its work."""
        now = time.monotonic()
        if self._alive_file and now >= self._touch_at:
            self._touch_at = now + _ALIVE_SECONDS
            self._alive_file.touch()

    def _show(self, counts: deliver.Counts, is_last: bool = False) -> None:
        if not is_last and not counts.attempts:
            return
        line = _(
            "%(delivered)d delivered, %(retried)d to be tried again, %(failed)d failed, %(skipped)d skipped; "
            "%(rate).0f/s"
        ) % {
            "delivered": counts.delivered,
            "retried": counts.retried,
            "failed": counts.failed,
            "skipped": counts.skipped,
            "rate": counts.attempts / max(0.001, time.monotonic() - self._started),
        }
        self._line.show(line, is_last)
