"""``manage.py webhooks_export``: the configuration as YAML."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ...operations import configuration


class Command(BaseCommand):
    """What ``webhooks_apply`` takes."""

    help = (
        "Print all webhooks and webfilters as YAML that webhooks_apply takes, without any secret. Hooks without a name "
        "are given one."
    )

    def add_arguments(self, parser):
        parser.add_argument("--output", metavar="FILE", type=Path, help="Write it there instead of printing it.")
        parser.add_argument("--schema", action="store_true", help="Print a JSON Schema of such files, for editors.")

    def handle(self, *_args, **options):
        is_schema = options["schema"]
        text = json.dumps(configuration.schema(), indent=2) if is_schema else configuration.export()
        if options["output"] is None:
            self.stdout.write(text)
            return
        try:
            options["output"].write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(_("The file can't be written: %s.") % error.strerror) from error
