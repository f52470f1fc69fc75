"""What one task of several makes of its column of y, and of its part of what the network puts out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils.multiclass import check_classification_targets
from torch import Tensor

from ...losses.base import ClassificationLoss, Loss, RegressionLoss, State
from ...losses.tasks.joint import JointLoss
from ...training import TargetScaler
from ..targets.answers import Reading, classification_readings, log_odds, regression_readings
from ..targets.labels import check_order, decided, places
from .target_table import Column

Said = Callable[
    [Tensor, State], Tensor
]  # (1, n, 1, n_outputs) and state to (1, n, any), which may be averaged over members

AS_TEXT = "Make them text, for example with .astype(str)."


@dataclass(frozen=True)
class NumberHead:
    """A task of numbers.

    Attributes
    ----------
    loss : RegressionLoss
    """

    loss: RegressionLoss
    n_classes: None = None

    def encode(self, column: Column) -> np.ndarray:
        """Return float64 numbers, (n_samples,), NaN where one is missing.

        Raises
        ------
        ValueError
            If a label is no finite number, or outside the domain of the loss.
        """
        found = np.full(len(column.values), np.nan)
        found[column.known] = numbers = self._numbers(column.labels)
        infinite = np.flatnonzero(np.isinf(found))
        if len(infinite):
            raise ValueError(
                f"Input y contains infinity or a value too large for float64, in row {infinite[0]}. Clip it, or leave it out (NaN)."
            )
        self.loss.check_y(numbers)
        return found

    def _numbers(self, labels: np.ndarray) -> np.ndarray:
        text = [label for label in labels.tolist() if isinstance(label, str)]
        if text:
            raise ValueError(
                f"loss {self.loss.label!r} takes numbers, and {len(text)} of {len(labels)} labels are text, for example {text[0]!r}."
                " Choose a loss for classification, such as 'cross_entropy'."
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
                f"loss {self.loss.label!r} takes numbers; {error}. Convert the column, or choose a loss for classification."
            ) from error

    @property
    def said(self) -> Said:
        """The point that the loss elicits, in float64."""
        return lambda raw, state: self.loss.predict(raw, state).double()

    def decoded(self, mean: Tensor) -> np.ndarray:
        """Return the prediction on the scale of the network."""
        return mean[:, 0].numpy()

    def readings(self, scaler: TargetScaler) -> dict[str, Reading]:
        """Return what a module of this task can put out; `scaler` has its scale alone."""
        found = regression_readings(self.loss, scaler, y_is_column=True)
        return {"auto": found["predict"], **found}

    def score(self, labels: np.ndarray, predicted: np.ndarray, sample_weight: Any) -> float:
        """Return R²."""
        return float(r2_score(self._numbers(labels), predicted, sample_weight=sample_weight))


@dataclass(frozen=True, eq=False)
class LabelHead:
    """A task of labels of any type.

    Attributes
    ----------
    loss : ClassificationLoss
    classes : ndarray of shape (n_classes,)
        Sorted.
    class_order : ndarray of shape (n_classes,)
        From lowest to highest, as an ordinal loss ranks them.
    n_members : int
    """

    loss: Any
    classes: np.ndarray
    class_order: np.ndarray
    n_members: int

    @classmethod
    def learn(
        cls, loss: ClassificationLoss, column: Column, classes: Any, n_members: int
    ) -> LabelHead:
        """Learn the labels of a column, or take those that are given.

        Raises
        ------
        ValueError
            If there is one class only, or more than the loss takes, or labels are numbers without classes.
        """
        found = np.unique(one_kind(column.labels if classes is None else classes))
        if len(found) < 2:
            raise ValueError(
                f"loss {loss.label!r} needs at least two classes; y has one class only, {found.tolist()[0]!r}, in all"
                f" {column.known.sum()} labels. Give rows of another class, or leave the task out."
            )
        if len(found) > 2 and not loss.multi_class:
            raise ValueError(
                f"loss {loss.label!r} takes two classes; y has {len(found)}. Choose another, such as 'cross_entropy'."
            )
        order = places(found.tolist(), column.order if loss.ordinal else None)
        return cls(loss, found, found[order], n_members)

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.classes)

    def encode(self, column: Column) -> np.ndarray:
        """Return class indices as float64, (n_samples,), NaN where a label is missing.

        Raises
        ------
        ValueError
            If a label is not among the classes, or the column has another order of them.
        """
        if column.order is not None and self.loss.ordinal:
            check_order(column.order, self.class_order.tolist())
        index_of = {label: k for k, label in enumerate(self.class_order.tolist())}
        labels = column.labels.tolist()
        unknown = [label for label in labels if label not in index_of]
        if unknown:
            raise ValueError(
                f"{len(unknown)} of {len(labels)} labels are not among the classes {self.classes.tolist()}, for example {unknown[0]!r}."
                " Name all classes in the first partial_fit, or fit anew with warm_start=False."
            )
        found = np.full(len(column.values), np.nan)
        found[column.known] = [index_of[label] for label in labels]
        return found

    @property
    def _decides_by_posterior(self) -> bool:
        has_posterior = hasattr(self.loss, "predict_proba") and self.loss.decides_by_posterior
        return self.n_members > 1 and has_posterior

    @property
    def said(self) -> Said:
        """The class index; of several members their probabilities where these decide, else their scores."""
        if self.n_members == 1:
            return lambda raw, state: self.loss.predict(raw, state).double()
        method = (
            self.loss.predict_proba if self._decides_by_posterior else self.loss.decision_function
        )
        return lambda raw, state: method(raw, state)[:, :, 0].double()

    def decoded(self, mean: Tensor) -> np.ndarray:
        """Return labels."""
        if self.n_members == 1:
            return self.class_order[mean[:, 0].long().numpy()]
        scores = log_odds(mean) if self._decides_by_posterior else mean
        return self.class_order[decided(scores).numpy()]

    def probabilities(self, raw: Tensor, state: State) -> Tensor:
        """Return the class probabilities, (1, n_samples, n_classes), columns in the order of `classes`."""
        return self.loss.predict_proba(raw, state)[:, :, 0, self._rank.tolist()]

    @property
    def _rank(self) -> np.ndarray:
        """The rank of each of `classes`."""
        order = self.class_order.tolist()
        return np.array([order.index(label) for label in self.classes.tolist()])

    def readings(self, scaler: TargetScaler) -> dict[str, Reading]:
        """Return what a module of this task can put out."""
        by_mean = self._decides_by_posterior
        return classification_readings(self.loss, self._rank, False, by_mean_posterior=by_mean)

    def score(self, labels: np.ndarray, predicted: np.ndarray, sample_weight: Any) -> float:
        """Return the accuracy."""
        is_right = labels.astype(object) == predicted.astype(object)
        return float(np.average(is_right, weights=sample_weight))


Head = NumberHead | LabelHead


@dataclass(frozen=True)
class HeadOf:
    """What one task says, read from the raw output and the state of all.

    Attributes
    ----------
    loss : JointLoss
    position : int
        Of the task.
    said : callable
        From the task's own raw output and state.
    """

    loss: JointLoss
    position: int
    said: Said

    def __call__(self, raw: Tensor, state: State) -> Tensor:
        """Return what the task says."""
        own = self.loss.of_task(state, self.loss.names[self.position])
        return self.said(self.loss.heads(raw, state)[self.position], own)


def learn_head(loss: Loss, column: Column, classes: Any, n_members: int) -> Head:
    """Return the head of a task, its classes learnt.

    Raises
    ------
    ValueError
        If no row has a label, or the labels do not suit the loss.
    """
    if not column.known.any():
        raise ValueError(
            f"all {len(column.known)} labels are missing: y contains NaN only, so that there is nothing to learn. Leave the"
            " column out of y, and its loss with it."
        )
    if isinstance(loss, ClassificationLoss):
        return LabelHead.learn(loss, column, classes, n_members)
    return NumberHead(loss)  # type: ignore[arg-type]


def one_kind(labels: np.ndarray) -> np.ndarray:
    """Return labels as an array of their own type; refuse text beside numbers, and what is no label."""
    _refuse_other_types(labels)
    kinds = {isinstance(label, str) for label in labels.tolist()}
    if len(kinds) > 1:
        raise ValueError("labels are text in some rows and numbers in others. Make them all text.")
    found = np.array(labels.tolist())
    try:
        check_classification_targets(found)
    except ValueError as error:
        raise ValueError(
            f"{error} Labels are whole numbers or text; for numbers choose a loss for regression, such as 'squared_error' or"
            " HistogramCrossEntropy()."
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
            f"labels are whole numbers, booleans or text; {len(odd)} of {len(labels)} are of another type, for example {odd[0]!r} of"
            f" type {type(odd[0]).__name__}. {AS_TEXT}"
        )
    infinite = sum(label in (np.inf, -np.inf) for label in labels.tolist())
    if infinite:
        raise ValueError(
            f"labels contain infinity, {infinite} of {len(labels)}. Remove these labels, or choose a loss for regression."
        )
