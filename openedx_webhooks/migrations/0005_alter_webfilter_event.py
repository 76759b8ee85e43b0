"""The published plugin changed the choices of a form here; the database stays as it is."""

from django.db import migrations


class Migration(migrations.Migration):
    """Nothing, under the name that existing databases have recorded."""

    dependencies = [("openedx_webhooks", "0004_auto_20230613_1033")]
    operations = []
