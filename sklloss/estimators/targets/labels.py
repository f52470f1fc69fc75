"""Labels of any type as class indices."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ...losses.resolve import get_loss
from ..fit.estimator import NeuralEstimator
from ..fit.prepared import Shelf
from .answers import log_odds


def order_of(y: Any) -> list[Any] | None:
    """Return the categories of a pandas ordered categorical, lowest first; None for anything else."""
    column = y.iloc[:, 0] if getattr(y, "ndim", 1) == 2 and hasattr(y, "iloc") else y
    dtype: Any = getattr(column, "dtype", None)
    if type(getattr(dtype, "categories", None)).__name__ == "IntervalIndex":
        raise ValueError(
            "y is a categorical of intervals, which are no labels; give pd.cut and pd.qcut labels=, for example labels=False for ranks."
        )
    return list(dtype.categories) if getattr(dtype, "ordered", False) else None


def check_order(order: list[Any], class_order: list[Any]) -> None:
    """Refuse another order of the classes than that of the first call."""
    known = [label for label in order if label in class_order]
    learnt = [label for label in class_order if label in order]
    if known != learnt:
        raise ValueError(
            f"y is a categorical in the order {known}, and this estimator was trained with the order {learnt}. Give the same order, or"
            " fit anew with warm_start=False."
        )


def places(labels: list[Any], given_order: list[Any] | None) -> list[int]:
    """Return where the labels stand from lowest to highest: in a given order, else in their own."""
    if not given_order:
        return list(range(len(labels)))
    missing = [label for label in labels if label not in given_order]
    if missing:
        raise ValueError(
            f"The categories {given_order} give no place to the class {missing[0]!r}. Give all classes as one ordered categorical."
        )
    return [labels.index(label) for label in given_order if label in labels]


def decided(scores: Tensor) -> Tensor:
    """Return the class indices that scores (..., n_classes, or 1 for two) choose: their argmax, or the sign."""
    return (scores[..., 0] > 0).long() if scores.shape[-1] == 1 else scores.argmax(-1)


class LabelledEstimator(NeuralEstimator):
    """An estimator whose y holds labels, which it turns into class indices and back."""

    _is_multi_label: bool
    classes_: np.ndarray
    class_order_: np.ndarray
    _classes_given: bool = False
    _order_of_classes: list[Any] | None = None

    def _validated(self, X: Any, y: Any, first: bool, shelf: Shelf) -> tuple[Any, np.ndarray]:
        order = order_of(y)
        if first:
            self._given_order = self._order_of_classes or order
        elif order is not None and self.loss_.ordinal:
            check_order(order, self.class_order_.tolist())
        y = y.toarray() if sparse.issparse(y) else y
        return super()._validated(X, y, first, shelf)

    def _encode(self, y: np.ndarray, first: bool) -> np.ndarray:
        check_classification_targets(y)
        if type_of_target(y) == "multilabel-indicator":
            return self._encode_labels(y, first)
        if y.ndim == 2 and y.shape[1] > 1:
            raise ValueError(
                f"y has {y.shape[1]} columns of several classes each; NeuralClassifier takes one column of classes or a matrix of 0 and"
                " 1. Wrap it in MultiOutputClassifier."
            )
        y = column_or_1d(y, warn=True)
        if not first and self._is_multi_label:
            raise ValueError(
                f"y has one column, and this estimator was trained with {len(self.classes_)} labels. Give the same labels, or fit anew with"
                " warm_start=False."
            )
        if first and not self._classes_given:
            self.classes_, self._is_multi_label = np.unique(y), False
        if first:
            self._rank_classes()
        if len(self.classes_) < 2:
            raise ValueError(
                f"NeuralClassifier needs at least two classes; y has one class only, {self.classes_.tolist()[0]!r}, in all {len(y)} rows."
                " Give rows of another class."
            )
        return self._rank[self._indices(y)][:, None]

    def _rank_classes(self) -> None:
        """Put the classes into the order that an ordinal loss takes: that of a pandas ordered categorical, else sorted."""
        is_ordinal = getattr(get_loss(self.loss, task=self._task), "ordinal", False)
        order = places(self.classes_.tolist(), self._given_order if is_ordinal else None)
        self.class_order_ = self.classes_[order]
        self._rank = np.argsort(order)

    def _encode_labels(self, y: np.ndarray, first: bool) -> np.ndarray:
        if first:
            self.classes_, self._is_multi_label = np.arange(y.shape[1]), True
        elif not self._is_multi_label or len(self.classes_) != y.shape[1]:
            raise ValueError(
                f"y has {y.shape[1]} labels, and this estimator was trained on other ones. Give the same labels, or fit anew"
                " with warm_start=False."
            )
        if not np.isin(y, (0, 1)).all():
            raise ValueError(
                f"multi-label y needs 0 and 1; it has the values {np.unique(y).tolist()}. Encode it with MultiLabelBinarizer, or as (y > 0)."
            )
        return y.astype(np.int64)

    def _indices(self, y: np.ndarray) -> np.ndarray:
        position = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        unknown = self.classes_[position] != y
        if unknown.any():
            raise ValueError(
                f"y has labels that are not in `classes_`, {self.classes_.tolist()}: {unknown.sum()} of {y.size}, for example"
                f" {y[unknown].tolist()[0]!r}. Name all classes in the first partial_fit, or fit anew with warm_start=False."
            )
        return position

    def _take_classes(self, classes: Any) -> None:
        if hasattr(self, "net_"):
            if classes is not None and not np.array_equal(np.unique(classes), self.classes_):
                raise ValueError(
                    f"`classes={list(classes)!r}` is not the same as on the first call of partial_fit, {self.classes_.tolist()}."
                )
            return
        self._classes_given, self._order_of_classes = classes is not None, None
        if classes is not None:
            self._order_of_classes = order_of(classes)
            self.classes_, self._is_multi_label = np.unique(classes), False

    @property
    def _n_classes(self) -> int:
        return 2 if self._multi_label else len(self.classes_)

    @property
    def _multi_label(self) -> bool:
        return self._is_multi_label

    # ------------------------------------------------------------------ decisions

    def _decided(self, X: Any) -> Tensor:
        """Return class indices, (n_samples, n_targets): the sign or the argmax of the scores."""
        check_is_fitted(self, "net_")
        if len(self.members_) == 1:
            return self._averaged(X, self.loss_.predict)
        return decided(self._scores(X))

    def _scores(self, X: Any) -> Tensor:
        """Return the scores that decide, (n_samples, n_targets, n_classes or 1).

        Those of several members are the log odds of their mean probability, where that decides, else the mean of their scores.
        """
        check_is_fitted(self, "net_")
        if self._decides_by_mean_posterior:
            return log_odds(self._averaged(X, self.loss_.predict_proba))
        return self._averaged(X, self.loss_.decision_function)

    @property
    def _decides_by_mean_posterior(self) -> bool:
        has_posterior = hasattr(self.loss_, "predict_proba") and self.loss_.decides_by_posterior
        return len(self.members_) > 1 and has_posterior
