"""``event`` holds the dotted type: a class may be renamed by a new library release, its type may not."""

from django.db import migrations

from openedx_webhooks import catalog

from ._hooks import FILTER_ALIASES, rename_events


def _dotted_event(name):
    known = catalog.find_event(name)
    return known.event_type if known else name


def _dotted_filter(name):
    # The published 0008 has renamed the aliases already, except in rows that were restored or written since.
    known = catalog.find_filter(name) or catalog.find_filter(FILTER_ALIASES.get(name, name))
    return known.filter_type if known else name


def _short_event(event_type):
    known = catalog.find_event(event_type)
    return known.name if known else event_type


def _short_filter(filter_type):
    known = catalog.find_filter(filter_type)
    return known.name if known else filter_type


def _rename(event_name, filter_name):
    def run(apps, schema_editor):
        for model, new_name in (("Webhook", event_name), ("Webfilter", filter_name)):
            rename_events(apps.get_model("openedx_webhooks", model), schema_editor.connection.alias, new_name)

    return run


class Migration(migrations.Migration):
    """Short name → dotted type, and back. What the installed libraries don't know stays as it is stored."""

    dependencies = [("openedx_webhooks", "0009_hook_options")]
    operations = [migrations.RunPython(_rename(_dotted_event, _dotted_filter), _rename(_short_event, _short_filter))]
