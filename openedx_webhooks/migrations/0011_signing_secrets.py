"""Every webhook signs with a secret of its own, those that were there before too."""

from django.db import migrations

from openedx_webhooks.transport import signing

from ._hooks import chunks


def _give_secrets(apps, schema_editor):
    manager = apps.get_model("openedx_webhooks", "Webhook")._base_manager.using(schema_editor.connection.alias)
    for rows in chunks(manager.filter(secret=""), "secret"):
        for row in rows:
            row.secret = signing.new_secret()
        manager.bulk_update(rows, ["secret"], batch_size=100)


class Migration(migrations.Migration):
    """
    Give a secret to the webhooks that have none; those that have one keep it.

    Not as the default of the new column: that is made once and would be the same for all rows.
    """

    dependencies = [("openedx_webhooks", "0010_dotted_types")]
    operations = [migrations.RunPython(_give_secrets, migrations.RunPython.noop)]
