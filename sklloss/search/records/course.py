"""The course of a training: how many epochs it took, why it ended, and its losses by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from ...estimators.fit.estimator import NeuralEstimator
from ..steps import fitted_net_of

# Arrays by epoch, and the number of the best one.
History = dict[str, Any]
Columns = dict[str, np.ndarray]
# Why trainings end; of several members or seeds, the first of these that holds for one of them.
REASONS = ("failed", "pause", "halving", "max_epochs", "callback", "patience")
LOSSES = ("train_loss", "valid_loss")


@dataclass(frozen=True)
class Course:
    """The course of a training.

    Attributes
    ----------
    n_iter : float
        Epochs, of the member that took most; NaN where nothing was trained, or is known.
    stopped_by : str or None
        "failed", "halving", "max_epochs", "callback" or "patience"; None for other estimators.
    history : dict or None
        The losses of the first member: "epoch", "train_loss" and, where there are validation rows,
        "valid_loss" are arrays; "best_epoch" is the epoch whose weights are kept.
    """

    n_iter: float = nan
    stopped_by: str | None = None
    history: History | None = None

    @classmethod
    def of(cls, fitted: Any, is_cut: bool = False) -> Course:
        """Return the course of the training of a fitted estimator.

        `is_cut` says whether it would have had more epochs without halving.
        """
        net = fitted_net_of(fitted)
        if not isinstance(net, NeuralEstimator):
            return UNKNOWN
        reason = main_reason(member.stopped_by_ for member in net.members_)
        if reason == "pause" or (reason == "max_epochs" and is_cut):
            reason = "halving"
        return cls(float(net.n_iter_), reason, history_of(net.net_))


UNKNOWN, FAILED = Course(), Course(stopped_by="failed")


def history_of(net: Any) -> History:
    """Return the losses of a trained net by epoch."""
    rows = net.history.to_list()
    losses = {
        name: np.array([row[name] for row in rows])
        for name in LOSSES
        if all(name in row for row in rows)
    }
    return {
        "epoch": np.array([row["epoch"] for row in rows], dtype=np.int64),
        **losses,
        "best_epoch": net.best_epoch_,
    }


def main_reason(reasons: Iterable[str | None]) -> str | None:
    """Return the reason that stands for several, None where one of them is unknown.

    Examples
    --------
    >>> main_reason(["patience", "max_epochs", "patience"]), main_reason(["patience", None])
    ('max_epochs', None)
    """
    given = set(reasons)
    return None if None in given else next((r for r in REASONS if r in given), None)


def columns_of(courses: Sequence[Sequence[Sequence[Course]]], n_splits: int) -> Columns:
    """Return columns of ``cv_results_`` from courses by candidate, split and seed.

    Epochs are means over seeds.
    """
    n_iter, stopped_by = {}, {}
    for split in range(n_splits):
        seeds = [of_candidate[split] for of_candidate in courses]
        epochs = [np.mean([course.n_iter for course in each]) for each in seeds]
        reasons = [main_reason(course.stopped_by for course in each) for each in seeds]
        n_iter[f"split{split}_n_iter"] = np.array(epochs)
        stopped_by[f"split{split}_stopped_by"] = np.array(reasons, dtype=object)
    return {**n_iter, "mean_n_iter": np.mean(list(n_iter.values()), axis=0), **stopped_by}
