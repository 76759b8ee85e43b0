"""What a hook can do beyond the published plugin."""

import jsonfield
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models

from openedx_webhooks.models import encrypted_fields as fields
from openedx_webhooks.models import validators

from ._hooks import WidenField


class Migration(migrations.Migration):
    """New columns, room for dotted types and long addresses, and today's labels."""

    dependencies = [("openedx_webhooks", "0008_verawood")]
    operations = [
        migrations.AlterModelOptions(
            name="webfilter",
            options={"ordering": ["order", "pk"], "verbose_name": "webfilter", "verbose_name_plural": "webfilters"},
        ),
        migrations.AlterModelOptions(
            name="webhook", options={"ordering": ["pk"], "verbose_name": "webhook", "verbose_name_plural": "webhooks"}
        ),
        migrations.AddField(
            model_name="webfilter",
            name="cache_answers",
            field=models.BooleanField(
                default=False,
                help_text="Keep an answer for as long as its Cache-Control: max-age says, for the same payload.",
                verbose_name="cache answers",
            ),
        ),
        migrations.AddField(
            model_name="webfilter",
            name="call_log",
            field=models.CharField(
                choices=[("none", "None"), ("problems", "Problems and halts"), ("all", "All")],
                default="problems",
                max_length=10,
                verbose_name="call log",
            ),
        ),
        migrations.AddField(
            model_name="webfilter",
            name="condition",
            field=models.TextField(
                blank=True,
                default="",
                help_text=(
                    "A JMESPath expression over the payload. The hook is called only if its result "
                    "is true, for example enrollment.mode == 'verified'."
                ),
                validators=[validators.validate_expression],
                verbose_name="condition",
            ),
        ),
        migrations.AddField(
            model_name="webfilter",
            name="headers",
            field=fields.HeadersField(
                blank=True,
                default=dict,
                help_text='Sent with every request, for example {"Authorization": "Bearer …"}. Stored encrypted.',
                validators=[validators.validate_headers],
                verbose_name="headers",
            ),
        ),
        migrations.AddField(
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
        migrations.AddField(
            model_name="webfilter",
            name="order",
            field=models.IntegerField(
                default=0,
                help_text="Answers are combined in this order; a later one wins where they differ.",
                verbose_name="order",
            ),
        ),
        migrations.AddField(
            model_name="webfilter",
            name="serve_stale_answers",
            field=models.BooleanField(
                default=False,
                help_text="While the endpoint is left alone after failures, use its last cached answer.",
                verbose_name="serve stale answers",
            ),
        ),
        migrations.AddField(
            model_name="webfilter",
            name="shape",
            field=models.TextField(
                blank=True,
                default="",
                help_text="A JMESPath expression over the payload. Its result is sent instead of the whole payload.",
                validators=[validators.validate_expression],
                verbose_name="shape",
            ),
        ),
        migrations.AddField(
            model_name="webfilter",
            name="timeout",
            field=models.FloatField(
                blank=True,
                help_text=(
                    "Seconds that the learner waits at most. Empty: the site's default, which is 5 unless the site's "
                    "settings say otherwise. All webfilters of one request together have 10 seconds."
                ),
                null=True,
                validators=[MinValueValidator(0.1), MaxValueValidator(30)],
                verbose_name="timeout",
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="condition",
            field=models.TextField(
                blank=True,
                default="",
                help_text=(
                    "A JMESPath expression over the payload. The hook is called only if its result "
                    "is true, for example enrollment.mode == 'verified'."
                ),
                validators=[validators.validate_expression],
                verbose_name="condition",
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="consecutive_failures",
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name="failures in a row"),
        ),
        migrations.AddField(
            model_name="webhook",
            name="description",
            field=models.TextField(
                blank=True,
                default="",
                help_text="What this hook is for, in your own words.",
                verbose_name="description",
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="disabled_reason",
            field=models.CharField(
                blank=True, default="", editable=False, max_length=255, verbose_name="disabled because"
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="failing_since",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="failing since"),
        ),
        migrations.AddField(
            model_name="webhook",
            name="headers",
            field=fields.HeadersField(
                blank=True,
                default=dict,
                help_text='Sent with every request, for example {"Authorization": "Bearer …"}. Stored encrypted.',
                validators=[validators.validate_headers],
                verbose_name="headers",
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="previous_secret",
            field=fields.EncryptedTextField(
                blank=True, default="", editable=False, verbose_name="previous signing secret"
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="previous_secret_expires_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="webhook",
            name="retry_schedule",
            field=jsonfield.JSONField(
                blank=True,
                default=list,
                help_text="Waits in seconds before the second, third, … attempt. Empty: the site's schedule.",
                validators=[validators.validate_schedule],
                verbose_name="retry schedule",
            ),
        ),
        migrations.AddField(
            model_name="webhook", name="secret", field=fields.EncryptedTextField(blank=True, default="")
        ),
        migrations.AddField(
            model_name="webhook",
            name="shape",
            field=models.TextField(
                blank=True,
                default="",
                help_text="A JMESPath expression over the payload. Its result is sent instead of the whole payload.",
                validators=[validators.validate_expression],
                verbose_name="shape",
            ),
        ),
        migrations.AddField(
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
                help_text=(
                    "This webfilter never halts anything: the exceptions in its answers and the halts on 4xx, 5xx and "
                    "request exception are all ignored. Its data still counts."
                ),
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
                help_text=(
                    "No usable response: the endpoint could not be reached, did not answer in time, is left alone "
                    "after failures, or its answer could not be understood."
                ),
                verbose_name="halt on request exception",
            ),
        ),
        migrations.AlterField(
            model_name="webfilter", name="id", field=models.AutoField(primary_key=True, serialize=False)
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="redirect_on_4xx",
            field=models.CharField(
                blank=True,
                default="",
                help_text=(
                    "Where to send the learner when this halts: a full address, or a path on this site such as "
                    "/dashboard. Counts only together with its halt, and only for filters that can redirect."
                ),
                max_length=255,
                validators=[validators.validate_redirect],
                verbose_name="redirect on 4xx",
            ),
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="redirect_on_5xx",
            field=models.CharField(
                blank=True,
                default="",
                help_text=(
                    "Where to send the learner when this halts: a full address, or a path on this site such as "
                    "/dashboard. Counts only together with its halt, and only for filters that can redirect."
                ),
                max_length=255,
                validators=[validators.validate_redirect],
                verbose_name="redirect on 5xx",
            ),
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="redirect_on_request_exception",
            field=models.CharField(
                blank=True,
                default="",
                help_text=(
                    "Where to send the learner when this halts: a full address, or a path on this site such as "
                    "/dashboard. Counts only together with its halt, and only for filters that can redirect."
                ),
                max_length=255,
                validators=[validators.validate_redirect],
                verbose_name="redirect on request exception",
            ),
        ),
        migrations.AlterField(
            model_name="webfilter",
            name="use_www_form_encoding",
            field=models.BooleanField(
                default=False,
                help_text="Send application/x-www-form-urlencoded with flattened names instead of JSON.",
                verbose_name="use WWW form encoding",
            ),
        ),
        WidenField(
            model_name="webfilter",
            name="webhook_url",
            field=models.CharField(
                help_text="The address that receives the POST, such as https://example.com/hooks.",
                max_length=2000,
                validators=[validators.validate_endpoint],
                verbose_name="webhook URL",
            ),
        ),
        migrations.AlterField(
            model_name="webhook", name="enabled", field=models.BooleanField(default=True, verbose_name="enabled")
        ),
        WidenField(model_name="webhook", name="event", field=models.CharField(max_length=255, verbose_name="event")),
        migrations.AlterField(
            model_name="webhook", name="id", field=models.AutoField(primary_key=True, serialize=False)
        ),
        migrations.AlterField(
            model_name="webhook",
            name="use_www_form_encoding",
            field=models.BooleanField(
                default=False,
                help_text="Send application/x-www-form-urlencoded with flattened names instead of JSON.",
                verbose_name="use WWW form encoding",
            ),
        ),
        WidenField(
            model_name="webhook",
            name="webhook_url",
            field=models.CharField(
                help_text="The address that receives the POST, such as https://example.com/hooks.",
                max_length=2000,
                validators=[validators.validate_endpoint],
                verbose_name="webhook URL",
            ),
        ),
    ]
