"""Targets of several tasks, numbers and labels side by side, each with a loss of its own."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_consistent_length
from torch import Tensor

from ...losses.base import Loss, State
from ...losses.tasks.joint import JointLoss, naming_task
from ...training import TargetScaler
from ..inputs.data import FitData
from ..inputs.missing import missing
from ..inputs.sample import Sample
from ..targets.answers import Answer
from ..targets.base import Encoded, Head, LearnedTarget, Start, Target
from ..targets.labels import check_same_classes
from ..targets.loss_values import check_loss_values
from .kinds import LabelTask, NumberTask, OneTask, one_kind
from .target_table import TargetTable


@dataclass(frozen=True)
class LearnedTasks(LearnedTarget):
    """What a fit learns of several tasks.

    Attributes
    ----------
    tasks : dict of name to NumberTask or LabelTask
        In the order of the columns of y.
    frame : type or None
        The class of y where it was a DataFrame.
    is_column : bool
        Whether y had one axis.
    """

    tasks: dict[Any, OneTask]
    frame: Any
    is_column: bool

    @property
    def n_classes(self) -> tuple[int | None, ...]:
        """How many classes each task has, None for numbers."""
        return tuple(task.learned.n_classes for task in self.tasks.values())

    @property
    def classes(self) -> dict[Any, np.ndarray]:
        """The classes of the tasks that have labels, by name."""
        labels = {name: task for name, task in self.tasks.items() if isinstance(task, LabelTask)}
        return {name: task.learned.classes for name, task in labels.items()}

    @property
    def losses(self) -> dict[Any, Loss]:
        """The loss of each task, by name."""
        return {name: task.loss for name, task in self.tasks.items()}

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes of the estimator."""
        return {"tasks_": list(self.tasks), "losses_": self.losses, "classes_": self.classes}

    def check_complete(self, y: np.ndarray) -> None:
        """Raise if a class of a task has no labels where `fit` goes on."""
        for (name, task), column in zip(self.tasks.items(), y.T, strict=True):
            with naming_task(name):
                task.learned.check_complete(column[~np.isnan(column)])


@dataclass(frozen=True)
class Tasks(Target):
    """A column per task, of numbers or labels, entries of which may be missing.

    Attributes
    ----------
    scale_target : bool
        Whether columns of numbers are scaled as their losses allow.
    """

    scale_target: bool = True

    # ------------------------------------------------------------------ what is given

    def opened(self, data: FitData, before: Any) -> FitData:
        """Return y as a table of tasks, those of the first call; classes that are named by task.

        Raises
        ------
        ValueError or TypeError
            If y is no table, or tasks or classes are not those of the first call.
        """
        named = named_classes(data.named)
        if before is None:
            return replace(data, y=TargetTable.of(data.y), named=named)
        known = before.classes
        for name, labels in named.items():
            with naming_task(name):
                check_same_classes(labels.tolist(), known.get(name, np.array(())))
        return replace(data, y=TargetTable.of(data.y).aligned(before.tasks), named=named)

    def task_names(self, data: FitData) -> Sequence[Any]:
        """Return the names of the columns of y."""
        return list(data.y.columns)

    def rows(self, y: TargetTable, X: Any) -> TargetTable:
        """Return y, checked to have as many rows as X."""
        check_consistent_length(X, y)
        return y

    def identity(self, loss: JointLoss) -> tuple[Any, ...]:
        """Return the losses of the tasks, which say what a column holds."""
        return loss.losses

    def encode(
        self, y: TargetTable, data: FitData, loss: JointLoss, shape: tuple[int, ...], before: Any
    ) -> Encoded:
        """Return numbers and class indices, (n_samples, n_tasks), NaN where a label is missing."""
        learned = _learned_from(y, data.named, loss) if before is None else before
        table = np.full((len(y), len(y.columns)), np.nan)
        for values, (name, column) in zip(table.T, y.columns.items(), strict=True):
            with naming_task(name):
                values[column.known] = learned.tasks[name].encode(column)
        return Encoded(table, learned)

    # ------------------------------------------------------------------ what suits

    def check_split(
        self, loss: Any, sample: Sample, learned: LearnedTasks, train: Any, valid: Any
    ) -> None:
        """Raise if all labels of a task are in validation rows, or these have no label at all."""
        known = ~np.isnan(sample.y)
        lost = known.any(0) & ~known[train].any(0)
        remedy = "Give more labels, or another validation_fraction."
        if lost.any():
            raise ValueError(
                f"Task {list(learned.tasks)[lost.argmax()]!r}: none of the {len(train)} training"
                " rows has a label; early_stopping took all rows that have one for validation."
                f" {remedy}"
            )
        if not known[valid].any():
            raise ValueError(
                f"None of the {len(valid)} validation rows of early_stopping has a label of any"
                f" task, so they cannot decide which epoch is best. {remedy}"
            )

    # ------------------------------------------------------------------ what is trained on

    def scaling(self, loss: JointLoss) -> tuple[str, ...]:
        """Return what the loss of each task allows."""
        allowed = (getattr(each, "scaling", "none") for _, each in loss.losses)
        return tuple(each if self.scale_target else "none" for each in allowed)

    def scaler(
        self, sample: Sample, scaling: tuple[str, ...], learned: LearnedTasks
    ) -> TargetScaler:
        """Return centre and scale of each task, of the rows that have its label."""
        scalers = []
        for name, column, how in zip(learned.tasks, sample.y.T, scaling, strict=True):
            known = ~np.isnan(column)
            weights = sample.sample_weight[known]
            with naming_task(name):
                scalers.append(TargetScaler.fit(column[known, None], weights, how))
        return TargetScaler(
            np.concatenate([each.centre for each in scalers]),
            np.concatenate([each.scale for each in scalers]),
        )

    def check_values(
        self,
        loss: JointLoss,
        y: Tensor,
        state: State,
        n_outputs: int,
        dtype: torch.dtype,
        weighted: bool,
    ) -> None:
        """Raise if the loss of a task cannot be trained on; missing labels are weights, too."""
        of_tasks = zip(loss.losses, loss.widths(state), y.unbind(1), strict=True)
        for (name, of_task), width, column in of_tasks:
            known = column[~column.isnan()].unsqueeze(1)
            counts_rows = weighted or len(known) < len(column)
            labels = known.long() if of_task.y_is_index else known
            with naming_task(name):
                own = loss.of_task(state, name)
                check_loss_values(of_task, labels, own, width, dtype, counts_rows)

    # ------------------------------------------------------------------ networks

    def widths(self, loss: JointLoss) -> Hashable:
        """Return the widths of the tasks' outputs: they stand side by side."""
        return tuple((each.n_outputs(2), each.n_outputs(5)) for _, each in loss.losses)

    def head(self, start: Start, learned: LearnedTasks, is_built_in: bool) -> Head:
        """Return the outputs of all tasks side by side."""
        loss: Any = start.loss
        widths = loss.widths(start.state)
        what = ", ".join(f"{name!r}: {n}" for name, n in zip(learned.tasks, widths, strict=True))
        return Head(sum(widths), (sum(widths),), f"the tasks side by side ({what})")

    # ------------------------------------------------------------------ answers

    def answers(
        self, loss: JointLoss, learned: LearnedTasks, scaler: TargetScaler, n_members: int
    ) -> dict[Any, Answer]:
        """Return what each task can say, by its name and that of the output."""
        found = {}
        for t, (name, task) in enumerate(learned.tasks.items()):
            own = TargetScaler(scaler.centre[..., [t]], scaler.scale[..., [t]])
            for output, answer in task.answers(own, n_members).items():
                of_member = partial(_of_one_task, loss, t, answer.of_member)
                found[name, output] = answer._replace(of_member=of_member)
        return found

    def tag(self, tags: Any, loss: Any) -> None:
        """Required; several columns."""
        tags.target_tags.required = tags.target_tags.multi_output = True


def _of_one_task(
    loss: JointLoss, t: int, of_member: Callable[..., Tensor], raw: Tensor, state: State
) -> Tensor:
    """Return what a member says of task t, from the raw output and the state of all."""
    return of_member(loss.heads(raw, state)[t], loss.of_task(state, loss.names[t]))


def _learned_from(y: TargetTable, named: Mapping[Any, np.ndarray], loss: JointLoss) -> LearnedTasks:
    """Learn the tasks of a table; classes come from `named` where there are any."""
    unknown = [name for name in named if name not in y.columns]
    if unknown:
        raise ValueError(
            f"classes has labels of the task {unknown[0]!r}, which y does not have; its tasks are"
            f" {list(y.columns)}."
        )
    tasks: dict[Any, OneTask] = {}
    for (name, column), (_, of_task) in zip(y.columns.items(), loss.losses, strict=True):
        with naming_task(name):
            if not column.known.any():
                raise ValueError(
                    f"all {len(column.known)} labels are missing: y contains NaN only, so there is"
                    " nothing to learn. Leave the column out of y, and its loss with it."
                )
            kind = LabelTask if of_task.task == "classification" else NumberTask
            tasks[name] = kind.learn(of_task, column, named.get(name))
    return LearnedTasks(tasks, y.frame, y.is_column)


def named_classes(classes: Any) -> dict[Any, np.ndarray]:
    """Return the labels that the first call of `partial_fit` names, (n_labels,) by task.

    Raises
    ------
    TypeError
        If they are no dict.
    ValueError
        If those of a task are no list of labels, or one of them is missing.
    """
    if not isinstance(classes, Mapping | None):
        raise TypeError(
            f"classes needs to be a dict of task to labels; got {classes!r} of type"
            f" {type(classes).__name__}."
        )
    found = {}
    for name, given in (classes or {}).items():
        labels = np.asarray(given, dtype=None if hasattr(given, "__array__") else object)
        with naming_task(name):
            if labels.ndim != 1 or not len(labels) or missing(labels).any():
                raise ValueError(
                    "classes needs a list of labels, without missing ones; got"
                    f" {given!r}. List all that y may have."
                )
            found[name] = one_kind(labels)
    return found
