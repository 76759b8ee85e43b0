"""Webfilters sign as webhooks do, each with a secret of its own, those that were there before too."""

from django.db import migrations, models

from openedx_webhooks.models import encrypted_fields as fields
from openedx_webhooks.transport import signing

from ._hooks import give_secrets


def _give_secrets(apps, schema_editor):
    give_secrets(apps.get_model("openedx_webhooks", "Webfilter"), schema_editor.connection.alias)


class Migration(migrations.Migration):
    """Three columns, a secret for each webfilter, and from here on a new one has its own at once."""

    dependencies = [("openedx_webhooks", "0012_deliveries")]
    operations = [
        migrations.AddField(
            model_name="webfilter", name="secret", field=fields.EncryptedTextField(blank=True, default="")
        ),
        migrations.AddField(
            model_name="webfilter",
            name="previous_secret",
            field=fields.EncryptedTextField(
                blank=True, default="", editable=False, verbose_name="previous signing secret"
            ),
        ),
        migrations.AddField(
            model_name="webfilter",
            name="previous_secret_expires_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.RunPython(_give_secrets, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="webfilter",
            name="secret",
            field=fields.EncryptedTextField(
                blank=True,
                default=signing.new_secret,
                help_text="Signs every request (Standard Webhooks). Give it to the receiver's developer.",
                verbose_name="signing secret",
            ),
        ),
    ]
