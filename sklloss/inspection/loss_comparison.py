"""LossComparisonDisplay: scores of the candidates of a search on every split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..parameters.domains import check_in_domain
from .candidates import CONFIDENCE, Candidates, MetricScores
from .given import COUNT
from .style import BLACK, BLUE, GREY, VERMILION, draws, legend_above, panels, shortened, tidy

# Inches that a candidate takes, and that everything else takes.
ROW, FRAME = 0.27, 1.3
# Means share an axis down to so many times the lead of the best over the median, or the spread of
# a candidate over splits.
REACH = 4.0
INTERVAL = f"{CONFIDENCE:.0%} interval of the difference"


class LossComparisonDisplay:
    """Scores of the candidates of a search: every split, the mean, and its uncertainty.

    Each candidate is a row, with the best mean on top, and each metric is a panel, in its own
    units.  Small dots are splits and large markers their means; the chosen candidate is a star.
    Candidates that the test of `compare_losses` cannot tell from the best are blue dots, and worse
    ones are hollow diamonds.  The bar around a mean is the 95 % interval of its difference to the
    best mean (the dotted line), with the corrected standard error of Nadeau and Bengio (2003).

    Create it with `from_search`.

    Parameters
    ----------
    candidates : Candidates
        Labels, scores, intervals and ties of the candidates.

    Attributes
    ----------
    order_ : ndarray of int
        Positions of the candidates that are drawn, from top to bottom.
    ax_ : Axes
        The first panel.
    axes_ : ndarray of Axes
        All panels.
    figure_ : Figure
        The figure.

    See Also
    --------
    sklloss.compare_losses : The same results as a table, with a verdict.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklloss import LossSearchCV, NeuralRegressor
    >>> from sklloss.inspection import LossComparisonDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = NeuralRegressor(n_members=1, max_epochs=5, random_state=0)
    >>> search = LossSearchCV(net, {"loss": ["mse", "mae", "huber"]}, cv=3).fit(X, y)
    >>> display = LossComparisonDisplay.from_search(search)
    >>> display.figure_.savefig("losses.svg")  # doctest: +SKIP
    """

    def __init__(self, *, candidates: Candidates) -> None:
        self.candidates = candidates

    @classmethod
    def from_search(
        cls,
        search: Any,
        *,
        metrics: Sequence[str] | str | None = None,
        test_size: float | None = None,
        ax: Any = None,
        max_candidates: int = 40,
    ) -> Self:
        """Draw the scores of a fitted search.

        Parameters
        ----------
        search : fitted search
            LossSearchCV, GridSearchCV or another with ``cv_results_``.
        metrics : str, list of str or None, default=None
            Names of the metrics to show; None shows all.
        test_size : float in (0, 1) or None, default=None
            Share of test rows in a split.  None takes it from the search's ``cv``; if that is not
            possible, no intervals and ties are drawn.
        ax : Axes, array-like of Axes or None, default=None
            As in `plot`.
        max_candidates : int, default=40
            As in `plot`.

        Returns
        -------
        LossComparisonDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If `search` is not a search.
        NotFittedError
            If the search is not fitted.
        ValueError
            If no candidate has a finite score, or if there is no such metric.
        ImportError
            If matplotlib is not installed.
        """
        owner = f"{cls.__name__}.from_search"
        candidates = Candidates.of_search(search, owner, metrics, test_size)
        return cls(candidates=candidates).plot(ax, max_candidates=max_candidates)

    @draws
    def plot(self, ax: Any = None, *, max_candidates: int = 40) -> Self:
        """Draw the scores.

        Parameters
        ----------
        ax : Axes, array-like of Axes or None, default=None
            One Axes per metric; a single one is divided, and None makes a new figure.
        max_candidates : int, default=40
            Maximum number of candidates to show, >= 1: the best ones and the chosen one.

        Returns
        -------
        LossComparisonDisplay
            The display itself.
        """
        owner = f"{type(self).__name__}.plot"
        check_in_domain(owner, "max_candidates", max_candidates, COUNT, "The default is 40.")
        self.order_ = self._shown(max_candidates)
        scores = self.candidates.scores
        size = (2.6 + 3.6 * len(scores), FRAME + ROW * max(len(self.order_), 3))
        self.axes_ = panels(owner, ax, len(scores), size)
        labels = [shortened(self.candidates.labels[i]) for i in self.order_]
        for panel, of_metric in zip(self.axes_, scores, strict=True):
            self._draw(panel, of_metric)
            panel.set_yticks(range(len(labels)), labels)
            # One column of labels is enough.
            labels = [""] * len(labels)
        self._name_what_is_drawn()
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        return self

    def _shown(self, max_candidates: int) -> np.ndarray:
        order, chosen = self.candidates.order, self.candidates.chosen
        shown = order[:max_candidates]
        return shown if chosen in shown else np.append(shown[:-1], chosen)

    def _draw(self, ax: Any, scores: MetricScores) -> None:
        splits, rows = scores.splits[self.order_], np.arange(len(self.order_))
        on_scale = near_the_best(scores.metric.shown(splits))
        for row in range(len(rows)):
            if on_scale[row]:
                self._draw_mean(ax, scores, row)
            else:
                _note(ax, row, splits[row].mean(), scores.metric.sign)
        if on_scale.any():
            _draw_splits(ax, splits[on_scale], rows[on_scale])
            best = np.nanargmax(scores.goodness)
            ax.axvline(
                scores.splits[best].mean(), color=BLACK, linestyle=":", linewidth=1, zorder=0
            )
        better = "higher" if scores.metric.sign > 0 else "lower"
        # Beside long names the axis is shorter than its label, which then reaches to the left.
        ax.set_xlabel(f"{scores.metric.name} ({better} is better)", loc="right")
        ax.set_ylim(len(rows) - 0.4, -0.6)
        tidy(ax, "both")

    def _draw_mean(self, ax: Any, scores: MetricScores, row: int) -> None:
        position = self.order_[row]
        look = self._look(scores, position)
        if scores.intervals is not None:
            ends = scores.intervals[position]
            bar = {"color": look["color"], "linewidth": 1.8, "zorder": 2, "label": INTERVAL}
            ax.plot(ends, [row, row], **bar)
        ax.plot(scores.splits[position].mean(), row, linestyle="none", zorder=3, **look)

    def _look(self, scores: MetricScores, position: int) -> dict[str, Any]:
        """Return how the mean of a candidate is drawn, with its label in the legend."""
        if position == self.candidates.chosen:
            return {"marker": "*", "color": BLACK, "markersize": 12, "label": "chosen"}
        if scores.tied is None or scores.tied[position]:
            label = "mean" if scores.tied is None else "tied with the best"
            return {"marker": "o", "color": BLUE, "markersize": 7, "label": label}
        hollow = {"markerfacecolor": "white", "markeredgewidth": 1.4, "label": "worse"}
        return {"marker": "D", "color": VERMILION, "markersize": 5.5, **hollow}

    def _name_what_is_drawn(self) -> None:
        """Name each marker once, and say how many candidates are not shown."""
        found = [panel.get_legend_handles_labels() for panel in self.axes_]
        by_label = {label: handle for of in found for handle, label in zip(*of, strict=True)}
        legend_above(
            self.axes_, 2 + len(self.axes_), handles=by_label.values(), labels=by_label.keys()
        )
        if hidden := len(self.candidates.labels) - len(self.order_):
            words = f"{hidden} more not shown"
            self.axes_[-1].set_title(words, loc="right", fontsize="small", fontstyle="italic")


def near_the_best(splits: np.ndarray) -> np.ndarray:
    """Return which candidates, by scores (n_candidates, n_splits), share an axis with the best.

    A candidate that went wrong would otherwise squeeze all others into one line.

    Examples
    --------
    >>> means = np.array([0.5, 0.4, 0.45, -9e4, np.nan])
    >>> near_the_best(means[:, None] + [-0.02, 0.02]).tolist()
    [True, True, True, False, False]
    """
    means, spreads = splits.mean(axis=1), splits.std(axis=1)
    finite = np.isfinite(means)
    if not finite.any():
        return finite
    middle, top = np.median(means[finite]), means[finite].max()
    reach = REACH * max(top - middle, np.median(spreads[finite]), 1e-9 * abs(top))
    return means >= middle - reach


def _draw_splits(ax: Any, splits: np.ndarray, rows: np.ndarray) -> None:
    heights = np.broadcast_to(rows[:, None], splits.shape).ravel()
    look = {"color": GREY, "markersize": 4, "alpha": 0.7, "zorder": 2.5, "label": "split"}
    ax.plot(splits.ravel(), heights, linestyle="none", marker=".", **look)


def _note(ax: Any, row: int, mean: float, sign: int) -> None:
    """Say that a candidate has no score, or how far outside it is, on the side where it is."""
    arrow = f"◂ {mean:.4g}" if sign > 0 else f"{mean:.4g} ▸"
    words = arrow if np.isfinite(mean) else "no score"
    x, side = (0.01, "left") if sign > 0 else (0.99, "right")
    place = {"xy": (x, row), "xycoords": ("axes fraction", "data"), "ha": side, "va": "center"}
    ax.annotate(words, **place, fontsize="small", color=VERMILION)
