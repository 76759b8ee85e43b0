"""What goes wrong, and when: a timetable of one cycle, run through one or several times."""

from collections.abc import Callable
from typing import Protocol

import attrs


class Site(Protocol):
    """What can be done to the site; see :class:`tests.soak.run.Run`."""

    def purge(self) -> None: ...
    def kill_worker(self) -> None: ...
    def stop_endpoint(self, name: str) -> None: ...
    def continue_endpoint(self, name: str) -> None: ...
    def flush_redis(self) -> None: ...
    def kill_database(self) -> None: ...
    def start_database(self) -> None: ...
    def poison(self) -> None: ...
    def remove_poison(self) -> None: ...


@attrs.frozen
class Fault:
    """
    A line of the timetable.

    Attributes:
        share: when, as a share of the cycle.
        letter: its mark in the picture; empty for the end of a fault.
        text: in words.
        act: what is done.
    """

    share: float
    letter: str
    text: str
    act: Callable[[Site], None]


TIMETABLE = (
    Fault(0.04, "p", "purge of what is finished", lambda site: site.purge()),
    Fault(0.10, "w", "a worker killed (-9)", lambda site: site.kill_worker()),
    Fault(0.18, "e", "endpoint of a webhook hangs", lambda site: site.stop_endpoint("hanging")),
    Fault(0.30, "", "… answers again", lambda site: site.continue_endpoint("hanging")),
    Fault(0.34, "p", "purge of what is finished", lambda site: site.purge()),
    Fault(0.40, "f", "endpoint of the webfilters hangs", lambda site: site.stop_endpoint("webfilters")),
    Fault(0.46, "", "… answers again", lambda site: site.continue_endpoint("webfilters")),
    Fault(0.54, "r", "Redis flushed", lambda site: site.flush_redis()),
    Fault(0.62, "x", "poisoned row: a webhook as somebody's SQL left it", lambda site: site.poison()),
    Fault(0.66, "p", "purge of what is finished", lambda site: site.purge()),
    Fault(0.74, "d", "database killed (-9), started again", lambda site: site.kill_database()),
    Fault(0.75, "", "… is back", lambda site: site.start_database()),
    Fault(0.84, "w", "a worker killed (-9)", lambda site: site.kill_worker()),
    Fault(0.94, "", "poisoned row removed", lambda site: site.remove_poison()),
)


def legend() -> dict[str, str]:
    """Letter → in words, in the order of the timetable."""
    return {fault.letter: fault.text for fault in TIMETABLE if fault.letter}


def moments(seconds: float, cycles: int) -> list[tuple[float, Fault]]:
    """
    When each happens.

    Args:
        seconds: of the whole run.
        cycles: in equal parts of it.
    """
    each = seconds / cycles
    return [(each * (number + fault.share), fault) for number in range(cycles) for fault in TIMETABLE]
