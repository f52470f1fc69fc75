"""Draw the cost curves: four panels with logarithmic axes, every line labelled at its end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from cost_curves import FLOOR, STACKED, Curve
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from rivals import FUSED, MLP, OURS, SKORCH

sys.path.append(str(Path(__file__).parents[1] / "docs"))
from loss_drawing import drawn

# Colours of Okabe and Ito, which the colour-blind can tell apart.
COLOURS = {
    OURS: "#3d9fdb",
    STACKED: "#0072b2",
    SKORCH: "#d55e00",
    MLP: "#009e73",
    FUSED: "#b5609a",
    FLOOR: "#6b7280",
}
DASHED = (0, (4, 3))
NAMES = {OURS: "sklloss, one model", FUSED: "torch loop, fused"}
GRID = {"color": "#e5e7eb", "linewidth": 0.6}
# Inches.
SIZE = (8.8, 6.2)
# The least distance between names, in heights of a panel.
APART = 0.055


def svg_of_curves(curves: Sequence[Curve]) -> str:
    """Return the picture as SVG."""
    return drawn(lambda: figure_of(curves))


def figure_of(curves: Sequence[Curve]) -> Figure:
    """Return the picture, with one vertical scale for all panels."""
    figure = Figure(figsize=SIZE, facecolor="white")
    panels = figure.subplots(2, 2, sharey=True).flat
    figure.subplots_adjust(left=0.08, right=0.85, top=0.98, bottom=0.07, wspace=0.5, hspace=0.2)
    costs = [cost for curve in curves for values in curve.costs.values() for cost in values]
    limits = (0.7 * min(costs), 1.4 * max(costs))
    for axes, curve in zip(panels, curves, strict=True):
        draw_panel(axes, curve, limits)
    for axes in figure.axes[::2]:
        axes.set_ylabel("microseconds per model and step")
    return figure


def draw_panel(axes: Axes, curve: Curve, limits: tuple[float, float]) -> None:
    axes.set(xscale="log", yscale="log", ylim=limits, xlabel=curve.title)
    mark_axes(axes, curve, limits)
    ends = {name: draw_line(axes, curve, name) for name in curve.costs}
    write_names(axes, curve, ends, limits)


def mark_axes(axes: Axes, curve: Curve, limits: tuple[float, float]) -> None:
    """Put ticks at every measured value, and at 1, 3, 10, 30 ... microseconds."""
    decades = [c * 10.0**e for e in range(-1, 7) for c in (1, 3)]
    axes.xaxis.set_major_locator(FixedLocator(legible(curve.values)))
    axes.yaxis.set_major_locator(FixedLocator([d for d in decades if limits[0] < d < limits[1]]))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(
            FuncFormatter(lambda value, _: f"{value:,.4g}" if value < 1e4 else f"{value:,.0f}")
        )
    axes.tick_params(length=2, pad=2)
    axes.grid(**GRID)
    axes.set_axisbelow(True)


def legible(values: Sequence[int]) -> list[int]:
    """Return the values whose labels do not overlap."""
    room = np.log(values[-1] / values[0]) / 12
    kept = [values[-1]]
    for value in reversed(values[:-1]):
        if np.log(kept[-1] / value) > room:
            kept.append(value)
    return kept[::-1]


def draw_line(axes: Axes, curve: Curve, name: str) -> float:
    """Draw the line of a contender, flat if it was measured once, and return where it ends."""
    costs = curve.costs[name]
    once = len(costs) < len(curve.values)
    style = {"color": colour_of(name, curve), "linewidth": 2.2 if "sklloss" in name else 1.3}
    if once:
        axes.plot(curve.values, costs[:1] * len(curve.values), linestyle=DASHED, **style)
    else:
        dashes = "-" if name != FLOOR else (0, (1, 1.5))
        axes.plot(curve.values, costs, marker="o", markersize=3, linestyle=dashes, **style)
    return costs[-1]


def write_names(
    axes: Axes, curve: Curve, ends: dict[str, float], limits: tuple[float, float]
) -> None:
    """Write every name to the right of its line, moved just enough to be legible."""
    bottom, top = np.log(limits)
    heights = {name: (np.log(end) - bottom) / (top - bottom) for name, end in ends.items()}
    for name, height in spread(heights).items():
        axes.annotate(
            name_of(name, curve),
            xy=(1.02, height),
            xycoords="axes fraction",
            color=colour_of(name, curve),
            va="center",
        )


def name_of(name: str, curve: Curve) -> str:
    """Return the name of a line."""
    return "sklloss" if is_stack(name, curve) else NAMES.get(name, name)


def colour_of(name: str, curve: Curve) -> str:
    return COLOURS[STACKED if is_stack(name, curve) else name]


def is_stack(name: str, curve: Curve) -> bool:
    """Return whether a line of sklloss is of many models: it is in the panel with products."""
    return name == OURS and FLOOR in curve.costs


def spread(heights: dict[str, float]) -> dict[str, float]:
    """Move heights apart, in their order, until all are at least APART from the next."""
    names = sorted(heights, key=heights.__getitem__)
    places = np.array([heights[name] for name in names])
    for _ in range(200):
        missing = np.maximum(APART - np.diff(places), 0) / 2
        places[:-1] -= missing
        places[1:] += missing
    return dict(zip(names, places.tolist(), strict=True))
