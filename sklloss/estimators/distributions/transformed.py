"""The distribution of a target that was transformed for the fit, in its own units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .integrals import moments_of
from .predictive import PredictiveDistribution

# Values on which a transformer is tested.
N_TESTED = 2000
# Step of a difference quotient, as a share of the range that half of the rows' distributions has.
STEP = 1e-4


@dataclass(frozen=True, repr=False, eq=False)
class TransformedDistribution(PredictiveDistribution):
    """The distribution of y = g(z), where that of z is predicted and g is monotone.

    Mean and standard deviation are integrals between the quantiles 1e-7 and 1 - 1e-7; the
    derivative of g in the density is a difference quotient.

    Attributes
    ----------
    inner : PredictiveDistribution
        Of z.
    transformer : transformer of scikit-learn
        Fitted; its ``inverse_transform`` is g.
    range : tuple of float
        The least and the greatest z for which g is finite; beyond, it is taken as constant.
    rises : bool
        Whether g rises.
    """

    inner: PredictiveDistribution
    transformer: Any
    range: tuple[float, float]
    rises: bool

    @classmethod
    def of(cls, inner: PredictiveDistribution, transformer: Any) -> TransformedDistribution:
        """Return the distribution, once the transformer was found to be monotone.

        Raises
        ------
        ValueError
            If it is not, or there are several targets, or counts.
        """
        if not inner.is_column:
            raise ValueError(
                f"{_label(transformer)} transforms {inner._shape[1]} targets at once, but the"
                " distribution of each one is known only for a single target. Leave the"
                " transformer out: NeuralRegressor scales each target by itself."
            )
        if inner.is_discrete:
            raise ValueError(
                f"{_label(transformer)} transforms the target of a loss for counts, and the results"
                " are not counts. Leave the transformer out, or choose a loss for real-valued y."
            )
        tested = np.unique(inner._knots())
        tested = tested[np.unique(np.linspace(0, len(tested) - 1, N_TESTED).astype(int))]
        y = _inverse(transformer, tested)
        known = np.isfinite(y)
        steps = np.diff(y[known])
        rises, falls = (steps >= 0).all(), (steps <= 0).all()
        if not steps.any() or not (rises or falls):
            raise ValueError(
                f"{_label(transformer)} is not monotone over the predicted range, so a value"
                " of y corresponds to several values of the training target. Take a transformer"
                " whose inverse rises or falls throughout, such as log1p and expm1."
            )
        ends = float(tested[known][0]), float(tested[known][-1])
        return cls(True, inner, transformer, ends, bool(rises))

    @property
    def _shape(self) -> tuple[int, int]:
        return self.inner._shape

    @property
    def _of(self) -> str:
        return f"{self.inner._of}, through the inverse of {type(self.transformer).__name__}"

    def _lacks(self, name: str) -> str:
        return self.inner._lacks(name)

    def _cdf(self, y: np.ndarray) -> np.ndarray:
        z, is_known = self._z(y)
        below = self.inner._cdf(z)
        below = below if self.rises else 1 - below
        # A transformer such as log has no value for y beyond all that can be predicted.
        return np.where(is_known, below, y > self._middle)

    def _ppf(self, levels: np.ndarray) -> np.ndarray:
        return self._y(self.inner._ppf(levels if self.rises else 1 - levels))

    def _ppf_at(self, levels: np.ndarray) -> np.ndarray:
        return self._y(self.inner._ppf_at(levels if self.rises else 1 - levels))

    def _log_density(self, y: np.ndarray) -> np.ndarray:
        z, is_known = self._z(y)
        knots = self.inner._knots()
        quarter = knots.shape[-1] // 4
        step = STEP * (knots[..., -1 - quarter] - knots[..., quarter])[..., None]
        low, high = np.maximum(z - step, self.range[0]), np.minimum(z + step, self.range[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            log_slope = np.log(np.abs(self._y(high) - self._y(low)) / (high - low))
            inside = is_known & (high > low)
            return np.where(inside, self.inner._log_density(z) - log_slope, -np.inf)

    def _mean(self) -> np.ndarray:
        return moments_of(self)[0]

    def _std(self) -> np.ndarray:
        return moments_of(self)[1]

    def _knots(self) -> np.ndarray:
        return np.sort(self._y(self.inner._knots()), -1)

    @property
    def _middle(self) -> float:
        """A value of y that can be predicted."""
        return float(_inverse(self.transformer, np.array([np.mean(self.range)]))[0])

    def _z(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return transformed values, and whether there are any."""
        finite = np.isfinite(y)
        given = np.where(finite, y, self._middle)
        with np.errstate(all="ignore"):
            z = self.transformer.transform(given.reshape(-1, 1)).reshape(y.shape)
        is_known = finite & ~np.isnan(z)
        return np.where(is_known, z, np.mean(self.range)), is_known

    def _y(self, z: np.ndarray) -> np.ndarray:
        return _inverse(self.transformer, np.clip(z, *self.range))


def _inverse(transformer: Any, z: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        found = transformer.inverse_transform(z.reshape(-1, 1))
    return np.asarray(found, dtype=np.float64).reshape(z.shape)


def _label(transformer: Any) -> str:
    return f"The transformer of the target, {transformer!r},"
