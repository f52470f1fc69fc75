"""Losses for embeddings: vectors of alike rows should be near each other, those of others far apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Interval
from ..base import Loss, State, Task
from ..weighted import row_sums

SMALLEST = 1e-30  # that is divided by
SHORTEST = 1e-6  # vectors below that point nowhere, and are left as they are
NOT_THERE = -1e30  # the logit of what is left out of a sum of exponentials


def unit(raw: Tensor) -> Tensor:
    """Return vectors along the last axis divided by their length; one that is next to 0 has no direction and stays."""
    squared = (raw * raw).sum(-1, keepdim=True)
    has_direction = squared > SHORTEST**2
    return raw / torch.where(has_direction, squared, 1.0).sqrt()


def distance(cosine: Tensor) -> Tensor:
    """Return the Euclidean distance of unit vectors, √(2 - 2 cos); its slope is 0 where they are the same."""
    squared = 2 - 2 * cosine
    apart = squared > 16 * torch.finfo(cosine.dtype).eps  # below is rounding
    return torch.where(apart, squared, 1.0).sqrt() * apart


def share(weight: Tensor) -> Tensor:
    """Divide weights by their sum; all stay 0 where that is 0."""
    return weight / row_sums(weight.sum(-1)).clamp(min=SMALLEST)


def counts(weight: Tensor) -> Tensor:
    """Return weights multiplied so that equal ones are 1 and rows of weight 0 change nothing: Kish's effective number is their sum."""
    scaled = weight / weight.amax()
    return scaled * row_sums(scaled) / row_sums(scaled**2)


@dataclass(frozen=True)
class EmbeddingLoss(Loss):
    """Base of the losses for embeddings: a value per batch, made of comparisons of its rows.

    Raw output is a vector per row, of any length: the losses compare directions, so that the squared Euclidean distance of two
    vectors is 2 - 2 cos, from 0 to 4.  There are two kinds of batches, told apart by the number of targets::

        raw (*models, n_samples, 1, n_components), y (*models, n_samples, 1)    rows; y is the class
        raw (*models, n_samples, 2, n_components), y (*models, n_samples, 2)    pairs; alike where both columns of y are equal

    A subclass defines ``of_vectors(vectors, y, state, sample_weight)``: a scalar for the unit vectors (n_samples, 1 or 2, n_components)
    of one model's batch, its y (n_samples, 1 or 2) and its weights (n_samples,), which are all 1 where they are equal.  A batch of rows
    holds at least two rows of nearly every class that it has, where the training set does.
    """

    task: ClassVar[Task] = "embedding"
    y_is_index: ClassVar[bool] = True
    whole_batch: ClassVar[bool] = True
    compares_rows: ClassVar[bool] = True
    needs_unlike_pairs: ClassVar[bool] = True  # among pairs that are given

    def of_vectors(self, vectors: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the loss of one model's batch, a scalar."""
        raise NotImplementedError(
            f"{type(self).__name__} needs a method of_vectors(vectors, y, state, sample_weight)."
        )

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Refuse: there is no loss per row."""
        raise TypeError(
            f"{type(self).__name__} has a value per batch, but none per row. Call the loss itself: loss(raw, y, state, sample_weight)."
        )

    def total(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the loss of the batch times its weight, shape (*models,).

        Each model by itself: matrix products of any number of rows have other bits in company.
        """
        if raw.ndim == 3:
            value = self.of_vectors(unit(raw.clone()), y, state, counts(sample_weight))
            return value * sample_weight.sum()
        states = (state.model(k).without_models() for k in range(len(raw)))
        of_models = zip(raw, y, states, sample_weight, strict=True)
        return torch.stack([self.total(*of_model) for of_model in of_models])

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """One component at least; more are for whoever builds the network to choose."""
        return 1

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """All rows at one point, shape (1, 1): what an embedding is worth that has collapsed."""
        return torch.ones(1, 1, dtype=sample_weight.dtype, device=y.device)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """The vectors, divided by their lengths."""
        return unit(raw)

    def predict(self, raw: Tensor, state: State) -> Tensor:
        """Return unit vectors, shape (*models, n_samples, n_targets, n_components)."""
        return unit(raw)


# ---------------------------------------------------------------------- pair by pair


@dataclass(frozen=True)
class PairLoss(EmbeddingLoss):
    """Base of the losses that are means over pairs.

    A subclass defines what an alike and what an unlike pair costs, by the cosine of its vectors.  Of rows all pairs are compared:
    half of the loss is the mean over alike pairs, half that over unlike ones, however many there are of each; a pair weighs the
    product of its rows' weights, and a row is alike itself, so that weight 2 is a row repeated.  Of given pairs it is their mean.
    """

    def alike(self, cosine: Tensor, state: State) -> Tensor:
        """Return what alike pairs cost, shape (n_samples, n_samples or 1)."""
        raise NotImplementedError

    def unlike(self, cosine: Tensor, state: State) -> Tensor:
        """Return what unlike pairs cost, in the same shape."""
        raise NotImplementedError

    def of_vectors(self, vectors: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the weighted mean over pairs."""
        cosine, is_alike, weight = _pairs(vectors, y, sample_weight)
        values = torch.where(is_alike, self.alike(cosine, state), self.unlike(cosine, state))
        return row_sums((values * weight).sum(-1))


def _pairs(vectors: Tensor, y: Tensor, sample_weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return cosine, whether they are alike, and weight of all pairs; weights sum to 1 (a half, where one kind is missing)."""
    if y.shape[-1] == 2:
        cosine = (vectors[:, 0] * vectors[:, 1]).sum(-1, keepdim=True)
        return cosine, y[:, :1] == y[:, 1:], share(sample_weight.unsqueeze(-1))
    is_alike = y == y.mT
    weight = torch.outer(sample_weight, sample_weight)
    halves = (share(weight * is_alike) + share(weight * ~is_alike)) / 2
    return vectors[:, 0] @ vectors[:, 0].mT, is_alike, halves


@dataclass(frozen=True)
class CosineEmbedding(PairLoss):
    """Cosine embedding loss: alike vectors should point the same way, others at least ``arccos(margin)`` away.

    ``1 - cos`` for an alike pair, ``max(0, cos - margin)`` for an unlike one.  Of labelled rows all pairs are compared, half of the
    loss is the mean over alike ones, half that over the others; of given pairs it is the mean.

    Parameters
    ----------
    margin : float, default=0.0
        The cosine, in [-1, 1], up to which unlike vectors cost nothing.

    References
    ----------
    Bromley, J. et al., Signature Verification using a "Siamese" Time Delay Neural Network, 1993, for networks trained on the cosine.

    Examples
    --------
    >>> import torch
    >>> loss, y = CosineEmbedding(), torch.tensor([[0, 1], [0, 0]])  # an unlike pair and an alike one
    >>> pairs = torch.tensor([[[1.0, 0.0], [2.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])
    >>> loss(pairs, y, loss.prepare(y, torch.ones(2)))
    tensor(1.)
    """

    name: ClassVar[str] = "cosine_embedding"
    aliases: ClassVar[tuple[str, ...]] = ("CosineEmbeddingLoss",)
    functional: ClassVar[str] = "directions: alike ones equal, others at right angles"
    reference: ClassVar[str] = "Bromley 1993"
    when: ClassVar[str] = (
        "A first, plain choice for pairs that are given. It stops pushing once unlike vectors stand at right angles; with many classes "
        "and few components infonce separates more."
    )

    margin: float = parameter(0.0, Interval(-1, 1))

    def alike(self, cosine: Tensor, state: State) -> Tensor:
        """1 - cos."""
        return 1 - cosine

    def unlike(self, cosine: Tensor, state: State) -> Tensor:
        """max(0, cos - margin)."""
        return (cosine - state["margin"]).clamp(min=0)


@dataclass(frozen=True)
class HingeEmbedding(PairLoss):
    """Hinge embedding loss: the distance of alike vectors, and what is missing to the margin between others.

    ``d`` for an alike pair, ``max(0, margin - d)`` for an unlike one, where d is the Euclidean distance of the unit vectors, in [0, 2].
    Of labelled rows all pairs are compared, half of the loss is the mean over alike ones, half that over the others; of given pairs it
    is the mean.

    Parameters
    ----------
    margin : float, default=1.0
        The distance, > 0, from which on unlike vectors cost nothing; 1 is an angle of 60 degrees, 1.41 one of 90.

    References
    ----------
    Paszke, A. et al., PyTorch: An Imperative Style, High-Performance Deep Learning Library, 2019, arXiv 1912.01703: its
    HingeEmbeddingLoss of distances.

    Examples
    --------
    >>> import torch
    >>> loss, y = HingeEmbedding(), torch.tensor([[0, 1], [0, 0]])
    >>> pairs = torch.tensor([[[1.0, 0.0], [2.0, 0.0]], [[1.0, 0.0], [-1.0, 0.0]]])
    >>> loss(pairs, y, loss.prepare(y, torch.ones(2)))
    tensor(1.5000)
    """

    name: ClassVar[str] = "hinge_embedding"
    aliases: ClassVar[tuple[str, ...]] = ("HingeEmbeddingLoss",)
    functional: ClassVar[str] = "directions: alike ones equal, others a margin apart"
    reference: ClassVar[str] = "Paszke 1912.01703"
    when: ClassVar[str] = (
        "Some alike rows are wrongly labelled: their distance counts once, not squared as in contrastive. Otherwise contrastive, "
        "whose pull fades as vectors meet."
    )

    margin: float = parameter(1.0, Interval(0, closed="neither"))

    def alike(self, cosine: Tensor, state: State) -> Tensor:
        """d."""
        return distance(cosine)

    def unlike(self, cosine: Tensor, state: State) -> Tensor:
        """max(0, margin - d)."""
        return (state["margin"] - distance(cosine)).clamp(min=0)


@dataclass(frozen=True)
class Contrastive(PairLoss):
    """Contrastive loss: the squared distance of alike vectors, and the square of what is missing to the margin between others.

    ``d²`` for an alike pair, ``max(0, margin - d)²`` for an unlike one, where d is the Euclidean distance of the unit vectors, in
    [0, 2]; twice the paper's.  Of labelled rows all pairs are compared, half of the loss is the mean over alike ones, half that over
    the others; of given pairs it is the mean.

    Parameters
    ----------
    margin : float, default=1.0
        The distance, > 0, from which on unlike vectors cost nothing; 1 is an angle of 60 degrees, 1.41 one of 90.

    References
    ----------
    Hadsell, R., Chopra, S. and LeCun, Y., Dimensionality Reduction by Learning an Invariant Mapping, 2006.

    Examples
    --------
    >>> import torch
    >>> loss, y = Contrastive(), torch.tensor([[0, 1], [0, 0]])
    >>> pairs = torch.tensor([[[1.0, 0.0], [2.0, 0.0]], [[1.0, 0.0], [-1.0, 0.0]]])
    >>> loss(pairs, y, loss.prepare(y, torch.ones(2)))
    tensor(2.5000)
    """

    name: ClassVar[str] = "contrastive"
    aliases: ClassVar[tuple[str, ...]] = ("ContrastiveLoss",)
    functional: ClassVar[str] = "directions: alike ones equal, others a margin apart"
    reference: ClassVar[str] = "Hadsell 2006"
    when: ClassVar[str] = (
        "Pairs that are given, and you want one distance below which two rows are alike. For nearest neighbours of labelled rows "
        "triplet or infonce, which compare distances with each other."
    )

    margin: float = parameter(1.0, Interval(0, closed="neither"))

    def alike(self, cosine: Tensor, state: State) -> Tensor:
        """d²."""
        return 2 - 2 * cosine

    def unlike(self, cosine: Tensor, state: State) -> Tensor:
        """max(0, margin - d)²."""
        return (state["margin"] - distance(cosine)).clamp(min=0) ** 2


# ---------------------------------------------------------------------- anchor by anchor


class Comparisons(NamedTuple):
    """Every anchor of a batch against its candidates.

    Attributes
    ----------
    cosine : Tensor of shape (n_samples, n_samples)
        Of each anchor and each candidate.
    positive, negative : Tensor of shape (n_samples, n_samples)
        Whether a candidate should be near, or far.
    itself : Tensor of shape (n_samples, n_samples)
        Whether a candidate is the anchor.
    """

    cosine: Tensor
    positive: Tensor
    negative: Tensor
    itself: Tensor

    @classmethod
    def of(cls, vectors: Tensor, y: Tensor) -> Comparisons:
        """Compare unit vectors (n_samples, 1 or 2, n_components): rows with rows, or lefts with rights."""
        cosine = vectors[:, 0] @ vectors[:, -1].mT
        diagonal = torch.eye(len(y), dtype=torch.bool, device=y.device)
        if y.shape[-1] == 2:
            positive = diagonal & (y[:, :1] == y[:, 1:])
            return cls(cosine, positive, ~positive, torch.zeros_like(diagonal))
        return cls(cosine, y == y.mT, y != y.mT, diagonal)


@dataclass(frozen=True)
class AnchorLoss(EmbeddingLoss):
    """Base of the losses that compare the candidates of an anchor with each other.

    A subclass defines ``of_anchors(comparisons, state, sample_weight)``, a scalar.  Of rows each is an anchor, rows of its class
    are positive, the others negative.  Of given pairs the left of every alike one is an anchor and its right is positive; the rights of
    all other pairs of the batch are negative.
    """

    needs_unlike_pairs: ClassVar[bool] = False

    def of_anchors(self, comparisons: Comparisons, state: State, sample_weight: Tensor) -> Tensor:
        """Return the loss of one model's batch."""
        raise NotImplementedError

    def of_vectors(self, vectors: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the weighted mean over anchors, or over what is made of them."""
        return self.of_anchors(Comparisons.of(vectors, y), state, sample_weight)


@dataclass(frozen=True)
class Triplet(AnchorLoss):
    """Triplet loss: a row of an anchor's class should be nearer to it than a row of another, by a margin.

    ``max(0, margin + d(anchor, positive) - d(anchor, negative))``, averaged over all triplets of a batch, where d is the Euclidean
    distance of the unit vectors, in [0, 2].  A row is its own positive, too, so that weight 2 is a row repeated.  Of given pairs the
    left of every alike one is an anchor, its right the positive, and the rights of all other pairs of the batch are negatives.

    Parameters
    ----------
    margin : float, default=1.0
        How much nearer, > 0, in units of the distance.  1 also pushes rows apart that are in order; 0.2 leaves these alone.

    References
    ----------
    Schroff, F., Kalenichenko, D. and Philbin, J., FaceNet: A Unified Embedding for Face Recognition and Clustering, 2015, arXiv
    1503.03832.  Hermans, A., Beyer, L. and Leibe, B., In Defense of the Triplet Loss, 2017, arXiv 1703.07737, for all triplets of a
    batch.

    Examples
    --------
    >>> import torch
    >>> loss, y = Triplet(), torch.tensor([[0], [0], [1]])
    >>> rows = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]], [[-1.0, 0.0]]])
    >>> loss(rows, y, loss.prepare(y, torch.ones(3)))
    tensor(0.)
    """

    name: ClassVar[str] = "triplet"
    aliases: ClassVar[tuple[str, ...]] = ("TripletMarginLoss", "triplet_margin")
    functional: ClassVar[str] = "ranking of neighbours: own class first"
    reference: ClassVar[str] = "Schroff 1503.03832"
    when: ClassVar[str] = (
        "Nearest neighbours of labelled rows, classes of unequal spread: only the order of distances counts. Not for a distance that "
        "means the same everywhere; that is contrastive."
    )

    margin: float = parameter(1.0, Interval(0, closed="neither"))

    def of_anchors(self, comparisons: Comparisons, state: State, sample_weight: Tensor) -> Tensor:
        """Return the weighted mean over triplets."""
        d = distance(comparisons.cosine)
        of_positive = sample_weight * comparisons.positive
        of_negative = sample_weight * comparisons.negative
        n_triplets = of_positive.sum(-1) * of_negative.sum(-1)
        values = excess(d + state["margin"], d, of_negative)  # of every anchor and positive
        weighted = (values * of_positive).sum(-1) * sample_weight
        whole = row_sums(n_triplets * sample_weight)
        return row_sums(weighted) / whole.clamp(min=SMALLEST)


def excess(level: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """Return Σ_j weight_j max(0, level - value_j) along the last axis, for every level: without the table of all differences."""
    ordered, order = values.sort(-1)
    weight = weight.expand_as(values).gather(-1, order)
    start = torch.zeros_like(weight[..., :1])
    mass = torch.cat((start, weight.cumsum(-1)), -1)
    moment = torch.cat((start, (weight * ordered).cumsum(-1)), -1)
    below = torch.searchsorted(ordered.detach(), level.detach().contiguous())
    return level * mass.gather(-1, below) - moment.gather(-1, below)


@dataclass(frozen=True)
class EmbeddingInfoNCE(AnchorLoss):
    """InfoNCE, supervised contrastive loss: cross-entropy of finding a row of the anchor's class among the batch, by cosines.

    ``-log(exp(cos_p / T) / Σ_a exp(cos_a / T))``, averaged over the positives p of an anchor and then over the anchors; the sum is over
    all other rows of the batch.  Rows that are the only one of their class in a batch are no anchors.  Of given pairs the left of every
    alike one is an anchor, its right the positive, and the sum is over the rights of all pairs of the batch.

    A row is not compared with itself.  Weights count for anchors, positives and terms of the sum; with equal weights a term counts 1.

    Parameters
    ----------
    temperature : float, default=0.07
        T > 0, in units of the cosine: the smaller, the more the nearest negatives count.

    References
    ----------
    van den Oord, A., Li, Y. and Vinyals, O., Representation Learning with Contrastive Predictive Coding, 2018, arXiv 1807.03748.
    Khosla, P. et al., Supervised Contrastive Learning, 2020, arXiv 2004.11362, for several positives.

    Examples
    --------
    >>> import torch
    >>> loss, y = EmbeddingInfoNCE(temperature=1.0), torch.tensor([[0], [0], [1]])
    >>> loss(torch.ones(3, 1, 2), y, loss.prepare(y, torch.ones(3)))  # one of two, by chance
    tensor(0.6931)
    """

    name: ClassVar[str] = "infonce"
    aliases: ClassVar[tuple[str, ...]] = ("info_nce", "sup_con", "nt_xent")
    functional: ClassVar[str] = "ranking of neighbours: own class first"
    reference: ClassVar[str] = "van den Oord 1807.03748, Khosla 2004.11362"
    when: ClassVar[str] = (
        "Nearest neighbours of labelled rows, also of classes that are not in the training data; pairs that are all alike. The loss to "
        "begin with. Not with a handful of rows per batch."
    )

    temperature: float = parameter(0.07, Interval(0, closed="neither"))

    def of_anchors(self, comparisons: Comparisons, state: State, sample_weight: Tensor) -> Tensor:
        """Return the weighted mean over anchors that have a positive."""
        logits = comparisons.cosine / state["temperature"]
        terms = logits + sample_weight.clamp(min=SMALLEST).log()
        terms = terms.masked_fill(comparisons.itself, NOT_THERE)
        missing = terms.logsumexp(-1, keepdim=True) - logits  # of every anchor and positive
        of_positive = sample_weight * (comparisons.positive & ~comparisons.itself)
        n_positive = of_positive.sum(-1)
        values = (missing * of_positive).sum(-1) / n_positive.clamp(min=SMALLEST)
        anchor = sample_weight * (n_positive > 0)
        return row_sums(values * anchor) / row_sums(anchor).clamp(min=SMALLEST)
