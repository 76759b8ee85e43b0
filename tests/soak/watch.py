"""What processes take and what the tables hold, looked at now and then."""

import contextlib
import statistics
import threading
import time
from collections.abc import Callable, Sequence

import attrs
import psutil

_FEWEST = 9


@attrs.frozen
class Sample:
    """
    One look at one group of processes.

    Attributes:
        at: seconds since the start.
        group: its name.
        memory: bytes that are resident, summed over its processes.
        threads, sockets: summed as well.
    """

    at: float
    group: str
    memory: int
    threads: int
    sockets: int


@attrs.frozen
class Rows:
    """
    One look at the database.

    Attributes:
        at: seconds since the start.
        due: deliveries that should have been tried by now.
        oldest: age of the oldest of these, in seconds.
        counts: table → rows.
    """

    at: float
    due: int
    oldest: float
    counts: dict[str, int]


class Watch:
    """
    Looks every ``seconds``.

    Args:
        groups: name → process ids of the processes that have children in it; asked anew each time.
        rows: what makes a :class:`Rows`, given the seconds since the start; raises while the database is away.
    """

    def __init__(self, groups: dict[str, Callable[[], Sequence[int]]], rows: Callable[[float], Rows], seconds: float):
        self._groups, self._rows, self._seconds = groups, rows, seconds
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.samples: list[Sample] = []
        self.rows: list[Rows] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        while not self._ends.wait(self._seconds):
            at = time.monotonic() - began
            self.samples += [look(at, group, pids()) for group, pids in self._groups.items()]
            with contextlib.suppress(Exception):
                self.rows.append(self._rows(at))


def look(at: float, group: str, pids: Sequence[int]) -> Sample:
    """One sample of processes and all their descendants; what ends meanwhile is left out."""
    memory = threads = sockets = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(pid)
            for process in (parent, *parent.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    memory += process.memory_info().rss
                    threads += process.num_threads()
                    sockets += len(process.net_connections())
    return Sample(at, group, memory, threads, sockets)


def growth(values: Sequence[float]) -> float:
    """
    By how much the last third of a series is above the middle one, by their medians.

    The first third warms up: caches fill, pools reach their size.
    A peak or a restart does not count, a leak does: what grows steadily is higher in the last third than before.
    """
    if len(values) < _FEWEST:
        raise ValueError("There are too few samples to tell: run it for longer.")
    begin, middle = len(values) // 3, len(values) * 2 // 3
    return statistics.median(values[middle:]) - statistics.median(values[begin:middle])


def grown(samples: Sequence[Sample], allowed: dict[str, float]) -> list[str]:
    """
    What has grown, in sentences.

    Args:
        allowed: ``memory`` (bytes), ``threads``, ``sockets`` → by how much the median of a group may.
    """
    found = []
    for group in dict.fromkeys(sample.group for sample in samples):
        for what, most in allowed.items():
            by = growth([getattr(sample, what) for sample in samples if sample.group == group])
            if by > most:
                found.append(f"{what} of {group} grew by {by:,.0f}, and {most:,.0f} are allowed")
    return found
