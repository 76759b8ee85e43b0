"""Rows as Django has no word for: locks that wait for nobody, deletion without reading, what they name and is gone."""

from django.core.exceptions import ObjectDoesNotExist
from django.db import connections
from django.db.models import Model, QuerySet


def can_pass_over(using: str) -> bool:
    """Whether a database passes over rows that somebody else has locked, instead of waiting for them."""
    return connections[using].features.has_select_for_update_skip_locked


def lock_free(rows: QuerySet) -> QuerySet:
    """Those rows that nobody else has locked, locked until the transaction ends; all of them where it has to wait."""
    return rows.select_for_update(skip_locked=can_pass_over(rows.db))


def raw_delete(rows: QuerySet) -> None:
    """Delete rows without reading them: nothing else refers to them, and nobody listens to their deletion."""
    rows._raw_delete(rows.db)  # pylint: disable=protected-access


def related(row: Model, name: str):
    """A row's ``webhook``, for instance; None if it was deleted a moment ago, or was never there."""
    try:
        return getattr(row, name)
    except ObjectDoesNotExist:
        return None
