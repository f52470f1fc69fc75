"""Scaling of features and targets, learned from weighted rows in float64."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import sparse
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from ...losses.weighted import robust_scale, weighted_mean, weighted_quantile, weighted_std
from ...parameters.refusals import count
from .data import Encoding, MappedRows, Rows, SparseRows, reads_from_file

# Rows scaled at once, so that their float64 temporaries stay in cache.
CHUNK_ROWS = 16_384
# Smaller values, and larger ones than one by this, are squared in a unit of their own.
SMALLEST_SQUARABLE = 1e-100


@dataclass(frozen=True)
class InputScaler(Encoding):
    """Standardise features: ``(X - mean) / scale``, for sparse X ``X / scale``.

    Attributes
    ----------
    mean, scale : ndarray or None
        Of shape (n_features,) for tables, (n_channels, 1, ...) for arrays (n_samples, n_channels,
        ...) of more axes; None leaves X as it is.
    """

    is_invertible: ClassVar[bool] = True
    mean: np.ndarray | None = None
    scale: np.ndarray | None = None

    @classmethod
    def fit(cls, X: Any, sample_weight: np.ndarray) -> InputScaler:
        """Learn mean and standard deviation of every feature, or channel.

        A constant feature has an infinite scale, so that it has no influence; a feature of 0 and 1
        is only centred, if X is a table.
        """
        # Truth values have no minus, and that of unsigned integers is positive.
        low, high = (end.astype(np.float64) for end in _range(X))
        unit = _units(np.maximum(-low, high))
        scaler = StandardScaler(with_mean=not sparse.issparse(X), copy=False)
        for table, weights in _tables(X, sample_weight, unit):
            scaler.partial_fit(table, sample_weight=weights)
        scale = np.where(low < high, unit * scaler.scale_, np.inf)
        binary = np.flatnonzero((low == 0) & (high == 1)) if X.ndim == 2 else np.array([], int)
        columns = X[:, binary]
        whole = columns != columns.astype(bool)
        scale[binary[np.asarray(whole.sum(0)).ravel() == 0]] = 1.0
        shape = (-1,) + (1,) * (X.ndim - 2)
        return cls((unit * scaler.mean_).reshape(shape), scale.reshape(shape))

    def left_out(self) -> np.ndarray:
        """Return the indices of the features that were constant."""
        return super().left_out() if self.scale is None else np.flatnonzero(np.isinf(self.scale))

    def transform(self, X: Any, dtype: torch.dtype) -> Any:
        """Return X scaled, as a tensor of the given dtype or sparse rows; X is not changed.

        Raises
        ------
        ValueError
            If a scaled value is too large for the dtype.
        """
        numpy_dtype = torch.empty((), dtype=dtype).numpy().dtype
        if sparse.issparse(X):
            scale = 1.0 if self.scale is None else self.scale[X.indices]
            with np.errstate(over="ignore"):
                values = (X.data / scale).astype(numpy_dtype)
            self._fill(values, X.data, X.indices)
            scaled = sparse.csr_array((values, X.indices, X.indptr), shape=X.shape)
            centre = (
                None if self.mean is None else torch.from_numpy(self.mean / self.scale).to(dtype)
            )
            return SparseRows(scaled, torch.device("cpu"), centre)
        if reads_from_file(X, dtype):
            return MappedRows(X, partial(self._scaled, dtype=numpy_dtype), torch.device("cpu"))
        return self._scaled(X, numpy_dtype)

    def _scaled(self, X: np.ndarray, dtype: np.dtype[Any]) -> Tensor:
        out = np.empty(X.shape, dtype=dtype)
        scale = 1.0 if self.scale is None else self.scale
        for chunk in _chunks(X):
            with np.errstate(over="ignore"):
                centred = X[chunk] if self.mean is None else X[chunk] - self.mean
                np.divide(centred, scale, out[chunk], casting="same_kind")
        self._fill(out, X)
        return torch.from_numpy(out)

    def training_rows(self, X: Any, dtype: torch.dtype, device: torch.device) -> Rows:
        """Return checked X as rows for the engine.

        Raises
        ------
        ValueError
            If a scaled value is too large for the dtype; of rows in a file, too, all of which are
            scaled once to see.
        """
        found = super().training_rows(X, dtype, device)
        if isinstance(found, MappedRows):
            found.check()
        return found

    def _fill(self, scaled: np.ndarray, X: np.ndarray, columns: np.ndarray | None = None) -> None:
        """Write the mean where a value is missing; raise where one is too large.

        `columns` are those of the values of a sparse matrix, which are not centred yet.
        """
        if np.isfinite(scaled).all():
            return
        check_fits(scaled, X)
        absent = np.isnan(scaled)
        if self.mean is None or self.scale is None:
            check_none_missing(absent)
            return
        of_values = 0.0 if columns is None else (self.mean / self.scale)[columns[absent]]
        scaled[absent] = of_values

    def done(self, X: Tensor) -> Tensor:
        """Return a tensor of rows scaled, in its dtype."""
        mean, scale = self._like(X)
        return (X - mean) / scale

    def module(self, shape: tuple[int, ...]) -> nn.Module:
        """Return a module that scales rows of a shape."""
        return InputScaling(self, shape)

    def undone(self, X: Tensor) -> Tensor:
        """Return scaled rows on the scale that they had.

        They are rounded to the digits that scaling leaves exact: 0 is 0 again, 255 is 255.
        """
        if self.mean is None and self.scale is None:
            return X
        mean, scale = self._like(X.double())
        # What never varied has an infinite scale and is 0, so any other gives its mean.
        scale = torch.where(scale.isinf(), 1.0, scale)
        blur = 8 * torch.finfo(X.dtype).eps * (mean.abs() + scale)
        step = blur.log2().ceil().exp2()
        rounded = ((X.double() * scale + mean) / step).round() * step
        # Adding 0 turns -0 into 0.
        return (rounded + 0.0).to(X.dtype)

    def _like(self, X: Tensor) -> tuple[Tensor, Tensor]:
        mean = np.zeros(()) if self.mean is None else self.mean
        scale = np.ones(()) if self.scale is None else self.scale
        return torch.from_numpy(mean).to(X), torch.from_numpy(scale).to(X)


def _range(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest value of every feature, or channel."""
    if sparse.issparse(X):
        return X.min(axis=0).toarray().ravel(), X.max(axis=0).toarray().ravel()
    others = (0, *range(2, X.ndim))
    return X.min(axis=others), X.max(axis=others)


def _chunks(X: Any) -> Iterator[slice]:
    """Yield slices of rows that are scaled at once."""
    size = max(1, CHUNK_ROWS // prod(X.shape[2:]))
    return (slice(start, start + size) for start in range(0, X.shape[0], size))


def _units(largest: np.ndarray) -> np.ndarray:
    """Return the unit of every feature, given its largest value: 1 where that can be squared."""
    is_usual = (largest < 1 / SMALLEST_SQUARABLE) & (largest > SMALLEST_SQUARABLE) | (largest == 0)
    return np.where(is_usual, 1.0, np.exp2(np.frexp(largest)[1] - 1.0))


def _tables(
    X: Any, sample_weight: np.ndarray, unit: np.ndarray
) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield X, in units of every feature, and its weights in chunks of a table of float64.

    X of more than two axes becomes a table with a row per place and a column per channel.
    """
    n_places = prod(X.shape[2:])
    for chunk in _chunks(X):
        table, weights = X[chunk], sample_weight[chunk]
        if X.ndim > 2:
            table = np.moveaxis(table, 1, -1).reshape(-1, X.shape[1])
            weights = np.repeat(weights, n_places)
        table = table.astype(np.float64)
        if (unit != 1).any():
            table = table @ sparse.diags_array(1 / unit) if sparse.issparse(table) else table / unit
        yield table, weights


def check_none_missing(absent: Any) -> None:
    """Raise if values are missing in columns where training had all of them."""
    if absent.any():
        raise ValueError(
            f"X has {count(int(absent.sum()), 'missing value')} in columns that had none in"
            " training. They cannot be replaced with numeric_encoding='none';"
            " choose another encoding, or fill them."
        )


def check_fits(scaled: np.ndarray, X: np.ndarray) -> None:
    """Raise if values that are finite in X are not once they are scaled."""
    too_large = np.isinf(scaled)
    if too_large.any():
        raise ValueError(
            f"X has values too large for {scaled.dtype}, for example {X[too_large][0]:g}."
            " Remove or clip them, or set scale_inputs=True."
        )


@dataclass(frozen=True)
class TargetScaler:
    """Scale targets: ``(y - centre) / scale``, and back.

    Attributes
    ----------
    centre, scale : ndarray of shape (n_targets,)
        Those of several members are (members, 1, n_targets).
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
                f"y has values too large to be summed, for example {values.abs().max():g}. Divide"
                " y by a constant."
            )
        floor = 10 * np.finfo(np.float64).eps * values.abs().amax(0)
        scale = torch.where(scale > floor, scale, 1.0)
        return cls(centre.numpy().astype(float), scale.numpy().astype(float))

    @classmethod
    def stacked(cls, scalers: Sequence[TargetScaler]) -> TargetScaler:
        """Return the scalers of several members as one."""
        centres = np.stack([each.centre for each in scalers])[:, None]
        return cls(centres, np.stack([each.scale for each in scalers])[:, None])

    def transform(self, y: np.ndarray) -> np.ndarray:
        """Return y scaled, shape (n_rows, n_targets)."""
        return (y - self.centre) / self.scale

    def inverse_transform(self, prediction: np.ndarray) -> np.ndarray:
        """Return predictions on the scale of y, in float64."""
        return prediction * self.scale + self.centre


def check_row_shape(X: Tensor, shape: tuple[int, ...]) -> None:
    """Raise if a module of a fitted estimator gets rows of another shape."""
    if tuple(X.shape[1:]) != shape:
        raise ValueError(
            f"This module takes X of shape (n_samples, {', '.join(map(str, shape))}); got"
            f" {tuple(X.shape)}. Give the features that the estimator was trained on, in their"
            " order; of a raw table, what the estimator's as_numbers(X) returns."
        )


class InputScaling(nn.Module):
    """What an `InputScaler` does to dense X, in the dtype of its buffers."""

    mean: Tensor
    scale: Tensor

    def __init__(self, scaler: InputScaler, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.input_shape = input_shape
        of_channels = (input_shape[0],) + (1,) * (len(input_shape) - 1)
        mean = np.zeros(of_channels) if scaler.mean is None else scaler.mean
        scale = np.ones(of_channels) if scaler.scale is None else scaler.scale
        self.register_buffer("mean", torch.from_numpy(mean))
        self.register_buffer("scale", torch.from_numpy(scale))

    def forward(self, X: Tensor) -> Tensor:
        """(X - mean) / scale."""
        if X.ndim == 3 and len(self.input_shape) == 3:
            X = X.unsqueeze(1)  # the axis of channels
        check_row_shape(X, self.input_shape)
        return (X.to(self.mean.dtype) - self.mean) / self.scale
