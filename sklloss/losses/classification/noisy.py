"""Losses for classification with wrong labels."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Choice, Either, Interval, Tuple, check_in_domain
from ..base import MIN_SHARE, ClassificationLoss, State
from .polynomial import bent_posterior
from .probabilities import (
    PosteriorLoss,
    SoftmaxLoss,
    clipped_posterior,
    log_probabilities,
    logits,
    of_class,
    one_hot,
    rest_of,
)

POSITIVE = Interval(0, closed="neither")
LOG_OF_ZERO = 9.21  # -log of the 1e-4 that reverse cross-entropy takes for an impossible label


@dataclass(frozen=True)
class GeneralizedCrossEntropy(SoftmaxLoss):
    """Generalised cross-entropy: between cross-entropy and absolute error, robust to wrong labels.

    ``(1 - p^q) / q``.  ``predict_proba`` is ``softmax((1 - q) z)``; small probabilities are poorly trained.

    Parameters
    ----------
    q : float, default=0.7
        In (0, 1): near 0 cross-entropy, near 1 absolute error.

    References
    ----------
    Zhang, Z. and Sabuncu, M. R., Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, 2018, arXiv
    1805.07836.

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
        "Some labels are wrong, you do not know which, and you want probabilities of the likely classes. On clean labels "
        "cross_entropy is more precise."
    )

    q: float = parameter(0.7, Interval(0, 1, closed="neither"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """-expm1(q log p) / q."""
        return -torch.expm1(state["q"] * of_class(log_probabilities(raw), y)) / state["q"]

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """softmax((1 - q) z)."""
        return ((1 - state["q"].unsqueeze(-1)) * logits(raw)).softmax(-1)


@dataclass(frozen=True)
class SymmetricCrossEntropy(SoftmaxLoss):
    """Symmetric cross-entropy: cross-entropy and its reverse, robust to wrong labels.

    ``alpha (-log p) + beta A (1 - p)`` with ``A = 9.21``.  ``predict_proba`` is that of poly1 with ``epsilon = beta A / alpha``;
    at the defaults that is 92, which makes small errors of p large.

    Parameters
    ----------
    alpha : float, default=0.1
        Weight of cross-entropy, > 0.
    beta : float, default=1.0
        Weight of the reverse cross-entropy, >= 0.

    References
    ----------
    Wang, Y. et al., Symmetric Cross Entropy for Robust Learning with Noisy Labels, 2019, arXiv 1908.06112.

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
        "Some labels are wrong, and generalized_cross_entropy learns too slowly: a share of cross_entropy stays in. On clean "
        "labels cross_entropy is more precise."
    )

    alpha: float = parameter(0.1, POSITIVE)
    beta: float = parameter(1.0, Interval(0))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """α (-log p) + β A (1 - p)."""
        log_p = log_probabilities(raw)
        reverse = LOG_OF_ZERO * rest_of(log_p, y)
        return -state["alpha"] * of_class(log_p, y) + state["beta"] * reverse

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """That of poly1 with ε = β A / α."""
        return bent_posterior(raw, (LOG_OF_ZERO * state["beta"] / state["alpha"]).unsqueeze(-1))


def normalized(log_p: Tensor, y: Tensor) -> Tensor:
    """Return log p_y / Σ_k log p_k."""
    return of_class(log_p, y) / log_p.sum(-1)


@dataclass(frozen=True)
class NormalizedCrossEntropy(ClassificationLoss):
    """Normalised cross-entropy: bounded, robust to symmetric wrong labels.

    ``log p_y / Σ_k log p_k``.  It gives a decision only, and for three and more classes even that is not determined where no label is sure.

    References
    ----------
    Ma, X. et al., Normalized Loss Functions for Deep Learning with Noisy Labels, 2020, arXiv 2006.13554.

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
    functional: ClassVar[str] = "mode"
    metric: ClassVar[str | None] = "accuracy"
    reference: ClassVar[str] = "Ma 2020"
    when: ClassVar[str] = (
        "Two classes whose labels are wrong at random, when only the decision counts. Not for three and more classes: take "
        "active_passive, of which this is a part."
    )

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """log p_y / Σ_k log p_k."""
        return normalized(log_probabilities(raw), y)


@dataclass(frozen=True)
class ActivePassive(ClassificationLoss):
    """Active passive loss: normalised cross-entropy and absolute error together.

    ``alpha log p_y / Σ_k log p_k + beta (1 - p_y)``.  It gives a decision only.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the normalised cross-entropy, >= 0.
    beta : float, default=1.0
        Weight of the absolute error, >= 0.

    References
    ----------
    Ma, X. et al., Normalized Loss Functions for Deep Learning with Noisy Labels, 2020, arXiv 2006.13554.

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
    functional: ClassVar[str] = "mode"
    metric: ClassVar[str | None] = "accuracy"
    reference: ClassVar[str] = "Ma 2020"
    when: ClassVar[str] = (
        "Many labels are wrong, spread evenly over the classes, and only the decision counts. Not if you need probabilities, "
        "nor on clean labels."
    )

    alpha: float = parameter(1.0, Interval(0))
    beta: float = parameter(1.0, Interval(0))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """α log p_y / Σ_k log p_k + β (1 - p_y)."""
        log_p = log_probabilities(raw)
        return state["alpha"] * normalized(log_p, y) + state["beta"] * rest_of(log_p, y)


@dataclass(frozen=True)
class Bootstrap(SoftmaxLoss):
    """Bootstrapped cross-entropy: labels mixed with the network's own opinion.

    ``-Σ_k (beta e_k + (1 - beta) p_k) log p_k``, the gradient going through p; hard: the indicator of the argmax m in place of p.
    ``predict_proba`` undoes the mixing: soft ``p_k (1 + (1-beta)/beta (-log p_k - H(p)))``, hard ``max((p - (1-beta) e_m) / beta, 0)`` with that of m
    raised to at least the others; each normalised.

    Parameters
    ----------
    beta : float or None, default=None
        Share of the given label, in [0.8, 1] soft and (0.5, 1] hard; None is 0.95 soft and 0.8 hard.
    hard : bool, default=False
        Whether the opinion is the argmax.

    References
    ----------
    Reed, S. et al., Training Deep Neural Networks on Noisy Labels with Bootstrapping, 2014, arXiv 1412.6596.

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
        "A few labels are wrong in data that are otherwise easy: the network's own opinion counts a little. Not for many "
        "wrong labels, because an early wrong opinion confirms itself."
    )

    beta: float | None = parameter(None, Either(Choice(None), Interval(0.5, 1, closed="right")))
    hard: bool = parameter(False, Choice(True, False), structural=True)

    def check_params(self) -> None:
        """Soft bootstrapping needs beta >= 0.8: below, its optimum does not tell the posterior."""
        super().check_params()
        least = "Bootstrap(hard=True) takes smaller ones."
        if not self.hard and self.beta is not None:
            check_in_domain("Bootstrap", "beta", self.beta, Interval(0.8, 1), least)

    def stacked_params(self, n_classes: int | None) -> dict[str, float | tuple[float, ...]]:
        """Return beta, its default filled in."""
        default = 0.8 if self.hard else 0.95
        return {"beta": default if self.beta is None else self.beta}

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """-Σ_k (β e_k + (1-β) p_k) log p_k."""
        log_p = log_probabilities(raw)
        opinion = one_hot(log_p.argmax(-1), log_p) if self.hard else log_p.exp()
        own = (opinion * log_p).sum(-1)
        return -state["beta"] * of_class(log_p, y) - (1 - state["beta"]) * own

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """Undo the mixing."""
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
    """Forward correction: cross-entropy of labels seen through known noise.

    ``-log Σ_i p_i T[i, y]`` with ``T[i, j]`` the probability that class j is seen where i is true.  ``predict_proba`` is p, the posterior of
    the clean labels.

    Parameters
    ----------
    noise_matrix : tuple of tuples of float, or None, default=None
        T, rows summing to 1, in the order of ``classes_``.
    noise_rate : float, default=0.2
        Without a matrix: the share of labels that are replaced by another class, all alike, in [0, 1).

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
        "You know how often each class is taken for which other, and want probabilities of the true labels. Not with a guess: "
        "they are as wrong as the matrix."
    )

    noise_matrix: tuple[tuple[float, ...], ...] | None = parameter(
        None,
        Either(Choice(None), Tuple(Tuple(Interval(0, 1), min_length=2), min_length=2)),
        structural=True,
    )
    noise_rate: float = parameter(0.2, Interval(0, 1, closed="left"), structural=True)

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Hold log T, shape (1, 1, n_classes, n_classes)."""
        state = super().prepare(y, sample_weight, n_classes)
        noise = torch.tensor(self.matrix(n_classes or 2), dtype=sample_weight.dtype)
        state["log_noise"] = noise.to(y.device).log()[None, None]
        return state

    def matrix(self, n_classes: int) -> tuple[tuple[float, ...], ...]:
        """Return T.

        Raises
        ------
        ValueError
            If the matrix given is not one of probabilities for these classes.
        """
        if self.noise_matrix is None:
            other = self.noise_rate / (n_classes - 1)
            rows = range(n_classes)
            return tuple(
                tuple(1 - self.noise_rate if i == j else other for j in rows) for i in rows
            )
        sums = [sum(row) for row in self.noise_matrix]
        columns = {len(row) for row in self.noise_matrix} | {len(self.noise_matrix)}
        if columns != {n_classes} or any(abs(total - 1) > 1e-6 for total in sums):
            raise ValueError(
                f"ForwardCorrection needs noise_matrix to be {n_classes} x {n_classes}, each row summing to 1; got rows of sums {sums}."
                " Give P(seen j given true i) in row i."
            )
        if torch.linalg.matrix_rank(torch.tensor(self.noise_matrix).double()) < n_classes:
            raise ValueError(
                "ForwardCorrection needs a noise_matrix of full rank: seen through this one, different laws of the true classes look alike."
            )
        return self.noise_matrix

    def _minimised(self, start: Tensor, shares: Tensor, state: State) -> Tensor:
        """Minimise over constants, within the reach of shares of MIN_SHARE: the best one may be infinite."""
        reach = -2 * log(MIN_SHARE)
        return super()._minimised(start, shares, state).clamp(-reach, reach)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """-logsumexp_i(log p_i + log T[i, y])."""
        log_p = log_probabilities(raw)
        table = state["log_noise"].squeeze(-3).squeeze(-3).mT  # (*models, seen, true)
        index = y.flatten(-2).unsqueeze(-1).expand(*y.shape[:-2], -1, table.shape[-1])
        seen = table.expand(*y.shape[:-2], -1, -1).gather(-2, index).view(log_p.shape)
        return -(log_p + seen).logsumexp(-1)


TEMPERED_ITERATIONS = 20


def log_t(x: Tensor, t: Tensor) -> Tensor:
    """Return the tempered logarithm (x^(1-t) - 1) / (1-t)."""
    return (x ** (1 - t) - 1) / (1 - t)


def exp_t(x: Tensor, t: Tensor) -> Tensor:
    """Return the tempered exponential (1 + (1-t) x)^(1/(1-t)) for x <= 0 and t > 1."""
    return (1 + (1 - t) * x) ** (1 / (1 - t))


def tempered_softmax(raw: Tensor, t: Tensor) -> Tensor:
    """Return the tempered softmax ``exp_t(z - λ)`` for t > 1, λ making it sum to 1."""
    z = logits(raw)
    with torch.no_grad():
        shift = normaliser(z, t)
        escort = (exp_t(z - shift, t) ** t).clamp(min=torch.finfo(z.dtype).tiny)
        slope = escort / escort.sum(
            -1, keepdim=True
        )  # of λ in z: the iterations need not be differentiated
    p = exp_t(z - shift - (slope * (z - z.detach())).sum(-1, keepdim=True), t)
    return p / p.sum(-1, keepdim=True)


def normaliser(z: Tensor, t: Tensor) -> Tensor:
    """Return the λ of the tempered softmax, by 20 fixed-point iterations."""
    top = z.amax(-1, keepdim=True)
    below = z - top
    tempered = below
    for _ in range(TEMPERED_ITERATIONS):
        tempered = below * exp_t(tempered, t).sum(-1, keepdim=True) ** (1 - t)
    return top - log_t(1 / exp_t(tempered, t).sum(-1, keepdim=True), t)


@dataclass(frozen=True)
class BiTempered(PosteriorLoss):
    """Bi-tempered logistic loss: a bounded logarithm of a softmax with heavy tails.

    ``-log_t1 p_y - (1 - Σ_k p_k^(2-t1)) / (2 - t1)`` with p the tempered softmax of temperature t2.  It is proper: ``predict_proba`` is the
    tempered softmax.

    Parameters
    ----------
    t1 : float, default=0.8
        In [0, 1): the smaller, the less a wrong label far from the boundary costs.
    t2 : float, default=1.2
        In (1, 4]: the larger, the heavier the tails.

    References
    ----------
    Amid, E. et al., Robust Bi-Tempered Logistic Loss Based on Bregman Divergences, 2019, arXiv 1906.03361.

    Examples
    --------
    >>> import torch
    >>> loss = BiTempered()
    >>> y = torch.tensor([[1]])
    >>> round(loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2)).item(), 3)
    0.539
    """

    name: ClassVar[str] = "bi_tempered"
    reference: ClassVar[str] = "Amid 1906.03361"
    when: ClassVar[str] = (
        "Wrong labels both near the boundary and far from it, and you want probabilities. Not to begin with: there are two "
        "temperatures to search."
    )

    t1: float = parameter(0.8, Interval(0, 1, closed="left"))
    t2: float = parameter(1.2, Interval(1, 4, closed="right"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """-log_t1 p_y - (1 - Σ_k p_k^(2-t1)) / (2 - t1)."""
        p, t1 = self.inverse_link(raw, state), state["t1"]
        rest = (1 - (p ** (2 - t1.unsqueeze(-1))).sum(-1)) / (2 - t1)
        return -log_t(of_class(p, y), t1) - rest

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """The tempered softmax."""
        return tempered_softmax(raw, state["t2"].unsqueeze(-1))
