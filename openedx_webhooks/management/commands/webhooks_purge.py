"""``manage.py webhooks_purge``: remove old payloads and records now."""

import math

import attrs
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ...models import Webfilter, Webhook
from ...operations import keeping, retention
from .. import output


def days(text: str) -> float:
    """A number of days; argparse shows this function's name."""
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
            line, so_far = output.ProgressLine(self), _("Deleted: %(deleted)d records; emptied: %(emptied)d …")
            if options["dry_run"]:
                said, counts = _("Would be deleted: %(deleted)d records; emptied: %(emptied)d."), retention.count(what)
            else:
                said = _("Deleted: %(deleted)d records; emptied: %(emptied)d.")
                counts = retention.purge(what, tick=lambda counts: line.show(so_far % attrs.asdict(counts)))
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        line.show(said % attrs.asdict(counts), is_last=True)

    @staticmethod
    def _chosen(options) -> retention.Purge:
        webhook_id, webfilter_id = options["webhook"], options["webfilter"]
        if webhook_id is not None and not Webhook.objects.filter(pk=webhook_id).exists():
            raise CommandError(_("There is no webhook %d.") % webhook_id)
        if webfilter_id is not None and not Webfilter.objects.filter(pk=webfilter_id).exists():
            raise CommandError(_("There is no webfilter %d.") % webfilter_id)
        before = None if options["older_than"] is None else keeping.days_ago(options["older_than"])
        return retention.Purge(before, options["payloads_only"], webhook_id, webfilter_id)
