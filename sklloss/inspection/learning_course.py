"""Losses and metrics by epoch, of networks that stop at different epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Columns of skorch's history that are neither losses nor metrics.
NO_METRICS = ("epoch", "dur", "batches", "event_lr")


@dataclass(frozen=True, eq=False)
class LearningCourse:
    """What one network, or the mean of several, reached in each epoch.

    Attributes
    ----------
    epoch : ndarray of int of shape (n_epochs,)
    values : dict of ndarray of shape (n_epochs,)
        By name: "train_loss", "valid_loss" where there are validation rows, and metrics.
    best_epoch : float or None
        The epoch whose weights are kept, a mean for several networks; None where it is unknown.
    """

    epoch: np.ndarray
    values: Mapping[str, np.ndarray]
    best_epoch: float | None = None

    @classmethod
    def of_net(cls, net: Any) -> LearningCourse:
        """Return the course of a fitted skorch net."""
        rows = net.history.to_list()
        names = [name for name in rows[0] if _is_metric(name, rows)]
        values = {name: np.array([row[name] for row in rows], dtype=float) for name in names}
        epoch = np.array([row["epoch"] for row in rows])
        return cls(epoch, values, net.best_epoch_ or None)

    @classmethod
    def of_history(cls, history: Mapping[str, Any]) -> LearningCourse:
        """Return the course that a search has kept of a fit."""
        names = [name for name in history if name.endswith("_loss")]
        values = {name: np.asarray(history[name], dtype=float) for name in names}
        return cls(np.asarray(history["epoch"]), values, history["best_epoch"])

    def relative(self) -> LearningCourse:
        """Return the course with each value going from 1 in the first epoch to 0 at its lowest.

        Losses in different units become comparable by how soon they are learned.
        """
        values = {}
        for name, value in self.values.items():
            low = np.nanmin(value)
            drop = value[0] - low
            values[name] = (value - low) / (drop if drop > 0 else 1.0)
        return LearningCourse(self.epoch, values, self.best_epoch)


def mean_course(courses: Sequence[LearningCourse]) -> LearningCourse:
    """Return the mean of several courses; one that has ended counts with its last values.

    Examples
    --------
    >>> short = LearningCourse(np.array([1]), {"train_loss": np.array([4.0])}, 1)
    >>> long = LearningCourse(np.array([1, 2]), {"train_loss": np.array([2.0, 0.0])}, 2)
    >>> mean = mean_course([short, long])
    >>> mean.values["train_loss"].tolist(), mean.best_epoch
    ([3.0, 2.0], 1.5)
    """
    longest = max(courses, key=lambda course: len(course.epoch))
    n_epochs = len(longest.epoch)
    shared = [n for n in courses[0].values if all(n in course.values for course in courses)]
    values = {
        name: np.mean([_extended(course.values[name], n_epochs) for course in courses], axis=0)
        for name in shared
    }
    known = [course.best_epoch for course in courses if course.best_epoch is not None]
    return LearningCourse(longest.epoch, values, float(np.mean(known)) if known else None)


def _extended(values: np.ndarray, n_epochs: int) -> np.ndarray:
    return np.pad(values, (0, n_epochs - len(values)), mode="edge")


def _is_metric(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a column has a number in every epoch that says how good the net is."""
    hidden = name in NO_METRICS or name.endswith(("_best", "_batch_count"))
    numbers = (isinstance(row.get(name), int | float | np.number) for row in rows)
    return not hidden and all(numbers)
