"""A small bar chart as the geometry of an SVG, which a template draws."""

from collections.abc import Callable

import attrs
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _

from ..models import Hook, Webfilter, Webhook
from ..models.tally import ATTEMPT_OUTCOMES, CALL_OUTCOMES, AttemptOutcome, CallOutcome, OutcomeTraits
from ..operations.statistics import Period, Series, Slice
from . import parts

WIDTH, HEIGHT = 480, 56
_GAP = 3


@attrs.frozen
class Part:
    """A piece of a bar: what has one outcome."""

    outcome: str
    tone: str
    y: float
    height: float


@attrs.frozen
class Bar:
    """
    One hour, or one day.

    Attributes:
        start: when it begins.
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
        traits: what each outcome means, in the order in which bars are stacked.
        labels: outcome → its name.
        sentence: with ``total`` and ``failed``: what is shown, for those who don't see it.
    """

    traits: dict[str, OutcomeTraits]
    labels: dict[str, str]
    sentence: Callable[[], str]


ATTEMPTS = Kind(
    ATTEMPT_OUTCOMES,
    dict(AttemptOutcome.choices),
    lambda: _("Attempts (%(period)s): %(total)s, of which %(failed)s were not accepted"),
)
CALLS = Kind(
    CALL_OUTCOMES,
    dict(CallOutcome.choices),
    lambda: _("Calls (%(period)s): %(total)s, of which %(failed)s had no usable answer"),
)
KINDS: dict[type[Hook], Kind] = {Webhook: ATTEMPTS, Webfilter: CALLS}


@attrs.frozen
class Chart:
    """
    Attributes:
        bars: the hours or days, the oldest first.
        most: of the one with the most; the bars' full height.
        scale: that, in words with its unit.
        label: what the chart shows, for those who don't see it.
        ends: what stands below the first bar and the last.
        legend: each tone that it has, and the names of its outcomes.
        totals: name of each outcome that there is, and how many have it.
    """

    bars: list[Bar]
    most: int
    scale: str
    label: str
    ends: tuple[str, str]
    legend: list[tuple[str, str]]
    totals: list[tuple[str, str]]
    width: int = WIDTH
    height: int = HEIGHT


def chart(series: Series, kind: Kind) -> Chart:
    """Stacked bars, scaled to the busiest hour or day."""
    most = max((one.tally.total() for one in series.slices), default=0)
    step = WIDTH / max(len(series.slices), 1)
    shown = [_bar(place * step, step - _GAP, one, most, kind, series.period) for place, one in enumerate(series.slices)]
    # Outcomes of one tone look alike, so they share an entry.
    legend: dict[str, list[str]] = {}
    for outcome, traits in kind.traits.items():
        if series.tally[outcome]:
            legend.setdefault(traits.tone, []).append(str(kind.labels[outcome]))
    return Chart(
        shown,
        most,
        scale(series),
        sentence(series, kind),
        (_("%s ago") % series.period.label, _("now")),
        [(tone, ", ".join(labels)) for tone, labels in legend.items()],
        totals(series, kind),
    )


def paths(series: Series, kind: Kind) -> list[tuple[str, str]]:
    """The bars of a chart, all of one tone in one path: tone and geometry. A page with 200 of them is still small."""
    most = max((one.tally.total() for one in series.slices), default=0)
    step = WIDTH / max(len(series.slices), 1)
    found: dict[str, list[str]] = {}
    for place, one in enumerate(series.slices):
        for part in _stack(one, most, kind):
            drawn = f"M{place * step:.0f} {part.y:.1f}h{step - _GAP:.0f}v{part.height:.1f}h-{step - _GAP:.0f}z"
            found.setdefault(part.tone, []).append(drawn)
    return [(tone, "".join(drawn)) for tone, drawn in found.items()]


def totals(series: Series, kind: Kind) -> list[tuple[str, str]]:
    return [(str(kind.labels[each]), parts.number(series.tally[each])) for each in kind.traits if series.tally[each]]


def sentence(series: Series, kind: Kind) -> str:
    """What a chart shows, for those who don't see it."""
    values = {"total": parts.number(series.tally.total()), "failed": parts.number(series.refused)}
    return kind.sentence() % {**values, "period": series.period.label}


def scale(series: Series) -> str:
    """How many the highest bar stands for, with the unit."""
    most = max((one.tally.total() for one in series.slices), default=0)
    text = _("up to %s an hour") if series.period == Period.DAY else _("up to %s a day")
    return text % parts.number(most)


def _bar(x: float, width: float, one: Slice, most: int, kind: Kind, period: Period) -> Bar:
    if period == Period.DAY:
        start = time_format(timezone.localtime(one.start))
    else:
        # Days are UTC's.
        start = date_format(one.start, "SHORT_DATE_FORMAT")
    counted = [(kind.labels[outcome], one.tally[outcome]) for outcome in kind.traits if one.tally[outcome]]
    counts = ", ".join(f"{label}: {parts.number(count)}" for label, count in counted)
    return Bar(x, width, start, f"{start} {counts}".strip(), counts, _stack(one, most, kind))


def _stack(one: Slice, most: int, kind: Kind) -> list[Part]:
    stacked, top = [], float(HEIGHT)
    for outcome, traits in kind.traits.items():
        if count := one.tally[outcome]:
            # Two units at least: one failure among thousands must be seen.
            height = max(2.0, HEIGHT * count / most)
            top = max(0.0, top - height)
            stacked.append(Part(outcome, traits.tone, top, height))
    return stacked
