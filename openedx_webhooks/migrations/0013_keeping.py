"""How long a hook's records are kept, and payloads that go as soon as they are delivered."""

import django.core.validators
from django.db import migrations, models

from ._operations import AddField

_MODELS = ("historicalwebfilter", "historicalwebhook", "webfilter", "webhook")


def _days(label, help_text):
    return models.PositiveIntegerField(
        blank=True,
        help_text=help_text,
        null=True,
        validators=[
            django.core.validators.MinValueValidator(
                1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."
            ),
            django.core.validators.MaxValueValidator(36500),
        ],
        verbose_name=label,
    )


def _fields():
    yield (
        "failed_days",
        _days(
            "days to keep failures",
            "How long at least what failed is kept, with its payload. Empty: as long as the rest, unless the site's settings say otherwise.",
        ),
    )
    yield (
        "keep_payloads",
        models.BooleanField(
            default=True,
            help_text="Without this, nothing is kept of what was delivered and answered but when, and with which result. What failed is kept, so that it can be sent again; what other webhooks keep, they keep.",
            verbose_name="keep payloads",
        ),
    )
    yield (
        "payload_days",
        _days(
            "days to keep payloads",
            "How long what was sent and answered is kept. Empty: 7, unless the site's settings say otherwise.",
        ),
    )
    yield (
        "row_days",
        _days(
            "days to keep records",
            "How long it is kept that it was sent, and when. Empty: 30, unless the site's settings say otherwise.",
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("openedx_webhooks", "0012_history_begins")]
    operations = [
        AddField("capturedevent", "keep_payload", models.BooleanField(default=True, editable=False)),
        *(AddField(model, name, field) for model in _MODELS for name, field in _fields()),
    ]
