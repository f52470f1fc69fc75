"""Facts about a target, from which losses are suggested: of y alone, and of its noise given X."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import stats

from .noise import LabelNoise, NumberNoise, noise_of
from .target import REGRESSION, TargetOfAdvice
from .weights import counts_rows, repeated

# From how many robust standard deviations on a value is an outlier, as of Hampel.
OUTLIER = 3.5
# The share of the largest values from which the tail index is estimated.
TAIL = 0.05
# From which share of rows at one end of its range a target is bounded there.
PILED_UP = 0.02


@dataclass(frozen=True)
class NumberFacts:
    """Facts about numbers; of several targets the one that is farthest from normal decides.

    Attributes
    ----------
    kind : {"real", "positive", "counts"}
    n_rows, n_targets : int
    lowest, highest : float
    outliers : float
        The share of rows farther from the median than 3.5 robust standard deviations.
    outliers_above : float
        The share of the outliers that lie above the median.
    tail_index : float
        Hill's estimate of the larger tail around the median: moments from this order on may be
        infinite; inf where the tail has no spread.
    skew : float
    zeros : float
        The share of rows that are exactly 0.
    variance_over_mean : float or None
        None where some targets are negative.
    offset : float
        The mean, in standard deviations.
    at_lowest, at_highest : float
        The share of rows that are exactly the lowest, the highest value.
    distinct : float
        The number of distinct values divided by that of rows.
    noise : NumberNoise or None
        Of y given X; None without X.
    """

    kind: str
    n_rows: int
    n_targets: int
    lowest: float
    highest: float
    outliers: float
    outliers_above: float
    tail_index: float
    skew: float
    zeros: float
    variance_over_mean: float | None
    offset: float
    at_lowest: float
    at_highest: float
    distinct: float
    noise: NumberNoise | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether targets pile up at both ends of their range."""
        return min(self.at_lowest, self.at_highest) >= PILED_UP


@dataclass(frozen=True)
class LabelFacts:
    """Facts about labels.

    Attributes
    ----------
    kind : {"binary", "classes", "ordered", "multi-label"}
    n_rows : int
    n_classes : int
        Of several labels per row, how many labels.
    rarest, commonest : float
        The share of rows that have the rarest and the commonest class or label.
    rarest_label : object
        Its name; of several labels its column.
    labels_per_row : float
        1 but for several labels per row.
    noise : LabelNoise or None
        Of y given X; None without X.
    """

    kind: str
    n_rows: int
    n_classes: int
    rarest: float
    commonest: float
    rarest_label: Any
    labels_per_row: float = 1.0
    noise: LabelNoise | None = None

    @property
    def imbalance(self) -> float:
        """How many times as frequent the commonest class is as the rarest."""
        return self.commonest / max(self.rarest, 1 / self.n_rows)

    @property
    def is_imbalanced(self) -> bool:
        """Whether the rarest class has less than half of an equal share."""
        return self.rarest < 0.5 / self.n_classes


Facts = NumberFacts | LabelFacts


def facts_of(target: TargetOfAdvice, X: Any = None, weight: np.ndarray | None = None) -> Facts:
    """Return what a target says, and what X says about its noise where X is given.

    Parameters
    ----------
    target : TargetOfAdvice
    X : array-like of shape (n_rows, n_features) or None, default=None
    weight : ndarray of shape (n_rows,) or None, default=None
        What rows weigh, > 0; None is 1 for all.
    """
    noise = None if X is None else noise_of(X, target, weight)
    n_rows = len(target.values)
    of = target.values[repeated(weight, n_rows)]
    n_rows = len(of) if weight is None or counts_rows(weight) else n_rows
    if target.task == REGRESSION:
        return _of_numbers(target, of, n_rows, noise)
    return _of_labels(target, of, n_rows, noise)


def table_of(facts: Facts) -> dict[str, Any]:
    """Return facts by name, those of the noise among them."""
    own = {field.name: getattr(facts, field.name) for field in fields(facts)}
    noise = own.pop("noise")
    found = {} if noise is None else {f.name: getattr(noise, f.name) for f in fields(noise)}
    return {**own, **found}


def robust_scores(values: np.ndarray) -> np.ndarray:
    """Return the distance of values from their median, in robust standard deviations."""
    away = values - np.median(values)
    scale = 1.4826 * np.median(np.abs(away))
    # Where most values are equal, the median absolute deviation is 0 and tells nothing.
    scale = scale or 1.2533 * np.abs(away).mean()
    return away / scale if scale else np.zeros_like(away)


def tail_index(away: np.ndarray) -> float:
    """Return Hill's estimate of the tail of distances from a centre."""
    size = np.sort(np.abs(away))[::-1]
    n = max(5, int(TAIL * len(size)))
    if len(size) <= n or size[n] <= 0:
        return float("inf")
    mean = float(np.log(size[:n] / size[n]).mean())
    return 1 / mean if mean > 0 else float("inf")


def skew_of(values: np.ndarray) -> float:
    """Return the skewness, 0 where values hardly vary."""
    spread = values.std()
    is_constant = spread <= 1e-9 * np.abs(values).max(initial=0)
    return 0.0 if is_constant else float(stats.skew((values - values.mean()) / spread))


def _of_numbers(target: TargetOfAdvice, y: np.ndarray, n_rows: int, noise: Any) -> NumberFacts:
    columns = [_of_column(column) for column in y.T]
    for column, facts in zip(target.values.T, columns, strict=True):
        facts["distinct"] = len(np.unique(column)) / n_rows
    wildest = max(columns, key=lambda each: (abs(each["skew"]), each["outliers"]))
    lowest, highest = float(target.values.min()), float(target.values.max())
    own = {"kind": target.kind, "n_rows": n_rows, "n_targets": y.shape[1], **wildest}
    return NumberFacts(lowest=lowest, highest=highest, noise=noise, **own)


def _of_column(y: np.ndarray) -> dict[str, Any]:
    scores = robust_scores(y)
    wild = np.abs(scores) > OUTLIER
    mean = float(y.mean())
    return {
        "outliers": float(wild.mean()),
        "outliers_above": float((scores[wild] > 0).mean()) if wild.any() else 0.0,
        "tail_index": tail_index(y - np.median(y)),
        "skew": skew_of(y),
        "zeros": float((y == 0).mean()),
        "variance_over_mean": float(y.var() / mean) if y.min() >= 0 else None,
        "offset": mean / float(y.std()),
        "at_lowest": float((y == y.min()).mean()),
        "at_highest": float((y == y.max()).mean()),
    }


def _of_labels(target: TargetOfAdvice, y: np.ndarray, n_rows: int, noise: Any) -> LabelFacts:
    if target.kind == "multi-label":
        shares, per_row = y.mean(0), float(y.sum(1).mean())
        names: tuple[Any, ...] = tuple(range(y.shape[1]))
    else:
        shares, per_row = np.bincount(y[:, 0], minlength=len(target.classes)) / len(y), 1.0
        names = target.classes
    return LabelFacts(
        target.kind,
        n_rows,
        len(names),
        float(shares.min()),
        float(shares.max()),
        names[int(shares.argmin())],
        per_row,
        noise,
    )
