"""What is looked at every few seconds: processes, backlog, tables."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import attrs
import psutil

MIB = 2**20


@attrs.frozen
class Sample:
    """
    One look.

    Attributes:
        at: seconds since the start.
        values: name of a series → its value; what could not be read, while the database is away for one, is not there.
    """

    at: float
    values: dict[str, float]


def processes(pid: int) -> dict[str, float]:
    """Of a process and all that it forked, together: memory in MiB, threads, open sockets and files."""
    found = {"memory": 0.0, "threads": 0, "sockets": 0, "files": 0}
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess), process.oneshot():
                # With the pages that it shares: what Python writes to, such as counts of references, is shared no more
                # after a while, which is no growth.
                found["memory"] += process.memory_info().rss / MIB
                found["threads"] += process.num_threads()
                found["files"] += process.num_fds()
                found["sockets"] += len(process.net_connections("all"))
    return found


def tables() -> dict[str, float]:
    """Rows of the plugin's tables that grow with events, and what is owed."""
    from django.utils import timezone  # pylint: disable=import-outside-toplevel

    from openedx_webhooks.models import Attempt, Call, CapturedEvent, Delivery  # pylint: disable=import-outside-toplevel

    owed = Delivery.objects.pending().exclude(webhook__condition="a ==").order_by("created")
    oldest = owed.values_list("created", flat=True).first()
    return {
        "rows": sum(model.objects.count() for model in (CapturedEvent, Delivery, Attempt, Call)),
        "owed": owed.count(),
        "oldest": (timezone.now() - oldest).total_seconds() if oldest else 0.0,
    }


def size(directory: Path) -> float:
    """Of the plugin's tables with their indexes on the disk, in MiB."""
    return sum(file.stat().st_size for file in directory.glob("openedx_webhooks_*.ibd")) / MIB


class Sampler:
    """
    Looks every so often, from a thread of its own.

    Args:
        roles: name of a role → its process at this moment.
        directory: where MariaDB keeps the tables of the site with hooks.
        seconds: between two looks.
    """

    def __init__(self, roles: dict[str, Callable[[], int]], directory: Path, seconds: float):
        self._roles, self._directory, self._seconds = roles, directory, seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._began = 0.0
        self.samples: list[Sample] = []

    def start(self, began: float) -> None:
        """Begin; ``began`` of the monotonic clock is second 0."""
        self._began = began
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        from django.db import DatabaseError, InterfaceError, connection  # pylint: disable=import-outside-toplevel

        while not self._stop.wait(self._seconds):
            values = {"size": size(self._directory)}
            for role, pid in self._roles.items():
                values |= {f"{role}: {what}": value for what, value in processes(pid()).items()}
            try:
                values |= tables()
            except (DatabaseError, InterfaceError):
                connection.close()
            self.samples.append(Sample(time.monotonic() - self._began, values))
        connection.close()
