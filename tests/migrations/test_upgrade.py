"""A database of the published plugin, or none, becomes ours, and no row is lost or misread."""

import io
import os

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from openedx_webhooks import catalog
from openedx_webhooks.migrations import _hooks
from openedx_webhooks.models import Webfilter, Webhook
from openedx_webhooks.transport import signing

from . import published

TABLES = tuple(published.TABLES)
OUR_TABLES = (
    *TABLES,
    *(
        f"openedx_webhooks_{name}"
        for name in (
            "capturedevent",
            "delivery",
            "attempt",
            "call",
            "historicalwebhook",
            "historicalwebfilter",
            "tally",
            "tallymark",
            "sequencecounter",
            "receivertoken",
            "mark",
        )
    ),
)
EVENTS = {
    "SESSION_LOGIN_COMPLETED": "org.openedx.learning.auth.session.login.completed.v1",
    "STUDENT_REGISTRATION_COMPLETED": "org.openedx.learning.student.registration.completed.v1",
    "COURSE_ENROLLMENT_CREATED": "org.openedx.learning.course.enrollment.created.v1",
    "CCX_COURSE_PASSING_STATUS_UPDATED": "org.openedx.learning.ccx.course.passing.status.updated.v1",
    "XBLOCK_SKILL_VERIFIED": "org.openedx.learning.xblock.skill.verified.v1",
    "COURSE_CATALOG_INFO_CHANGED": "org.openedx.content_authoring.course.catalog_info.changed.v1",
    "TRACKING_EVENT_EMITTED": "org.openedx.analytics.tracking.event.emitted.v1",
    "ROLE_ASSIGNMENT_CREATED": "org.openedx.authz.role_assignment.created",
}
if not catalog.find_event("ROLE_ASSIGNMENT_CREATED"):
    del EVENTS["ROLE_ASSIGNMENT_CREATED"]  # Teak and Ulmo have none.
FILTERS = {
    "StudentLoginRequested": "org.openedx.learning.student.login.requested.v1",
    "StudentRegistrationRequested": "org.openedx.learning.student.registration.requested.v1",
    "CourseEnrollmentStarted": "org.openedx.learning.course.enrollment.started.v1",
    "CertificateRenderStarted": "org.openedx.learning.certificate.render.started.v1",
    "InstructorDashboardRenderStarted": "org.openedx.learning.instructor.dashboard.render.started.v1",
}
ALIASES = {alias: dotted for alias, _, dotted in published.ALIASES}
CLASSES = {name: dotted for _, name, dotted in published.ALIASES}
ALL_CLASSES = {**{entry.name: entry.filter_type for entry in catalog.filters().values()}, **FILTERS, **CLASSES}
IS_LOOSE = connection.vendor == "mysql"
# Whatever is stored → whatever should be there afterwards.
EXPECTED_EVENT = {
    **{entry.name: entry.event_type for entry in catalog.events().values()},
    **EVENTS,
    **{name: name for name in published.UNKNOWN_EVENTS},
    **{loose: EVENTS[name] if IS_LOOSE else loose for loose, name in published.LOOSE_EVENTS.items()},
}
EXPECTED_FILTER = {
    **ALL_CLASSES,
    **ALIASES,
    **{name: name for name in published.UNKNOWN_FILTERS},
    **{loose: (FILTERS | ALIASES)[name] if IS_LOOSE else loose for loose, name in published.LOOSE_FILTERS.items()},
}
# What the receivers of each version get.
FORMATS = {"1.0.1": "published-21", "22.0.0": "published"}
LONG_URL = "https://hooks.example/" + "x" * 1900
LONG_EVENT = "org.example." + "long." * 40 + "v1"


def migrate(alias, *target):
    """The real command: the plugin's migrations and what they need, not those of the other apps of the demo."""
    call_command("migrate", "openedx_webhooks", *target, database=alias, verbosity=0, interactive=False)


def dump(version):
    """Every name that a version may have stored; 22.0.0 has renamed the aliases, but for restored rows."""
    return published.Dump.of(version, list(EXPECTED_EVENT), list(EXPECTED_FILTER))


class Database:
    """A migrated database, and what was in it before."""

    def __init__(self, alias, version):
        self.alias, self.version = alias, version
        self.connection = connections[alias]
        dump(version).load(self.connection)
        self.before = {table: published.read(self.connection, table) for table in TABLES}
        migrate(alias)

    def now(self, table, without=()):
        """The published columns of the rows as they are now, but for the hooks whose ids are to be left out."""
        return {pk: row for pk, row in published.read(self.connection, table).items() if pk not in without}


@pytest.fixture(scope="module", params=published.APPLIED)
def upgraded(request, new_database):
    """A database that a version of the published plugin left behind, after ``migrate``."""
    return Database(new_database(), request.param)


@pytest.fixture(scope="module")
def fresh(new_database):
    """The alias of a database that was empty before ``migrate``."""
    alias = new_database()
    migrate(alias)
    return alias


def without_event(rows):
    """The rows without the one column that changes."""
    return {pk: {name: value for name, value in row.items() if name != "event"} for pk, row in rows.items()}


@pytest.mark.parametrize("table", TABLES)
def test_every_row_keeps_every_value(upgraded, table):
    """Ids, times to the microsecond, flags in every combination, long and non-ASCII text."""
    assert upgraded.before[table]
    assert without_event(upgraded.now(table)) == without_event(upgraded.before[table])


@pytest.mark.parametrize("table, expected", [(TABLES[0], EXPECTED_EVENT), (TABLES[1], EXPECTED_FILTER)], ids=TABLES)
def test_event_is_the_dotted_type(upgraded, table, expected):
    """
    Constants, classes and aliases become types, and on MySQL what its collations find equal to them, since the published
    plugin ran that; what no library declares stays exactly as it was stored.
    """
    now = upgraded.now(table)
    assert {pk: row["event"] for pk, row in now.items()} == {
        pk: expected[row["event"]] for pk, row in upgraded.before[table].items()
    }


def test_every_hook_has_a_secret_of_its_own(upgraded):
    """Not the default of a new column, which would be one for all."""
    secrets = [hook.secret for model in (Webhook, Webfilter) for hook in model.objects.using(upgraded.alias)]
    assert len(set(secrets)) == len(secrets) == sum(map(len, upgraded.before.values()))
    assert all(len(signing.key_of(secret)) == 32 for secret in secrets)


@pytest.mark.parametrize("table", TABLES)
def test_secrets_are_encrypted_in_the_database(upgraded, table):
    """Also those that the migrations made."""
    with upgraded.connection.cursor() as cursor:
        cursor.execute(f"SELECT secret FROM {table}")
        assert all(secret.startswith("fernet:") for (secret,) in cursor.fetchall())


def test_receivers_get_what_they_got(upgraded):
    """Only 22.0.0 has applied 0008: without it, an older version was there."""
    expected = FORMATS[upgraded.version]
    for model in (Webhook, Webfilter):
        hooks = model.objects.using(upgraded.alias)
        assert hooks.filter(payload_format=expected).count() == hooks.count() > 0
        assert model.history.model.objects.using(upgraded.alias).exclude(payload_format=expected).count() == 0


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_history_begins_with_each_hook_as_it_is(upgraded, model):
    """One version of each, with every column that versions have."""
    kept = {field.name for field in model.history.model._meta.fields} & {field.name for field in model._meta.fields}
    hooks, versions = model.objects.using(upgraded.alias), model.history.model.objects.using(upgraded.alias)
    assert sorted(versions.values_list(*kept), key=str) == sorted(hooks.values_list(*kept), key=str)
    assert set(versions.values_list("history_type", "history_change_reason", "changed_secrets")) == {("~", "begun", "")}


def test_webfilters_run_in_the_order_in_which_they_ran(upgraded):
    """The published plugin ran them by primary key."""
    order = [webfilter.pk for webfilter in Webfilter.objects.using(upgraded.alias)]
    assert order == sorted(upgraded.before["openedx_webhooks_webfilter"])


@pytest.mark.parametrize(
    "model, field, value",
    [
        (Webhook, "description", ""),
        (Webhook, "condition", ""),
        (Webhook, "shape", ""),
        (Webhook, "headers", {}),
        (Webhook, "authentication", "none"),
        (Webhook, "credentials", {}),
        (Webhook, "signature", "standard"),
        (Webhook, "retry_schedule", []),
        (Webhook, "previous_secret", ""),
        (Webhook, "consecutive_failures", 0),
        (Webhook, "failing_since", None),
        (Webhook, "disabled_reason", ""),
        (Webhook, "paused", False),
        (Webhook, "removing_since", None),
        (Webfilter, "condition", ""),
        (Webfilter, "shape", ""),
        (Webfilter, "headers", {}),
        (Webfilter, "authentication", "none"),
        (Webfilter, "credentials", {}),
        (Webfilter, "signature", "standard"),
        (Webfilter, "order", 0),
        (Webfilter, "timeout", None),
        (Webfilter, "mode", "enforce"),
        (Webfilter, "call_log", "problems"),
        (Webfilter, "cache_answers", False),
        (Webfilter, "serve_stale_answers", False),
        (Webfilter, "previous_secret", ""),
        (Webfilter, "previous_secret_expires_at", None),
        (Webfilter, "removing_since", None),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_what_is_new_changes_nothing_for_old_hooks(upgraded, model, field, value):
    """New columns hold what makes a hook behave as before."""
    stored = model.objects.using(upgraded.alias).order_by().values_list(field, flat=True).distinct()
    assert list(stored) == [value]


@pytest.mark.parametrize("table", OUR_TABLES)
def test_an_upgraded_schema_is_that_of_a_fresh_database(upgraded, fresh, table):
    """Columns with their types, and every index and constraint."""
    assert schema(upgraded.connection, table) == schema(connections[fresh], table)


def schema(connection, table):
    """What the database says about a table, without what differs by chance: order, and names with a hash."""
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, table)
        constraints = connection.introspection.get_constraints(cursor, table).values()
    facts = ("columns", "primary_key", "unique", "foreign_key", "index")
    return (
        # MySQL gives the longest value of the rows as display_size.
        {column.name: repr(column._replace(display_size=None)) for column in columns},
        sorted(repr([constraint[fact] for fact in facts]) for constraint in constraints),
    )


@pytest.mark.django_db
def test_nothing_is_left_to_migrate():
    """The models are what the migrations make."""
    call_command("makemigrations", "openedx_webhooks", check=True, dry_run=True, stdout=io.StringIO())


class TestBackAndForth:
    """From our schema back to the published one, and forward again."""

    UNDERSTOOD = [
        (Webhook, {}),
        (Webfilter, {}),
        (Webhook, {"retry_schedule": [60], "use_www_form_encoding": True}),
        (Webfilter, {"order": 3, "timeout": 1.5, "halt_on_4xx": True}),
    ]
    MISUNDERSTOOD = [
        (Webhook, {"condition": "user.is_active"}),
        (Webhook, {"shape": "{id: user.id}"}),
        (Webhook, {"paused": True}),
        (Webhook, {"authentication": "bearer", "credentials": {"token": "x"}}),
        (Webfilter, {"mode": "observe"}),
        (Webfilter, {"local_answer": "{data: {}}", "webhook_url": ""}),
        (Webfilter, {"condition": "user.is_active"}),
    ]

    @pytest.fixture(scope="class")
    @classmethod
    def database(cls, new_database):
        """Upgraded, with hooks that the published columns had no room for; those that must not go on are apart."""
        database = Database(new_database(), "22.0.0")
        database.understood, database.misunderstood = (
            [
                model.objects.using(database.alias).create(**{"event": LONG_EVENT, "webhook_url": LONG_URL, **fields})
                for model, fields in hooks
            ]
            for hooks in (cls.UNDERSTOOD, cls.MISUNDERSTOOD)
        )
        apart = {table: [] for table in TABLES}
        for hook in database.misunderstood:
            apart[hook._meta.db_table].append(hook.pk)
        database.rows = lambda: {table: database.now(table, without=apart[table]) for table in TABLES}
        database.upgraded = database.rows()
        migrate(database.alias, "0008")
        database.back = database.rows()
        migrate(database.alias)
        return database

    @pytest.mark.parametrize("table", TABLES)
    def test_back_every_row_is_there(self, database, table):
        """Long addresses too, although the published column was shorter."""
        assert without_event(database.back[table]) == without_event(database.upgraded[table])

    def test_back_webhooks_have_short_names(self, database):
        """As the published plugin reads them; unknown ones stay as they are."""
        events = {row["event"] for row in database.back[TABLES[0]].values()}
        assert events == {*EXPECTED_EVENT, LONG_EVENT} - set(published.LOOSE_EVENTS if IS_LOOSE else ())

    def test_back_webfilters_have_the_names_of_classes(self, database):
        """As the published 0008 leaves them."""
        filters = {row["event"] for row in database.back[TABLES[1]].values()}
        unknown = [*published.UNKNOWN_FILTERS, *(() if IS_LOOSE else published.LOOSE_FILTERS)]
        assert filters == {*ALL_CLASSES, *unknown, LONG_EVENT}

    @pytest.mark.parametrize("table", TABLES)
    def test_forward_again_nothing_is_lost(self, database, table):
        """Every row as it was before going back."""
        assert database.rows()[table] == database.upgraded[table]

    def test_what_the_published_plugin_would_misunderstand_is_disabled_on_the_way_back(self, database):
        """It would call these for what their operator excluded, or enforce what was observed. Others stay enabled."""

        def enabled(hooks):
            return [type(hook).objects.using(database.alias).get(pk=hook.pk).enabled for hook in hooks]

        assert enabled(database.understood) == [True] * len(self.UNDERSTOOD)
        assert enabled(database.misunderstood) == [False] * len(self.MISUNDERSTOOD)


class TestManyRows:
    """More rows than one chunk, which is made small for it."""

    COUNT = 401

    @pytest.fixture(scope="class")
    @classmethod
    def database(cls, new_database):
        """Two full chunks and one row; migrated to just before the secrets, where some webhooks have one already."""
        alias = new_database()
        many = published.Dump.of(
            "22.0.0",
            ["COURSE_ENROLLMENT_CREATED", "UNKNOWN"] * 200 + ["COURSE_CREATED"],
            ["StudentLoginRequested"] * cls.COUNT,
        )
        many.load(connections[alias])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_hooks, "CHUNK", 200)
            migrate(alias, "0010")
            with connections[alias].cursor() as cursor:
                cursor.execute("UPDATE openedx_webhooks_webhook SET secret = 'whsec_kept' WHERE event = 'UNKNOWN'")
                cursor.execute(
                    "UPDATE openedx_webhooks_webhook SET secret = 'fernet:lost' WHERE event = 'COURSE_CREATED'"
                )
            with CaptureQueriesContext(connections[alias]) as cls.queries:
                migrate(alias)
        return alias

    def test_all_are_renamed(self, database):
        """The last row of the last chunk too."""
        webhooks = Webhook.objects.using(database)
        assert webhooks.filter(event="org.openedx.learning.course.enrollment.created.v1").count() == 200
        assert webhooks.filter(event="UNKNOWN").count() == 200
        assert webhooks.last().event == "org.openedx.content_authoring.course.created.v1"

    def test_all_have_secrets(self, database):
        """One each."""
        assert len({hook.secret for hook in Webfilter.objects.using(database)} - {""}) == self.COUNT

    def test_only_the_primary_key_decides_which_rows_come_next(self, database):
        """With a condition beside it PostgreSQL reads and sorts the whole table for each chunk."""
        conditions = [
            query["sql"].partition(" WHERE ")[2] for query in self.queries if query["sql"].endswith("LIMIT 200")
        ]
        assert len(conditions) > 8
        assert not [condition for condition in conditions if "AND" in condition or "=" in condition]

    def test_no_row_has_a_statement_of_its_own(self, database):
        """Which took longer than everything else together; ``executemany`` is as many statements, on most databases."""
        assert 4 < len(self.queries) < self.COUNT / 4
        assert not [query["sql"] for query in self.queries if " times: " in query["sql"]]

    def test_a_secret_that_is_there_is_kept(self, database):
        """So that a migration that was interrupted can be run again; the others have one of their own."""
        kept = [hook.event for hook in Webhook.objects.using(database) if hook.secret == "whsec_kept"]
        assert kept == ["UNKNOWN"] * 200
        assert len({hook.secret for hook in Webhook.objects.using(database)} - {""}) == 201

    def test_a_secret_that_no_key_opens_is_kept(self, database):
        """It reads as empty, and is not."""
        with connections[database].cursor() as cursor:
            cursor.execute("SELECT secret FROM openedx_webhooks_webhook ORDER BY id DESC LIMIT 1")
            assert cursor.fetchone() == ("fernet:lost",)


class TestKilledMigration:
    """
    MySQL commits each change of a table by itself: a migration that is killed leaves some of them, and is run again.

    ``MIGRATION_KILLS=all`` tries every statement, ``MIGRATION_KILLS=108-243`` these; the ordinary run one in ten.
    """

    class Killed(Exception):
        """Nobody catches it."""

    @classmethod
    def migrate_until(cls, alias, most):
        """Migrate; after so many statements the process is killed. How many there were."""
        count = 0

        def wrapper(execute, sql, params, many, context):
            nonlocal count
            result = execute(sql, params, many, context)
            if (
                not sql.lstrip()
                .upper()
                .startswith(("SELECT", "SHOW", "SET", "PRAGMA", "BEGIN", "SAVEPOINT", "RELEASE"))
            ):
                count += 1
                if count == most:
                    raise cls.Killed
            return result

        with connections[alias].execute_wrapper(wrapper):
            migrate(alias)
        return count

    @pytest.mark.parametrize("version", published.APPLIED)
    def test_at_any_statement_it_can_be_run_again_and_loses_nothing(self, brief_database, fresh, version, monkeypatch):
        if connections[fresh].features.can_rollback_ddl:
            pytest.skip("this database rolls a killed migration back by itself")
        # Some hooks are ours already when it is killed, and others are not.
        monkeypatch.setattr(_hooks, "CHUNK", 50)
        with brief_database() as alias:
            dump(version).load(connections[alias])
            statements = self.migrate_until(alias, None)
        assert statements > 40
        schemas = {table: schema(connections[fresh], table) for table in OUR_TABLES}
        for most in self.kills(os.environ.get("MIGRATION_KILLS"), statements):
            with brief_database() as alias:
                self.check_kill(alias, version, most, schemas)

    @staticmethod
    def kills(which, statements):
        """After which statements the process is killed."""
        if which and "-" in which:
            first, last = map(int, which.split("-"))
            return range(first, min(last + 1, statements))
        return range(1, statements, 1 if which == "all" else 10)

    def check_kill(self, alias, version, most, schemas):
        dump(version).load(connections[alias])
        before = {table: published.read(connections[alias], table) for table in TABLES}
        with pytest.raises(self.Killed):
            self.migrate_until(alias, most)
        connections[alias].close()
        migrate(alias)
        for table in TABLES:
            assert without_event(published.read(connections[alias], table)) == without_event(before[table]), most
        for table in OUR_TABLES:
            assert schema(connections[alias], table) == schemas[table], most
        for model in (Webhook, Webfilter):
            hooks = model.objects.using(alias)
            assert all(hook.secret for hook in hooks), most
            assert {hook.payload_format for hook in hooks} == {FORMATS[version]}, most
            assert model.history.model.objects.using(alias).count() == hooks.count(), most

    def test_chunks_that_are_done_stay_done(self, brief_database, monkeypatch):
        """Of a million rows nothing has to be taken back, which would take as long as it took to write them."""
        monkeypatch.setattr(_hooks, "CHUNK", 30)
        with brief_database() as alias:
            if connections[alias].features.can_rollback_ddl:
                pytest.skip("this database rolls a killed migration back by itself")
            dump("22.0.0").load(connections[alias])
            migrate(alias, "0010")
            with pytest.raises(self.Killed):
                # Within the third chunk of webhooks.
                self.migrate_until(alias, 3)
            connections[alias].close()
            assert Webhook.objects.using(alias).exclude(secret="").count() == 60

    @pytest.mark.parametrize("version", published.APPLIED)
    def test_what_can_be_read_has_the_published_format(self, new_database, version):
        """New processes that run already send it; what they have read they keep for a minute."""
        alias = new_database()
        dump(version).load(connections[alias])
        migrate(alias, "0009")
        for model in (Webhook, Webfilter):
            assert set(model.objects.using(alias).values_list("payload_format", flat=True)) == {FORMATS[version]}

    def test_what_was_there_before_is_kept_in_the_database_until_it_is_used(self, new_database):
        """A process that is killed after 0008 takes with it what it remembers; the next one can't see who applied 0008."""
        alias = new_database()
        dump("1.0.1").load(connections[alias])
        migrate(alias, "0008")
        assert _hooks.was_renamed_here(connections[alias])
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT name FROM django_migrations WHERE app = 'openedx_webhooks' ORDER BY id")
            assert len(cursor.fetchall()) == len(published.MIGRATIONS) + 1
        migrate(alias)
        assert not _hooks.was_renamed_here(connections[alias])

    def test_going_back_can_be_run_again_too(self, new_database):
        alias = new_database()
        dump("22.0.0").load(connections[alias])
        migrate(alias)
        rows = {table: published.read(connections[alias], table) for table in TABLES}

        def wrapper(execute, sql, params, many, context):
            result = execute(sql, params, many, context)
            if "DROP" in sql.upper():
                raise self.Killed
            return result

        with pytest.raises(self.Killed), connections[alias].execute_wrapper(wrapper):
            migrate(alias, "0008")
        connections[alias].close()
        migrate(alias, "0008")
        for table in TABLES:
            assert without_event(published.read(connections[alias], table)) == without_event(rows[table])


@pytest.mark.parametrize("version", published.APPLIED)
def test_days_that_no_calendar_has_stop_no_upgrade(brief_database, version):
    """They were written when the server was not strict yet; a strict one changes no table that has some."""
    with brief_database() as alias:
        if connections[alias].vendor != "mysql":
            pytest.skip("only MySQL has such days")
        dump(version).load(connections[alias])
        with connections[alias].cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = ''")
            for table in TABLES:
                cursor.execute(f"UPDATE {table} SET created = '0000-00-00', modified = '2026-00-05', enabled = 2")
            cursor.execute("SET SESSION sql_mode = 'TRADITIONAL'")
        migrate(alias)
        for model in (Webhook, Webfilter):
            hooks = model.objects.using(alias)
            assert {moment.year for row in hooks.values_list("created", "modified") for moment in row} == {1970}
            assert hooks.filter(enabled=True).count() == hooks.count() > 0
