"""Tallies by hour and day. New tables, and a column of the two small ones: nothing here takes long."""

import django.db.models.deletion
from django.db import migrations, models

import openedx_webhooks.models.json_fields

from ._operations import AddField, CreateModel


def _hook(model):
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="tallies",
        to=f"openedx_webhooks.{model}",
    )


class Migration(migrations.Migration):
    dependencies = [("openedx_webhooks", "0016_personal_data")]

    operations = [
        AddField("webfilter", "recovered_at", models.DateTimeField(blank=True, editable=False, null=True)),
        AddField("webhook", "recovered_at", models.DateTimeField(blank=True, editable=False, null=True)),
        CreateModel(
            name="TallyMark",
            fields=[
                ("source", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("counted_to", models.BigIntegerField(default=0)),
                ("seen_to", models.BigIntegerField(default=0)),
                ("seen_at", models.DateTimeField()),
            ],
            options={"default_permissions": ()},
        ),
        CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("span", models.PositiveSmallIntegerField(choices=[(1, "Hour"), (24, "Day")])),
                ("start", models.DateTimeField()),
                ("counts", openedx_webhooks.models.json_fields.JSONTextField(default=dict)),
                ("webfilter", _hook("webfilter")),
                ("webhook", _hook("webhook")),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["start"], name="owh_tally_start")],
                "constraints": [
                    models.UniqueConstraint(fields=("webhook", "span", "start"), name="owh_tally_webhook"),
                    models.UniqueConstraint(fields=("webfilter", "span", "start"), name="owh_tally_webfilter"),
                ],
            },
        ),
        # No table of its own.
        migrations.CreateModel(
            name="Overview",
            fields=[],
            options={
                "verbose_name": "overview",
                "verbose_name_plural": " Overview",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("openedx_webhooks.tally",),
        ),
    ]
