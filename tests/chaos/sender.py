"""``python -m tests.chaos.sender COUNT SECONDS FILE``: real events in real transactions, and what became of each."""

import sys
import time

import django

django.setup()

# pylint: disable=wrong-import-position
from django.db import DatabaseError, InterfaceError, connection, transaction  # noqa: E402
from openedx_events.learning.data import UserData, UserPersonalData  # noqa: E402
from openedx_events.learning.signals import SESSION_LOGIN_COMPLETED  # noqa: E402

_EVERY_ROLLED_BACK = 5


class _RolledBackError(Exception):
    """On purpose."""


def _send(number: int) -> str:
    """The fate of one event: ``committed``, ``rolled-back``, or ``unknown`` when the database went away at COMMIT."""
    metadata = SESSION_LOGIN_COMPLETED.generate_signal_metadata()
    pii = UserPersonalData(username=f"user{number}", email=f"user{number}@example.com", name="Ann Example")
    fate = "rolled-back"
    try:
        with transaction.atomic():
            SESSION_LOGIN_COMPLETED.send_event_with_custom_metadata(
                metadata, user=UserData(pii=pii, id=number, is_active=True)
            )
            if number % _EVERY_ROLLED_BACK == 0:
                raise _RolledBackError
            # If nothing was recorded, because the database was away, there is nothing to commit either.
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT COUNT(*) FROM openedx_webhooks_capturedevent WHERE event_id = %s", [metadata.id.hex]
                )
                if not cursor.fetchone()[0]:
                    raise _RolledBackError
            fate = "unknown"
        fate = "committed"
    except _RolledBackError:
        pass
    except (DatabaseError, InterfaceError):
        connection.close()
        time.sleep(0.2)
    return f"{metadata.id} {fate}"


def main() -> None:
    """Send ``COUNT`` events evenly over ``SECONDS``, and more for those that failed."""
    count, seconds, path = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    start, committed, number = time.monotonic(), 0, 0
    with open(path, "w", encoding="utf-8") as file:
        while committed < count:
            number += 1
            line = _send(number)
            committed += line.endswith(" committed")
            file.write(f"{line}\n")
            file.flush()
            time.sleep(max(0.0, start + committed * seconds / count - time.monotonic()))


if __name__ == "__main__":
    main()
