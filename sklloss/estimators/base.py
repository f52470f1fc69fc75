"""What both estimators share: from checked X, y and weights to a fitted net, and from X to raw output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from ..losses.base import Loss, State
from ..modules import MODULES, build_module, check_widths
from ..training import (
    Criterion,
    InputScaler,
    LossNet,
    Rows,
    StoppingRule,
    TrainingSet,
    generator,
    optimizer_options,
    optimizer_spec,
    rows,
    seed_of,
    train_all,
)
from ..training.seeds import SEED_LIMIT
from .columns import count, with_columns_named
from .loss_values import check_loss_values
from .parameters import NestedParameters
from .ready import Ready, Shelf
from .sample import Sample
from .splits import validation_split
from .weights import checked_weights

BUILT_WITH = (
    "module",
    "module_params",
    "hidden_layer_sizes",
    "activation",
    "dropout",
    "optimizer",
    "optimizer_params",
    "callbacks",
    "dtype",
    "scale_inputs",
    "scale_target",
    "device",
    "n_members",
)  # what cannot change while training goes on

FLOATS = (np.float64, np.float32)
SMALL = 10_000  # numbers
SEEN = ("n_features_in_", "feature_names_in_")  # what validation learns
EXACT_ROWS = 10_000  # beyond, a sum over all rows hides the order of its terms, and joining equal rows costs copies
BATCH_MIN, BATCH_MAX, BATCHES_PER_EPOCH = 200, 1024, 50  # what batch_size="auto" aims at


class NeuralEstimator(NestedParameters):
    """Base of the estimators: the fit, from checked data to a trained `LossNet`.

    A subclass says how targets are encoded, scaled and decoded.
    """

    loss_: Any
    net_: LossNet

    # ------------------------------------------------------------------ what subclasses say

    def _encode(self, y: np.ndarray, first: bool) -> np.ndarray:
        """Return targets (n_samples, n_targets) as numbers, learning labels at the first call."""
        raise NotImplementedError

    def _scale_targets(self, sample: Sample, loss: Any, first: bool) -> np.ndarray:
        """Return targets on the scale that the network trains on."""
        raise NotImplementedError

    def _reweighted(self, y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
        """Return weights with whatever the estimator adds to them."""
        return sample_weight

    @property
    def _n_classes(self) -> int | None:
        return None

    @property
    def _multi_label(self) -> bool:
        return False

    # ------------------------------------------------------------------ fit

    def _fit(self, X: Any, y: Any, sample_weight: Any, epochs: int | None, go_on: bool) -> Any:
        """Train; `go_on` continues where the last fit ended, `epochs` overrides the stopping rule.

        A fit that fails leaves the estimator as it was.
        """
        with self._unchanged_by_failure():
            ready = self._prepare(X, y, sample_weight, shelf=Shelf(), epochs=epochs, go_on=go_on)
            self._adopt(ready, train_all(ready.nets, ready.data, epochs))
        return self

    @contextmanager
    def _unchanged_by_failure(self) -> Iterator[None]:
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _prepare(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        shelf: Shelf,
        epochs: int | None = None,
        go_on: bool = False,
    ) -> Ready:
        """Do all of a fit that comes before its training; what it shares with other fits is in `shelf`."""
        go_on = go_on and hasattr(self, "net_")
        loss = self._checked_loss()
        weighted = sample_weight is not None or getattr(self, "class_weight", None) is not None
        if go_on:
            self._check_goes_on(loss)
        sample = self._sample(X, y, sample_weight, first=not go_on, shelf=shelf)
        if self._learns_from_all_at_once(loss, sample, epochs):
            sample = shelf.once(("joined", *sample.identity), sample.without_repeats)
        if not go_on:
            first = seed_of(self.random_state)
            self._seeds = [(first + i) % SEED_LIMIT for i in range(self.n_members)]
        parts = [self._parts(sample, epochs, seed) for seed in self._seeds]
        if not go_on:
            train = parts[0][0]
            self._dtype = self._torch_dtype(len(sample.y) if train is None else len(train))
        targets = self._scale_targets(sample, loss, first=not go_on)
        features = self._features(sample, shelf, first=not go_on)
        data = [self._training_set(sample, targets, features, part, shelf) for part in parts]
        if go_on:
            nets = [
                self._continued_net(*pair, weighted)
                for pair in zip(self.members_, data, strict=True)
            ]
        else:
            self._built_with = {name: getattr(self, name, None) for name in BUILT_WITH}
            seeded = zip(self._seeds, data, strict=True)
            nets = [self._net(loss, sample, of_seed, seed, weighted) for seed, of_seed in seeded]
        return Ready(loss, nets, data)

    def _sample(self, X: Any, y: Any, sample_weight: Any, first: bool, shelf: Shelf) -> Sample:
        X, y = self._validated(X, y, first, shelf)
        weights = checked_weights(sample_weight, X)
        kept, n_rows = np.flatnonzero(weights), len(weights)
        if len(kept) < len(weights):
            X, y, weights = X[kept], y[kept], weights[kept]
        y = self._encode(y, first)
        return Sample(X, y, weights, self._reweighted(y, weights), kept, n_rows)

    def _learns_from_all_at_once(self, loss: Loss, sample: Sample, epochs: int | None) -> bool:
        """Tell whether each step sums over all rows, so that rows count by their weight alone."""
        sets_rows_aside = self.early_stopping and epochs is None
        rows_count_alone = loss.weighs_rows and isinstance(self.module, str)
        n_rows = len(sample.y)
        one_batch = n_rows <= min(EXACT_ROWS, self._batch_size(n_rows))
        return rows_count_alone and one_batch and not sets_rows_aside

    def _validated(self, X: Any, y: Any, first: bool, shelf: Shelf) -> tuple[Any, np.ndarray]:
        def validate() -> tuple[Any, np.ndarray, dict[str, Any]]:
            try:
                checked = validate_data(
                    self,
                    X,
                    y,
                    reset=first,
                    accept_sparse="csr",
                    dtype=FLOATS,
                    multi_output=True,
                    y_numeric=self._task == "regression",
                )
            except ValueError as error:
                raise with_columns_named(X, error) from error
            return *checked, {name: getattr(self, name) for name in SEEN if hasattr(self, name)}

        key = ("validated", id(X), id(y), self._task)
        checked_X, checked_y, seen = shelf.once(key, validate, keep=(X, y))
        self.__dict__.update(seen)
        return checked_X, checked_y

    def _features(self, sample: Sample, shelf: Shelf, first: bool) -> Rows:
        """Return the scaled features, learning their scale at the first call."""
        device = self._device()

        def scale() -> tuple[InputScaler, Rows]:
            scaler = self._input_scaler if not first else self._fit_input_scaler(sample)
            return scaler, rows(scaler.transform(sample.X, self._dtype), self._dtype, device)

        key = ("features", *sample.identity_of_inputs, self.scale_inputs, self._dtype, device)
        self._input_scaler, features = shelf.once(key, scale, keep=sample.X)
        return features

    def _fit_input_scaler(self, sample: Sample) -> InputScaler:
        return (
            InputScaler.fit(sample.X, sample.sample_weight) if self.scale_inputs else InputScaler()
        )

    def _parts(
        self, sample: Sample, epochs: int | None, seed: int
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        if not self.early_stopping or epochs is not None:
            return None, None
        stratify = self._task == "classification" and not self._multi_label
        return validation_split(
            self.validation_fraction, sample.y, sample.kept, sample.n_rows, stratify, seed
        )

    def _training_set(
        self,
        sample: Sample,
        targets: np.ndarray,
        features: Rows,
        parts: tuple[np.ndarray | None, np.ndarray | None],
        shelf: Shelf,
    ) -> TrainingSet:
        train, valid = parts
        training = sample.sample_weight if train is None else sample.sample_weight[train]

        def held(values: np.ndarray, dtype: torch.dtype) -> Tensor:
            return shelf.tensor(torch.from_numpy(values).to(self._device(), dtype))

        return TrainingSet(
            features,
            held(targets, torch.long if self._task == "classification" else self._dtype),
            held(sample.sample_weight / training.mean(), self._dtype),
            held(np.arange(len(targets)) if train is None else train, torch.long),
            None if valid is None else held(valid, torch.long),
        )

    def _net(
        self, loss: Loss, sample: Sample, data: TrainingSet, seed: int, weighted: bool
    ) -> LossNet:
        y = data.y
        row_weight = torch.from_numpy(sample.row_weight).to(y.device, self._dtype)
        sample_weight = torch.from_numpy(sample.sample_weight).to(y.device, self._dtype)
        state = loss.prepare(y, row_weight, self._n_classes)
        n_outputs = loss.n_outputs(self._n_classes, self._multi_label)
        check_loss_values(loss, y, state, n_outputs, self._dtype, weighted)
        baseline = loss.baseline(y, sample_weight, state)
        module = self._module(loss, data, n_outputs, baseline, seed)
        criterion = Criterion.prepared(loss, State.stack([state]), baseline.unsqueeze(0))
        spec = optimizer_spec(self.optimizer)
        options = optimizer_options(spec, self.optimizer_params or {})
        net = LossNet(
            module,
            criterion,
            optimizer=spec.cls,
            lr=self._lr(),
            seed=seed,
            weight_decay=float(self.weight_decay),
            l1=float(self.l1),
            decoupled=spec.decoupled,
            full_batch=spec.full_batch,
            stopping=self._stopping_rule(),
            max_epochs=self.max_epochs,
            batch_size=self._batch_size(len(data.train)),
            callbacks=self.callbacks,
            device=str(self._device()),
            verbose=self.verbose,
            **{f"optimizer__{name}": value for name, value in options.items()},
        )
        return net.initialize()

    def _continued_net(self, net: LossNet, data: TrainingSet, weighted: bool) -> LossNet:
        """Give a fitted net what may change between calls."""
        n_outputs = net.criterion_.baseline.shape[-1]
        state = net.criterion_.state.without_models().detached()
        check_loss_values(self.loss_, data.y, state, n_outputs, self._dtype, weighted)
        net.optimizer_.param_groups[0]["lr"] = self._lr()
        net.__dict__.update(
            lr=self._lr(),
            weight_decay=float(self.weight_decay),
            l1=float(self.l1),
            stopping=self._stopping_rule(),
            max_epochs=self.max_epochs,
            batch_size=self._batch_size(len(data.train)),
            verbose=self.verbose,
        )
        return net

    def _stopping_rule(self) -> StoppingRule:
        return StoppingRule(self.n_iter_no_change, self.tol, keep_best=self.early_stopping)

    def _module(
        self, loss: Loss, data: TrainingSet, n_outputs: int, baseline: Tensor, seed: int
    ) -> nn.Module:
        n_targets = data.y.shape[-1]
        width = n_targets * n_outputs
        source = generator(seed, "weights")
        params = self._module_params()
        module = build_module(self.module, self.n_features_in_, width, params, source)
        module = module.to(dtype=self._dtype, device=self._device())
        few = data.X.slice(0, 2)
        pair = (2,) if self._n_classes == 2 and not self._multi_label and width == 1 else ()
        what = "two classes" if pair else count(n_targets, "target")
        check_widths(module, few, (width, *pair), f"{loss.label} for {what}")
        if isinstance(self.module, str):
            *_, output_bias = module.parameters()
            output_bias.data.copy_(baseline.flatten())
        return module

    def _module_params(self) -> Mapping[str, Any]:
        own = dict(self.module_params or {})
        if not (isinstance(self.module, str) and self.module in MODULES):
            return own
        widths = self.hidden_layer_sizes
        widths = tuple(widths) if np.iterable(widths) else (widths,)
        return {
            "hidden_layer_sizes": widths,
            "activation": self.activation,
            "dropout": self.dropout,
            "start_constant": not self.l1,  # all weights at 0 are a stationary point under L1
            **own,  # module__dropout and the like win
        }

    def _lr(self) -> float:
        return optimizer_spec(self.optimizer).lr if self.lr == "auto" else self.lr

    def _batch_size(self, n_rows: int) -> int:
        if self.batch_size != "auto":
            return self.batch_size
        if optimizer_spec(self.optimizer).full_batch:
            return n_rows
        return min(n_rows, max(BATCH_MIN, min(BATCH_MAX, n_rows // BATCHES_PER_EPOCH)))

    def _torch_dtype(self, n_rows: int) -> torch.dtype:
        if self.dtype != "auto":
            return getattr(torch, self.dtype)
        return torch.float64 if n_rows <= self._batch_size(n_rows) else torch.float32

    def _device(self) -> torch.device:
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            return torch.empty(0, device=self.device).device
        except (RuntimeError, TypeError, AssertionError) as error:
            raise ValueError(
                f"device={self.device!r} cannot be used here ({str(error).splitlines()[0]}). Use 'cpu', or 'auto' for a GPU where there is"
                " one."
            ) from None

    def _refuse_early_stopping(self) -> None:
        if self.early_stopping:
            raise ValueError(
                "partial_fit trains one epoch and has no rows to set aside; set early_stopping=False, or call fit."
            )

    def _check_goes_on(self, loss: Loss) -> None:
        """Refuse what cannot change between calls."""
        if not _same(loss, self.loss_):
            raise ValueError(
                f"This estimator was trained with {self.loss_!r} and cannot go on with {loss!r}. Set warm_start=False and fit, or"
                " train a clone."
            )
        for name, value in self._built_with.items():
            if not _same(getattr(self, name, None), value):
                raise ValueError(
                    f"{name} was {value!r} when this network was built and cannot become {getattr(self, name)!r} while its training goes"
                    " on. Set warm_start=False and fit, or train a clone."
                )

    def _adopt(self, ready: Ready, errors: Sequence[Exception | None]) -> None:
        """Take what training has made of the nets, or raise what stopped one of them."""
        for error in errors:
            if error is not None:
                raise error
        self.loss_ = ready.loss
        self.members_ = ready.nets
        self.net_ = ready.nets[0]
        self.history_ = self.net_.history
        self.n_iter_ = max(len(net.history) for net in ready.nets)

    @property
    def loss_state_(self) -> State:
        """What the loss learnt: hyperparameters, bins, class shares and trained parts, as tensors."""
        check_is_fitted(self, "net_")
        return self.loss_.readable(self.net_.criterion_.state)

    # ------------------------------------------------------------------ predict

    def _averaged(self, X: Any, value: Callable[[Tensor, State], Tensor]) -> Tensor:
        """Return the mean over members of what a function makes of raw output and state, its axis of models dropped.

        raw has shape (1, n_samples, n_targets, n_outputs).
        """
        scaled = self._scaled(X)
        values = []
        for net in self.members_:
            with torch.no_grad():
                said = value(net.raw(scaled), self.loss_.readable(net.criterion_.state))
            values.append(said[0].cpu())
        return values[0] if len(values) == 1 else torch.stack(values).mean(0)

    def _scaled(self, X: Any) -> Any:
        """Return checked X on the scale that the network takes."""
        if not hasattr(self, "net_"):
            check_is_fitted(self, "net_")
        if not self._is_clean(X):
            try:
                X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=FLOATS)
            except ValueError as error:
                raise with_columns_named(X, error) from error
        return self._input_scaler.transform(X, self._dtype)

    def _is_clean(self, X: Any) -> bool:
        """Tell whether X is a small array that validation would return as it is, in several times the time of predicting it."""
        return (
            type(X) is np.ndarray
            and X.dtype.type in FLOATS
            and X.ndim == 2
            and 0 < X.size <= SMALL
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
            and bool(np.isfinite(X).all())
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _same(value: Any, other: Any) -> bool:
    """Tell whether two parameters are the same object or equal."""
    try:
        return value is other or bool(value == other)
    except (ValueError, RuntimeError):
        return False
