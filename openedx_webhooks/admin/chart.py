"""A small bar chart as the geometry of an SVG, which a template draws."""

from collections import Counter
from collections.abc import Callable, Sequence

import attrs
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _

from ..models import Call, Delivery
from ..models.delivery import STATES
from ..operations.statistics import Hour
from . import parts

WIDTH, HEIGHT = 480, 56
_GAP = 3


@attrs.frozen
class Part:
    """A piece of a bar: what has one state."""

    state: str
    tone: str
    y: float
    height: float


@attrs.frozen
class Bar:
    """
    One hour.

    Attributes:
        start: the time of day at which it begins.
        title: that, and the counts in words.
        counts: the counts in words; empty if there is nothing.
    """

    x: float
    width: float
    start: str
    title: str
    counts: str
    parts: list[Part]


@attrs.frozen
class Kind:
    """
    What a chart shows.

    Attributes:
        tones: state or result → its tone, in the order in which bars are stacked.
        labels: state or result → its name.
        bad: those that are counted as failures.
        sentence: with ``total`` and ``failed``: what is shown, for those who don't see it.
    """

    tones: dict[str, str]
    labels: dict[str, str]
    bad: frozenset[str]
    sentence: Callable[[], str]


DELIVERIES = Kind(
    tones={state: traits.tone for state, traits in STATES.items()},
    labels=dict(Delivery.State.choices),
    bad=frozenset(state for state, traits in STATES.items() if traits.counts_as is False),
    sentence=lambda: _("Deliveries in the last 24 hours: %(total)d, of which %(failed)d failed"),
)
CALLS = Kind(
    tones=parts.CALL_TONES,
    labels=dict(Call.Result.choices),
    bad=frozenset((Call.Result.IGNORED,)),
    sentence=lambda: _("Recorded calls in the last 24 hours: %(total)d, of which %(failed)d had no usable answer"),
)


@attrs.frozen
class Chart:
    """
    Attributes:
        bars: the hours, the oldest first.
        most: of the hour with the most; the bars' full height.
        label: what the chart shows, for those who don't see it.
        legend: each tone that it has, and the names of its states.
        totals: name of each state that there is, and how many have it.
    """

    bars: list[Bar]
    most: int
    label: str
    legend: list[tuple[str, str]]
    totals: list[tuple[str, int]]
    width: int = WIDTH
    height: int = HEIGHT


def chart(hours: Sequence[Hour], kind: Kind = DELIVERIES) -> Chart:
    """Stacked bars, scaled to the busiest hour."""
    most = max((hour.tally.total() for hour in hours), default=0)
    step = WIDTH / max(len(hours), 1)
    bars = [_bar(i * step, step - _GAP, hour, most, kind) for i, hour in enumerate(hours)]
    tally = sum((hour.tally for hour in hours), start=Counter())
    # States of one tone look alike, so they share an entry.
    legend: dict[str, list[str]] = {}
    for state, tone in kind.tones.items():
        if tally[state]:
            legend.setdefault(tone, []).append(str(kind.labels[state]))
    return Chart(
        bars,
        most,
        kind.sentence() % {"total": tally.total(), "failed": sum(tally[state] for state in kind.bad)},
        [(tone, ", ".join(labels)) for tone, labels in legend.items()],
        [(str(kind.labels[state]), tally[state]) for state in kind.tones if tally[state]],
    )


def _bar(x: float, width: float, hour: Hour, most: int, kind: Kind) -> Bar:
    start = time_format(timezone.localtime(hour.start))
    counts = ", ".join(f"{kind.labels[state]}: {hour.tally[state]}" for state in kind.tones if hour.tally[state])
    return Bar(x, width, start, f"{start} {counts}".strip(), counts, _stack(hour, most, kind))


def _stack(hour: Hour, most: int, kind: Kind) -> list[Part]:
    stacked, top = [], float(HEIGHT)
    for state, tone in kind.tones.items():
        if count := hour.tally[state]:
            # Two units at least: one failure among thousands must be seen.
            height = max(2.0, HEIGHT * count / most)
            top = max(0.0, top - height)
            stacked.append(Part(state, tone, top, height))
    return stacked
