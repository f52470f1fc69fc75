"""Drawing of curves as small SVG files that are the same in every run."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable, Iterable

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#2563eb", "#ea580c", "#059669", "#9333ea")
INK, FAINT = "#1f2937", "#9ca3af"
# Width and height in inches.
SIZE = (4.2, 2.6)
# DejaVu Sans determines the layout; browsers draw FONT, which is narrower.
FONT = "Helvetica, Arial, sans-serif"
STYLE = {
    "svg.hashsalt": "sklloss",
    "svg.fonttype": "none",
    "path.simplify": False,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}
NO_METADATA = dict.fromkeys(("Date", "Creator", "Type", "Format"))


@dataclasses.dataclass(frozen=True)
class Curve:
    """One line of a picture."""

    label: str
    x: np.ndarray
    y: np.ndarray


@dataclasses.dataclass(frozen=True)
class Picture:
    """What a picture shows: its axes, its curves, and a faint curve for comparison."""

    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    reference: Curve | None = None


def figure_of(picture: Picture) -> Figure:
    """Return the picture as a figure; call it under STYLE."""
    figure = Figure(figsize=SIZE, facecolor="white")
    axes = figure.add_axes((0.135, 0.175, 0.83, 0.685))
    bottom, top = limits(picture.curves)
    if picture.reference is not None:
        add_reference(axes, picture.reference, top)
    for colour, curve in zip(COLOURS, picture.curves, strict=False):
        axes.plot(curve.x, curve.y, color=colour, linewidth=1.6, label=curve.label)
    axes.set(xlabel=picture.x_label, ylabel=picture.y_label, ylim=(bottom, top))
    axes.margins(x=0.02)
    axes.locator_params(nbins=6, steps=(1, 2, 5, 10))
    axes.tick_params(length=2, pad=2)
    add_legend(axes, picture)
    return figure


def limits(curves: Iterable[Curve]) -> tuple[float, float]:
    """Return the ends of the vertical axis: the range of the curves, and a little more."""
    heights = np.concatenate([curve.y for curve in curves])
    room = 0.05 * np.ptp(heights)
    return heights.min() - room, heights.max() + room


def add_reference(axes: Axes, curve: Curve, top: float) -> None:
    """Draw a faint curve as far as it is inside."""
    inside = curve.y <= top
    x, y = curve.x[inside], curve.y[inside]
    axes.plot(x, y, color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)), label=curve.label)


def add_legend(axes: Axes, picture: Picture) -> None:
    """Put the labels of the curves above the axes, where they hide nothing."""
    handles, labels = axes.get_legend_handles_labels()
    if len(handles) < 2:
        return
    if picture.reference is not None:
        # The reference comes last.
        handles, labels = [*handles[1:], handles[0]], [*labels[1:], labels[0]]
    axes.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=len(labels),
        frameon=False,
        borderpad=0,
        handlelength=1.2,
        handletextpad=0.4,
        columnspacing=1.0,
    )


def svg_of(picture: Picture) -> str:
    """Return the picture as SVG."""
    return drawn(lambda: figure_of(picture))


def drawn(make_figure: Callable[[], Figure]) -> str:
    """Return a figure as SVG, without a date and with coordinates to a hundredth of a point."""
    buffer = io.StringIO()
    # The defaults come first, whatever the user has set.
    with matplotlib.style.context(["default", STYLE]):
        make_figure().savefig(buffer, format="svg", metadata=NO_METADATA)
    return rounded(buffer.getvalue().replace("'DejaVu Sans'", FONT))


def rounded(svg: str) -> str:
    """Round the numbers in attributes to two decimals, and strip the ends of lines."""
    shorter = re.sub(r'"[^"]*"', lambda attribute: to_two_decimals(attribute[0]), svg)
    return "\n".join(text.rstrip() for text in shorter.splitlines()) + "\n"


def to_two_decimals(text: str) -> str:
    """Round every number with more than two decimals."""
    return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", text)
