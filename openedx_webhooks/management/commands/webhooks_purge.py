"""``manage.py webhooks_purge``: remove old payloads and records now."""

import math
import time

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ...models import Webfilter, Webhook
from ...operations import keeping, retention

_TERMINAL_SECONDS = 0.2
_LOG_SECONDS = 10


def days(text: str) -> float:
    """
    A number of days; argparse shows this function's name.

    Raises:
        ValueError: it is none.
    """
    days = float(text)
    if math.isnan(days) or days < 0:
        raise ValueError
    return days


class Command(BaseCommand):
    """What workers do hourly, without a limit of time; or for one hook, or another age."""

    help = (
        "Remove what was recorded of finished deliveries and of calls, as RETENTION_PAYLOAD_DAYS, RETENTION_ROW_DAYS, "
        "RETENTION_FAILED_DAYS and the hooks say, or what is older than some days. What is pending is never touched. "
        "Safe at any time."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--older-than",
            metavar="DAYS",
            type=days,
            help="Delete what is older than this instead, whatever settings and hooks say; 0: all that is finished.",
        )
        hook = parser.add_mutually_exclusive_group()
        hook.add_argument("--webhook", metavar="ID", type=int, help="Only the deliveries of this webhook.")
        hook.add_argument("--webfilter", metavar="ID", type=int, help="Only the calls of this webfilter.")
        parser.add_argument(
            "--payloads-only", action="store_true", help="Empty payloads and responses, and delete no record."
        )
        parser.add_argument("--dry-run", action="store_true", help="Only say how much there is.")

    def handle(self, *_args, **options):
        what = self._chosen(options)
        try:
            if not what.records():
                self.stdout.write(_("The settings keep everything: give --older-than."))
                return
            if options["dry_run"]:
                counts = retention.count(what)
                self._write(_("Would be deleted: %(deleted)d records; emptied: %(emptied)d."), counts)
                return
            self._shown_at = time.monotonic() + _TERMINAL_SECONDS
            counts = retention.purge(what, tick=self._show)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        self._write(_("Deleted: %(deleted)d records; emptied: %(emptied)d."), counts)

    @staticmethod
    def _chosen(options) -> retention.Purge:
        webhook_id, webfilter_id = options["webhook"], options["webfilter"]
        if webhook_id is not None and not Webhook.objects.filter(pk=webhook_id).exists():
            raise CommandError(_("There is no webhook %d.") % webhook_id)
        if webfilter_id is not None and not Webfilter.objects.filter(pk=webfilter_id).exists():
            raise CommandError(_("There is no webfilter %d.") % webfilter_id)
        before = None if options["older_than"] is None else keeping.days_ago(options["older_than"])
        return retention.Purge(before, options["payloads_only"], webhook_id, webfilter_id)

    def _show(self, counts: retention.Counts) -> None:
        """A line that is overwritten on a terminal, and a line now and then in a log."""
        now, is_terminal = time.monotonic(), self.stdout.isatty()
        if now < self._shown_at:
            return
        self._shown_at = now + (_TERMINAL_SECONDS if is_terminal else _LOG_SECONDS)
        self._write(_("Deleted: %(deleted)d records; emptied: %(emptied)d …"), counts, is_last=False)

    def _write(self, text: str, counts: retention.Counts, is_last: bool = True) -> None:
        line = text % {"deleted": counts.deleted, "emptied": counts.emptied}
        is_terminal = self.stdout.isatty()
        self.stdout.write(f"\r{line}\x1b[K" if is_terminal else line, ending="\n" if is_last or not is_terminal else "")
        self.stdout.flush()
