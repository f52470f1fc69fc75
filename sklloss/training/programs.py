"""The one door to the engine: nets train together where they can share one tensor program."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import chain, compress

from ..losses.own import OwnLoss
from .checkpoints.keeper import CheckpointError, Keeper
from .engine import Engine
from .model import Trainable, epochs_left, step_rows
from .rows.data import TrainingSet
from .steps.fused import has_hooks
from .steps.optimizers import progress_of

# Of a stack: its parameters, their gradients and two moments each.
COPIES, STACK_BYTES = 4, 2**22


def train(
    nets: Sequence[Trainable],
    data: Sequence[TrainingSet],
    epochs: int | None = None,
    on_epoch: Callable[[int], None] | None = None,
    until: int | None = None,
    keeper: Keeper | None = None,
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
    until : int or None, default=None
        The epoch after which nets pause that have not ended by themselves.
    keeper : Keeper or None, default=None
        Keeps where these nets stand, and others that they belong to.

    Returns
    -------
    list of Exception or None
        What stopped each net, which is then as it was before.
    """
    if len(nets) == 1:
        return list(_train_program(nets, data, epochs, on_epoch, until, keeper))
    programs: dict[Hashable, list[int]] = {}
    for k, pair in enumerate(zip(nets, data, strict=True)):
        programs.setdefault(program_of(*pair), []).append(k)
    errors: list[Exception | None] = [None] * len(nets)
    stacks = [stacks_of(members, nets, data) for members in programs.values()]
    for members in chain.from_iterable(stacks):
        chosen, of_chosen = [nets[k] for k in members], [data[k] for k in members]
        found = _train_program(chosen, of_chosen, epochs, on_epoch, until, keeper)
        for k, error in zip(members, found, strict=True):
            errors[k] = error
    return errors


def stacks_of(
    members: Sequence[int], nets: Sequence[Trainable], data: Sequence[TrainingSet]
) -> list[list[int]]:
    """Split nets of one program, given by their places, into stacks that stay in the cache.

    Nets that learn from one table are in one stack, because its rows are gathered at once.
    """
    of_table: dict[int, list[int]] = {}
    for k in members:
        of_table.setdefault(id(data[k].X), []).append(k)
    net = nets[members[0]]
    n_numbers = sum(p.numel() * p.element_size() for p in net.module_.parameters())
    most = STACK_BYTES // max(1, COPIES * n_numbers)
    stacks: list[list[int]] = [[]]
    for together in of_table.values():
        if stacks[-1] and len(stacks[-1]) + len(together) > most:
            stacks.append([])
        stacks[-1] += together
    return [sorted(stack) for stack in stacks]


def program_of(net: Trainable, data: TrainingSet) -> Hashable:
    """Return what nets that can be trained together have in common.

    It is unique for a net that is trained alone.
    """
    watched = net.callbacks or net.verbose or net.batch_change or has_hooks(net.optimizer_)
    if watched or net.full_batch or not net.attach().benefits_from_stacking:
        return id(net)
    # Learning rates may differ.
    options = {name: repr(value) for name, value in net.optimizer_.defaults.items() if name != "lr"}
    # Losses may differ where they have a value per row and only that.
    is_own = isinstance(net.loss, OwnLoss)
    needs_one_loss = is_own or net.loss.whole_batch or net.criterion_.state.trained
    return (
        (type(net.module_), getattr(net.module_, "activation", None)),
        tuple((tuple(p.shape), p.requires_grad) for p in net.module_.parameters()),
        (type(net.optimizer_), tuple(sorted(options.items()))),
        (len(net.history), progress_of(net.optimizer_), step_rows(net, data)),
        (len(data.train), 0 if data.valid is None else len(data.valid), data.drops_rest),
        (data.X.row_shape, data.y.shape[1], data.y.dtype, data.sample_weight.dtype),
        (
            tuple(net.criterion_.baseline.shape),
            net.criterion_.structure if needs_one_loss else None,
        ),
    )


def _train_program(
    nets: Sequence[Trainable],
    data: Sequence[TrainingSet],
    epochs: int | None,
    on_epoch: Callable[[int], None] | None,
    until: int | None,
    keeper: Keeper | None,
) -> Sequence[Exception | None]:
    """Train nets of one program.

    Where a stack raises, each net trains alone, so that the error stops only those that raise it.
    """
    done: list[int] = []
    planned = sum(epochs_left(net, epochs, until) for net in nets)

    def count(n_epochs: int) -> None:
        done.append(n_epochs)
        if on_epoch is not None:
            on_epoch(n_epochs)

    try:
        return _trained(nets, data, epochs, count, until, keeper)
    except CheckpointError:
        raise
    except Exception as error:
        errors: list[Exception | None] = [error]
    if len(nets) > 1:
        pairs = zip(nets, data, strict=True)
        how = epochs, None, until, keeper
        errors = [_train_program([net], [own], *how)[0] for net, own in pairs]
    count(planned - sum(done))
    return errors


def _trained(
    nets: Sequence[Trainable],
    data: Sequence[TrainingSet],
    epochs: int | None,
    on_epoch: Callable[[int], None],
    until: int | None,
    keeper: Keeper | None,
) -> Sequence[Exception | None]:
    """Train nets of one program, with skorch's events where a net is alone, and rewind what fails.

    All of them fail where it raises.
    """
    alone = nets[0] if len(nets) == 1 else None
    X, y = data[0].given or (data[0], None)
    if alone is not None:
        # Callbacks should find the optimiser that takes the steps.
        alone.attach()
        alone.notify("on_train_begin", X=X, y=y)
    rewinds = [net.checkpoint() for net in nets]
    has_failed = [True] * len(nets)
    try:
        errors = Engine(nets, data, epochs, on_epoch, until, keeper).run()
        has_failed = [error is not None for error in errors]
    finally:
        for rewind in compress(rewinds, has_failed):
            rewind()
    if alone is not None and not has_failed[0]:
        alone.notify("on_train_end", X=X, y=y)
    return errors
