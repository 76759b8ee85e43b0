"""The history of the hooks that were there before it: each begins with the hook as it is."""

from django.db import migrations
from django.utils import timezone

from ._hooks import chunks


def _begin(apps, schema_editor):
    for name in ("Webhook", "Webfilter"):
        model = apps.get_model("openedx_webhooks", name)
        versions = apps.get_model("openedx_webhooks", f"Historical{name}")._base_manager  # pylint: disable=protected-access
        _begin_of(model, versions.using(schema_editor.connection.alias), schema_editor.connection.alias)


def _begin_of(model, versions, connection_alias):
    """A version of every hook that has none, so that this may be run again."""
    names = {field.attname for field in versions.model._meta.fields} & {field.attname for field in model._meta.fields}
    now = timezone.now()
    manager = model._base_manager.using(connection_alias)  # pylint: disable=protected-access
    for rows in chunks(manager, *names):
        known = set(versions.filter(id__in=[row.pk for row in rows]).order_by().values_list("id", flat=True))
        versions.bulk_create(
            [
                versions.model(
                    history_date=now,
                    history_type="~",
                    history_change_reason="begun",
                    **{name: getattr(row, name) for name in names},
                )
                for row in rows
                if row.pk not in known
            ],
            batch_size=100,
        )


class Migration(migrations.Migration):
    dependencies = [("openedx_webhooks", "0011_history")]
    operations = [migrations.RunPython(_begin, migrations.RunPython.noop)]
