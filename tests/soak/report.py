"""What a soak has shown, and whether that is good enough."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence

import attrs

from .prepare import WEBHOOKS
from .watch import Rows, Sample, grown, growth

# By how much the median of the last third may be above that of the middle one, of each group of processes. Two
# gunicorn workers, or two Celery workers with four children.
ALLOWED = {"memory": 24e6, "threads": 3, "sockets": 12}
_LOGIN, _ENROLLED, _GRADE = dict.fromkeys(event for _path, event in WEBHOOKS)
_EVENTS = {"log in": _LOGIN, "enroll": _ENROLLED}


@attrs.frozen
class Report:
    """
    One run.

    Attributes:
        requests: what learners did, on both sites.
        samples, rows: what was seen meanwhile.
        marks: (seconds since the start, what went wrong then).
        accepted: path, type, number of the user and event id of everything that an endpoint accepted.
        owed: deliveries that were still owed at the end.
        away: from when to when the database could not be reached, in seconds since the start.
    """

    requests: Sequence
    samples: Sequence[Sample]
    rows: Sequence[Rows]
    marks: Sequence[tuple[float, str]]
    accepted: Sequence[Sequence[str]]
    owed: int
    away: tuple[float, float]

    @property
    def lost(self) -> int:
        """Events whose request was answered with success, and that did not arrive at each endpoint that wants them."""
        arrived: dict[tuple[str, str], set[str]] = defaultdict(set)
        by_user: dict[tuple[str, str], set[str]] = defaultdict(set)
        for path, event_type, user, event in self.accepted:
            arrived[path, event_type].add(event)
            by_user[event_type, user].add(event)
        done = [request for request in self.requests if request.site == "hooks" and request.is_ok]
        paths = [path for path, event in WEBHOOKS if event == _GRADE]
        lost = sum(request.event not in arrived[path, _GRADE] for request in done if request.event for path in paths)
        # These don't tell their event's id: each learner's are counted. A request that failed may have sent one, too.
        counts = Counter((_EVENTS[request.what], str(request.user)) for request in done if request.what in _EVENTS)
        return lost + sum(max(0, count - len(by_user[key])) for key, count in counts.items())

    @property
    def failed(self) -> dict[str, int]:
        """Site → requests that failed while there was a database."""
        began, ended = self.away
        found = Counter(one.site for one in self.requests if not one.is_ok and not began <= one.at <= ended)
        return {site: found[site] for site in ("hooks", "no hooks")}

    def took(self, site: str, what: str) -> list[float]:
        """Milliseconds of the requests that succeeded, ascending."""
        found = [one.seconds * 1000 for one in self.requests if (one.site, one.what, one.is_ok) == (site, what, True)]
        return sorted(found)

    @property
    def problems(self) -> list[str]:
        """Why it is not good enough, in sentences."""
        found = list(grown(self.samples, ALLOWED))
        if self.lost:
            found.append(f"{self.lost} events were lost")
        if self.owed:
            found.append(f"{self.owed} deliveries were still owed at the end")
        if not self.accepted:
            found.append("nothing arrived")
        if self.failed["hooks"] > self.failed["no hooks"]:
            found.append(f"{self.failed['hooks']} requests failed with hooks, {self.failed['no hooks']} without")
        return found

    def __str__(self):
        lines = [f"{'':24}{'requests':>9}{'median':>11}{'without':>9}{'added':>9}{'p99':>11}{'without':>9}"]
        for what in dict.fromkeys(request.what for request in self.requests):
            mine, other = self.took("hooks", what), self.took("no hooks", what)
            if len(mine) > 1 and len(other) > 1:
                lines.append(_line(what, mine, other))
        lines += ["", f"{'':24}{'memory':>9}{'grew by':>11}{'threads':>9}{'sockets':>9}   (medians of the last third)"]
        for group in dict.fromkeys(sample.group for sample in self.samples):
            lines.append(self._group(group))
        busiest = max(self.rows, key=lambda rows: rows.due)
        lines += [
            "",
            f"accepted {len(self.accepted):,}, lost {self.lost}, still owed {self.owed}, failed requests {self.failed}",
            f"most that was due {busiest.due:,}, the oldest {max(rows.oldest for rows in self.rows):.0f} s late",
            f"rows at the end {self.rows[-1].counts}",
        ]
        return "\n".join(lines)

    def _group(self, group: str) -> str:
        mine = [sample for sample in self.samples if sample.group == group]
        last = mine[len(mine) * 2 // 3 :]
        memory = statistics.median(sample.memory for sample in last) / 1e6
        by = growth([sample.memory for sample in mine]) / 1e6
        threads = statistics.median(sample.threads for sample in last)
        sockets = statistics.median(sample.sockets for sample in last)
        return f"{group:24}{memory:6.0f} MB{by:+8.1f} MB{threads:9.0f}{sockets:9.0f}"


def _line(what: str, mine: list[float], other: list[float]) -> str:
    median, without = statistics.median(mine), statistics.median(other)
    slow, slow_without = (series[int(len(series) * 0.99)] for series in (mine, other))
    return (
        f"{what:24}{len(mine):9,}{median:8.1f} ms{without:9.1f}{median - without:+9.1f}"
        f"{slow:8.0f} ms{slow_without:9.0f}"
    )
