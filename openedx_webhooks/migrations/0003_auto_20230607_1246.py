"""Webfilters whose data may be ignored."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add ``disable_filtering``."""

    dependencies = [("openedx_webhooks", "0002_webfilter")]
    operations = [migrations.AddField("Webfilter", "disable_filtering", models.BooleanField(default=False))]
