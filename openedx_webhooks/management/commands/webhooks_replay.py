"""``manage.py webhooks_replay``: send deliveries again, and past events for the first time."""

import argparse
import re
from datetime import datetime, timedelta
from time import sleep

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from ...models import Delivery, Webhook
from ...models.delivery_verbs import chunked
from ...webhooks import replay, resending

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_SHOW_SECONDS = 2
# Of past events at once, if nobody says otherwise.
_LIMIT = 10_000
_OF_EVENTS = ("since", "until", "learner", "course", "limit")


class Command(BaseCommand):
    """Single deliveries, what failed for a webhook since a time, or captured events that it was never owed."""

    help = (
        "Send deliveries again: single ones by number, or everything that failed for a webhook since a time. Or send "
        "captured events (--events) to a webhook that was not there when they happened. They become due at "
        "REPLAY_PER_SECOND and are sent by the workers, or by webhooks_deliver."
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
        past = parser.add_argument_group("captured events, for --webhook ID --events")
        past.add_argument("--events", action="store_true", help="Send the captured events that it was not owed yet.")
        past.add_argument("--since", metavar="WHEN", help="Captured since then; default: as far as they are kept.")
        past.add_argument("--until", metavar="WHEN", help="Captured until then; default: now.")
        past.add_argument("--learner", default="", help="Only those about this username or user id.")
        past.add_argument("--course", metavar="KEY", default="", help="Only those about this course.")
        past.add_argument("--limit", type=_at_least_one, help=f"At most so many, the oldest; default: {_LIMIT}.")

    def handle(self, *_args, **options):
        if options["events"]:
            self._events(options)
            return
        if stray := [f"--{name}" for name in _OF_EVENTS if options[name]]:
            raise CommandError(_("%s: give --events, too.") % ", ".join(stray))
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
            raise CommandError(
                _("Give either numbers of deliveries, or --webhook and --failed-since, or --webhook and --events.")
            )
        return replay.failed_since(self._webhook(options["webhook"]), _moment(options["failed_since"]))

    def _webhook(self, number: int) -> Webhook:
        webhook = Webhook.objects.filter(pk=number).first()
        if webhook is None:
            raise CommandError(_("There is no webhook %d.") % number)
        if webhook.removing_since:
            raise CommandError(_("Webhook %d is being removed.") % number)
        if not webhook.enabled:
            self.stderr.write(_("Webhook %d is disabled: nothing is sent until it is enabled.") % number)
        elif webhook.paused:
            self.stderr.write(_("Webhook %d is paused: nothing is sent until it is resumed.") % number)
        return webhook

    def _events(self, options) -> None:
        if not options["webhook"] or options["deliveries"] or options["failed_since"] or options["wait"]:
            raise CommandError(
                _("--events goes with --webhook, and with none of --failed-since, --wait or numbers of deliveries.")
            )
        webhook = self._webhook(options["webhook"])
        past = resending.Past(
            webhook.dotted_type,
            since=_moment(options["since"]) if options["since"] is not None else None,
            until=_moment(options["until"]) if options["until"] is not None else None,
            learner=options["learner"],
            course_key=options["course"],
        )
        choice = resending.Choice(past=past, to=webhook, limit=options["limit"] or _LIMIT)
        done = resending.advance(choice, resending.Progress(), act=not options["dry_run"])
        text = _("%d events would be sent.") if options["dry_run"] else _("%d events will be sent.")
        self.stdout.write(self.style.SUCCESS(text % done.tally[resending.DONE]))
        self.stdout.write(
            _("It was owed %(had)d already (replay is for them); its condition does not match %(unmatched)d.")
            % {"had": done.tally[resending.HAD], "unmatched": done.tally[resending.UNMATCHED]}
        )
        if done.is_cut:
            self.stderr.write(_("There are more than %d: run this again for the rest, or give --limit.") % choice.limit)

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


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(_("must be at least 1"))
    return number


def _moment(text: str) -> datetime:
    """``6h`` ago, a date, or a date and time; without an offset in the site's time zone."""
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
