"""All of a fit that comes before its training: from what a user gives to nets and their data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    LossNet,
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
from .learned import Learned
from .networks import NetBuilder
from .settings import batch_size, device_of, dtype_name
from .splits import Split, validation_split

# Beyond, a sum over all rows hides the order of its terms, and merging equal rows costs copies.
EXACT_ROWS = 10_000


@dataclass(frozen=True)
class Prepared:
    """A fit whose training can begin.

    Attributes
    ----------
    loss : Loss
    nets : list of LossNet
        One per member.
    data : list of TrainingSet
        One per member.
    learned : Learned
    """

    loss: Loss
    nets: list[LossNet]
    data: list[TrainingSet]
    learned: Learned


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
    """

    def __init__(
        self,
        estimator: Any,
        cache: Cache,
        epochs: int | None = None,
        before: Learned | None = None,
    ) -> None:
        self.estimator = estimator
        self.inputs, self.target = estimator._inputs, estimator._target
        self.cache = cache
        self.before = before
        self.has_validation = estimator.early_stopping and epochs is None
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
        sample, inputs, target = self._encoded(data, opened, loss)
        seeds = self._seeds()
        splits = [self._split(loss, sample, target, seed) for seed in seeds]
        dtype = self._dtype(inputs, len(splits[0].train))
        input_scaler, features = self._features(sample, inputs, getattr(torch, dtype))
        target_scaler, targets = self._targets(sample, loss, target, getattr(torch, dtype))
        fixed = fixed_parameters(estimator) if before is None else before.fixed
        learned = Learned(inputs, target, input_scaler, target_scaler, dtype, seeds, fixed)
        sets = [self._training_set(sample, targets, features, each, learned) for each in splits]
        builder = NetBuilder(estimator, self.inputs, self.target, learned, loss, self.device)
        weighted = opened.sample_weight is not None or has_class_weight(estimator)
        if before is None:
            start = self._start(loss, sample, targets, learned, weighted)
            nets = [builder.net(start, *pair) for pair in zip(sets, seeds, strict=True)]
        else:
            pairs = zip(estimator.members_, sets, strict=True)
            nets = [builder.continued(*pair, weighted) for pair in pairs]
        return Prepared(loss, nets, sets, learned)

    # ------------------------------------------------------------------ rows

    def _encoded(self, data: FitData, opened: FitData, loss: Loss) -> Encoded:
        """Return the rows whose weight is not 0, equal ones merged where that changes nothing."""
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
        if self._rows_count_alone(loss, sample):
            key = ("merged", *sample.identity)
            return Encoded(self.cache.once(key, sample.without_repeats), inputs, target)
        return encoded

    def _checked(self, opened: FitData) -> Checked:
        """Return X and y checked, and what that has learned of X."""
        if self.inputs.names_columns:
            check_names(opened.X)
        data = replace(opened, X=self.inputs.opened(opened.X))
        learned = self.before and self.before.inputs
        return self.inputs.checked(self.estimator, data, self.target.y_options(data), learned)

    def _of_checked(self, checked: Checked, opened: FitData, loss: Loss) -> Encoded:
        """Return the rows whose weight is not 0, targets as numbers, and what that has learned."""
        before = self.before
        X, y = checked.X, self.target.rows(checked.y, checked.X)
        weights = self.inputs.weights(opened.sample_weight, X)
        kept, n_rows = np.flatnonzero(weights), len(weights)
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
        learned = Learned(inputs, target, InputScaler(), None, "float32", (), {})
        builder = NetBuilder(self.estimator, self.inputs, self.target, learned, loss, self.device)
        return builder.network(target.n_classes, torch.Generator().manual_seed(0))

    def _rows_count_alone(self, loss: Loss, sample: Sample) -> bool:
        """Return whether each step sums over all rows, so that rows count by their weight alone."""
        n_rows = len(sample.y)
        alone = loss.weighs_rows and isinstance(self.estimator.module, str)
        one_batch = n_rows <= min(EXACT_ROWS, batch_size(self.estimator, self.inputs, n_rows))
        return self.inputs.merges_repeats and alone and one_batch and not self.has_validation

    # ------------------------------------------------------------------ members

    def _seeds(self) -> tuple[int, ...]:
        if self.before is not None:
            return self.before.seeds
        first = seed_of(self.estimator.random_state)
        return tuple((first + i) % SEED_LIMIT for i in range(self.estimator.n_members))

    def _split(self, loss: Loss, sample: Sample, target: Any, seed: int) -> Split:
        """Return which rows train a member, and which validate it."""
        if not self.has_validation:
            n_rows = len(sample.y)
            return self.cache.once(("all rows", n_rows), lambda: Split(np.arange(n_rows), None))
        share, stratify = self.estimator.validation_fraction, self.target.stratifies(target)
        drawn = share, sample.y, sample.kept, sample.n_rows, stratify, seed, self.inputs.unit

        def split() -> Split:
            found = validation_split(*drawn)
            self.target.check_split(loss, sample, target, found.train, found.valid)
            return found

        how = share if isinstance(share, Real) else id(share)
        key = ("split", *sample.identity, how, seed, type(loss))
        return self.cache.once(key, split, keep=share)

    # ------------------------------------------------------------------ what the engine takes

    def _dtype(self, inputs: Any, n_rows: int) -> str:
        if self.before is not None:
            return self.before.dtype
        return dtype_name(self.estimator, self.inputs, len(inputs.shape), n_rows)

    def _features(self, sample: Sample, learned: Any, dtype: torch.dtype) -> tuple[Encoding, Rows]:
        """Return the scaled or encoded features, and what scales or encodes them."""
        before, scales = self.before, scales_inputs(self.estimator, self.inputs)

        def scaled() -> tuple[Encoding, Rows]:
            if before is None:
                scaler = self.inputs.scaler(sample, learned, scales)
            else:
                scaler = before.input_scaler
            return scaler, self.inputs.training_rows(sample.X, scaler, dtype, self.device)

        how = (self.inputs, scales, dtype, self.device)
        return self.cache.once(("features", *sample.identity_of_inputs, *how), scaled, sample.X)

    def _targets(
        self, sample: Sample, loss: Loss, target: Any, dtype: torch.dtype
    ) -> tuple[TargetScaler | None, Tensor]:
        """Return the scaled targets, and the scaler."""
        scaling, before = self.target.scaling(loss), self.before
        of_tensor = torch.long if loss.y_is_index else dtype

        def scaled() -> tuple[TargetScaler | None, Tensor]:
            if before is None:
                scaler = self.target.scaler(sample, scaling, target)
            else:
                scaler = before.target_scaler
            y = sample.y if scaler is None else scaler.transform(sample.y)
            return scaler, torch.from_numpy(y).to(self.device, of_tensor)

        how = (frozen_value(self.target), scaling, of_tensor, self.device)
        return self.cache.once(("targets", *sample.identity, *how), scaled)

    def _training_set(
        self, sample: Sample, targets: Tensor, features: Rows, split: Split, learned: Learned
    ) -> TrainingSet:
        on_device = id(split), self.device

        def weights() -> Tensor:
            scaled = sample.sample_weight / sample.sample_weight[split.train].mean()
            return torch.from_numpy(scaled).to(self.device, learned.torch_dtype)

        def indices() -> tuple[Tensor, Tensor | None]:
            train, valid = split
            on = torch.from_numpy(train).to(self.device)
            return on, None if valid is None else torch.from_numpy(valid).to(self.device)

        of_weights = ("weights", sample.identity_of_weights, learned.dtype, *on_device)
        return TrainingSet(
            features,
            targets,
            self.cache.once(of_weights, weights, keep=split),
            *self.cache.once(("indices", *on_device), indices, keep=split),
        )

    def _start(
        self, loss: Loss, sample: Sample, targets: Tensor, learned: Learned, weighted: bool
    ) -> Start:
        """Return where the training of a loss on some targets starts."""
        target, dtype = learned.target, learned.torch_dtype
        given = loss, sample, targets, target, dtype, weighted
        how = (frozen_value(self.target), target.n_classes, target.multi_label, dtype, weighted)
        key = ("start", loss, *sample.identity, id(targets), *how)
        return self.cache.once(key, lambda: self.target.start(*given), targets)


def fixed_parameters(estimator: Any) -> dict[str, Any]:
    """Return the parameters that cannot change while training goes on."""
    declared = declared_by(estimator).items()
    return {name: getattr(estimator, name) for name, each in declared if each.fixed}


def check_goes_on(estimator: Any, loss: Loss, before: Learned) -> None:
    """Raise if something has changed that cannot while training goes on."""
    if not _same(loss, estimator.loss_):
        raise ValueError(
            f"This estimator was trained with {estimator.loss_!r} and cannot go on with {loss!r}."
            " Set warm_start=False and fit, or train a clone."
        )
    for name, value in before.fixed.items():
        now = getattr(estimator, name)
        if not _same(now, value):
            raise ValueError(
                f"{name} was {value!r} when this network was built and cannot become {now!r} while"
                " its training goes on. Set warm_start=False and fit, or train a clone."
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
    if encoding not in ("standard", used):
        raise ValueError(
            f"scale_inputs={estimator.scale_inputs} stands for numeric_encoding={used!r}, and"
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
