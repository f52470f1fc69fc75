"""What a fit learns beside the weights of its networks, of all rows and of those held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ...training import Encoding, LossNet, TargetScaler, TrainingSet
from ..inputs.sample import Sample
from ..targets.answers import Answer, answered
from ..targets.base import Target
from .splits import Split

# Rows whose encoding is held at once.
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Learned:
    """What a fit learns: a fitted estimator is its parameters, these values and its nets.

    Attributes
    ----------
    inputs : LearnedInputs
    target : LearnedTarget
    input_scaler : Encoding
    target_scalers : tuple of TargetScaler or None
        One per member, learned from the rows that train it; None where targets are class indices.
    dtype : {"float32", "float64"}
    seeds : tuple of int
        One per member.
    fixed : Mapping
        Parameters that cannot change while training goes on, as they were.
    """

    inputs: Any
    target: Any
    input_scaler: Encoding
    target_scalers: tuple[TargetScaler | None, ...]
    dtype: str
    seeds: tuple[int, ...]
    fixed: Mapping[str, Any]

    @property
    def row_inputs(self) -> Any:
        """What was learned of X, its shape that of the rows that the network takes."""
        return replace(self.inputs, shape=self.input_scaler.row_shape(self.inputs.shape))

    @property
    def target_scaler(self) -> TargetScaler | None:
        """The scalers of all members as one, None where targets are class indices."""
        known = [scaler for scaler in self.target_scalers if scaler is not None]
        return TargetScaler.stacked(known) if known else None

    @property
    def torch_dtype(self) -> torch.dtype:
        """The precision of training."""
        return getattr(torch, self.dtype)

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes of the estimator that say what was learned of X and y."""
        found = {**self.inputs.attributes(), **self.target.attributes()}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class HeldOut:
    """The folds of the members.

    Attributes
    ----------
    folds : list of ndarray of int
        The rows that each member has held out, among those that the engine has.
    sample : Sample
        The rows that the engine has.
    """

    folds: list[np.ndarray]
    sample: Sample

    @classmethod
    def of(cls, sample: Sample, splits: Sequence[Split]) -> HeldOut | None:
        """Return the folds of some splits, None where they hold out something else or nothing."""
        folds = [split.fold for split in splits if split.fold is not None]
        return cls(folds, sample) if folds else None

    def said(
        self, nets: Sequence[LossNet], data: TrainingSet, answer_of: Callable[[int], Answer]
    ) -> np.ndarray:
        """Return what the members that have held out a row say of it on average.

        Parameters
        ----------
        nets : sequence of LossNet
            The trained members.
        data : TrainingSet
            All rows, as the nets take them.
        answer_of : callable
            From the number of a member to what it is asked.

        Returns
        -------
        ndarray of shape (n_samples, ...)
            NaN for rows that no member has held out.
        """
        n_rows, total = len(self.sample.y), None
        count = np.zeros(n_rows)
        for k, (net, fold) in enumerate(zip(nets, self.folds, strict=True)):
            for start in range(0, len(fold), ROWS_AT_ONCE):
                few = fold[start : start + ROWS_AT_ONCE]
                index = torch.from_numpy(few).to(data.y.device)
                said = answered({"held": answer_of(k)}, [net], data.X.take(index))["held"]
                total = np.zeros((n_rows, *said.shape[1:]), said.dtype) if total is None else total
                total[few] += said
                count[few] += 1
        with np.errstate(invalid="ignore"):
            return total / count.reshape(-1, *(1,) * (said.ndim - 1)).astype(said.dtype)

    def taught(self, target: Target, learned: Learned, said: np.ndarray) -> Learned:
        """Return what a fit has learned, with what the target learns of held-out rows."""
        return replace(learned, target=target.decided(learned.target, self.sample, said))

    def as_given(self, values: np.ndarray) -> np.ndarray:
        """Return a value per row of the X that `fit` received, NaN for rows of weight 0."""
        out = np.full((self.sample.n_rows, *values.shape[1:]), np.nan, dtype=values.dtype)
        out[self.sample.kept] = values
        return out
