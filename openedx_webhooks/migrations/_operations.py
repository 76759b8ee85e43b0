"""
Operations that can be interrupted at any statement and run again.

MySQL and MariaDB commit each statement that changes a table by itself: what a killed migration has done stays, and the
migration counts as not applied. So the second run takes away what it finds of the first and begins that step anew.
"""

from django.db import migrations


def columns(schema_editor, table: str) -> set[str]:
    """The columns of a table; none if it isn't there."""
    introspection = schema_editor.connection.introspection
    with schema_editor.connection.cursor() as cursor:
        if table not in introspection.table_names(cursor):
            return set()
        return {column.name for column in introspection.get_table_description(cursor, table)}


class AddField(migrations.AddField):
    """Add a column; one that an interrupted run has added is taken away first, and none that isn't there."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if self._is_there(app_label, schema_editor, to_state):
            super().database_backwards(app_label, schema_editor, to_state, from_state)
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if self._is_there(app_label, schema_editor, from_state):
            super().database_backwards(app_label, schema_editor, from_state, to_state)

    def _is_there(self, app_label, schema_editor, state) -> bool:
        model = state.apps.get_model(app_label, self.model_name)
        return model._meta.get_field(self.name).column in columns(schema_editor, model._meta.db_table)


class CreateModel(migrations.CreateModel):
    """Make a table, whether or not an interrupted run has made it; one with rows in it is never dropped for that."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model = to_state.apps.get_model(app_label, self.name)
        if columns(schema_editor, model._meta.db_table):
            if model._base_manager.using(schema_editor.connection.alias).exists():
                raise RuntimeError(
                    f"The table {model._meta.db_table} is there already and has rows. If they may go, drop it by hand "
                    "and migrate again."
                )
            schema_editor.execute(
                schema_editor.sql_delete_table % {"table": schema_editor.quote_name(model._meta.db_table)}
            )
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        model = from_state.apps.get_model(app_label, self.name)
        if columns(schema_editor, model._meta.db_table):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class WidenField(migrations.AlterField):
    """
    Make a column longer. Going back, it stays long.

    A longer column is no harm to an older version, and a shorter one would lose or refuse what was entered since.
    """

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        """Leave the database as it is."""
