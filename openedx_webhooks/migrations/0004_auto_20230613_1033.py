"""Form encoding."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add ``use_www_form_encoding`` to both kinds of hook."""

    dependencies = [("openedx_webhooks", "0003_auto_20230607_1246")]
    operations = [
        migrations.AddField(name, "use_www_form_encoding", models.BooleanField(default=False))
        for name in ("Webhook", "Webfilter")
    ]
