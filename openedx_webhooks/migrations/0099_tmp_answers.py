"""Temporary: the columns of this branch, for the lead to fold in."""

from django.db import migrations, models

import openedx_webhooks.models.validators


class Migration(migrations.Migration):
    """Local answers, what is sent of the profile and of files, and notes on calls."""

    dependencies = [("openedx_webhooks", "0014_remembered_calls")]

    operations = [
        migrations.RenameField("call", "is_remembered", "is_cached"),
        migrations.AlterField(
            model_name="call",
            name="is_cached",
            field=models.BooleanField(
                default=False, help_text="No request was made: an earlier answer still held.", verbose_name="cached"
            ),
        ),
        migrations.AddField(
            model_name="call",
            name="note",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Such as when the changes were applied, or what was missing in an exception.",
                max_length=255,
                verbose_name="note",
            ),
        ),
        migrations.AddField(
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
        migrations.AddField(
            model_name="webfilter",
            name="send_file_urls",
            field=models.BooleanField(
                default=False,
                help_text="Addresses of a learner's files keep their signature: whoever has one gets the file. Without this the signature is masked, and the receiver can't fetch the files.",
                verbose_name="send usable file URLs",
            ),
        ),
        migrations.AddField(
            model_name="webfilter",
            name="send_profile",
            field=models.BooleanField(
                default=True,
                help_text="The learner's profile beside the user. Without it the rest of the payload is the same.",
                verbose_name="send the profile",
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
            name="serve_stale_answers",
            field=models.BooleanField(
                default=False,
                help_text="While the endpoint is not called after failures, use its last cached answer.",
                verbose_name="serve stale answers",
            ),
        ),
        migrations.AlterField(
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
    ]
