"""What parameters such as "auto" stand for, given the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np
import torch

from ...training import optimizer_spec
from ...training.checkpoints.fit_checkpoint import without_checkpoint
from ..inputs.base import Inputs
from ..inputs.sample import Sample
from .splits import N_FOLDS


class AutoRules:
    """What "auto" stands for, whatever the network."""

    batch_min, batch_max, batches_per_epoch = 200, 1024, 50
    hidden_layer_sizes: tuple[int, ...] = (100,)
    module_params: Mapping[str, Any] = {}
    # Whether an epoch leaves out the rows that do not fill a batch.
    drops_rest = False

    def batch_size(self, n_rows: int) -> int:
        """Return how many rows a step takes."""
        return min(
            n_rows, max(self.batch_min, min(self.batch_max, n_rows // self.batches_per_epoch))
        )

    def max_epochs(self, n_rows: int, n_steps: int, holds_out: bool) -> int:
        """Return how many epochs are trained at most, given the rows and the steps of one."""
        return 200

    def n_iter_no_change(self, n_rows: int, n_steps: int, holds_out: bool) -> int:
        """Return after how many epochs without improvement training stops."""
        return 10

    def lr(self, optimizer: Any, widths: Sequence[int], n_inputs: int, holds_out: bool) -> float:
        """Return the learning rate that training starts with, given the hidden layers' widths."""
        return optimizer_spec(optimizer).lr

    def weight_decay(self, optimizer: Any) -> float | None:
        """Return the penalty on weights, None where the target says it."""
        return None


class TableRules(AutoRules):
    """What "auto" stands for where `NeuralRegressor` or `NeuralClassifier` learns a table.

    ``docs/defaults.md`` has the evidence for each number.
    """

    hidden_layer_sizes = (128, 128)
    module_params: Mapping[str, Any] = {"linear_path": True, "init": "fan_in"}
    drops_rest = True
    # Fewer rows are one batch, and none of them is held out.
    least_rows = 200

    def batch_size(self, n_rows: int) -> int:
        """Return all rows of a small table, else few, for many steps."""
        if n_rows < self.least_rows:
            return n_rows
        return 64 if n_rows < 1000 else 128 if n_rows < 6000 else 256

    def max_epochs(self, n_rows: int, n_steps: int, holds_out: bool) -> int:
        """Return 40 epochs or 600 steps, which held-out rows cut short; without them 20 or 100.

        From 6,400 training rows on epochs are fewer, by the square root of the rows.
        """
        if not holds_out:
            return max(20, ceil(100 / n_steps))
        return max(min(40, ceil(3200 / sqrt(n_rows))), ceil(600 / n_steps))

    def n_iter_no_change(self, n_rows: int, n_steps: int, holds_out: bool) -> int:
        """Return a third of the epochs, at most 8, or 10 without held-out rows; or 60 steps."""
        at_most = self.max_epochs(n_rows, n_steps, holds_out)
        patience = min(8, ceil(at_most / 3)) if holds_out else 10
        return max(patience, ceil(60 / n_steps))

    def lr(self, optimizer: Any, widths: Sequence[int], n_inputs: int, holds_out: bool) -> float:
        """Return for adamw a large rate where held-out rows end training.

        Else the number of steps is fixed, and what a network becomes in them goes with rate times
        width; a step of a linear model goes with rate times inputs.
        """
        if not optimizer_spec(optimizer).decoupled:
            return super().lr(optimizer, widths, n_inputs, holds_out)
        most = 0.003 if holds_out else min(0.02, 0.064 / min(widths, default=1))
        return most if widths else min(most, 0.5 / n_inputs)

    def weight_decay(self, optimizer: Any) -> float | None:
        """Return the decay that is usual with adamw, none for others."""
        return 0.01 if optimizer_spec(optimizer).decoupled else 0.0


ANY, TABLE = AutoRules(), TableRules()


def rules_of(estimator: Any, inputs: Inputs) -> AutoRules:
    """Return what "auto" stands for."""
    learns_table = inputs.encodes() and isinstance(estimator.module, str)
    return TABLE if learns_table and estimator._has_table_rules else ANY


@dataclass(frozen=True)
class Members:
    """How many networks a fit trains, and whether they hold rows out.

    Attributes
    ----------
    number : int
    holds_out : bool
        Whether each has validation rows, which decide when it stops.
    """

    number: int
    holds_out: bool


def members_of(
    estimator: Any, inputs: Inputs, has_rows: Callable[[int], bool], goes_on: bool = False
) -> Members:
    """Return the members of a fit.

    Parameters
    ----------
    estimator : NeuralEstimator
    inputs : Inputs
    has_rows : callable
        Whether there are so many distinct rows.
    goes_on : bool, default=False
        Whether epochs are trained that somebody asks for.
    """
    number, early = estimator.n_members, estimator.early_stopping
    is_bagged = "auto" in (number, early) and not goes_on and _can_bag(estimator, inputs, has_rows)
    holds_out = is_bagged if early == "auto" else bool(early) and not goes_on
    if number == "auto":
        number = N_FOLDS if is_bagged and holds_out else 1
    return Members(int(number), holds_out)


def _can_bag(estimator: Any, inputs: Inputs, has_rows: Callable[[int], bool]) -> bool:
    """Return whether several members are trained, each without a part of the rows."""
    return bool(
        rules_of(estimator, inputs) is TABLE
        and not (has_callbacks(estimator) or estimator.warm_start)
        and not optimizer_spec(estimator.optimizer).full_batch
        and has_rows(TABLE.least_rows)
    )


def few_rows(estimator: Any, inputs: Inputs, sample: Sample) -> bool:
    """Return whether so few rows are distinct that a step takes all of them."""
    is_ruled = estimator.batch_size == "auto" and rules_of(estimator, inputs) is TABLE
    return is_ruled and not sample.has_distinct_rows(TABLE.least_rows)


def has_callbacks(estimator: Any) -> bool:
    """Return whether there are callbacks that act while a net trains, in any form of a list."""
    callbacks = without_checkpoint(estimator.callbacks)
    return callbacks is not None and len(callbacks) > 0


def batch_size(estimator: Any, inputs: Inputs, n_rows: int) -> int:
    """Return how many rows a step takes."""
    if estimator.batch_size != "auto":
        return int(estimator.batch_size)  # torch does not split by a number of NumPy
    if optimizer_spec(estimator.optimizer).full_batch:
        return n_rows
    if inputs.batch is not None:
        return min(n_rows, inputs.batch)
    return rules_of(estimator, inputs).batch_size(n_rows)


def drops_rest(estimator: Any, inputs: Inputs) -> bool:
    """Return whether an epoch leaves out the rows that do not fill a batch."""
    return estimator.batch_size == "auto" and rules_of(estimator, inputs).drops_rest


def epochs(estimator: Any, inputs: Inputs, n_rows: int, holds_out: bool) -> tuple[int, float]:
    """Return how many epochs are trained at most, and without improvement."""
    rules = rules_of(estimator, inputs)
    n_steps = n_rows / batch_size(estimator, inputs, n_rows)
    n_steps = int(n_steps) if drops_rest(estimator, inputs) else ceil(n_steps)
    given = estimator.max_epochs, estimator.n_iter_no_change
    ruled = rules.max_epochs, rules.n_iter_no_change
    at_most, patience = (
        rule(n_rows, max(1, n_steps), holds_out) if value == "auto" else value
        for value, rule in zip(given, ruled, strict=True)
    )
    return at_most, patience


def learning_rate(estimator: Any, inputs: Inputs, n_inputs: int, holds_out: bool) -> float:
    """Return the learning rate that training starts with."""
    if estimator.lr != "auto":
        return float(estimator.lr)  # torch takes no fractions
    rules, widths = rules_of(estimator, inputs), hidden_widths(estimator)
    return rules.lr(estimator.optimizer, widths, n_inputs, holds_out)


def hidden_widths(estimator: Any) -> tuple[Any, ...]:
    """Return the widths of the hidden layers, none where an estimator has no such parameter."""
    widths = getattr(estimator, "hidden_layer_sizes", ())
    if isinstance(widths, str):
        return rules_of(estimator, estimator._inputs).hidden_layer_sizes
    return tuple(widths) if np.iterable(widths) else (widths,)


def dtype_name(estimator: Any, inputs: Inputs, n_axes: int, n_rows: int) -> str:
    """Return the precision of training: float64 is cheap for one batch of a table alone."""
    if estimator.dtype != "auto":
        return estimator.dtype
    one_batch = n_rows <= batch_size(estimator, inputs, n_rows)
    return "float64" if n_axes <= 1 and one_batch else "float32"


def device_of(estimator: Any) -> torch.device:
    """Return where an estimator trains.

    Raises
    ------
    ValueError
        If there is no such device here.
    """
    if estimator.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if estimator.device == "cpu":
        return torch.device("cpu")
    try:
        one = torch.ones(1, device=estimator.device)
        one.item()  # raises where a device such as "meta" holds no numbers
        return one.device
    except (RuntimeError, TypeError, AssertionError, OverflowError, ValueError) as error:
        raise ValueError(
            f"device={estimator.device!r} cannot be used here ({str(error).splitlines()[0]}). Use"
            " 'cpu', or 'auto' for a GPU if there is one."
        ) from None
