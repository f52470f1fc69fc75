"""Which rows are alike: those of one label, or the pairs that are marked so."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length
from torch import Tensor, nn

from ...parameters.memory import NUMBER, check_memory
from ...parameters.refusals import refuse_rows
from ..inputs.columns import check_names
from ..inputs.data import FitData
from ..inputs.missing import check_labels, check_plain
from ..inputs.sample import Sample
from ..targets.answers import RAW, Answer
from ..targets.base import Encoded, Head, LearnedTarget, Start, Target

ALIKE_OR_NOT = "With pairs=True y needs 1 for alike pairs and 0 for others, or 1 and -1"


@dataclass(frozen=True)
class Likeness(Target):
    """Rows of one label are alike; of given pairs, those whose y is 1.

    Attributes
    ----------
    n_components : int
        Width of the vectors.
    pairs : bool
        Whether y says of pairs whether they are alike, instead of giving rows their labels.
    """

    # Vectors that are all alike have no direction to go.
    starts_constant: ClassVar[bool] = False

    n_components: int
    pairs: bool

    # ------------------------------------------------------------------ what is given

    def y_options(self, data: FitData) -> dict[str, Any]:
        """Labels of any type, none missing; of pairs nothing, since `rows` checks them."""
        if self.pairs:
            return {}
        check_labels(data.y)
        return {"y": data.y, "multi_output": True, "y_numeric": False}

    def rows(self, y: Any, X: Any) -> Any:
        """Return labels, or whether pairs are alike."""
        return is_alike(y, len(X)) if self.pairs else y

    def encode(
        self, y: Any, data: FitData, loss: Any, shape: tuple[int, ...], before: Any
    ) -> Encoded:
        """Return class indices, (n_samples, 1); of pairs (n_pairs, 2), equal where alike."""
        if self.pairs:
            index = np.column_stack((~y, np.zeros_like(y))).astype(np.int64)
            return Encoded(index, LearnedTarget())
        classes, index = np.unique(checked_labels(y), return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                "MetricEmbedder needs at least two classes; y has one class only,"
                f" {classes.tolist()[0]!r}, in all {len(y)} rows. Give rows of another class."
            )
        return Encoded(index[:, None], LearnedTarget())

    # ------------------------------------------------------------------ what suits

    def check_suits(self, loss: Any, sample: Sample, learned: Any, network: Any) -> None:
        """Raise if there is nothing alike, or nothing else where the loss needs it."""
        check_has_alike(loss, sample.y)

    def stratifies(self, learned: Any) -> bool:
        """True: validation rows are drawn from every class alike."""
        return True

    def check_split(self, loss: Any, sample: Sample, learned: Any, train: Any, valid: Any) -> None:
        """Raise if training or validation rows lack what `check_suits` asks for."""
        check_has_alike(loss, sample.y[train], "training ")
        check_has_alike(loss, sample.y[valid], "validation ")

    # ------------------------------------------------------------------ what is trained on

    def start(
        self,
        loss: Any,
        sample: Sample,
        targets: Tensor,
        learned: Any,
        dtype: torch.dtype,
        weighted: bool,
    ) -> Start:
        """Return where training starts; the best constant is one point of `n_components`."""
        what = f"Vectors of n_components={self.n_components} numbers"
        check_memory(NUMBER * self.n_components, what, "Choose a smaller n_components.")
        start = super().start(loss, sample, targets, learned, dtype, weighted)
        return start._replace(baseline=start.baseline.expand(1, self.n_components))

    # ------------------------------------------------------------------ networks

    def widths(self, loss: Any) -> Hashable:
        """Return the width of the vectors, whatever the loss."""
        return self.n_components

    def head(self, start: Start, learned: Any, is_built_in: bool) -> Head:
        """Return a vector per row."""
        width = self.n_components
        return Head(width, (width,), f"n_components={width}")

    def raw_shape(self, learned: Any) -> tuple[int, int]:
        """Return how raw output is read: one vector per row, two per pair."""
        return -1, self.n_components

    # ------------------------------------------------------------------ answers

    def answers(self, loss: Any, learned: Any, scaler: Any, n_members: int) -> dict[str, Answer]:
        """Return unit vectors, and raw output."""
        return {"transform": Answer(loss.predict, SideBySide()), "raw": RAW}

    def tag(self, tags: Any, loss: Any) -> None:
        """Required; vectors have the dtype of the network."""
        tags.target_tags.required = True
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = []


class SideBySide(nn.Module):
    """Unit vectors of members as one of length 1, whose cosines are the means of theirs.

    From (members, n_samples, 1, n_components) to (n_samples, members * n_components).
    """

    def forward(self, vectors: Tensor) -> Tensor:
        """Put vectors side by side, divided by the root of their number."""
        return torch.cat(list(vectors / len(vectors) ** 0.5), -1)[:, 0]


# ---------------------------------------------------------------------- labels of rows


def checked_labels(y: Any) -> np.ndarray:
    """Return labels of any type, (n_samples,)."""
    check_names(y, "y")
    labels = column_or_1d(y, warn=True)
    with np.errstate(invalid="ignore"):  # floats beyond all whole numbers
        kind = type_of_target(labels, input_name="y", raise_unknown=True)
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            f"Unknown label type: {kind}. y needs one label per row, and rows of one label are"
            " alike; for numbers give bins, for example np.digitize(y, edges)."
        )
    return labels


def check_has_alike(loss: Any, y: np.ndarray, which: str = "") -> None:
    """Raise if no rows or pairs are alike, or all are and the loss needs others.

    Parameters
    ----------
    loss : EmbeddingLoss
    y : ndarray of shape (n_samples, 1) or (n_pairs, 2)
    which : str, default=""
        What precedes "rows" or "pairs" in messages.
    """
    if y.shape[1] == 1:
        noun, remedy = f"{which}rows", ", each has a class of its own. Give classes of several rows"
        counts = np.unique(y, return_counts=True)[1]
        has_alike, has_unlike = counts.max() > 1, len(counts) > 1
    else:
        noun, remedy = f"{which}pairs", ". Give some with y = 1"
        alike = y[:, 0] == y[:, 1]
        has_alike, has_unlike = alike.any(), not (alike.all() and loss.needs_unlike_pairs)
    if not has_alike:
        raise ValueError(
            f"MetricEmbedder needs {noun} that are alike; of the {len(y)} {noun} none are{remedy}."
        )
    if not has_unlike:
        raise ValueError(
            f"Loss {loss.label!r} needs {noun} that are not alike, too: with all {len(y)} {noun}"
            " alike, one point for everything is its best. Give others, or, with pairs, choose"
            " loss='infonce', which compares each pair with the others of its batch."
        )


# ---------------------------------------------------------------------- labels of pairs


def is_alike(y: Any, n_pairs: int) -> np.ndarray:
    """Return whether each pair is alike, from labels 1 and 0, 1 and -1, or True and False.

    Returns
    -------
    ndarray of bool, shape (n_pairs,)

    Raises
    ------
    ValueError
        If `y` is missing, has another shape, another length or other labels.
    """
    if y is None:
        raise ValueError(
            "MetricEmbedder requires y to be passed, but the target y is None. Give 1 for each"
            " alike pair and 0 or -1 for each other."
        )
    check_plain(y, "y")
    labels = np.asarray(y, dtype=None if hasattr(y, "__array__") else object)
    if labels.ndim != 1:
        raise ValueError(
            "With pairs=True y needs one label per pair, shape (n_pairs,); got"
            f" {labels.shape}. Give y.ravel(), or 1 where both sides have one class:"
            " (class_of_left == class_of_right)."
        )
    check_consistent_length(np.empty(n_pairs), labels)
    # NaN, which no pair may have, where labels are no numbers.
    numbers = np.full(len(labels), np.nan)
    if labels.dtype.kind != "c":
        with suppress(TypeError, ValueError):
            numbers = labels.astype(np.float64)
    one_or_zero, one_or_minus_one = np.isin(numbers, (0, 1)), np.isin(numbers, (-1, 1))
    refuse_rows(
        ~(one_or_zero | one_or_minus_one),
        ALIKE_OR_NOT,
        "have neither",
        "From classes make (class_of_left == class_of_right).",
        noun="pair",
        example=labels.tolist().__getitem__,
    )
    if not (one_or_zero.all() or one_or_minus_one.all()):
        raise ValueError(f"{ALIKE_OR_NOT}; it has both 0 and -1. Give one of them.")
    return numbers == 1
