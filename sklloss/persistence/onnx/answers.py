"""The answers of a fitted estimator as outputs of a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...estimators.distributions.predictive import checked_levels, levels_of
from ...estimators.fit.estimator import NeuralEstimator
from ...estimators.tables.regressor import NO_ROWS, NeuralRegressor
from ...estimators.targets.answers import Answer
from ...estimators.targets.labels import LearnedLabels
from ...losses.base import State
from ...parameters.names import did_you_mean
from .distributions import Distribution, StackedMixture
from .graph import Graph, Port
from .networks import raw_output
from .traced import Traced
from .values import TRACED_ROWS, OnnxError, dtype_of, name_of

# Levels and coverage of quantiles and intervals, as the estimators' methods have them.
LEVELS = (0.1, 0.5, 0.9)
COVERAGE = 0.8


@dataclass(frozen=True)
class Members:
    """What all members return, and what their losses have learned.

    Attributes
    ----------
    estimator : NeuralEstimator
    raw : Traced of shape (members, n_samples, n_targets, n_outputs)
    state : State
        Stacked along the axis of models.
    """

    estimator: NeuralEstimator
    raw: Tensor
    state: State

    @classmethod
    def of(cls, estimator: NeuralEstimator, scaled: Traced) -> Members:
        """Let the networks see rows that are scaled for them."""
        raw = raw_output(estimator, scaled)
        states = [net.loss.readable(net.criterion_.state) for net in estimator.members_]
        stacked = {
            key: torch.cat([state[key].detach().cpu() for state in states]) for key in states[0]
        }
        return cls(estimator, raw, State(stacked))

    def said(self, answer: Answer) -> Tensor:
        """Return an answer, as the estimator's methods compute it."""
        raw = self.raw.double() if answer.wide else self.raw
        return answer.of_members.cpu()(answer.of_member(raw, self.state))

    @property
    def distribution(self) -> Distribution:
        """What a regressor predicts of y."""
        estimator: Any = self.estimator
        learned, loss = estimator._learned, estimator.loss_
        wide = State({key: value.double() for key, value in self.state.items()})
        scaler = learned.target_scaler
        mixture = StackedMixture(loss, [self.raw.double()], [wide], scaler)
        calibration = None
        if learned.fixed.get("calibrate"):
            calibration = learned.target.calibration
            if calibration is None:
                raise ValueError(NO_ROWS)
        return Distribution(mixture, calibration)


@dataclass(frozen=True)
class Output:
    """An output of a graph.

    Attributes
    ----------
    name : str
    compute : callable
        From `Members` to the tensor.
    meaning : str
    labels : LearnedLabels or None
        Whose classes indices become.
    is_column : bool
        Whether the axis of targets is left out.
    """

    name: str
    compute: Callable[[Members], Tensor]
    meaning: str
    labels: LearnedLabels | None = None
    is_column: bool = False

    def add(self, graph: Graph, members: Members) -> None:
        """Add the output to a graph."""
        found = self.compute(members)
        found = found[:, 0] if self.is_column else found
        name, dtype = self.named(graph, found)
        graph.rename(name, self.name)
        shape = tuple("rows" if size == TRACED_ROWS else size for size in found.shape)
        graph.outputs.append(Port(self.name, dtype, shape, self.meaning))

    def named(self, graph: Graph, found: Tensor) -> tuple[str, str]:
        """Return the name of the values in a graph, and their type: those of labels if there are."""
        name, dtype = name_of(graph, found), dtype_of(found.dtype)
        if self.labels is None or self.labels.is_multi_label:
            return name, dtype
        return _labelled(graph, name, self.labels.classes)


def _labelled(graph: Graph, index: str, classes: np.ndarray) -> tuple[str, str]:
    """Return the labels of indices, as text or as numbers."""
    dtype = {"b": "bool", "f": "float64", "i": "int64", "u": "int64"}.get(classes.dtype.kind, "str")
    if classes.dtype.kind == "u" and classes.max() > np.iinfo(np.int64).max:
        raise OnnxError(f"the label {classes.max()} is no int64. Use smaller numbers, or text")
    values: Any = [str(each) for each in classes] if dtype == "str" else classes.astype(dtype)
    return graph.node("Gather", graph.constant(values), index), dtype


def outputs_of(
    estimator: NeuralEstimator, names: Sequence[str] | None, quantiles: Any, coverage: float | None
) -> list[Output]:
    """Return the outputs that are asked for, all answers if none is named.

    Raises
    ------
    ValueError
        If there is none of a name, or a level is none.
    """
    known = {each.name: each for each in _answers(estimator)}
    if isinstance(estimator, NeuralRegressor):
        _check_has_quantiles(estimator, quantiles is not None or coverage is not None)
        found = _of_distribution(estimator, quantiles, coverage)
        known |= {each.name: each for each in found}
    elif quantiles is not None or coverage is not None:
        raise ValueError(
            f"quantiles and coverage are for NeuralRegressor; got a {type(estimator).__name__}."
            " Leave them out."
        )
    if names is None:
        return [each for each in known.values() if each.name.rpartition(".")[2] != "raw"]
    wanted = [names] if isinstance(names, str) else list(names)
    if not wanted:
        raise ValueError(
            f"outputs is empty. Name some of {', '.join(map(repr, known))}, or leave it at None."
        )
    for name in wanted:
        if name not in known:
            hint = did_you_mean(str(name), list(known))
            raise ValueError(
                f"to_onnx has no output {name!r} for loss {estimator.loss_.label!r}; it has"
                f" {', '.join(map(repr, known))}. {hint}".rstrip()
            )
    return [known[name] for name in dict.fromkeys(wanted)]


def _check_has_quantiles(estimator: Any, is_asked: bool) -> None:
    """Raise if quantiles are asked for that the loss does not have."""
    if not is_asked:
        return
    try:
        _ = estimator.predict_quantiles
    except AttributeError as error:
        why = error.__cause__ or error
        raise ValueError(f"quantiles and coverage are of no use here: {why}") from error


def _answers(estimator: Any) -> list[Output]:
    """Return what is answered for every kind of estimator."""
    found = []
    for key, answer in estimator._answers.items():
        task, name = key if isinstance(key, tuple) else (None, key)
        if name == "auto":
            continue
        labels = getattr(answer.decode, "__self__", None)
        meaning = "Raw output of the networks" if name == "raw" else f"As {name}"
        meaning += f", task {task!r}" if task is not None else ""
        full = name if task is None else f"{task}.{name}"
        found.append(Output(full, _said(answer), f"{meaning}.", labels))
    return found


def _said(answer: Answer) -> Callable[[Members], Tensor]:
    return lambda members: members.said(answer)


def _of_distribution(estimator: Any, quantiles: Any, coverage: float | None) -> list[Output]:
    """Return what a regressor says beside its prediction."""
    loss, is_column = estimator.loss_, estimator._learned.target.is_column
    found: list[Output] = []
    if hasattr(estimator, "predict_quantiles"):
        levels = _levels(loss, quantiles)
        text = ", ".join(f"{level:g}" for level in levels)
        found.append(
            Output(
                "predict_quantiles",
                lambda members: members.distribution.quantiles(levels),
                f"The quantiles {text}.",
                is_column=is_column,
            )
        )
        ends = _ends(loss, coverage)
        if ends is not None:
            found.append(
                Output(
                    "predict_interval",
                    lambda members: members.distribution.quantiles(ends),
                    f"The interval of coverage {ends[1] - ends[0]:g}.",
                    is_column=is_column,
                )
            )
    if hasattr(loss, "predict_std"):
        # With calibrate=True, too, both are those of the members.
        found += [
            Output(
                "predict_std",
                lambda members: members.distribution.mixture.std(),
                "The standard deviation of y.",
                is_column=is_column,
            ),
            Output(
                "predict_mean",
                lambda members: members.distribution.mixture.mean(),
                "The mean of y.",
                is_column=is_column,
            ),
        ]
    return found


def _levels(loss: Any, quantiles: Any) -> np.ndarray:
    """Return levels, by default the usual ones, or those that a loss has learned."""
    if quantiles is not None:
        return _checked(loss, checked_levels(quantiles, "to_onnx"))
    learned = None if hasattr(loss, "cdf") else getattr(loss, "quantiles", None)
    return np.array(LEVELS if learned is None else learned, dtype=np.float64)


def _ends(loss: Any, coverage: float | None) -> np.ndarray | None:
    """Return the ends of the interval, None where nobody asked and the loss does not know it."""
    levels = np.array(levels_of(COVERAGE if coverage is None else coverage, "to_onnx"))
    try:
        return _checked(loss, levels)
    except ValueError:
        if coverage is not None:
            raise
        return None


def _checked(loss: Any, levels: np.ndarray) -> np.ndarray:
    """Raise for levels outside those that a loss has learned."""
    known = None if hasattr(loss, "cdf") else getattr(loss, "quantiles", None)
    if known is not None:
        outside = levels[(levels < known[0] - 1e-6) | (levels > known[-1] + 1e-6)]
        if len(outside):
            raise ValueError(
                f"{loss.label} was trained on levels from {known[0]:g} to {known[-1]:g};"
                f" {outside[0]:g} lies outside. Add it to quantiles= and fit again."
            )
    return levels
