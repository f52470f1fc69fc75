"""Targets: what y may be, from what a user gives to what is trained on, and back to answers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...losses.base import Loss, State
from ...parameters.memory import NUMBER, check_memory
from ...parameters.refusals import count
from ...training import BatchChange, TargetScaler, TrainingSet
from ..inputs.data import FitData
from ..inputs.sample import Sample
from .answers import Answer
from .loss_values import check_loss_values


@dataclass(frozen=True)
class LearnedTarget:
    """What a fit learns of y, beside the scale of its numbers.

    Attributes
    ----------
    n_classes : int, tuple or None
        How many classes each target has, None for numbers.
    multi_label : bool
        Whether each row has any number of labels.
    """

    @property
    def n_classes(self) -> Any:
        """None: numbers have no classes."""
        return None

    @property
    def multi_label(self) -> bool:
        """False: there is one label per row, or none."""
        return False

    def check_complete(self, y: np.ndarray) -> None:
        """Raise if the targets of a `fit` that goes on lack what the first fit has learned."""

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes of the estimator."""
        return {}


class Encoded(NamedTuple):
    """Targets as numbers.

    Attributes
    ----------
    y : ndarray of shape (n_samples, n_targets)
    learned : LearnedTarget
    """

    y: np.ndarray
    learned: Any


class Start(NamedTuple):
    """Where training starts.

    Attributes
    ----------
    loss : Loss
    state : State
        What the loss has learned.
    baseline : Tensor of shape (n_targets, n_outputs)
        Raw output of the best constant.
    """

    loss: Loss
    state: State
    baseline: Tensor


class Head(NamedTuple):
    """What a network has to return for each row.

    Attributes
    ----------
    n_outputs : int
        The width that a network is built with.
    allowed : tuple of int
        The widths that are accepted.
    why : str
        What needs them, in messages.
    """

    n_outputs: int
    allowed: tuple[int, ...]
    why: str


@dataclass(frozen=True)
class Target:
    """Base of the kinds of y: a frozen value that answers everything that a fit asks about y.

    Attributes
    ----------
    starts_constant : bool
        Whether a built-in network starts at the best constant.
    held_out_answer : str or None
        The answer that members give about the rows that they hold out, None where nobody asks.
    """

    starts_constant: ClassVar[bool] = True
    held_out_answer: ClassVar[str | None] = None

    # ------------------------------------------------------------------ what is given

    def opened(self, data: FitData, before: Any) -> FitData:
        """Return what `fit` received, y in one form; `before` is what an earlier fit learned."""
        return data

    def task_names(self, data: FitData) -> Sequence[Any] | None:
        """Return the names of several tasks, None where there is one."""
        return None

    def y_options(self, data: FitData) -> dict[str, Any]:
        """Return how ``validate_data`` is to look at y; nothing where the target checks it."""
        return {}

    def rows(self, y: Any, X: Any) -> Any:
        """Return checked y with one entry per row of checked X, indexed by rows."""
        return y

    def counted(self, y: Any, weights: np.ndarray) -> np.ndarray:
        """Return weights of rows, 0 for those that do not count because of their target."""
        return weights

    def identity(self, loss: Any) -> tuple[Any, ...]:
        """Return what of a loss decides how y is encoded."""
        return ()

    def encode(
        self, y: Any, data: FitData, loss: Any, shape: tuple[int, ...], before: Any
    ) -> Encoded:
        """Turn targets into numbers, and learn what that takes.

        Parameters
        ----------
        y : object
            Checked, the rows whose weight is not 0.
        data : FitData
            What `opened` returned.
        loss : Loss
        shape : tuple of int
            The shape of a row of X.
        before : LearnedTarget or None
            What an earlier fit learned, where training goes on.

        Raises
        ------
        ValueError
            If targets are not what they may be.
        """
        raise NotImplementedError

    def with_inputs(self, learned: Any, inputs: Any) -> Any:
        """Return what `encode` has learned, with what it needs to know of what was learned of X."""
        return learned

    def weighed(self, y: np.ndarray, sample_weight: np.ndarray, learned: Any) -> np.ndarray:
        """Return weights with those of classes in them."""
        return sample_weight

    # ------------------------------------------------------------------ what suits

    def check_suits(
        self, loss: Any, sample: Sample, learned: Any, network: Callable[[], nn.Module]
    ) -> None:
        """Raise if a loss cannot be trained on these targets; `network` makes a network."""

    def stratifies(self, learned: Any) -> bool:
        """Return whether validation rows are drawn from every class alike."""
        return False

    def check_divisible(self, sample: Sample, learned: Any) -> None:
        """Raise if what has to be among training and validation rows alike cannot be."""

    def check_split(self, loss: Any, sample: Sample, learned: Any, train: Any, valid: Any) -> None:
        """Raise if training or validation rows have nothing to teach or to judge."""

    # ------------------------------------------------------------------ what is trained on

    def scaling(self, loss: Any) -> Hashable:
        """Return how a loss wants targets scaled."""
        return "none"

    def scaler(self, sample: Sample, scaling: Any, learned: Any) -> TargetScaler | None:
        """Return what scales targets, None for class indices."""
        return None

    def needs_float64(self, loss: Any, sample: Sample) -> bool:
        """Return whether the loss of single precision would hide what is to be learned."""
        return False

    def start(
        self,
        loss: Any,
        sample: Sample,
        targets: Tensor,
        learned: Any,
        dtype: torch.dtype,
        weighted: bool,
    ) -> Start:
        """Return where the training of a loss on these targets starts.

        Parameters
        ----------
        loss : Loss
        sample : Sample
        targets : Tensor of shape (n_samples, n_targets)
            Scaled targets or class indices.
        learned : LearnedTarget
        dtype : torch.dtype
            That of weights and raw output.
        weighted : bool
            Whether weights were given, which a loss then has to take.

        Raises
        ------
        ValueError or TypeError
            If the loss cannot be trained on.
        """
        row_weight, sample_weight = weights_of(sample, targets.device, dtype)
        n_outputs = loss.n_outputs(learned.n_classes, learned.multi_label)
        check_memory(
            NUMBER * n_outputs * targets.shape[1],
            f"The {n_outputs} outputs of each row that loss {loss.label!r} asks for",
            "Choose smaller hyperparameters of the loss.",
        )
        of_classes = row_weight if loss.balances else sample_weight
        state = loss.prepare(targets, of_classes, learned.n_classes)
        self.check_values(loss, targets, state, n_outputs, dtype, weighted)
        return Start(loss, state, loss.baseline(targets, sample_weight, state))

    def check_values(
        self,
        loss: Any,
        y: Tensor,
        state: State,
        n_outputs: int,
        dtype: torch.dtype,
        weighted: bool,
    ) -> None:
        """Raise if a loss cannot be trained on."""
        check_loss_values(loss, y, state, n_outputs, dtype, weighted)

    def batch_change(
        self, of_rows: BatchChange | None, learned: Any, scaler: TargetScaler | None
    ) -> BatchChange | None:
        """Return what changes the batches of a training set, from what changes rows of X."""
        return of_rows

    def auto_decay(self, loss: Any) -> float:
        """Return the L2 penalty that ``weight_decay="auto"`` stands for."""
        return 0.0

    # ------------------------------------------------------------------ networks

    def widths(self, loss: Any) -> Hashable:
        """Return what of a loss decides how wide a network ends, equal for equal widths."""
        return loss.n_outputs(2, False), loss.n_outputs(5, False)

    def head(self, start: Start, learned: Any, is_built_in: bool) -> Head:
        """Return what a network has to return."""
        width = start.baseline.numel()
        is_pair = learned.n_classes == 2 and not learned.multi_label and width == 1
        what = "two classes" if is_pair else count(len(start.baseline), "target")
        allowed = (width, 2) if is_pair else (width,)
        return Head(width, allowed, f"{start.loss.label} for {what}")

    def raw_shape(self, learned: Any) -> tuple[int, int] | None:
        """Return how raw output is read, None where the best constant says it."""
        return None

    def network_params(self, module: Any, learned: Any, scaler: Any) -> Mapping[str, Any]:
        """Return arguments of a built-in network that follow from y."""
        return {}

    def wrapped(self, network: nn.Module, is_built_in: bool) -> nn.Module:
        """Return a network whose output is read as that of the built-in ones."""
        return network

    def begin(self, module: Any, start: Start, data: TrainingSet) -> None:
        """Let a built-in network start at the best constant."""
        if self.starts_constant:
            scale = getattr(module, "output_scale", 1.0)
            module.output_bias.data.copy_(start.baseline.flatten() / scale)

    # ------------------------------------------------------------------ answers

    @property
    def needs_held_out(self) -> bool:
        """Whether something is learned from what members say of the rows that they hold out."""
        return False

    def decided(self, learned: Any, sample: Sample, said: np.ndarray) -> Any:
        """Return what was learned, with what held-out rows teach.

        Parameters
        ----------
        learned : LearnedTarget
        sample : Sample
            The rows whose weight is not 0.
        said : ndarray of shape (n_samples, ...)
            The `held_out_answer` of the members, NaN in rows that none has held out.
        """
        return learned

    @property
    def calibrates(self) -> bool:
        """Whether quantiles are corrected by what members say of the rows that they hold out."""
        return False

    def calibrated(self, learned: Any, calibration: Any) -> Any:
        """Return what was learned, with how held-out targets stand to what is predicted of them."""
        return learned

    def answers(self, loss: Any, learned: Any, scaler: Any, n_members: int) -> dict[Any, Answer]:
        """Return everything that a fitted estimator can say of a row, by name."""
        raise NotImplementedError

    def rows_at_once(self, learned: Any) -> int | None:
        """Return how many rows are answered at once, None where the network decides."""
        return None

    def tag(self, tags: Any, loss: Any) -> None:
        """Tell scikit-learn what y may be; `loss` is None where it does not resolve."""


def weights_of(sample: Sample, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return what rows count and what they weigh, as tensors."""
    row_weight = torch.from_numpy(sample.row_weight).to(device, dtype)
    if sample.sample_weight is sample.row_weight:
        return row_weight, row_weight
    return row_weight, torch.from_numpy(sample.sample_weight).to(device, dtype)
