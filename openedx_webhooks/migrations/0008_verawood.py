"""Filters by the names of their classes."""

from django.db import migrations

from ._hooks import FILTER_ALIASES, note_renaming, rename_events, renaming


def _rename_aliases(apps, schema_editor):
    note_renaming(schema_editor.connection)
    webfilters = apps.get_model("openedx_webhooks", "Webfilter")._base_manager.using(schema_editor.connection.alias)
    rename_events(webfilters, renaming(webfilters, FILTER_ALIASES))


class Migration(migrations.Migration):
    """Rename what older versions derived from the filter's type. Going back, the new names are right too."""

    dependencies = [("openedx_webhooks", "0007_alter_webfilter_event")]
    operations = [
        migrations.AlterModelOptions("Webfilter", {"ordering": ["pk"]}),
        migrations.RunPython(_rename_aliases, migrations.RunPython.noop),
    ]
