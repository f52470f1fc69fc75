"""A Pipeline that ends in an estimator of ours as one plain ``nn.Module``."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ..estimators.fit.estimator import NeuralEstimator

__all__ = ["to_module"]

SUPPORTED = (
    "StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, SimpleImputer, PCA, TruncatedSVD,"
    " selectors of features and 'passthrough'"
)


def to_module(estimator: Any, output: str | None = None) -> nn.Module:
    """Return a fitted estimator, or a Pipeline that ends in one, as a plain ``nn.Module``.

    For an estimator it is the result of its own ``to_module``.  For a Pipeline, the module first
    applies the earlier steps in float64: scalers, imputers, linear projections and feature
    selectors.  It can be exported with ``torch.export``, with a dynamic number of rows.

    Parameters
    ----------
    estimator : estimator or Pipeline
        A fitted estimator of sklloss, or a Pipeline that ends in one, for numeric X.
    output : str or None, default=None
        What the module returns, as in the estimator's ``to_module``; None is its default.

    Returns
    -------
    nn.Module
        A module that takes X, a float64 tensor of shape (n_samples, n_features).

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is neither an estimator of sklloss with ``to_module`` nor a Pipeline that ends in one.
    ValueError
        If a step cannot be converted to torch; the message names it.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklloss import NeuralRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), NeuralRegressor(max_epochs=3, random_state=0))
    >>> module = to_module(model.fit(X, y))
    >>> np.allclose(module(torch.from_numpy(X)), model.predict(X))
    True
    """
    final = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(final, NeuralEstimator) or not hasattr(final, "to_module"):
        raise TypeError(
            "to_module takes a fitted estimator of sklloss that has to_module, or a Pipeline that"
            f" ends in one; got {type(final).__name__ if not isinstance(final, type) else final}."
        )
    check_is_fitted(final, "net_")
    given = {} if output is None else {"output": output}
    module = final.to_module(**given)
    if final is estimator:
        return module
    steps = [_named(name, step) for name, step in estimator.steps[:-1]]
    return nn.Sequential(*steps, module).eval()


def _named(name: str, step: Any) -> nn.Module:
    """Return a step as a module; errors name it."""
    if step is None or step == "passthrough":
        return nn.Identity()
    try:
        return module_of(step)
    except NotImplementedError as error:
        raise ValueError(
            f"to_module cannot turn the step {name!r}, {error}, into torch. It takes {SUPPORTED};"
            " other steps are converted by to_onnx, or run before the module."
        ) from error


class Shifted(nn.Module):
    """``(X - shift) / scale``, cut to a range if there is one."""

    shift: Tensor
    scale: Tensor

    def __init__(
        self, shift: Any = None, scale: Any = None, ends: tuple[float, float] | None = None
    ) -> None:
        super().__init__()
        self.register_buffer("shift", _tensor(0.0 if shift is None else shift))
        self.register_buffer("scale", _tensor(1.0 if scale is None else scale))
        self.ends = ends

    def forward(self, X: Tensor) -> Tensor:
        """Return (n_samples, n_features)."""
        found = (X.double() - self.shift) / self.scale
        return found if self.ends is None else found.clamp(*self.ends)


class Projected(nn.Module):
    """``(X - mean) @ components``."""

    mean: Tensor
    components: Tensor

    def __init__(self, components: Any, mean: Any = 0.0) -> None:
        super().__init__()
        self.register_buffer("components", _tensor(components))
        self.register_buffer("mean", _tensor(mean))

    def forward(self, X: Tensor) -> Tensor:
        """Return (n_samples, n_components)."""
        return (X.double() - self.mean) @ self.components


class Imputed(nn.Module):
    """X with values instead of missing ones."""

    values: Tensor

    def __init__(self, values: Any) -> None:
        super().__init__()
        self.register_buffer("values", _tensor(values))

    def forward(self, X: Tensor) -> Tensor:
        """Return (n_samples, n_features)."""
        return torch.where(X.isnan(), self.values, X.double())


class Selected(nn.Module):
    """Some columns of X."""

    columns: Tensor

    def __init__(self, columns: Any) -> None:
        super().__init__()
        self.register_buffer("columns", torch.as_tensor(np.asarray(columns)))

    def forward(self, X: Tensor) -> Tensor:
        """Return (n_samples, n_columns)."""
        return X.index_select(1, self.columns)


def _tensor(values: Any) -> Tensor:
    return torch.as_tensor(np.array(values, dtype=np.float64))


@singledispatch
def module_of(step: Any) -> nn.Module:
    """Return a fitted step of scikit-learn as a module.

    Raises
    ------
    NotImplementedError
        If there is none.
    """
    if isinstance(step, SelectorMixin):
        return Selected(step.get_support(indices=True))
    what = f"a {type(step).__name__}" if isinstance(step, BaseEstimator) else repr(step)
    raise NotImplementedError(what)


@module_of.register
def _of_pipeline(step: Pipeline) -> nn.Module:
    return nn.Sequential(*(_named(name, each) for name, each in step.steps))


@module_of.register
def _of_standard_scaler(step: StandardScaler) -> nn.Module:
    return Shifted(step.mean_ if step.with_mean else None, step.scale_)


@module_of.register
def _of_robust_scaler(step: RobustScaler) -> nn.Module:
    return Shifted(step.center_, step.scale_)


@module_of.register
def _of_max_abs_scaler(step: MaxAbsScaler) -> nn.Module:
    return Shifted(None, step.scale_, (-1.0, 1.0) if getattr(step, "clip", False) else None)


@module_of.register
def _of_min_max_scaler(step: MinMaxScaler) -> nn.Module:
    return Shifted(
        -step.min_ / step.scale_, 1 / step.scale_, step.feature_range if step.clip else None
    )


@module_of.register
def _of_pca(step: PCA) -> nn.Module:
    scale = np.sqrt(step.explained_variance_) if step.whiten else 1.0
    return Projected(step.components_.T / scale, step.mean_)


@module_of.register
def _of_truncated_svd(step: TruncatedSVD) -> nn.Module:
    return Projected(step.components_.T)


@module_of.register
def _of_imputer(step: SimpleImputer) -> nn.Module:
    values = np.asarray(step.statistics_)
    if step.add_indicator or values.dtype.kind != "f" or not np.isnan(step.missing_values):
        raise NotImplementedError(
            "a SimpleImputer of text, of other missing values than NaN, or with add_indicator"
        )
    known = np.isnan(values) if not step.keep_empty_features else np.zeros(values.shape, bool)
    kept = np.flatnonzero(~known)
    return nn.Sequential(Selected(kept), Imputed(values[kept]))
