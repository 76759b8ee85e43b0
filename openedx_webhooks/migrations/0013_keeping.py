"""How long a hook's records are kept, and payloads that go as soon as they are delivered. Made by makemigrations."""

import django.core.validators
from django.db import migrations, models

from ._operations import AddField


class Migration(migrations.Migration):
    dependencies = [("openedx_webhooks", "0012_history_begins")]

    operations = [
        AddField(
            model_name="capturedevent", name="keep_payload", field=models.BooleanField(default=True, editable=False)
        ),
        AddField(
            model_name="historicalwebfilter",
            name="failed_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long at least what failed is kept, with its payload. Empty: as long as the rest, unless the site's settings say otherwise.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
                    ),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="days to keep failures",
            ),
        ),
        AddField(
            model_name="historicalwebfilter",
            name="keep_payloads",
            field=models.BooleanField(
                default=True,
                help_text="Without this, nothing is kept of what was delivered and answered but when, and with which result. What failed is kept, so that it can be sent again; what other webhooks keep, they keep.",
                verbose_name="keep payloads",
            ),
        ),
        AddField(
            model_name="historicalwebfilter",
            name="payload_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long what was sent and answered is kept. Empty: 7, unless the site's settings say otherwise.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
                    ),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="days to keep payloads",
            ),
        ),
        AddField(
            model_name="historicalwebfilter",
            name="row_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long it is kept that it was sent, and when. Empty: 30, unless the site's settings say otherwise.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
                    ),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="days to keep records",
            ),
        ),
        AddField(
            model_name="historicalwebhook",
            name="failed_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long at least what failed is kept, with its payload. Empty: as long as the rest, unless the site's settings say otherwise.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
                    ),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="days to keep failures",
            ),
        ),
        AddField(
            model_name="historicalwebhook",
            name="keep_payloads",
            field=models.BooleanField(
                default=True,
                help_text="Without this, nothing is kept of what was delivered and answered but when, and with which result. What failed is kept, so that it can be sent again; what other webhooks keep, they keep.",
                verbose_name="keep payloads",
            ),
        ),
        AddField(
            model_name="historicalwebhook",
            name="payload_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long what was sent and answered is kept. Empty: 7, unless the site's settings say otherwise.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
                    ),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="days to keep payloads",
            ),
        ),
        AddField(
            model_name="historicalwebhook",
            name="row_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long it is kept that it was sent, and when. Empty: 30, unless the site's settings say otherwise.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
                    ),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="days to keep records",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="failed_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long at least what failed is kept, with its payload. Empty: as long as the rest, unless the site's settings say otherwise.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
                    ),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="days to keep failures",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="keep_payloads",
            field=models.BooleanField(
                default=True,
                help_text="Without this, nothing is kept of what was delivered and answered but when, and with which result. What failed is kept, so that it can be sent again; what other webhooks keep, they keep.",
                verbose_name="keep payloads",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="payload_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long what was sent and answered is kept. Empty: 7, unless the site's settings say otherwise.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
                    ),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="days to keep payloads",
            ),
        ),
        AddField(
            model_name="webfilter",
            name="row_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long it is kept that it was sent, and when. Empty: 30, unless the site's settings say otherwise.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
                    ),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="days to keep records",
            ),
        ),
        AddField(
            model_name="webhook",
            name="failed_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long at least what failed is kept, with its payload. Empty: as long as the rest, unless the site's settings say otherwise.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
                    ),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="days to keep failures",
            ),
        ),
        AddField(
            model_name="webhook",
            name="keep_payloads",
            field=models.BooleanField(
                default=True,
                help_text="Without this, nothing is kept of what was delivered and answered but when, and with which result. What failed is kept, so that it can be sent again; what other webhooks keep, they keep.",
                verbose_name="keep payloads",
            ),
        ),
        AddField(
            model_name="webhook",
            name="payload_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long what was sent and answered is kept. Empty: 7, unless the site's settings say otherwise.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
                    ),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="days to keep payloads",
            ),
        ),
        AddField(
            model_name="webhook",
            name="row_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long it is kept that it was sent, and when. Empty: 30, unless the site's settings say otherwise.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
                    ),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="days to keep records",
            ),
        ),
    ]
