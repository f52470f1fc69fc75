"""ReliabilityDisplay: whether predictions are calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier

from ..estimators.inputs.floats import floats_of
from ..parameters.domains import check_in_domain
from ..parameters.refusals import count, refuse_rows
from .functionals import Group, checked_level, functional_of, grouped, residuals
from .given import (
    COUNT,
    OPEN_UNIT,
    check_estimator,
    check_lengths,
    column_of,
    numbers_of,
    words_for,
)
from .style import BLACK, BLUE, draws, legend_above, legend_beside, looks, panels, tidy

# What stands at the vertical axis.
CHECKED = {
    "mean": "bias: mean of prediction − y",
    "median": "share of y at or below the prediction",
    "quantile": "share of y at or below the prediction",
    "expectile": "mean of the identification function",
    "probability": "share of rows of the class",
}


class ReliabilityDisplay:
    """Whether predictions are calibrated, in groups of similar predictions.

    For predictions of the mean, the bias of every group should be 0.  For a quantile, the share of
    y at or below the prediction should be its level.  For an expectile, the mean of its
    identification function, ``2 |1[y <= prediction] - level| (prediction - y)``, should be 0.  For
    probabilities, the share of the class should be the probability.  Whiskers are confidence
    intervals: a group is miscalibrated if its whisker does not touch the dashed line.

    Create it with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    groups : dict of list of Group
        The groups of each curve, by its label; one curve per class for probabilities.
    functional : {"mean", "median", "quantile", "expectile", "probability"}
        What is predicted.
    level : float, default=0.5
        Level of a quantile or an expectile.
    confidence : float, default=0.95
        Confidence level of the whiskers.

    Attributes
    ----------
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : For probabilities of two classes.

    References
    ----------
    Gneiting, T., Making and Evaluating Point Forecasts, 2011.  Fissler, T., Lorentzen, C. and
    Mayer, M., Model Comparison and Calibration Assessment, 2022, arXiv 2202.12780; the package
    model-diagnostics.

    Examples
    --------
    >>> import numpy as np
    >>> from sklloss.inspection import ReliabilityDisplay
    >>> y = np.random.default_rng(0).normal(size=500)
    >>> display = ReliabilityDisplay.from_predictions(
    ...     y, np.full(500, 1.28), functional="quantile", level=0.9
    ... )  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        groups: Mapping[str, Sequence[Group]],
        functional: str,
        level: float = 0.5,
        confidence: float = 0.95,
    ) -> None:
        self.groups = groups
        self.functional = functional
        self.level = level
        self.confidence = confidence

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        functional: str = "auto",
        level: float | None = None,
        n_bins: int = 10,
        confidence: float = 0.95,
        ax: Any = None,
    ) -> Self:
        """Draw the calibration of a fitted estimator, preferably on held-out rows.

        Parameters
        ----------
        estimator : fitted classifier or regressor
            The estimator, which may be a Pipeline, a TransformedTargetRegressor or a search.
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows, as the estimator takes them.
        y : array-like of shape (n_samples,)
            Observed values, or labels.
        functional : str, default="auto"
            What is predicted.  "auto" is probabilities for classifiers, what the loss estimates for
            `NeuralRegressor`, and the mean for other regressors.
        level : float or None, default=None
            Level of a quantile or an expectile, in (0, 1).  ``functional="auto"`` takes that of the
            loss.
        n_bins : int, default=10
            As in `from_predictions`.
        confidence : float, default=0.95
            As in `from_predictions`.
        ax : Axes or None, default=None
            As in `plot`.

        Returns
        -------
        ReliabilityDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If nothing that the loss estimates can be checked, or an argument is invalid.
        AttributeError
            If a classifier has no probabilities.
        ImportError
            If matplotlib is not installed.
        """
        owner = f"{cls.__name__}.from_estimator"
        check_estimator(owner, estimator)
        _check_functional(owner, estimator, functional)
        classes = None
        if is_classifier(estimator):
            prediction, classes = estimator.predict_proba(X), estimator.classes_
            functional = "probability"
        else:
            prediction = estimator.predict(X)
            if functional == "auto":
                functional, level = functional_of(owner, estimator)
        settings = {"n_bins": n_bins, "confidence": confidence, "ax": ax}
        return cls.from_predictions(
            y, prediction, functional=functional, level=level, classes=classes, **settings
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        functional: str = "mean",
        level: float | None = None,
        classes: Any = None,
        n_bins: int = 10,
        confidence: float = 0.95,
        ax: Any = None,
    ) -> Self:
        """Draw the calibration of given predictions.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Observed values, or labels.
        y_pred : array-like of shape (n_samples,) or (n_samples, n_classes)
            Predictions; for probabilities one column per class, or the probability of the second of
            two.
        functional : {"mean", "median", "quantile", "expectile", "probability"}, default="mean"
            What is predicted.
        level : float or None, default=None
            Level of a quantile or an expectile, in (0, 1).
        classes : array-like of shape (n_classes,) or None, default=None
            Labels of the columns of probabilities; None takes the sorted labels of `y_true`.
        n_bins : int, default=10
            Number of groups, of equal size, >= 1.
        confidence : float, default=0.95
            Confidence level of the whiskers, in (0, 1): Student's intervals for means, Wilson's for
            shares.
        ax : Axes or None, default=None
            As in `plot`.

        Returns
        -------
        ReliabilityDisplay
            The display, drawn.
        """
        owner = f"{cls.__name__}.from_predictions"
        checked_at = checked_level(owner, functional, level)
        check_in_domain(owner, "n_bins", n_bins, COUNT, "10 is usual.")
        check_in_domain(owner, "confidence", confidence, OPEN_UNIT, "0.95 is usual.")
        if functional == "probability":
            curves = _by_class(owner, y_true, y_pred, classes)
        else:
            curves = _of_numbers(owner, y_true, y_pred, functional, checked_at)
        groups = {label: grouped(*of, n_bins, confidence) for label, of in curves.items()}
        display = cls(groups=groups, functional=functional, level=checked_at, confidence=confidence)
        return display.plot(ax)

    @draws
    def plot(self, ax: Any = None) -> Self:
        """Draw the groups.

        Parameters
        ----------
        ax : Axes or None, default=None
            The axes to draw on; None makes a new figure.

        Returns
        -------
        ReliabilityDisplay
            The display itself.
        """
        n_curves = len(self.groups)
        size = (5.6 + 1.6 * (n_curves > 1), 4.2)
        axes = panels(f"{type(self).__name__}.plot", ax, 1, size)
        (self.ax_,) = axes
        self._draw_ideal()
        for (label, groups), look in zip(self.groups.items(), looks(n_curves), strict=True):
            self._draw(groups, label if n_curves > 1 else self._label(), look)
        is_probability = self.functional == "probability"
        x_label = "predicted probability, mean of a group" if is_probability else "prediction"
        self.ax_.set(xlabel=x_label, ylabel=CHECKED[self.functional])
        tidy(self.ax_)
        if n_curves > 1:
            legend_beside(axes)
        else:
            legend_above(axes, 2)
        self.figure_ = self.ax_.figure
        return self

    def _draw_ideal(self) -> None:
        """Draw where a reliable prediction lies."""
        look = {"color": BLACK, "linestyle": "--", "linewidth": 1.1, "zorder": 1}
        if self.functional == "probability":
            self.ax_.plot([0, 1], [0, 1], label="reliable", **look)
        elif self.functional in ("median", "quantile"):
            self.ax_.axhline(self.level, label=f"reliable: {self.level:g}", **look)
        else:
            self.ax_.axhline(0.0, label="reliable: 0", **look)

    def _draw(self, groups: Sequence[Group], label: str, look: Any) -> None:
        x, value, low, high, _ = np.array(groups, dtype=float).T
        reach = np.nan_to_num(np.maximum([value - low, high - value], 0))
        only = len(self.groups) == 1
        self.ax_.errorbar(
            x,
            value,
            reach,
            color=BLUE if only else look.color,
            linestyle="-" if only else look.linestyle,
            marker=look.marker,
            linewidth=1.0,
            elinewidth=1.6,
            capsize=3,
            label=label,
            zorder=2,
        )

    def _label(self) -> str:
        groups = next(iter(self.groups.values()))
        n_rows = sum(group.n_rows for group in groups)
        return f"{n_rows:,} rows in {len(groups)} groups, {self.confidence:.0%} intervals"


def _check_functional(owner: str, estimator: Any, functional: str) -> None:
    """Raise if an estimator does not predict what is to be checked."""
    if not is_classifier(estimator):
        if functional == "probability":
            raise ValueError(
                f"{owner} checks probabilities of classifiers, but {words_for(estimator)} predicts"
                " numbers. Leave functional='auto'."
            )
        return
    if functional not in ("auto", "probability"):
        raise ValueError(
            f"{owner} needs functional='auto' or 'probability' for a classifier; got"
            f" {functional!r}."
        )
    if not hasattr(estimator, "predict_proba"):
        raise AttributeError(
            f"{owner} needs predict_proba, which {words_for(estimator)} does not have. Choose a"
            " loss with predict_proba in list_losses('classification'), or wrap the estimator in"
            " CalibratedClassifierCV."
        )


def _of_numbers(
    owner: str, y_true: Any, y_pred: Any, functional: str, level: float
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return predictions of numbers, and what is averaged over their groups."""
    y, prediction = numbers_of(owner, "y_true", y_true), numbers_of(owner, "y_pred", y_pred)
    check_lengths(owner, y_true=y, y_pred=prediction)
    is_share = functional in ("median", "quantile")
    checked = y <= prediction if is_share else residuals(y, prediction, functional, level)
    return {functional: (prediction, checked)}


def _by_class(
    owner: str, y_true: Any, y_pred: Any, classes: Any
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return probabilities of each class, and whether rows are of it; of two classes the second."""
    y, p = column_of(owner, "y_true", y_true), np.atleast_1d(floats_of(y_pred, "y_pred"))
    check_lengths(owner, y_true=y, y_pred=p)
    inside = ((p >= 0) & (p <= 1)).reshape(len(p), -1).all(axis=1)
    refuse_rows(
        np.logical_not(inside),
        "y_pred needs probabilities, from 0 to 1",
        "have another number",
        "Give the result of predict_proba.",
        example=p.tolist().__getitem__,
    )
    labels = np.unique(y) if classes is None else np.asarray(classes)
    p = np.column_stack((1 - p, p)) if p.ndim == 1 else p
    if p.shape[1] != len(labels):
        raise ValueError(
            f"{owner} needs one column of probabilities per class; got {p.shape[1]} for"
            f" {count(len(labels), 'label')}, {', '.join(map(repr, labels[:9].tolist()))}. Give"
            " classes=estimator.classes_."
        )
    refuse_rows(
        ~np.isin(y, labels),
        f"{owner} needs labels among classes={labels.tolist()}",
        "have another",
        "Give classes=estimator.classes_.",
        example=y.tolist().__getitem__,
    )
    shown = [1] if len(labels) == 2 else range(len(labels))
    return {str(labels[k]): (p[:, k], y == labels[k]) for k in shown}
