"""``manage.py webhooks_apply``: make the hooks what a file says."""

import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ...operations import configuration
from ...operations.configuration.plan import in_words

_DIFFERS = 2


class Command(BaseCommand):
    """All of it in one transaction, or nothing."""

    help = (
        "Make webhooks and webfilters what a YAML file says, as webhooks_export prints it: all of it or, if something "
        "is wrong, nothing. Hooks are recognised by their name. Done again, it changes nothing."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE", help="The YAML file; - reads standard input.")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Only print the difference. The exit status is 2 if there is one, 0 if there is none.",
        )
        parser.add_argument(
            "--prune",
            action="store_true",
            help="Also delete the hooks that were applied from a file of this name and are no longer in it, with what "
            "was recorded of them.",
        )

    def handle(self, *_args, **options):
        path, is_dry, is_piped = Path(options["file"]), options["dry_run"], options["file"] == "-"
        if is_piped and options["prune"]:
            raise CommandError(_("--prune needs a file with a name: what was applied from it is known by that."))
        try:
            text, source = (sys.stdin.buffer.read(), "-") if is_piped else (path.read_bytes(), path.name)
        except OSError as error:
            raise CommandError(
                _("%(file)s can't be read: %(reason)s.") % {"file": path, "reason": error.strerror}
            ) from error
        try:
            plan = configuration.apply(text, source, prune=options["prune"], is_dry=is_dry)
        except configuration.Mistakes as mistakes:
            raise CommandError("\n".join([*mistakes.texts, _("Nothing was changed.")])) from mistakes
        for line in in_words(plan, is_done=not is_dry):
            self.stdout.write(line)
        if is_dry and plan.steps:
            sys.exit(_DIFFERS)
