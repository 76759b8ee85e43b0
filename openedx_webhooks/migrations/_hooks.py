"""What several migrations share. Migrations are history: nothing here may change its meaning."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

from django.db import connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Expression

from openedx_webhooks.batches import batched

# Names under which older versions of the published plugin stored a filter, derived from its dotted type → class name.
FILTER_ALIASES = {
    "StudentSettingsRenderStarted": "AccountSettingsRenderStarted",
    "XblockRenderStarted": "RenderXBlockStarted",
    "CourseHomepageUrlCreationStarted": "CourseHomeUrlCreationStarted",
    "HomeEnrollmentApiRendered": "CourseEnrollmentAPIRenderStarted",
    "HomeCourserunApiRenderedStarted": "CourseRunAPIRenderStarted",
    "OraSubmissionViewRenderStarted": "ORASubmissionViewRenderStarted",
    "IdvPageUrlRequested": "IDVPageURLRequested",
    "CourseAboutPageUrlRequested": "CourseAboutPageURLRequested",
    "ScheduleQuerysetRequested": "ScheduleQuerySetRequested",
    "AuthoringLmsPageUrlRequested": "LMSPageURLRequested",
    "Course_aboutRenderStarted": "CourseAboutRenderStarted",
}
CHUNK = 2000
# More than this find their value in a statement no faster, and SQLite may refuse so many.
_ROWS_OF_A_STATEMENT = 200
# Kept in the table of applied migrations until 0011, when 0009 has set the formats of the hooks for good: 0008 was applied
# by this plugin, so the database is of a version before 22.0.0, which had a 0008 of its own. A process that is killed in
# between forgets.
_RENAMED_HERE = ("openedx_webhooks", "0008_verawood of version 23")


def note_renaming(connection) -> None:
    """This plugin applies 0008; may be noted more than once."""
    if not was_renamed_here(connection):
        MigrationRecorder(connection).record_applied(*_RENAMED_HERE)


def was_renamed_here(connection) -> bool:
    """Whether it was this plugin that applied 0008, and not 22.0.0."""
    return _RENAMED_HERE in MigrationRecorder(connection).applied_migrations()


def published_format(connection) -> str:
    """
    What the hooks of this database send, by the version that has migrated it.

    Only 22.0.0 had 0008. Older versions than that can't be told from each other by anything in the database.
    """
    return "published-21" if was_renamed_here(connection) else "published"


def forget_renaming(connection) -> None:
    """From now on the hooks themselves say it."""
    MigrationRecorder(connection).record_unapplied(*_RENAMED_HERE)


def replace_zero_dates(apps, schema_editor) -> None:
    """Where a hook was made on a day that no calendar has, a strict MySQL refuses to change its table."""
    if schema_editor.connection.vendor != "mysql":
        return
    with schema_editor.connection.cursor() as cursor:
        for name, column in itertools.product(("Webhook", "Webfilter"), ("created", "modified")):
            table = apps.get_model("openedx_webhooks", name)._meta.db_table
            # Compared with a zero date it would refuse this, too. Nothing but names is put together.
            is_zero = f"MONTH({column}) * DAYOFMONTH({column}) = 0"
            cursor.execute(f"UPDATE {table} SET {column} = '1970-01-01' WHERE {is_zero}")  # noqa: S608


def chunks(hooks, *columns: str | Expression) -> Iterator[list[tuple]]:
    """
    All hooks of one kind as ``(primary key, *columns)``, in lists of at most :data:`CHUNK`.

    Only the primary key decides what is in a list: with another condition, which most rows meet and a database takes
    for a rare one, PostgreSQL reads and sorts the whole table for each list.
    """
    rows = hooks.order_by("pk").values_list("pk", *columns)
    found = list(rows[:CHUNK])
    while found:
        yield found
        found = list(rows.filter(pk__gt=found[-1][0])[:CHUNK])


def write(hooks, columns: Sequence[str], rows: Sequence[tuple]) -> None:
    """
    Give each hook values of its own: all of these, or none.

    One statement for many rows: a statement for each would take most of the time of a migration.

    Args:
        columns: their names in the table.
        rows: as of :func:`chunks`, with the values as they are stored.
    """
    connection = connections[hooks.db]
    quote = connection.ops.quote_name
    with transaction.atomic(hooks.db, savepoint=False), connection.cursor() as cursor:
        for batch in batched(rows, _ROWS_OF_A_STATEMENT):
            ids = [int(row[0]) for row in batch]
            one_each = "CASE id " + " ".join(f"WHEN {pk} THEN %s" for pk in ids) + " END"
            values = ", ".join(f"{quote(column)} = {one_each}" for column in columns)
            # Nothing but numbers, and names of columns and tables, is put together.
            cursor.execute(
                f"UPDATE {quote(hooks.model._meta.db_table)} SET {values} WHERE id IN ({', '.join(map(str, ids))})",  # noqa: S608
                [row[place] for place in range(1, len(columns) + 1) for row in batch],
            )


def renaming(hooks, new_names: Mapping[str, str]) -> Callable[[int, str], str]:
    """
    ``(primary key, event as it is stored) → its new name``, by the name with which the published plugin found the hook.

    It asked the database, and MySQL's collations find ``a`` equal to ``A`` and to ``a`` with trailing spaces; so the
    database is asked here too, once for each name that differs in nothing else.
    """
    found = dict(new_names)
    alike = {_folded(name): name for name in reversed(new_names)}

    def new_name(pk, event):
        if event not in found:
            name = alike.get(_folded(event))
            is_found = name is not None and hooks.filter(pk=pk, event=name).exists()
            found[event] = new_names[name] if is_found else event
        return found[event]

    return new_name


def _folded(name):
    return name.rstrip(" ").casefold()


def rename_events(hooks, new_name: Callable[[int, str], str]) -> None:
    """Replace the ``event`` of every hook by ``new_name(primary key, event)``."""
    for rows in chunks(hooks, "event"):
        named = [(pk, event, new_name(pk, event)) for pk, event in rows]
        write(hooks, ["event"], [(pk, name) for pk, event, name in named if name != event])
