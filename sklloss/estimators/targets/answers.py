"""A fitted estimator as one plain ``nn.Module``, from X as it is to the prediction."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...losses.base import RegressionLoss, State, logits_of
from ...training import InputScaler, LossModule, LossNet, TargetScaler


def mean_over_members(said: Tensor) -> Tensor:
    """Drop the leading axis."""
    return said.mean(0)


class Reading(NamedTuple):
    """How raw output becomes an output of the module.

    Attributes
    ----------
    of_member : callable
        ``of_member(raw, state)`` returns what each member says, numbers that may be averaged, (1, n_samples, n_targets, ...).
    of_mean : nn.Module
        Turns their mean, without the leading axis, into the output.
    together : callable
        What makes one of what all members say, (members, n_samples, n_targets, ...), where it is not the mean.
    """

    of_member: Callable[[Tensor, State], Tensor]
    of_mean: nn.Module
    together: Callable[[Tensor], Tensor] = mean_over_members


class FittedModule(nn.Module):
    """A fitted estimator as a plain module: scaling of X, networks, link of the loss and scale of y in one ``forward``.

    It is made by ``to_module`` of the estimators, is a copy of its own in evaluation mode, and exports with ``torch.export``,
    the number of rows dynamic.  Scaling and what the loss learnt are buffers and parameters, so that ``to`` and ``state_dict``
    hold everything; no parameter asks for gradients until ``requires_grad_()``.

    Parameters
    ----------
    members : sequence of Member
        Fitted networks of one loss; what they say is averaged.
    scaling : InputScaling
        What X passes first.
    of_mean : nn.Module
        Turns the mean of what the members say into the output.
    together : callable, default=mean_over_members
        What makes one of what they say, where it is not the mean.

    Notes
    -----
    X is scaled, and predictions of a regressor are put on the scale of y, in float64 whatever the network's dtype.  For a device
    without float64, call ``float()`` first: all of it is float32 then.

    Unlike ``predict``, it does not look at the values in X: NaN gives NaN.  Every loss of the catalogue exports; one of your own does
    where its ``predict``, ``decision_function`` or ``predict_proba`` does not look at values either.
    """

    def __init__(
        self,
        members: Sequence[Member],
        scaling: InputScaling,
        of_mean: nn.Module,
        together: Callable[[Tensor], Tensor] = mean_over_members,
    ) -> None:
        super().__init__()
        self.together = together
        self.scaling = scaling
        self.members = nn.ModuleList(members)
        self.of_mean = of_mean

    @classmethod
    def of_nets(
        cls,
        nets: Sequence[LossNet],
        input_scaler: InputScaler,
        input_shape: tuple[int, ...],
        reading: Reading,
    ) -> FittedModule:
        """Return the module of fitted nets, one model each, that were trained on X scaled alike.

        Parameters
        ----------
        nets : sequence of LossNet
            One, or the members of an ensemble.
        input_scaler : InputScaler
            How the estimator scales X.
        input_shape : tuple of int
            The shape of a row of X, (n_features,) for tables.
        reading : Reading
            What comes out.
        """
        members = [Member(net, reading.of_member) for net in nets]
        scaling = InputScaling(input_scaler, input_shape)
        shared = cls(members, scaling, reading.of_mean, reading.together)
        own = copy.deepcopy(shared).to(nets[0].criterion_.baseline.device)
        for tensor in (*own.parameters(), *own.buffers()):
            tensor.data = tensor.data.contiguous()  # training may lay weights out transposed
        return own.eval().requires_grad_(False)

    def forward(self, X: Tensor) -> Tensor:
        """Return the output for X as the estimator takes it.

        Parameters
        ----------
        X : Tensor of shape (n_samples, n_features)
            Features, not scaled; float64 where they need it.

        Raises
        ------
        ValueError
            If X has another shape.
        """
        scaled = self.scaling(X)
        said = [member(scaled.clone()) for member in self.members]  # a network may write into it
        return self.of_mean(self.together(torch.stack(said)))


class Member(nn.Module):
    """One network and what its loss learnt: from scaled X to what may be averaged over networks, (n_samples, n_targets, ...)."""

    def __init__(self, net: LossNet, of_member: Callable[[Tensor, State], Tensor]) -> None:
        super().__init__()
        self.network: nn.Module = net.module_
        self.criterion: LossModule = net.criterion_
        self.raw_shape = net.raw_shape or (self.criterion.constant.shape[1], -1)
        self.of_member = of_member

    def forward(self, scaled: Tensor) -> Tensor:
        """Give the network's output the contract's shape, and read it."""
        baseline = self.criterion.get_buffer("baseline")  # (1, targets, outputs)
        output = self.network(scaled.to(baseline.dtype))
        output = output.flatten(1) if output.ndim > 1 else output.unsqueeze(1)
        raw = output.unflatten(1, self.raw_shape).unsqueeze(0)
        return self.of_member(raw, self.criterion.state)[0]


class InputScaling(nn.Module):
    """What an `InputScaler` does to dense X, in the dtype of its buffers."""

    mean: Tensor
    scale: Tensor

    def __init__(self, scaler: InputScaler, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.input_shape = input_shape
        of_channels = (input_shape[0],) + (1,) * (len(input_shape) - 1)
        mean = np.zeros(of_channels) if scaler.mean is None else scaler.mean
        scale = np.ones(of_channels) if scaler.scale is None else scaler.scale
        self.register_buffer("mean", torch.from_numpy(mean))
        self.register_buffer("scale", torch.from_numpy(scale))

    def forward(self, X: Tensor) -> Tensor:
        """(X - mean) / scale."""
        if X.ndim == 3 and len(self.input_shape) == 3:
            X = X.unsqueeze(1)  # the axis of channels
        if tuple(X.shape[1:]) != self.input_shape:
            raise ValueError(
                f"This module takes X of shape (n_samples, {', '.join(map(str, self.input_shape))}); got {tuple(X.shape)}. Give the"
                " features that the estimator was trained on, in their order."
            )
        return (X.to(self.mean.dtype) - self.mean) / self.scale


class OnScaleOfY(nn.Module):
    """What a `TargetScaler` undoes, in the dtype of its buffers: (n_samples, n_targets), or (n_samples,) where y was a column."""

    centre: Tensor
    scale: Tensor

    def __init__(self, scaler: TargetScaler, y_is_column: bool) -> None:
        super().__init__()
        self.register_buffer("centre", torch.from_numpy(scaler.centre))
        self.register_buffer("scale", torch.from_numpy(scaler.scale))
        self.y_is_column = y_is_column

    def forward(self, prediction: Tensor) -> Tensor:
        """Prediction * scale + centre."""
        restored = prediction * self.scale + self.centre
        return restored.squeeze(1) if self.y_is_column else restored


class InOrderOfClasses(nn.Module):
    """Scores or probabilities per rank, (n_samples, n_targets, classes or 1), to columns in the order of ``classes_``.

    A single score, for two classes, is that of the second of ``classes_``; of several labels only the presence is kept.
    """

    rank: Tensor

    def __init__(self, rank: np.ndarray, multi_label: bool) -> None:
        super().__init__()
        self.register_buffer("rank", torch.from_numpy(rank))
        self.multi_label = multi_label

    def forward(self, values: Tensor) -> Tensor:
        """Return (n_samples, n_classes), (n_samples, n_labels), or (n_samples,)."""
        if self.multi_label:
            return values[..., -1]
        column = values[:, 0]
        if column.shape[-1] == 1:
            return column[:, 0] * (1 - 2 * self.rank[0])
        return column[:, self.rank]


def side_by_side(vectors: Tensor) -> Tensor:
    """Return the unit vectors of members, (members, n_samples, 1, n_components), as (n_samples, 1, members * n_components), of length 1."""
    return torch.cat(list(vectors / len(vectors) ** 0.5), -1)


class JoinedVectors(nn.Module):
    """The vectors of rows, (n_samples, 1, width) to (n_samples, width)."""

    def forward(self, vectors: Tensor) -> Tensor:
        """Drop the axis of targets."""
        return vectors[:, 0]


class LogOdds(nn.Module):
    """Mean probabilities of several members to the scores that decide, (n_samples, n_targets, classes or 1 for two)."""

    def forward(self, probabilities: Tensor) -> Tensor:
        """Return their log odds."""
        return log_odds(probabilities)


class ChosenClass(nn.Module):
    """Scores per rank to the index into ``classes_`` that their argmax or their sign chooses; 0 or 1 for each of several labels."""

    order: Tensor

    def __init__(self, rank: np.ndarray, multi_label: bool) -> None:
        super().__init__()
        self.register_buffer("order", torch.from_numpy(np.argsort(rank)))
        self.multi_label = multi_label

    def forward(self, scores: Tensor) -> Tensor:
        """Return (n_samples,) or (n_samples, n_labels)."""
        single = scores.shape[-1] == 1
        ranks = (scores.squeeze(-1) > 0).long() if single else scores.argmax(-1)
        return ranks if self.multi_label else self.order[ranks[:, 0]]


def raw_itself(raw: Tensor, state: State) -> Tensor:
    """Return raw output as it is."""
    return raw


RAW = Reading(raw_itself, nn.Identity())


def regression_readings(
    loss: RegressionLoss, scaler: TargetScaler, y_is_column: bool
) -> dict[str, Reading]:
    """Return what a regressor's module can put out."""
    return {"predict": Reading(loss.predict, OnScaleOfY(scaler, y_is_column)), "raw": RAW}


def log_odds(probabilities: Tensor) -> Tensor:
    """Return the logits of probabilities (..., n_classes), finite also where one is 0."""
    return logits_of(probabilities.clamp(min=torch.finfo(probabilities.dtype).tiny))


def classification_readings(
    loss: Any, rank: np.ndarray, multi_label: bool, by_mean_posterior: bool
) -> dict[str, Reading]:
    """Return what a classifier's module can put out; "auto" is probabilities, or the decision where there are none.

    Parameters
    ----------
    loss : ClassificationLoss
    rank : ndarray of shape (n_classes,)
        The rank of each of ``classes_`` among the class indices that the loss saw.
    multi_label : bool
    by_mean_posterior : bool
        Whether the mean of several members' probabilities decides.
    """
    columns, chosen = InOrderOfClasses(rank, multi_label), ChosenClass(rank, multi_label)
    return readings_of_classes(loss, columns, chosen, by_mean_posterior)


def readings_of_classes(
    loss: Any, shown: nn.Module, chosen: nn.Module, by_mean_posterior: bool
) -> dict[str, Reading]:
    """Return the same for any arrangement of the classes.

    Parameters
    ----------
    loss : ClassificationLoss
    shown, chosen : nn.Module
        From what the loss says of the classes to what the estimator says of them, and to the class that it chooses.
    by_mean_posterior : bool
        Whether the mean of several members' probabilities decides.
    """

    def scored(then: nn.Module) -> Reading:
        if by_mean_posterior:
            return Reading(loss.predict_proba, nn.Sequential(LogOdds(), then))
        return Reading(loss.decision_function, then)

    decision, choice = scored(shown), scored(chosen)
    readings = {"auto": decision, "predict": choice, "decision_function": decision, "raw": RAW}
    if hasattr(loss, "predict_proba"):
        readings["auto"] = readings["predict_proba"] = Reading(loss.predict_proba, shown)
    return readings


def chosen_reading(readings: Mapping[str, Reading], output: str, label: str) -> Reading:
    """Return the reading of a name.

    Raises
    ------
    ValueError
        If there is none for this loss.
    """
    if not isinstance(output, str) or output not in readings:
        raise ValueError(
            f"to_module has no output={output!r} for loss {label!r}; it has {', '.join(map(repr, readings))}."
        )
    return readings[output]
