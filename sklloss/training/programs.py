"""The one door to the engine: nets train together where they can share one tensor program."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager

from ..losses.own import OwnLoss
from .engine import Engine
from .model import Trainable, step_rows
from .rows.data import TrainingSet
from .steps.fused import has_hooks
from .steps.optimizers import progress_of


def train(
    nets: Sequence[Trainable],
    data: Sequence[TrainingSet],
    epochs: int | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> list[Exception | None]:
    """Train nets of any kinds, together where they can share a program.

    Each becomes what it would become alone.

    Parameters
    ----------
    nets : sequence of LossNet
        Initialised.
    data : sequence of TrainingSet
        What each of them learns from.
    epochs : int or None, default=None
        How many epochs; by default each net's `max_epochs`, or until its stopping rule ends it.
    on_epoch : callable or None, default=None
        Called with the number of epochs that are done or no longer needed, summed over models.

    Returns
    -------
    list of Exception or None
        What stopped each net, which is then as it was before.
    """
    if len(nets) == 1:
        return list(_train_program(nets, data, epochs, on_epoch))
    programs: dict[Hashable, list[int]] = {}
    for k, pair in enumerate(zip(nets, data, strict=True)):
        programs.setdefault(program_of(*pair), []).append(k)
    errors: list[Exception | None] = [None] * len(nets)
    for members in programs.values():
        chosen, of_chosen = [nets[k] for k in members], [data[k] for k in members]
        found = _train_program(chosen, of_chosen, epochs, on_epoch)
        for k, error in zip(members, found, strict=True):
            errors[k] = error
    return errors


def program_of(net: Trainable, data: TrainingSet) -> Hashable:
    """Return what nets that can be trained together have in common.

    It is unique for a net that is trained alone.
    """
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


def _network(net: Trainable) -> Hashable:
    """Return what networks and their optimisers have in common; learning rates may differ."""
    shapes = tuple((tuple(p.shape), p.requires_grad) for p in net.module_.parameters())
    options = {name: repr(value) for name, value in net.optimizer_.defaults.items() if name != "lr"}
    kind = (type(net.module_), getattr(net.module_, "activation", None), shapes)
    return kind, type(net.optimizer_), tuple(sorted(options.items()))


def _loss(net: Trainable) -> Hashable:
    """Return what losses have in common: nothing, where they have a value per row and only that."""
    is_own = isinstance(net.loss, OwnLoss)
    shared = is_own or net.loss.whole_batch or net.criterion_.state.trained
    return net.criterion_.structure if shared else None


def _train_program(
    nets: Sequence[Trainable],
    data: Sequence[TrainingSet],
    epochs: int | None,
    on_epoch: Callable[[int], None] | None,
) -> Sequence[Exception | None]:
    """Train nets of one program.

    Where a stack raises, each net trains alone, so that the error stops only those that raise it.
    """
    count = _Count(on_epoch)
    errors: Sequence[Exception | None]
    try:
        with _training(nets, data) as lost:
            errors = Engine(nets, data, epochs, count).run()
            lost[:] = [net for net, error in zip(nets, errors, strict=True) if error is not None]
    except Exception as error:
        alone = [([net], [own], epochs, None) for net, own in zip(nets, data, strict=True)]
        errors = [error] if len(nets) == 1 else [_train_program(*each)[0] for each in alone]
        count(sum(net.max_epochs if epochs is None else epochs for net in nets) - count.done)
    return errors


@contextmanager
def _training(nets: Sequence[Trainable], data: Sequence[TrainingSet]) -> Iterator[list[Trainable]]:
    """Surround a training with skorch's events, where a net is alone, and rewind what is lost.

    The training leaves in the list the nets that failed; all of them are in it where it raises.
    """
    alone = nets[0] if len(nets) == 1 else None
    X, y = data[0].given or (data[0], None)
    if alone is not None:
        # Callbacks should find the optimiser that takes the steps.
        alone.attach()
        alone.notify("on_train_begin", X=X, y=y)
    before = [net.checkpoint() for net in nets]
    lost = list(nets)
    try:
        yield lost
    finally:
        for net, checkpoint in zip(nets, before, strict=True):
            if net in lost:
                net.rewind(checkpoint)
    if alone is not None and not lost:
        alone.notify("on_train_end", X=X, y=y)


class _Count:
    """Passes numbers of epochs on, and adds them up."""

    def __init__(self, on_epoch: Callable[[int], None] | None) -> None:
        self._on_epoch = on_epoch or (lambda n_epochs: None)
        self.done = 0

    def __call__(self, n_epochs: int) -> None:
        self.done += n_epochs
        self._on_epoch(n_epochs)
