"""Bases of the losses for regression and for classification.

The rest of the package imports the contract from here as well.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from ..parameters.domains import Interval
from ..parameters.refusals import some_of
from .loss import Loss, Task
from .minimum import minimised
from .state import PACE as PACE
from .state import State as State
from .weighted import class_mass, mean_over_targets, row_sums, weighted_mean

Scaling = Literal["standard", "robust", "scale", "none"]

# Smallest share of a class in the logits from which training starts.
MIN_SHARE = 1e-4
POSITIVE = Interval(0, closed="neither")


class RegressionLoss(Loss):
    """Base of the losses for regression.

    A loss that provides a predictive distribution defines ``predict_quantiles(raw, levels, state)``,
    ``cdf(raw, y, state)`` and ``predict_std(raw, state)``; `predict_mean` and `log_density` then
    describe that distribution.

    Attributes
    ----------
    scaling : {"standard", "robust", "scale", "none"}
        How the estimator may scale y. "standard" centres it at the mean and divides by the standard
        deviation, "robust" centres it at the median and divides by a robust scale, "scale" only
        divides, and "none" leaves y as it is.
    is_discrete : bool
        Whether its predictive distribution is one of counts.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class FourthPower(RegressionLoss):
    ...     def pointwise(self, raw, y, state):
    ...         return (raw.squeeze(-1) - y) ** 4
    >>> FourthPower()(torch.tensor([[[2.0]]]), torch.tensor([[0.0]]), {})
    tensor(16.)
    """

    task: ClassVar[Task] = "regression"
    scaling: ClassVar[Scaling] = "standard"
    is_discrete: ClassVar[bool] = False

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Minimise over constants, from the weighted mean, and from 0 in further outputs."""
        start = weighted_mean(y, sample_weight).unsqueeze(-1)
        start = torch.nn.functional.pad(start, (0, self.n_outputs() - 1))
        rows = (*y.shape, start.shape[-1])
        return minimised(start, lambda raw: self(raw.expand(rows), y, state, sample_weight))

    def link(self, y: np.ndarray) -> np.ndarray:
        """Return the raw output that stands for a prediction of y, up to an offset."""
        return y

    def predict_mean(self, raw: Tensor, state: State) -> Tensor:
        """Return the mean of the predictive distribution, (..., n_samples, n_targets)."""
        return self.inverse_link(raw, state)

    def log_density(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the log of the density of y, or of the probability of a count.

        It is minus `pointwise`, unless a loss that is no log-likelihood overrides it. Values of y
        have to lie in `y_domain`.

        Parameters
        ----------
        raw : Tensor of shape (1, n_samples, n_targets, n_outputs)
            Output of the network.
        y : Tensor of shape (1, n_samples, n_targets, n_values)
            Values at which the distribution is evaluated.
        state : State
            What `prepare` returned.

        Returns
        -------
        Tensor of shape (1, n_samples, n_targets, n_values)
            Log density, or log probability, of each value.
        """
        n_values = y.shape[-1]
        values = y.movedim(-1, 2).flatten(1, 2)
        found = self.pointwise(raw.repeat_interleave(n_values, 1), values, state)
        return -found.unflatten(1, (-1, n_values)).movedim(2, -1)

    def check_y(self, y: np.ndarray) -> None:
        """Raise a ValueError if any target lies outside the loss's domain."""
        outside = ~self.y_domain.inside(y)
        if outside.any():
            raise ValueError(
                f"{type(self).__name__} needs {self.y_domain.describe('y')};"
                f" {some_of(outside, 'value', 'are outside')}, for example {y[outside][0]:g}. Shift"
                " y, or choose a loss for real-valued y."
            )


class ClassificationLoss(Loss):
    """Base of the losses for classification.

    A single target of two classes has one output z, which stands for the pair of logits (0, z), and
    so does each label of a multi-label target. More classes have one logit each. A loss from whose
    optimum the class posterior can be recovered defines ``predict_proba``.

    Attributes
    ----------
    multi_label, multi_class : bool
        Whether the loss takes multi-label targets, and more than two classes.
    ordinal : bool
        Whether the order of the classes matters.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class MissProbability(ClassificationLoss):
    ...     def pointwise(self, raw, y, state):
    ...         return 1 - raw.softmax(-1).gather(-1, y.unsqueeze(-1)).squeeze(-1)
    >>> MissProbability()(torch.zeros(1, 1, 4), torch.tensor([[2]]), {})
    tensor(0.7500)
    """

    task: ClassVar[Task] = "classification"
    y_is_index: ClassVar[bool] = True
    multi_label: ClassVar[bool] = True
    multi_class: ClassVar[bool] = True
    ordinal: ClassVar[bool] = False
    functional: ClassVar[str] = "class posterior"

    @property
    def takes_logits(self) -> bool:
        """Whether raw output is logits: True."""
        return True

    @property
    def decides_by_posterior(self) -> bool:
        """Whether ``predict`` is the likeliest class of ``predict_proba``.

        It is not if the loss balances the decision on purpose.
        """
        return True

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return one output per class, or 1 for two classes and for each label of multi-label y."""
        n_classes = self._given(n_classes, "n_classes to know its number of outputs")
        return 1 if multi_label or n_classes == 2 else n_classes

    def n_classes_of(self, n_outputs: int) -> int:
        """Return the smallest number of classes that needs this many outputs."""
        return max(2, n_outputs)

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Return the hyperparameters, and as ``prior`` the share of the weight of each class.

        ``prior`` has the shape (1, n_targets, n_classes).
        """
        state = super().prepare(y, sample_weight, n_classes)
        n_classes = self._given(n_classes, "n_classes to prepare its state")
        state["prior"] = class_mass(y, sample_weight, n_classes).unsqueeze(0)
        return state

    def total(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the weighted sum over rows of the loss, averaged over targets, shape (n_models,).

        If the state has a ``weight_by_class``, (1, 1, n_classes), every target is multiplied by the
        weight of its class.
        """
        if "weight_by_class" not in state:
            return super().total(raw, y, state, sample_weight)
        weight = state["weight_by_class"].expand(*y.shape, -1).gather(-1, y.unsqueeze(-1))
        values = self.pointwise(raw, y, state) * weight.squeeze(-1)
        return row_sums(mean_over_targets(values) * sample_weight)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Minimise the expected loss over constants, from the logits of the class shares.

        A loss that elicits the mode starts at these logits themselves, since its best constant may
        be infinite, and training would not leave it.
        """
        shares = class_shares(y, sample_weight, state)
        start = logits_of(shares)
        return start if self.functional == "mode" else self._best_constant(start, shares, state)

    def _best_constant(self, start: Tensor, shares: Tensor, state: State) -> Tensor:
        """Minimise the expected loss under class shares (n_targets, n_classes) over constants."""
        n_targets, n_classes = shares.shape
        classes = torch.arange(n_classes, device=start.device).unsqueeze(1)
        classes = classes.expand(n_classes, n_targets)

        def expected(raw: Tensor) -> Tensor:
            values = self.pointwise(raw.expand(n_classes, *raw.shape), classes, state)
            return (shares.T * values).sum()

        return minimised(start, expected)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return the decision function, since raw output is on no scale of probability."""
        return self.decision_function(raw, state)

    def decision_function(self, raw: Tensor, state: State) -> Tensor:
        """Return a score per class, or the score of the second of two classes.

        `predict` takes the argmax, or the sign if there is one score.
        """
        return raw[..., 1:] - raw[..., :1] if raw.shape[-1] == 2 else raw

    def predict(self, raw: Tensor, state: State) -> Tensor:
        """Return the index of the class with the highest score."""
        scores = self.decision_function(raw, state)
        return (scores.squeeze(-1) > 0).long() if scores.shape[-1] == 1 else scores.argmax(-1)


class DecisionLoss(ClassificationLoss):
    """Base of the losses that yield only a decision: the likeliest class, and no posterior."""

    functional: ClassVar[str] = "mode"
    metric: ClassVar[str | None] = "accuracy"


def class_shares(y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
    """Return the share of the weight of each class, at least MIN_SHARE, (n_targets, n_classes)."""
    return class_mass(y, sample_weight, state["prior"].shape[-1]).clamp(min=MIN_SHARE)


def logits_of(shares: Tensor) -> Tensor:
    """Return the logits of class shares (..., n_classes), one for two classes."""
    log_share = shares.log()
    if log_share.shape[-1] == 2:
        return log_share[..., 1:] - log_share[..., :1]
    return log_share - log_share.mean(-1, keepdim=True)
