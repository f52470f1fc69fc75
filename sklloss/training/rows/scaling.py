"""Scaling of features and targets, learnt from weighted rows in float64."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from ...losses.weighted import robust_scale, weighted_mean, weighted_quantile, weighted_std

# Rows scaled at once, so that their float64 temporaries stay in cache.
CHUNK_ROWS = 16_384
LARGEST_SQUARABLE = 1e150


@dataclass(frozen=True)
class InputScaler:
    """Standardise features: ``(X - mean) / scale``, for sparse X ``X / scale``.

    Attributes
    ----------
    mean, scale : ndarray or None
        Of shape (n_features,) for tables, (n_channels, 1, ...) for arrays (n_samples, n_channels,
        ...) of more axes; None leaves X as it is.
    """

    mean: np.ndarray | None = None
    scale: np.ndarray | None = None

    @classmethod
    def fit(cls, X: Any, sample_weight: np.ndarray) -> InputScaler:
        """Learn mean and standard deviation of every feature, or channel.

        A constant feature has scale 1; sparse X has no mean.
        """
        centre = not sparse.issparse(X)
        values = X if centre else X.data
        if values.size and max(float(values.max()), -float(values.min())) > LARGEST_SQUARABLE:
            raise ValueError(
                "X has values too large to be squared, for example"
                f" {np.abs(values).max():g}. Divide them by a constant."
            )
        scaler = StandardScaler(with_mean=centre, copy=False)
        for table, weights in _tables(X, sample_weight):
            scaler.partial_fit(table, sample_weight=weights)
        shape = (-1,) + (1,) * (X.ndim - 2)
        mean = scaler.mean_.reshape(shape) if centre else None
        return cls(mean, scaler.scale_.reshape(shape))

    def transform(self, X: Any, dtype: torch.dtype) -> Any:
        """Return X scaled, as a tensor of the given dtype or a CSR matrix; X is not changed.

        Raises
        ------
        ValueError
            If a scaled value is too large for the dtype.
        """
        numpy_dtype = torch.empty((), dtype=dtype).numpy().dtype
        if sparse.issparse(X) and self.mean is not None:
            # The scaler was learnt from dense rows, in which zeros are values to be centred.
            X = X.toarray()
        if sparse.issparse(X):
            scaled = X if self.scale is None else X @ sparse.diags_array(1 / self.scale)
            scaled = sparse.csr_array(scaled, dtype=numpy_dtype)
            _check_fits(scaled.data, X.data, numpy_dtype)
            return scaled
        out = np.empty(X.shape, dtype=numpy_dtype)
        scale = 1.0 if self.scale is None else self.scale
        for rows in _chunks(X):
            with np.errstate(over="ignore"):
                centred = X[rows] if self.mean is None else X[rows] - self.mean
                np.divide(centred, scale, out[rows], casting="same_kind")
        _check_fits(out, X, numpy_dtype)
        return torch.from_numpy(out)

    def done(self, X: Tensor) -> Tensor:
        """Return a tensor of rows scaled, in its dtype."""
        mean, scale = self._like(X)
        return (X - mean) / scale

    def undone(self, X: Tensor) -> Tensor:
        """Return scaled rows on the scale that they had.

        They are rounded to the digits that scaling leaves exact: 0 is 0 again, 255 is 255.
        """
        if self.mean is None and self.scale is None:
            return X
        mean, scale = self._like(X.double())
        blur = 8 * torch.finfo(X.dtype).eps * (mean.abs() + scale)
        step = blur.log2().ceil().exp2()
        rounded = ((X.double() * scale + mean) / step).round() * step
        # Adding 0 turns -0 into 0.
        return (rounded + 0.0).to(X.dtype)

    def _like(self, X: Tensor) -> tuple[Tensor, Tensor]:
        mean = np.zeros(()) if self.mean is None else self.mean
        scale = np.ones(()) if self.scale is None else self.scale
        return torch.from_numpy(mean).to(X), torch.from_numpy(scale).to(X)


def _chunks(X: Any) -> Iterator[slice]:
    """Yield slices of rows that are scaled at once."""
    size = max(1, CHUNK_ROWS // prod(X.shape[2:]))
    return (slice(start, start + size) for start in range(0, X.shape[0], size))


def _tables(X: Any, sample_weight: np.ndarray) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield X and its weights in chunks of a table.

    X of more than two axes becomes a table with a row per place and a column per channel.
    """
    n_places = prod(X.shape[2:])
    for rows in _chunks(X):
        if X.ndim == 2:
            yield X[rows], sample_weight[rows]
        else:
            table = np.moveaxis(X[rows], 1, -1).reshape(-1, X.shape[1])
            yield table.astype(np.float64), np.repeat(sample_weight[rows], n_places)


def _check_fits(scaled: np.ndarray, X: np.ndarray, dtype: np.dtype) -> None:
    if not np.isfinite(scaled).all():
        raise ValueError(
            f"X has values too large for {dtype}, for example {X[~np.isfinite(scaled)][0]:g}."
            " Remove or clip them, or set scale_inputs=True."
        )


@dataclass(frozen=True)
class TargetScaler:
    """Scale targets: ``(y - centre) / scale``, and back.

    Attributes
    ----------
    centre, scale : ndarray of shape (n_targets,)
    """

    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, y: np.ndarray, sample_weight: np.ndarray, scaling: str) -> TargetScaler:
        """Learn centre and scale as a loss allows; a constant target has scale 1."""
        values, weights = torch.from_numpy(y), torch.from_numpy(sample_weight)
        zeros, ones = torch.zeros(y.shape[1], dtype=values.dtype), torch.ones(y.shape[1])
        if scaling == "none":
            centre, scale = zeros, ones
        elif scaling == "scale":
            centre, scale = zeros, weighted_mean(values.abs(), weights)
        elif scaling == "robust":
            centre = weighted_quantile(values, weights, 0.5)
            scale = robust_scale(values, weights)
        else:
            centre, scale = weighted_mean(values, weights), weighted_std(values, weights)
        if not scale.isfinite().all():
            raise ValueError(
                f"y has values too large to be squared, for example {values.abs().max():g}. Divide"
                " y by a constant."
            )
        floor = 10 * np.finfo(np.float64).eps * values.abs().amax(0)
        scale = torch.where(scale > floor, scale, 1.0)
        return cls(centre.numpy().astype(float), scale.numpy().astype(float))

    def transform(self, y: np.ndarray) -> np.ndarray:
        """Return y scaled, shape (n_rows, n_targets)."""
        return (y - self.centre) / self.scale

    def inverse_transform(self, prediction: np.ndarray) -> np.ndarray:
        """Return predictions on the scale of y, in float64."""
        return prediction * self.scale + self.centre
