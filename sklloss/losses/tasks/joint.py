"""The loss of several tasks that one network learns together.

Shapes::

    raw            (*models, n_samples, 1, width)   the heads of the tasks side by side
    y              (*models, n_samples, n_tasks)    numbers or class indices; NaN: no label
    sample_weight  (*models, n_samples)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..base import Loss, State, Task
from ..weighted import row_sums, weighted_mean
from .weighting import Sizes, Weighting
from .weightings import EqualWeights

EQUAL = EqualWeights()
# Entries of the joint state that every task's loss may look for.
OWN_ENTRIES = ("rounding",)


@contextmanager
def naming_task(name: Any) -> Iterator[None]:
    """Put the name of a task before the message of an error about it."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise type(error)(f"Task {name!r}: {error}") from error


@dataclass(frozen=True)
class JointLoss(Loss):
    """Loss of several tasks: the weighted mean of their losses, each over its labelled rows.

    ``(1/n) Σ_t λ_t Σ_i w_i ℓ_ti / Σ_i w_i``, where the inner sums run over the rows whose label of
    task t is known, and the mean of λ is 1. In a batch, each task's sum is divided by the expected
    share of its labels, not by the share in the batch, so that gradients are unbiased.

    Parameters
    ----------
    losses : tuple of (str, Loss) pairs
        Names of the tasks and their losses, for regression or classification, in the order of the
        columns of y.
    weighting : Weighting, default=EqualWeights()
        How the tasks are weighted in training: `EqualWeights`, `FixedWeights`,
        `UncertaintyWeights`, `DynamicWeightAverage` or `RandomWeights`.

    References
    ----------
    Caruana, R., Multitask Learning, 1997, Machine Learning 28.

    Examples
    --------
    >>> import torch
    >>> from sklloss.losses import CrossEntropy, SquaredError
    >>> loss = JointLoss((("price", SquaredError()), ("sold", CrossEntropy())))
    >>> y = torch.tensor([[2.0, 0.0], [torch.nan, 1.0]])
    >>> state = loss.prepare(y, torch.ones(2), (None, 2))
    >>> loss(torch.zeros(2, 1, 2), y, state)
    tensor(1.3466)
    """

    name: ClassVar[str] = "joint"
    task: ClassVar[Task] = "multitask"
    functional: ClassVar[str] = "those of the tasks' losses"
    reference: ClassVar[str] = "Caruana 1997"
    is_composite: ClassVar[bool] = True

    losses: tuple[tuple[str, Loss], ...] = ()
    weighting: Weighting = EQUAL

    @property
    def names(self) -> tuple[str, ...]:
        """The tasks' names."""
        return tuple(name for name, _ in self.losses)

    @property
    def structure(self) -> tuple[Any, ...]:
        """What models must have in common to be trained as one stack."""
        of_tasks = ((name, loss.structure) for name, loss in self.losses)
        return type(self), *of_tasks, self.weighting.structure

    @property
    def weighs_rows(self) -> bool:  # type: ignore[override]
        """Whether the losses of all tasks weight rows."""
        return all(loss.weighs_rows for _, loss in self.losses)

    @property
    def kinked(self) -> bool:  # type: ignore[override]
        """Whether the loss of any task has kinks."""
        return any(loss.kinked for _, loss in self.losses)

    @property
    def n_draws(self) -> int:
        """How many standard normal numbers a step draws: one per task if the weighting takes any.

        The state has them as ``state["draws"]``, shape (..., 1, n_draws).
        """
        return len(self.losses) if self.weighting.draws else 0

    def check_params(self) -> None:
        """Raise a ValueError, with the task's name, if a name, loss or weighting is not allowed."""
        for name in self.names:
            longer = [other for other in self.names if other.startswith(f"{name}.")]
            if longer or self.names.count(name) > 1:
                raise ValueError(
                    f"Tasks need names of which none is another's, nor its beginning before a dot;"
                    f" got {name!r} and {(longer or [name])[0]!r}. Rename one."
                )
        for name, loss in self.losses:
            with naming_task(name):
                loss.check_params()
                if loss.whole_batch or loss.task not in ("regression", "classification"):
                    raise ValueError(
                        f"loss {loss.label!r} has no value per row and label, which several tasks"
                        " need: rows differ in the labels that they have. Choose another of"
                        " list_losses('multitask')."
                    )
        self.weighting.check_params()
        self.weighting.fixed(self.names)

    def of_task(self, state: State, name: str) -> State:
        """Return the entries of the state that belong to a task, as its loss knows them."""
        prefix = f"{name}."
        own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        own |= {key: state[key] for key in OWN_ENTRIES if key in state}
        return State(own, (k.removeprefix(prefix) for k in state.trained if k.startswith(prefix)))

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: Any = None) -> State:
        """Return the states of the tasks and of the weighting, in one.

        The entries of a task have its name and a dot before their own names.

        Parameters
        ----------
        y : Tensor of shape (n_samples, n_tasks)
            NaN where a label is missing; every task has some.
        sample_weight : Tensor of shape (n_samples,)
            Positive weights.
        n_classes : sequence of (int or None)
            Number of classes of each task, None for numbers.
        """
        entries: dict[str, Tensor] = {}
        trained: list[str] = []
        tasks = self._labelled(y, sample_weight)
        for (name, loss, column, weight), n in zip(tasks, n_classes, strict=True):
            of_task = loss.prepare(column, weight, n)
            entries |= {f"{name}.{key}": value for key, value in of_task.items()}
            trained += [f"{name}.{key}" for key in of_task.trained]
        state = State(entries, trained)
        is_known = ~y.isnan()
        # The first label of a task takes the place of those that are missing.
        state["filler"] = y.gather(0, is_known.to(torch.uint8).argmax(0, keepdim=True))
        state["share"] = weighted_mean(is_known.to(sample_weight), sample_weight).unsqueeze(0)
        state["fixed"] = torch.tensor([self.weighting.fixed(self.names)]).to(sample_weight)
        weighting = self.weighting.prepare(self._sizes(y, sample_weight, state))
        return State({**state, **weighting}, {*trained, *weighting.trained})

    def _sizes(self, y: Tensor, sample_weight: Tensor, state: State) -> Sizes:
        """Return the tasks' losses before training, and add their least values to the state.

        The least values are 0 where the weighting does not compare the losses' sizes.
        """
        is_label = torch.tensor([loss.y_is_index for _, loss in self.losses]).to(sample_weight)
        state["floor"] = torch.zeros_like(state["share"])
        if not self.weighting.compares_sizes:
            return Sizes(torch.ones_like(is_label), is_label)
        state["floor"] = self._floor(y, sample_weight, state).unsqueeze(0)
        constant = self.constant_raw(self.baseline(y, sample_weight, state), y, state)
        means = self.terms(constant, y, state, sample_weight) / sample_weight.sum()
        return Sizes(means - state["floor"][0], is_label)

    def _floor(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the mean of the least that each task's loss can be, (n_tasks,)."""
        found = []
        for name, loss, column, weight in self._labelled(y, sample_weight):
            if loss.is_density:
                raise ValueError(
                    f"weighting={self.weighting.name!r} compares how large losses are, and"
                    f" {loss.label!r} of the task {name!r} has no least value to be measured from:"
                    " it is minus the logarithm of a density. Choose weighting='equal', a dict, or"
                    " another loss, such as 'crps'."
                )
            least = loss.least(column, self.of_task(state, name))
            found.append(weighted_mean(least.to(weight), weight))
        return torch.cat(found)

    def _labelled(self, y: Tensor, weight: Tensor) -> Iterator[tuple[str, Loss, Tensor, Tensor]]:
        """Yield name, loss, labels (n_labelled, 1) and weights of the rows of each task."""
        for (name, loss), column in zip(self.losses, y.unbind(1), strict=True):
            is_known = ~column.isnan()
            labels = _typed(column[is_known].unsqueeze(1), loss)
            yield name, loss, labels, weight[is_known]

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return the trained entries of tasks and weighting on their natural scale.

        ``task_weights`` are the current weights of the tasks, with mean 1.
        """
        found = {
            f"{name}.{key}": value
            for name, loss in self.losses
            for key, value in loss.learnt(self.of_task(state, name)).items()
        }
        factors = self.weighting.factors(state)
        weights = factors / factors.mean(-1, keepdim=True)
        return {**found, **self.weighting.learnt(state), "task_weights": weights}

    def of_tasks(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return every task's loss divided by its share of labels, 0 where a label is missing.

        The shape is (..., n_samples, n_tasks).
        """
        heads = self.heads(raw, state)
        values = []
        for t, ((name, loss), head) in enumerate(zip(self.losses, heads, strict=True)):
            column = y[..., t : t + 1].contiguous()
            is_missing = column.isnan()
            filled = torch.where(is_missing, state["filler"][..., t : t + 1], column)
            of_task = self.of_task(state, name)
            value = loss.pointwise(head, _typed(filled, loss), of_task)
            values.append(value * ~is_missing / state["share"][..., t : t + 1])
        return torch.cat(values, -1)

    def heads(self, raw: Tensor, state: State) -> list[Tensor]:
        """Split raw output into the tasks' own, each (..., n_samples, 1, n_outputs)."""
        return [head.contiguous() for head in raw.split(self.widths(state), -1)]

    def widths(self, state: State) -> list[int]:
        """Return how many numbers each task reads."""
        found = []
        for name, loss in self.losses:
            prior = state.get(f"{name}.prior")
            found.append(loss.n_outputs(None if prior is None else prior.shape[-1]))
        return found

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the loss of every label, multiplied by the fixed factor of its task.

        The shape is (..., n_samples, n_tasks).
        """
        return state["fixed"] * self.of_tasks(raw, y, state)

    def terms(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the sum over rows of weight times loss of each task, shape (..., n_tasks)."""
        values = self.of_tasks(raw, y, state).transpose(-1, -2).contiguous()
        return row_sums(values * sample_weight.unsqueeze(-2))

    def combined(self, terms: Tensor, state: State) -> Tensor:
        """Return the loss that is reported and that decides when to stop, from the tasks' losses.

        It is the mean over tasks, each multiplied by its fixed factor.
        """
        return (state["fixed"].squeeze(-2) * terms).mean(-1)

    def total(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the weighted sum over rows of the loss, with the fixed factors of the tasks."""
        return self.combined(self.terms(raw, y, state, sample_weight), state)

    def objective(self, terms: Tensor, weight: Tensor, state: State) -> Tensor:
        """Return what a step minimises, shape (n_models,).

        It is the mean over tasks, each multiplied by its current factor, plus the penalty of these
        factors. Early stopping uses `combined` instead, because a sum whose weights change says
        nothing about when to stop.

        Parameters
        ----------
        terms : Tensor of shape (..., n_tasks)
            Sums of the terms over some rows.
        weight : Tensor of shape () or (n_models,)
            Total weight of these rows.
        state : State
            What `prepare` returned.
        """
        factors, cost = self.weighting.factors(state), self.weighting.penalty(state)
        weight = weight.unsqueeze(-1)
        above = terms - weight * state["floor"].squeeze(-2)
        return (factors.squeeze(-2) * above + weight * cost.squeeze(-2)).mean(-1)

    def note_epoch(self, means: Tensor, state: State) -> None:
        """Pass the tasks' mean losses of an epoch to the weighting, less their lower bounds."""
        self.weighting.note_epoch(means.unsqueeze(-2) - state["floor"], state)

    def check_shapes(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> None:
        """Raise a ValueError if the shapes do not fit each other exactly."""
        wanted = (*y.shape[:-1], 1, sum(self.widths(state)))
        if raw.shape != wanted or sample_weight.shape != y.shape[:-1]:
            raise ValueError(
                f"JointLoss needs raw of shape {wanted} for y of shape {tuple(y.shape)}, the tasks'"
                f" outputs side by side, and sample_weight of shape {tuple(y.shape[:-1])}; got"
                f" {tuple(raw.shape)} and {tuple(sample_weight.shape)}."
            )

    def shaped(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Add an axis of length 1 to network output of shape (..., n_samples, width)."""
        return raw.unsqueeze(-2)

    def constant_raw(self, baseline: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the raw output of constants (..., 1, width) for every row of y."""
        return baseline.unsqueeze(-3).expand(*y.shape[:-1], 1, -1)

    def n_outputs(self, n_classes: Any = None, multi_label: bool = False) -> int:
        """Return the sum of the tasks' outputs; `n_classes` has an entry per task."""
        pairs = zip(self.losses, n_classes, strict=True)
        return sum(loss.n_outputs(n) for (_, loss), n in pairs)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the tasks' best constants side by side, shape (1, width)."""
        found = [
            loss.baseline(column, weight, self.of_task(state, name))
            for name, loss, column, weight in self._labelled(y, sample_weight)
        ]
        return torch.cat(found, -1)

    def predict(self, raw: Tensor, state: State) -> Tensor:
        """Return the tasks' predictions, numbers or class indices.

        The shape is (..., n_samples, n_tasks).
        """
        pairs = zip(self.losses, self.heads(raw, state), strict=True)
        found = [loss.predict(head, self.of_task(state, name)) for (name, loss), head in pairs]
        return torch.cat([each.to(raw) for each in found], -1)


def _typed(values: Tensor, loss: Loss) -> Tensor:
    """Return labels as a loss takes them: indices of classes as whole numbers."""
    return values.long() if loss.y_is_index else values
