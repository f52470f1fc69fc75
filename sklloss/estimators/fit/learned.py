"""What a fit learns beside the weights of its networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from ...training import Encoding, TargetScaler


@dataclass(frozen=True)
class Learned:
    """What a fit learns: a fitted estimator is its parameters, these values and its nets.

    Attributes
    ----------
    inputs : LearnedInputs
    target : LearnedTarget
    input_scaler : Encoding
    target_scaler : TargetScaler or None
        None where targets are class indices.
    dtype : {"float32", "float64"}
    seeds : tuple of int
        One per member.
    fixed : Mapping
        Parameters that cannot change while training goes on, as they were.
    """

    inputs: Any
    target: Any
    input_scaler: Encoding
    target_scaler: TargetScaler | None
    dtype: str
    seeds: tuple[int, ...]
    fixed: Mapping[str, Any]

    @property
    def row_inputs(self) -> Any:
        """What was learned of X, its shape that of the rows that the network takes."""
        return replace(self.inputs, shape=self.input_scaler.row_shape(self.inputs.shape))

    @property
    def torch_dtype(self) -> torch.dtype:
        """The precision of training."""
        return getattr(torch, self.dtype)

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes of the estimator that say what was learned of X and y."""
        found = {**self.inputs.attributes(), **self.target.attributes()}
        return {name: value for name, value in found.items() if value is not None}
