"""What becomes of events and calls, who changed a hook, and what operators and receivers are told: new tables only."""

import uuid

import django.db.models.deletion
import simple_history.models
from django.db import migrations, models
from django.utils import timezone

from openedx_webhooks.models.json_fields import JSONTextField

from ._fields import WEBFILTER, WEBHOOK
from ._operations import CreateModel

# Secrets, and what no operator edits.
_IN_NO_VERSION = {
    "applied_from",
    "consecutive_failures",
    "credentials",
    "failing_since",
    "headers",
    "name",
    "previous_secret",
    "previous_secret_expires_at",
    "pseudonym_key",
    "recovered_at",
    "removing_since",
    "secret",
    "warned_at",
}


def _id():
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


def _of(model, related_name, **options):
    """Rows that are removed in chunks, in the background: without a constraint, which would lock what they belong to."""
    return models.ForeignKey(
        f"openedx_webhooks.{model}",
        db_constraint=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name=related_name,
        **options,
    )


def _one_of_webhook():
    return models.OneToOneField(
        "openedx_webhooks.webhook",
        db_constraint=False,
        on_delete=django.db.models.deletion.CASCADE,
        primary_key=True,
        related_name="+",
        serialize=False,
    )


def _name_of_version():
    """Several versions have the same."""
    field = WEBHOOK["name"].clone()
    field._unique, field.db_index = False, True  # pylint: disable=protected-access
    return field


def _versions(model, label, fields):
    return CreateModel(
        name=f"Historical{model}",
        fields=[
            ("changed_secrets", models.CharField(blank=True, default="", editable=False, max_length=500)),
            ("id", models.IntegerField(blank=True, db_index=True)),
            ("name", _name_of_version()),
            *((name, field.clone()) for name, field in fields.items() if name not in _IN_NO_VERSION),
            ("history_change_reason", models.CharField(max_length=500, null=True)),
            ("history_user_id", models.BigIntegerField(null=True)),
            ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
            ("history_date", models.DateTimeField()),
            (
                "history_type",
                models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
            ),
        ],
        options={
            "verbose_name": f"historical {label}",
            "verbose_name_plural": f"historical {label}s",
            "ordering": ("-history_date", "-history_id"),
            "get_latest_by": ("history_date", "history_id"),
            "default_permissions": (),
        },
        bases=(simple_history.models.HistoricalChanges, models.Model),
    )


class Migration(migrations.Migration):
    dependencies = [("openedx_webhooks", "0009_columns_of_hooks")]
    operations = [
        _versions("Webhook", "webhook", WEBHOOK),
        _versions("Webfilter", "webfilter", WEBFILTER),
        CreateModel(
            name="CapturedEvent",
            fields=[
                ("id", _id()),
                (
                    "event_id",
                    models.UUIDField(
                        help_text="The id in the event's own metadata.", unique=True, verbose_name="event id"
                    ),
                ),
                ("event_type", models.CharField(max_length=255, verbose_name="event type")),
                (
                    "time",
                    models.DateTimeField(help_text="When it happened, in the event's own words.", verbose_name="time"),
                ),
                ("created", models.DateTimeField(db_index=True, default=timezone.now, verbose_name="captured")),
                ("user_id", models.BigIntegerField(blank=True, db_index=True, null=True, verbose_name="user id")),
                (
                    "username",
                    models.CharField(blank=True, db_index=True, default="", max_length=150, verbose_name="username"),
                ),
                (
                    "course_key",
                    models.CharField(blank=True, db_index=True, default="", max_length=255, verbose_name="course"),
                ),
                (
                    "org",
                    models.CharField(
                        blank=True, db_index=True, default="", max_length=255, verbose_name="organisation"
                    ),
                ),
                ("is_sample", models.BooleanField(default=False, verbose_name="sample")),
                ("keep_payload", models.BooleanField(default=True, editable=False)),
                ("payload", JSONTextField(blank=True, null=True, verbose_name="payload")),
            ],
            options={
                "verbose_name": "captured event",
                "verbose_name_plural": "captured events",
                "ordering": ["-pk"],
                "permissions": [
                    ("view_payload", "Can see personal data: payloads, bodies, names and e-mail addresses")
                ],
                "indexes": [models.Index(fields=["event_type", "created"], name="owh_event_type_created")],
            },
        ),
        CreateModel(
            name="Delivery",
            fields=[
                ("id", _id()),
                ("event", _of("capturedevent", "deliveries", db_index=False)),
                ("webhook", _of("webhook", "deliveries", db_index=False)),
                (
                    "message_id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        help_text="Sent as webhook-id; the same in every attempt and replay.",
                        verbose_name="message id",
                    ),
                ),
                ("sequence", models.BigIntegerField(blank=True, editable=False, null=True, verbose_name="number")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("delivered", "Delivered"),
                            ("failed", "Failed"),
                            ("skipped", "Skipped"),
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
                ("scheduled_at", models.DateTimeField(default=timezone.now, editable=False)),
                ("claimed_by", models.UUIDField(blank=True, editable=False, null=True)),
                ("claimed_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created", models.DateTimeField(db_index=True, default=timezone.now, verbose_name="created")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "ordering": ["-pk"],
                "permissions": [("replay_delivery", "Can replay, retry and cancel deliveries")],
                "constraints": [
                    models.UniqueConstraint(fields=("event", "webhook"), name="owh_delivery_once_per_event")
                ],
                "indexes": [
                    models.Index(fields=["state", "next_attempt_at", "webhook"], name="owh_delivery_due"),
                    models.Index(fields=["webhook", "state", "next_attempt_at"], name="owh_delivery_webhook_due"),
                    models.Index(fields=["webhook", "created"], name="owh_delivery_webhook_new"),
                    models.Index(fields=["message_id"], name="owh_delivery_message"),
                    models.Index(fields=["webhook", "sequence", "created"], name="owh_delivery_sequence"),
                ],
            },
        ),
        CreateModel(
            name="Attempt",
            fields=[
                ("id", _id()),
                ("delivery", _of("delivery", "attempts")),
                ("started_at", models.DateTimeField(verbose_name="started at")),
                ("duration", models.FloatField(default=0, verbose_name="duration in seconds")),
                ("status_code", models.PositiveIntegerField(blank=True, null=True, verbose_name="status code")),
                ("error", models.CharField(blank=True, default="", max_length=50, verbose_name="error")),
                ("detail", models.TextField(blank=True, default="", verbose_name="detail")),
                ("request_headers", JSONTextField(blank=True, default=dict, verbose_name="request headers")),
                ("request_excerpt", models.TextField(blank=True, default="", verbose_name="request")),
                ("request_bytes", models.PositiveIntegerField(default=0, verbose_name="bytes sent")),
                ("response_bytes", models.PositiveIntegerField(default=0, verbose_name="bytes received")),
                ("response_excerpt", models.TextField(blank=True, default="", verbose_name="response")),
            ],
            options={"verbose_name": "attempt", "verbose_name_plural": "attempts", "ordering": ["pk"]},
        ),
        CreateModel(
            name="Call",
            fields=[
                ("id", _id()),
                (
                    "webfilter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calls",
                        to="openedx_webhooks.webfilter",
                    ),
                ),
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
                (
                    "is_cached",
                    models.BooleanField(
                        default=False,
                        help_text="No request was made: an earlier answer still held.",
                        verbose_name="cached",
                    ),
                ),
                ("status_code", models.PositiveIntegerField(blank=True, null=True, verbose_name="status code")),
                ("error", models.CharField(blank=True, default="", max_length=255, verbose_name="error")),
                (
                    "note",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Such as when the changes were applied, or what was missing in an exception.",
                        max_length=255,
                        verbose_name="note",
                    ),
                ),
                ("request_body", JSONTextField(blank=True, null=True, verbose_name="request body")),
                ("response_excerpt", models.TextField(blank=True, default="", verbose_name="response")),
                ("user_id", models.BigIntegerField(blank=True, db_index=True, null=True, verbose_name="user id")),
            ],
            options={
                "verbose_name": "webfilter call",
                "verbose_name_plural": "webfilter calls",
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(fields=["webfilter", "started_at"], name="owh_call_webfilter_started"),
                    models.Index(fields=["started_at"], name="owh_call_started"),
                    models.Index(fields=["message_id"], name="owh_call_message"),
                ],
            },
        ),
        CreateModel(
            name="Tally",
            fields=[
                ("id", _id()),
                ("webhook", _of("webhook", "tallies", db_index=False, null=True)),
                ("webfilter", _of("webfilter", "tallies", db_index=False, null=True)),
                ("span", models.PositiveSmallIntegerField(choices=[(1, "Hour"), (24, "Day")])),
                ("start", models.DateTimeField()),
                ("counts", JSONTextField(default=dict)),
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
        CreateModel(
            name="Mark",
            fields=[
                ("name", models.CharField(max_length=150, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("value", models.CharField(blank=True, default="", max_length=20)),
            ],
            options={"permissions": [("view_monitoring", "Can read health and metrics")], "default_permissions": ()},
        ),
        CreateModel(
            name="ReceiverToken",
            fields=[
                ("webhook", _one_of_webhook()),
                ("digest", models.CharField(max_length=64)),
                ("server", models.CharField(max_length=300)),
                ("created", models.DateTimeField(default=timezone.now)),
            ],
            options={"default_permissions": ()},
        ),
        CreateModel(
            name="SequenceCounter",
            fields=[("webhook", _one_of_webhook()), ("last", models.BigIntegerField(default=0))],
            options={"default_permissions": ()},
        ),
    ]
