"""How pictures look: colours, lines and markers that also differ in grey, and where legends stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from itertools import cycle, islice
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

# The palette of Okabe and Ito (2008), which colour-blind readers tell apart; without yellow, which
# is too pale for lines on white.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#000000", "#767676"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LEGEND = {"frameon": False, "fontsize": "small", "handletextpad": 0.5, "columnspacing": 1.2}
# Figures of fewer inches have no room beside their panels.
NARROW = 5.5
# Categories that have room for slanted names, and for names at all.
FEW_LEVELS, MOST_LEVELS = 12, 48
# Longest label of a candidate, in characters.
LONGEST = 44


class Look(NamedTuple):
    """How one of several curves is drawn."""

    color: str
    linestyle: Any
    marker: str


def looks(n: int) -> list[Look]:
    """Return looks for n curves, of which no two of the first 35 are alike."""
    # Colours and dashes change together, because 7 and 5 have no common factor.
    return list(islice(map(Look, cycle(COLOURS), cycle(DASHES), cycle(MARKERS)), n))


def shortened(label: str, longest: int = LONGEST) -> str:
    """Return a label that is at most `longest` characters long."""
    return label if len(label) <= longest else label[: longest - 1] + "…"


def require_matplotlib(owner: str) -> None:
    """Raise an ImportError that names the extra if matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{owner} needs matplotlib, which is not installed. Install the extra:"
            " pip install 'sklloss[plot]'."
        ) from error


Plot = TypeVar("Plot", bound=Callable[..., Any])


def draws(plot: Plot) -> Plot:
    """Return the method ``plot`` of a display that needs matplotlib and takes names as they are.

    A dollar sign in the name of a class or a feature begins no formula.
    """

    @wraps(plot)
    def drawn(self: Any, *args: Any, **kwargs: Any) -> Any:
        require_matplotlib(f"{type(self).__name__}.plot")
        import matplotlib as mpl

        with mpl.rc_context({"text.parse_math": False}):
            return plot(self, *args, **kwargs)

    return cast(Plot, drawn)


def panels(
    owner: str, ax: Any, n_panels: int, size: tuple[float, float], share_y: bool = False
) -> np.ndarray:
    """Return axes for panels side by side.

    Parameters
    ----------
    owner : str
        The method that draws, for messages.
    ax : Axes, array-like of Axes or None
        One per panel; a single one is divided, and None makes a new figure.
    n_panels : int
    size : tuple of float
        Width and height of a new figure, in inches.
    share_y : bool, default=False
        Whether the panels of a new figure have one vertical axis.

    Returns
    -------
    ndarray of Axes, of shape (n_panels,)

    Raises
    ------
    TypeError
        If `ax` is neither Axes nor a list of them.
    ValueError
        If there are as many Axes as panels neither, or Axes have been removed from their figure.
    """
    if ax is None:
        import matplotlib.pyplot as plt

        _, axes = plt.subplots(
            1, n_panels, figsize=size, layout="constrained", squeeze=False, sharey=share_y
        )
        return axes[0]
    given = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
    _check_axes(owner, given, n_panels)
    if len(given) == n_panels:
        return given
    return _divided(given[0], n_panels)


def _check_axes(owner: str, given: np.ndarray, n_panels: int) -> None:
    from matplotlib.axes import Axes

    for each in given:
        if not isinstance(each, Axes):
            raise TypeError(
                f"{owner} needs ax to be Axes of matplotlib, or a list of them; got {each!r} of"
                f" type {type(each).__name__}. Give ax=plt.subplots()[1], or leave it out."
            )
        if each.figure is None or each not in each.figure.axes:
            raise ValueError(
                f"{owner} got ax that is in no figure any more, because it was removed or its"
                " figure was cleared. Give other Axes, or leave ax out."
            )
    if len(given) not in (1, n_panels):
        raise ValueError(
            f"{owner} draws {n_panels} panels and got {len(given)} Axes. Give {n_panels}, one that"
            " is divided, or none."
        )


def _divided(ax: Any, n_panels: int) -> np.ndarray:
    """Return panels within the bounds of one Axes, which is hidden."""
    ax.set_axis_off()
    spec = ax.get_subplotspec()
    if spec is None:
        spec = ax.figure.add_gridspec(1, 1)[0]
    grid = spec.subgridspec(1, n_panels)
    return np.array([ax.figure.add_subplot(grid[i]) for i in range(n_panels)], dtype=object)


def tidy(ax: Any, grid: str = "y") -> None:
    """Take away the frame but for two sides, and draw a faint grid behind the data."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis=grid, color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)


def name_levels(ax: Any, levels: Sequence[str]) -> None:
    """Name categories at whole positions of the horizontal axis, where none covers another."""
    names = [shortened(level, 20) for level in levels]
    # Of very many, some are named.
    step = -(-len(names) // MOST_LEVELS)
    look: dict[str, Any] = {}
    if len(names) > FEW_LEVELS:
        look = {"rotation": 90, "fontsize": "small" if len(names) <= 2 * FEW_LEVELS else "x-small"}
    elif sum(map(len, names)) >= 50:
        look = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(0, len(names), step), names[::step], **look)


def legend_above(axes: np.ndarray, n_columns: int = 4, **kwargs: Any) -> None:
    """Put one legend above the panels, where it hides nothing: above the figure if it is theirs."""
    look = {**LEGEND, "ncols": n_columns, **kwargs}
    if _fill_their_figure(axes):
        look.setdefault("handles", axes[0].get_legend_handles_labels()[0])
        if axes[0].figure.get_figwidth() < NARROW:
            look["ncols"] = 2
        axes[0].figure.legend(loc="outside upper left", **look)
    else:
        axes[0].legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2, **look)


def legend_beside(axes: np.ndarray) -> None:
    """Put one legend of the last panel to its right; below a narrow figure."""
    handles = axes[-1].get_legend_handles_labels()[0]
    look = {**LEGEND, "handlelength": 2.8, "ncols": 1 + (len(handles) - 1) // 18}
    if _fill_their_figure(axes) and axes[0].figure.get_figwidth() < NARROW:
        axes[0].figure.legend(handles=handles, loc="outside lower left", **{**look, "ncols": 2})
    else:
        axes[-1].legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0, **look)


def _fill_their_figure(axes: np.ndarray) -> bool:
    """Return whether panels are all that a figure with a layout engine has."""
    figure = axes[0].figure
    return figure.get_layout_engine() is not None and set(figure.axes) == set(axes)
