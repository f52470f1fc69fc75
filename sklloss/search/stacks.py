"""Which fits are trained together, how many at a time, and in what order."""

from __future__ import annotations

import math
import os
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Any

import torch

from ..estimators.fit.estimator import NeuralEstimator
from ..estimators.fit.settings import batch_size, dtype_name, hidden_widths, members_of
from ..estimators.fit.together import epochs_of, members_and_epochs
from ..training import Pause
from .candidates import Candidate
from .cluster.kept import AnySteps
from .steps import Shape, net_of, path_to_net

# Bytes that each step of a stack touches again: about what a core's share of the caches holds.
CACHE = 6 * 2**20
# Share of the machine's memory for the data of all stacks that train at a time.
MEMORY_SHARE = 0.25
# What a step of a model takes besides its products, and each weight for each row of it, about.
SECONDS_OF_STEP, SECONDS_OF_PRODUCT = 3e-5, 3e-10
# Models beyond which a stack saves no more time.
MOST = 100


@dataclass(frozen=True, eq=False)
class Fit:
    """A candidate on a split.

    Attributes
    ----------
    candidate : Candidate
    split : int
    shape : Shape
        That of the rows which its net is trained on.
    steps : FittedSteps, KeptSteps or None
        The fitted steps around its net; None where there are none, or where it is fitted alone.
    pauses : sequence of Pause or None
        Where the trainings of its members go on; None where they begin.
    start : int
        After which epoch they go on.
    until : int or None
        The epoch after which they pause; None where they are trained to their end.
    """

    candidate: Candidate
    split: int
    shape: Shape
    steps: AnySteps | None = None
    pauses: Sequence[Pause | None] | None = None
    start: int = 0
    until: int | None = None

    @property
    def key(self) -> tuple[int, int, int]:
        """The numbers of its candidate, split and seed."""
        return self.candidate.number, self.split, self.candidate.seed

    @property
    def epochs(self) -> int:
        """How many epochs it is trained for, over its members, as far as can be said before."""
        net, counted = net_of(self.candidate.estimator), (self.start, self.until)
        is_net = isinstance(net, NeuralEstimator)
        return epochs_of(net, self.shape.n_rows, *counted) if is_net else 1

    def gone_on(self, pauses: Sequence[Pause | None] | None) -> Fit:
        """Return the fit that goes on where an earlier process was in it."""
        if pauses is None or self.candidate.sharing is None:
            return self
        start = max(0 if pause is None else len(pause.history) for pause in pauses)
        return replace(self, pauses=pauses, start=start)

    @property
    def cost(self) -> float:
        """About how long it takes, in seconds of a core, as far as can be said before."""
        net = net_of(self.candidate.estimator)
        if not isinstance(net, NeuralEstimator):
            return SECONDS_OF_STEP
        try:
            widths = (self.shape.n_columns, *map(int, hidden_widths(net)), 1)
            n_weights = sum(a * b + b for a, b in pairwise(widths))
            batch = min(batch_size(net, net._inputs, self.shape.n_rows), self.shape.n_rows)
            n_steps = self.epochs * math.ceil(self.shape.n_rows / batch)
        except (TypeError, ValueError):
            return SECONDS_OF_STEP  # The fit will fail.
        return n_steps * (SECONDS_OF_STEP + batch * n_weights * SECONDS_OF_PRODUCT)

    @property
    def is_cut(self) -> bool:
        """Whether it pauses before its end."""
        return self.until is not None and self.until < self.max_epochs

    @property
    def params(self) -> dict[str, Any]:
        """What is set on a clone of the estimator where it is fitted alone."""
        candidate = self.candidate
        if not self.is_cut:
            return candidate.params
        path = path_to_net(candidate.estimator) or ()
        return {**candidate.params, "__".join((*path, "max_epochs")): self.until}

    @property
    def max_epochs(self) -> int:
        """How many epochs each member is trained for at most, as far as can be said before."""
        return members_and_epochs(net_of(self.candidate.estimator), self.shape.n_rows)[1]


@dataclass(frozen=True, eq=False)
class Stack:
    """What a worker does at a time: fits that are trained together, or one that is fitted alone."""

    fits: tuple[Fit, ...]
    alone: bool = False


def stacks_of(
    fits: Iterable[Fit], at_most: int | str, n_workers: int, memory: float
) -> list[Stack]:
    """Put fits that can share a program into stacks, each of the others into one of its own.

    Parameters
    ----------
    fits : iterable of Fit
    at_most : int or "auto"
        Models of a stack.
    n_workers : int
        How many workers the stacks are spread over.
    memory : float
        Bytes that these have together.

    Returns
    -------
    list of Stack
        A stack covers as few splits as its size allows; in it, equal losses are neighbours.  Stacks
        of the same candidates follow each other, so that the first of them are finished early.
    """
    alone: list[Stack] = []
    groups: dict[Hashable, list[Fit]] = {}
    for fit in fits:
        if fit.candidate.sharing is None:
            alone.append(Stack((fit,), alone=True))
        else:
            groups.setdefault((fit.candidate.sharing, fit.shape), []).append(fit)
    spread = at_most, n_workers, memory
    stacks = [stack for group in groups.values() for stack in _stacks(group, *spread)]
    # The first candidates are trained on all splits before the last are on any.
    stacks.sort(key=lambda stack: min(fit.candidate.number for fit in stack.fits))
    return stacks + alone


def _stacks(group: list[Fit], at_most: int | str, n_workers: int, memory: float) -> list[Stack]:
    losses = {loss: i for i, loss in enumerate(dict.fromkeys(fit.candidate.loss for fit in group))}

    def by_loss(fit: Fit) -> tuple[int, ...]:
        candidate = fit.candidate
        return losses[candidate.loss], fit.split, candidate.number, candidate.seed

    most = automatic_size(group[0], n_workers, memory) if at_most == "auto" else int(at_most)

    queue = iter(sorted(group, key=lambda fit: (fit.split, *by_loss(fit))))
    together = [islice(queue, size) for size in sizes(len(group), most, n_workers)]
    return [Stack(tuple(sorted(fits, key=by_loss))) for fits in together]


def automatic_size(fit: Fit, n_workers: int, memory: float) -> int:
    """Return how many fits like this one make a stack, each of as many models as it has members."""
    net = net_of(fit.candidate.estimator)
    n_rows, n_columns, _ = fit.shape
    n_outputs = 1 if net._loss.task == "regression" else 2
    members = members_of(net, net._inputs, lambda least: n_rows >= least)
    n_models = stack_size(
        (n_columns, *map(int, hidden_widths(net)), n_outputs),
        min(batch_size(net, net._inputs, n_rows), n_rows),
        n_rows,
        n_workers=n_workers,
        memory=memory,
        itemsize=getattr(torch, dtype_name(net, net._inputs, 1, n_rows)).itemsize,
    )
    return max(1, n_models // members.number)


def stack_size(
    widths: Sequence[int],
    batch_size: int,
    n_rows: int,
    *,
    n_workers: int = 1,
    memory: float = 2**33,
    itemsize: int = 4,
) -> int:
    """Return how many models of one shape train together at most.

    Parameters
    ----------
    widths : sequence of int
        Of the layers, from features to outputs.
    batch_size : int
        Rows per step.
    n_rows : int
        Rows that each model is trained on.
    n_workers : int, default=1
        Stacks that train at a time.
    memory : float, default=2**33
        Bytes of the machine.
    itemsize : int, default=4
        Bytes of a number.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> stack_size((10, 64, 64, 1), 128, 10_000)
    29
    >>> stack_size((10, 1), 64, 300), stack_size((100, 1024, 1024, 1), 1024, 100_000)
    (100, 1)
    """
    n_weights = sum(a * b + b for a, b in pairwise(widths))
    activations = 2 * batch_size * sum(widths[1:])  # values and gradients
    in_cache = CACHE // (itemsize * (activations + 4 * n_weights))  # with gradient and two moments
    rows = n_rows * (widths[0] + 2) * itemsize
    in_memory = int(MEMORY_SHARE * memory / n_workers // max(rows, 1))
    return max(1, min(in_cache, in_memory, MOST))


def sizes(n_models: int, at_most: int, n_workers: int) -> list[int]:
    """Return the sizes of the stacks that models are spread over.

    They are nearly equal, and as many as keep all workers busy.

    Examples
    --------
    >>> sizes(50, 22, 1), sizes(50, 22, 2), sizes(3, 22, 2), sizes(1, 22, 2)
    ([17, 17, 16], [13, 13, 12, 12], [2, 1], [1])
    """
    n_stacks = math.ceil(n_models / at_most)
    n_stacks = min(n_models, math.ceil(n_stacks / n_workers) * n_workers)
    return [n_models // n_stacks + (i < n_models % n_stacks) for i in range(n_stacks)]


def physical_memory() -> float:
    """Return the bytes of the machine's memory, 8 GiB where that is unknown."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return float(2**33)
