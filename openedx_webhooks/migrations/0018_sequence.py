"""The numbers of a webhook's messages, and the tokens of receivers that ask what they missed."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from ._operations import AddField, AddIndex, CreateModel


def _webhook():
    return models.OneToOneField(
        db_constraint=False,
        on_delete=django.db.models.deletion.CASCADE,
        primary_key=True,
        related_name="+",
        serialize=False,
        to="openedx_webhooks.webhook",
    )


def _access():
    return models.BooleanField(
        default=False,
        help_text="With a token that you make below, the receiver lists its messages, fetches those that are kept and asks for them again: after it has lost its data, for instance.",
        verbose_name="the receiver may look up what it missed",
    )


class Migration(migrations.Migration):
    dependencies = [("openedx_webhooks", "0017_tallies")]

    operations = [
        CreateModel(
            name="ReceiverToken",
            fields=[
                ("webhook", _webhook()),
                ("digest", models.CharField(max_length=64)),
                ("server", models.CharField(max_length=300)),
                ("created", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"default_permissions": ()},
        ),
        CreateModel(
            name="SequenceCounter",
            fields=[("webhook", _webhook()), ("last", models.BigIntegerField(default=0))],
            options={"default_permissions": ()},
        ),
        AddField(
            model_name="delivery",
            name="sequence",
            field=models.BigIntegerField(blank=True, editable=False, null=True, verbose_name="number"),
        ),
        AddField(model_name="historicalwebhook", name="receiver_access", field=_access()),
        AddField(model_name="webhook", name="receiver_access", field=_access()),
        AddIndex(
            model_name="delivery",
            index=models.Index(fields=["webhook", "sequence", "created"], name="owh_delivery_sequence"),
        ),
    ]
