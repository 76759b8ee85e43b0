"""Every webhook signs with a secret of its own, those that were there before too."""

from django.db import migrations

from ._hooks import give_secrets


def _give_secrets(apps, schema_editor):
    give_secrets(apps.get_model("openedx_webhooks", "Webhook"), schema_editor.connection.alias)


class Migration(migrations.Migration):
    """Give a secret to the webhooks that have none; those that have one keep it."""

    dependencies = [("openedx_webhooks", "0010_dotted_types")]
    operations = [migrations.RunPython(_give_secrets, migrations.RunPython.noop)]
