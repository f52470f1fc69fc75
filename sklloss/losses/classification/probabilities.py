"""Losses for classification on softmax probabilities, each with its class posterior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Interval
from ..base import POSITIVE, ClassificationLoss, State
from ..regression.robust import huber

# Share of the softmax in posteriors that are clipped, so that there are no ties and no zeros, and
# the argmax stays the same.
SOFTMAX_SHARE = 1e-6


def logits(raw: Tensor) -> Tensor:
    """Return one logit per class; a single output z stands for the pair (0, z)."""
    return torch.cat((torch.zeros_like(raw), raw), -1) if raw.shape[-1] == 1 else raw


def log_probabilities(raw: Tensor) -> Tensor:
    """Return the log of the softmax, shape (..., n_samples, n_targets, n_classes)."""
    return logits(raw).log_softmax(-1)


def probabilities(raw: Tensor) -> Tensor:
    """Return the softmax, shape (..., n_samples, n_targets, n_classes)."""
    return logits(raw).softmax(-1)


def one_hot(y: Tensor, like: Tensor) -> Tensor:
    """Return the indicator of each row's class, in the shape and dtype of `like`."""
    return torch.zeros_like(like).scatter_(-1, y.unsqueeze(-1), 1.0)


def of_class(values: Tensor, y: Tensor) -> Tensor:
    """Return the entry of the class of each row: (..., n_classes) to (...)."""
    return values.gather(-1, y.unsqueeze(-1)).squeeze(-1)


def log_complement(log_p: Tensor, y: Tensor) -> Tensor:
    """Return log(1 - p_y) without cancellation, as the logsumexp of log p of the other classes."""
    return log_p.masked_fill(one_hot(y, log_p).bool(), -torch.inf).logsumexp(-1)


def log_complements(log_p: Tensor) -> Tensor:
    """Return log(1 - p_k) of every class without cancellation."""
    top = log_p.argmax(-1)
    others = torch.log1p(-log_p.exp().clamp(max=0.75))
    is_top = one_hot(top, log_p).bool()
    return torch.where(is_top, log_complement(log_p, top).unsqueeze(-1), others)


def rest_of(log_p: Tensor, y: Tensor) -> Tensor:
    """Return 1 - p_y without cancellation."""
    return log_complement(log_p, y).exp()


def clipped_posterior(values: Tensor, raw: Tensor) -> Tensor:
    """Clip values to [0, 1] and normalise them to probabilities that keep the argmax of raw."""
    clipped = values.clamp(0, 1)
    return untied_posterior(clipped / clipped.sum(-1, keepdim=True).clamp(min=1e-12), raw)


def untied_posterior(p: Tensor, raw: Tensor) -> Tensor:
    """Mix a little softmax into probabilities that reach 0 and 1, to avoid ties."""
    mixed = (1 - SOFTMAX_SHARE) * p + SOFTMAX_SHARE * probabilities(raw)
    return mixed / mixed.sum(-1, keepdim=True)


class PosteriorLoss(ClassificationLoss):
    """Base of the losses with a class posterior: `inverse_link`, unless a subclass overrides it."""

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """Return the class posterior, shape (..., n_samples, n_targets, n_classes)."""
        return self.inverse_link(raw, state)


class SoftmaxLoss(PosteriorLoss):
    """Base of the losses of softmax probabilities."""

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return the softmax probabilities."""
        return probabilities(raw)


@dataclass(frozen=True)
class CrossEntropy(SoftmaxLoss):
    """Cross-entropy, also called log loss.

    ``-log p`` with p the softmax probability of the true class; with smoothing ε the target is
    ``1 - ε + ε/K`` for the true class and ``ε/K`` for the others. Equal to
    ``torch.nn.CrossEntropyLoss``. ``predict_proba`` undoes the smoothing: ``(p - ε/K) / (1 - ε)``,
    clipped.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        The share ε of each label that is spread over all classes, in [0, 1).

    References
    ----------
    Good, I. J., Rational Decisions, JRSS B 1952. Szegedy, C. et al., Rethinking the Inception
    Architecture, 2016.

    Examples
    --------
    >>> import torch
    >>> loss = CrossEntropy()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(0.6931)
    """

    name: ClassVar[str] = "cross_entropy"
    aliases: ClassVar[tuple[str, ...]] = (
        "log_loss",
        "ce",
        "nll",
        "bce",
        "binary_crossentropy",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "CrossEntropyLoss",
        "NLLLoss",
    )
    metric: ClassVar[str | None] = "neg_log_loss"
    reference: ClassVar[str] = "Good 1952; Szegedy 2016"
    when: ClassVar[str] = (
        "The default, with probabilities that you can use. With wrong labels see"
        " generalized_cross_entropy, with rare classes and a balanced score logit_adjusted."
    )

    label_smoothing: float = parameter(0.0, Interval(0, 1, closed="left"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``-(1 - ε) log p_y - ε mean_k log p_k``."""
        log_p = log_probabilities(raw)
        smoothing = state["label_smoothing"]
        return (smoothing - 1) * of_class(log_p, y) - smoothing * log_p.mean(-1)

    def gradient(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``p - (1 - ε) e_y - ε/K``."""
        p = probabilities(raw)
        smoothing = state["label_smoothing"].unsqueeze(-1)
        slope = p - (1 - smoothing) * one_hot(y, p) - smoothing / p.shape[-1]
        return slope[..., -raw.shape[-1] :]

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """Return ``(p - ε/K) / (1 - ε)``, clipped, if labels were smoothed; else p."""
        p = probabilities(raw)
        smoothing = state["label_smoothing"].unsqueeze(-1)
        undone = (p - smoothing / p.shape[-1]) / (1 - smoothing)
        return torch.where(smoothing > 0, clipped_posterior(undone, raw), p)


@dataclass(frozen=True)
class Brier(SoftmaxLoss):
    """Squared error of the probabilities, the Brier score.

    ``‖p - e_y‖²`` with p the softmax probabilities and e_y the one-hot label. Its optimum is the
    class posterior.

    References
    ----------
    Brier, G. W., Verification of Forecasts Expressed in Terms of Probability, Monthly Weather
    Review 1950.

    Examples
    --------
    >>> import torch
    >>> Brier().pointwise(torch.tensor([[[0.0]]]), torch.tensor([[1]]), {})
    tensor([[0.5000]])
    """

    name: ClassVar[str] = "squared_error"
    aliases: ClassVar[tuple[str, ...]] = ("mse", "brier", "mean_squared_error", "MSELoss")
    metric: ClassVar[str | None] = "neg_brier_score"
    reference: ClassVar[str] = "Brier 1950"
    when: ClassVar[str] = (
        "Probabilities that a few wrong labels cannot spoil, since no row costs more than 2. Rows"
        " that are badly misclassified are learned more slowly than with cross_entropy."
    )

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``Σ_k (p_k - e_k)²``."""
        p = probabilities(raw)
        return ((p - one_hot(y, p)) ** 2).sum(-1)


@dataclass(frozen=True)
class ProbabilityAbsoluteError(SoftmaxLoss):
    """Absolute error of the probabilities.

    ``‖p - e_y‖₁ = 2 (1 - p_y)``. Robust to symmetric label noise. Its optimum puts all mass on the
    mode of the posterior, so ``predict_proba`` is close to one-hot: its argmax is meaningful, its
    size is not.

    References
    ----------
    Ghosh, A., Kumar, H. and Sastry, P. S., Robust Loss Functions under Label Noise for Deep Neural
    Networks, 2017.

    Examples
    --------
    >>> import torch
    >>> ProbabilityAbsoluteError().pointwise(torch.tensor([[[0.0]]]), torch.tensor([[1]]), {})
    tensor([[1.]])
    """

    name: ClassVar[str] = "absolute_error"
    aliases: ClassVar[tuple[str, ...]] = ("mae", "mean_absolute_error", "L1Loss")
    functional: ClassVar[str] = "mode"
    metric: ClassVar[str | None] = "accuracy"
    reference: ClassVar[str] = "Ghosh 2017"
    when: ClassVar[str] = (
        "Labels are wrong at random, there are few classes, and only the decision matters. Not for"
        " many or imbalanced classes, where it can settle on the largest one."
    )

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``2 Σ_{j≠y} p_j``, which is ``2 (1 - p_y)`` without cancellation."""
        p = probabilities(raw)
        return 2 * (p * (1 - one_hot(y, p))).sum(-1)


@dataclass(frozen=True)
class ProbabilityHuber(SoftmaxLoss):
    """Huber loss of the probabilities.

    ``Σ_k H(p_k - e_k)`` with H Huber's function: ``½ r²`` if ``|r| <= delta``, else
    ``delta (|r| - ½ delta)``. Its optimum is not the posterior, but determines it, and
    ``predict_proba`` solves for it. With ``A = min(1 - p, delta)`` and ``B = min(p, delta)`` it is
    ``(B - λ) / (A + B)``, where λ makes the probabilities sum to one, clipped; for delta >= 1 it
    is p itself.

    Parameters
    ----------
    delta : float, default=0.5
        Size of the residual at which the parabola becomes a line, > 0, in units of probability.

    References
    ----------
    Huber, P. J., Robust Estimation of a Location Parameter, Annals of Mathematical Statistics 1964.

    Examples
    --------
    >>> import torch
    >>> loss = ProbabilityHuber()
    >>> y = torch.tensor([[1]])
    >>> loss.pointwise(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor([[0.2500]])
    """

    name: ClassVar[str] = "huber"
    aliases: ClassVar[tuple[str, ...]] = ("HuberLoss",)
    reference: ClassVar[str] = "Huber 1964"
    when: ClassVar[str] = (
        "Between squared_error and absolute_error: wrong labels pull less than with the former,"
        " and there still are probabilities. Search delta below 1; from 1 on it is half of"
        " squared_error."
    )

    delta: float = parameter(0.5, POSITIVE)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``Σ_k H(p_k - e_k)``."""
        p = probabilities(raw)
        return huber(p - one_hot(y, p), state["delta"].unsqueeze(-1)).sum(-1)

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """Return the posterior for which these probabilities are optimal."""
        p = probabilities(raw)
        delta = state["delta"].unsqueeze(-1)
        above, below = torch.minimum(1 - p, delta), torch.minimum(p, delta)
        reach = above + below
        excess = ((below / reach).sum(-1, keepdim=True) - 1) / (1 / reach).sum(-1, keepdim=True)
        return torch.where(delta >= 1, p, clipped_posterior((below - excess) / reach, raw))
