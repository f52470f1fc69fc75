"""Losses for ordered classes, in the order of the class indices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from ..base import PACE, State, class_shares
from ..regression.quantiles import free_of, increasing
from .probabilities import PosteriorLoss, of_class


class OrdinalLoss(PosteriorLoss):
    """Base of the ordinal losses, which predict the likeliest rank.

    A subclass defines ``log_ranks(raw, state)``, the log-probability of every rank, of shape
    (..., n_samples, n_targets, n_classes).
    """

    multi_label: ClassVar[bool] = False
    ordinal: ClassVar[bool] = True
    functional: ClassVar[str] = "distribution over ranks"
    # The metric is computed on ranks.
    metric: ClassVar[str | None] = "mean_absolute_error"

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return 1."""
        return 1

    def log_ranks(self, raw: Tensor, state: State) -> Tensor:
        """Return the log-probability of every rank."""
        raise NotImplementedError

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return the probability of every rank, (..., n_samples, n_targets, n_classes)."""
        return self.log_ranks(raw, state).softmax(-1)

    def decision_function(self, raw: Tensor, state: State) -> Tensor:
        """Return the log-probability of every rank, or the log odds of the second of two."""
        return super().decision_function(self.log_ranks(raw, state), state)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return 0, since cutpoints and biases start at the class shares."""
        return torch.zeros(y.shape[1], 1, dtype=sample_weight.dtype, device=y.device)

    def with_thresholds(self, state: State, name: str) -> State:
        """Add increasing numbers, trained, that start at the logits of the shares up to each rank.

        They are of shape (1, n_targets, n_classes - 1).
        """
        above = state["prior"].flip(-1).cumsum(-1).flip(-1)[..., 1:]
        start = free_of(-above.clamp(1e-4, 1 - 1e-4).logit(), 1e-3) / PACE
        return State({**state, name: start}, [name])


@dataclass(frozen=True)
class CumulativeLink(OrdinalLoss):
    """Cumulative link loss, the proportional odds model: trained cutpoints on one score.

    ``-log(σ(θ_y - z) - σ(θ_{y-1} - z))``, as ``-log σ(a) - log σ(-b) - log(1 - exp(b - a))`` with
    ``a = θ_y - z``, ``b = θ_{y-1} - z`` (one term at either end). The cutpoints θ increase by a
    cumulative softplus and are trained along with the network, from the class shares.

    References
    ----------
    McCullagh, P., Regression Models for Ordinal Data, JRSS B 1980.

    Examples
    --------
    >>> import torch
    >>> loss = CumulativeLink()
    >>> y = torch.tensor([[0], [1], [2]])
    >>> state = loss.prepare(y, torch.ones(3), n_classes=3)
    >>> loss.predict_proba(torch.zeros(1, 1, 1), state)
    tensor([[[0.3333, 0.3333, 0.3333]]])
    """

    name: ClassVar[str] = "cumulative_link"
    aliases: ClassVar[tuple[str, ...]] = ("ordinal",)
    reference: ClassVar[str] = "McCullagh 1980"
    when: ClassVar[str] = (
        "Ordered classes, such as grades, that X moves along one scale; few rows suffice. Not if a"
        " feature makes the middle ranks likelier than both ends."
    )
    learns_from_y: ClassVar[bool] = True

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Start the cutpoints, shape (1, n_targets, n_classes - 1), at the class shares."""
        state = super().prepare(y, sample_weight, n_classes)
        return self.with_thresholds(state, "raw_cutpoints")

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return the increasing ``cutpoints``."""
        return {"cutpoints": self.cutpoints(state)}

    def cutpoints(self, state: State) -> Tensor:
        """Return the increasing cutpoints, shape (..., 1, n_targets, n_classes - 1)."""
        return increasing(PACE * state["raw_cutpoints"])

    def log_ranks(self, raw: Tensor, state: State) -> Tensor:
        """Return log σ(a) + log σ(-b) + log(1 - exp(b - a)) of every rank."""
        cutpoints = self.cutpoints(state)
        gaps = cutpoints.diff(dim=-1).clamp(min=1e-6)
        distance = cutpoints - raw
        below, above = logsigmoid(distance), logsigmoid(-distance)
        between = below[..., 1:] + above[..., :-1] + torch.log(-torch.expm1(-gaps))
        return torch.cat((below[..., :1], between, above[..., -1:]), -1)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return -log of the probability of the rank."""
        return -of_class(self.log_ranks(raw, state), y)


@dataclass(frozen=True)
class Coral(OrdinalLoss):
    """CORAL: whether y exceeds each rank, from one score and decreasing trained biases.

    ``Σ_k BCE(z + b_k, 1{y > k})``; the biases b decrease by a cumulative softplus and are trained
    along with the network, from the class shares. ``predict_proba`` takes differences of
    ``P(y > k)``.

    References
    ----------
    Cao, W., Mirjalili, V. and Raschka, S., Rank Consistent Ordinal Regression for Neural Networks,
    2020, arXiv 1901.07884.

    Examples
    --------
    >>> import torch
    >>> loss = Coral()
    >>> y = torch.tensor([[0], [1], [2]])
    >>> state = loss.prepare(y, torch.ones(3), n_classes=3)
    >>> loss.predict_proba(torch.zeros(1, 1, 1), state)
    tensor([[[0.3333, 0.3333, 0.3333]]])
    """

    name: ClassVar[str] = "coral"
    reference: ClassVar[str] = "Cao 2020"
    when: ClassVar[str] = (
        "Ordered classes, and an error of two ranks is worse than one of one rank. For the"
        " likelihood of the ranks themselves take cumulative_link."
    )
    learns_from_y: ClassVar[bool] = True

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Start the biases, shape (1, n_targets, n_classes - 1), at the class shares."""
        state = super().prepare(y, sample_weight, n_classes)
        return self.with_thresholds(state, "raw_biases")

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return the decreasing ``biases``."""
        return {"biases": self.biases(state)}

    def biases(self, state: State) -> Tensor:
        """Return the decreasing biases, shape (..., 1, n_targets, n_classes - 1)."""
        return -increasing(PACE * state["raw_biases"])

    def above(self, raw: Tensor, state: State) -> Tensor:
        """Return the logits of y > k."""
        return raw + self.biases(state)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``Σ_k BCE(z + b_k, 1{y > k})``."""
        scores = self.above(raw, state)
        return (softplus(scores) - scores * exceeds(y, scores)).sum(-1)

    def log_ranks(self, raw: Tensor, state: State) -> Tensor:
        """Return the log of differences of P(y > k)."""
        above = self.above(raw, state).sigmoid()
        ends = torch.ones_like(above[..., :1])
        mass = -torch.cat((ends, above, torch.zeros_like(ends)), -1).diff(dim=-1)
        return mass.clamp(min=1e-12).log()


def exceeds(y: Tensor, scores: Tensor) -> Tensor:
    """Return 1{y > k} for each of the scores k."""
    ranks = torch.arange(scores.shape[-1], device=y.device)
    return (y.unsqueeze(-1) > ranks).to(scores.dtype)


@dataclass(frozen=True)
class Corn(OrdinalLoss):
    """CORN: whether y exceeds each rank given that it exceeds the one below, with one output each.

    ``Σ_k 1{y > k-1} BCE(z_k, 1{y > k})``. ``predict_proba`` follows the chain rule.

    References
    ----------
    Shi, X., Cao, W. and Raschka, S., Deep Neural Networks for Rank-Consistent Ordinal Regression,
    2021, arXiv 2111.08851.

    Examples
    --------
    >>> import torch
    >>> loss = Corn()
    >>> y = torch.tensor([[0]])
    >>> state = loss.prepare(y, torch.ones(1), n_classes=3)
    >>> loss.predict_proba(torch.zeros(1, 1, 2), state)
    tensor([[[0.5000, 0.2500, 0.2500]]])
    """

    name: ClassVar[str] = "corn"
    reference: ClassVar[str] = "Shi 2021"
    when: ClassVar[str] = (
        "Ordered classes with plenty of rows in each, if one score for all ranks is too rigid."
        " With few rows take cumulative_link or coral."
    )

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return one output per rank but the last."""
        return (n_classes or 2) - 1

    def n_classes_of(self, n_outputs: int) -> int:
        """Return one more than the number of outputs."""
        return n_outputs + 1

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``Σ_k 1{y > k-1} BCE_k``."""
        above = exceeds(y, raw)
        asked = torch.cat((torch.ones_like(above[..., :1]), above[..., :-1]), -1)
        return (asked * (softplus(raw) - raw * above)).sum(-1)

    def log_ranks(self, raw: Tensor, state: State) -> Tensor:
        """Return log P(y > k-1) + log(1 - σ(z_k)), by the chain rule."""
        reached = logsigmoid(raw).cumsum(-1)
        start = torch.zeros_like(reached[..., :1])
        stopped = torch.cat((logsigmoid(-raw), start), -1)
        return torch.cat((start, reached), -1) + stopped

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the logits of exceeding each rank, among the rows that reached it."""
        shares = class_shares(y, sample_weight, state)
        reached = shares.flip(-1).cumsum(-1).flip(-1)
        return (reached[..., 1:] / reached[..., :-1]).clamp(1e-4, 1 - 1e-4).logit()
