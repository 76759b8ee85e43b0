"""The webfilter table, as the published plugin made it."""

import django.utils.timezone
import model_utils.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    """A webfilter: one filter, one address, and what to do when the address does not answer well."""

    dependencies = [("openedx_webhooks", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Webfilter",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "created",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "modified",
                    model_utils.fields.AutoLastModifiedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="modified"
                    ),
                ),
                ("description", models.TextField(blank=True, default="")),
                ("event", models.CharField(max_length=50)),
                ("webhook_url", models.CharField(max_length=255)),
                ("enabled", models.BooleanField(default=True)),
                ("disable_halt", models.BooleanField(default=False)),
                ("halt_on_4xx", models.BooleanField(default=False)),
                ("redirect_on_4xx", models.CharField(blank=True, default="", max_length=255)),
                ("halt_on_5xx", models.BooleanField(default=False)),
                ("redirect_on_5xx", models.CharField(blank=True, default="", max_length=255)),
                ("halt_on_request_exception", models.BooleanField(default=False)),
                ("redirect_on_request_exception", models.CharField(blank=True, default="", max_length=255)),
            ],
        )
    ]
