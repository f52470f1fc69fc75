"""The rows of a batch of embeddings, compared block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..pairs import over_pairs


class Rows(NamedTuple):
    """Some rows, or pairs of them.

    Attributes
    ----------
    weight, place : Tensor of shape (n_samples,)
        Weights, and numbers in the batch.
    y : Tensor of shape (n_samples, 1 or 2)
    vectors : Tensor of shape (n_samples, 1 or 2, n_components)
        Unit vectors.
    """

    weight: Tensor
    place: Tensor
    y: Tensor
    vectors: Tensor

    @property
    def left(self) -> Tensor:
        """The vectors of anchors, (n_samples, n_components)."""
        return self.vectors[:, 0]

    @property
    def right(self) -> Tensor:
        """The vectors of candidates, (n_samples, n_components)."""
        return self.vectors[:, -1]

    def compared(self, others: Rows) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Compare every anchor among these rows with the candidates among others.

        Returns
        -------
        cosine : Tensor of shape (n_anchors, n_candidates)
            Cosine of each anchor and each candidate.
        positive, negative : Tensor of shape (n_anchors, n_candidates)
            Whether a candidate should be close, or far.
        itself : Tensor of shape (n_anchors, n_candidates)
            Whether a candidate is the anchor.
        """
        cosine = self.left @ others.right.mT
        same_place = self.place.unsqueeze(1) == others.place
        if self.y.shape[-1] == 2:
            positive = same_place & (self.y[:, :1] == self.y[:, 1:])
            return cosine, positive, ~positive, torch.zeros_like(positive)
        return cosine, self.y == others.y.mT, self.y != others.y.mT, same_place


def summed(
    of_block: Callable[[Rows, Rows], tuple[Tensor, ...]], vectors: Tensor, y: Tensor, weight: Tensor
) -> tuple[Tensor, ...]:
    """Sum functions of some anchors and all candidates over a batch, without a table of all pairs.

    Parameters
    ----------
    of_block : callable
        Maps some of the rows and all of them to sums over these, each a scalar.
    vectors, y, weight : Tensor
        As in `Rows`.
    """

    def of_pairs(some: Sequence[Tensor], all_rows: Sequence[Tensor]) -> list[Tensor]:
        anchors = Rows(*(each[0].squeeze(1) for each in some))
        others = Rows(*(each[0, 0] for each in all_rows))
        return [each.unsqueeze(0) for each in of_block(anchors, others)]

    place = torch.arange(len(y), device=y.device)
    items = [each.unsqueeze(0) for each in (weight, place, y, vectors)]
    return tuple(each.squeeze(0) for each in over_pairs(of_pairs, items))
