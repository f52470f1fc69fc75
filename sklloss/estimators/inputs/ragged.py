"""Rows that are tables of their own length: utterances of frames, groups of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from ...training import Encoding, RaggedRows
from .base import Inputs
from .sample import Sample


@dataclass(frozen=True)
class RaggedInputs(Inputs):
    """Base of the kinds of X each of whose rows, as the engine has them, is a table.

    Attributes
    ----------
    batch : int
        Tables per step of ``batch_size="auto"``.
    """

    batch: int | None = 32
    merges_repeats: ClassVar[bool] = False
    stacks: ClassVar[bool] = False

    def concatenated(self, X: Any) -> tuple[Any, np.ndarray]:
        """Return the tables of all rows below each other, (n, n_features), and their lengths."""
        raise NotImplementedError

    def weighted_rows(self, sample: Sample) -> tuple[Any, np.ndarray]:
        """Return the rows of all tables, each with the weight of its table."""
        table, lengths = self.concatenated(sample.X)
        return table, np.repeat(sample.sample_weight, lengths)

    def training_rows(
        self, X: Any, scaler: Encoding, dtype: torch.dtype, device: torch.device
    ) -> RaggedRows:
        """Return checked X as scaled tables for the engine."""
        table, lengths = self.concatenated(X)
        scaled = super().training_rows(table, scaler, dtype, device)
        return RaggedRows(scaled, torch.from_numpy(lengths).to(device))
