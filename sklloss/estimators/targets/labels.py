"""Targets that are labels of any type: as class indices and back, and what is decided of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from torch import nn

from ..inputs.data import FitData
from ..inputs.missing import check_labels, missing
from ..inputs.sample import Sample
from ..inputs.weights import check_ratio
from .answers import RAW, Answer
from .base import Encoded, LearnedTarget, Target
from .class_weights import class_weights, without_ignored
from .decisions import best_offsets
from .outputs import ChosenClass, InOrderOfClasses, LogOdds, MeanOverMembers, Nearness


@dataclass(frozen=True)
class LearnedLabels(LearnedTarget):
    """What a fit learns of labels.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted; for multi-label y the indices of the labels.
    rank : ndarray of shape (n_classes,)
        The class index of each of `classes`: its place from lowest to highest.
    is_multi_label : bool
    offsets : ndarray of shape (n_targets, n_classes) or None
        What is subtracted from log-probabilities by rank before the largest decides; None where
        nothing is.
    """

    classes: np.ndarray
    rank: np.ndarray
    is_multi_label: bool = False
    offsets: np.ndarray | None = None

    @classmethod
    def of(cls, classes: np.ndarray, order: list[Any] | None) -> LearnedLabels:
        """Rank classes in the order that an ordinal loss takes: a given one, else sorted."""
        return cls(classes, np.argsort(places(classes.tolist(), order)))

    @property
    def n_classes(self) -> int:
        """How many classes each target has."""
        return 2 if self.is_multi_label else len(self.classes)

    @property
    def multi_label(self) -> bool:
        """Whether each row has any number of labels."""
        return self.is_multi_label

    @property
    def order(self) -> np.ndarray:
        """The classes from lowest to highest."""
        return self.classes[np.argsort(self.rank)]

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes of the estimator."""
        ranked = {} if self.is_multi_label else {"class_order_": self.order}
        return {"classes_": self.classes, **ranked}

    def decoded(self, index: np.ndarray) -> np.ndarray:
        """Return the labels of indices into `classes`; of several labels 0 and 1 as they are."""
        return index if self.is_multi_label else self.classes[index]

    def indices(self, y: np.ndarray) -> np.ndarray:
        """Return the class index of each label.

        Raises
        ------
        ValueError
            If there is a label that is not among the classes.
        """
        try:
            position = np.searchsorted(self.classes, y).clip(max=len(self.classes) - 1)
        except TypeError:  # Text and numbers have no common order.
            position = np.zeros(y.shape, dtype=np.int64)
        unknown = self.classes[position] != y
        if unknown.any():
            raise ValueError(
                f"y has labels that are not in `classes_`, {self.classes.tolist()}:"
                f" {unknown.sum()} of {y.size}, for example {y[unknown].tolist()[0]!r}. Name all"
                " classes in the first call of fit_encoder or partial_fit, or fit again with"
                " warm_start=False."
            )
        return self.rank[position]

    def check_complete(self, y: np.ndarray) -> None:
        """Raise if a class has no rows: a `fit` that goes on has the classes of the first one."""
        if self.is_multi_label:
            return
        counts = np.bincount(y.astype(np.int64).ravel(), minlength=self.n_classes)
        lacking = self.order[counts == 0]
        if len(lacking):
            raise ValueError(
                f"y has no rows of the classes {lacking.tolist()}, which are in `classes_`,"
                f" {self.classes.tolist()}. With warm_start=True the classes of all fits are the"
                " same: give rows of each, go on with partial_fit, which takes some of them, or fit"
                " again with warm_start=False."
            )


class Named(NamedTuple):
    """What is known of classes before labels are looked at.

    Attributes
    ----------
    classes : array-like or None
        Those that the first call of `fit_encoder` or `partial_fit` names.
    order : list or None
        From lowest to highest, of a pandas ordered categorical.
    """

    classes: Any
    order: list[Any] | None


@dataclass(frozen=True)
class Classes(Target):
    """Base of the targets that are labels.

    Attributes
    ----------
    class_weight : dict, "balanced" or None
    """

    class_weight: Any = None

    def opened(self, data: FitData, before: Any) -> FitData:
        """Read the order of a categorical, and make sparse labels dense.

        Raises
        ------
        ValueError
            If classes are named that are no list, or not those of the first call.
        """
        if data.named is not None and np.ndim(data.named) == 0:
            raise ValueError(f"classes needs a list of all classes; got {data.named!r:.80}.")
        if before is not None and data.named is not None:
            check_same_classes(data.named, before.classes)
        if data.named is not None and missing(np.asarray(data.named, dtype=object)).any():
            raise ValueError(
                f"classes names a missing label: {list(data.named)!r}. Leave it out, and rows"
                " without a label too."
            )
        order = order_of(data.y)
        named_order = None if data.named is None else order_of(data.named)
        y = data.y.toarray() if sparse.issparse(data.y) else data.y
        return replace(data, y=y, named=Named(data.named, named_order or order))

    def identity(self, loss: Any) -> tuple[Any, ...]:
        """Return whether the loss ranks classes."""
        return (loss.ordinal,)

    def learned_from(
        self, labels: np.ndarray, data: FitData, loss: Any, before: Any
    ) -> LearnedLabels:
        """Return the classes that are named, else those of some labels; those of an earlier fit."""
        named: Named = data.named
        if before is None:
            classes = np.unique(labels if named.classes is None else named.classes)
            return LearnedLabels.of(classes, named.order if loss.ordinal else None)
        if named.order is not None and loss.ordinal:
            check_order(named.order, before.order.tolist())
        return before

    def scores(
        self,
        loss: Any,
        learned: Any,
        n_members: int,
        shown: nn.Module,
        index: nn.Module,
        rule: nn.Module | None = None,
    ) -> dict[str, Answer]:
        """Return the answers about classes.

        Parameters
        ----------
        loss : ClassificationLoss
        learned : LearnedLabels
        n_members : int
            The mean probability of several members decides where the loss decides by probability.
        shown, index : nn.Module
            From scores or probabilities per rank to what the estimator shows of them, and to the
            index of the class that they choose.
        rule : nn.Module or None, default=None
            From mean probabilities to the scores that decide; None leaves it to the loss.
        """
        combined: tuple[nn.Module, ...] = (MeanOverMembers(),)
        score: Callable[..., Any] = loss.decision_function
        has_posterior = hasattr(loss, "predict_proba")
        if rule is None and n_members > 1 and has_posterior and loss.decides_by_posterior:
            rule = LogOdds()
        if rule is not None:
            score, combined = loss.predict_proba, (MeanOverMembers(), rule)
        decision = Answer(score, nn.Sequential(*combined, shown))
        found = {
            "auto": decision,  # What `to_module` returns if nothing is said.
            "predict": Answer(score, nn.Sequential(*combined, index), learned.decoded),
            "decision_function": decision,
            "raw": RAW,
        }
        if has_posterior:
            mean = nn.Sequential(MeanOverMembers(), shown)
            found["auto"] = found["predict_proba"] = Answer(loss.predict_proba, mean)
        return found


@dataclass(frozen=True)
class Labels(Classes):
    """One label per row, or any number: what `NeuralClassifier` takes.

    Attributes
    ----------
    decision : {"argmax", "macro_f1", "median", "mode"}
        How probabilities become a label.
    """

    decision: str = "argmax"
    # Probabilities, or scores where the loss has none.
    held_out_answer: ClassVar[str | None] = "auto"

    def y_options(self, data: FitData) -> dict[str, Any]:
        """Labels of any type, none missing."""
        check_labels(data.y)
        return {"y": data.y, "multi_output": True, "y_numeric": False}

    def counted(self, y: Any, weights: np.ndarray) -> np.ndarray:
        """Return weights of rows, 0 for those of a class whose weight is 0."""
        return without_ignored(self.class_weight, y, weights) if np.ndim(y) == 1 else weights

    def encode(
        self, y: Any, data: FitData, loss: Any, shape: tuple[int, ...], before: Any
    ) -> Encoded:
        """Return class indices, (n_samples, 1), or 0 and 1 for each of several labels."""
        with np.errstate(invalid="ignore"):  # floats beyond all whole numbers
            check_classification_targets(y)
            kind = type_of_target(y)
        if kind == "multilabel-indicator":
            return _encoded_indicators(y, before)
        if y.ndim == 2 and y.shape[1] > 1:
            raise ValueError(
                f"y has {y.shape[1]} columns of several classes each; NeuralClassifier takes one"
                " column of classes or a matrix of 0 and 1. Wrap it in MultiOutputClassifier."
            )
        y = column_or_1d(y, warn=True) if y.ndim > 1 else y
        if before is not None and before.is_multi_label:
            raise ValueError(
                f"y has one column, but this estimator was trained with {len(before.classes)}"
                " labels. Give the same labels, or fit again with warm_start=False."
            )
        learned = self.learned_from(y, data, loss, before)
        if len(learned.classes) < 2:
            raise ValueError(
                "NeuralClassifier needs at least two classes; y has one class only,"
                f" {learned.classes.tolist()[0]!r}, in all {len(y)} rows. Give rows of another"
                " class whose sample_weight is not 0."
            )
        return Encoded(learned.indices(y)[:, None], learned)

    def weighed(self, y: np.ndarray, sample_weight: np.ndarray, learned: Any) -> np.ndarray:
        """Return weights times those of classes."""
        if self.class_weight is None:
            return sample_weight
        if learned.is_multi_label:
            raise ValueError(
                f"class_weight={self.class_weight!r} needs one class per row; y is multi-label."
                " Use sample_weight."
            )
        factors = class_weights(self.class_weight, y[:, 0], sample_weight, learned.order)
        weights = sample_weight * factors
        check_ratio(weights, "class_weight, times sample_weight,")
        return weights

    def check_suits(self, loss: Any, sample: Sample, learned: Any, network: Any) -> None:
        """Raise if a loss does not take several classes, or several labels."""
        other = "Choose another of list_losses('classification')"
        if learned.is_multi_label and not loss.multi_label:
            raise ValueError(f"Loss {loss.label!r} does not take multi-label y. {other}.")
        if self.decision == "median" and not loss.ordinal:
            raise ValueError(
                f"decision='median' is for ordinal losses, such as 'cumulative_link'; loss"
                f" {loss.label!r} knows no order of the classes. Leave decision='argmax'."
            )
        if self.decision in ("macro_f1", "mode") and not hasattr(loss, "predict_proba"):
            raise ValueError(
                f"decision={self.decision!r} needs probabilities, which loss {loss.label!r} does not"
                " give. Choose one whose row in list_losses('classification') has predict_proba, or"
                " leave decision='argmax'."
            )
        if learned.n_classes > 2 and not loss.multi_class:
            raise ValueError(
                f"Only binary classification is supported by loss {loss.label!r}; y has"
                f" {learned.n_classes} classes. {other}, or wrap the classifier in"
                " OneVsRestClassifier."
            )

    def check_divisible(self, sample: Sample, learned: Any) -> None:
        """Raise if a class has one row, which cannot both train and validate."""
        if learned.is_multi_label:
            return
        counts = np.bincount(sample.y[:, 0], minlength=learned.n_classes)
        alone = learned.order[counts == 1].tolist()
        if alone:
            raise ValueError(
                "early_stopping needs training and validation rows of every class; there is one row"
                f" only of {', '.join(map(repr, alone))}. Give more of them or leave them out, give"
                " validation_fraction=(train, valid) as arrays of indices, or set"
                " early_stopping=False."
            )

    def stratifies(self, learned: Any) -> bool:
        """Return whether there is one class per row."""
        return not learned.is_multi_label

    def answers(self, loss: Any, learned: Any, scaler: Any, n_members: int) -> dict[str, Answer]:
        """Return labels, scores and probabilities."""
        arranged = learned.rank, learned.is_multi_label
        shown, index = InOrderOfClasses(*arranged), ChosenClass(*arranged)
        rule = self._rule(loss, learned)
        found = self.scores(loss, learned, n_members, shown, index, rule)
        # Float64, as scikit-learn's classifiers answer: others assign them to columns of it.
        return {name: answer._replace(wide=answer is not RAW) for name, answer in found.items()}

    def _rule(self, loss: Any, learned: LearnedLabels) -> nn.Module | None:
        """Return what makes scores of mean probabilities, None where the loss decides."""
        if learned.offsets is not None:
            return LogOdds(learned.offsets)
        if self.decision == "median" and learned.n_classes > 2:
            return Nearness()
        return LogOdds() if self.decision == "mode" else None

    @property
    def needs_held_out(self) -> bool:
        """Whether something is learned from what members say of the rows that they hold out."""
        return self.decision == "macro_f1"

    def decided(self, learned: LearnedLabels, sample: Sample, said: np.ndarray) -> LearnedLabels:
        """Return the offsets of log-probabilities with which held-out rows get the best macro-F1."""
        if not self.needs_held_out:
            return learned
        probability = np.stack((1 - said, said), -1) if learned.is_multi_label else said[:, None]
        if not learned.is_multi_label:
            probability = probability[..., np.argsort(learned.rank)]
        weights = sample.row_weight, sample.sample_weight
        return replace(learned, offsets=best_offsets(probability, sample.y, *weights))

    def tag(self, tags: Any, loss: Any) -> None:
        """Several classes and labels where the loss takes them."""
        if loss is not None and tags.classifier_tags is not None:
            tags.classifier_tags.multi_class = loss.multi_class
            tags.classifier_tags.multi_label = loss.multi_label
            # scikit-learn's check of several columns wants predict and predict_proba to agree.
            tags.target_tags.multi_output = loss.multi_label and loss.decides_by_posterior


def _encoded_indicators(y: np.ndarray, before: Any) -> Encoded:
    """Return several labels per row as they are, checked."""
    n_labels = y.shape[1]
    if before is not None and not (before.is_multi_label and len(before.classes) == n_labels):
        raise ValueError(
            f"y has {n_labels} labels, but this estimator was trained on other ones. Give the same"
            " labels, or fit again with warm_start=False."
        )
    if not np.isin(y, (0, 1)).all():
        raise ValueError(
            f"multi-label y needs 0 and 1; it has the values {np.unique(y).tolist()}. Encode it"
            " with MultiLabelBinarizer, or as (y > 0)."
        )
    learned = LearnedLabels(np.arange(n_labels), np.arange(n_labels), is_multi_label=True)
    return Encoded(y.astype(np.int64), learned)


def check_same_classes(classes: Any, known: np.ndarray) -> None:
    """Raise if classes are named that are not those of the first call of `partial_fit`."""
    if not np.array_equal(np.unique(classes), known):
        raise ValueError(
            f"`classes={list(classes)!r}` is not the same as on the first call of fit_encoder or"
            f" partial_fit, {known.tolist()}. Leave classes out, or begin with a new estimator."
        )


def order_of(y: Any) -> list[Any] | None:
    """Return the categories of an ordered categorical, lowest first, or None.

    In pandas, ``pl.Enum`` of polars, or an ordered dictionary of pyarrow, in pandas too.
    """
    column = y.iloc[:, 0] if getattr(y, "ndim", 1) == 2 and hasattr(y, "iloc") else y
    dtype: Any = getattr(column, "dtype", None)
    if type(getattr(dtype, "categories", None)).__name__ == "IntervalIndex":
        raise ValueError(
            "y is a categorical of intervals, which are not labels; give pd.cut and pd.qcut"
            " labels=, for example labels=False for ranks."
        )
    if type(dtype).__name__ == "Enum":
        return list(dtype.categories)
    of_arrow = getattr(dtype, "pyarrow_dtype", getattr(column, "type", None))
    if getattr(of_arrow, "ordered", False) and hasattr(of_arrow, "value_type"):
        array = column if hasattr(column, "type") else column.array.__arrow_array__()
        whole = array.combine_chunks() if hasattr(array, "combine_chunks") else array
        return whole.dictionary.to_pylist()
    return list(dtype.categories) if getattr(dtype, "ordered", False) else None


def check_order(order: list[Any], class_order: list[Any]) -> None:
    """Raise if classes are in another order than at the first call."""
    known = [label for label in order if label in class_order]
    learned = [label for label in class_order if label in order]
    if known != learned:
        raise ValueError(
            f"y is a categorical in the order {known}, but this estimator was trained with the"
            f" order {learned}. Give the same order, or fit again with warm_start=False."
        )


def places(labels: list[Any], given_order: list[Any] | None) -> list[int]:
    """Return where the labels stand from lowest to highest: in a given order, else in their own."""
    if not given_order:
        return list(range(len(labels)))
    missing = [label for label in labels if label not in given_order]
    if missing:
        raise ValueError(
            f"The categories {given_order} give no place to the class {missing[0]!r}. Give all"
            " classes as one ordered categorical."
        )
    return [labels.index(label) for label in given_order if label in labels]
