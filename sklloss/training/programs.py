"""Which nets are trained together: those that can share one tensor program."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from ..losses.own import OwnLoss
from .engine import train_together
from .net import LossNet
from .rows.batches import step_rows
from .rows.data import TrainingSet
from .steps.fused import has_hooks
from .steps.optimizers import progress_of


def program_of(net: LossNet, data: TrainingSet) -> Hashable:
    """Return what a net has in common with those that can be trained together with it; unique for one that is trained alone."""
    watched = net.callbacks or net.verbose or net.batch_change or has_hooks(net.optimizer_)
    if watched or net.full_batch or not net.attach().benefits_from_stacking:
        return id(net)
    n_valid = 0 if data.valid is None else len(data.valid)
    return (
        _network(net),
        (len(net.history), progress_of(net.optimizer_), step_rows(net, data)),
        (len(data.train), n_valid),
        (data.X.row_shape, data.y.shape[1], data.y.dtype, data.sample_weight.dtype),
        (tuple(net.criterion_.baseline.shape), _loss(net)),
    )


def _network(net: LossNet) -> Hashable:
    """Return what makes networks and their optimisers one program; learning rates may differ."""
    shapes = tuple((tuple(p.shape), p.requires_grad) for p in net.module_.parameters())
    options = {name: repr(value) for name, value in net.optimizer_.defaults.items() if name != "lr"}
    kind = (type(net.module_), getattr(net.module_, "activation", None), shapes)
    return kind, type(net.optimizer_), tuple(sorted(options.items()))


def _loss(net: LossNet) -> Hashable:
    """Return what losses must have in common: nothing, where they have a value per row and train no part."""
    is_own = isinstance(net.loss, OwnLoss)
    alone = is_own or net.loss.whole_batch or net.criterion_.state.trained
    return net.criterion_.structure if alone else None


def train_all(
    nets: Sequence[LossNet],
    data: Sequence[TrainingSet],
    epochs: int | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> list[Exception | None]:
    """Train nets of any kinds, together where they can share a program.

    Parameters
    ----------
    nets, data, epochs, on_epoch
        As in `train_together`.

    Returns
    -------
    list of Exception or None
        What stopped each net.
    """
    programs: dict[Hashable, list[int]] = {}
    for position, pair in enumerate(zip(nets, data, strict=True)):
        programs.setdefault(program_of(*pair), []).append(position)
    errors: list[Exception | None] = [None] * len(nets)
    for positions in programs.values():
        chosen, of_chosen = [nets[k] for k in positions], [data[k] for k in positions]
        found = _train_program(chosen, of_chosen, epochs, on_epoch)
        for position, error in zip(positions, found, strict=True):
            errors[position] = error
    return errors


def _train_program(
    nets: Sequence[LossNet],
    data: Sequence[TrainingSet],
    epochs: int | None,
    on_epoch: Callable[[int], None] | None,
) -> Sequence[Exception | None]:
    """Train nets of one program; where something is raised in a stack, each alone, so that it stops only those that raise it."""
    count = _Count(on_epoch)
    try:
        if len(nets) > 1:
            return train_together(nets, data, epochs, count)
        nets[0].partial_fit(data[0], epochs=epochs, on_epoch=count)
    except Exception as error:
        alone = [([net], [own], epochs, None) for net, own in zip(nets, data, strict=True)]
        errors = [error] if len(nets) == 1 else [_train_program(*each)[0] for each in alone]
        count(sum(net.max_epochs if epochs is None else epochs for net in nets) - count.done)
        return errors
    return [None]


class _Count:
    """Passes numbers of epochs on, and adds them up."""

    def __init__(self, on_epoch: Callable[[int], None] | None) -> None:
        self._on_epoch = on_epoch or (lambda n_epochs: None)
        self.done = 0

    def __call__(self, n_epochs: int) -> None:
        self.done += n_epochs
        self._on_epoch(n_epochs)
