"""Our statements inside the platform's transaction: their failure is ours, the transaction stays the platform's."""

import contextlib
import logging
from collections.abc import Iterator

from django.db import DatabaseError, connections, transaction

log = logging.getLogger(__name__)


@contextlib.contextmanager
def savepoint(using: str) -> Iterator[None]:
    """
    ``transaction.atomic``, for errors that the caller will swallow.

    After most errors the savepoint is rolled back and the caller's transaction goes on. After some, the server has
    ended the *whole* transaction: a deadlock (1213 on MySQL), a lost connection. Django notes that as
    ``needs_rollback`` and, if ours was the last query, would end the block in silence: the learner would read “done”
    and find nothing. So the connection is cut: the next statement or the commit fails, as it would without us.

    Args:
        using: alias of the database.

    Raises:
        django.db.Error: a statement failed; the caller may swallow it.
    """
    connection = connections[using]
    was_usable = connection.in_atomic_block and not connection.needs_rollback
    try:
        with transaction.atomic(using=using):
            yield
    except DatabaseError as error:
        if was_usable and connection.in_atomic_block and connection.needs_rollback:
            log.error("The database ended the whole transaction (%s): the request will fail", type(error).__name__)
            _cut(connection)
        raise


def _cut(connection) -> None:
    with contextlib.suppress(Exception):
        # The driver's own connection: Django must go on to believe in it until it commits, and meet the error then.
        connection.connection.close()
    connection.needs_rollback = False
