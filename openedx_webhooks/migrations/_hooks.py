"""What several migrations share. Migrations are history: nothing here may change its meaning."""

from collections.abc import Callable, Iterator

from django.db.migrations.recorder import MigrationRecorder

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
# Kept in the table of applied migrations until the formats of the hooks are set: 0008 was applied by this plugin, so the
# database is of a version before 22.0.0, which had a 0008 of its own. A process that is killed in between forgets.
_RENAMED_HERE = ("openedx_webhooks", "0008_verawood of version 23")


def note_renaming(connection) -> None:
    """This plugin applies 0008; may be noted more than once."""
    if not was_renamed_here(connection):
        MigrationRecorder(connection).record_applied(*_RENAMED_HERE)


def was_renamed_here(connection) -> bool:
    """Whether it was this plugin that applied 0008, and not 22.0.0."""
    return _RENAMED_HERE in MigrationRecorder(connection).applied_migrations()


def forget_renaming(connection) -> None:
    """From now on the hooks themselves say it."""
    MigrationRecorder(connection).record_unapplied(*_RENAMED_HERE)


def chunks(queryset, *fields: str) -> Iterator[list]:
    """
    All rows of a queryset in lists of at most :data:`CHUNK` instances with the given fields, by primary key.

    Unlike ``iterator()`` this holds no cursor open while rows are written, and no table in memory on MySQL.
    """
    queryset = queryset.only("pk", *fields).order_by("pk")
    rows = list(queryset[:CHUNK])
    while rows:
        yield rows
        rows = list(queryset.filter(pk__gt=rows[-1].pk)[:CHUNK])


def rename_events(hooks, new_name: Callable[[str], str]) -> None:
    """
    Replace the ``event`` of every row by ``new_name(event)``, which is called once for each different name.

    The names are compared here and not in the database, because MySQL's collations find ``a`` equal to ``A`` and to
    ``a`` with trailing spaces.
    """
    names: dict[str, str] = {}
    for rows in chunks(hooks.all(), "event"):
        by_name: dict[str, list[int]] = {}
        for row in rows:
            if row.event not in names:
                names[row.event] = new_name(row.event)
            if names[row.event] != row.event:
                by_name.setdefault(names[row.event], []).append(row.pk)
        for name, pks in by_name.items():
            hooks.filter(pk__in=pks).update(event=name)
