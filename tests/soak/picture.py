"""The picture of a soak: what was added to requests, what waited, and what was taken, over time."""

import importlib.util
import statistics
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

from .report import Report

_HOOKS, _WITHOUT, _WORKERS, _QUIET = "#1f6f8b", "#8a8f94", "#b5541c", "#5f6368"
_COLORS = {"web": _HOOKS, "web without hooks": _WITHOUT, "workers": _WORKERS}
_SLICES = 60


def check() -> None:
    """End the program with what to do if a picture can't be drawn here."""
    if importlib.util.find_spec("matplotlib") is None:
        sys.exit("A picture needs matplotlib: .venv/bin/pip install matplotlib")


def draw(report: Report, path: Path) -> None:
    """Draw it as SVG, with the text as text."""
    import matplotlib  # pylint: disable=import-outside-toplevel,import-error

    matplotlib.use("svg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel,import-error

    matplotlib.rcParams |= {
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 11,
        "svg.hashsalt": "soak",
    }
    figure, axes = pyplot.subplots(5, 1, figsize=(10, 13), sharex=True, layout="constrained")
    for panel, plot in zip(axes, (_latency, _backlog, _memory, _handles, _rows), strict=True):
        plot(panel, report)
        panel.set_ylim(bottom=0)
        panel.grid(axis="y", color="#e3e6e8", linewidth=0.8)
        for at, _name in report.marks:
            panel.axvline(at / 60, color=_QUIET, linewidth=0.8, linestyle=":")
        if panel.get_legend_handles_labels()[0]:
            panel.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    for at, name in report.marks:
        axes[0].annotate(
            name,
            (at / 60, 1.0),
            xycoords=("data", "axes fraction"),
            rotation=35,
            fontsize=8,
            color=_QUIET,
            va="bottom",
            xytext=(0, 18),
            textcoords="offset points",
        )
    axes[-1].set_xlabel("minutes since the start")
    figure.savefig(path, format="svg", metadata={"Title": "Soak", "Date": date.today().isoformat()})


def _latency(panel, report: Report) -> None:
    panel.set_title("Time of requests, median (milliseconds)", pad=78)
    length = max(request.at for request in report.requests) / _SLICES
    for site, color in (("no hooks", _WITHOUT), ("hooks", _HOOKS)):
        slices = defaultdict(list)
        for request in report.requests:
            if request.site == site and request.is_ok:
                slices[int(request.at / length)].append(request.seconds * 1000)
        at = [(number + 0.5) * length / 60 for number in sorted(slices)]
        panel.plot(at, [statistics.median(slices[number]) for number in sorted(slices)], color=color, label=site)


def _backlog(panel, report: Report) -> None:
    panel.set_title("Deliveries that are due")
    panel.plot([rows.at / 60 for rows in report.rows], [rows.due for rows in report.rows], color=_WORKERS)


def _memory(panel, report: Report) -> None:
    panel.set_title("Memory (MB)")
    for group, color in _COLORS.items():
        mine = [sample for sample in report.samples if sample.group == group]
        panel.plot(
            [sample.at / 60 for sample in mine], [sample.memory / 1e6 for sample in mine], color=color, label=group
        )


def _handles(panel, report: Report) -> None:
    panel.set_title("Threads (lines) and sockets (dots)")
    for group, color in _COLORS.items():
        mine = [sample for sample in report.samples if sample.group == group]
        at = [sample.at / 60 for sample in mine]
        panel.plot(at, [sample.threads for sample in mine], color=color, label=group)
        panel.plot(at, [sample.sockets for sample in mine], ".", markersize=3, color=color)


def _rows(panel, report: Report) -> None:
    panel.set_title("Rows in the tables")
    at = [rows.at / 60 for rows in report.rows]
    for name, color in (("events", _HOOKS), ("deliveries", _WORKERS), ("attempts", _WITHOUT)):
        panel.plot(at, [rows.counts[name] for rows in report.rows], color=color, label=name)
