"""The name by which a configuration file knows a hook, and the file that it was last applied from."""

from django.db import migrations, models

import openedx_webhooks.models.validators

from ._operations import AddField


def _name(**options):
    return models.CharField(
        blank=True,
        help_text="By which a configuration file knows this hook, such as crm-logins. Leave it empty: it gets one when the configuration is downloaded.",
        max_length=100,
        null=True,
        validators=[openedx_webhooks.models.validators.validate_name],
        verbose_name="name",
        **options,
    )


class Migration(migrations.Migration):
    dependencies = [("openedx_webhooks", "0014_marks")]
    operations = [
        AddField("historicalwebfilter", "name", _name(db_index=True)),
        AddField("historicalwebhook", "name", _name(db_index=True)),
        AddField("webfilter", "name", _name(unique=True)),
        AddField("webhook", "name", _name(unique=True)),
        AddField("webfilter", "applied_from", models.CharField(blank=True, default="", editable=False, max_length=255)),
        AddField("webhook", "applied_from", models.CharField(blank=True, default="", editable=False, max_length=255)),
    ]
