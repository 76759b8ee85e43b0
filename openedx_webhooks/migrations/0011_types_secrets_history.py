"""
Hooks of the published plugin become ours: short name → dotted type, the body that the receiver gets already, a secret of
its own for each, and the first version of its history. Only rows are written here, so that nobody waits for a table.
"""

from django.db import migrations
from django.utils import timezone

from openedx_webhooks import catalog
from openedx_webhooks.transport import signing

from ._fields import HOOK
from ._hooks import FILTER_ALIASES, chunks, forget_renaming, rename_events, was_renamed_here

# What the published plugin knows nothing of. It would call such a hook for what its operator excluded, send what the
# operator took out, enforce what was only observed, or go without the credentials.
_MISREAD = ("authentication", "condition", "local_answer", "mode", "paused", "personal_data", "removing_since", "shape")


def _for_both(step):
    """``step(rows of one kind of hook)`` for both kinds, as a migration calls it."""

    def run(apps, schema_editor):
        for name in ("Webhook", "Webfilter"):
            step(apps.get_model("openedx_webhooks", name)._base_manager.using(schema_editor.connection.alias))

    return run


def _dotted_event(name):
    known = catalog.find_event(name)
    return known.event_type if known else name


def _dotted_filter(name):
    # The published 0008 has renamed the aliases already, except in rows that were restored or written since.
    known = catalog.find_filter(name) or catalog.find_filter(FILTER_ALIASES.get(name, name))
    return known.filter_type if known else name


def _short_event(event_type):
    known = catalog.find_event(event_type)
    return known.name if known else event_type


def _short_filter(filter_type):
    known = catalog.find_filter(filter_type)
    return known.name if known else filter_type


def _rename(event_name, filter_name):
    new_names = {"Webhook": event_name, "Webfilter": filter_name}
    return _for_both(lambda hooks: rename_events(hooks, new_names[hooks.model.__name__]))


def _keep_formats(apps, schema_editor):
    """
    Each hook sends what its receiver gets from the published plugin, by the version that has migrated the database.

    Only 22.0.0 had 0008. Older versions than that can't be told from each other by anything in the database. The mark
    of a hook that was there before is that it has no secret yet: so this comes before the secrets.
    """
    published = "published-21" if was_renamed_here(schema_editor.connection) else "published"

    def keep(hooks):
        for rows in chunks(hooks.filter(secret="", payload_format="current"), "secret"):
            hooks.filter(pk__in=[row.pk for row in rows]).update(payload_format=published)

    _for_both(keep)(apps, schema_editor)
    forget_renaming(schema_editor.connection)


def _give_secrets(hooks):
    """Those that have one keep it."""
    for rows in chunks(hooks.filter(secret=""), "secret"):
        for row in rows:
            row.secret = signing.new_secret()
        hooks.bulk_update(rows, ["secret"], batch_size=100)


def _begin_history(apps, schema_editor):
    def begin(hooks):
        version = apps.get_model("openedx_webhooks", f"Historical{hooks.model.__name__}")
        _begin_versions(hooks, version._base_manager.using(schema_editor.connection.alias))

    _for_both(begin)(apps, schema_editor)


def _begin_versions(hooks, versions):
    """A version of every hook that has none, so that this may be run again."""
    names = {field.attname for field in versions.model._meta.fields} & {
        field.attname for field in hooks.model._meta.fields
    }
    now = timezone.now()
    for rows in chunks(hooks, *names):
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


def _disable_misread(hooks):
    """Those that would mean something else to the published plugin; on the way back to it."""
    fields = [field for field in hooks.model._meta.concrete_fields if field.name in _MISREAD]
    for rows in chunks(hooks.filter(enabled=True), *(field.name for field in fields)):
        misread = [
            row.pk for row in rows if any(getattr(row, field.attname) != field.get_default() for field in fields)
        ]
        hooks.filter(pk__in=misread).update(enabled=False)


class Migration(migrations.Migration):
    """What the installed libraries don't know keeps the name that is stored. Every step may be run again."""

    dependencies = [("openedx_webhooks", "0010_tables_of_records")]
    operations = [
        migrations.RunPython(_rename(_dotted_event, _dotted_filter), _rename(_short_event, _short_filter)),
        migrations.RunPython(_keep_formats, migrations.RunPython.noop),
        migrations.RunPython(_for_both(_give_secrets), migrations.RunPython.noop),
        migrations.AlterField("webhook", "secret", HOOK["secret"].clone()),
        migrations.AlterField("webfilter", "secret", HOOK["secret"].clone()),
        migrations.RunPython(_begin_history, migrations.RunPython.noop),
        # Going back begins with it.
        migrations.RunPython(migrations.RunPython.noop, _for_both(_disable_misread)),
    ]
