"""Losses for embeddings: vectors of similar rows should be close, those of others far apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Interval
from ..base import POSITIVE, Loss, State, Task
from ..weighted import ratio, row_sums
from .anchors import Rows, summed
from .geometry import SHORTEST as SHORTEST
from .geometry import SMALLEST, counts, distance, excess, share, unit

# Logit of what is left out of a sum of exponentials.
NOT_THERE = -1e30


class EmbeddingLoss(Loss):
    """Base of the losses for embeddings: a value per batch, from comparisons of its rows.

    Raw output is a vector per row, of any length: the losses compare directions, so that the
    squared Euclidean distance of two vectors is 2 - 2 cos, between 0 and 4. There are two kinds of
    batches, which differ in the number of targets::

        raw    (..., n_samples, 1, n_components)    rows
        y      (..., n_samples, 1)                  the class of the row
        raw    (..., n_samples, 2, n_components)    pairs
        y      (..., n_samples, 2)                  similar if both columns are equal

    A subclass defines ``of_vectors(vectors, y, state, sample_weight)``, a scalar for one model,
    from the unit vectors (n_samples, 1 or 2, n_components) of a batch, its y (n_samples, 1 or 2)
    and its weights (n_samples,), which are all 1 if they are equal. A batch of rows holds at least
    two rows of nearly every class that it has, if the training set does.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Attraction(EmbeddingLoss):
    ...     def of_vectors(self, vectors, y, state, sample_weight):
    ...         cosine = vectors[:, 0] @ vectors[:, 0].mT
    ...         return ((1 - cosine) * (y == y.mT)).mean()
    >>> raw = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> Attraction()(raw, torch.tensor([[3], [3]]), {})
    tensor(0.5000)
    """

    task: ClassVar[Task] = "embedding"
    y_is_index: ClassVar[bool] = True
    whole_batch: ClassVar[bool] = True
    compares_rows: ClassVar[bool] = True
    # Whether given pairs must include dissimilar ones.
    needs_unlike_pairs: ClassVar[bool] = True

    def of_vectors(self, vectors: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the loss of one model's batch, a scalar."""
        raise self._lacking("of_vectors(vectors, y, state, sample_weight)")

    def total(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the loss of the batch times its weight, shape (n_models,).

        Each model is computed alone, since matrix products of arbitrary sizes have other bits in a
        stack.
        """
        if raw.ndim == 3:
            value = self.of_vectors(unit(raw.clone()), y, state, counts(sample_weight))
            return value * sample_weight.sum()
        states = (state.model(k).without_models() for k in range(len(raw)))
        of_models = zip(raw, y, states, sample_weight, strict=True)
        return torch.stack([self.total(*of_model) for of_model in of_models])

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return one point for all rows, shape (1, 1), as of an embedding that has collapsed."""
        return torch.ones(1, 1, dtype=sample_weight.dtype, device=y.device)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return unit vectors, shape (..., n_samples, n_targets, n_components)."""
        return unit(raw)


class PairLoss(EmbeddingLoss):
    """Base of the losses that are means over pairs.

    A subclass defines the cost of a similar and of a dissimilar pair, as functions of the cosine of
    its vectors. With labelled rows, all pairs are compared: half of the loss is the mean over
    similar pairs and half the mean over dissimilar ones, however many there are of each. A pair has
    the product of the weights of its rows, and every row is also paired with itself, so that weight
    2 equals a repeated row. With given pairs, the loss is the mean.
    """

    def alike(self, cosine: Tensor, state: State) -> Tensor:
        """Return the cost of similar pairs, shape (n_samples, n_samples or 1)."""
        raise NotImplementedError

    def unlike(self, cosine: Tensor, state: State) -> Tensor:
        """Return the cost of dissimilar pairs, in the same shape."""
        raise NotImplementedError

    def of_vectors(self, vectors: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the weighted mean over pairs.

        The weights sum to 1, or to one half if there is only one kind of pairs of labelled rows.
        """
        if y.shape[-1] == 1:
            return self._of_all_pairs(vectors, y, state, sample_weight)
        cosine = (vectors[:, 0] * vectors[:, 1]).sum(-1, keepdim=True)
        costs = self._costs(cosine, y[:, :1] == y[:, 1:], state)
        return row_sums((costs * share(sample_weight.unsqueeze(-1))).sum(-1))

    def _of_all_pairs(self, vectors: Tensor, y: Tensor, state: State, weight: Tensor) -> Tensor:
        def of_block(anchors: Rows, others: Rows) -> tuple[Tensor, ...]:
            cosine, is_similar = anchors.left @ others.right.mT, anchors.y == others.y.mT
            product = torch.outer(anchors.weight, others.weight)
            costs = self._costs(cosine, is_similar, state)
            weights = product * is_similar, product * ~is_similar
            sums = [part * each for each in weights for part in (costs, 1)]
            return tuple(row_sums(each.sum(-1)) for each in sums)

        alike, of_alike, unlike, of_unlike = summed(of_block, vectors, y, weight)
        return (ratio(alike, of_alike) + ratio(unlike, of_unlike)) / 2

    def _costs(self, cosine: Tensor, is_similar: Tensor, state: State) -> Tensor:
        return torch.where(is_similar, self.alike(cosine, state), self.unlike(cosine, state))


@dataclass(frozen=True)
class CosineEmbedding(PairLoss):
    """Cosine embedding loss: similar vectors should point the same way, others away.

    ``1 - cos`` for a similar pair, ``max(0, cos - margin)`` for a dissimilar one, which should be
    at least ``arccos(margin)`` apart. With labelled rows, all pairs are compared: half of the loss
    is the mean over similar ones and half the mean over the others. With given pairs, it is the
    mean.

    Parameters
    ----------
    margin : float, default=0.0
        The cosine, in [-1, 1], up to which dissimilar vectors cost nothing.

    References
    ----------
    Bromley, J. et al., Signature Verification using a "Siamese" Time Delay Neural Network, 1993,
    for networks trained on the cosine.

    Examples
    --------
    >>> import torch
    >>> loss, y = CosineEmbedding(), torch.tensor([[0, 1], [0, 0]])  # dissimilar, similar
    >>> pairs = torch.tensor([[[1.0, 0.0], [2.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])
    >>> loss(pairs, y, loss.prepare(y, torch.ones(2)))
    tensor(1.)
    """

    name: ClassVar[str] = "cosine_embedding"
    aliases: ClassVar[tuple[str, ...]] = ("CosineEmbeddingLoss",)
    functional: ClassVar[str] = "directions: similar ones equal, others at right angles"
    reference: ClassVar[str] = "Bromley 1993"
    when: ClassVar[str] = (
        "A first, plain choice for given pairs. It no longer pushes once dissimilar vectors are at"
        " right angles; with many classes and few components infonce separates more."
    )

    margin: float = parameter(0.0, Interval(-1, 1))

    def alike(self, cosine: Tensor, state: State) -> Tensor:
        """Return ``1 - cos``."""
        return 1 - cosine

    def unlike(self, cosine: Tensor, state: State) -> Tensor:
        """Return ``max(0, cos - margin)``."""
        return (cosine - state["margin"]).clamp(min=0)


@dataclass(frozen=True)
class HingeEmbedding(PairLoss):
    """Hinge embedding loss: the distance of similar vectors, and a hinge on that of others.

    ``d`` for a similar pair, ``max(0, margin - d)`` for a dissimilar one, where d is the Euclidean
    distance of the unit vectors, in [0, 2]. With labelled rows, all pairs are compared: half of the
    loss is the mean over similar ones and half the mean over the others. With given pairs, it is
    the mean.

    Parameters
    ----------
    margin : float, default=1.0
        The distance, > 0, beyond which dissimilar vectors cost nothing. 1 is an angle of 60
        degrees, 1.41 one of 90.

    References
    ----------
    Paszke, A. et al., PyTorch: An Imperative Style, High-Performance Deep Learning Library, 2019,
    arXiv 1912.01703: its HingeEmbeddingLoss of distances.

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
    functional: ClassVar[str] = "directions: similar ones equal, others a margin apart"
    reference: ClassVar[str] = "Paszke 1912.01703"
    when: ClassVar[str] = (
        "Some pairs are wrongly labelled as similar: their distance counts as it is, not squared"
        " as in contrastive. Otherwise take contrastive, whose pull fades as vectors meet."
    )

    margin: float = parameter(1.0, POSITIVE)

    def alike(self, cosine: Tensor, state: State) -> Tensor:
        """Return ``d``."""
        return distance(cosine)

    def unlike(self, cosine: Tensor, state: State) -> Tensor:
        """Return ``max(0, margin - d)``."""
        return (state["margin"] - distance(cosine)).clamp(min=0)


@dataclass(frozen=True)
class Contrastive(PairLoss):
    """Contrastive loss: the squared distance of similar vectors, a squared hinge on that of others.

    ``d²`` for a similar pair, ``max(0, margin - d)²`` for a dissimilar one, where d is the
    Euclidean distance of the unit vectors, in [0, 2]. This is twice the loss of the paper. With
    labelled rows, all pairs are compared: half of the loss is the mean over similar ones and half
    the mean over the others. With given pairs, it is the mean.

    Parameters
    ----------
    margin : float, default=1.0
        The distance, > 0, beyond which dissimilar vectors cost nothing. 1 is an angle of 60
        degrees, 1.41 one of 90.

    References
    ----------
    Hadsell, R., Chopra, S. and LeCun, Y., Dimensionality Reduction by Learning an Invariant
    Mapping, 2006.

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
    functional: ClassVar[str] = "directions: similar ones equal, others a margin apart"
    reference: ClassVar[str] = "Hadsell 2006"
    when: ClassVar[str] = (
        "Pairs are given, and you want one distance below which two rows are similar. For nearest"
        " neighbours of labelled rows take triplet or infonce, which compare distances with each"
        " other."
    )

    margin: float = parameter(1.0, POSITIVE)

    def alike(self, cosine: Tensor, state: State) -> Tensor:
        """Return ``d²``."""
        return 2 - 2 * cosine

    def unlike(self, cosine: Tensor, state: State) -> Tensor:
        """Return ``max(0, margin - d)²``."""
        return (state["margin"] - distance(cosine)).clamp(min=0) ** 2


class AnchorLoss(EmbeddingLoss):
    """Base of the losses that compare the candidates of an anchor with each other.

    Every labelled row is an anchor; rows of its class are positive, the others negative. Of given
    pairs, the left side of every similar pair is an anchor and its right side is positive; the
    right sides of all other pairs of the batch are negative. `Rows.compared` says which is which.
    """

    functional: ClassVar[str] = "ranking of neighbours: own class first"
    needs_unlike_pairs: ClassVar[bool] = False


@dataclass(frozen=True)
class Triplet(AnchorLoss):
    """Triplet loss: rows of an anchor's class should be closer to it than others, by a margin.

    ``max(0, margin + d(anchor, positive) - d(anchor, negative))``, averaged over all triplets of a
    batch, where d is the Euclidean distance of the unit vectors, in [0, 2]. A row is also its own
    positive, so that weight 2 equals a repeated row. With given pairs, the left side of every
    similar pair is an anchor, its right side is the positive, and the right sides of all other
    pairs of the batch are negatives.

    Parameters
    ----------
    margin : float, default=1.0
        How much closer, > 0, in units of the distance. 1 also pushes apart rows that are in the
        right order; 0.2 leaves these alone.

    References
    ----------
    Schroff, F., Kalenichenko, D. and Philbin, J., FaceNet: A Unified Embedding for Face Recognition
    and Clustering, 2015, arXiv 1503.03832. Hermans, A., Beyer, L. and Leibe, B., In Defense of the
    Triplet Loss, 2017, arXiv 1703.07737, for all triplets of a batch.

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
    reference: ClassVar[str] = "Schroff 1503.03832"
    when: ClassVar[str] = (
        "Nearest neighbours of labelled rows, with classes of unequal spread, since only the order"
        " of distances counts. Not for a distance that means the same everywhere: take contrastive."
    )

    margin: float = parameter(1.0, POSITIVE)

    def of_vectors(self, vectors: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the weighted mean over triplets."""

        def of_block(anchors: Rows, others: Rows) -> tuple[Tensor, ...]:
            cosine, positive, negative, _ = anchors.compared(others)
            d = distance(cosine)
            of_positive, of_negative = others.weight * positive, others.weight * negative
            n_triplets = of_positive.sum(-1) * of_negative.sum(-1)
            # (anchors, positives)
            values = excess(d + state["margin"], d, of_negative)
            weighted = (values * of_positive).sum(-1) * anchors.weight
            return row_sums(weighted), row_sums(n_triplets * anchors.weight)

        return ratio(*summed(of_block, vectors, y, sample_weight))


@dataclass(frozen=True)
class EmbeddingInfoNCE(AnchorLoss):
    """InfoNCE, also supervised contrastive loss: cross-entropy of finding the anchor's class.

    ``-log(exp(cos_p / T) / Σ_a exp(cos_a / T))``, with the cosine of the anchor and the positive p,
    or any other row a of the batch. It is averaged over the positives of an anchor and then over
    the anchors. A row that is the only one of its class in a batch is not an anchor. Of given
    pairs, the left side of every similar pair is an anchor, its right side is the positive, and the
    sum is over the right sides of all pairs of the batch.

    A row is not compared with itself. Weights apply to anchors, positives and terms of the sum;
    with equal weights, a term counts 1. With two rows of each class in a batch, it equals NT-Xent
    (Chen 2020), which is defined for such pairs alone.

    Parameters
    ----------
    temperature : float, default=0.07
        T > 0, in units of the cosine. The smaller it is, the more the closest negatives count.

    References
    ----------
    van den Oord, A., Li, Y. and Vinyals, O., Representation Learning with Contrastive Predictive
    Coding, 2018, arXiv 1807.03748. Khosla, P. et al., Supervised Contrastive Learning, 2020, arXiv
    2004.11362, for several positives. Chen, T. et al., A Simple Framework for Contrastive Learning
    of Visual Representations, 2020, arXiv 2002.05709, for pairs of rows.

    Examples
    --------
    >>> import torch
    >>> loss, y = EmbeddingInfoNCE(temperature=1.0), torch.tensor([[0], [0], [1]])
    >>> loss(torch.ones(3, 1, 2), y, loss.prepare(y, torch.ones(3)))  # a chance of one in two
    tensor(0.6931)
    """

    name: ClassVar[str] = "infonce"
    aliases: ClassVar[tuple[str, ...]] = ("info_nce", "sup_con")
    reference: ClassVar[str] = "van den Oord 1807.03748, Khosla 2004.11362"
    when: ClassVar[str] = (
        "Nearest neighbours of labelled rows, also of classes that are not in the training data,"
        " or given pairs that are all similar. The first loss to try. Not with only a handful of"
        " rows per batch."
    )

    temperature: float = parameter(0.07, POSITIVE)

    def of_vectors(self, vectors: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the weighted mean over anchors that have a positive."""

        def of_block(anchors: Rows, others: Rows) -> tuple[Tensor, ...]:
            cosine, positive, _, itself = anchors.compared(others)
            logits = cosine / state["temperature"]
            terms = logits + others.weight.clamp(min=SMALLEST).log()
            terms = terms.masked_fill(itself, NOT_THERE)
            # (anchors, positives)
            missing = terms.logsumexp(-1, keepdim=True) - logits
            of_positive = others.weight * (positive & ~itself)
            n_positive = of_positive.sum(-1)
            values = (missing * of_positive).sum(-1) / n_positive.clamp(min=SMALLEST)
            anchor = anchors.weight * (n_positive > 0)
            return row_sums(values * anchor), row_sums(anchor)

        return ratio(*summed(of_block, vectors, y, sample_weight))
