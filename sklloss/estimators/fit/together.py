"""Several estimators fitted together, and which of them can be."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from math import prod
from numbers import Integral
from typing import Any

from ...modules import benefits_from_stacking
from ...training import optimizer_spec, train_all
from ..tables.classifier import NeuralClassifier
from ..tables.regressor import NeuralRegressor
from .estimator import NeuralEstimator
from .prepared import Ready, Shelf, frozen

SHARED = (  # what the models of a stack have in common
    "module",
    "hidden_layer_sizes",
    "activation",
    "optimizer",
    "batch_size",
    "early_stopping",
    "validation_fraction",
    "dtype",
    "module_params",
    "optimizer_params",
)


@dataclass
class Fit:
    """One fit that is to be done.

    Attributes
    ----------
    estimator : NeuralEstimator
        Unfitted, its parameters set; it is fitted in place.
    X, y
        What it is fitted on.
    params : dict
        Further arguments of `fit`, such as the sample_weight of these rows.
    """

    estimator: NeuralEstimator
    X: Any
    y: Any
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a fit.

    Attributes
    ----------
    error : Exception or None
        What it raised.
    seconds : float
        The time of its stack, divided by the stack's models.
    """

    error: Exception | None
    seconds: float


def sharing_key(estimator: Any) -> Hashable | None:
    """Return what estimators have in common that may be trained in one stack; None for one that is fitted alone.

    Those of equal keys may share a stack where their data have as many rows and columns of the same kind.  Parameters outside
    what is allowed give None: such a fit fails, and does so alone.
    """
    if type(estimator) not in (NeuralRegressor, NeuralClassifier):
        return None
    try:
        loss = estimator._checked_loss()
        lbfgs = optimizer_spec(estimator.optimizer).full_batch
        widths = (loss.n_outputs(2, False), loss.n_outputs(5, False))
        key = (
            type(estimator).__name__,
            widths,
            *(frozen(getattr(estimator, name)) for name in SHARED),
        )
        hash(key)
    except (TypeError, ValueError):
        return None
    return None if lbfgs or _is_on_its_own(estimator) else key


def _is_on_its_own(estimator: NeuralEstimator) -> bool:
    """Tell whether something about an estimator keeps it out of stacks."""
    return bool(
        not benefits_from_stacking(estimator.module)
        or estimator.augment
        or estimator.callbacks
        or estimator.warm_start
        or estimator.verbose
        or str(estimator.device) != "cpu"
        or not isinstance(estimator.validation_fraction, float)
    )


def fit_together(
    fits: Sequence[Fit], on_epoch: Callable[[int], None] | None = None
) -> list[Outcome]:
    """Fit estimators in place, as one tensor program where they can share one; one that fails does not touch the others.

    Parameters
    ----------
    fits : sequence of Fit
        Those of equal `sharing_key` gain by it.
    on_epoch : callable or None, default=None
        Told how many more epochs of models are done; over a fit they add up to its max_epochs, also where it stops before.

    Returns
    -------
    list of Outcome
        In the order of `fits`.
    """
    start, shelf = time.perf_counter(), Shelf()
    prepared = [_prepared(fit, shelf) for fit in fits]
    if on_epoch is not None:
        on_epoch(
            sum(
                epochs_of(f.estimator)
                for f, p in zip(fits, prepared, strict=True)
                if not isinstance(p, Ready)
            )
        )
    ready = [each for each in prepared if isinstance(each, Ready)]
    nets = [net for each in ready for net in each.nets]
    data = [part for each in ready for part in each.data]
    errors = iter(train_all(nets, data, on_epoch=on_epoch))
    found = [
        _adopted(fit, each, [next(errors) for _ in each.nets]) if isinstance(each, Ready) else each
        for fit, each in zip(fits, prepared, strict=True)
    ]
    seconds = (time.perf_counter() - start) / max(len(fits), 1)
    return [Outcome(error, seconds) for error in found]


def epochs_of(estimator: NeuralEstimator) -> int:
    """Return the epochs of all members of a fit, at most; 1 where it cannot be told and the fit will fail."""
    numbers = (estimator.max_epochs, estimator.n_members)
    return prod(map(int, numbers)) if all(isinstance(n, Integral) for n in numbers) else 1


def _prepared(fit: Fit, shelf: Shelf) -> Ready | Exception:
    try:
        _check_params(fit)
        with fit.estimator._unchanged_by_failure():
            return fit.estimator._prepare(fit.X, fit.y, shelf=shelf, **fit.params)
    except Exception as error:
        return error


def _check_params(fit: Fit) -> None:
    """Refuse what `fit` of the estimator does not take, as a call of it would."""
    unknown = sorted(fit.params.keys() - {"sample_weight"})
    if unknown:
        raise TypeError(
            f"{type(fit.estimator).__name__}.fit() got an unexpected keyword argument {unknown[0]!r}; besides X and y it takes sample_weight."
        )


def _adopted(fit: Fit, ready: Ready, errors: Sequence[Exception | None]) -> Exception | None:
    try:
        with fit.estimator._unchanged_by_failure():
            fit.estimator._adopt(ready, errors)
    except Exception as error:
        return error
    return None
