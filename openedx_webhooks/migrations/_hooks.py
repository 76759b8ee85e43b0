"""What several migrations share. Migrations are history: nothing here may change its meaning."""

from collections.abc import Callable, Iterator

from openedx_webhooks.transport import signing

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
# Databases in which this process has applied 0008: 22.0.0 has not been there.
RENAMED_HERE: set[str] = set()


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


def rename_events(model, connection_alias: str, new_name: Callable[[str], str]) -> None:
    """
    Replace the ``event`` of every row by ``new_name(event)``.

    The names are compared here and not in the database, because MySQL's collations find ``a`` equal to ``A`` and to
    ``a`` with trailing spaces.

    Args:
        model: the historical Webhook or Webfilter.
        connection_alias: of the database that is migrated.
        new_name: called once for each different name.
    """
    manager = model._base_manager.using(connection_alias)  # pylint: disable=protected-access
    names: dict[str, str] = {}
    for rows in chunks(manager.all(), "event"):
        by_name: dict[str, list[int]] = {}
        for row in rows:
            if row.event not in names:
                names[row.event] = new_name(row.event)
            if names[row.event] != row.event:
                by_name.setdefault(names[row.event], []).append(row.pk)
        for name, pks in by_name.items():
            manager.filter(pk__in=pks).update(event=name)


def keep_published_format(model, connection_alias: str, payload_format: str) -> None:
    """
    Let each hook that was there before this plugin send what its receiver gets from the published one.

    Its mark is that it has no secret yet: so this comes before :func:`give_secrets`. What an interrupted run has set
    stays.

    Args:
        model: the historical Webhook or Webfilter.
        connection_alias: of the database that is migrated.
        payload_format: the name of the format.
    """
    manager = model._base_manager.using(connection_alias)  # pylint: disable=protected-access
    for rows in chunks(manager.filter(secret="", payload_format="current"), "secret"):
        manager.filter(pk__in=[row.pk for row in rows]).update(payload_format=payload_format)


def published_format(connection_alias: str) -> str:
    """
    What the hooks' receivers get: by the version of the published plugin that has migrated the database.

    Only 22.0.0 had 0008. Older versions than that can't be told from each other by anything in the database.
    """
    return "published-21" if connection_alias in RENAMED_HERE else "published"


def give_secrets(model, connection_alias: str) -> None:
    """
    Give each row without a signing secret one of its own; those that have one keep it.

    Not as the default of the new column: that is made once and would be the same for all rows.

    Args:
        model: the historical Webhook or Webfilter.
        connection_alias: of the database that is migrated.
    """
    manager = model._base_manager.using(connection_alias)  # pylint: disable=protected-access
    for rows in chunks(manager.filter(secret=""), "secret"):
        for row in rows:
            row.secret = signing.new_secret()
        manager.bulk_update(rows, ["secret"], batch_size=100)


# What the published plugin knows nothing of. It would call such a hook for what its operator excluded, send what the
# operator took out, enforce what was only observed, or go without the credentials.
MISREAD = ("authentication", "condition", "local_answer", "mode", "paused", "removing_since", "shape")


def disable_misread(model, connection_alias: str) -> None:
    """
    Disable the hooks that would mean something else to the published plugin; on the way back to it.

    Args:
        model: the historical Webhook or Webfilter.
        connection_alias: of the database that is migrated.
    """
    meta = model._meta  # pylint: disable=protected-access
    fields = [field for field in meta.concrete_fields if field.name in MISREAD]
    manager = model._base_manager.using(connection_alias)  # pylint: disable=protected-access
    for rows in chunks(manager.filter(enabled=True), *(field.name for field in fields)):
        misread = [
            row.pk for row in rows if any(getattr(row, field.attname) != field.get_default() for field in fields)
        ]
        manager.filter(pk__in=misread).update(enabled=False)
