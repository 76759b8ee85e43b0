"""Print what this installation sends and takes back."""

import json

import yaml
from django.core.management.base import BaseCommand, CommandError

from openedx_webhooks import catalog
from openedx_webhooks.operations import schema

_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Command(BaseCommand):
    """OpenAPI 3.1 on standard output."""

    help = (
        "Print an OpenAPI 3.1 document of every event and filter of this installation: JSON Schemas and samples of "
        "their payloads and, for filters, what may be answered."
    )

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("types", nargs="*", metavar="TYPE", help="dotted types or short names; all without any")
        parser.add_argument("--format", choices=["json", "yaml"], default="json")

    def handle(self, *args, **options):
        """
        Print the document.

        Raises:
            CommandError: for a type that this installation doesn't know.
        """
        hook_types = [self._find(name) for name in dict.fromkeys(options["types"])]
        text = json.dumps(schema.openapi(hook_types or None), indent=2, ensure_ascii=False)
        if options["format"] == "yaml":
            # From the JSON, in which nothing is shared: YAML would print an anchor and an alias instead.
            text = yaml.dump(json.loads(text), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
        self.stdout.write(text)

    @staticmethod
    def _find(name):
        found = catalog.find_event(name) or catalog.find_filter(name)
        if found is None:
            raise CommandError(f"This installation has no event or filter {name!r}. Without a name, all are printed.")
        return found
