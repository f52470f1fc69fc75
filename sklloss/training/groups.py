"""The losses of K models: those of neighbours with losses of one class are computed at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..losses.base import Loss, State
from ..losses.tasks.joint import JointLoss
from ..losses.weighted import mean_over_targets, row_sums
from .loss_module import LossModule
from .rows.batches import Batch
from .seeds import generator

# Batches whose losses are summed at once.
BATCHES_AT_ONCE = 16
# The entry of the state with the random numbers of a step.
DRAWS = "draws"
# What a group remembers of a batch until its loss is summed.
Piece = tuple[Any, ...]


class Limit(NamedTuple):
    """How much the loss of a validation row may count, per model.

    Attributes
    ----------
    floor : Tensor of shape (models,)
        The mean over training rows of the least possible loss; what stands for it in a density.
    most : Tensor of shape (models,)
        How far above its least possible value the loss of a row is cut off.
    """

    floor: Tensor
    most: Tensor


class LossGroup:
    """Models next to each other in a stack whose losses are of one class.

    Parameters
    ----------
    modules : sequence of LossModule
        One per model, with states of one shape.
    first : int
        The place of the first of them in the stack.
    """

    def __init__(self, modules: Sequence[LossModule], first: int) -> None:
        self.loss: Loss = modules[0].loss
        # A loss that may look at a batch as a whole sees the rows that count alone.
        looks_at_batches = self.loss.whole_batch or self.loss.compares_rows
        self._pads = self.loss.weighs_rows and not looks_at_batches
        self.span = slice(first, first + len(modules))
        self.state = _state_of_stack([module.state for module in modules])
        self.baseline = torch.cat([module.baseline for module in modules])

    @property
    def limits_rows(self) -> bool:
        """Whether the loss of a validation row is limited: where a sum over rows is the loss."""
        is_sum = self._pads and not self.loss.is_composite
        return is_sum and "weight_by_class" not in self.state

    def parameters(self) -> list[nn.Parameter]:
        """Return what the losses train, each (models, ...)."""
        return [value for value in self.state.values() if isinstance(value, nn.Parameter)]

    def begin_epoch(self, extra: Mapping[str, Tensor]) -> None:
        """Begin to sum losses; `extra` are entries of the state that only an epoch's steps see."""
        self.epoch_state = State({**self.state, **extra}, self.state.trained)
        self._totals: list[Any] = []
        self._waiting: list[Forward] = []

    def draw(self, seeds: Sequence[int], epoch: int, step: int) -> None:
        """Write the random numbers of a step into the state, where the loss takes any."""

    def add(self, done: Forward) -> None:
        """Take in a step of the epoch.

        The losses of several batches are computed at once, where no gradient needed them before.
        """
        if done.total is not None:
            self._totals.append(noted(done.total.detach() if done.terms is None else done.terms))
            return
        self._waiting.append(done)
        if len(self._waiting) == BATCHES_AT_ONCE:
            self._sum_up()

    def end_epoch(self, weight: Tensor) -> Tensor:
        """Return the weighted mean loss of an epoch, (models,), given the weight of all rows."""
        if self._waiting:
            self._sum_up()
        return summed(self._totals, weight) / weight

    def _sum_up(self) -> None:
        waiting = [(done.leaf, done.y, done.sample_weight) for done in self._waiting]
        leaf, y, sample_weight = (torch.cat(each, 1) for each in zip(*waiting, strict=True))
        self._totals.append(noted(self.loss.total(leaf, y, self.epoch_state, sample_weight)))
        self._waiting.clear()

    def forward(self, raw: Tensor, batch: Batch, state: State) -> Forward:
        """Compute the gradients of a batch, and its losses where they are needed for that."""
        leaf, y, sample_weight = self._seen(raw, batch)
        bare = not state.trained and not {"rounding", "weight_by_class"} & state.keys()
        slope = self.loss.gradient(leaf, y, state) if bare else None
        if slope is None:
            leaf.requires_grad_()
            with torch.enable_grad():
                total = self.loss.total(leaf, y, state, sample_weight)
            return Forward(leaf, y, sample_weight, total)
        share = sample_weight / (batch.n_rows * y.shape[-1])
        leaf.grad = slope.mul_(share[..., None, None])
        return Forward(leaf, y, sample_weight, None)

    def value(self, done: Forward) -> Tensor:
        """Return Σwℓ of each model, (models,)."""
        if done.total is not None:
            return done.total.detach()
        return self.loss.total(done.leaf, done.y, self.epoch_state, done.sample_weight)

    def piece(self, raw: Tensor, batch: Batch) -> Piece:
        """Return what a batch adds to Σwℓ."""
        return self._piece(*self._seen(raw, batch))

    def constant_piece(self, y: Tensor, sample_weight: Tensor) -> Piece:
        """Return what some targets and weights add for each model's best constant."""
        y = y[self.span]
        raw = self.loss.constant_raw(self.baseline, y, self.state)
        return self._piece(raw, y, sample_weight[self.span])

    def least(self, y: Tensor, sample_weight: Tensor) -> Tensor:
        """Return a lower bound of Σwℓ over all raw outputs, (models,), NaN if there is none."""
        weight = sample_weight[self.span]
        if self.loss.is_density:
            return weight.new_full((len(weight),), torch.nan)
        of_rows = mean_over_targets(self.loss.least(y[self.span], self.state).to(weight))
        return row_sums(of_rows * weight)

    def largest_excess(self, y: Tensor, floor: Tensor) -> Tensor:
        """Return how far losses of the best constant are above their least, at most, (models,)."""
        y = y[self.span]
        if not self.limits_rows:
            return floor.new_full((len(y),), torch.inf)
        raw = self.loss.constant_raw(self.baseline, y, self.state)
        return (self._of_rows(raw, y) - self._least(y, floor)).amax(1)

    def validated(self, raw: Tensor, batch: Batch, limit: Limit) -> tuple[Piece, Piece]:
        """Return what a batch adds to Σwℓ, and what it adds where no row counts too much."""
        raw, y, sample_weight = self._seen(raw, batch)
        if not self.limits_rows:
            piece = self._piece(raw, y, sample_weight)
            return piece, piece
        of_rows = self._of_rows(raw, y)
        most = self._least(y, limit.floor) + limit.most[self.span, None]
        limited = torch.minimum(of_rows, most)
        totals = row_sums(of_rows * sample_weight), row_sums(limited * sample_weight)
        return (noted(totals[0]),), (noted(totals[1]),)

    def _of_rows(self, raw: Tensor, y: Tensor) -> Tensor:
        return mean_over_targets(self.loss.pointwise(raw, y, self.state))

    def _least(self, y: Tensor, floor: Tensor) -> Tensor:
        """Return a lower bound of the loss of every row; that of a density is given, (models,)."""
        if self.loss.is_density:
            return floor[self.span, None]
        return mean_over_targets(self.loss.least(y, self.state))

    def total_of(self, pieces: Sequence[Piece]) -> Tensor:
        """Return Σwℓ of each model, (models,)."""
        return summed([total for (total,) in pieces], self.baseline)

    def _piece(self, raw: Tensor, y: Tensor, sample_weight: Tensor) -> Piece:
        return (noted(self.loss.total(raw, y, self.state, sample_weight)),)

    def _seen(self, raw: Tensor, batch: Batch) -> Piece:
        """Return this group's raw output, in the contract's shape, y and weights of its rows."""
        n_rows = batch.y.shape[1] if self._pads else batch.n_rows
        counting = self.span, slice(n_rows)
        y, sample_weight = batch.y[counting], batch.sample_weight[counting]
        rows = _resized(raw[self.span], n_rows)
        return self.loss.shaped(rows, y, self.state), y, sample_weight


class WholeBatchGroup(LossGroup):
    """Models whose loss has a value per batch but none per row."""

    def total_of(self, pieces: Sequence[Piece]) -> Tensor:
        """Return the loss of all pieces at once."""
        raw, y, sample_weight = (torch.cat(each, 1) for each in zip(*pieces, strict=True))
        return self.loss.total(raw, y, self.state, sample_weight)

    def _piece(self, raw: Tensor, y: Tensor, sample_weight: Tensor) -> Piece:
        return raw, y, sample_weight


class CompositeGroup(LossGroup):
    """Models whose losses are composite, of one structure.

    Its terms are minimised with weights that change.
    """

    loss: JointLoss

    def begin_epoch(self, extra: Mapping[str, Tensor]) -> None:
        """Begin with a place for random numbers in the state, where the loss takes any."""
        if self.loss.n_draws:
            draws = self.baseline.new_zeros(len(self.baseline), 1, self.loss.n_draws)
            extra = {**extra, DRAWS: draws}
        super().begin_epoch(extra)

    def draw(self, seeds: Sequence[int], epoch: int, step: int) -> None:
        """Write standard normal numbers into the state, each model's from its own seed."""
        if self.loss.n_draws:
            for k, seed in enumerate(seeds):
                source = generator(seed, "loss", epoch, step)
                self.epoch_state[DRAWS][k] = torch.randn(1, self.loss.n_draws, generator=source)

    def end_epoch(self, weight: Tensor) -> Tensor:
        """Return the mean loss of an epoch, after the loss has taken note of its terms."""
        means = super().end_epoch(weight.unsqueeze(-1))
        self.loss.note_epoch(means, self.state)
        return self.loss.combined(means, self.state)

    def forward(self, raw: Tensor, batch: Batch, state: State) -> Forward:
        """Compute what a step minimises, and the terms that its model is judged by."""
        leaf, y, sample_weight = self._seen(raw, batch)
        leaf.requires_grad_()
        with torch.enable_grad():
            terms = self.loss.terms(leaf, y, state, sample_weight)
            total = self.loss.objective(terms, row_sums(sample_weight), state)
        return Forward(leaf, y, sample_weight, total, terms.detach())


@dataclass(frozen=True)
class Forward:
    """What a group has computed of a batch.

    Attributes
    ----------
    leaf : Tensor of shape (models, rows, targets, outputs)
        Raw output; its gradient is that of Σwℓ / rows.
    y : Tensor of shape (models, rows, targets)
    sample_weight : Tensor of shape (models, rows)
    total : Tensor of shape (models,) or None
        Σwℓ, where it was needed for the gradient.
    terms : Tensor of shape (models, n_terms) or None
        Σwℓ of each term, for a composite loss.
    """

    leaf: Tensor
    y: Tensor
    sample_weight: Tensor
    total: Tensor | None
    terms: Tensor | None = None

    @property
    def slope(self) -> Tensor:
        """The gradient by raw output, (models, rows, width)."""
        grad = torch.zeros_like(self.leaf) if self.leaf.grad is None else self.leaf.grad
        return grad.flatten(2)


def loss_groups(modules: Sequence[LossModule]) -> list[LossGroup]:
    """Group the models of a stack, in their order, by the structure of their losses."""
    groups: list[LossGroup] = []
    first = 0
    for _, run in groupby(modules, key=lambda module: module.structure):
        members = list(run)
        groups.append(group_type(members[0].loss)(members, first))
        first += len(members)
    return groups


def group_type(loss: Loss) -> type[LossGroup]:
    """Return how models with a loss are computed at once."""
    if loss.is_composite:
        return CompositeGroup
    return WholeBatchGroup if loss.whole_batch and not loss.compares_rows else LossGroup


def forward_all(groups: Sequence[LossGroup], raw: Tensor, batch: Batch) -> list[Forward]:
    """Compute the gradients of all groups, and add those of what the losses train."""
    done = [group.forward(raw, batch, group.epoch_state) for group in groups]
    totals = [each.total for each in done if each.total is not None and each.total.requires_grad]
    if totals:
        leaves = [each.leaf for each in done if each.leaf.requires_grad]
        trained = [p for group in groups for p in group.epoch_state.values() if p.requires_grad]
        # One backward pass over the sum of all models leaves each model's gradient untouched.
        with torch.enable_grad():
            total = concatenated(totals).sum() / batch.n_rows
        _add_gradients(total, [*leaves, *trained])
    return done


def _add_gradients(total: Tensor, leaves: Sequence[Tensor]) -> None:
    """Add the gradients of a total to those of its leaves.

    `backward` would do so, too, but warns of parameters that are views into a buffer of several
    models.
    """
    found = torch.autograd.grad(total, leaves, allow_unused=True)
    for leaf, gradient in zip(leaves, found, strict=True):
        if leaf.grad is None:
            leaf.grad = gradient
        elif gradient is not None:
            leaf.grad.add_(gradient)


def _state_of_stack(states: Sequence[State]) -> State:
    """Return the states of single models as one; what trains becomes one parameter for all."""
    if len(states) == 1:
        return states[0]
    first = states[0]
    tensors = {key: torch.cat([state[key].detach() for state in states]) for key in first}
    trained = {key: nn.Parameter(tensors[key]) for key in first.trained}
    return State({**tensors, **trained}, first.trained)


def concatenated(of_groups: Sequence[Tensor]) -> Tensor:
    """Return what groups have computed as one tensor, along the axis of models."""
    return of_groups[0] if len(of_groups) == 1 else torch.cat(list(of_groups))


def noted(total: Tensor) -> Any:
    """Return a small tensor as something that many batches can keep one of: numbers of Python.

    A tensor per batch would lie between larger ones that are freed, whose memory then is not given
    back.  On another device, where reading numbers would wait for them, it stays a tensor.
    """
    return total.tolist() if total.device.type == "cpu" else total


def summed(totals: Sequence[Any], like: Tensor | None = None) -> Tensor:
    """Add up tensors (models, ...), in the same order for one model as for many.

    They may be as `noted` returns them, in the dtype of another tensor.
    """
    # Side by side along the last axis lie the numbers of a model.
    if isinstance(totals[0], Tensor):
        return torch.stack(list(totals), -1).sum(-1)
    assert like is not None
    return torch.tensor(totals, dtype=like.dtype).movedim(0, -1).contiguous().sum(-1)


def _resized(values: Tensor, n_rows: int) -> Tensor:
    """Return a copy (models, rows, width) with rows cut off, or rows of zeros at the end."""
    shared = min(n_rows, values.shape[1])
    if shared == n_rows:
        return values[:, :n_rows].clone(memory_format=torch.contiguous_format)
    out = values.new_zeros(len(values), n_rows, values.shape[2])
    out[:, :shared] = values[:, :shared]
    return out
