"""What stands beside interactions: ratings, or how often each pair was seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ...parameters.refusals import refuse_rows
from ..inputs.data import FitData
from ..inputs.floats import check_finite, floats_of
from ..inputs.sample import Sample
from ..inputs.weights import checked_weights
from ..targets.answers import Answer
from ..targets.base import Encoded, LearnedTarget
from ..targets.numbers import Scaled, point
from .interactions import Pairs


@dataclass(frozen=True)
class Ratings(Scaled):
    """Ratings, one per pair: what losses for regression learn."""

    decay: ClassVar[float] = 0.1

    def rows(self, y: Any, X: Any) -> np.ndarray:
        """Return ratings, (n_samples, 1); 1 where there are none."""
        values = np.ones(len(X)) if y is None else checked_ratings(y, len(X))
        return values[:, None]

    def encode(
        self, y: Any, data: FitData, loss: Any, shape: tuple[int, ...], before: Any
    ) -> Encoded:
        """Return ratings, (n_samples, 1), as an array that can be written."""
        check_given(loss.label, data.y)
        return Encoded(np.array(y), LearnedTarget())

    def auto_decay(self, loss: Any) -> float:
        """Return the L2 penalty on factors that suits most data."""
        return self.decay

    def answers(self, loss: Any, learned: Any, scaler: Any, n_members: int) -> dict[str, Answer]:
        """Return ratings on their scale, or scores."""
        return {"predict": point(loss, scaler, is_column=True)}


@dataclass(frozen=True)
class LearnedCounts(LearnedTarget):
    """What a fit on counts learns beside them.

    Attributes
    ----------
    n_items : int
        Among how many items the network finds those that a user takes.
    """

    n_items: int

    @property
    def n_classes(self) -> int:
        """The number of items."""
        return self.n_items


@dataclass(frozen=True)
class Counts(Ratings):
    """How often each pair was seen, or nothing: what losses learn an order of items from."""

    scale_target: bool = False
    decay: ClassVar[float] = 0.01

    def opened(self, data: FitData, before: Any) -> FitData:
        """Turn counts into weights."""
        if data.y is None:
            return data
        counts = checked_counts(data.y, len(Pairs.of(data.X)))
        weights = counts * checked_weights(data.sample_weight, counts)
        return replace(data, y=None, sample_weight=weights)

    def encode(
        self, y: Any, data: FitData, loss: Any, shape: tuple[int, ...], before: Any
    ) -> Encoded:
        """Return 1 for each pair."""
        return Encoded(y, LearnedTarget())

    def with_inputs(self, learned: Any, inputs: Any) -> LearnedCounts:
        """Return the number of items."""
        return LearnedCounts(len(inputs.items))

    def check_suits(self, loss: Any, sample: Sample, learned: Any, network: Any) -> None:
        """Take any loss of an order: counts are weights, and every pair is 1."""


def check_given(loss: str, ratings: Any) -> None:
    """Raise for a loss of ratings where there are none."""
    if ratings is None:
        raise ValueError(
            f"Loss {loss!r} learns ratings, and ratings are None. Give one rating per pair, or"
            " choose a loss of an order: 'bpr', 'warp', 'hinge' or 'infonce'."
        )


def checked_ratings(ratings: Any, n_rows: int) -> np.ndarray:
    """Return ratings or counts as floats of shape (n_rows,).

    Raises
    ------
    ValueError
        If they are no finite numbers, or not one per pair.
    """
    values = floats_of(ratings, "ratings")
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if values.shape != (n_rows,):
        raise ValueError(
            f"ratings need one number per pair, shape ({n_rows},); got {values.shape}. Give as many"
            " as there are interactions."
        )
    check_finite(values, "ratings")
    return values


def checked_counts(counts: Any, n_rows: int) -> np.ndarray:
    """Return how often each pair was seen, shape (n_rows,).

    Raises
    ------
    ValueError
        If one is negative or not finite, or all are 0.
    """
    values = checked_ratings(counts, n_rows)
    refuse_rows(
        values < 0,
        "A loss of an order, such as 'bpr', takes counts or confidences >= 0 instead of ratings",
        "are negative",
        "Leave out what users disliked, or choose a loss of ratings, such as 'mse'.",
        example=values.__getitem__,
    )
    if not values.any():
        raise ValueError(
            f"The counts of all {n_rows} pairs are 0, so there is nothing to learn from. Leave"
            " ratings out where every pair counts."
        )
    return values
