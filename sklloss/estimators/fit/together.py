"""Several estimators fitted together, and which of them can be."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import repeat
from math import ceil
from numbers import Real
from typing import Any

from ...modules import benefits_from_stacking
from ...parameters.declared import declared_by
from ...parameters.plain import frozen
from ...training import Pause, optimizer_spec, train
from ...training.checkpoints.keeper import Keeper, Keeping
from ...training.checkpoints.kept_fits import going, gone_on
from ...training.checkpoints.packed_pauses import Pauses
from ...training.model import epochs_left
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
    until: int | None = None,
    pauses: Sequence[Pauses | None] | None = None,
    keeping: Keeping | None = None,
) -> list[Exception | None]:
    """Fit estimators in place, stacked where they can share a program.

    Parameters
    ----------
    estimators : sequence of NeuralEstimator
    data : sequence of FitData
        What the `fit` of each receives.
    on_epoch : callable or None, default=None
        Called with the number of epochs that have just been trained, over all estimators.
    until : int or None, default=None
        The epoch after which trainings pause: the estimators are as if it was their last, and
        `pauses_of` returns what they need to go on.
    pauses : sequence of (list of Pause or None), or None, default=None
        Where an earlier call with the same data and parameters, random_state included, has paused
        the members of each, None for those that begin.
    keeping : Keeping or None, default=None
        Keeps where the members of each stand; [] for estimators that have failed.

    Returns
    -------
    list of Exception or None
        What stopped each of them; one that fails does not affect the others.
    """
    cache = Cache()
    pairs = zip(estimators, data, strict=True)
    prepared = [_prepared(estimator, given, cache) for estimator, given in pairs]
    ready = [each for each in prepared if isinstance(each, Prepared)]
    starts = [0] * len(estimators)
    for k, paused in enumerate(pauses or ()):
        if paused is not None and isinstance(each := prepared[k], Prepared):
            starts[k] = gone_on(each.nets, paused)
    ready = [each for each in prepared if isinstance(each, Prepared)]
    left = [pair for each in ready for pair in going(each.nets, each.data)]
    if on_epoch is not None:
        # What was expected of fits, but will not be trained.
        rows = (n_rows_of(given.X) for given in data)
        expected = sum(map(epochs_of, estimators, rows, starts, repeat(until)))
        on_epoch(expected - sum(epochs_left(net, None, until) for net, _ in left))
    nets, sets = [net for net, _ in left], [own for _, own in left]
    fits = [each.nets if isinstance(each, Prepared) else [] for each in prepared]
    keeper = keeping and Keeper(fits, keeping)
    found = train(nets, sets, None, on_epoch, until, keeper)
    errors = dict(zip(map(id, nets), found, strict=True))
    return _adopted(estimators, prepared, errors)


def pauses_of(estimator: Any) -> list[Pause] | None:
    """Return where a fit has paused, by member; None where the trainings of all are over."""
    nets = estimator.members_
    return [Pause.of(net) for net in nets] if any(net.interrupted_ for net in nets) else None


def epochs_of(estimator: Any, n_rows: int, start: int = 0, until: int | None = None) -> int:
    """Return the epochs of all members of a fit, at most, as far as the number of rows says.

    They are counted from `start`, the epochs trained before, to the pause after epoch `until`.
    """
    n_members, most = members_and_epochs(estimator, n_rows)
    return n_members * max(0, (most if until is None else min(most, until)) - start)


def members_and_epochs(estimator: Any, n_rows: int) -> tuple[int, int]:
    """Return how many members a fit has, and the epochs of each at most."""
    try:
        estimator._checked_loss()
        inputs = estimator._inputs
        members = members_of(estimator, inputs, lambda least: n_rows >= least)
        share = estimator.validation_fraction
        share = float(share) if isinstance(share, Real) else 1 / N_FOLDS
        n_train = n_rows - ceil(share * n_rows) if members.holds_out else n_rows
        return members.number, epochs(estimator, inputs, n_train, members.holds_out)[0]
    except (TypeError, ValueError):
        return 1, 1  # The fit will fail.


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
    errors: Mapping[int, Exception | None],
) -> list[Exception | None]:
    """Let estimators become what was trained; return what stopped each of them.

    `errors` are what stopped nets, by their ids; nets whose training was over before have none.
    """
    stopped: list[Exception | None] = []
    for estimator, each in zip(estimators, prepared, strict=True):
        error = each if isinstance(each, Exception) else None
        if isinstance(each, Prepared):
            try:
                estimator._adopt(each, [errors.get(id(net)) for net in each.nets])
            except Exception as caught:
                error = caught
        stopped.append(error)
    return stopped
