"""Draw the pictures of ``docs/how_it_works.md``.

After a change of the engine or of ``docs/speed.md``, run

    python docs/engine_pictures.py

and look at what it has written into ``docs/engine``.  Coordinates are hundredths of an inch from
the top left, so that a picture is about 400 pixels wide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loss_drawing import COLOURS, FAINT, INK, drawn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

DOCS = Path(__file__).parent
FOLDER = DOCS / "engine"
WIDTH = 420
# Height of a line of text.
LINE = 14
BLUE, ORANGE, GREEN, PURPLE = COLOURS
# Fillings, on which INK is legible.
PALE = {BLUE: "#dbeafe", ORANGE: "#ffedd5", GREEN: "#d1fae5", PURPLE: "#f3e8ff", FAINT: "#f3f4f6"}


def canvas(height: int) -> tuple[Figure, Axes]:
    """Return an empty picture."""
    figure = Figure(figsize=(WIDTH / 100, height / 100), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    axes.axis("off")
    return figure, axes


def words(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    """Write lines of text around a height, each on its own, as browsers have another font."""
    lines = text.split("\n")
    for k, line in enumerate(lines):
        middle = y + LINE * (k - (len(lines) - 1) / 2)
        axes.text(x, middle, line, **{"va": "center", "ha": "left", **style})


def box(
    axes: Axes, x: float, y: float, width: float, height: float, text: str, colour: str
) -> None:
    """Draw a box with a text."""
    shape = FancyBboxPatch(
        (x, y),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=6",
        facecolor=PALE[colour],
        edgecolor=colour,
        linewidth=1,
    )
    axes.add_patch(shape)
    words(axes, x + width / 2, y + height / 2, text, ha="center")


def tile(axes: Axes, x: float, y: float, width: float, height: float, colour: str) -> None:
    """Draw a rectangle without a text."""
    axes.add_patch(
        Rectangle((x, y), width, height, facecolor=colour, edgecolor="white", linewidth=0.8)
    )


def arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], bend: float = 0
) -> None:
    """Draw an arrow."""
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=7,
            color=INK,
            linewidth=0.9,
            shrinkA=0,
            shrinkB=0,
            connectionstyle=f"arc3,rad={bend}",
        )
    )


def fit() -> Figure:
    """Draw what happens in a fit."""
    figure, axes = canvas(318)
    box(axes, 10, 10, 120, 30, "X, a raw table", FAINT)
    box(axes, 290, 10, 120, 30, "y", FAINT)
    box(axes, 10, 62, 120, 44, "inputs\ncheck and encode", BLUE)
    box(axes, 290, 62, 120, 44, "target\ncheck and scale", ORANGE)
    box(axes, 150, 62, 120, 44, "loss\nbest constant", PURPLE)
    for x in (70, 350):
        arrow(axes, (x, 40), (x, 62))
    arrow(axes, (290, 84), (270, 84))
    box(axes, 60, 134, 300, 102, "", FAINT)
    words(axes, 210, 148, "the engine: K networks, one program", ha="center", weight="bold")
    box(axes, 72, 162, 78, 30, "network", BLUE)
    box(axes, 171, 162, 78, 30, "loss", PURPLE)
    box(axes, 270, 162, 78, 30, "optimiser", GREEN)
    arrow(axes, (150, 177), (171, 177))
    arrow(axes, (249, 177), (270, 177))
    arrow(axes, (309, 192), (111, 192), bend=-0.12)
    words(axes, 210, 224, "batch by batch, until held-out rows say stop", ha="center")
    for x in (70, 210, 350):
        arrow(axes, (x, 106), (x, 134))
    arrow(axes, (210, 236), (210, 262))
    box(
        axes,
        60,
        262,
        300,
        44,
        "answers, on the scale of y\npredict, predict_proba, quantiles …",
        ORANGE,
    )
    return figure


def search() -> Figure:
    """Draw how the fits of a search share programs."""
    figure, axes = canvas(274)
    candidates = (
        ("mse", BLUE),
        ("mae", BLUE),
        ("huber", BLUE),
        ("huber, lr=0.01", BLUE),
        ("huber, width 32", GREEN),
        ("own module", ORANGE),
    )
    for k in range(5):
        words(axes, 132 + 26 * k, 20, str(k + 1), ha="center")
    words(axes, 10, 20, "candidate")
    words(axes, 112, 20, "fold", ha="right")
    for row, (name, colour) in enumerate(candidates):
        y = 34 + 36 * row
        words(axes, 10, y + 12, name)
        for k in range(5):
            tile(axes, 120 + 26 * k, y, 24, 24, colour)
    stacks = ((34, 132, BLUE, "20 fits,\none program"), (178, 24, GREEN, "5 fits,\none program"))
    for y, height, colour, text in (*stacks, (214, 24, ORANGE, "5 fits, one\nafter another")):
        axes.plot([258, 264, 264, 258], [y, y, y + height, y + height], color=INK, linewidth=0.9)
        arrow(axes, (264, y + height / 2), (296, y + height / 2))
        box(axes, 296, y + height / 2 - 16, 114, 32, text, colour)
    words(axes, 10, 260, "Every square is a fit; its score is the one that its own fit gives.")
    return figure


def sheets(axes: Axes, x: float, y: float, width: float, height: float, colour: str) -> None:
    """Draw a tensor of four models as sheets behind each other."""
    for k in reversed(range(4)):
        axes.add_patch(
            Rectangle(
                (x + 7 * k, y - 7 * k),
                width,
                height,
                facecolor=PALE[colour],
                edgecolor=colour,
                linewidth=1,
            )
        )


def model_axis() -> Figure:
    """Draw a layer of K networks, and how their numbers lie in memory."""
    figure, axes = canvas(300)
    words(axes, 10, 14, "One layer of K networks is one batched product", weight="bold")
    sheets(axes, 14, 66, 84, 90, BLUE)
    sheets(axes, 160, 66, 84, 60, GREEN)
    sheets(axes, 300, 66, 84, 90, PURPLE)
    words(axes, 136, 100, "×", ha="center", size=14)
    words(axes, 283, 100, "=", ha="center", size=14)
    for x, text in (
        (62, "inputs\n(K, rows, width)"),
        (202, "weights\n(K, width, units)"),
        (346, "outputs\n(K, rows, units)"),
    ):
        words(axes, x, 182, text, ha="center")
    words(axes, 10, 224, "In memory each model has a slab of its own", weight="bold")
    for k, colour in enumerate((BLUE, ORANGE, GREEN, PURPLE)):
        x = 10 + 100 * k
        tile(axes, x, 238, 78, 24, colour)
        axes.add_patch(
            Rectangle(
                (x + 78, 238), 22, 24, facecolor="white", edgecolor=FAINT, hatch="////", linewidth=0
            )
        )
        words(axes, x + 39, 250, f"model {k + 1}", ha="center", color="white", weight="bold")
    words(axes, 10, 280, "Hatched: padding to a multiple of 64 numbers, for one model as for many.")
    return figure


def rows() -> Figure:
    """Draw which rows the members of a fit see."""
    figure, axes = canvas(322)
    left, size = 84, 22
    words(axes, left, 14, "rows of the table, in eight folds")
    words(axes, 10, 38, "encoder of X")
    tile(axes, left, 28, 8 * size, 20, PURPLE)
    words(axes, left + 8 * size + 10, 38, "all rows, without y")
    for member in range(8):
        y = 60 + 26 * member
        words(axes, 10, y + 11, f"member {member + 1}")
        for fold in range(8):
            tile(axes, left + size * fold, y, size, 22, ORANGE if fold == member else BLUE)
    for y, colour, text in (
        (84, BLUE, "trains the network;\nscale of y, classes,\nbest constant"),
        (152, ORANGE, "held out: when to\nstop; out-of-fold\npredictions"),
    ):
        tile(axes, left + 8 * size + 10, y - 7, 14, 14, colour)
        words(axes, left + 8 * size + 30, y + LINE, text)
    words(axes, 10, 282, "oof_")
    tile(axes, left, 272, 8 * size, 20, ORANGE)
    words(axes, left + 8 * size + 10, 282, "one member per row")
    words(axes, 10, 308, "Predictions are means over the eight members.")
    return figure


def numbers_of(table: str, column: int) -> dict[str, float]:
    """Return a column of a table of ``docs/speed.md`` by its first column."""
    text = (DOCS / "speed.md").read_text(encoding="utf-8")
    lines = text.split(f"### {table}\n")[1].split("###")[0].splitlines()
    cells = [[cell.strip() for cell in re.split(r"\|", line)[1:-1]] for line in lines]
    kept = [row for row in cells if row and re.fullmatch(r"[\d,]+", row[0])]
    return {row[0]: float(row[column].replace(",", "")) for row in kept}


def costs() -> Figure:
    """Draw what a step of one model costs."""
    table = "Cost against models trained together"
    ours = numbers_of(table, 1)
    rivals = (("plain skorch", 2), ("torch loop", 4), ("scikit-learn MLP", 3))
    bars = [(name, numbers_of(table, column)["1"], FAINT) for name, column in rivals]
    bars += [("sklloss, alone", ours["1"], BLUE)]
    bars += [(f"{k} together", ours[k], BLUE) for k in ("8", "16", "100")]
    figure, axes = canvas(222)
    words(axes, 10, 14, "Microseconds per model and step, one thread", weight="bold")
    for k, (name, value, colour) in enumerate(bars):
        y, width = 30 + 26 * k, value / 1400 * 250
        words(axes, 10, y + 10, name)
        tile(axes, 112, y, width, 20, colour)
        words(axes, 118 + width, y + 10, f"{value:,.0f}")
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "fit": fit,
    "search": search,
    "model_axis": model_axis,
    "rows": rows,
    "costs": costs,
}


def svg_of(name: str) -> str:
    """Return a picture as SVG."""
    return drawn(PICTURES[name])


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name in PICTURES:
        (FOLDER / f"{name}.svg").write_text(svg_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
