"""Pairs of rows, and rows that may be mistaken for pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import sparse
from sklearn.utils import InputTags
from torch import Tensor, nn

from ...modules import check_widths
from ...modules.embedding.siamese import Siamese
from ...training import Encoding
from ..inputs.base import Inputs
from ..inputs.data import Checked, FitData
from ..inputs.sample import Sample
from ..inputs.tables import Table

HOW = "Give np.stack([left, right], axis=1)"


@dataclass(frozen=True)
class SingleRows(Table):
    """Rows of numbers, ``(n_samples, n_features)``, of an estimator that could also take pairs."""

    def opened(self, X: Any) -> Any:
        """Refuse more axes; where there are two rows side by side, say how to give pairs."""
        shape = tuple(getattr(X, "shape", ()))
        if len(shape) == 3 and shape[1] == 2:
            raise ValueError(
                "Found array with dim 3, while dim <= 2 is required: X has the shape"
                f" {shape}. If its rows are pairs, set pairs=True; transform takes single rows."
            )
        return super().opened(X)


@dataclass(frozen=True, kw_only=True)
class Pairs(Inputs):
    """Pairs of rows, ``(n_pairs, 2, ...)``; of a fitted estimator, single rows.

    Attributes
    ----------
    rows : Inputs
        What the two sides of a pair may be.
    """

    rows: Inputs
    stacks: ClassVar[bool] = False

    def encodes(self) -> bool:
        """Return whether the columns of the rows on both sides are."""
        return self.rows.encodes()

    def tag(self, tags: InputTags) -> None:
        """One more axis than the rows."""
        self.rows.tag(tags)
        tags.three_d_array = True

    # ------------------------------------------------------------------ what is given

    def opened(self, X: Any) -> np.ndarray:
        """Return pairs as one array, (n_pairs, 2, ...).

        Raises
        ------
        TypeError
            If X is sparse.
        ValueError
            If a row of X is no pair of two rows of one shape.
        """
        if sparse.issparse(X):
            raise TypeError(
                "With pairs=True X is a dense array of shape (n_pairs, 2, ...), and it is sparse."
                f" {HOW}, both sides dense."
            )
        if not hasattr(X, "__array__") and not isinstance(X, list | tuple):
            raise TypeError(
                f"With pairs=True X is an array of shape (n_pairs, 2, ...); got {X!r} of type"
                f" {type(X).__name__}. {HOW}."
            )
        pairs = np.asarray(X) if hasattr(X, "__array__") else _array_of(X)
        is_table = pairs.ndim < 3
        if is_table or pairs.shape[1] != 2:
            hint = f" As columns side by side they would be {pairs.ndim} axes." if is_table else ""
            raise ValueError(
                "With pairs=True X needs the shape (n_pairs, 2, ...): two rows side by side; got"
                f" {pairs.shape}.{hint} {HOW}, or set pairs=False for rows and their labels."
            )
        return pairs

    def facts(self, X: Any) -> dict[str, Any]:
        """Return the facts of the rows on both sides."""
        return self.rows.facts(sides(X))

    def checked(
        self,
        owner: Any,
        data: FitData,
        y_options: Mapping[str, Any] | None = None,
        learned: Any = None,
    ) -> Checked:
        """Check the rows on both sides, and leave y to the target."""
        of_rows = FitData(self.rows.opened(sides(data.X)))
        found = self.rows.checked(owner, of_rows, learned=learned)
        pairs = found.X.reshape(len(data.X), 2, *found.X.shape[1:])
        return Checked(pairs, data.y, found.learned)

    def check_continued(self, X: Any, checked: Checked, learned: Any, scaler: Encoding) -> None:
        """Warn of what the rows on both sides have."""
        of_rows = checked._replace(X=sides(checked.X))
        self.rows.check_continued(self.rows.opened(sides(X)), of_rows, learned, scaler)

    # ------------------------------------------------------------------ rows of the engine

    def scaler(self, sample: Sample, learned: Any, scales: bool) -> Encoding:
        """Return what standardises the rows on both sides, each with the weight of its pair."""
        X, weight = sides(sample.X), np.repeat(sample.sample_weight, 2)
        of_rows = replace(sample, X=X, sample_weight=weight, row_weight=weight)
        return self.rows.scaler(of_rows, learned, scales)

    def prediction_rows(
        self, owner: Any, X: Any, learned: Any, scaler: Encoding, dtype: torch.dtype
    ) -> Any:
        """Return single rows, checked and on the scale that the network takes; refuse pairs."""
        shape = tuple(getattr(X, "shape", ()))
        if shape[1:] == (2, *learned.shape):
            raise ValueError(
                f"X has pairs, its shape is {shape}; transform takes rows. Give one side at a"
                " time: X[:, 0], then X[:, 1]."
            )
        return self.rows.prediction_rows(owner, X, learned, scaler, dtype)

    # ------------------------------------------------------------------ networks

    def wrapped(self, network: nn.Module, learned: Any) -> nn.Module:
        """Return the network that sees both sides."""
        return Siamese(network, len(learned.shape))

    def check_network(
        self, module: nn.Module, few: Tensor, allowed: tuple[int, ...], why: str
    ) -> None:
        """Check what the network for single rows returns."""
        network: Any = module.network
        check_widths(network, few.flatten(0, 1), allowed, why)


def _array_of(X: Any) -> np.ndarray:
    """Return a list of pairs as an array; name the one that does not fit."""
    shapes: list[tuple[int, ...]] = []
    for pair in X:
        try:
            shapes.append(np.shape(pair))
        except ValueError:
            raise ValueError(
                f"X has sides of unequal length in pair {len(shapes)}. Both sides need the same"
                f" features. {HOW}."
            ) from None
    differs = [shape != shapes[0] for shape in shapes]
    if any(differs):
        odd = differs.index(True)
        raise ValueError(
            f"X has pairs of unequal shape: pair {odd} has {shapes[odd]}, pair 0 {shapes[0]}"
            f" ({sum(differs)} of {len(shapes)} differ). Both sides of all pairs need the same"
            f" features. {HOW}."
        )
    return np.array(X)


def sides(pairs: np.ndarray) -> np.ndarray:
    """Return the rows of pairs one below the other, (2 n_pairs, ...): left, right, left, right."""
    return pairs.reshape(2 * len(pairs), *pairs.shape[2:])
