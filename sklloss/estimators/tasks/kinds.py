"""What one task of several is, numbers or labels: its column of y, its answers and its score."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils.multiclass import check_classification_targets

from ...losses.base import ClassificationLoss, RegressionLoss
from ...training import TargetScaler
from ..targets.answers import Answer
from ..targets.labels import Labels, LearnedLabels, check_order
from ..targets.numbers import LearnedNumbers, Numbers
from .target_table import Column

AS_TEXT = "Make them text, for example with .astype(str)."


@dataclass(frozen=True)
class NumberTask:
    """A task of numbers.

    Attributes
    ----------
    loss : RegressionLoss
    learned : LearnedNumbers
    """

    loss: RegressionLoss
    learned: LearnedNumbers

    @classmethod
    def learn(cls, loss: Any, column: Column, named: np.ndarray | None) -> NumberTask:
        """Return the task; raise a ValueError if classes are named."""
        if named is not None:
            raise ValueError(
                f"classes has labels, {named.tolist()}, and loss {loss.label!r} takes numbers."
                " Leave the task out of classes, or choose a loss for classification."
            )
        return cls(loss, LearnedNumbers(n_targets=1, is_column=True))

    def encode(self, column: Column) -> np.ndarray:
        """Return the labels as float64 numbers, (n_labels,).

        Raises
        ------
        ValueError
            If a label is no finite number, or outside the domain of the loss.
        """
        numbers = self._numbers(column.labels)
        infinite = np.isinf(numbers)
        if infinite.any():
            raise ValueError(
                "Input y contains infinity or a value too large for float64, in row"
                f" {np.flatnonzero(column.known)[infinite][0]}. Clip it, or leave it out (NaN)."
            )
        self.loss.check_y(numbers)
        return numbers

    def _numbers(self, labels: np.ndarray) -> np.ndarray:
        text = [label for label in labels.tolist() if isinstance(label, str)]
        if text:
            raise ValueError(
                f"loss {self.loss.label!r} takes numbers, and {len(text)} of {len(labels)} labels"
                f" are text, for example {text[0]!r}. Choose a loss for classification, such as"
                " 'cross_entropy'."
            )
        try:
            if labels.dtype.kind in "mM":
                raise TypeError(f"y has the dtype {labels.dtype}")
            numbers = np.array(labels.tolist(), dtype=np.float64)
            if numbers.ndim > 1:
                raise TypeError("its labels are lists or arrays")
            return numbers
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                f"loss {self.loss.label!r} takes numbers; {error}. Convert the column, or choose a"
                " loss for classification."
            ) from error

    def answers(self, scaler: TargetScaler, n_members: int) -> dict[str, Answer]:
        """Return what a regressor of this task alone can say; `scaler` has its scale alone."""
        found = Numbers().answers(self.loss, self.learned, scaler, n_members)
        return {"auto": found["predict"], **found}

    def score(self, labels: np.ndarray, predicted: np.ndarray, sample_weight: Any) -> float:
        """Return R²."""
        return float(r2_score(self._numbers(labels), predicted, sample_weight=sample_weight))


@dataclass(frozen=True)
class LabelTask:
    """A task of labels of any type.

    Attributes
    ----------
    loss : ClassificationLoss
    learned : LearnedLabels
    """

    loss: ClassificationLoss
    learned: LearnedLabels

    @classmethod
    def learn(cls, loss: Any, column: Column, named: np.ndarray | None) -> LabelTask:
        """Learn the labels of a column, or take those that are named.

        Raises
        ------
        ValueError
            If there is one class only, or more than the loss takes, or labels are numbers without
            classes.
        """
        found = np.unique(one_kind(column.labels if named is None else named))
        if len(found) < 2:
            raise ValueError(
                f"loss {loss.label!r} needs at least two classes; y has one class only,"
                f" {found.tolist()[0]!r}, in all {column.known.sum()} labels. Give rows of another"
                " class, or leave the task out."
            )
        if len(found) > 2 and not loss.multi_class:
            raise ValueError(
                f"loss {loss.label!r} takes two classes; y has {len(found)}. Choose another, such"
                " as 'cross_entropy'."
            )
        return cls(loss, LearnedLabels.of(found, column.order if loss.ordinal else None))

    def encode(self, column: Column) -> np.ndarray:
        """Return the class indices of the labels, (n_labels,).

        Raises
        ------
        ValueError
            If a label is not among the classes, or the column has another order of them.
        """
        if column.order is not None and self.loss.ordinal:
            check_order(column.order, self.learned.order.tolist())
        labels = column.labels
        return self.learned.indices(one_kind(labels)) if len(labels) else np.empty(0)

    def answers(self, scaler: TargetScaler, n_members: int) -> dict[str, Answer]:
        """Return what a classifier of this task alone can say."""
        return Labels().answers(self.loss, self.learned, scaler, n_members)

    def score(self, labels: np.ndarray, predicted: np.ndarray, sample_weight: Any) -> float:
        """Return the accuracy."""
        is_right = labels.astype(object) == predicted.astype(object)
        return float(np.average(is_right, weights=sample_weight))


OneTask = NumberTask | LabelTask


def one_kind(labels: np.ndarray) -> np.ndarray:
    """Return labels as an array of their own type.

    Raises
    ------
    ValueError
        If there is text beside numbers, or something that is no label.
    """
    _refuse_other_types(labels)
    if len({isinstance(label, str) for label in labels.tolist()}) > 1:
        raise ValueError("labels are text in some rows and numbers in others. Make them all text.")
    found = np.array(labels.tolist())
    try:
        with np.errstate(invalid="ignore"):  # floats beyond all whole numbers
            check_classification_targets(found)
    except ValueError as error:
        raise ValueError(
            f"{error} Labels are whole numbers or text; for numbers choose a loss for regression,"
            " such as 'squared_error' or HistogramCrossEntropy()."
        ) from error
    return found


def _refuse_other_types(labels: np.ndarray) -> None:
    """Refuse dates, lists and other labels that are neither text nor finite numbers."""
    if labels.dtype.kind in "biuU":
        return
    if labels.dtype.kind in "mM":
        raise ValueError(f"labels have the dtype {labels.dtype}. {AS_TEXT}")
    odd = [label for label in labels.tolist() if not isinstance(label, str | Real)]
    if odd:
        raise ValueError(
            f"labels are whole numbers, booleans or text; {len(odd)} of {len(labels)} are of"
            f" another type, for example {odd[0]!r} of type {type(odd[0]).__name__}. {AS_TEXT}"
        )
    infinite = sum(label in (np.inf, -np.inf) for label in labels.tolist())
    if infinite:
        raise ValueError(
            f"labels contain infinity, {infinite} of {len(labels)}. Remove these labels, or choose"
            " a loss for regression."
        )
