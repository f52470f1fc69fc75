"""Several estimators fitted together, and which of them can be."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from math import ceil
from numbers import Real
from typing import Any

from ...modules import benefits_from_stacking
from ...parameters.declared import declared_by
from ...parameters.plain import frozen
from ...training import optimizer_spec, train
from ..inputs.data import FitData
from .cache import Cache
from .estimator import NeuralEstimator
from .learned import Prepared
from .prepare import Preparation
from .settings import epochs, has_callbacks, members_of
from .splits import N_FOLDS


def sharing_key(estimator: NeuralEstimator) -> Hashable | None:
    """Return what estimators have in common that may be trained as one stack.

    Those of equal keys may share a stack where their data have as many rows and columns of the
    same kind.  None is returned for one that is fitted alone, such as one with parameters outside
    what is allowed: it fails, and does so alone.
    """
    try:
        loss = estimator._checked_loss()
        if optimizer_spec(estimator.optimizer).full_batch or _is_alone(estimator):
            return None
        target = estimator._target
        shared = [name for name, declared in declared_by(estimator).items() if declared.shared]
        key = (
            (estimator._inputs.alike(), type(target), target.widths(loss)),
            *(frozen(getattr(estimator, name)) for name in shared),
        )
        hash(key)
    except (TypeError, ValueError):
        return None
    return key


def _is_alone(estimator: Any) -> bool:
    """Return whether something about an estimator keeps it out of stacks."""
    # A subclass of a user may learn from something else in a `fit` of its own.
    package = type(estimator).fit.__module__.partition(".")[0]
    return bool(
        package != __name__.partition(".")[0]
        or not (estimator._inputs.stacks and benefits_from_stacking(estimator.module))
        or getattr(estimator, "augment", None)
        or has_callbacks(estimator)
        or estimator.warm_start
        or estimator.verbose
        or str(estimator.device) != "cpu"
        or not isinstance(estimator.validation_fraction, float | str)
    )


def fit_together(
    estimators: Sequence[NeuralEstimator],
    data: Sequence[FitData],
    on_epoch: Callable[[int], None] | None = None,
) -> list[Exception | None]:
    """Fit estimators in place, stacked where they can share a program.

    Parameters
    ----------
    estimators : sequence of NeuralEstimator
    data : sequence of FitData
        What the `fit` of each receives.
    on_epoch : callable or None, default=None
        Called with the number of epochs that have just been trained, over all estimators.

    Returns
    -------
    list of Exception or None
        What stopped each of them; one that fails does not affect the others.
    """
    cache = Cache()
    pairs = zip(estimators, data, strict=True)
    prepared = [_prepared(estimator, given, cache) for estimator, given in pairs]
    ready = [each for each in prepared if isinstance(each, Prepared)]
    if on_epoch is not None:
        # What was expected of fits, but will not be trained.
        expected = sum(map(epochs_of, estimators, (n_rows_of(given.X) for given in data)))
        on_epoch(expected - sum(net.max_epochs for each in ready for net in each.nets))
    nets = [net for each in ready for net in each.nets]
    sets = [of_net for each in ready for of_net in each.data]
    return _adopted(estimators, prepared, iter(train(nets, sets, on_epoch=on_epoch)))


def epochs_of(estimator: Any, n_rows: int) -> int:
    """Return the epochs of all members of a fit, at most, as far as the number of rows says."""
    try:
        estimator._checked_loss()
        inputs = estimator._inputs
        members = members_of(estimator, inputs, lambda least: n_rows >= least)
        share = estimator.validation_fraction
        share = float(share) if isinstance(share, Real) else 1 / N_FOLDS
        n_train = n_rows - ceil(share * n_rows) if members.holds_out else n_rows
        return members.number * epochs(estimator, inputs, n_train, members.holds_out)[0]
    except (TypeError, ValueError):
        return 1  # The fit will fail.


def n_rows_of(X: Any) -> int:
    """Return how many rows X has, 1 where the fit will refuse it."""
    shape = getattr(X, "shape", None)
    if shape:
        return int(shape[0])
    return len(X) if hasattr(X, "__len__") else 1


def fit_data(estimator: Any, X: Any, y: Any, params: dict[str, Any]) -> FitData:
    """Return what `fit` of an estimator that stacks receives.

    Raises
    ------
    TypeError
        If there is a parameter that `fit` does not take, as a call of it would.
    """
    unknown = sorted(params.keys() - {"sample_weight"})
    if unknown:
        raise TypeError(
            f"{type(estimator).__name__}.fit() got an unexpected keyword argument {unknown[0]!r};"
            " besides X and y it takes sample_weight."
        )
    return FitData(X, y, params.get("sample_weight"))


def _prepared(estimator: NeuralEstimator, data: FitData, cache: Cache) -> Prepared | Exception:
    try:
        return Preparation(estimator, cache).of(data)
    except Exception as error:
        return error


def _adopted(
    estimators: Sequence[NeuralEstimator],
    prepared: Sequence[Prepared | Exception],
    errors: Iterator[Exception | None],
) -> list[Exception | None]:
    """Let estimators become what was trained; return what stopped each of them."""
    stopped: list[Exception | None] = []
    for estimator, each in zip(estimators, prepared, strict=True):
        error = each if isinstance(each, Exception) else None
        if isinstance(each, Prepared):
            try:
                estimator._adopt(each, [next(errors) for _ in each.nets])
            except Exception as caught:
                error = caught
        stopped.append(error)
    return stopped
