"""Which fits are trained together, and in what order."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import torch
from scipy import sparse

from ..estimators.fit.networks import hidden_widths
from ..estimators.fit.settings import batch_size, dtype_name
from .candidates import Candidate
from .stack_size import physical_memory, sizes, stack_size
from .steps import FittedSteps, net_of


class Shape(NamedTuple):
    """What the data of the models of one stack have in common."""

    n_rows: int
    n_columns: int
    is_sparse: bool


@dataclass(frozen=True, eq=False)
class Fit:
    """A candidate on a split.

    Attributes
    ----------
    candidate : Candidate
    split : int
    shape : Shape
        That of the rows which its net is trained on.
    steps : FittedSteps or None
        The fitted steps around its net; None where there are none, or where it is fitted alone.
    """

    candidate: Candidate
    split: int
    shape: Shape
    steps: FittedSteps | None = None


@dataclass(frozen=True, eq=False)
class Stack:
    """What a worker does at a time: fits that are trained together, or one that is fitted alone."""

    fits: tuple[Fit, ...]
    alone: bool = False


def shape_of(X: Any, n_rows: int) -> Shape:
    """Return the shape of n_rows rows of X."""
    shape: tuple[int, ...] = getattr(X, "shape", ())
    return Shape(n_rows, shape[-1] if len(shape) > 1 else 1, sparse.issparse(X))


def stacks_of(fits: Iterable[Fit], at_most: int | str, n_workers: int) -> list[Stack]:
    """Put fits that can share a program into stacks, each of the others into one of its own.

    Parameters
    ----------
    fits : iterable of Fit
    at_most : int or "auto"
        Models of a stack.
    n_workers : int
        How many workers the stacks are spread over.

    Returns
    -------
    list of Stack
        A stack covers as few splits as its size allows; in it, equal losses are neighbours.
    """
    alone: list[Stack] = []
    groups: dict[Hashable, list[Fit]] = {}
    for fit in fits:
        if fit.candidate.sharing is None:
            alone.append(Stack((fit,), alone=True))
        else:
            groups.setdefault((fit.candidate.sharing, fit.shape), []).append(fit)
    stacks = [stack for group in groups.values() for stack in _stacks(group, at_most, n_workers)]
    return stacks + alone


def _stacks(group: list[Fit], at_most: int | str, n_workers: int) -> list[Stack]:
    losses: dict[Hashable, int] = {}
    for fit in group:
        losses.setdefault(fit.candidate.loss, len(losses))

    def by_loss(fit: Fit) -> tuple[int, ...]:
        candidate = fit.candidate
        return losses[candidate.loss], fit.split, candidate.number, candidate.seed

    most = automatic_size(group[0], n_workers) if at_most == "auto" else int(at_most)
    queue = iter(sorted(group, key=lambda fit: (fit.split, *by_loss(fit))))
    together = [list(islice(queue, size)) for size in sizes(len(group), most, n_workers)]
    return [Stack(tuple(sorted(fits, key=by_loss))) for fits in together]


def automatic_size(fit: Fit, n_workers: int) -> int:
    """Return the size of a stack of models like that of a fit."""
    net = net_of(fit.candidate.estimator)
    n_rows, n_columns, _ = fit.shape
    n_outputs = 1 if net._loss.task == "regression" else 2
    return stack_size(
        (n_columns, *map(int, hidden_widths(net)), n_outputs),
        min(batch_size(net, net._inputs, n_rows), n_rows),
        n_rows,
        n_workers=n_workers,
        memory=physical_memory(),
        itemsize=getattr(torch, dtype_name(net, net._inputs, 1, n_rows)).itemsize,
    )
