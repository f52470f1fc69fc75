"""All of a fit that comes before its training: from what a user gives to nets and their data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...losses.base import Loss
from ...parameters.declared import declared_by
from ...parameters.plain import frozen
from ...training import (
    Encoding,
    InputScaler,
    Rows,
    TargetScaler,
    TrainingSet,
    seed_of,
)
from ...training.seeds import SEED_LIMIT
from ..inputs.base import Inputs, encoding_of
from ..inputs.columns import check_names
from ..inputs.data import Checked, FitData
from ..inputs.sample import Sample, unit_of
from ..targets.base import Start
from .cache import Cache
from .learned import HeldOut, Learned, Prepared
from .networks import NetBuilder
from .settings import (
    Members,
    batch_size,
    device_of,
    drops_rest,
    dtype_name,
    few_rows,
    members_of,
)
from .splits import Split, fold_splits, gives_rows, index_type, validation_split

NOTHING_HELD_OUT = (
    "decision='macro_f1' is learned from rows that members hold out, but there are none: there are"
    " too few rows, or the parameters rule it out. Set n_members=8, early_stopping=True and"
    " validation_fraction='auto', or leave decision='argmax'."
)

NOTHING_CALIBRATES = (
    "calibrate=True corrects quantiles by held-out rows, but early_stopping=False holds out none."
    " Set early_stopping=True, with n_members=8 for folds of all rows or with n_members=1 for one"
    " validation set, or set calibrate=False."
)

# Beyond, a sum over all rows hides the order of its terms, and merging equal rows costs copies.
EXACT_ROWS = 10_000


class Encoded(NamedTuple):
    """The rows that a fit learns from, and what it has learned of X and y."""

    sample: Sample
    inputs: Any
    target: Any


class Preparation:
    """Prepares fits of an estimator.

    Parameters
    ----------
    estimator : NeuralEstimator
    cache : Cache
        Shared by fits that are prepared one after another.
    epochs : int or None, default=None
        How many epochs are trained, whatever the stopping rule says; without validation rows.
    before : Learned or None, default=None
        What an earlier fit has learned, where its training goes on.
    seeds : tuple of int or None, default=None
        Those of the members, where a training goes on that was killed.
    """

    def __init__(
        self,
        estimator: Any,
        cache: Cache,
        epochs: int | None = None,
        before: Learned | None = None,
        seeds: tuple[int, ...] | None = None,
    ) -> None:
        self.estimator = estimator
        self.inputs, self.target = estimator._inputs, estimator._target
        self.cache = cache
        self.before = before
        self.seeds = before.seeds if before is not None else seeds
        self.goes_on = epochs is not None
        self.device = torch.device("cpu")

    def of(self, data: FitData) -> Prepared:
        """Prepare a fit on some data.

        Raises
        ------
        ValueError or TypeError
            If parameters or data are not what is allowed.
        """
        estimator, before = self.estimator, self.before
        opened = self.target.opened(data, before and before.target)
        loss = estimator._checked_loss(self.target.task_names(opened))
        if before is not None:
            check_goes_on(estimator, loss, before)
        self.device = device_of(estimator)
        if self.target.calibrates and estimator.early_stopping in (False, 0):
            raise ValueError(NOTHING_CALIBRATES)
        (sample, inputs, target), members = self._encoded(data, opened, loss)
        if before is not None and not self.goes_on:
            target.check_complete(sample.y)
        seeds = self._seeds(members.number)
        splits = self._splits(loss, sample, target, seeds, members.holds_out)
        if before is None and self.target.needs_held_out and splits[0].fold is None:
            raise ValueError(NOTHING_HELD_OUT)
        dtype = self._dtype(loss, sample, inputs, len(splits[0].train))
        input_scaler, features = self._features(sample, splits, inputs, getattr(torch, dtype))
        scaled = [
            self._targets(sample, split, loss, target, getattr(torch, dtype), k)
            for k, split in enumerate(splits)
        ]
        scalers = tuple(scaler for scaler, _ in scaled)
        fixed = fixed_parameters(estimator) if before is None else before.fixed
        learned = Learned(inputs, target, input_scaler, scalers, dtype, seeds, fixed)
        of_members = list(zip(splits, (targets for _, targets in scaled), strict=True))
        sets = [self._training_set(sample, features, *each, learned) for each in of_members]
        builder = NetBuilder(estimator, self.inputs, self.target, learned, loss, self.device)
        weighted = opened.sample_weight is not None or has_class_weight(estimator)
        if before is None:
            starts = [self._start(loss, sample, *each, learned, weighted) for each in of_members]
            nets = list(map(builder.net, starts, sets, seeds, scalers))
        else:
            of_nets = zip(estimator.members_, sets, scalers, strict=True)
            nets = [builder.continued(*each, weighted) for each in of_nets]
        for net in nets[1:]:
            net.verbose = 0
        calibration = HeldOut.of_any(sample, splits) if self.target.calibrates else None
        return Prepared(loss, nets, sets, learned, HeldOut.of(sample, splits), calibration)

    # ------------------------------------------------------------------ rows

    def _encoded(self, data: FitData, opened: FitData, loss: Loss) -> tuple[Encoded, Members]:
        """Return the rows whose weight is not 0, and how many members learn from them.

        Equal rows are merged where that changes nothing.
        """
        arguments = data.X, data.y, data.sample_weight, data.groups, data.named
        known = *map(id, arguments), self.inputs
        checked = self.cache.once(
            ("checked", *known, type(self.target)), lambda: self._checked(opened), keep=data
        )
        how = frozen_value(self.target), *self.target.identity(loss)
        encoded = self.cache.once(
            ("encoded", *known, *how), lambda: self._of_checked(checked, opened, loss), keep=data
        )
        sample, inputs, target = encoded
        self.target.check_suits(
            loss, sample, target, lambda: self._any_network(inputs, target, loss)
        )
        has_rows = sample.has_distinct_rows
        members = members_of(self.estimator, self.inputs, has_rows, self.goes_on)
        if self._rows_count_alone(loss, sample, members.holds_out):
            key = ("merged", *sample.identity)
            encoded = Encoded(self.cache.once(key, sample.without_repeats), inputs, target)
        return encoded, members

    def _checked(self, opened: FitData) -> Checked:
        """Return X and y checked, and what that has learned of X."""
        if self.inputs.names_columns:
            check_names(opened.X)
        check_names(opened.y, "y")
        data = replace(opened, X=self.inputs.opened(opened.X))
        learned = self.before and self.before.inputs
        checked = self.inputs.checked(self.estimator, data, self.target.y_options(data), learned)
        if self.before is not None:
            self.inputs.check_continued(data.X, checked, learned, self.before.input_scaler)
        return checked

    def _of_checked(self, checked: Checked, opened: FitData, loss: Loss) -> Encoded:
        """Return the rows whose weight is not 0, targets as numbers, and what that has learned."""
        before = self.before
        X, y = checked.X, self.target.rows(checked.y, checked.X)
        weights = self.target.counted(y, self.inputs.weights(opened.sample_weight, X))
        kept, n_rows = np.flatnonzero(weights).astype(index_type(len(weights))), len(weights)
        if len(kept) < n_rows:
            X, y, weights = X[kept], y[kept], weights[kept]
        shape, of_target = checked.learned.shape, before and before.target
        encoded, target = self.target.encode(y, opened, loss, shape, of_target)
        sample_weight = self.target.weighed(encoded, weights, target)
        sample = Sample(X, encoded, weights, sample_weight, kept, n_rows, unit_of(weights))
        of_inputs = before and before.inputs
        inputs = self.inputs.learn(sample, opened, checked.learned, of_inputs)
        return Encoded(sample, inputs, self.target.with_inputs(target, inputs))

    def _any_network(self, inputs: Any, target: Any, loss: Loss) -> nn.Module:
        """Return a network of the shape that is trained."""
        learned = Learned(inputs, target, InputScaler(), (None,), "float32", (), {})
        builder = NetBuilder(self.estimator, self.inputs, self.target, learned, loss, self.device)
        return builder.network(target.n_classes, torch.Generator().manual_seed(0))

    def _rows_count_alone(self, loss: Loss, sample: Sample, holds_out: bool) -> bool:
        """Return whether each step sums over all rows, so that rows count by their weight alone."""
        if holds_out or not (self.inputs.merges_repeats and loss.weighs_rows):
            return False
        n_rows = len(sample.y)
        one_batch = n_rows <= min(EXACT_ROWS, batch_size(self.estimator, self.inputs, n_rows))
        one_batch |= few_rows(self.estimator, self.inputs, sample)
        return one_batch and isinstance(self.estimator.module, str)

    # ------------------------------------------------------------------ members

    def _seeds(self, n_members: int) -> tuple[int, ...]:
        if self.seeds is not None:
            return self.seeds
        first = seed_of(self.estimator.random_state)
        return tuple((first + i) % SEED_LIMIT for i in range(n_members))

    def _splits(
        self, loss: Loss, sample: Sample, target: Any, seeds: Sequence[int], holds_out: bool
    ) -> list[Split]:
        """Return which rows train each member, and which validate it."""
        n_rows, share = len(sample.y), self.estimator.validation_fraction
        stratify = self.target.stratifies(target)

        def checked(splits: list[Split]) -> list[Split]:
            for each in splits:
                self.target.check_split(loss, sample, target, each.train, each.valid)
            return splits

        def of_folds() -> list[Split]:
            how = sample.y, stratify, seeds[0], len(seeds), self.inputs.unit
            return checked(fold_splits(*how))

        def of_share(seed: int) -> list[Split]:
            if not gives_rows(share):
                self.target.check_divisible(sample, target)
            how = sample.kept, sample.n_rows, stratify, seed, self.inputs.unit
            return checked([validation_split(share, sample.y, *how)])

        if not holds_out:
            one = self.cache.once(
                ("all rows", n_rows),
                lambda: Split(np.arange(n_rows, dtype=index_type(n_rows)), None),
            )
            return [one] * len(seeds)
        how = share if isinstance(share, Real | str) else id(share)
        key = ("split", *sample.identity, how, type(loss))
        if isinstance(share, str) and share == "auto":
            return self.cache.once((*key, seeds[0], len(seeds)), of_folds)
        found = (self.cache.once((*key, s), partial(of_share, s), keep=share) for s in seeds)
        return [split for splits in found for split in splits]

    # ------------------------------------------------------------------ what the engine takes

    def _dtype(self, loss: Loss, sample: Sample, inputs: Any, n_rows: int) -> str:
        if self.before is not None:
            return self.before.dtype
        if self.estimator.dtype == "auto" and self.target.needs_float64(loss, sample):
            return "float64"
        return dtype_name(self.estimator, self.inputs, len(inputs.shape), n_rows)

    def _features(
        self, sample: Sample, splits: Sequence[Split], learned: Any, dtype: torch.dtype
    ) -> tuple[Encoding, Rows]:
        """Return the scaled or encoded features, and what scales or encodes them.

        It is learned from the rows that train all members, where these are the same: members that
        hold out rows of their own learn it from all.
        """
        before, scales = self.before, scales_inputs(self.estimator, self.inputs)
        train = splits[0].train
        is_common = all(each is splits[0] or np.array_equal(each.train, train) for each in splits)
        is_part = is_common and len(train) < len(sample.y)

        def scaled() -> tuple[Encoding, Rows]:
            if before is None:
                taught = sample.of_rows(train) if is_part else sample
                scaler = self.inputs.scaler(taught, learned, scales)
            else:
                scaler = before.input_scaler
            return scaler, self.inputs.training_rows(sample.X, scaler, dtype, self.device)

        how = (self.inputs, scales, dtype, self.device, is_part and train.tobytes())
        return self.cache.once(("features", *sample.identity_of_inputs, *how), scaled, sample.X)

    def _targets(
        self, sample: Sample, split: Split, loss: Loss, target: Any, dtype: torch.dtype, member: int
    ) -> tuple[TargetScaler | None, Tensor]:
        """Return the targets of all rows as a member sees them, and what scales them."""
        scaling, before = self.target.scaling(loss), self.before
        of_tensor = torch.long if loss.y_is_index else dtype

        def scaled() -> tuple[TargetScaler | None, Tensor]:
            if before is None:
                scaler = self.target.scaler(sample.targets_of_rows(split.train), scaling, target)
            else:
                scaler = before.target_scalers[member]
            y = sample.y if scaler is None else scaler.transform(sample.y)
            return scaler, torch.from_numpy(y).to(self.device, of_tensor)

        # Class indices are the same for all members.
        of_member = None if loss.y_is_index else (id(split), before and member)
        how = (frozen_value(self.target), scaling, of_tensor, self.device, of_member)
        return self.cache.once(("targets", *sample.identity, *how), scaled, keep=split)

    def _training_set(
        self, sample: Sample, features: Rows, split: Split, targets: Tensor, learned: Learned
    ) -> TrainingSet:
        on_device = id(split), self.device
        are_equal = not np.ptp(sample.sample_weight)

        def weights() -> Tensor:
            of_rows = sample.sample_weight
            taken = of_rows[: len(split.train)] if are_equal else of_rows[split.train]
            scaled = torch.from_numpy((of_rows[:1] if are_equal else of_rows) / taken.mean())
            # Equal weights take the memory of one.
            return scaled.to(self.device, learned.torch_dtype).expand(len(of_rows))

        def indices() -> tuple[Tensor, Tensor | None]:
            train, valid, _ = split
            on = torch.from_numpy(train).to(self.device)
            return on, None if valid is None else torch.from_numpy(valid).to(self.device)

        # Weights that are all equal become 1 in every split.
        of_split = None if are_equal else id(split)
        of_weights = ("weights", sample.identity_of_weights, learned.dtype, of_split, self.device)
        return TrainingSet(
            features,
            targets,
            self.cache.once(of_weights, weights, keep=split),
            *self.cache.once(("indices", *on_device), indices, keep=split),
            drops_rest=drops_rest(self.estimator, self.inputs),
        )

    def _start(
        self,
        loss: Loss,
        sample: Sample,
        split: Split,
        targets: Tensor,
        learned: Learned,
        weighted: bool,
    ) -> Start:
        """Return where the training of a loss starts, learned from the rows that train."""
        target, dtype = learned.target, learned.torch_dtype

        def start() -> Start:
            train = torch.from_numpy(split.train).to(targets.device)
            taught = sample.targets_of_rows(split.train), targets.index_select(0, train)
            return self.target.start(loss, *taught, target, dtype, weighted)

        how = (frozen_value(self.target), target.n_classes, target.multi_label, dtype, weighted)
        key = ("start", loss, *sample.identity, id(targets), id(split), *how)
        return self.cache.once(key, start, keep=(targets, split))


def fixed_parameters(estimator: Any) -> dict[str, Any]:
    """Return the parameters that cannot change while training goes on."""
    declared = declared_by(estimator).items()
    return {name: getattr(estimator, name) for name, each in declared if each.fixed}


def check_goes_on(estimator: Any, loss: Loss, before: Learned) -> None:
    """Raise if something has changed that cannot while training goes on."""
    if not all(net.may_go_on_ for net in estimator.members_):
        raise ValueError(
            "This estimator is from a file without the state of its optimiser, and its training"
            " cannot continue. Save it with save(..., training=True), or fit it again with"
            " warm_start=False."
        )
    if not _same(loss, estimator.loss_):
        raise ValueError(
            f"This estimator was trained with {estimator.loss_!r} and cannot go on with {loss!r}."
            " Set warm_start=False and fit, or train a clone."
        )
    for name, value in before.fixed.items():
        now = getattr(estimator, name)
        if not _same(now, value):
            raise ValueError(
                f"{name} was {value!r} when this network was built and cannot become {now!r}"
                " while its training continues. Set warm_start=False and fit, or train a clone."
            )


def _same(value: Any, other: Any) -> bool:
    """Return whether two parameters are the same object or equal."""
    try:
        return value is other or bool(value == other)
    except (ValueError, RuntimeError):
        return False


def has_class_weight(estimator: Any) -> bool:
    """Return whether an estimator gives classes weights of their own."""
    return getattr(estimator, "class_weight", None) is not None


def scales_inputs(estimator: Any, inputs: Inputs) -> bool:
    """Return whether X is standardised, unless its columns are encoded.

    Raises
    ------
    ValueError
        If parameters say how columns are encoded, and X has none.
    """
    encoding, used = getattr(estimator, "numeric_encoding", "standard"), encoding_of(estimator)
    is_alias = getattr(estimator, "scale_inputs", None) is not None
    if is_alias and encoding not in ("auto", "standard", used):
        raise ValueError(
            f"scale_inputs={estimator.scale_inputs} stands for numeric_encoding={used!r}, but"
            f" numeric_encoding is {encoding!r}. Leave scale_inputs out."
        )
    named = getattr(estimator, "categorical_features", None)
    if not inputs.encodes() and (named is not None or encoding not in ("standard", "none", "auto")):
        name = "numeric_encoding" if named is None else "categorical_features"
        raise ValueError(
            f"{name}={encoding if named is None else named!r} is for the columns of tables, which"
            f" module='mlp' takes; the module is {estimator.module!r}. Leave {name} out, and encode"
            " columns before the network."
        )
    return used != "none"


def frozen_value(value: Any) -> Any:
    """Return a frozen dataclass as something that hashes, though a field of it may not."""
    fields: Mapping[str, Any] = vars(value)
    return type(value), frozen(fields)
