"""``manage.py webhooks_replay``: send deliveries again."""

import re
from datetime import datetime, timedelta
from time import sleep

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from ...models import Delivery, Webhook
from ...models.delivery_verbs import chunked
from ...webhooks import replay

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_SHOW_SECONDS = 2


class Command(BaseCommand):
    """Everything that failed for a webhook since a time, or single deliveries."""

    help = (
        "Send deliveries again: single ones by number, or everything that failed for a webhook since a time. They "
        "become due at REPLAY_PER_SECOND and are sent by the workers, or by webhooks_deliver."
    )

    def add_arguments(self, parser):
        parser.add_argument("deliveries", nargs="*", type=int, help="Numbers of deliveries.")
        parser.add_argument("--webhook", type=int, help="Number of a webhook: what failed for it …")
        parser.add_argument(
            "--failed-since",
            metavar="WHEN",
            help="… since then: 30m, 6h, 2d (ago), a date, or a date and time (2026-11-24T08:00:00+00:00).",
        )
        parser.add_argument("--wait", action="store_true", help="Wait until all were tried, and show the progress.")
        parser.add_argument("--dry-run", action="store_true", help="Only say how many there are.")

    def handle(self, *_args, **options):
        deliveries = self._chosen(options)
        if options["dry_run"]:
            self.stdout.write(_("%d deliveries would be sent again.") % deliveries.replayable().count())
            return
        ids = list(deliveries.replayable().values_list("pk", flat=True)) if options["wait"] else []
        since = timezone.now()
        count = replay.replay(deliveries, progress=lambda count: self.stdout.write(_("%d scheduled") % count))
        self.stdout.write(self.style.SUCCESS(_("%d deliveries will be sent again.") % count))
        if ids:
            self._wait(ids, since)

    def _chosen(self, options):
        if options["deliveries"] and not options["webhook"] and not options["failed_since"]:
            return Delivery.objects.filter(pk__in=options["deliveries"])
        if options["deliveries"] or not options["webhook"] or not options["failed_since"]:
            raise CommandError(_("Give either numbers of deliveries, or both --webhook and --failed-since."))
        webhook = Webhook.objects.filter(pk=options["webhook"]).first()
        if webhook is None:
            raise CommandError(_("There is no webhook %d.") % options["webhook"])
        if not webhook.enabled:
            self.stderr.write(_("Webhook %d is disabled: nothing is sent until it is enabled.") % webhook.pk)
        return replay.failed_since(webhook, _moment(options["failed_since"]))

    def _wait(self, ids, since) -> None:
        """Until each was delivered, given up, or at least tried once and waits for its next attempt."""
        while True:
            untried = sum(
                Delivery.objects.filter(pk__in=chunk, state=Delivery.State.PENDING, schedule_position=0).count()
                for chunk in chunked(ids)
            )
            self.stdout.write(_("%(done)d of %(all)d tried") % {"done": len(ids) - untried, "all": len(ids)})
            if not untried:
                break
            sleep(_SHOW_SECONDS)
        delivered = sum(
            Delivery.objects.filter(pk__in=chunk, state=Delivery.State.DELIVERED, finished_at__gte=since).count()
            for chunk in chunked(ids)
        )
        self.stdout.write(_("%(delivered)d of %(all)d delivered") % {"delivered": delivered, "all": len(ids)})


def _moment(text: str) -> datetime:
    """
    ``6h`` ago, a date, or a date and time; without an offset in the site's time zone.

    Raises:
        CommandError: it is none of these.
    """
    if match := re.fullmatch(r"(\d{1,6})([mhd])", text):
        return timezone.now() - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        moment = parse_datetime(text)
        if moment is None and (day := parse_date(text)):
            moment = datetime(day.year, day.month, day.day)  # noqa: DTZ001 (made aware below)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(_("“%s” is no time: use 30m, 6h, 2d, a date, or a date and time.") % text)
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
