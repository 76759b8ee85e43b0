"""What a hook can do beyond the published plugin, and what is recorded of it."""

import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import jsonfield.fields
from django.db import migrations, models

import openedx_webhooks.models.encrypted_fields
import openedx_webhooks.models.json_fields
import openedx_webhooks.models.validators
import openedx_webhooks.payloads.formats
import openedx_webhooks.transport.authentication
import openedx_webhooks.transport.signing

from ._operations import AddField, CreateModel, WidenField


class Migration(migrations.Migration):
    """New columns, room for dotted types and long addresses, and the tables of what becomes of events and calls."""

    dependencies = [("openedx_webhooks", "0008_verawood")]

    operations = [
        migrations.AlterModelOptions(
            name="webfilter",
            options={"ordering": ["order", "pk"], "verbose_name": "webfilter", "verbose_name_plural": "webfilters"},
        ),
        migrations.AlterModelOptions(
            name="webhook", options={"ordering": ["pk"], "verbose_name": "webhook", "verbose_name_plural": "webhooks"}
        ),
        AddField(
            model_name="webfilter",
            name="authentication",
            field=models.CharField(
                choices=openedx_webhooks.transport.authentication.choices(),
                default="none",
                help_text="What the Authorization header holds, if the receiver wants one.",
                max_length=20,
                verbose_name="authentication",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="cache_answers",
            field=models.BooleanField(
                default=False,
                help_text="Keep an answer for as long as its Cache-Control: max-age says, for the same payload.",
                verbose_name="cache answers",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="call_log",
            field=models.CharField(
                choices=[("none", "None"), ("problems", "Problems and halts"), ("all", "All")],
                default="problems",
                max_length=10,
                verbose_name="call log",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="condition",
            field=models.TextField(
                blank=True,
                default="",
                help_text="A JMESPath expression over the payload. The hook is called only if its result is true, for example enrollment.mode == 'verified'.",
                validators=[openedx_webhooks.models.validators.validate_expression],
                verbose_name="condition",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="credentials",
            field=openedx_webhooks.models.encrypted_fields.EncryptedJSONField(
                blank=True, default=dict, help_text="Stored encrypted.", verbose_name="credentials"
            ),
        ),
        AddField(
            model_name="webfilter",
            name="headers",
            field=openedx_webhooks.models.encrypted_fields.HeadersField(
                blank=True,
                default=dict,
                help_text='Sent with every request, for example {"Authorization": "Bearer …"}. Stored encrypted.',
                validators=[openedx_webhooks.models.validators.validate_headers],
                verbose_name="headers",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="local_answer",
            field=models.TextField(
                blank=True,
                default="",
                help_text="Instead of an address: what is answered, without a server. JSON, or a JMESPath expression over the payload whose result is the answer: an object with data, exception or both; null lets everything pass. The condition says when.",
                validators=[openedx_webhooks.models.validators.validate_local_answer],
                verbose_name="local answer",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="mode",
            field=models.CharField(
                choices=[
                    ("enforce", "Enforce: answers change the data or halt the process"),
                    ("observe", "Observe: answers are recorded and nothing else"),
                ],
                default="enforce",
                max_length=10,
                verbose_name="mode",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="order",
            field=models.IntegerField(
                default=0,
                help_text="Answers are combined in this order; a later one wins where they differ.",
                verbose_name="order",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="payload_format",
            field=models.CharField(
                choices=openedx_webhooks.payloads.formats.choices(),
                default="current",
                help_text="What the body looks like. Receivers that were written for openedx-webhooks 22.0.0 or older expect what that sent, and answers are read as it read them.",
                max_length=20,
                verbose_name="payload format",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="previous_secret",
            field=openedx_webhooks.models.encrypted_fields.EncryptedTextField(
                blank=True, default="", editable=False, verbose_name="previous signing secret"
            ),
        ),
        AddField(
            model_name="webfilter",
            name="previous_secret_expires_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        AddField(
            model_name="webfilter",
            name="removing_since",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        AddField(
            model_name="webfilter",
            name="secret",
            field=openedx_webhooks.models.encrypted_fields.EncryptedTextField(
                blank=True,
                default="",
                help_text="Signs every request. Give it to the receiver's developer.",
                verbose_name="signing secret",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="send_file_urls",
            field=models.BooleanField(
                default=False,
                help_text="Addresses of a learner's files keep their signature: whoever has one gets the file. Without this the signature is masked, and the receiver can't fetch the files.",
                verbose_name="send usable file URLs",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="send_profile",
            field=models.BooleanField(
                default=True,
                help_text="The learner's profile beside the user. Without it the rest of the payload is the same.",
                verbose_name="send the profile",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="serve_stale_answers",
            field=models.BooleanField(
                default=False,
                help_text="While the endpoint is not called after failures, use its last cached answer.",
                verbose_name="serve stale answers",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="shape",
            field=models.TextField(
                blank=True,
                default="",
                help_text="A JMESPath expression over the payload. Its result is sent instead of the whole payload.",
                validators=[openedx_webhooks.models.validators.validate_expression],
                verbose_name="shape",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="signature",
            field=models.CharField(
                choices=openedx_webhooks.transport.signing.choices(),
                default="standard",
                help_text="How the receiver can verify that a request comes from here, and is as it was sent.",
                max_length=20,
                verbose_name="signature",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="timeout",
            field=models.FloatField(
                blank=True,
                help_text="Seconds that the learner waits at most. Empty: the site's default, which is 5 unless the site's settings say otherwise. All webfilters of one request together have 10 seconds.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(0.1),
                    django.core.validators.MaxValueValidator(30),
                ],
                verbose_name="timeout",
            ),
        ),
        AddField(
            model_name="webhook",
            name="authentication",
            field=models.CharField(
                choices=openedx_webhooks.transport.authentication.choices(),
                default="none",
                help_text="What the Authorization header holds, if the receiver wants one.",
                max_length=20,
                verbose_name="authentication",
            ),
        ),
        AddField(
            model_name="webhook",
            name="condition",
            field=models.TextField(
                blank=True,
                default="",
                help_text="A JMESPath expression over the payload. The hook is called only if its result is true, for example enrollment.mode == 'verified'.",
                validators=[openedx_webhooks.models.validators.validate_expression],
                verbose_name="condition",
            ),
        ),
        AddField(
            model_name="webhook",
            name="consecutive_failures",
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name="failures in a row"),
        ),
        AddField(
            model_name="webhook",
            name="credentials",
            field=openedx_webhooks.models.encrypted_fields.EncryptedJSONField(
                blank=True, default=dict, help_text="Stored encrypted.", verbose_name="credentials"
            ),
        ),
        AddField(
            model_name="webhook",
            name="description",
            field=models.TextField(
                blank=True,
                default="",
                help_text="What this hook is for, in your own words.",
                verbose_name="description",
            ),
        ),
        AddField(
            model_name="webhook",
            name="disabled_reason",
            field=models.CharField(
                blank=True, default="", editable=False, max_length=255, verbose_name="disabled because"
            ),
        ),
        AddField(
            model_name="webhook",
            name="failing_since",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="failing since"),
        ),
        AddField(
            model_name="webhook",
            name="headers",
            field=openedx_webhooks.models.encrypted_fields.HeadersField(
                blank=True,
                default=dict,
                help_text='Sent with every request, for example {"Authorization": "Bearer …"}. Stored encrypted.',
                validators=[openedx_webhooks.models.validators.validate_headers],
                verbose_name="headers",
            ),
        ),
        AddField(
            model_name="webhook",
            name="paused",
            field=models.BooleanField(
                default=False,
                help_text="Events are captured and nothing is sent. When this is unticked, what waits is sent, the oldest first.",
                verbose_name="paused",
            ),
        ),
        AddField(
            model_name="webhook",
            name="payload_format",
            field=models.CharField(
                choices=openedx_webhooks.payloads.formats.choices(),
                default="current",
                help_text="What the body looks like. Receivers that were written for openedx-webhooks 22.0.0 or older expect what that sent, and answers are read as it read them.",
                max_length=20,
                verbose_name="payload format",
            ),
        ),
        AddField(
            model_name="webhook",
            name="previous_secret",
            field=openedx_webhooks.models.encrypted_fields.EncryptedTextField(
                blank=True, default="", editable=False, verbose_name="previous signing secret"
            ),
        ),
        AddField(
            model_name="webhook",
            name="previous_secret_expires_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        AddField(
            model_name="webhook",
            name="removing_since",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        AddField(
            model_name="webhook",
            name="retry_schedule",
            field=openedx_webhooks.models.json_fields.JSONTextField(
                blank=True,
                default=list,
                help_text="Waits in seconds before the second, third, … attempt. Empty: the site's schedule.",
                validators=[openedx_webhooks.models.validators.validate_schedule],
                verbose_name="retry schedule",
            ),
        ),
        AddField(
            model_name="webhook",
            name="secret",
            field=openedx_webhooks.models.encrypted_fields.EncryptedTextField(
                blank=True,
                default="",
                help_text="Signs every request. Give it to the receiver's developer.",
                verbose_name="signing secret",
            ),
        ),
        AddField(
            model_name="webhook",
            name="shape",
            field=models.TextField(
                blank=True,
                default="",
                help_text="A JMESPath expression over the payload. Its result is sent instead of the whole payload.",
                validators=[openedx_webhooks.models.validators.validate_expression],
                verbose_name="shape",
            ),
        ),
        AddField(
            model_name="webhook",
            name="signature",
            field=models.CharField(
                choices=openedx_webhooks.transport.signing.choices(),
                default="standard",
                help_text="How the receiver can verify that a request comes from here, and is as it was sent.",
                max_length=20,
                verbose_name="signature",
            ),
        ),
        AddField(
            model_name="webhook",
            name="warned_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="warned at"),
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="description",
            field=models.TextField(
                blank=True,
                default="",
                help_text="What this hook is for, in your own words.",
                verbose_name="description",
            ),
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="disable_filtering",
            field=models.BooleanField(
                default=False,
                help_text="Ignore the data of answers: nothing is changed. It may still halt.",
                verbose_name="disable filtering",
            ),
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="disable_halt",
            field=models.BooleanField(
                default=False,
                help_text="Ignore the exceptions in answers: their data still counts. Halt on 4xx, 5xx and request exception stand on their own: they halt all the same.",
                verbose_name="disable halting",
            ),
        ),
        migrations.AlterField(
            model_name="webfilter", name="enabled", field=models.BooleanField(default=True, verbose_name="enabled")
        ),
        WidenField(model_name="webfilter", name="event", field=models.CharField(max_length=255, verbose_name="event")),
        migrations.AlterField(
            model_name="webfilter",
            name="halt_on_4xx",
            field=models.BooleanField(default=False, verbose_name="halt on 4xx"),
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="halt_on_5xx",
            field=models.BooleanField(default=False, verbose_name="halt on 5xx"),
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="halt_on_request_exception",
            field=models.BooleanField(
                default=False,
                help_text="No usable response: the endpoint could not be reached, did not answer in time, is not called for a while after failures, or the answer could not be understood.",
                verbose_name="halt on request exception",
            ),
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="redirect_on_4xx",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Where to send the learner when this halts: a full address, or a path on this site such as /dashboard. Counts only together with its halt, and only for filters that can redirect.",
                max_length=255,
                validators=[openedx_webhooks.models.validators.validate_redirect],
                verbose_name="redirect on 4xx",
            ),
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="redirect_on_5xx",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Where to send the learner when this halts: a full address, or a path on this site such as /dashboard. Counts only together with its halt, and only for filters that can redirect.",
                max_length=255,
                validators=[openedx_webhooks.models.validators.validate_redirect],
                verbose_name="redirect on 5xx",
            ),
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="redirect_on_request_exception",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Where to send the learner when this halts: a full address, or a path on this site such as /dashboard. Counts only together with its halt, and only for filters that can redirect.",
                max_length=255,
                validators=[openedx_webhooks.models.validators.validate_redirect],
                verbose_name="redirect on request exception",
            ),
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="use_www_form_encoding",
            field=models.BooleanField(
                default=False,
                help_text="Send application/x-www-form-urlencoded with flattened names instead of JSON. Verify the signature over the body as it arrives, before it is parsed.",
                verbose_name="use WWW form encoding",
            ),
        ),
        WidenField(
            model_name="webfilter",
            name="webhook_url",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The address that receives the POST, such as https://example.com/hooks. Empty for a local answer.",
                max_length=2000,
                validators=[openedx_webhooks.models.validators.validate_endpoint],
                verbose_name="webhook URL",
            ),
        ),
        migrations.AlterField(
            model_name="webhook", name="enabled", field=models.BooleanField(default=True, verbose_name="enabled")
        ),
        WidenField(model_name="webhook", name="event", field=models.CharField(max_length=255, verbose_name="event")),
        migrations.AlterField(
            model_name="webhook",
            name="use_www_form_encoding",
            field=models.BooleanField(
                default=False,
                help_text="Send application/x-www-form-urlencoded with flattened names instead of JSON. Verify the signature over the body as it arrives, before it is parsed.",
                verbose_name="use WWW form encoding",
            ),
        ),
        WidenField(
            model_name="webhook",
            name="webhook_url",
            field=models.CharField(
                help_text="The address that receives the POST, such as https://example.com/hooks.",
                max_length=2000,
                validators=[openedx_webhooks.models.validators.validate_endpoint],
                verbose_name="webhook URL",
            ),
        ),
        CreateModel(
            name="CapturedEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                (
                    "created",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name="captured"),
                ),
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
                (
                    "payload",
                    openedx_webhooks.models.json_fields.JSONTextField(blank=True, null=True, verbose_name="payload"),
                ),
            ],
            options={
                "verbose_name": "captured event",
                "verbose_name_plural": "captured events",
                "ordering": ["-pk"],
                "indexes": [models.Index(fields=["event_type", "created"], name="owh_event_type_created")],
            },
        ),
        CreateModel(
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
                    models.DateTimeField(
                        blank=True, default=django.utils.timezone.now, null=True, verbose_name="next attempt at"
                    ),
                ),
                ("scheduled_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("claimed_by", models.UUIDField(blank=True, editable=False, null=True)),
                ("claimed_until", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name="created"),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "event",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="openedx_webhooks.capturedevent",
                    ),
                ),
                (
                    "webhook",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="openedx_webhooks.webhook",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("event", "webhook"), name="owh_delivery_once_per_event")
                ],
                "indexes": [
                    models.Index(fields=["state", "next_attempt_at", "webhook"], name="owh_delivery_due"),
                    models.Index(fields=["webhook", "state", "next_attempt_at"], name="owh_delivery_webhook_due"),
                    models.Index(fields=["webhook", "created"], name="owh_delivery_webhook_new"),
                    models.Index(fields=["message_id"], name="owh_delivery_message"),
                ],
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "ordering": ["-pk"],
            },
        ),
        CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(verbose_name="started at")),
                ("duration", models.FloatField(default=0, verbose_name="duration in seconds")),
                ("status_code", models.PositiveIntegerField(blank=True, null=True, verbose_name="status code")),
                ("error", models.CharField(blank=True, default="", max_length=50, verbose_name="error")),
                ("detail", models.TextField(blank=True, default="", verbose_name="detail")),
                (
                    "request_headers",
                    openedx_webhooks.models.json_fields.JSONTextField(
                        blank=True, default=dict, verbose_name="request headers"
                    ),
                ),
                ("request_excerpt", models.TextField(blank=True, default="", verbose_name="request")),
                ("request_bytes", models.PositiveIntegerField(default=0, verbose_name="bytes sent")),
                ("response_bytes", models.PositiveIntegerField(default=0, verbose_name="bytes received")),
                ("response_excerpt", models.TextField(blank=True, default="", verbose_name="response")),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attempts",
                        to="openedx_webhooks.delivery",
                    ),
                ),
            ],
            options={"verbose_name": "attempt", "verbose_name_plural": "attempts", "ordering": ["pk"]},
        ),
        CreateModel(
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
                ("started_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="started at")),
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
                ("request_body", jsonfield.fields.JSONField(blank=True, null=True, verbose_name="request body")),
                ("response_excerpt", models.TextField(blank=True, default="", verbose_name="response")),
                ("user_id", models.BigIntegerField(blank=True, db_index=True, null=True, verbose_name="user id")),
                (
                    "webfilter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calls",
                        to="openedx_webhooks.webfilter",
                    ),
                ),
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
    ]
