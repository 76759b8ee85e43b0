"""Nothing lost, nothing growing, nobody harmed: or the run has failed."""

import statistics
from collections import Counter

import attrs

from .endpoint import BAD
from .growth import Bound, growth
from .rates import ACTIONS
from .record import Record
from .run import KEPT, WITH, WITHOUT

# After the database is killed, requests fail with hooks or without, whichever came first.
_DATABASE_SECONDS = 15
_BOUNDS = {
    # Pages that are shared since the fork count from when they are first touched, such as by the first error.
    "memory": (Bound(0.15, 5), "MiB"),
    "threads": (Bound(0, 3), "threads"),
    "sockets": (Bound(0.10, 5), "sockets"),
    "files": (Bound(0.10, 5), "open files"),
}
_TABLES = {"rows": (Bound(0.5, 500), "rows"), "size": (Bound(0.5, 4), "MiB")}


@attrs.frozen
class Claim:
    """
    Something that must hold.

    Attributes:
        name: what.
        is_kept: whether it does.
        text: the figures.
    """

    name: str
    is_kept: bool
    text: str


def verdict(record: Record) -> list[Claim]:
    """Every claim; the run has failed if one is not kept."""
    return [*_nothing_lost(record), _nobody_harmed(record), *_nothing_growing(record)]


def _nothing_lost(record: Record) -> list[Claim]:
    accepted: dict[tuple[str, str], set[str]] = {}
    for path, event, message in record.accepted:
        accepted.setdefault((path, event), set()).add(message)
    owed = {(path, event) for path, event in record.owed}
    lost = owed - accepted.keys()
    other = [key for key, messages in accepted.items() if len(messages) > 1]
    bad = sum(event == BAD for _path, event, _message in record.accepted)
    again = len(record.accepted) - len(accepted) - bad
    return [
        Claim("nothing lost", bool(owed) and not lost, f"{len(owed)} deliveries owed, {len(lost)} did not arrive"),
        Claim("nothing left", not record.left, f"{record.left} still owed at the end; {again} arrived more than once"),
        Claim("one id each", not other, f"{len(other)} arrived with another webhook-id"),
        Claim("signatures", not bad, f"{bad} did not verify"),
    ]


def _nobody_harmed(record: Record) -> Claim:
    """Whoever got an answer without hooks gets one with them."""
    away = [at for at, letter, _text in record.faults if letter == "d"]
    harmed: Counter[tuple[str, int]] = Counter()
    for pair in record.pairs:
        is_away = any(at - 2 <= pair.at <= at + _DATABASE_SECONDS for at in away)
        if not is_away and pair.statuses[WITHOUT] < 400 and not 200 <= pair.statuses[WITH] < 400:
            harmed[pair.action, pair.statuses[WITH]] += 1
    return Claim(
        "nobody harmed",
        not harmed,
        f"{len(record.pairs)} requests; failed with hooks, but not without: {dict(harmed) or 'none'}",
    )


def _nothing_growing(record: Record) -> list[Claim]:
    claims = []
    for role in (WITH, KEPT):
        for what, (bound, unit) in _BOUNDS.items():
            claims.append(_bounded(record, f"{role}: {what}", bound, unit))
    return claims + [_bounded(record, what, bound, unit) for what, (bound, unit) in _TABLES.items()]


def _bounded(record: Record, name: str, bound: Bound, unit: str) -> Claim:
    try:
        found = growth(record.points(name), record.seconds, bound)
    except ValueError as error:
        return Claim(name, False, str(error))
    return Claim(name, found.is_bounded, f"{found.first:.1f} → {found.last:.1f} {unit}, at most {found.most:.1f}")


def table(record: Record) -> str:
    """What hooks add to each kind of request."""
    lines = [
        f"{'request':14} {'number':>7} {'without':>9} {'with':>9} {'added':>9} {'p95 without':>12} {'p95 with':>10}"
    ]
    for action in ACTIONS:
        pairs = [pair for pair in record.pairs if pair.action == action.name and pair.is_answered]
        if len(pairs) < 2:
            continue
        without, with_hooks = ([1000 * pair.seconds[site] for pair in pairs] for site in (WITHOUT, WITH))
        added = statistics.median(b - a for a, b in zip(without, with_hooks, strict=True))
        middle = f"{statistics.median(without):6.1f} ms {statistics.median(with_hooks):6.1f} ms {added:+6.1f} ms"
        high = f"{percentile(without, 95):9.1f} ms {percentile(with_hooks, 95):7.1f} ms"
        lines.append(f"{action.name:14} {len(pairs):7} {middle} {high}")
    return "\n".join(lines)


def percentile(values: list[float], which: int) -> float:
    """The value below which so many percent lie."""
    return sorted(values)[min(len(values) - 1, len(values) * which // 100)]
