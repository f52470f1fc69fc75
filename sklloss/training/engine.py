"""The one training loop: K models of one shape learn together, along a leading axis.

A plain fit is K = 1.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.optim import Optimizer

from ..losses.base import State
from ..modules import Stack, stack_modules
from .callbacks import BatchEvents, datasets_of
from .grouping import loss_groups
from .groups import Forward, LossGroup, Piece, concatenated, forward_all
from .model import Trainable, step_rows
from .outcome import divergence, warn_of_poor_training
from .rows.batches import Batch, Batches, Subset
from .rows.data import TrainingSet
from .seeds import derived_seed
from .steps.optimizers import hand_back, optimizer_of_stack
from .steps.rounding import is_rounding, rounded
from .steps.updates import update_of
from .stopping import NEVER, Stopping
from .threads import threads_of_steps

# A smaller stack costs its making, so models that have ended stay until they are this share.
LEAVING_SHARE = 0.2
# Rows whose loss is evaluated at once, where nothing is trained.
LOSS_ROWS = 1024


class Engine:
    """K nets in training.

    Models leave once they have learnt enough or turned NaN; nothing depends on who else is there.

    Parameters
    ----------
    nets : sequence of Trainable
        Of one program: initialised, with modules and optimisers of one kind, losses of one width,
        and batches of one size.
    data : sequence of TrainingSet
        What each learns from; equally many rows.
    epochs : int or None
        How many epochs; None is each net's `max_epochs`, or until its stopping rule ends it.
    on_epoch : callable
        Called with the number of epochs that are done or no longer needed, summed over models.
    """

    def __init__(
        self,
        nets: Sequence[Trainable],
        data: Sequence[TrainingSet],
        epochs: int | None,
        on_epoch: Callable[[int], None],
    ) -> None:
        self._on_epoch = on_epoch
        self._errors: dict[int, FloatingPointError] = {}
        self._may_stop = epochs is None
        self._all_nets = list(nets)
        self._left = [net.max_epochs if epochs is None else epochs for net in nets]
        self._epochs_before = len(nets[0].history)
        self._n_epochs = self._epochs_before
        self._take(list(nets), list(data))
        rules = [net.stopping if self._may_stop else NEVER for net in nets]
        self._stopping = Stopping(rules, self._constant_loss(self._train), self._stack)

    def run(self) -> list[FloatingPointError | None]:
        """Train until all models have left; return the errors of those that diverged."""
        rows = min(self._train.batch_size, self._train.n_rows)
        with torch.no_grad(), threads_of_steps(rows * self._stack.multiplications_per_row):
            while self._nets:
                self._epoch()
                ended = int(self._stopping.ended.sum())
                if ended == len(self._nets) or ended > LEAVING_SHARE * len(self._nets):
                    self._leave()
        return [self._errors.get(id(net)) for net in self._all_nets]

    def _take(self, nets: list[Trainable], data: list[TrainingSet]) -> None:
        """Build the program of these nets, from where they are."""
        self._nets, self._data = nets, data
        self._alone = nets[0] if len(nets) == 1 else None
        self._groups = loss_groups([net.criterion_ for net in nets])
        self._stack, self._optimizer = self._stack_and_optimizer()
        self._update = update_of(nets, self._stack, self._optimizer)
        self._train = self._batches("train", step_rows(nets[0], data[0]))
        has_valid = data[0].valid is not None
        self._valid = self._batches("valid", self._rows_at_once) if has_valid else None
        self._datasets = datasets_of(data[0])
        self._events = BatchEvents(self._alone, self._stack)

    def _stack_and_optimizer(self) -> tuple[Stack, Optimizer]:
        if self._alone is not None:
            return self._alone.attach(), self._alone.optimizer_
        trained = [parameter for group in self._groups for parameter in group.parameters()]
        stack = stack_modules([net.module_ for net in self._nets], trained)
        optimizers = [net.optimizer_ for net in self._nets]
        return stack, optimizer_of_stack(self._nets[0].build_optimizer, optimizers, stack.flat)

    def _batches(self, subset: Subset, size: int) -> Batches:
        seeds, loss = [net.seed for net in self._nets], self._groups[0].loss
        if loss.compares_rows:
            # The loss of a row depends on how many others its batch has: as many as in a step.
            size = step_rows(self._nets[0], self._data[0])
        return Batches(
            self._data, subset, size, self._stack, seeds, loss.whole_batch, loss.compares_rows
        )

    @property
    def _rows_at_once(self) -> int:
        """How many rows are evaluated at once."""
        of_raw = (*self._data[0].y.shape[1:], self._groups[0].baseline.shape[-1])
        return self._stack.rows_at_once(LOSS_ROWS, self._data[0].X.row_shape, of_raw)

    def _leave(self) -> None:
        """Let the models that have ended go."""
        ended = self._stopping.ended.tolist()
        self._stopping.restore_kept(self._stack)
        self._judge(ended)
        rest = [k for k, is_out in enumerate(ended) if not is_out]
        self._hand_back_optimizers(rest)
        self._hand_back()
        if not rest:
            self._nets = []
            return
        self._stopping.select(rest)
        self._left = [self._left[k] for k in rest]
        self._take([self._nets[k] for k in rest], [self._data[k] for k in rest])

    def _judge(self, ended: Sequence[bool]) -> None:
        """Refuse final weights of ended models that are not finite; warn of poor ones."""
        subsets = [
            self._batches("train", self._rows_at_once),
            *([self._valid] if self._valid else []),
        ]
        results = [(self._evaluate(subset), self._constant_loss(subset)) for subset in subsets]
        finite = self._finite(results[0][0]).tolist()
        for k, net in enumerate(self._nets):
            if ended[k] and id(net) not in self._errors and not finite[k]:
                self._errors[id(net)] = divergence(net)
            elif ended[k] and id(net) not in self._errors and self._may_stop:
                of_net = [(loss[k].item(), constant[k].item()) for loss, constant in results]
                warn_of_poor_training(net.loss, *of_net)

    def _hand_back(self) -> None:
        """Give every net its own weights and the state of its loss."""
        if self._alone is not None:
            return
        for group in self._groups:
            for k, net in enumerate(self._nets[group.span]):
                net.criterion_.copy_state(group.state.model(k))
        for net in self._nets:
            net.attach()

    def _hand_back_optimizers(self, models: Sequence[int]) -> None:
        """Give some of the nets their state of the optimiser.

        A model that ends has it at once, though its stack goes on.
        """
        if self._alone is None:
            hand_back(self._optimizer, [net.optimizer_ for net in self._nets], models)

    def _epoch(self) -> None:
        """Run one epoch, with skorch's events where a model is alone."""
        start = time.perf_counter()
        self._n_epochs += 1
        self._begin_history()
        losses = {"train": self._train_epoch()}
        if self._valid is not None:
            losses["valid"] = self._evaluate(self._valid)
        diverged = ~self._finite(*losses.values())
        for net, is_lost in zip(self._nets, diverged.tolist(), strict=True):
            if is_lost and id(net) not in self._errors:
                self._errors[id(net)] = divergence(net)
        self._record(losses, time.perf_counter() - start)
        self._end_epoch(losses.get("valid", losses["train"] + self._update.penalty()), diverged)

    def _end_epoch(self, monitored: Tensor, diverged: Tensor) -> None:
        """Decide by the monitored loss, (models,), whose last epoch this was; keep weights."""
        n_done = self._n_epochs - self._epochs_before
        out_of_time = torch.tensor([n_done >= left for left in self._left], device=diverged.device)
        ending = diverged | out_of_time
        if self._rounds_kinks and is_rounding(self._n_epochs):
            monitored = torch.full_like(monitored, torch.inf)
        else:
            ending |= self._stopping.update(monitored)
        if self._alone is not None and not diverged.any():
            ending |= self._alone.ends_by_callback(**self._datasets)
        running = ~self._stopping.ended
        self._hand_back_optimizers((ending & running).nonzero().flatten().tolist())
        self._stopping.keep(monitored, ending, self._stack)
        pairs = zip(running.tolist(), ending.tolist(), self._left, strict=True)
        self._on_epoch(sum(1 + ends * (left - n_done) for runs, ends, left in pairs if runs))

    def _begin_history(self) -> None:
        if self._alone is not None:
            self._alone.notify("on_epoch_begin", **self._datasets)
            return
        for net, has_ended in zip(self._nets, self._stopping.ended.tolist(), strict=True):
            if not has_ended:
                net.history.new_epoch()
                net.history.record("epoch", self._n_epochs)
                net.history.new_batch()

    def _record(self, losses: dict[str, Tensor], seconds: float) -> None:
        """Write the losses into the histories of the models that are still learning."""
        columns = [loss.tolist() for loss in losses.values()]
        for k, has_ended in enumerate(self._stopping.ended.tolist()):
            if not has_ended:
                net = self._nets[k]
                of_net = (column[k] for column in columns)
                net.record(dict(zip(losses, of_net, strict=True)))
                if self._alone is None:
                    net.history.record("dur", seconds / len(self._nets))

    def _finite(self, *losses: Tensor) -> Tensor:
        """Return whose losses and parameters are finite, (models,)."""
        finite = self._stack.flat.values.data.isfinite().all(1)
        for loss in losses:
            finite = finite & loss.isfinite()
        return finite

    def _train_epoch(self) -> Tensor:
        """Take one step per batch; return the weighted mean loss over the epoch, (models,)."""
        epoch, seeds = self._n_epochs, [net.seed for net in self._nets]
        self._stack.start_epoch([derived_seed(seed, "module", epoch) for seed in seeds])
        self._events.begin_epoch()
        self._states = [self._state_of_epoch(group) for group in self._groups]
        of_groups = list(zip(self._groups, self._states, strict=True))
        tallies = [group.tally(state) for group, state in of_groups]
        take_step = self._closure_step if self._nets[0].full_batch else self._step
        # A net whose batches change trains alone.
        change = self._nets[0].batch_change
        for step, batch in enumerate(self._train.shuffled(epoch)):
            if change is not None:
                batch = change.of_batch(batch, seeds[0], epoch, step)
            for group, state in of_groups:
                group.draw(state, seeds[group.span], epoch, step)
            self._events.begin(batch)
            done = take_step(batch)
            self._events.end(batch, partial(self._value, done))
            for tally, of_group in zip(tallies, done, strict=True):
                tally.add(of_group)
        weight, sums = self._train.total_weight, zip(self._groups, tallies, strict=True)
        return concatenated([group.end_epoch(tally, weight[group.span]) for group, tally in sums])

    def _step(self, batch: Batch) -> list[Forward]:
        """Take one optimiser step; return what it started from."""
        done = self._gradients(batch)
        self._update.step()
        return done

    def _closure_step(self, batch: Batch) -> list[Forward]:
        """Take a step that evaluates the loss several times; return what it ended with."""

        def closure() -> float:
            total = self._value(self._gradients(batch))
            return float((total / batch.n_rows + self._update.penalty()).sum())

        self._optimizer.step(closure)
        raw = self._stack.inference()(batch.X)
        return [group.forward(raw, batch, group.state) for group in self._groups]

    def _gradients(self, batch: Batch) -> list[Forward]:
        """Write the gradients of Σwℓ / rows and the penalties into the flat buffer."""
        stack = self._stack
        self._update.begin()
        raw = stack.forward(batch.X)
        done = forward_all(self._groups, self._states, raw, batch)
        stack.backward([of_group.slope for of_group in done])
        self._update.add_penalties()
        self._events.show_gradients(batch)
        return done

    def _value(self, done: Sequence[Forward]) -> Tensor:
        """Return Σwℓ of each model, (models,)."""
        of_groups = zip(self._groups, done, self._states, strict=True)
        return concatenated([group.value(each, state) for group, each, state in of_groups])

    @property
    def _rounds_kinks(self) -> bool:
        return self._nets[0].full_batch and self._groups[0].loss.kinked

    def _state_of_epoch(self, group: LossGroup) -> State:
        if not self._rounds_kinks:
            return group.state_of_epoch()
        # The optimiser's curvature is that of another function.
        self._optimizer.state.clear()
        return rounded(group.state_of_epoch(), self._n_epochs, self._stack.flat.values)

    def _evaluate(self, batches: Batches) -> Tensor:
        """Return the weighted mean loss of the present weights, (models,)."""
        seen: list[list[Piece]] = [[] for _ in self._groups]
        infer = self._stack.inference()
        for batch in self._to_evaluate(batches):
            raw = infer(batch.X)
            for group, pieces in zip(self._groups, seen, strict=True):
                pieces.append(group.piece(raw, batch))
        return self._mean_of(seen, batches)

    def _to_evaluate(self, batches: Batches) -> Iterator[Batch]:
        change, seed = self._nets[0].batch_change, self._nets[0].seed
        if change is None:
            return batches.in_order()
        given = enumerate(batches.in_order())
        return (change.of_evaluation(batch, seed, step) for step, batch in given)

    def _constant_loss(self, batches: Batches) -> Tensor:
        """Return the weighted mean loss of the best constants, (models,)."""
        seen: list[list[Piece]] = [[] for _ in self._groups]
        for targets in batches.targets():
            for group, pieces in zip(self._groups, seen, strict=True):
                pieces.append(group.constant_piece(*targets))
        return self._mean_of(seen, batches)

    def _mean_of(self, seen: Sequence[Sequence[Piece]], batches: Batches) -> Tensor:
        """Return the weighted mean loss, (models,), from what each group has seen of batches."""
        pairs = zip(self._groups, seen, strict=True)
        return (
            concatenated([group.total_of(pieces) for group, pieces in pairs]) / batches.total_weight
        )
