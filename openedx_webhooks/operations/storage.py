"""How much room the plugin's tables take."""

from django.apps import apps
from django.db import connections, router

from ..models import Delivery

_MYSQL = (
    "SELECT SUM(data_length + index_length) FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_name IN ({names})"
)
_POSTGRESQL = (
    "SELECT SUM(pg_total_relation_size(c.oid)) FROM pg_class c WHERE c.relkind = 'r' AND c.relname IN ({names})"
)
_QUERIES = {"mysql": _MYSQL, "postgresql": _POSTGRESQL}


def used() -> int | None:
    """Bytes of all tables with their indexes, as the database estimates them; None if it is one that doesn't tell."""
    connection = connections[router.db_for_read(Delivery)]
    query = _QUERIES.get(connection.vendor)
    if query is None:
        return None
    tables = sorted({model._meta.db_table for model in apps.get_app_config(Delivery._meta.app_label).get_models()})
    with connection.cursor() as cursor:
        cursor.execute(query.format(names=", ".join(["%s"] * len(tables))), tables)
        (size,) = cursor.fetchone()
    return int(size) if size is not None else None
