"""The noise of y given X, by a quick cross-validated fit of boosted trees."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.model_selection import KFold, StratifiedKFold

from ...estimators.inputs.frames import Columns, as_frame
from .target import REGRESSION, TargetOfAdvice
from .weights import repeated

# More rows and columns than these make the fit slower, but say hardly more.
MOST_ROWS, MOST_COLUMNS = 2_000, 60
# With fewer rows, residuals say more about the trees than about the noise.
FEWEST_ROWS = 60
FOLDS, TREES = 3, 40
# Every class has trees of its own.
MOST_TREES = 100
# The most levels that boosted trees take as categories.
MOST_LEVELS = 255
# The share of rows by whose labels it is judged whether some are wrong.
SUREST = 0.1
# How many groups of rows of like prediction the power of the variance is estimated from.
GROUPS = 10


@dataclass(frozen=True)
class NumberNoise:
    """What rows that were held out say about the noise of numbers.

    Attributes
    ----------
    explained : float
        The share of the variance that X explains (R² on rows that were held out).
    noise_outliers : float
        The share of residuals beyond 3.5 robust standard deviations, each residual divided by the
        spread that X predicts for it.
    noise_above : float
        The share of these that lie above their prediction.
    noise_skew : float
        The skewness of residuals so divided, without the outermost hundredth on either side.
    spread_varies : float
        The rank correlation of the size of residuals with what X predicts for it.
    power : float or None
        The power of the mean with which the variance grows: 0 for normal noise, 1 for Poisson, 2
        for gamma; None where some targets are negative.
    """

    explained: float
    noise_outliers: float
    noise_above: float
    noise_skew: float
    spread_varies: float
    power: float | None


@dataclass(frozen=True)
class LabelNoise:
    """What rows that were held out say about the noise of labels.

    Attributes
    ----------
    accuracy : float
        The share of labels that the likeliest class hits; of several labels, of all of them.
    explained : float
        By which share the log loss falls from that of the class shares.
    wrong_labels : float
        The share of labels that differ from the likeliest class in the tenth of rows about which
        the trees are surest.  Where classes merely overlap, it is near 0.
    """

    accuracy: float
    explained: float
    wrong_labels: float


def noise_of(
    X: Any, target: TargetOfAdvice, weight: np.ndarray | None = None
) -> NumberNoise | LabelNoise | None:
    """Return what X says about the noise; None where rows are few or X is no table.

    Rows with weights are held out once each, and count by their weight in the fits and afterwards.

    Raises
    ------
    ValueError
        If X and y differ in their numbers of rows.
    TypeError
        If X has no rows.
    """
    n_rows = len(target.values)
    if n_rows < FEWEST_ROWS:
        return None
    rows = np.arange(n_rows)
    if n_rows > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).permutation(n_rows)[:MOST_ROWS])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # What a fit will say, this one need not.
        found = _as_numbers(X, rows)
        if found is None:
            return None
        values, categorical = found
        weight = None if weight is None else weight[rows]
        y = target.values[rows]
        return _measured(values, categorical, target, y, weight) if values.shape[1] else None


def _measured(
    X: np.ndarray,
    categorical: np.ndarray,
    target: TargetOfAdvice,
    y: np.ndarray,
    weight: np.ndarray | None,
) -> NumberNoise | LabelNoise | None:
    # They import scikit-learn's linear models.
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    trees = {
        "max_iter": min(TREES, max(10, MOST_TREES // max(1, len(target.classes)))),
        "max_leaf_nodes": 15,
        "early_stopping": False,
        "random_state": 0,
        "categorical_features": categorical if categorical.any() else None,
    }
    if target.task == REGRESSION:
        varying = y[:, np.argmax(y.std(0) > 0)]
        model = HistGradientBoostingRegressor(**trees)
        return _of_numbers(X, varying, weight, model, target.kind)
    return _of_labels(X, y, weight, HistGradientBoostingClassifier(**trees))


def _as_numbers(X: Any, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return some rows of X as numbers, and which columns are categories; None for no table."""
    if sparse.issparse(X):
        taken = X.tocsr()[rows]
        most = np.argsort(-np.bincount(taken.indices, minlength=taken.shape[1]), kind="stable")
        return taken[:, np.sort(most[:MOST_COLUMNS])].toarray(), np.zeros(0, dtype=bool)
    frame = as_frame(X)
    try:
        if frame is None:
            values = np.asarray(X)
            if values.ndim != 2:
                return None
            values, levels = values[rows].astype(np.float64), (0,) * values.shape[1]
        else:
            columns = Columns.of(frame)
            values, levels = columns.numbers(frame[rows]), columns.n_levels
    except (TypeError, ValueError):
        return None  # Whatever is wrong with X, a fit says it.
    values = np.where(np.isfinite(values), values, np.nan)
    kept = _telling(values)
    kept = kept[~np.isnan(values[:, kept]).all(0)]
    n_levels = np.asarray(levels)[kept]
    values = values[:, kept]
    categorical = (n_levels > 0) & (n_levels <= MOST_LEVELS)
    # A level that did not occur is missing.
    values[:, categorical] = np.where(values[:, categorical] < 0, np.nan, values[:, categorical])
    return values, categorical


def _telling(values: np.ndarray) -> np.ndarray:
    """Return the columns that vary most, relative to their range, in their own order."""
    if values.shape[1] <= MOST_COLUMNS:
        return np.arange(values.shape[1])
    spread = np.nanstd(values, axis=0) / (np.nanmax(np.abs(values), axis=0) + 1e-12)
    return np.sort(np.argsort(-np.nan_to_num(spread), kind="stable")[:MOST_COLUMNS])


def _held_out(
    model: Any, X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, splitter: Any, method: str
) -> Any:
    """Return what models say of the rows that they have not seen."""
    said: Any = None
    for train, test in splitter.split(X, y):
        # Only ratios may count, but the trees compare sums of weights with fixed numbers.
        of_train = None if weight is None else weight[train] / weight.mean()
        fitted = clone(model).fit(X[train], y[train], sample_weight=of_train)
        part = getattr(fitted, method)(X[test])
        if said is None:
            said = np.zeros((len(y), *part.shape[1:]))
        if part.shape[1:] != said.shape[1:]:
            return None  # A class that some folds lack.
        said[test] = part
    return said


# ---------------------------------------------------------------------- numbers


def _of_numbers(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, model: Any, kind: str
) -> NumberNoise:
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    predicted = _held_out(model, X, y, weight, folds, "predict")
    residual = y - predicted
    spread = _held_out(model, X, np.abs(residual), weight, folds, "predict")
    rows = repeated(weight, len(y))
    y, predicted, residual, spread = (each[rows] for each in (y, predicted, residual, spread))
    varies = _rank_correlation(spread, np.abs(residual))
    # Where X says nothing of the spread, dividing by it would only add noise.
    floor = 0.2 * np.abs(residual).mean()
    divided = residual / np.maximum(spread, floor) if varies > 0.1 else residual
    away = divided - np.median(divided)
    scores = away / (1.4826 * np.median(np.abs(away)) or 1.0)
    wild = np.abs(scores) > 3.5
    low, high = np.quantile(divided, (0.01, 0.99))
    inner = divided[(divided >= low) & (divided <= high)]
    return NumberNoise(
        explained=float(1 - residual.var() / y.var()),
        noise_outliers=float(wild.mean()),
        noise_above=float((scores[wild] > 0).mean()) if wild.any() else 0.0,
        noise_skew=float(np.nan_to_num(stats.skew(inner))),
        spread_varies=varies,
        power=None if kind == "real" else _power(predicted, residual),
    )


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.nan_to_num(stats.spearmanr(a, b).statistic))


def _power(predicted: np.ndarray, residual: np.ndarray) -> float | None:
    """Return the slope of log variance over log mean, between groups of like predictions."""
    order = np.argsort(predicted, kind="stable")
    groups = np.array_split(order, GROUPS)
    mean = np.array([predicted[g].mean() for g in groups])
    variance = np.array([(residual[g] ** 2).mean() for g in groups])
    usable = (mean > 0) & (variance > 0)
    if usable.sum() < 3 or np.ptp(np.log(mean[usable])) < 0.2:
        return None
    slope = stats.theilslopes(np.log(variance[usable]), np.log(mean[usable])).slope
    return float(slope)


# ---------------------------------------------------------------------- labels


def _of_labels(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, model: Any
) -> LabelNoise | None:
    # Of many labels, the commonest say enough.
    balance = np.abs(y[repeated(weight, len(y))].mean(0) - 0.5)
    columns = [0] if y.shape[1] == 1 else np.argsort(balance, kind="stable")[:2].tolist()
    found = [each for i in columns if (each := _of_classes(X, y[:, i], weight, model)) is not None]
    if not found:
        return None
    means = np.mean([(f.accuracy, f.explained, f.wrong_labels) for f in found], axis=0)
    return LabelNoise(*map(float, means))


def _of_classes(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, model: Any
) -> LabelNoise | None:
    kept = np.bincount(y)[y] >= FOLDS
    weight = None if weight is None else weight[kept]
    X, (classes, y) = X[kept], np.unique(y[kept], return_inverse=True)
    if len(classes) < 2:
        return None
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    probability = _held_out(model, X, y, weight, folds, "predict_proba")
    if probability is None:
        return None
    rows = repeated(weight, len(y))
    probability, y = probability[rows], y[rows]
    own = np.clip(probability[np.arange(len(y)), y], 1e-6, 1)
    shares = np.bincount(y) / len(y)
    entropy = -(shares * np.log(shares)).sum()
    return LabelNoise(
        accuracy=float((probability.argmax(1) == y).mean()),
        explained=float(1 + np.log(own).mean() / entropy),
        wrong_labels=_wrong(probability, y),
    )


def _wrong(probability: np.ndarray, y: np.ndarray) -> float:
    """Return the error rate among the rows about which the trees are surest."""
    sureness = probability.max(1)
    surest = sureness >= np.quantile(sureness, 1 - SUREST)
    return float((probability.argmax(1) != y)[surest].mean())
