"""Print what this installation sends and takes back, and what of it is personal data."""

import json

import yaml
from django.core.management.base import BaseCommand, CommandError

from openedx_webhooks import catalog
from openedx_webhooks.management import output
from openedx_webhooks.operations import personal_report, schema
from openedx_webhooks.payloads import personal_modes

_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Command(BaseCommand):
    """OpenAPI 3.1, or a report of personal data, on standard output."""

    help = (
        "Print an OpenAPI 3.1 document of every event and filter of this installation: JSON Schemas and samples of "
        "their payloads and, for filters, what may be answered. Or of each event what is personal data in it, and what "
        "each personal-data mode of a webhook sends of it."
    )

    def add_arguments(self, parser):
        parser.add_argument("types", nargs="*", metavar="TYPE", help="dotted types or short names; all without any")
        parser.add_argument("--format", choices=["json", "yaml"], default="json")
        output.add_option(parser)
        parser.add_argument(
            "--personal", action="store_true", help="of events: what is personal data, and what each mode sends of it"
        )
        parser.add_argument(
            "--mode",
            choices=list(personal_modes.MODES),
            default=personal_modes.FULL,
            help="the personal-data mode of the webhooks whose payloads are described",
        )

    def handle(self, *args, **options):
        hook_types = [self._find(name) for name in dict.fromkeys(options["types"])]
        if options["personal"]:
            made = self._personal(hook_types)
        else:
            if options["mode"] != personal_modes.FULL:
                self._refuse_filters(hook_types)
            made = schema.openapi(hook_types or None, options["mode"])
        text = json.dumps(made, indent=2, ensure_ascii=False)
        if options["format"] == "yaml":
            # From the JSON, in which nothing is shared: YAML would print an anchor and an alias instead.
            text = yaml.dump(json.loads(text), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
        output.write(self, text, options["output"])

    @classmethod
    def _personal(cls, hook_types):
        """The report, of all events if none is given."""
        cls._refuse_filters(hook_types)
        return {one.dotted: personal_report.report(one) for one in hook_types or catalog.events().values()}

    @staticmethod
    def _refuse_filters(hook_types):
        if no_event := next((one for one in hook_types if not isinstance(one, catalog.EventType)), None):
            raise CommandError(
                f"{no_event.name} is a filter, and webfilters are sent everything: without --personal and --mode, its "
                "schema says with x-personal-data what is personal."
            )

    @staticmethod
    def _find(name):
        found = catalog.find_event(name) or catalog.find_filter(name)
        if found is None:
            raise CommandError(f"This installation has no event or filter {name!r}. Without a name, all are printed.")
        return found
