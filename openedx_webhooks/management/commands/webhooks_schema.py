"""Print what this installation sends and takes back, and what of it is personal data."""

import json

import yaml
from django.core.management.base import BaseCommand, CommandError

from openedx_webhooks import catalog
from openedx_webhooks.management import output
from openedx_webhooks.operations import personal_report, schema

_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Command(BaseCommand):
    """OpenAPI 3.1, or a report of personal data, on standard output."""

    help = (
        "Print an OpenAPI 3.1 document of every event and filter of this installation: JSON Schemas and samples of "
        "their payloads and, for filters, what may be answered. Or of each event what is personal data in it, and what "
        "each personal-data mode of a webhook sends of it."
    )

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("types", nargs="*", metavar="TYPE", help="dotted types or short names; all without any")
        parser.add_argument("--format", choices=["json", "yaml"], default="json")
        output.add_option(parser)
        parser.add_argument(
            "--personal", action="store_true", help="of events: what is personal data, and what each mode sends of it"
        )

    def handle(self, *args, **options):
        """
        Print the document.

        Raises:
            CommandError: for a type that this installation doesn't know, or that has no such report; the file can't
                be written.
        """
        hook_types = [self._find(name) for name in dict.fromkeys(options["types"])]
        made = self._personal(hook_types) if options["personal"] else schema.openapi(hook_types or None)
        text = json.dumps(made, indent=2, ensure_ascii=False)
        if options["format"] == "yaml":
            # From the JSON, in which nothing is shared: YAML would print an anchor and an alias instead.
            text = yaml.dump(json.loads(text), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
        output.write(self, text, options["output"])

    @staticmethod
    def _personal(hook_types):
        """The report, of all events if none is given."""
        if no_event := next((one for one in hook_types if not isinstance(one, catalog.EventType)), None):
            raise CommandError(
                f"{no_event.name} is a filter, and webfilters are sent everything: without --personal, its schema "
                "says with x-personal-data what is personal."
            )
        return {one.dotted: personal_report.report(one) for one in hook_types or catalog.events().values()}

    @staticmethod
    def _find(name):
        found = catalog.find_event(name) or catalog.find_filter(name)
        if found is None:
            raise CommandError(f"This installation has no event or filter {name!r}. Without a name, all are printed.")
        return found
