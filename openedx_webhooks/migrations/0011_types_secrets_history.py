"""
Hooks of the published plugin become ours: short name → dotted type, a secret of its own for each, and the first
version of its history. Only rows are written here, so that nobody waits for a table.

A chunk of rows at a time, and each for good on MySQL and MariaDB, where this is no transaction: of a killed run with a
million rows nothing has to be taken back. PostgreSQL and SQLite take all of it back.
"""

from django.db import connections, migrations
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils import timezone

from openedx_webhooks import catalog
from openedx_webhooks.transport import signing

from ._fields import HOOK
from ._hooks import FILTER_ALIASES, chunks, forget_renaming, rename_events, renaming, write

# What the published plugin knows nothing of. It would call such a hook for what its operator excluded, send what the
# operator took out, enforce what was only observed, or go without the credentials.
_MISREAD = ("authentication", "condition", "local_answer", "mode", "paused", "personal_data", "removing_since", "shape")


def _for_both(step):
    """``step(rows of one kind of hook)`` for both kinds, as a migration calls it."""

    def run(apps, schema_editor):
        for name in ("Webhook", "Webfilter"):
            step(apps.get_model("openedx_webhooks", name)._base_manager.using(schema_editor.connection.alias))

    return run


def _dotted_types(model):
    """Short name → dotted type."""
    if model.__name__ == "Webhook":
        return {known.name: event_type for event_type, known in reversed(catalog.events().items())}
    types = {known.name: filter_type for filter_type, known in reversed(catalog.filters().items())}
    # The published 0008 has renamed the aliases already, except in rows that were restored or written since.
    return types | {
        alias: types[name] for alias, name in FILTER_ALIASES.items() if name in types and alias not in types
    }


def _shorten(hooks):
    known = catalog.events() if hooks.model.__name__ == "Webhook" else catalog.filters()
    rename_events(hooks, lambda _, event: known[event].name if event in known else event)


# Not by its value: one that no key opens reads as empty, and is not.
_HAS_NO_SECRET = ExpressionWrapper(Q(secret=""), output_field=BooleanField())


def _take_over(apps, schema_editor):
    _for_both(_take_over_hooks)(apps, schema_editor)
    # 0009 was applied, and won't ask again.
    forget_renaming(schema_editor.connection)


def _take_over_hooks(hooks):
    """Those that have a secret keep it."""
    connection, secret = connections[hooks.db], hooks.model._meta.get_field("secret")
    new_name = renaming(hooks, _dotted_types(hooks.model))
    for rows in chunks(hooks, "event", _HAS_NO_SECRET):
        dotted = {pk: new_name(pk, event) for pk, event, _ in rows}
        ours = [(pk, dotted[pk]) for pk, event, is_new in rows if not is_new and dotted[pk] != event]
        write(hooks, ["event"], ours)
        new = [
            (pk, dotted[pk], secret.get_db_prep_save(signing.new_secret(), connection))
            for pk, _, is_new in rows
            if is_new
        ]
        write(hooks, ["event", "secret"], new)


def _begin_history(apps, schema_editor):
    def begin(hooks):
        version = apps.get_model("openedx_webhooks", f"Historical{hooks.model.__name__}")
        _begin_versions(hooks, version, schema_editor.connection)

    _for_both(begin)(apps, schema_editor)


def _begin_versions(hooks, version, connection):
    """A version of every hook that has none, so that this may be run again: the row as it is stored, whatever that is."""
    now = version._meta.get_field("history_date").get_db_prep_save(timezone.now(), connection)
    made = {"history_date": now, "history_type": "~", "history_change_reason": "begun", "changed_secrets": ""}
    kept = {field.column for field in version._meta.fields} & {field.column for field in hooks.model._meta.fields}
    names, new_names = (", ".join(map(connection.ops.quote_name, columns)) for columns in (sorted(kept), made))
    table, versions = (connection.ops.quote_name(model._meta.db_table) for model in (hooks.model, version))
    sql = (
        f"INSERT INTO {versions} ({names}, {new_names}) SELECT {names}, %s, %s, %s, %s FROM {table} "  # noqa: S608
        f"WHERE id BETWEEN %s AND %s AND id NOT IN (SELECT id FROM {versions} WHERE id BETWEEN %s AND %s)"
    )
    for rows in chunks(hooks):
        ids = [rows[0][0], rows[-1][0]]
        with connection.cursor() as cursor:
            cursor.execute(sql, [*made.values(), *ids, *ids])


def _disable_misread(hooks):
    """Those that would mean something else to the published plugin; on the way back to it."""
    fields = [field for field in hooks.model._meta.concrete_fields if field.name in _MISREAD]
    understood = [field.get_default() for field in fields]
    for rows in chunks(hooks, *(field.name for field in fields)):
        misread = [pk for pk, *values in rows if values != understood]
        hooks.filter(pk__in=misread).update(enabled=False)


def _run(forward, backward):
    return migrations.RunPython(forward, backward, atomic=False)


class Migration(migrations.Migration):
    """What the installed libraries don't know keeps the name that is stored. Every step may be run again."""

    dependencies = [("openedx_webhooks", "0010_tables_of_records")]
    operations = [
        _run(_take_over, _for_both(_shorten)),
        # No database holds this default, and SQLite would copy its tables for it.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(name, "secret", HOOK["secret"].clone()) for name in ("webhook", "webfilter")
            ]
        ),
        _run(_begin_history, migrations.RunPython.noop),
        # Going back begins with it.
        _run(migrations.RunPython.noop, _for_both(_disable_misread)),
    ]
