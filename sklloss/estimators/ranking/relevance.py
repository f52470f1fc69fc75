"""The relevance of rows in groups: what a ranker learns, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from ...parameters.refusals import count, some_of
from ..inputs.data import FitData
from ..inputs.floats import floats_of
from ..inputs.sample import Sample
from ..targets.answers import RAW, Answer
from ..targets.base import Encoded, Head, LearnedTarget, Start, Target
from ..targets.outputs import MeanOverMembers
from .grouped_rows import GroupedTable
from .ndcg import checked_relevance


@dataclass(frozen=True)
class Relevance(Target):
    """How relevant each row of a group is, a number from 0: what `NeuralRanker` takes."""

    def y_options(self, data: FitData) -> dict[str, Any]:
        """One number per row."""
        return {"y": None if data.y is None else floats_of(data.y, "y"), "y_numeric": True}

    def rows(self, y: Any, X: GroupedTable) -> np.ndarray:
        """Return the relevance of each group, (n_groups, largest size), -1 after its end."""
        is_row = np.arange(X.sizes.max()) < X.sizes[:, None]
        padded = np.full(is_row.shape, -1.0)
        padded[is_row] = checked_relevance(y)
        return padded

    def encode(
        self, y: Any, data: FitData, loss: Any, shape: tuple[int, ...], before: Any
    ) -> Encoded:
        """Return relevance as it is."""
        return Encoded(y, LearnedTarget())

    def check_suits(self, loss: Any, sample: Sample, learned: Any, network: Any) -> None:
        """Raise if the loss cannot take a relevance, or no group has an order."""
        is_row = sample.y >= 0
        outside = is_row & ~loss.y_domain.inside(sample.y)
        if outside.any():
            group, place = np.argwhere(outside)[0]
            raise ValueError(
                f"{type(loss).__name__} needs {loss.y_domain.describe('y')};"
                f" {some_of(outside[is_row], 'value', 'are outside')}, for example"
                f" {sample.y[group, place]:g}, row {place} of group {sample.kept[group]}. Give"
                " grades such as 0 to 4, or choose the loss ranknet."
            )
        check_has_order(sample.y, "of y")

    def check_split(self, loss: Any, sample: Sample, learned: Any, train: Any, valid: Any) -> None:
        """Raise if no group that trains, or none that validates, has an order."""
        check_has_order(sample.y[train], "that early_stopping trains on")
        check_has_order(sample.y[valid], "that early_stopping validates on")

    def head(self, start: Start, learned: Any, is_built_in: bool) -> Head:
        """Return that a network has to return a score."""
        return Head(1, (1,), f"{start.loss.label} for a score per row")

    def raw_shape(self, learned: Any) -> tuple[int, int]:
        """Return that raw output is a score for each of any number of rows."""
        return -1, 1

    def answers(self, loss: Any, learned: Any, scaler: Any, n_members: int) -> dict[str, Answer]:
        """Return the scores of rows, and raw output."""
        scores = nn.Sequential(MeanOverMembers(), nn.Flatten(0))
        return {"predict": Answer(loss.predict, scores), "raw": RAW}

    def tag(self, tags: Any, loss: Any) -> None:
        """Required, and positive."""
        tags.target_tags.required = tags.target_tags.positive_only = True


def check_has_order(y: np.ndarray, where: str) -> None:
    """Raise if no group of relevance, (n_groups, size), has rows to be put in order."""
    if (y.max(1) > np.where(y >= 0, y, np.inf).min(1)).any():
        return
    alone = (y >= 0).sum(1) == 1
    raise ValueError(
        "NeuralRanker needs rows of different relevance in a group; there are none in the"
        f" {count(len(y), 'group')} {where} ({alone.sum()} of one row, n_samples = 1, and"
        f" {(~alone).sum()} whose rows are all equally relevant). Give larger groups, or leave out"
        " `group` to rank all rows as one."
    )
