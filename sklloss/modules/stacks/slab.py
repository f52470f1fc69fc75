"""Slabs: K matrices in one vector, in which elementwise kernels treat every entry the same."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .flat import aligned

# torch splits longer vectors among threads, into chunks of at least this many entries.
GRAIN = 32_768
# Matrices that start at a multiple of this many entries get the same bits from matrix products.
CACHE_LINE = 16
# Unless float32 products are set to "highest", torch sends those on the CPU to oneDNN, but for
# batches of at most so many multiplications.
LEAST_OF_ONEDNN = 16**3


@dataclass(frozen=True)
class Slab:
    """K matrices one after another in one vector, padded with zeros at the end.

    Vectorised kernels compute the last few entries of a tensor in another way, with other bits.
    Here these are the zeros, so that an entry gets the same bits whatever the number of matrices.

    Attributes
    ----------
    vector : Tensor of shape (aligned size,)
        For elementwise operations.
    matrices : Tensor of shape (models, rows, width)
        A view of it, for everything else.
    """

    vector: Tensor
    matrices: Tensor

    @classmethod
    def like(cls, other: Tensor, n_models: int, n_rows: int, width: int) -> Slab:
        """Return a slab of the dtype and device of another tensor."""
        size = n_models * n_rows * width
        padded = shareable(size, torch.get_num_threads())
        vector = other.new_empty(padded)
        if padded > size:
            vector[size:] = 0
        return cls(vector, vector[:size].view(n_models, n_rows, width))

    def of(self, vector: Tensor) -> Slab:
        """Return the slab of a result of the same shape."""
        if vector is self.vector:
            return self
        return Slab(vector, vector[: self.matrices.numel()].view(self.matrices.shape))


def shareable(size: int, n_threads: int) -> int:
    """Round the size of a vector up so that the chunk of every thread is aligned.

    Each chunk has a tail of its own that kernels compute differently.
    """
    n_parts = min(n_threads, -(-size // GRAIN))
    return aligned(-(-size // max(n_parts, 1))) * max(n_parts, 1)


def multiply(left: Tensor, right: Tensor, out: Tensor, plus: Tensor | None = None) -> None:
    """Write K matrix products, and what is added to them, into memory; each as if it were alone."""
    if out.shape[0] > 1 and _library_depends_on_number(left, right):
        for k in range(len(out)):
            one = slice(k, k + 1)
            multiply(left[one], right[one], out[one], None if plus is None else plus[one])
    elif plus is None:
        torch.bmm(left, right, out=out)
    else:
        torch.baddbmm(plus, left, right, out=out)


def write_product(left: Tensor, right: Tensor, out: Tensor) -> None:
    """Write K matrix products into views that are not contiguous.

    They are computed in one batch, so that each starts aligned, and then copied.  With several
    threads each is computed by itself: how a batch of large ones is shared among threads depends on
    how many there are, and with it the order of their sums.
    """
    if torch.get_num_threads() > 1 and len(out) > 1:
        for k in range(len(out)):
            write_product(left[k : k + 1], right[k : k + 1], out[k : k + 1])
        return
    if out.is_contiguous() or out[0].numel() % CACHE_LINE:
        multiply(left, right, out)
    else:
        product = out.new_empty(out.shape)
        multiply(left, right, product)
        out.copy_(product)


def _library_depends_on_number(left: Tensor, right: Tensor) -> bool:
    """Return whether one library multiplies a pair of matrices alone, and another all of them."""
    size = left.shape[1] * left.shape[2] * right.shape[2]
    return (
        size <= LEAST_OF_ONEDNN < len(left) * size
        and left.dtype == torch.float32
        and left.device.type == "cpu"
        and torch.get_float32_matmul_precision() != "highest"
    )
