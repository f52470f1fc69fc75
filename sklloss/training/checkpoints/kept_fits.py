"""Fits that go on where they were when their process died."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from ..model import Trainable
from ..pause import Pause
from ..programs import train
from ..rows.data import TrainingSet
from .fit_checkpoint import fit_checkpoint_of
from .keeper import Keeper, Keeping, KeptFit, kept_fit
from .packed_pauses import Pauses

Net = TypeVar("Net", bound=Trainable)


@contextmanager
def kept(
    estimator: Any, data: Mapping[str, Any], epochs: int | None, is_continued: bool
) -> Iterator[KeptFit | None]:
    """Yield where the fit of an estimator is kept, None where nobody wants that.

    Parameters
    ----------
    estimator : estimator
        With callbacks.
    data : mapping
        What its `fit` receives.
    epochs : int or None
        How many are trained, where somebody asks for so many.
    is_continued : bool
        Whether the fit goes on where an earlier one has ended.

    Raises
    ------
    ValueError
        If it cannot be kept, or the file has another fit.
    """
    callback = fit_checkpoint_of(estimator.callbacks)
    if callback is None:
        yield None if epochs is not None or is_continued else kept_fit(data)
        return
    if epochs is not None or estimator.warm_start:
        what = "partial_fit" if epochs is not None else "warm_start=True"
        raise ValueError(
            f"FitCheckpoint keeps one fit of {type(estimator).__name__} from its beginning to its"
            f" end, and {what} goes on with an earlier one. Remove FitCheckpoint from callbacks, or"
            " call fit without warm_start."
        )
    with callback.opened(estimator, data) as opened:
        yield opened


def trained(
    nets: Sequence[Net], data: Sequence[TrainingSet], epochs: int | None, where: KeptFit | None
) -> list[Exception | None]:
    """Train the nets of one fit; return what stopped each of them, None where nothing did."""
    if where is None:
        return train(nets, data, epochs)
    where.seeds = tuple(net.seed for net in nets)
    if (pauses := where.pauses()) is not None:
        gone_on(nets, pauses)
    pairs = going(nets, data)
    keeping = Keeping(where.wants_state, lambda fits: where.save(fits[0]))
    of_pairs = [net for net, _ in pairs], [own for _, own in pairs]
    found = train(*of_pairs, epochs, keeper=Keeper([nets], keeping))
    errors = {id(net): error for (net, _), error in zip(pairs, found, strict=True)}
    if pairs and not any(found):
        where.save([Pause.of(net) for net in nets])
    return [errors.get(id(net)) for net in nets]


def gone_on(nets: Sequence[Trainable], pauses: Pauses) -> int:
    """Bring nets to where their trainings have paused; return after which epoch."""
    epochs = [0]
    for net, pause in zip(nets, pauses, strict=True):
        if pause is not None:
            pause.restore(net)
            epochs.append(len(net.history))
    return max(epochs)


def going(nets: Sequence[Net], data: Sequence[TrainingSet]) -> list[tuple[Net, TrainingSet]]:
    """Return the nets whose training is not over, with their data."""
    pairs = zip(nets, data, strict=True)
    return [(net, own) for net, own in pairs if net.interrupted_ or not net.history]
