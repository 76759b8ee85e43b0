"""The picture of a run: eight small charts over the same time, as SVG that needs neither script nor font nor colour."""

import math
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape

import attrs

from . import faults
from .rates import GROUPS
from .record import Record
from .run import KEPT, KILLED, WITH, WITHOUT
from .verdict import percentile

_WIDTH, _PLOT_WIDTH, _PLOT_HEIGHT = 1000, 410, 116
_EDGE, _LEFT, _COLUMN, _TOP, _ROW = 20, 62, 490, 112, 190
_BUCKETS = 90
_BLUE, _GREY, _GREEN, _BROWN = "#1d4ed8", "#475569", "#047857", "#b45309"
_STYLE = """
  text { font: 13px Helvetica, Arial, sans-serif; fill: #0f172a }
  .h { font-size: 20px; font-weight: bold } .t { font-weight: bold } .s { font-size: 12px; fill: #475569 }
  .e { text-anchor: end } .m { text-anchor: middle }
  path { fill: none; stroke-width: 1.6; stroke-linejoin: round }
  .grid { stroke: #e2e8f0; stroke-width: 1 } .axis { stroke: #64748b; stroke-width: 1 }
  .fault { stroke: #94a3b8; stroke-width: 1; stroke-dasharray: 1 3 }"""

Points = Sequence[tuple[float, float]]


@attrs.frozen
class Line:
    """
    Attributes:
        label: in the chart's legend.
        colour: never the only difference: the dashes differ, too.
        dashes: as in SVG; empty for none.
        points: seconds since the start, and value.
    """

    label: str
    colour: str
    dashes: str
    points: Points


@attrs.frozen
class Chart:
    """
    Attributes:
        title: what it shows, with its unit.
        lines: see there.
        is_log: the scale is logarithmic.
    """

    title: str
    lines: Sequence[Line]
    is_log: bool = False


def picture(record: Record, machine: str, day: datetime | None = None) -> str:
    """
    Draw it.

    Args:
        record: the run.
        machine: where it ran, in words.
        day: when; default is now.
    """
    title = f"A site with {record.learners:,} learners in its busiest hour, while things break"
    summary = (
        f"{len(record.pairs):,} requests to each site in {record.seconds / 60:.0f} minutes; "
        f"{len(record.owed):,} deliveries owed, {record.arrived:,} of them arrived"
    )
    charts = [*_latency(record), *_tables(record), *_processes(record)]
    height = _TOP + _ROW * ((len(charts) + 1) // 2) + 42
    where = ", ".join(filter(None, [f"{day or datetime.now(UTC):%Y-%m-%d}", machine]))
    marks = [f"{letter}: {text}" for letter, text in faults.legend().items()]
    half = (len(marks) + 1) // 2
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
            ' aria-labelledby="title desc">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(f"{summary}. {where}. Charts over time: ")}'
            f"{escape('; '.join(chart.title for chart in charts))}.</desc>",
            f"<style>{_STYLE}</style>",
            f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
            _text(_EDGE, 34, title, "h"),
            _text(_EDGE, 56, f"{summary}."),
            _text(_EDGE, 75, where, "s"),
            *(_chart(chart, place, record) for place, chart in enumerate(charts)),
            _text(_EDGE, height - 32, "; ".join(marks[:half]), "s"),
            _text(_EDGE, height - 14, "; ".join(marks[half:]), "s"),
            "</svg>",
            "",
        ]
    )


def _text(x: float, y: float, text: str, names: str = "") -> str:
    classes = f' class="{names}"' if names else ""
    return f'<text{classes} x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _latency(record: Record) -> list[Chart]:
    answered = [pair for pair in record.pairs if pair.is_answered]

    def waits(site, which):
        timed = ((pair.at, 1000 * pair.seconds[site]) for pair in answered)
        return _by_time(timed, record.seconds, lambda values: percentile(values, which))

    def added(group):
        differences = (
            (pair.at, 1000 * (pair.seconds[WITH] - pair.seconds[WITHOUT])) for pair in answered if pair.group == group
        )
        return _by_time(differences, record.seconds, statistics.median)

    looks = dict(zip(GROUPS, ((_GREY, "5 3"), (_GREEN, ""), (_BLUE, "2 2")), strict=True))
    return [
        Chart(
            "A learner waits: median and 95th percentile, ms",
            [
                Line("with hooks", _BLUE, "", waits(WITH, 50)),
                Line("without", _GREY, "5 3", waits(WITHOUT, 50)),
                Line("95 % with", _BLUE, "2 2", waits(WITH, 95)),
                Line("95 % without", _GREY, "1 3", waits(WITHOUT, 95)),
            ],
            is_log=True,
        ),
        Chart(
            "Added by hooks: median of the differences, ms",
            [Line(GROUPS[group], *looks[group], added(group)) for group in GROUPS],
        ),
    ]


def _tables(record: Record) -> list[Chart]:
    return [
        Chart("Deliveries owed", [Line("all endpoints", _BLUE, "", record.points("owed"))]),
        Chart(
            "Rows of the plugin's tables",
            [Line("events, deliveries, attempts, calls", _BLUE, "", record.points("rows"))],
        ),
        Chart("The plugin's tables on the disk, MiB", [Line("with their indexes", _BLUE, "", record.points("size"))]),
    ]


def _processes(record: Record) -> list[Chart]:
    looks = {WITH: (_BLUE, ""), WITHOUT: (_GREY, "5 3"), KILLED: (_BROWN, "2 2"), KEPT: (_GREEN, "")}
    labels = {WITH: "web with hooks", WITHOUT: "web without", KILLED: "worker, killed", KEPT: "worker, kept"}
    titles = {"memory": "Memory, MiB", "threads": "Threads", "sockets": "Open sockets"}
    return [
        Chart(title, [Line(labels[role], *looks[role], record.points(f"{role}: {what}")) for role in looks])
        for what, title in titles.items()
    ]


def _by_time(timed: Iterable[tuple[float, float]], seconds: float, of) -> Points:
    buckets: dict[int, list[float]] = {}
    for at, value in timed:
        buckets.setdefault(int(at / seconds * _BUCKETS), []).append(value)
    return [((number + 0.5) * seconds / _BUCKETS, of(values)) for number, values in sorted(buckets.items())]


def _chart(chart: Chart, place: int, record: Record) -> str:
    left, top = _LEFT + place % 2 * _COLUMN, _TOP + place // 2 * _ROW + (14 if place > 1 else 0)
    floor, is_first = top + 18 + _PLOT_HEIGHT, place < 2
    ticks = _ticks([value for line in chart.lines for _at, value in line.points], chart.is_log)

    def across(at):
        return left + at / record.seconds * _PLOT_WIDTH

    def down(value):
        share = _share(value, ticks[0], ticks[-1], chart.is_log)
        return floor - _PLOT_HEIGHT * min(1.0, max(0.0, share))

    parts = [_text(left - 42, top - 10, chart.title, "t"), *_labels(chart, left, top)]
    for value in ticks:
        parts.append(f'<path class="grid" d="M{left} {down(value):.1f}h{_PLOT_WIDTH}"/>')
        parts.append(_text(left - 6, down(value) + 4, f"{value:,g}", "s e"))
    for at, letter, text in record.faults:
        x = across(at)
        parts.append(f'<path class="fault" d="M{x:.1f} {top + 18}V{floor}"><title>{escape(text)}</title></path>')
        if is_first:
            parts.append(_text(x, floor + 13, letter, "s m"))
    for line in chart.lines:
        drawn = " ".join(f"{across(at):.1f},{down(value):.1f}" for at, value in line.points)
        parts.append(f'<path d="M{drawn}" {_pen(line)}/>')
    parts.append(f'<path class="axis" d="M{left} {floor}h{_PLOT_WIDTH}"/>')
    for minute in _minutes(record.seconds):
        unit = " min" if minute == 0 else ""
        parts.append(_text(across(minute * 60), floor + (28 if is_first else 15), f"{minute:g}{unit}", "s m"))
    return "\n".join(parts)


def _pen(line: Line) -> str:
    return f'stroke="{line.colour}"' + (f' stroke-dasharray="{line.dashes}"' if line.dashes else "")


def _labels(chart: Chart, left: float, top: float) -> list[str]:
    """The lines' names, in the order of the lines, above the plot."""
    parts, x = [], float(left)
    for line in chart.lines:
        parts.append(f'<path d="M{x:.0f} {top + 4}h22" {_pen(line)}/>')
        parts.append(_text(x + 26, top + 8, line.label, "s"))
        x += 42 + 5.6 * len(line.label)
    return parts


def _share(value: float, low: float, high: float, is_log: bool) -> float:
    if is_log:
        low, high, value = math.log10(low), math.log10(high), math.log10(max(value, 1e-9))
    return (value - low) / (high - low)


def _ticks(values: list[float], is_log: bool) -> list[float]:
    """Round numbers from below the lowest to above the highest; of what is linear, with zero."""
    if not values:
        return [0, 1]
    if is_log:
        ticks = [10.0**power for power in range(7)]
        low = max(number for number, tick in enumerate(ticks) if tick <= max(1.0, min(values)))
        high = min(number for number, tick in enumerate(ticks) if tick >= max(values))
        return ticks[low : max(high, low + 1) + 1]
    low, high = min(0.0, *values), max(0.0, *values)
    rough = (high - low or 1) / 4
    magnitude = 10.0 ** len(str(int(rough))) / 10 if rough >= 1 else 0.1
    step = next(magnitude * factor for factor in (1, 2, 2.5, 5, 10) if magnitude * factor >= rough)
    first = -(-low // step) * step - (step if low < -(-low // step) * step else 0)
    ticks = [first]
    while ticks[-1] < high:
        ticks.append(round(ticks[-1] + step, 6))
    return ticks if len(ticks) > 1 else [first, first + step]


def _minutes(seconds: float) -> list[float]:
    step = next(each for each in (0.5, 1, 2, 5, 10, 20) if seconds / 60 / each <= 7 or each == 20)
    return [step * number for number in range(int(seconds / 60 / step) + 1)]
