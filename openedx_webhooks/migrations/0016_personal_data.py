"""How much personal data leaves with a webhook. Made by makemigrations."""

from django.db import migrations, models

import openedx_webhooks.models.encrypted_fields
import openedx_webhooks.payloads.personal_modes

from ._operations import AddField, columns


def _mode():
    return models.CharField(
        choices=openedx_webhooks.payloads.personal_modes.choices(),
        default="full",
        help_text="How much of what the event says about people is sent. The shape works on what is left; the condition on everything, since it sends nothing.",
        max_length=20,
        verbose_name="personal data",
    )


def _disable_restricted(apps, schema_editor):
    """An older version would send everything. An interrupted run may have gone further already."""
    model = apps.get_model("openedx_webhooks", "Webhook")
    if "personal_data" in columns(schema_editor, model._meta.db_table):
        rows = model._base_manager.using(schema_editor.connection.alias)  # pylint: disable=protected-access
        rows.exclude(personal_data="full").update(enabled=False)


class Migration(migrations.Migration):
    dependencies = [("openedx_webhooks", "0015_names")]

    operations = [
        AddField(model_name="historicalwebhook", name="personal_data", field=_mode()),
        AddField(model_name="webhook", name="personal_data", field=_mode()),
        AddField(
            model_name="webhook",
            name="pseudonym_key",
            field=openedx_webhooks.models.encrypted_fields.EncryptedTextField(
                blank=True, default="", editable=False, verbose_name="key of the pseudonyms"
            ),
        ),
        # Going back begins with it.
        migrations.RunPython(migrations.RunPython.noop, _disable_restricted),
    ]
