"""
The newest rows that meet any conditions, in bounded time in a table of any size.

An optimizer that is asked for “the newest 50 of these” may begin with the wrong index and read a million rows. So it is
never asked: either an index finds few rows and the rest is decided among them, or the table is walked from its newest
row in windows, each of them a range of one index, until enough is found or the time is over.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

import attrs
from django.db.models import Model, Q, QuerySet

from ..batches import batched

# As many rows as a list counts and an action works on.
COUNTED = 2000
# Rows that are looked at in one go: as many as take about a fifth of the time, which on a cold disk are few.
_WINDOW = 1000
_WIDEST = 20_000
_SECONDS = 0.35
# As many values as one statement takes well; SQLite knows no more of them than this in some builds.
_CHUNK = 500
# No hook's primary key.
_ANY = -1


@attrs.frozen
class Condition:
    """
    What rows must meet.

    Attributes:
        q: on columns of the table, or what its queryset has as an alias.
        column: the one that it is about, which may have an index; empty: none.
        is_single: one value of that column.
    """

    q: Q
    column: str = ""
    is_single: bool = False


@attrs.define
class Found:
    """
    Attributes:
        ids: primary keys, the newest first; at most :data:`COUNTED`.
        is_cut: there may be more.
        back_to: how far it was looked, if that was not to the end for want of time.
        edge: column and value of the newest row that was not looked at then.
    """

    ids: list[int] = attrs.field(factory=list)
    is_cut: bool = False
    back_to: datetime | None = None
    edge: tuple[str, Any] | None = None


def newest(rows: QuerySet, conditions: Sequence[Condition], time_field: str) -> Found:
    """
    The newest rows that meet all conditions.

    Args:
        rows: of a model whose primary keys and times grow together, more or less.
        time_field: the column that tells when.
    """
    every, by_column = Q(), {}
    for condition in conditions:
        every &= condition.q
        if condition.column:
            by_column.setdefault(condition.column, []).append(condition)
    for columns in _indexed(rows.model, by_column):
        few = rows.filter(*(each.q for column in columns for each in by_column[column])).order_by()
        ids = list(few.values_list("pk", flat=True)[: COUNTED + 1])
        if len(ids) <= COUNTED:
            return Found(sorted(among(rows.filter(every), ids), reverse=True))
    singles = [column for column, found in by_column.items() if any(each.is_single for each in found)]
    if len(conditions) == 1 and singles and (singles[0],) in _indexes(rows.model):
        return Found(list(rows.filter(every).order_by("-pk").values_list("pk", flat=True)[:COUNTED]), is_cut=True)
    # Rows that share a value lie in the order of time, where there is such an index.
    base = [column for column in singles if (column, time_field) in _indexes(rows.model)][:1]
    along = time_field if base or time_field in by_column else "pk"
    base += [time_field] if time_field in by_column else []
    ranged = rows.filter(*(each.q for column in base for each in by_column[column]))
    if base and all(condition.column in base for condition in conditions):
        # The index has all that is asked for, in the order of time.
        ids = ranged.order_by(f"-{along}").values_list("pk", flat=True)[:COUNTED]
        return Found(sorted(ids, reverse=True), is_cut=True)
    return _walk(ranged, every, along=along, time=time_field)


def _walk(rows: QuerySet, every: Q, *, along: str, time: str) -> Found:
    found, before, width, start = Found(), None, _WINDOW, monotonic()
    while True:
        began = monotonic()
        window = rows.filter(**{f"{along}__lte": before}) if before is not None else rows
        edge = window.order_by(f"-{along}").values_list(along, flat=True)[width : width + 1].first()
        part = window.filter(**{f"{along}__gt": edge}) if edge is not None else window
        # Without an order and a limit: the range is the smallest there is, and nothing tempts to another index.
        matching = part.filter(every).order_by().values_list(along, "pk")
        found.ids += [pk for _at, pk in sorted(matching, reverse=True)[: COUNTED - len(found.ids)]]
        found.is_cut = len(found.ids) >= COUNTED
        if edge is None or found.is_cut:
            return found
        if edge == before or monotonic() - start > _SECONDS:
            found.is_cut, found.edge = True, (along, edge)
            found.back_to = edge if along == time else rows.filter(pk=edge).values_list(time, flat=True).first()
            return found
        before, took = edge, monotonic() - began
        width = min(_WIDEST, 2 * width) if took < _SECONDS / 5 else max(_WINDOW, width // 2)


def one_of_each(rows: QuerySet, column: str, values: Iterable[int], place: int = 0) -> dict[int, Any]:
    """
    The row at one place of an order, for each of some hooks that has so many: by one query.

    A subquery for each row of the hooks' table would be shorter. But of that an optimizer makes one plan for all of
    them before it knows which hook it is for; and for one that has half of all rows, or ten of them, that may be to
    sort them or to read the whole table. In a UNION each has its own.

    Args:
        rows: ordered, and with ``only()`` such columns, beside the hook's, as an index has in that order.
        column: the one that names the hook.
        values: the hooks' primary keys.
        place: 0 for the first row.
    """
    values = list(values)
    if not values:
        return {}
    # Compiled once: to have Django do it two hundred times takes longer than the query.
    part = rows.filter(**{column: _ANY})[place : place + 1]
    sql, parameters = part.query.get_compiler(part.db).as_sql()
    of_each = [value if parameter == _ANY else parameter for value in values for parameter in parameters]
    # Django's own statement, with placeholders for values.
    union = " UNION ALL ".join([f"SELECT * FROM ({sql}) part"] * len(values))  # noqa: S608
    return {getattr(row, column): row for row in rows.model.objects.using(part.db).raw(union, of_each)}


def among(rows: QuerySet, ids: Sequence[int]) -> Iterator[int]:
    """Those primary keys whose rows are in the queryset."""
    for some in batched(ids, _CHUNK):
        yield from rows.filter(pk__in=some).order_by().values_list("pk", flat=True)


def _indexed(model: type[Model], columns) -> list[tuple[str, ...]]:
    """The beginnings of indexes of which all columns are among these, the longest first."""
    beginnings = set()
    for index in _indexes(model):
        for length in range(1, len(index) + 1):
            if set(index[:length]) <= set(columns):
                beginnings.add(index[:length])
    return sorted(beginnings, key=lambda beginning: (-len(beginning), beginning))


def _indexes(model: type[Model]) -> set[tuple[str, ...]]:
    opts = model._meta
    singles = {(field.name,) for field in opts.concrete_fields if field.db_index or field.unique}
    uniques = {tuple(constraint.fields) for constraint in opts.constraints if hasattr(constraint, "fields")}
    return singles | uniques | {tuple(index.fields) for index in opts.indexes}
