"""The one training loop: K models of one shape learn together, along a leading axis.

A plain fit is K = 1.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress

import torch
from torch import Tensor

from ..modules import stack_modules
from ..modules.stacks.stack import Snapshot
from .callbacks import BatchEvents, RowsDataset, batch_events
from .checkpoints.keeper import Keeper
from .groups import Forward, Limit, Piece, concatenated, forward_all, loss_groups, summed
from .model import Trainable, epochs_left, step_rows
from .outcome import Verdict, divergence, warn_of_poor_training
from .precision import fastest_products
from .rows.batches import Batch, Batches, Subset
from .rows.data import TrainingSet
from .seeds import derived_seed
from .steps.optimizers import hand_back, optimizer_of_stack
from .steps.rounding import is_rounding, rounding
from .steps.updates import RowUpdate, Update
from .stopping import NEVER, Stopping
from .threads import threads_of_steps

# A smaller stack costs its making, so models that have ended stay until they are this share.
LEAVING_SHARE = 0.2
# Rows whose loss is evaluated at once, where nothing is trained.
LOSS_ROWS = 1024
# The loss of a validation row is cut off where it would outweigh this share of what all rows could
# explain, but not below a few times what a mean row could: overconfidence has to be seen.
MOST_OF_ONE_ROW = 0.25
MEAN_ROWS = 4.0


class Engine:
    """K nets in training.

    Models leave once they have learned enough or turned NaN; nothing depends on who else is there.

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
    until : int or None, default=None
        The epoch of their history after which models that have not ended pause, and can go on.
    keeper : Keeper or None, default=None
        Keeps where the models stand between epochs.
    """

    def __init__(
        self,
        nets: Sequence[Trainable],
        data: Sequence[TrainingSet],
        epochs: int | None,
        on_epoch: Callable[[int], None],
        until: int | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self._on_epoch, self._keeper = on_epoch, keeper
        self._errors: dict[int, FloatingPointError] = {}
        self._may_stop = epochs is None
        self._all_nets = list(nets)
        self._until = until
        self._left = [epochs_left(net, epochs, until) for net in nets]
        self._epochs_before = self._n_epochs = len(nets[0].history)
        self._take(list(nets), list(data))
        if self._may_stop:
            rules, (_, explainable) = [net.stopping for net in nets], self._constants(self._train)
        else:
            rules, explainable = [NEVER] * len(nets), torch.ones_like(self._train.total_weight)
        self._stopping = Stopping(rules, explainable, self._stack)
        before = [net.interrupted_ for net in nets]
        if all(before):
            self._stopping.go_on([each[1] for each in before if each is not None], self._stack)
        for net in nets:
            net.interrupted_ = None

    def run(self) -> list[FloatingPointError | None]:
        """Train until all models have left; return the errors of those that diverged."""
        rows = min(self._train.batch_size, self._train.n_rows)
        threads = threads_of_steps(rows * self._stack.multiplications_per_row)
        with torch.no_grad(), threads, fastest_products():
            while self._nets:
                self._epoch()
                ended = int(self._stopping.ended.sum())
                is_due = self._keeper is not None and self._keeper.keeping.wants_state()
                share = 0 if is_due else LEAVING_SHARE
                if ended > min(share * len(self._nets), len(self._nets) - 1):
                    self._leave()
                if is_due and self._nets:
                    self._keep()
        self._stack.release()
        return [self._errors.get(id(net)) for net in self._all_nets]

    def _take(self, nets: list[Trainable], data: list[TrainingSet]) -> None:
        """Build the program of these nets, from where they are."""
        self._nets, self._data = nets, data
        self._alone = nets[0] if len(nets) == 1 else None
        self._groups = loss_groups([net.criterion_ for net in nets])
        if self._alone is not None:
            # Its parameters are in its own stack already.
            self._stack, self._optimizer = self._alone.stack_, self._alone.optimizer_
        else:
            trained = [parameter for group in self._groups for parameter in group.parameters()]
            self._stack = stack_modules([net.module_ for net in nets], trained)
            self._optimizer = optimizer_of_stack(nets, self._stack.flat)
        update = RowUpdate if self._stack.flat.n_tables else Update
        self._update = update(nets, self._stack, self._optimizer)
        self._train = self._batches("train", for_steps=True)
        valid = data[0].valid
        self._valid = None if valid is None else self._batches("valid")
        if self._valid is not None:
            self._limit = self._limit_of_rows(self._valid.n_rows)
        # What skorch shows to callbacks: datasets of (scaled X, y) that index like lists.
        self._datasets = {
            "dataset_train": RowsDataset(nets[0], data[0], data[0].train),
            "dataset_valid": None if valid is None else RowsDataset(nets[0], data[0], valid),
        }
        self._events: BatchEvents | None = None

    def _batches(self, subset: Subset, for_steps: bool = False) -> Batches:
        """Return batches for steps, or else of as many rows as are evaluated at once."""
        data, loss = self._data[0], self._groups[0].loss
        of_raw = (*data.y.shape[1:], self._groups[0].baseline.shape[-1])
        if for_steps or loss.compares_rows:
            # The loss of a row may depend on how many others its batch has: as many as in a step.
            size = step_rows(self._nets[0], data)
        else:
            size = self._stack.rows_at_once(LOSS_ROWS, data.X.row_shape, of_raw)
            if subset == "train" and self._train.n_rows <= min(size, self._train.batch_size):
                # The one batch of a step.
                return self._train
        seeds = [net.seed for net in self._nets]
        how = loss.whole_batch, loss.compares_rows, of_raw
        return Batches(self._data, subset, size, self._stack, seeds, *how)

    def _leave(self) -> None:
        """Let the models that have ended go."""
        ended = self._stopping.ended.tolist()
        last = None if self._until is None else self._stack.snapshot()
        self._stopping.restore_kept(self._stack)
        if self._keeps_begun:
            batches = self._batches("train")
            self._stopping.restore_better(
                self._stack, lambda: self._evaluate(batches) + self._update.penalty()
            )
        self._judge(ended, last)
        rest = [k for k, is_out in enumerate(ended) if not is_out]
        self._hand_back(rest)
        for net in self._nets if self._alone is None else ():
            net.attach()
        if not rest:
            self._nets = []
            return
        self._stopping.select(rest)
        self._left = [self._left[k] for k in rest]
        self._take([self._nets[k] for k in rest], [self._data[k] for k in rest])

    def _judge(self, ended: Sequence[bool], last: Snapshot | None) -> None:
        """Refuse final weights of ended models that are not finite; warn of poor ones.

        `last` are weights of the last epoch, where models may pause.
        """
        batches = self._batches("train")
        loss = self._evaluate(batches)
        finite, eps = self._finite(loss).tolist(), torch.finfo(loss.dtype).eps
        results = [(loss, *self._constants(batches))] if self._may_stop else []
        if self._may_stop and self._valid is not None:
            results.append((self._validate(self._valid)[1], *self._constants(self._valid)))
        for k, net in compress(enumerate(self._nets), ended):
            if id(net) in self._errors:
                continue
            self._note_end(k, net)
            if not finite[k]:
                self._errors[id(net)] = divergence(net)
            elif last is not None and net.stopped_by_ == "pause":
                net.interrupted_ = last.select([k]), self._stopping.standing(k)
            elif self._may_stop:
                of_net = [Verdict(eps, *(each[k].item() for each in result)) for result in results]
                warn_of_poor_training(net.loss, *of_net)

    def _note_end(self, k: int, net: Trainable) -> None:
        """Note in a net why its training has ended, and which epoch's weights it has."""
        stopping = self._stopping
        is_out_of_time = len(net.history) - self._epochs_before >= self._left[k]
        pauses = self._until is not None and len(net.history) < net.max_epochs
        net.may_improve_ = bool(stopping.may_improve[k]) and is_out_of_time and not pauses
        by_time = ("pause" if pauses else "max_epochs") if is_out_of_time else "callback"
        net.stopped_by_ = "patience" if stopping.enough[k] else by_time
        net.best_epoch_ = int(stopping.kept_epoch[k])

    def _keep(self) -> None:
        """Let the keeper have where the models stand, none of which has ended."""
        self._hand_back(range(len(self._nets)))
        last = self._stack.snapshot()
        for k, net in enumerate(self._nets):
            net.interrupted_ = last.select([k]), self._stopping.standing(k)
        if self._keeper is not None:
            self._keeper.keep(self._errors)
        for net in self._nets:
            net.interrupted_ = None

    def _hand_back(self, models: Sequence[int]) -> None:
        """Give all nets the state of their loss, and some of them that of the optimiser."""
        self._hand_back_optimizers(models)
        for group in self._groups if self._alone is None else ():
            for k, net in enumerate(self._nets[group.span]):
                net.criterion_.copy_state(group.state.model(k))

    def _hand_back_optimizers(self, models: Sequence[int]) -> None:
        if self._alone is None:
            hand_back(self._optimizer, self._nets, models)

    def _epoch(self) -> None:
        """Run one epoch, with skorch's events where a model is alone."""
        start = time.perf_counter()
        self._n_epochs += 1
        self._begin_epoch()
        if self._keeps_begun:
            begun, penalty = self._stack.snapshot(), self._update.penalty()
        losses = {"train": self._train_epoch()}
        if self._valid is None:
            monitored = self._explained(losses["train"]) + self._update.penalty()
            if self._keeps_begun:
                self._stopping.keep_begun(losses["train"] + penalty, begun, self._n_epochs - 1)
        else:
            losses["valid"], monitored = self._validate(self._valid)
            if self._events is not None:
                self._show_validation(self._events)
        diverged = ~self._finite(*losses.values())
        for net in compress(self._nets, diverged.tolist()):
            if id(net) not in self._errors:
                self._errors[id(net)] = divergence(net)
        self._record(losses, time.perf_counter() - start)
        self._end_epoch(monitored, diverged)

    def _explained(self, loss: Tensor) -> Tensor:
        """Return the mean loss of an epoch, (models,), less what depends on the rows it drew.

        What no model can learn differs from row to row, by more than what is left to learn where
        targets have a large offset.
        """
        if not self._train.leaves_out:
            return loss
        least = self._least(self._train.targets(drawn=True)) / self._train.drawn_weight
        return loss - least.nan_to_num()

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
        if self._alone is None:
            self._hand_back_optimizers((ending & running).nonzero().flatten().tolist())
        self._stopping.keep(monitored, ending, self._stack, self._n_epochs)
        pairs = zip(running.tolist(), ending.tolist(), self._left, strict=True)
        self._on_epoch(sum(1 + ends * (left - n_done) for runs, ends, left in pairs if runs))

    def _begin_epoch(self) -> None:
        """Begin an epoch in the histories, the stack and the losses."""
        if self._alone is not None:
            self._alone.notify("on_epoch_begin", **self._datasets)
            self._events = batch_events(self._alone, self._stack)
        else:
            for _, net in self._learning():
                net.history.new_epoch()
                net.history.record("epoch", self._n_epochs)
                net.history.new_batch()
        seeds = [derived_seed(net.seed, "module", self._n_epochs) for net in self._nets]
        self._stack.start_epoch(seeds)
        extra = {}
        if self._rounds_kinks:
            # The optimiser's curvature is that of another function.
            self._optimizer.state.clear()
            extra = rounding(self._n_epochs, self._stack.flat.values.data)
        for group in self._groups:
            group.begin_epoch(extra)

    def _record(self, losses: dict[str, Tensor], seconds: float) -> None:
        """Write the losses into the histories of the models that are still learning."""
        columns = {name: loss.tolist() for name, loss in losses.items()}
        for k, net in self._learning():
            net.record({name: column[k] for name, column in columns.items()})
            if self._alone is None:
                net.history.record("dur", seconds / len(self._nets))

    def _learning(self) -> Iterator[tuple[int, Trainable]]:
        """Return the models that are still learning, with their places."""
        return compress(enumerate(self._nets), (~self._stopping.ended).tolist())

    def _finite(self, *losses: Tensor) -> Tensor:
        """Return whose losses and parameters are finite, (models,)."""
        finite = self._stack.flat.values.data.isfinite().all(1)
        for loss in losses:
            finite = finite & loss.isfinite()
        return finite

    def _train_epoch(self) -> Tensor:
        """Take one step per batch; return the weighted mean loss over the epoch, (models,)."""
        epoch, seeds = self._n_epochs, [net.seed for net in self._nets]
        # A net whose batches change trains alone.
        change = self._nets[0].batch_change
        for step, batch in enumerate(self._train.shuffled(epoch)):
            if change is not None:
                batch = change.of_batch(batch, seeds[0], epoch, step)
            for group in self._groups:
                group.draw(seeds[group.span], epoch, step)
            if self._events is not None:
                self._events.begin(batch)
            if self._nets[0].full_batch:
                done = self._closure_step(batch)
            else:
                done = self._gradients(batch)
                self._update.step()
            if self._events is not None:
                self._events.end(batch, self._value(done))
            for group, of_group in zip(self._groups, done, strict=True):
                group.add(of_group)
        weight = self._train.drawn_weight
        return concatenated([group.end_epoch(weight[group.span]) for group in self._groups])

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
        self._update.begin()
        done = forward_all(self._groups, self._stack.forward(batch.X), batch)
        self._stack.backward([of_group.slope for of_group in done])
        self._update.add_penalties()
        if self._events is not None:
            self._events.show_gradients(batch)
        return done

    def _value(self, done: Sequence[Forward]) -> Tensor:
        """Return Σwℓ of each model, (models,)."""
        of_groups = zip(self._groups, done, strict=True)
        return concatenated([group.value(of_group) for group, of_group in of_groups])

    @property
    def _keeps_begun(self) -> bool:
        """Whether the best weights of epochs may be those to keep: where each takes one step.

        The loss of a step is that of the weights it began with.
        """
        is_plain = not (
            self._nets[0].full_batch
            or self._groups[0].loss.is_composite
            or self._stack.flat.n_tables
        )
        one_step = self._train.n_rows <= self._train.batch_size
        return self._may_stop and self._valid is None and one_step and is_plain

    @property
    def _rounds_kinks(self) -> bool:
        return self._nets[0].full_batch and self._groups[0].loss.kinked

    def _show_validation(self, events: BatchEvents) -> None:
        """Show the validation rows to callbacks that look at batches, as many at once as a step."""
        (group,), infer = self._groups, self._stack.inference()
        for batch in self._evaluated(self._batches("valid", for_steps=True)):
            events.begin(batch, training=False)
            piece = group.piece(infer(batch.X), batch)
            events.end(batch, group.total_of([piece]), training=False)

    def _evaluate(self, batches: Batches) -> Tensor:
        """Return the weighted mean loss of the present weights, (models,)."""
        infer, seen = self._stack.inference(), []
        for batch in self._evaluated(batches):
            raw = infer(batch.X)
            seen.append([group.piece(raw, batch) for group in self._groups])
        return self._mean_of(seen, batches)

    def _validate(self, batches: Batches) -> tuple[Tensor, Tensor]:
        """Return the mean loss of validation rows, and that in which none counts too much."""
        infer, seen = self._stack.inference(), []
        for batch in self._evaluated(batches):
            raw = infer(batch.X)
            seen.append([group.validated(raw, batch, self._limit) for group in self._groups])
        whole, limited = ([[each[k] for each in pairs] for pairs in seen] for k in (0, 1))
        return self._mean_of(whole, batches), self._mean_of(limited, batches)

    def _limit_of_rows(self, n_valid: int) -> Limit:
        """Return where the loss of a validation row is cut off.

        It is at least the largest that the best constant has on a training row.
        """
        loss, explainable = self._constants(self._train)
        floor, share = loss - explainable, max(MEAN_ROWS, MOST_OF_ONE_ROW * n_valid)
        largest = [
            concatenated([group.largest_excess(y, floor) for group in self._groups])
            for y, _ in self._train.targets()
        ]
        return Limit(floor, torch.stack([*largest, share * explainable]).amax(0))

    def _evaluated(self, batches: Batches) -> Iterator[Batch]:
        """Yield batches in the order of their rows, changed as a net wants where it evaluates."""
        change, seed = self._nets[0].batch_change, self._nets[0].seed
        for step, batch in enumerate(batches.in_order()):
            yield batch if change is None else change.of_evaluation(batch, seed, step)

    def _constants(self, batches: Batches) -> tuple[Tensor, Tensor]:
        """Return the weighted mean loss of the best constants, and how far it may fall, (models,).

        Losses that are densities fall without end: 1 stands for that, a factor e of the likelihood.
        """
        seen = [[g.constant_piece(*targets) for g in self._groups] for targets in batches.targets()]
        loss = self._mean_of(seen, batches)
        explainable = loss - self._least(batches.targets()) / batches.total_weight
        return loss, explainable.clamp(min=0).nan_to_num(nan=1.0)

    def _least(self, targets: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
        """Return a lower bound of Σwℓ over some rows, (models,), NaN if there is none."""
        return summed([concatenated([g.least(*each) for g in self._groups]) for each in targets])

    def _mean_of(self, seen: Sequence[Sequence[Piece]], batches: Batches) -> Tensor:
        """Return the weighted mean loss, (models,), from what groups have seen of each batch."""
        of_groups = zip(self._groups, zip(*seen, strict=True), strict=True)
        totals = concatenated([group.total_of(pieces) for group, pieces in of_groups])
        return totals / batches.total_weight
