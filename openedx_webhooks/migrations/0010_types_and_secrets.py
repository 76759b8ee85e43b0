"""``event`` holds the dotted type, and every hook signs with a secret of its own, those that were there before too."""

from django.db import migrations

import openedx_webhooks.models.encrypted_fields
import openedx_webhooks.transport.signing
from openedx_webhooks import catalog

from ._hooks import (
    FILTER_ALIASES,
    disable_misread,
    give_secrets,
    keep_published_format,
    published_format,
    rename_events,
)


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


def _keep_formats(apps, schema_editor):
    payload_format = published_format(schema_editor.connection.alias)
    for model in ("Webhook", "Webfilter"):
        keep_published_format(apps.get_model("openedx_webhooks", model), schema_editor.connection.alias, payload_format)


def _give_secrets(apps, schema_editor):
    for model in ("Webhook", "Webfilter"):
        give_secrets(apps.get_model("openedx_webhooks", model), schema_editor.connection.alias)


def _disable_misread(apps, schema_editor):
    for model in ("Webhook", "Webfilter"):
        disable_misread(apps.get_model("openedx_webhooks", model), schema_editor.connection.alias)


def _secret_is_made(model_name):
    return migrations.AlterField(
        model_name=model_name,
        name="secret",
        field=openedx_webhooks.models.encrypted_fields.EncryptedTextField(
            blank=True,
            default=openedx_webhooks.transport.signing.new_secret,
            help_text="Signs every request. Give it to the receiver's developer.",
            verbose_name="signing secret",
        ),
    )


class Migration(migrations.Migration):
    """
    Short name → dotted type, and back; what the installed libraries don't know stays as it is stored. The body that its
    receiver gets already, and a secret, for each hook that was there. Every step may be run again.
    """

    dependencies = [("openedx_webhooks", "0009_captured_events")]
    operations = [
        migrations.RunPython(_rename(_dotted_event, _dotted_filter), _rename(_short_event, _short_filter)),
        migrations.RunPython(_keep_formats, migrations.RunPython.noop),
        migrations.RunPython(_give_secrets, migrations.RunPython.noop),
        _secret_is_made("webhook"),
        _secret_is_made("webfilter"),
        # Going back begins with it.
        migrations.RunPython(migrations.RunPython.noop, _disable_misread),
    ]
