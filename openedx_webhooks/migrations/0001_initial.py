"""The webhook table, as the published plugin made it."""

import django.utils.timezone
import model_utils.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    """A webhook: one event, one address."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Webhook",
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
                ("event", models.CharField(max_length=50)),
                ("webhook_url", models.CharField(max_length=255)),
                ("enabled", models.BooleanField(default=True)),
            ],
        )
    ]
