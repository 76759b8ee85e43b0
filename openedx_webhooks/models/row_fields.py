"""
Django's fields, for rows as other software and old servers leave them.

MySQL keeps what no calendar has, a switch of 2 and rows of the number 0, and SQLite any number. Reading never raises,
and gives what can be counted with: a row that somebody wrote past the form must not stop those beside it.
"""

import uuid
from datetime import UTC, datetime

from django.db import models
from django.db.models import lookups
from model_utils.fields import AutoCreatedField, AutoLastModifiedField

# What every calendar and database can count with: near the ends of theirs nobody can add a day.
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
NO_UUID = uuid.UUID(int=0)


def bounded(when: datetime) -> datetime:
    """An aware moment, or the nearest that can be counted with."""
    return min(max(when, FIRST), LAST)


class _Reads(models.Field):
    """Differs from Django's in what it reads only: migrations have Django's."""

    def deconstruct(self):
        name, _path, args, kwargs = super().deconstruct()
        theirs = next(each for each in type(self).__mro__ if not issubclass(each, _Reads))
        module = theirs.__module__.replace("django.db.models.fields", "django.db.models")
        return name, f"{module}.{theirs.__qualname__}", args, kwargs


class MomentField(_Reads, models.DateTimeField):
    """
    A moment that can be counted with. MySQL's zero dates ("0000-00-00") are read as None, as its driver does, and are
    NULL to queries, too; where None is none of the values, they are long ago.
    """

    def from_db_value(self, value, _expression, _connection):
        if value is None:
            # So is the Min() of no rows: from the Min() of some, which have zero dates, nothing tells it.
            return None if self.null else FIRST
        if FIRST.year <= value.year < LAST.year:
            return value
        return FIRST if value.year < FIRST.year else LAST


@MomentField.register_lookup
class _IsNull(lookups.IsNull):  # pylint: disable=abstract-method
    def as_mysql(self, compiler, connection):
        column, params = self.process_lhs(compiler, connection)
        # Neither a comparison nor any other arithmetic with a zero date: in an UPDATE a strict server refuses it.
        has_day = f"MONTH({column}) * DAYOFMONTH({column})"
        if self.rhs:
            return f"({has_day} = 0 OR {column} IS NULL)", [*params, *params, *params]
        return f"{has_day} > 0", [*params, *params]


class IndexedMomentField(MomentField):
    """A moment whose absence an index finds, for which it must be compared as it stands: no zero date is NULL to it."""


IndexedMomentField.register_lookup(lookups.IsNull)


class CreatedField(MomentField, AutoCreatedField):
    """When a row was made."""


class ModifiedField(MomentField, AutoLastModifiedField):
    """When a row was saved last."""


class SwitchField(_Reads, models.BooleanField):
    """True or False, to queries, too: every number but 0 is True."""

    def from_db_value(self, value, _expression, _connection):
        return value if value is None else bool(value)


@SwitchField.register_lookup
class _Exact(lookups.Exact):  # pylint: disable=abstract-method
    def as_mysql(self, compiler, connection):
        if not isinstance(self.rhs, bool):
            return self.as_sql(compiler, connection)
        # Django compares with 1, for the sake of indexes, which no switch has.
        column, params = self.process_lhs(compiler, connection)
        return f"{column} {'<>' if self.rhs else '='} 0", params


class UuidField(_Reads, models.UUIDField):
    """A UUID; what is none is :data:`NO_UUID`, or None where that may be."""

    def get_internal_type(self):
        # By Django's name the database's own way of reading would be chosen, which raises.
        return "CharField"

    def db_type(self, connection):
        return models.UUIDField().db_type(connection)

    def from_db_value(self, value, _expression, _connection):
        try:
            return value if value is None or isinstance(value, uuid.UUID) else uuid.UUID(value)
        except (ValueError, AttributeError):
            return None if self.null else NO_UUID


class _Id(_Reads):
    def get_db_prep_value(self, value, connection, prepared=False):
        # Not Django's, which on MySQL refuses to look for 0: no row gets that number by itself, but rows may name it.
        return models.Field.get_db_prep_value(self, value, connection, prepared)


class IdField(_Id, models.AutoField):
    """A primary key."""


class BigIdField(_Id, models.BigAutoField):
    """A long primary key."""
