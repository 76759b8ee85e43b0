"""``manage.py webhooks_status``: is it running at all, and what to do if not."""

import json
import sys
import time

import attrs
from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext as _

from ...operations import services, status, workers
from ...operations.finding import Finding, Level
from ...webhooks import wakeups

_LOOK_SECONDS = 0.2
_STYLES = {Level.OK: "SUCCESS", Level.WARN: "WARNING", Level.BAD: "ERROR"}
_SIGNS = {Level.OK: "✓", Level.WARN: "!", Level.BAD: "✕"}


class Command(BaseCommand):
    """For operators, and for scripts that go by its exit status."""

    help = (
        "Say whether workers deliver, which queue is used, whether database, broker and cache answer and clocks agree, "
        "and what to do if not. Ends with 1 if something is bad: nothing is sent, or far too late."
    )
    requires_migrations_checks = False
    requires_system_checks: list[str] = []

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="Print JSON: status, and findings with their remedies.")
        parser.add_argument(
            "--wait",
            type=float,
            default=10.0,
            metavar="SECONDS",
            help="If no worker was seen lately, ask one to look and wait for it so long (10); 0: don't.",
        )

    def handle(self, *_args, **options):
        is_asked = options["wait"] > 0 and self._ask_worker(options["wait"])
        found = status.look()
        if is_asked:
            found = attrs.evolve(
                found, findings=[self._not_answered(finding, options["wait"]) for finding in found.findings]
            )
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
        else:
            for finding in found.findings:
                self._write(finding)
        if found.level is Level.BAD:
            sys.exit(1)

    @staticmethod
    def _ask_worker(seconds: float) -> bool:
        """Ask a worker if none was seen lately; whether none has answered then."""
        try:
            if wakeups.is_eager() or workers.is_seen() or not workers.ask():
                return False
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if workers.is_seen():
                    return False
                time.sleep(_LOOK_SECONDS)
        except (DatabaseError, InterfaceError):
            # Said by the findings.
            return False
        return True

    @staticmethod
    def _not_answered(finding: Finding, seconds: float) -> Finding:
        if finding.name != "worker" or finding.level is Level.OK:
            return finding
        words = _("%(found)s One was asked now, and none answered within %(seconds)g seconds.") % {
            "found": finding.words,
            "seconds": seconds,
        }
        return attrs.evolve(finding, level=Level.BAD, words=words, remedy=services.start_workers())

    def _write(self, finding: Finding) -> None:
        style = getattr(self.style, _STYLES[finding.level])
        self.stdout.write(style(f"{_SIGNS[finding.level]} {finding.name}: {finding.words}"))
        if finding.remedy:
            self.stdout.write(f"  → {finding.remedy}")
