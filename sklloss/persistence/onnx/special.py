"""Distribution functions as tables, where onnxruntime has no operator in double precision."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

# Distance of the points of a table; cubic interpolation is off by less than 1e-9.
STEP = 1 / 64


@dataclass(frozen=True, eq=False)
class Table:
    """Smooth functions at equal steps, interpolated by cubics of the right slopes.

    Attributes
    ----------
    low : float
        The first point.
    step : float
    values, slopes : Tensor of shape (n_functions, n_points)
    """

    low: float
    step: float
    values: Tensor
    slopes: Tensor

    @classmethod
    def of(cls, function: object, slope: object, low: float, high: float) -> Table:
        """Return the table of one function of NumPy arrays, given its derivative."""
        x = np.linspace(low, high, round((high - low) / STEP) + 1)
        pair = (torch.from_numpy(each(x))[None] for each in (function, slope))  # type: ignore[operator]
        return cls(low, (high - low) / (len(x) - 1), *pair)

    def at(self, x: Tensor, which: Tensor | int = 0) -> Tensor:
        """Return the values of functions at some places; beyond the ends those at the ends."""
        n = self.values.shape[1]
        place = ((x - self.low) / self.step).clamp(0, n - 1)
        left = place.nan_to_num(0.0).floor().clamp(max=n - 2)
        t = place - left  # NaN where x is
        index = left.long() + torch.as_tensor(which) * n
        values, slopes = self.values.flatten(), self.slopes.flatten() * self.step
        start, end = values[index], values[index + 1]
        rise, fall = slopes[index] - (end - start), (end - start) - slopes[index + 1]
        return start + t * (end - start) + t * (1 - t) * ((1 - t) * rise + t * fall)


def asinh(x: Tensor) -> Tensor:
    """Return the inverse hyperbolic sine; onnxruntime has it in single precision alone."""
    size = x.abs()
    return x.sign() * (size + (size * size + 1).sqrt()).log()


@lru_cache
def _normal() -> Table:
    from scipy.special import ndtr

    return Table.of(ndtr, lambda x: np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi), -9.0, 9.0)


@lru_cache
def _normal_quantiles() -> Table:
    from scipy.special import expit, ndtri

    def quantile(s: np.ndarray) -> np.ndarray:
        # By symmetry, since shares near 1 are rounded.
        return -np.sign(s) * ndtri(expit(-np.abs(s)))

    def slope(s: np.ndarray) -> np.ndarray:
        density = np.exp(-0.5 * quantile(s) ** 2) / np.sqrt(2 * np.pi)
        return expit(s) * expit(-s) / density

    return Table.of(quantile, slope, -36.0, 36.0)


@lru_cache
def _student(df: float) -> Table:
    from scipy.special import stdtr
    from scipy.stats import t

    return Table.of(
        lambda s: stdtr(df, np.sinh(s)), lambda s: t.pdf(np.sinh(s), df) * np.cosh(s), -20.0, 20.0
    )


def normal_share(x: Tensor) -> Tensor:
    """Return the share of the standard normal distribution below x."""
    return _normal().at(x.double()).to(x.dtype)


def normal_quantile(share: Tensor) -> Tensor:
    """Return the quantile of the standard normal distribution."""
    wide = share.double()
    return _normal_quantiles().at(wide.log() - (1 - wide).log()).to(share.dtype)


def student_share(x: Tensor, df: float) -> Tensor:
    """Return the share of Student's t distribution below x."""
    return _student(df).at(asinh(x.double())).to(x.dtype)
