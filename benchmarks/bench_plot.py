"""The plot of the comparison: a bar for each side, and a line for what the service must reach."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from benchmarks.results import SERVICE, Result
from benchmarks.server_runs import SIDES

_COLORS = {"plain": "#9aa5b1", "floor": "#d9dde2", "limit": "#e3b778", SERVICE: "#2a6f97"}
_BAR = 0.2
_WIDTH, _ROW_HEIGHT = 9.0, 2.8


def draw(results: Sequence[Result], path: Path) -> None:
    """Draw rates above, where more is better, and what should be little below.

    Args:
        results: those that compare sides; others are left out.
        path: where the SVG goes.
    """
    compared = [result for result in results if set(result.runs) <= set(SIDES)]
    rates = [result for result in compared if result.unit == "/s"]
    others = [[result] for result in compared if result.unit != "/s"]
    rows = [row for row in ([rates] if rates else [], others) if row]
    # Without a salt and a date of our own the file would differ whenever it is drawn.
    with mpl.rc_context({"svg.hashsalt": "bench", "font.size": 8}):
        figure = Figure(figsize=(_WIDTH, 0.5 + _ROW_HEIGHT * len(rows)), layout="constrained")
        parts = figure.subfigures(max(1, len(rows)), 1, squeeze=False)[:, 0]
        for part, row in zip(parts, rows, strict=False):
            for axes, shown in zip(part.subplots(1, len(row), squeeze=False)[0], row, strict=True):
                _panel(axes, shown)
        handles = [Patch(color=_COLORS[side], label=side) for side in SIDES]
        line = Line2D([], [], color="black", linewidth=1, label="must reach")
        figure.legend(handles=[*handles, line], loc="outside upper center", ncols=len(SIDES) + 1)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _panel(axes: Axes, results: Sequence[Result]) -> None:
    for at, result in enumerate(results):
        sides = [side for side in SIDES if side in result.medians]
        places = [at + (number - (len(sides) - 1) / 2) * _BAR for number in range(len(sides))]
        heights = [result.medians[side] for side in sides]
        bars = axes.bar(places, heights, _BAR, color=[_COLORS[side] for side in sides])
        axes.bar_label(bars, [_label(height) for height in heights], fontsize=7)
        limits = [demand.limit(result.medians) for demand in result.demands]
        known = [limit for limit in limits if limit is not None]
        if known:
            hardest = min(known) if result.demands[0].at_most else max(known)
            axes.hlines(hardest, at - 0.45, at + 0.45, colors="black", linewidth=1)
    axes.set_xticks(range(len(results)), [result.part for result in results])
    if results[0].unit == "/s":
        axes.set_yscale("log")
        axes.set_ylabel("requests a second")
    else:
        axes.set_ylabel(f"{results[0].unit}, less is better")
    axes.margins(y=0.12)
    axes.spines[["top", "right"]].set_visible(False)


def _label(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits
