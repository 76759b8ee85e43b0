"""``manage.py webhooks_export``: the configuration as YAML."""

import json

from django.core.management.base import BaseCommand

from ...operations import configuration
from .. import output


class Command(BaseCommand):
    """What ``webhooks_apply`` takes."""

    help = (
        "Print all webhooks and webfilters as YAML that webhooks_apply takes, without any secret. Hooks without a name "
        "are given one."
    )

    def add_arguments(self, parser):
        output.add_option(parser)
        parser.add_argument("--schema", action="store_true", help="Print a JSON Schema of such files, for editors.")

    def handle(self, *_args, **options):
        is_schema = options["schema"]
        text = json.dumps(configuration.schema(), indent=2) if is_schema else configuration.export()
        output.write(self, text, options["output"])
