"""A small bar chart as the geometry of an SVG, which a template draws."""

from collections.abc import Sequence

import attrs
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _

from ..models import Delivery
from ..models.delivery import STATES
from ..operations.statistics import Hour

WIDTH, HEIGHT = 480, 80
_GAP = 3


@attrs.frozen
class Part:
    """A piece of a bar: the deliveries of one state."""

    state: str
    tone: str
    y: float
    height: float


@attrs.frozen
class Bar:
    """One hour."""

    x: float
    width: float
    title: str
    parts: list[Part]


@attrs.frozen
class Chart:
    """
    Attributes:
        bars: the hours, the oldest first.
        most: deliveries of the hour with the most; the bars' full height.
        label: what the chart shows, for those who don't see it.
        legend: each tone that it has, and the names of its states.
    """

    bars: list[Bar]
    most: int
    label: str
    legend: list[tuple[str, str]]
    width: int = WIDTH
    height: int = HEIGHT


def chart(hours: Sequence[Hour]) -> Chart:
    """Stacked bars, scaled to the hour with the most deliveries."""
    most = max((hour.tally.total() for hour in hours), default=0)
    step = WIDTH / max(len(hours), 1)
    bars = [Bar(i * step, step - _GAP, _title(hour), _stack(hour, most)) for i, hour in enumerate(hours)]
    total, failed = sum(hour.tally.total() for hour in hours), sum(hour.tally.failures for hour in hours)
    label = _("%(total)d deliveries in the last 24 hours, of which %(failed)d failed") % {
        "total": total,
        "failed": failed,
    }
    # States of one tone look alike, so they share an entry.
    legend: dict[str, list[str]] = {}
    for state, traits in STATES.items():
        if any(hour.tally[state] for hour in hours):
            legend.setdefault(traits.tone, []).append(str(Delivery.State(state).label))
    return Chart(bars, most, label, [(tone, ", ".join(labels)) for tone, labels in legend.items()])


def _title(hour: Hour) -> str:
    counts = ", ".join(f"{label}: {count}" for label, count in hour.tally.shown())
    return f"{time_format(timezone.localtime(hour.start))} {counts}".strip()


def _stack(hour: Hour, most: int) -> list[Part]:
    parts, top = [], float(HEIGHT)
    for state, traits in STATES.items():
        if count := hour.tally[state]:
            # Two units at least: one failure among thousands must be seen.
            height = max(2.0, HEIGHT * count / most)
            top = max(0.0, top - height)
            parts.append(Part(state, traits.tone, top, height))
    return parts
