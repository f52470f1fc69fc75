"""PredictionIntervalDisplay: predicted intervals with the observed values."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.stats import binomtest
from sklearn.utils import check_random_state

from ..estimators.inputs.frames import as_frame
from ..estimators.inputs.missing import missing as missing_in
from ..parameters.domains import Interval, check_in_domain
from ..parameters.refusals import count
from .given import COUNT, OPEN_UNIT, check_lengths, column_of, intervals_of, numbers_of
from .intervals import interval_of
from .style import BLACK, BLUE, SKY, VERMILION, draws, legend_above, name_levels, panels, tidy


class PredictionIntervalDisplay:
    """Predicted intervals with the observed values, and the share of values inside.

    The share inside should be the requested coverage, at small and at large predictions alike.
    Intervals of different widths show that the model knows where it is uncertain.

    Create it with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,)
        Observed values.
    interval : ndarray of shape (n_samples, 2)
        Lower and upper ends, in units of y.
    x : ndarray of shape (n_samples,)
        Position of each row on the x axis: its prediction, or a feature.
    coverage : float
        The requested coverage, in (0, 1).
    x_label : str, default="prediction"
        Label of the x axis.

    Attributes
    ----------
    coverage_ : float
        The share of all rows inside their interval, ends included.
    coverage_interval_ : tuple of float
        95 % confidence interval of that share (Wilson).
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.
    lines_ : LineCollection
        The intervals that are drawn.

    Examples
    --------
    >>> import numpy as np
    >>> y, interval = np.array([1.0, 2.0, 5.0]), np.array([[0, 2], [1, 3], [2, 4]])
    >>> display = PredictionIntervalDisplay(y_true=y, interval=interval, x=y, coverage=0.8)
    >>> round(display.coverage_, 2)
    0.67
    """

    def __init__(
        self,
        *,
        y_true: np.ndarray,
        interval: np.ndarray,
        x: np.ndarray,
        coverage: float,
        x_label: str = "prediction",
    ) -> None:
        self.y_true = y_true
        self.interval = interval
        self.x = x
        self.coverage = coverage
        self.x_label = x_label
        inside = self._inside
        self.coverage_ = float(inside.mean())
        ends = binomtest(int(inside.sum()), len(inside)).proportion_ci(method="wilson")
        self.coverage_interval_ = (float(ends.low), float(ends.high))

    @property
    def _inside(self) -> np.ndarray:
        low, high = self.interval.T
        return (low <= self.y_true) & (self.y_true <= high)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        coverage: float = 0.8,
        feature: str | int | None = None,
        subsample: int | None = 200,
        random_state: Any = 0,
        ax: Any = None,
    ) -> Self:
        """Draw the intervals that a fitted regressor predicts, preferably for held-out rows.

        Parameters
        ----------
        estimator : fitted regressor
            A regressor with `predict_interval`, also inside a Pipeline, TransformedTargetRegressor
            or search.
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows, as the estimator takes them.
        y : array-like of shape (n_samples,)
            Observed values.
        coverage : float, default=0.8
            The probability of each interval, in (0, 1).
        feature : str, int or None, default=None
            Name or position of the column of X on the x axis; None takes the prediction.
        subsample : int or None, default=200
            As in `plot`.
        random_state : int, RandomState or None, default=0
            As in `plot`.
        ax : Axes or None, default=None
            As in `plot`.

        Returns
        -------
        PredictionIntervalDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator predicts no intervals.
        ValueError
            If `coverage` is outside (0, 1), the feature does not exist, or y has several targets.
        ImportError
            If matplotlib is not installed.
        """
        owner = f"{cls.__name__}.from_estimator"
        interval = interval_of(owner, estimator, X, coverage)
        x = estimator.predict(X) if feature is None else _column(owner, X, feature)
        return cls.from_predictions(
            y,
            interval,
            x,
            coverage=coverage,
            x_label="prediction" if feature is None else str(feature),
            subsample=subsample,
            random_state=random_state,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        interval: Any,
        x: Any,
        *,
        coverage: float = 0.8,
        x_label: str = "prediction",
        subsample: int | None = 200,
        random_state: Any = 0,
        ax: Any = None,
    ) -> Self:
        """Draw given intervals.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Observed values.
        interval : array-like of shape (n_samples, 2)
            Lower and upper ends, in units of y.
        x : array-like of shape (n_samples,)
            Position of each row on the x axis: numbers, times or categories.  Rows with a missing
            position are not drawn, but count for the coverage.
        coverage : float, default=0.8
            The requested coverage, in (0, 1).
        x_label : str, default="prediction"
            Label of the x axis.
        subsample : int or None, default=200
            As in `plot`.
        random_state : int, RandomState or None, default=0
            As in `plot`.
        ax : Axes or None, default=None
            As in `plot`.

        Returns
        -------
        PredictionIntervalDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If `coverage` is outside (0, 1), or if shapes do not match.
        """
        owner = f"{cls.__name__}.from_predictions"
        check_in_domain(owner, "coverage", coverage, OPEN_UNIT, "0.8 is usual.")
        y, interval = numbers_of(owner, "y_true", y_true), intervals_of(owner, interval)
        where = column_of(owner, "x", x)
        check_lengths(owner, y_true=y, interval=interval, x=where)
        display = cls(y_true=y, interval=interval, x=where, coverage=coverage, x_label=x_label)
        return display.plot(ax, subsample=subsample, random_state=random_state)

    @draws
    def plot(self, ax: Any = None, *, subsample: int | None = 200, random_state: Any = 0) -> Self:
        """Draw the intervals.

        Parameters
        ----------
        ax : Axes or None, default=None
            The axes to draw on; None makes a new figure.
        subsample : int or None, default=200
            Maximum number of rows to draw, chosen at random; None draws all.  The coverage is
            always that of all rows.
        random_state : int, RandomState or None, default=0
            Seed of the choice of rows.

        Returns
        -------
        PredictionIntervalDisplay
            The display itself.
        """
        owner = f"{type(self).__name__}.plot"
        rows = self._rows(owner, subsample, random_state)
        missing = _is_missing(self.x)
        rows = rows[~missing[rows]]
        axes = panels(owner, ax, 1, (6.8, 4.2))
        (self.ax_,) = axes
        low, high = self.interval[rows].T
        positions, levels = _positions(self.x[rows], low + high)
        asked = f"{self.coverage:.0%} interval"
        look = {"color": SKY, "linewidth": 2.2, "alpha": 0.75, "zorder": 1}
        self.lines_ = self.ax_.vlines(positions, low, high, label=asked, **look)
        self._draw_observed(rows, positions)
        if levels is not None:
            name_levels(self.ax_, levels)
        without = f" ({count(int(missing.sum()), 'row')} without it)" if missing.any() else ""
        self.ax_.set(xlabel=f"{self.x_label}{without}", ylabel="y")
        tidy(self.ax_)
        legend_above(axes, 3)
        self.figure_ = self.ax_.figure
        return self

    def _rows(self, owner: str, subsample: int | None, random_state: Any) -> np.ndarray:
        n_rows = len(self.y_true)
        if subsample is not None:
            check_in_domain(owner, "subsample", subsample, COUNT, "None draws all rows.")
        if subsample is None or n_rows <= subsample:
            return np.arange(n_rows)
        return check_random_state(random_state).choice(n_rows, subsample, replace=False)

    def _draw_observed(self, rows: np.ndarray, positions: np.ndarray) -> None:
        """Draw observations inside and outside, and say how many of all rows lie inside."""
        inside, y = self._inside[rows], self.y_true[rows]
        low, high = self.coverage_interval_
        n = f"{len(self.y_true):,} rows"
        within = f"inside: {self.coverage_:.0%} of {n} ({low:.0%} to {high:.0%})"
        marks = {"linestyle": "none", "markersize": 4.5}
        self.ax_.plot(positions[inside], y[inside], "o", color=BLUE, label=within, **marks)
        marks |= {"markersize": 6, "markeredgecolor": BLACK, "markeredgewidth": 0.5}
        self.ax_.plot(
            positions[~inside], y[~inside], "X", color=VERMILION, label="outside", **marks
        )


def _column(owner: str, X: Any, feature: str | int) -> np.ndarray:
    """Return a column of X by name or number."""
    frame = as_frame(X)
    names = [] if frame is None else frame.columns
    if isinstance(feature, str):
        if feature not in names:
            known = (
                f"its columns are {', '.join(map(str, names[:20]))}" if names else "X has no names"
            )
            raise ValueError(f"{owner} finds no feature {feature!r}: {known}. Give one of X's.")
        return np.asarray(frame[feature].to_numpy())  # type: ignore[index]
    n_features = len(names) or np.shape(X)[1]
    last = Interval(0, n_features - 1, integer=True)
    check_in_domain(
        owner, "feature", feature, last, "Give the name or the number of a column of X."
    )
    return np.asarray(X)[:, feature] if frame is None else frame[names[feature]].to_numpy()


def _is_missing(x: np.ndarray) -> np.ndarray:
    """Return which numbers or times are missing; a missing category has a place of its own."""
    return missing_in(x) if x.dtype.kind != "O" else np.zeros(len(x), dtype=bool)


def _positions(x: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, list[str] | None]:
    """Return where rows are drawn; those of one category stand side by side, in an order."""
    if np.issubdtype(x.dtype, np.number) or np.issubdtype(x.dtype, np.datetime64):
        return x, None
    levels, codes = np.unique(x.astype(str), return_inverse=True)
    positions = codes.astype(float)
    for code in range(len(levels)):
        rows = np.flatnonzero(codes == code)
        rows = rows[np.argsort(order[rows])]
        positions[rows] += np.linspace(-0.38, 0.38, len(rows)) if len(rows) > 1 else 0.0
    return positions, [str(level) for level in levels]
