"""The history of webhooks and webfilters, and the permission to see personal data. Made by makemigrations."""

import django.core.validators
import simple_history.models
from django.db import migrations, models

import openedx_webhooks.models.json_fields
import openedx_webhooks.models.validators
import openedx_webhooks.payloads.formats
import openedx_webhooks.transport.authentication
import openedx_webhooks.transport.signing

from ._operations import CreateModel


class Migration(migrations.Migration):
    dependencies = [("openedx_webhooks", "0010_types_and_secrets")]

    operations = [
        CreateModel(
            name="HistoricalWebfilter",
            fields=[
                ("changed_secrets", models.CharField(blank=True, default="", editable=False, max_length=500)),
                ("id", models.IntegerField(blank=True, db_index=True)),
                (
                    "description",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="What this hook is for, in your own words.",
                        verbose_name="description",
                    ),
                ),
                ("event", models.CharField(max_length=255, verbose_name="event")),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "use_www_form_encoding",
                    models.BooleanField(
                        default=False,
                        help_text="Send application/x-www-form-urlencoded with flattened names instead of JSON. Verify the signature over the body as it arrives, before it is parsed.",
                        verbose_name="use WWW form encoding",
                    ),
                ),
                (
                    "payload_format",
                    models.CharField(
                        choices=openedx_webhooks.payloads.formats.choices(),
                        default="current",
                        help_text="What the body looks like. Receivers that were written for openedx-webhooks 22.0.0 or older expect what that sent, and answers are read as it read them.",
                        max_length=20,
                        verbose_name="payload format",
                    ),
                ),
                (
                    "condition",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="A JMESPath expression over the payload. The hook is called only if its result is true, for example enrollment.mode == 'verified'.",
                        validators=[openedx_webhooks.models.validators.validate_expression],
                        verbose_name="condition",
                    ),
                ),
                (
                    "shape",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="A JMESPath expression over the payload. Its result is sent instead of the whole payload.",
                        validators=[openedx_webhooks.models.validators.validate_expression],
                        verbose_name="shape",
                    ),
                ),
                (
                    "authentication",
                    models.CharField(
                        choices=openedx_webhooks.transport.authentication.choices(),
                        default="none",
                        help_text="What the Authorization header holds, if the receiver wants one.",
                        max_length=20,
                        verbose_name="authentication",
                    ),
                ),
                (
                    "signature",
                    models.CharField(
                        choices=openedx_webhooks.transport.signing.choices(),
                        default="standard",
                        help_text="How the receiver can verify that a request comes from here, and is as it was sent.",
                        max_length=20,
                        verbose_name="signature",
                    ),
                ),
                (
                    "webhook_url",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The address that receives the POST, such as https://example.com/hooks. Empty for a local answer.",
                        max_length=2000,
                        validators=[openedx_webhooks.models.validators.validate_endpoint],
                        verbose_name="webhook URL",
                    ),
                ),
                (
                    "local_answer",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Instead of an address: what is answered, without a server. JSON, or a JMESPath expression over the payload whose result is the answer: an object with data, exception or both; null lets everything pass. The condition says when.",
                        validators=[openedx_webhooks.models.validators.validate_local_answer],
                        verbose_name="local answer",
                    ),
                ),
                (
                    "disable_filtering",
                    models.BooleanField(
                        default=False,
                        help_text="Ignore the data of answers: nothing is changed. It may still halt.",
                        verbose_name="disable filtering",
                    ),
                ),
                (
                    "disable_halt",
                    models.BooleanField(
                        default=False,
                        help_text="Ignore the exceptions in answers: their data still counts. Halt on 4xx, 5xx and request exception stand on their own: they halt all the same.",
                        verbose_name="disable halting",
                    ),
                ),
                ("halt_on_4xx", models.BooleanField(default=False, verbose_name="halt on 4xx")),
                (
                    "redirect_on_4xx",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Where to send the learner when this halts: a full address, or a path on this site such as /dashboard. Counts only together with its halt, and only for filters that can redirect.",
                        max_length=255,
                        validators=[openedx_webhooks.models.validators.validate_redirect],
                        verbose_name="redirect on 4xx",
                    ),
                ),
                ("halt_on_5xx", models.BooleanField(default=False, verbose_name="halt on 5xx")),
                (
                    "redirect_on_5xx",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Where to send the learner when this halts: a full address, or a path on this site such as /dashboard. Counts only together with its halt, and only for filters that can redirect.",
                        max_length=255,
                        validators=[openedx_webhooks.models.validators.validate_redirect],
                        verbose_name="redirect on 5xx",
                    ),
                ),
                (
                    "halt_on_request_exception",
                    models.BooleanField(
                        default=False,
                        help_text="No usable response: the endpoint could not be reached, did not answer in time, is not called for a while after failures, or the answer could not be understood.",
                        verbose_name="halt on request exception",
                    ),
                ),
                (
                    "redirect_on_request_exception",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Where to send the learner when this halts: a full address, or a path on this site such as /dashboard. Counts only together with its halt, and only for filters that can redirect.",
                        max_length=255,
                        validators=[openedx_webhooks.models.validators.validate_redirect],
                        verbose_name="redirect on request exception",
                    ),
                ),
                (
                    "order",
                    models.IntegerField(
                        default=0,
                        help_text="Answers are combined in this order; a later one wins where they differ.",
                        verbose_name="order",
                    ),
                ),
                (
                    "timeout",
                    models.FloatField(
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
                (
                    "send_profile",
                    models.BooleanField(
                        default=True,
                        help_text="The learner's profile beside the user. Without it the rest of the payload is the same.",
                        verbose_name="send the profile",
                    ),
                ),
                (
                    "send_file_urls",
                    models.BooleanField(
                        default=False,
                        help_text="Addresses of a learner's files keep their signature: whoever has one gets the file. Without this the signature is masked, and the receiver can't fetch the files.",
                        verbose_name="send usable file URLs",
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("enforce", "Enforce: answers change the data or halt the process"),
                            ("observe", "Observe: answers are recorded and nothing else"),
                        ],
                        default="enforce",
                        max_length=10,
                        verbose_name="mode",
                    ),
                ),
                (
                    "call_log",
                    models.CharField(
                        choices=[("none", "None"), ("problems", "Problems and halts"), ("all", "All")],
                        default="problems",
                        max_length=10,
                        verbose_name="call log",
                    ),
                ),
                (
                    "cache_answers",
                    models.BooleanField(
                        default=False,
                        help_text="Keep an answer for as long as its Cache-Control: max-age says, for the same payload.",
                        verbose_name="cache answers",
                    ),
                ),
                (
                    "serve_stale_answers",
                    models.BooleanField(
                        default=False,
                        help_text="While the endpoint is not called after failures, use its last cached answer.",
                        verbose_name="serve stale answers",
                    ),
                ),
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
                "verbose_name": "historical webfilter",
                "verbose_name_plural": "historical webfilters",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
                "default_permissions": (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        CreateModel(
            name="HistoricalWebhook",
            fields=[
                ("changed_secrets", models.CharField(blank=True, default="", editable=False, max_length=500)),
                ("id", models.IntegerField(blank=True, db_index=True)),
                (
                    "description",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="What this hook is for, in your own words.",
                        verbose_name="description",
                    ),
                ),
                ("event", models.CharField(max_length=255, verbose_name="event")),
                (
                    "webhook_url",
                    models.CharField(
                        help_text="The address that receives the POST, such as https://example.com/hooks.",
                        max_length=2000,
                        validators=[openedx_webhooks.models.validators.validate_endpoint],
                        verbose_name="webhook URL",
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "use_www_form_encoding",
                    models.BooleanField(
                        default=False,
                        help_text="Send application/x-www-form-urlencoded with flattened names instead of JSON. Verify the signature over the body as it arrives, before it is parsed.",
                        verbose_name="use WWW form encoding",
                    ),
                ),
                (
                    "payload_format",
                    models.CharField(
                        choices=openedx_webhooks.payloads.formats.choices(),
                        default="current",
                        help_text="What the body looks like. Receivers that were written for openedx-webhooks 22.0.0 or older expect what that sent, and answers are read as it read them.",
                        max_length=20,
                        verbose_name="payload format",
                    ),
                ),
                (
                    "condition",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="A JMESPath expression over the payload. The hook is called only if its result is true, for example enrollment.mode == 'verified'.",
                        validators=[openedx_webhooks.models.validators.validate_expression],
                        verbose_name="condition",
                    ),
                ),
                (
                    "shape",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="A JMESPath expression over the payload. Its result is sent instead of the whole payload.",
                        validators=[openedx_webhooks.models.validators.validate_expression],
                        verbose_name="shape",
                    ),
                ),
                (
                    "authentication",
                    models.CharField(
                        choices=openedx_webhooks.transport.authentication.choices(),
                        default="none",
                        help_text="What the Authorization header holds, if the receiver wants one.",
                        max_length=20,
                        verbose_name="authentication",
                    ),
                ),
                (
                    "signature",
                    models.CharField(
                        choices=openedx_webhooks.transport.signing.choices(),
                        default="standard",
                        help_text="How the receiver can verify that a request comes from here, and is as it was sent.",
                        max_length=20,
                        verbose_name="signature",
                    ),
                ),
                (
                    "paused",
                    models.BooleanField(
                        default=False,
                        help_text="Events are captured and nothing is sent. When this is unticked, what waits is sent, the oldest first.",
                        verbose_name="paused",
                    ),
                ),
                (
                    "retry_schedule",
                    openedx_webhooks.models.json_fields.JSONTextField(
                        blank=True,
                        default=list,
                        help_text="Waits in seconds before the second, third, … attempt. Empty: the site's schedule.",
                        validators=[openedx_webhooks.models.validators.validate_schedule],
                        verbose_name="retry schedule",
                    ),
                ),
                (
                    "disabled_reason",
                    models.CharField(
                        blank=True, default="", editable=False, max_length=255, verbose_name="disabled because"
                    ),
                ),
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
                "verbose_name": "historical webhook",
                "verbose_name_plural": "historical webhooks",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
                "default_permissions": (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.AlterModelOptions(
            name="capturedevent",
            options={
                "ordering": ["-pk"],
                "permissions": [
                    ("view_payload", "Can see personal data: payloads, bodies, names and e-mail addresses")
                ],
                "verbose_name": "captured event",
                "verbose_name_plural": "captured events",
            },
        ),
        migrations.AlterModelOptions(
            name="delivery",
            options={
                "ordering": ["-pk"],
                "permissions": [("replay_delivery", "Can replay, retry and cancel deliveries")],
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
            },
        ),
    ]
