"""When workers were last seen, and what operators have been told."""

from django.db import migrations, models

from ._operations import CreateModel


class Migration(migrations.Migration):
    """One small table."""

    dependencies = [("openedx_webhooks", "0013_keeping")]

    operations = [
        CreateModel(
            name="Mark",
            fields=[
                ("name", models.CharField(max_length=150, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("value", models.CharField(blank=True, default="", max_length=20)),
            ],
            options={"permissions": [("view_monitoring", "Can read health and metrics")], "default_permissions": ()},
        )
    ]
