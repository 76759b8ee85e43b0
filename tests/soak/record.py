"""What happened in a run: kept as JSON, so that the picture can be drawn again."""

import json
from pathlib import Path

import attrs

from .learners import Pair
from .rates import LEARNERS
from .samples import Sample


@attrs.frozen
class Record:
    """
    One run.

    Attributes:
        seconds: for which learners came.
        cycles: how often the timetable was run through.
        pairs: the requests.
        samples: the looks.
        faults: second, letter and text.
        owed: path and event id of what had to arrive.
        accepted: path, event id and message id of what did.
        failures: site, action, status and how often.
        left: deliveries that were still owed at the end.
        learners: accounts of the site that they stand for.
    """

    seconds: float
    cycles: int
    pairs: list[Pair]
    samples: list[Sample]
    faults: list
    owed: list
    accepted: list
    failures: list
    left: int
    learners: int = LEARNERS

    def points(self, name: str) -> list[tuple[float, float]]:
        """A series of the samples, while learners came: time and value."""
        return [(one.at, one.values[name]) for one in self.samples if name in one.values and one.at <= self.seconds]

    @property
    def arrived(self) -> int:
        """Of what was owed, how many deliveries were accepted at least once."""
        return len({tuple(each) for each in self.owed} & {(path, event) for path, event, _id in self.accepted})

    def save(self, file: Path) -> None:
        """Write it."""
        file.write_text(json.dumps(attrs.asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> "Record":
        """Read it."""
        found = json.loads(file.read_text(encoding="utf-8"))
        found["pairs"] = [Pair(**each) for each in found["pairs"]]
        found["samples"] = [Sample(**each) for each in found["samples"]]
        return cls(**found)
