"""Weightings of the losses of several tasks.

``factors`` multiply the tasks' losses in training. The reported loss, which early stopping uses,
has fixed factors instead, because a sum whose weights change falls or rises by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Interval, Satisfies, check_in_domain
from ...parameters.names import did_you_mean
from ..base import PACE, POSITIVE, State
from .weighting import Sizes, Weighting

# Least size of a loss whose logarithm is taken.
LEAST_SIZE = 1e-3
# A log variance stays this close to its start: a task that is fitted exactly would take all.
LOG_VARIANCE_LIMIT = 5.0
PAIRS = Satisfies(
    lambda value: (
        isinstance(value, tuple)
        and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value)
    ),
    "a tuple of (task, weight) pairs",
)


@dataclass(frozen=True)
class EqualWeights(Weighting):
    """Every task's mean loss counts the same.

    Examples
    --------
    >>> EqualWeights().fixed(("price", "sold"))
    (1.0, 1.0)
    """

    name: ClassVar[str] = "equal"
    when: ClassVar[str] = (
        "The first to try, and enough if the losses are of similar size, as those of scaled numbers"
        " are."
    )


@dataclass(frozen=True)
class FixedWeights(Weighting):
    """Your own weights; only their ratios count.

    Parameters
    ----------
    weights : tuple of (str, float) pairs
        Finite weights >= 0, not all 0; tasks that are left out have 1.

    Examples
    --------
    >>> FixedWeights((("price", 3.0),)).fixed(("price", "sold"))
    (1.5, 0.5)
    """

    name: ClassVar[str] = "fixed"
    when: ClassVar[str] = "You know how much each task matters to you."

    weights: tuple[tuple[str, float], ...] = ()

    def check_params(self) -> None:
        """Raise a ValueError if they are no pairs, or a weight is negative or not finite."""
        check_in_domain("FixedWeights", "weights", self.weights, PAIRS, "Or give a dict.")
        for name, weight in self.weights:
            if weight not in Interval(0):
                raise ValueError(
                    f"weighting needs finite weights >= 0; got {weight!r} for the task {name!r}."
                    " Give 0 to a task that should not be learned."
                )

    def fixed(self, names: tuple[str, ...]) -> tuple[float, ...]:
        """Return the weights divided by their mean.

        Raises
        ------
        ValueError
            If there is no task of one of the names, or all weights are 0.
        """
        known = dict(self.weights)
        unknown = [name for name in known if name not in names]
        if unknown:
            raise ValueError(
                f"weighting names the task {unknown[0]!r}, which y does not have; its tasks are"
                f" {list(names)}. Rename it or leave it out."
            )
        given = [float(known.get(name, 1.0)) for name in names]
        largest = max(given)
        if largest == 0:
            raise ValueError(
                f"weighting is 0 for every task of {list(names)}. Give some task a weight > 0."
            )
        mean = math.fsum(weight / largest for weight in given) / len(given)
        return tuple(weight / largest / mean for weight in given)


@dataclass(frozen=True)
class UncertaintyWeights(Weighting):
    """Trained weights: the loss of each task is divided by a variance that is learned with it.

    ``L / (2 exp s) + s/2`` for numbers and ``L / exp s + s/2`` for labels, where s is the logarithm
    of the variance.  At the optimum, exp s is L (2 L for labels), so that only relative progress in
    a task counts.  s starts at the optimum for the best constant and stays within ±5 of it, because
    a task that is fitted exactly would get an infinite weight.

    L is the loss minus its lower bound, so that losses that may be negative, such as ``poisson``,
    have a variance, too.

    References
    ----------
    Kendall, A., Gal, Y. and Cipolla, R., Multi-Task Learning Using Uncertainty to Weigh Losses for
    Scene Geometry and Semantics, 2018, arXiv 1705.07115.

    Examples
    --------
    >>> sizes = Sizes(torch.tensor([0.5, 0.5]), torch.tensor([0.0, 1.0]))
    >>> state = UncertaintyWeights().prepare(sizes)
    >>> UncertaintyWeights().factors(state)
    tensor([[1., 1.]])
    """

    name: ClassVar[str] = "uncertainty"
    reference: ClassVar[str] = "Kendall 1705.07115"
    when: ClassVar[str] = (
        "Losses differ in size, or some tasks are much noisier than others. Not if a noisy task is"
        " the one that matters most to you."
    )
    compares_sizes: ClassVar[bool] = True

    def prepare(self, sizes: Sizes) -> State:
        """Start each variance at its optimum for the best constant."""
        scale = (1 + sizes.is_label) / 2
        start = (2 * scale * sizes.constant).clamp(min=LEAST_SIZE).log().unsqueeze(0)
        entries = {
            "raw_log_variance": torch.zeros_like(start),
            "start_log_variance": start,
            "likelihood_scale": scale.unsqueeze(0),
        }
        return State(entries, ["raw_log_variance"])

    def log_variance(self, state: State) -> Tensor:
        """Return s, the logarithm of each task's variance.

        Parameters
        ----------
        state : State
            The state of the joint loss.

        Returns
        -------
        Tensor of shape (..., 1, n_tasks)
            One number per task.
        """
        away = PACE * state["raw_log_variance"]
        return state["start_log_variance"] + away.clamp(-LOG_VARIANCE_LIMIT, LOG_VARIANCE_LIMIT)

    def factors(self, state: State) -> Tensor:
        """Return ``1 / (2 exp s)`` for numbers, ``1 / exp s`` for labels."""
        return state["likelihood_scale"] * torch.exp(-self.log_variance(state))

    def penalty(self, state: State) -> Tensor:
        """Return ``s/2``."""
        return self.log_variance(state) / 2

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return the ``log_variance`` of each task."""
        return {"log_variance": self.log_variance(state)}


@dataclass(frozen=True)
class DynamicWeightAverage(Weighting):
    """Dynamic weight average: tasks whose loss has fallen least count most.

    ``n softmax(r / T)`` over the n tasks, ``r = L(last epoch) / L(epoch before)``; equal in the
    first two epochs.  L is the loss minus its lower bound.

    Parameters
    ----------
    temperature : float, default=2.0
        T > 0; the larger, the more equal the weights.

    References
    ----------
    Liu, S., Johns, E. and Davison, A. J., End-to-End Multi-Task Learning with Attention, 2019,
    arXiv 1803.10704.

    Examples
    --------
    >>> weighting = DynamicWeightAverage()
    >>> state = weighting.prepare(Sizes(torch.ones(2), torch.zeros(2)))
    >>> state["fixed"] = torch.ones(1, 2)
    >>> for losses in ([1.0, 1.0], [1.0, 0.2]):
    ...     weighting.note_epoch(torch.tensor([losses]), state)
    >>> weighting.factors(state)
    tensor([[1.1974, 0.8026]])
    """

    name: ClassVar[str] = "dwa"
    reference: ClassVar[str] = "Liu 1803.10704"
    when: ClassVar[str] = (
        "Tasks are learned at different speeds. Its weights rarely differ much from 1; a lower"
        " temperature increases the contrast."
    )
    compares_sizes: ClassVar[bool] = True

    temperature: float = parameter(2.0, POSITIVE)

    def prepare(self, sizes: Sizes) -> State:
        """Remember no epoch yet."""
        none = torch.zeros_like(sizes.constant).unsqueeze(0)
        return State({"last_losses": none, "losses_before": none.clone()})

    def factors(self, state: State) -> Tensor:
        """Return ``n softmax(r / T)``."""
        last, before = state["last_losses"], state["losses_before"]
        is_known = (last > 0) & (before > 0)
        rate = torch.where(is_known, last, 1.0) / torch.where(is_known, before, 1.0)
        return rate.shape[-1] * torch.softmax(rate / self.temperature, -1)

    def note_epoch(self, sizes: Tensor, state: State) -> None:
        """Move the last epoch to the one before."""
        state["losses_before"].copy_(state["last_losses"])
        state["last_losses"].copy_(sizes)


@dataclass(frozen=True)
class RandomWeights(Weighting):
    """Random loss weighting: new random weights at every step, which are equal on average.

    ``n softmax(normal draws)`` over the n tasks.  The draws follow from ``random_state``.

    References
    ----------
    Lin, B., Ye, F., Zhang, Y. and Tsang, I. W., Reasonable Effectiveness of Random Weighting, 2022,
    arXiv 2111.10603.

    Examples
    --------
    >>> RandomWeights().factors(State({"draws": torch.zeros(1, 2), "fixed": torch.ones(1, 2)}))
    tensor([[1., 1.]])
    """

    name: ClassVar[str] = "random"
    reference: ClassVar[str] = "Lin 2111.10603"
    when: ClassVar[str] = (
        "As a baseline that other weightings should beat. Its noise can also help training to leave"
        " poor local optima."
    )
    draws: ClassVar[bool] = True

    def factors(self, state: State) -> Tensor:
        """Return ``n softmax(draws)`` in training, 1 elsewhere."""
        if "draws" not in state:
            return state["fixed"]
        return state["draws"].shape[-1] * torch.softmax(state["draws"], -1)


WEIGHTINGS: dict[str, type[Weighting]] = {
    cls.name: cls for cls in (EqualWeights, UncertaintyWeights, DynamicWeightAverage, RandomWeights)
}


def get_weighting(weighting: Any) -> Weighting:
    """Return the `Weighting` that a name, dict, class or instance stands for.

    Parameters
    ----------
    weighting : {"equal", "uncertainty", "dwa", "random"}, dict, Weighting class or instance
        A dict has a weight per task.

    Raises
    ------
    ValueError
        If there is no such weighting, or a parameter of it is outside what is allowed.
    TypeError
        If it is none of the accepted forms.

    Examples
    --------
    >>> get_weighting("dwa")
    DynamicWeightAverage(temperature=2.0)
    """
    if isinstance(weighting, type) and issubclass(weighting, Weighting):
        weighting = weighting()
    if isinstance(weighting, str):
        weighting = _by_name(weighting)
    if isinstance(weighting, Mapping):
        pairs = ((str(name), weight) for name, weight in weighting.items())
        weighting = FixedWeights(tuple(pairs))
    if not isinstance(weighting, Weighting):
        raise TypeError(
            f"weighting needs to be one of {', '.join(map(repr, WEIGHTINGS))}, a dict of task to"
            f" weight, or a Weighting; got {weighting!r}."
        )
    weighting.check_params()
    return weighting


def _by_name(name: str) -> Weighting:
    if name not in WEIGHTINGS:
        raise ValueError(
            f"weighting needs to be one of {', '.join(map(repr, WEIGHTINGS))}, or a dict of task to"
            f" weight; got {name!r}. {did_you_mean(name, WEIGHTINGS, n=1)}".rstrip()
        )
    return WEIGHTINGS[name]()
