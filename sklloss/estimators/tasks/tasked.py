"""What the fit of an estimator with several tasks does otherwise: y by task, losses by task, heads side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length
from torch import Tensor, nn

from ...losses.base import State
from ...losses.tasks.joint import JointLoss, naming_task
from ...modules import check_widths
from ...training import TargetScaler
from ..fit.loss_values import check_loss_values
from ..fit.nets import Start
from ..fit.prepared import Ready, Shelf
from ..fit.sample import Sample
from ..fit.splits import Parts
from ..inputs.missing import missing
from ..targets.scaled_targets import ScaledTargets
from .heads import Head, LabelHead, learn_head, one_kind
from .target_table import TargetTable
from .task_losses import TaskLosses


class TaskedEstimator(TaskLosses, ScaledTargets):
    """An estimator whose y has a column per task, each with a loss of its own."""

    classes_: dict[Any, np.ndarray]
    _classes_told: dict[Any, Any]
    _heads: list[Head]

    def _checked_classes(self, classes: Any) -> dict[Any, Any]:
        if not isinstance(classes, Mapping | None):
            raise TypeError(
                f"classes needs to be a dict of task to labels; got {classes!r} of type {type(classes).__name__}."
            )
        told = {name: _labels_told(name, labels) for name, labels in (classes or {}).items()}
        for name, labels in told.items() if hasattr(self, "net_") else ():
            if not np.array_equal(np.unique(labels), self.classes_.get(name, ())):
                raise ValueError(
                    f"classes of the task {name!r} are {list(labels)!r}, not the same as on the first call of partial_fit."
                )
        return told

    def _given(
        self, X: Any, y: Any, sample_weight: Any, first: bool
    ) -> tuple[Any, TargetTable, Any]:
        targets = TargetTable.of(y)
        if not first:
            return X, targets.aligned(self.tasks_), sample_weight
        self.tasks_ = targets.names
        self._frame, self._y_is_column = targets.frame, targets.is_column
        return X, targets, sample_weight

    def _validated(self, X: Any, y: Any, first: bool, shelf: Shelf) -> tuple[Any, Any]:
        checked = self._checked(X, first)
        check_consistent_length(checked, y)
        if first:
            self._input_shape = tuple(checked.shape[1:])
        return checked, y

    def _encode(self, y: Any, first: bool) -> np.ndarray:
        """Return numbers and class indices, (n_samples, n_tasks), NaN where a label is missing."""
        if first:
            self._heads = self._learnt_heads(y)
        encoded = []
        for name, head, column in zip(self.tasks_, self._heads, y.columns, strict=True):
            with naming_task(name):
                encoded.append(head.encode(column))
        return np.column_stack(encoded)

    def _learnt_heads(self, y: TargetTable) -> list[Head]:
        losses, found = self._resolved_loss().losses, []
        unknown = [name for name in self._classes_told if name not in self.tasks_]
        if unknown:
            raise ValueError(
                f"classes has labels of the task {unknown[0]!r}, which y does not have; its tasks are {self.tasks_}."
            )
        for name, (_, loss), column in zip(self.tasks_, losses, y.columns, strict=True):
            with naming_task(name):
                classes = self._classes_told.get(name)
                found.append(learn_head(loss, column, classes, self.n_members))
                self._refuse_classes_of_numbers(found[-1], classes)
        return found

    def _refuse_classes_of_numbers(self, head: Head, classes: Any) -> None:
        if classes is not None and not isinstance(head, LabelHead):
            raise ValueError(
                f"classes has labels, {classes.tolist()}, and loss {head.loss.label!r} takes numbers. Leave the task out of classes, or choose a"
                " loss for classification."
            )

    def _parts(self, sample: Sample, epochs: int | None, seed: int, shelf: Shelf) -> Parts:
        parts = super()._parts(sample, epochs, seed, shelf)
        if parts.valid is not None:
            self._check_have_labels(~np.isnan(sample.y), parts.train, parts.valid)
        return parts

    def _check_have_labels(self, known: np.ndarray, train: np.ndarray, valid: np.ndarray) -> None:
        """Refuse to set aside all labels of a task, and rows that have no label of any."""
        lost = known.any(0) & ~known[train].any(0)
        if lost.any():
            raise ValueError(
                f"Task {self.tasks_[int(lost.argmax())]!r}: none of the {len(train)} rows that train has a label; early_stopping has set all of"
                " them aside. Give more labels, or another validation_fraction."
            )
        if not known[valid].any():
            raise ValueError(
                f"None of the {len(valid)} rows that early_stopping sets aside has a label of any task, so that they cannot tell the best"
                " epoch. Give more labels, or another validation_fraction."
            )

    def _check_suits(self, loss: Any, sample: Sample) -> None:
        """Nothing is left to refuse: the heads have looked at every column."""

    def _check_values(
        self, loss: JointLoss, y: Tensor, state: State, n_outputs: int, weighted: bool
    ) -> None:
        for t, ((name, of_task), width) in enumerate(
            zip(loss.losses, loss.widths(state), strict=True)
        ):
            column, own = y[:, t : t + 1], loss.of_task(state, name)
            known = column[~column.isnan()].unsqueeze(1)
            is_partly_known = len(known) < len(column)
            with naming_task(name):
                known = known.long() if of_task.y_is_index else known
                counts_rows = weighted or is_partly_known
                check_loss_values(of_task, known, own, width, self._dtype, counts_rows)

    @property
    def _n_classes(self) -> tuple[int | None, ...]:
        return tuple(head.n_classes for head in self._heads)

    def _scaling_of(self, loss: Any) -> str:
        of_tasks = (getattr(each, "scaling", "none") for _, each in loss.losses)
        return ",".join(each if self.scale_target else "none" for each in of_tasks)

    def _fit_target_scaler(self, sample: Sample, scaling: str) -> TargetScaler:
        learnt = []
        for name, column, how in zip(self.tasks_, sample.y.T, scaling.split(","), strict=True):
            known = ~np.isnan(column)
            weights = sample.sample_weight[known]
            with naming_task(name):
                learnt.append(TargetScaler.fit(column[known, None], weights, how))
        centre, scale = ([getattr(s, part)[0] for s in learnt] for part in ("centre", "scale"))
        return TargetScaler(np.array(centre), np.array(scale))

    def _check_module(self, module: nn.Module, few: Tensor, start: Start) -> None:
        loss: Any = start.loss
        widths = loss.widths(start.state)
        what = ", ".join(f"{name!r}: {n}" for name, n in zip(self.tasks_, widths, strict=True))
        check_widths(module, few, (sum(widths),), f"the tasks side by side ({what})")

    def _adopt(self, ready: Ready, errors: Any) -> None:
        super()._adopt(ready, errors)
        self.losses_ = {
            name: loss for name, (_, loss) in zip(self.tasks_, self.loss_.losses, strict=True)
        }
        pairs = zip(self.tasks_, self._heads, strict=True)
        self.classes_ = {name: head.classes for name, head in pairs if isinstance(head, LabelHead)}


def _labels_told(name: Any, labels: Any) -> np.ndarray:
    """Return the labels that are given for a task, (n_labels,)."""
    found = np.asarray(labels, dtype=None if hasattr(labels, "__array__") else object)
    with naming_task(name):
        if found.ndim != 1 or not len(found) or missing(found).any():
            raise ValueError(
                f"classes needs a list of labels, of which none is missing; got {labels!r}. List all that y may have."
            )
        return one_kind(found)
