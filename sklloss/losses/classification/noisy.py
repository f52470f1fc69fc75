"""Losses for classification with wrong labels."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Choice, Either, Interval, Tuple, check_in_domain
from ..base import MIN_SHARE, POSITIVE, DecisionLoss, State
from .polynomial import bent_posterior
from .probabilities import (
    SoftmaxLoss,
    clipped_posterior,
    log_probabilities,
    logits,
    of_class,
    one_hot,
    rest_of,
)

# Reverse cross-entropy takes 1e-4 as the probability of an impossible label; this is its -log.
LOG_OF_ZERO = 9.21


@dataclass(frozen=True)
class GeneralizedCrossEntropy(SoftmaxLoss):
    """Generalised cross-entropy: between cross-entropy and absolute error, robust to wrong labels.

    ``(1 - p^q) / q``. ``predict_proba`` is ``softmax((1 - q) z)``; small probabilities are poorly
    trained.

    Parameters
    ----------
    q : float, default=0.7
        In (0, 1): near 0 cross-entropy, near 1 absolute error.

    References
    ----------
    Zhang, Z. and Sabuncu, M. R., Generalized Cross Entropy Loss for Training Deep Neural Networks
    with Noisy Labels, 2018, arXiv 1805.07836.

    Examples
    --------
    >>> import torch
    >>> loss = GeneralizedCrossEntropy(q=0.5)
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(0.5858)
    """

    name: ClassVar[str] = "generalized_cross_entropy"
    aliases: ClassVar[tuple[str, ...]] = ("gce",)
    reference: ClassVar[str] = "Zhang & Sabuncu 1805.07836"
    when: ClassVar[str] = (
        "Some labels are wrong, you do not know which, and you want probabilities of the likely"
        " classes. On clean labels cross_entropy is more precise."
    )

    q: float = parameter(0.7, Interval(0, 1, closed="neither"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``-expm1(q log p) / q``."""
        return -torch.expm1(state["q"] * of_class(log_probabilities(raw), y)) / state["q"]

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """Return ``softmax((1 - q) z)``."""
        return ((1 - state["q"].unsqueeze(-1)) * logits(raw)).softmax(-1)


@dataclass(frozen=True)
class SymmetricCrossEntropy(SoftmaxLoss):
    """Symmetric cross-entropy: cross-entropy and its reverse, robust to wrong labels.

    ``alpha (-log p) + beta A (1 - p)`` with ``A = 9.21``. ``predict_proba`` is that of poly1 with
    ``epsilon = beta A / alpha``. With the defaults this is 92, which magnifies small errors of p.

    Parameters
    ----------
    alpha : float, default=0.1
        Weight of cross-entropy, > 0.
    beta : float, default=1.0
        Weight of the reverse cross-entropy, >= 0.

    References
    ----------
    Wang, Y. et al., Symmetric Cross Entropy for Robust Learning with Noisy Labels, 2019, arXiv
    1908.06112.

    Examples
    --------
    >>> import torch
    >>> loss = SymmetricCrossEntropy()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(4.6743)
    """

    name: ClassVar[str] = "symmetric_cross_entropy"
    aliases: ClassVar[tuple[str, ...]] = ("sce",)
    reference: ClassVar[str] = "Wang 2019"
    when: ClassVar[str] = (
        "Some labels are wrong, and generalized_cross_entropy learns too slowly: this loss keeps a"
        " share of cross_entropy. On clean labels cross_entropy is more precise."
    )

    alpha: float = parameter(0.1, POSITIVE)
    beta: float = parameter(1.0, Interval(0))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``α (-log p) + β A (1 - p)``."""
        log_p = log_probabilities(raw)
        reverse = LOG_OF_ZERO * rest_of(log_p, y)
        return -state["alpha"] * of_class(log_p, y) + state["beta"] * reverse

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """Return the posterior of poly1 with ε = β A / α."""
        return bent_posterior(raw, (LOG_OF_ZERO * state["beta"] / state["alpha"]).unsqueeze(-1))


def normalized(log_p: Tensor, y: Tensor) -> Tensor:
    """Return log p_y / Σ_k log p_k."""
    return of_class(log_p, y) / log_p.sum(-1)


@dataclass(frozen=True)
class NormalizedCrossEntropy(DecisionLoss):
    """Normalised cross-entropy: bounded, robust to symmetric wrong labels.

    ``log p_y / Σ_k log p_k``. It yields only a decision, and for three or more classes even that is
    undetermined where no label is certain.

    References
    ----------
    Ma, X. et al., Normalized Loss Functions for Deep Learning with Noisy Labels, 2020, arXiv
    2006.13554.

    Examples
    --------
    >>> import torch
    >>> loss = NormalizedCrossEntropy()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(0.5000)
    """

    name: ClassVar[str] = "normalized_cross_entropy"
    aliases: ClassVar[tuple[str, ...]] = ("nce",)
    reference: ClassVar[str] = "Ma 2020"
    when: ClassVar[str] = (
        "Two classes whose labels are wrong at random, when only the decision counts. Not for"
        " three or more classes: take active_passive, which includes this loss."
    )

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``log p_y / Σ_k log p_k``."""
        return normalized(log_probabilities(raw), y)


@dataclass(frozen=True)
class ActivePassive(DecisionLoss):
    """Active passive loss: a sum of normalised cross-entropy and absolute error.

    ``alpha log p_y / Σ_k log p_k + beta (1 - p_y)``. It yields only a decision.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the normalised cross-entropy, >= 0.
    beta : float, default=1.0
        Weight of the absolute error, >= 0.

    References
    ----------
    Ma, X. et al., Normalized Loss Functions for Deep Learning with Noisy Labels, 2020, arXiv
    2006.13554.

    Examples
    --------
    >>> import torch
    >>> loss = ActivePassive()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(1.)
    """

    name: ClassVar[str] = "active_passive"
    aliases: ClassVar[tuple[str, ...]] = ("apl",)
    reference: ClassVar[str] = "Ma 2020"
    when: ClassVar[str] = (
        "Many labels are wrong, spread evenly over the classes, and only the decision counts. Not"
        " if you need probabilities, nor on clean labels."
    )

    alpha: float = parameter(1.0, Interval(0))
    beta: float = parameter(1.0, Interval(0))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``α log p_y / Σ_k log p_k + β (1 - p_y)``."""
        log_p = log_probabilities(raw)
        return state["alpha"] * normalized(log_p, y) + state["beta"] * rest_of(log_p, y)


@dataclass(frozen=True)
class Bootstrap(SoftmaxLoss):
    """Bootstrapped cross-entropy: labels are mixed with the network's own predictions.

    ``-Σ_k (beta e_k + (1 - beta) p_k) log p_k``, where the gradient goes through p. The hard
    version has the indicator of the argmax m instead of p. ``predict_proba`` undoes the mixing: it
    is ``p_k (1 + (1-beta)/beta (-log p_k - H(p)))`` in the soft version and
    ``max((p - (1-beta) e_m) / beta, 0)``, with the entry of m raised to at least the others, in the
    hard one, each normalised.

    Parameters
    ----------
    beta : float or None, default=None
        Share of the given label, in [0.8, 1] if soft and (0.5, 1] if hard. None is 0.95 if soft and
        0.8 if hard.
    hard : bool, default=False
        Whether the network's prediction is its argmax instead of its probabilities.

    References
    ----------
    Reed, S. et al., Training Deep Neural Networks on Noisy Labels with Bootstrapping, 2014, arXiv
    1412.6596.

    Examples
    --------
    >>> import torch
    >>> loss = Bootstrap()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(0.6931)
    """

    name: ClassVar[str] = "bootstrap"
    reference: ClassVar[str] = "Reed 2014"
    when: ClassVar[str] = (
        "A few labels are wrong in data that are otherwise easy: the network's own prediction"
        " counts a little. Not for many wrong labels, because an early wrong prediction confirms"
        " itself."
    )

    beta: float | None = parameter(None, Either(Choice(None), Interval(0.5, 1, closed="right")))
    hard: bool = parameter(False, Choice(True, False), structural=True)

    def check_params(self) -> None:
        """Check the hyperparameters, also that soft bootstrapping has beta >= 0.8.

        Below that, its optimum does not determine the posterior.
        """
        super().check_params()
        if not self.hard and self.beta is not None:
            remedy = "Bootstrap(hard=True) takes smaller ones."
            check_in_domain("Bootstrap", "beta", self.beta, Interval(0.8, 1), remedy)

    def stacked_params(self, n_classes: int | None) -> dict[str, float | tuple[float, ...]]:
        """Return beta, with its default filled in."""
        default = 0.8 if self.hard else 0.95
        return {"beta": default if self.beta is None else self.beta}

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``-Σ_k (β e_k + (1-β) p_k) log p_k``."""
        log_p = log_probabilities(raw)
        predicted = one_hot(log_p.argmax(-1), log_p) if self.hard else log_p.exp()
        own = (predicted * log_p).sum(-1)
        return -state["beta"] * of_class(log_p, y) - (1 - state["beta"]) * own

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """Return the posterior, with the mixing undone."""
        log_p, beta = log_probabilities(raw), state["beta"].unsqueeze(-1)
        p = log_p.exp()
        if not self.hard:
            entropy = -(p * log_p).sum(-1, keepdim=True)
            return clipped_posterior(p * (1 + (1 - beta) / beta * (-log_p - entropy)), raw)
        top = one_hot(log_p.argmax(-1), log_p)
        undone = ((p - (1 - beta) * top) / beta).clamp(min=0)
        raised = torch.where(top.bool(), undone.amax(-1, keepdim=True), undone)
        return clipped_posterior(raised / raised.sum(-1, keepdim=True), raw)


@dataclass(frozen=True)
class ForwardCorrection(SoftmaxLoss):
    """Forward correction: cross-entropy of labels with known noise.

    ``-log Σ_i p_i T[i, y]`` where ``T[i, j]`` is the probability of observing class j if class i is
    true. ``predict_proba`` is p, the posterior of the clean labels.

    Parameters
    ----------
    noise_matrix : tuple of tuples of float, or None, default=None
        The matrix T, with rows that sum to 1, in the order of ``classes_``.
    noise_rate : float, default=0.2
        If there is no matrix, the share of labels that are replaced by another class, each equally
        likely, in [0, 1).

    References
    ----------
    Patrini, G. et al., Making Deep Neural Networks Robust to Label Noise, 2017, arXiv 1609.03683.

    Examples
    --------
    >>> import torch
    >>> loss = ForwardCorrection(noise_rate=0.25)
    >>> y = torch.tensor([[1]])
    >>> loss.prepare(y, torch.ones(1), n_classes=2)["log_noise"].exp()
    tensor([[[[0.7500, 0.2500],
              [0.2500, 0.7500]]]])
    """

    name: ClassVar[str] = "forward_correction"
    functional: ClassVar[str] = "clean class posterior"
    metric: ClassVar[str | None] = "accuracy"
    reference: ClassVar[str] = "Patrini 1609.03683"
    when: ClassVar[str] = (
        "You know how often each class is mistaken for which other, and want probabilities of the"
        " true labels. Not with a guess, because the probabilities are as wrong as the matrix."
    )

    noise_matrix: tuple[tuple[float, ...], ...] | None = parameter(
        None,
        Either(Choice(None), Tuple(Tuple(Interval(0, 1), min_length=2), min_length=2)),
        structural=True,
    )
    noise_rate: float = parameter(0.2, Interval(0, 1, closed="left"), structural=True)

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Add ``log_noise``, which is log T, shape (1, 1, n_classes, n_classes)."""
        state = super().prepare(y, sample_weight, n_classes)
        noise = torch.tensor(self.matrix(n_classes or 2), dtype=sample_weight.dtype)
        state["log_noise"] = noise.to(y.device).log()[None, None]
        return state

    def matrix(self, n_classes: int) -> tuple[tuple[float, ...], ...]:
        """Return the matrix T.

        Raises
        ------
        ValueError
            If the given matrix does not hold probabilities for these classes, or is singular.
        """
        if self.noise_matrix is None:
            rate, classes = self.noise_rate, range(n_classes)
            other = rate / (n_classes - 1)
            return tuple(tuple(1 - rate if i == j else other for j in classes) for i in classes)
        sums = [sum(row) for row in self.noise_matrix]
        columns = {len(row) for row in self.noise_matrix} | {len(self.noise_matrix)}
        if columns != {n_classes} or any(abs(total - 1) > 1e-6 for total in sums):
            raise ValueError(
                f"ForwardCorrection needs noise_matrix to be {n_classes} x {n_classes}, each row"
                f" summing to 1; got rows with sums {sums}. Give P(seen j given true i) in row i."
            )
        if torch.linalg.matrix_rank(torch.tensor(self.noise_matrix).double()) < n_classes:
            raise ValueError(
                "ForwardCorrection needs a noise_matrix of full rank: through this one, different"
                " distributions of the true classes look the same."
            )
        return self.noise_matrix

    def _best_constant(self, start: Tensor, shares: Tensor, state: State) -> Tensor:
        """Minimise over constants, within logits of MIN_SHARE, as the best may be infinite."""
        reach = -2 * log(MIN_SHARE)
        return super()._best_constant(start, shares, state).clamp(-reach, reach)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``-logsumexp_i(log p_i + log T[i, y])``."""
        log_p = log_probabilities(raw)
        # (*models, seen class, true class)
        log_noise = state["log_noise"].squeeze(-3).squeeze(-3).mT
        index = y.flatten(-2).unsqueeze(-1).expand(*y.shape[:-2], -1, log_noise.shape[-1])
        seen = log_noise.expand(*y.shape[:-2], -1, -1).gather(-2, index).view(log_p.shape)
        return -(log_p + seen).logsumexp(-1)
