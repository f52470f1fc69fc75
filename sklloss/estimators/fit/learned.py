"""What a fit learns beside the weights of its networks, and the fit between its two halves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ...losses.base import Loss
from ...training import Encoding, LossNet, TargetScaler, TrainingSet, generator
from ..inputs.sample import Sample
from ..targets.answers import Answer, answered
from ..targets.base import Target
from ..targets.calibration import Calibration, scores_of
from ..targets.mixture import Mixture
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

    @classmethod
    def of_any(cls, sample: Sample, splits: Sequence[Split]) -> HeldOut | None:
        """Return the folds of some splits, or their validation rows where there are no folds."""
        held = [split.valid if split.fold is None else split.fold for split in splits]
        folds = [rows for rows in held if rows is not None]
        return cls(folds, sample) if folds else None

    def of_first(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the number of a member and some rows that it has held out, each row once."""
        is_free = np.ones(len(self.sample.y), dtype=bool)
        for k, fold in enumerate(self.folds):
            own = fold[is_free[fold]]
            is_free[own] = False
            for start in range(0, len(own), ROWS_AT_ONCE):
                yield k, own[start : start + ROWS_AT_ONCE]

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
        count = np.zeros(n_rows, dtype=np.int32)
        for k, (net, fold) in enumerate(zip(nets, self.folds, strict=True)):
            for start in range(0, len(fold), ROWS_AT_ONCE):
                few = fold[start : start + ROWS_AT_ONCE]
                index = torch.from_numpy(few).to(data.y.device)
                said = answered({"held": answer_of(k)}, [net], data.X.take(index))["held"]
                total = np.zeros((n_rows, *said.shape[1:]), said.dtype) if total is None else total
                total[few] += said
                count[few] += 1
        with np.errstate(invalid="ignore"):
            total /= count.reshape(-1, *(1,) * (said.ndim - 1)).astype(said.dtype)
        return total

    def taught(self, target: Target, learned: Learned, said: np.ndarray) -> Learned:
        """Return what a fit has learned, with what the target learns of held-out rows."""
        return replace(learned, target=target.decided(learned.target, self.sample, said))

    def as_given(self, values: np.ndarray) -> np.ndarray:
        """Return a value per row of the X that `fit` received, NaN for rows of weight 0."""
        if len(values) == self.sample.n_rows:
            return values  # Every row has a weight.
        out = np.full((self.sample.n_rows, *values.shape[1:]), np.nan, dtype=values.dtype)
        out[self.sample.kept] = values
        return out


@dataclass(frozen=True)
class Prepared:
    """A fit whose training can begin.

    Attributes
    ----------
    loss : Loss
    nets : list of LossNet
        One per member.
    data : list of TrainingSet
        One per member.
    learned : Learned
    held_out : HeldOut or None
        The folds that members hold out, None where they hold out none.
    calibration : HeldOut or None
        The rows by which quantiles are corrected, None where they are not, or where there are none.
    """

    loss: Loss
    nets: list[LossNet]
    data: list[TrainingSet]
    learned: Learned
    held_out: HeldOut | None
    calibration: HeldOut | None = None

    def calibrated(self, target: Target, learned: Learned) -> Learned:
        """Return what was learned, with what the trained members' held-out rows teach."""
        held = self.calibration
        if held is None:
            return learned
        X, device = self.data[0].X, self.data[0].y.device
        source = generator(learned.seeds[0], "calibration")
        share = torch.rand(held.sample.y.shape, generator=source, dtype=torch.float64).numpy()
        parts = []
        for k, rows in held.of_first():
            scaler = TargetScaler.stacked([learned.target_scalers[k]])  # type: ignore[list-item]
            of_rows = X.take(torch.from_numpy(rows).to(device))
            mixture = Mixture.of(self.loss, [self.nets[k]], of_rows, scaler)
            parts.append((rows, scores_of(mixture, held.sample.y[rows], share[rows])))
        rows, scores = (np.concatenate(each) for each in zip(*parts, strict=True))
        weight = held.sample.row_weight[rows] / held.sample.unit
        found = target.calibrated(learned.target, Calibration(scores, weight))
        return replace(learned, target=found)

    def said_of_held_out(self, target: Target) -> np.ndarray:
        """Return what the trained members say of the rows that they have held out."""
        learned, name = self.learned, target.held_out_answer or ""

        def answer(member: int) -> Answer:
            scaler = learned.target_scalers[member]
            own = None if scaler is None else TargetScaler.stacked([scaler])
            return target.answers(self.loss, learned.target, own, 1)[name]

        assert self.held_out is not None
        return self.held_out.said(self.nets, self.data[0], answer)
