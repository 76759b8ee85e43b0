"""The outbox, its attempts, and the calls of webfilters."""

import uuid

import jsonfield
from django.db import migrations, models
from django.utils import timezone

from openedx_webhooks.models import encrypted_fields as fields
from openedx_webhooks.transport import signing


class Migration(migrations.Migration):
    """Three tables; and from here on a new webhook has a secret of its own at once."""

    dependencies = [("openedx_webhooks", "0011_signing_secrets")]
    operations = [
        migrations.AlterField(
            model_name="webhook",
            name="secret",
            field=fields.EncryptedTextField(
                blank=True,
                default=signing.new_secret,
                help_text="Signs every request (Standard Webhooks). Give it to the receiver's developer.",
                verbose_name="signing secret",
            ),
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "message_id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        help_text="Sent as webhook-id; the same in every attempt and replay.",
                        verbose_name="message id",
                    ),
                ),
                (
                    "event_id",
                    models.UUIDField(help_text="The id in the event's own metadata.", verbose_name="event id"),
                ),
                ("event_type", models.CharField(max_length=255, verbose_name="event type")),
                ("payload", jsonfield.JSONField(blank=True, null=True, verbose_name="payload")),
                ("user_id", models.BigIntegerField(blank=True, db_index=True, null=True, verbose_name="user id")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("delivered", "Delivered"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="pending",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("attempt_count", models.PositiveIntegerField(default=0, verbose_name="attempts")),
                ("schedule_position", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "next_attempt_at",
                    models.DateTimeField(blank=True, default=timezone.now, null=True, verbose_name="next attempt at"),
                ),
                ("claimed_by", models.UUIDField(blank=True, editable=False, null=True)),
                ("claimed_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created", models.DateTimeField(db_index=True, default=timezone.now, verbose_name="created")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "webhook",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=models.CASCADE,
                        related_name="deliveries",
                        to="openedx_webhooks.webhook",
                    ),
                ),
            ],
            options={"verbose_name": "delivery", "verbose_name_plural": "deliveries", "ordering": ["-pk"]},
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(verbose_name="started at")),
                ("duration", models.FloatField(default=0, verbose_name="duration in seconds")),
                ("status_code", models.PositiveIntegerField(blank=True, null=True, verbose_name="status code")),
                ("error", models.CharField(blank=True, default="", max_length=255, verbose_name="error")),
                ("request_bytes", models.PositiveIntegerField(default=0, verbose_name="bytes sent")),
                ("response_bytes", models.PositiveIntegerField(default=0, verbose_name="bytes received")),
                ("response_excerpt", models.TextField(blank=True, default="", verbose_name="response")),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=models.CASCADE, related_name="attempts", to="openedx_webhooks.delivery"
                    ),
                ),
            ],
            options={"verbose_name": "attempt", "verbose_name_plural": "attempts", "ordering": ["pk"]},
        ),
        migrations.CreateModel(
            name="Call",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("message_id", models.UUIDField(default=uuid.uuid4, verbose_name="message id")),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("enforce", "Enforce: answers change the data or halt the process"),
                            ("observe", "Observe: answers are recorded and nothing else"),
                        ],
                        max_length=10,
                        verbose_name="mode",
                    ),
                ),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("passed", "Passed"),
                            ("changed", "Changed data"),
                            ("halted", "Halted"),
                            ("ignored", "Ignored: no usable answer"),
                        ],
                        max_length=10,
                        verbose_name="result",
                    ),
                ),
                ("changed_keys", models.CharField(blank=True, default="", max_length=255, verbose_name="changed keys")),
                ("started_at", models.DateTimeField(default=timezone.now, verbose_name="started at")),
                ("duration", models.FloatField(default=0, verbose_name="duration in seconds")),
                ("status_code", models.PositiveIntegerField(blank=True, null=True, verbose_name="status code")),
                ("error", models.CharField(blank=True, default="", max_length=255, verbose_name="error")),
                ("request_body", jsonfield.JSONField(blank=True, null=True, verbose_name="request body")),
                ("response_excerpt", models.TextField(blank=True, default="", verbose_name="response")),
                ("user_id", models.BigIntegerField(blank=True, db_index=True, null=True, verbose_name="user id")),
                (
                    "webfilter",
                    models.ForeignKey(on_delete=models.CASCADE, related_name="calls", to="openedx_webhooks.webfilter"),
                ),
            ],
            options={
                "verbose_name": "webfilter call",
                "verbose_name_plural": "webfilter calls",
                "ordering": ["-pk"],
                "indexes": [models.Index(fields=["webfilter", "started_at"], name="owh_call_webfilter_started")],
            },
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["state", "next_attempt_at", "webhook"], name="owh_delivery_due"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["webhook", "state", "next_attempt_at"], name="owh_delivery_webhook_due"),
        ),
        migrations.AddIndex(
            model_name="delivery", index=models.Index(fields=["webhook", "created"], name="owh_delivery_webhook_new")
        ),
        migrations.AddIndex(model_name="delivery", index=models.Index(fields=["event_id"], name="owh_delivery_event")),
        migrations.AddIndex(
            model_name="delivery", index=models.Index(fields=["message_id"], name="owh_delivery_message")
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("webhook", "event_id"), name="owh_delivery_once_per_event"),
        ),
    ]
