"""What both estimators share: from checked X, y and weights to a fitted net, and from X to raw output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from ...losses.base import Loss, State
from ...parameters.plain import plain
from ...training import InputScaler, Rows, TrainingSet, rows, seed_of, train_all
from ...training.seeds import SEED_LIMIT
from ..inputs.columns import check_names, with_columns_named
from ..inputs.inputs import FLOATS, Inputs, inputs_of
from ..inputs.missing import check_no_label_missing
from ..inputs.weights import checked_weights
from .nets import NetBuilder
from .parameters import DOMAINS
from .prepared import Ready, Shelf, frozen
from .sample import Sample
from .splits import Parts, validation_split

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
    "n_components",
    "pairs",
    "n_factors",
    "tokens",
    "features",
    "sampling_rate",
    "n_mels",
    "window_seconds",
    "hop_seconds",
)  # what cannot change while training goes on

SMALL = 10_000  # numbers
EXACT_ROWS = 10_000  # beyond, a sum over all rows hides the order of its terms, and joining equal rows costs copies


class NeuralEstimator(NetBuilder):
    """Base of the estimators: the fit, from checked data to a trained `LossNet`.

    A subclass says how targets are encoded, scaled and decoded.
    """

    _unit: ClassVar[str] = "row"  # what is weighed, batched and set aside as a whole

    # ------------------------------------------------------------------ what subclasses say

    def _encode(self, y: np.ndarray, first: bool) -> np.ndarray:
        """Return targets (n_samples, n_targets) as numbers, learning labels at the first call."""
        raise NotImplementedError

    def _check_suits(self, loss: Any, sample: Sample) -> None:
        """Refuse a loss that cannot be trained on these targets."""
        raise NotImplementedError

    def _given(self, X: Any, y: Any, sample_weight: Any, first: bool) -> tuple[Any, Any, Any]:
        """Return what `fit` was given as the rest of the fit takes it, before anything is checked."""
        return X, y, sample_weight

    @property
    def _inputs(self) -> Inputs:
        """What X may be."""
        return inputs_of(self.module)

    def _scaling_of(self, loss: Any) -> str:
        """Return how targets are scaled for a loss."""
        return "none"

    def _scale_targets(self, sample: Sample, scaling: str, first: bool) -> np.ndarray:
        """Return targets on the scale that the network trains on, learning that at the first call."""
        return sample.y

    def _reweighted(self, y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
        """Return weights with whatever the estimator adds to them."""
        return sample_weight

    # ------------------------------------------------------------------ fit

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """Train as `fit` does."""
        return self._train(X, y, sample_weight, epochs=None, go_on=self.warm_start)

    def _fit_one_epoch(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """Train as `partial_fit` does."""
        if self.early_stopping:
            raise ValueError(
                "partial_fit trains one epoch and has no rows to set aside; set early_stopping=False, or call fit."
            )
        return self._train(X, y, sample_weight, epochs=1, go_on=True)

    def _train(self, X: Any, y: Any, sample_weight: Any, epochs: int | None, go_on: bool) -> Any:
        """Train; `go_on` continues where the last fit ended, `epochs` overrides the stopping rule.

        A fit that fails leaves the estimator as it was.
        """
        with self._unchanged_by_failure():
            self._check_param("warm_start", plain(self.warm_start), DOMAINS["warm_start"])
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
        X, y, sample_weight = self._given(X, y, sample_weight, first=not go_on)
        loss = self._checked_loss()
        weighted = sample_weight is not None or getattr(self, "class_weight", None) is not None
        if go_on:
            self._check_goes_on(loss)
        sample = self._sample(X, y, sample_weight, loss, first=not go_on, shelf=shelf)
        self._check_suits(loss, sample)
        if self._learns_from_all_at_once(loss, sample, epochs):
            sample = shelf.once(("joined", *sample.identity), sample.without_repeats)
        if not go_on:
            first = seed_of(self.random_state)
            self._seeds = [(first + i) % SEED_LIMIT for i in range(self.n_members)]
        parts = [self._parts(sample, epochs, seed, shelf) for seed in self._seeds]
        if not go_on:
            self._dtype = self._torch_dtype(len(parts[0].train))
        targets = self._targets(sample, loss, shelf, first=not go_on)
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
            start = self._start(loss, sample, targets, weighted, shelf)
            nets = [self._net(start, of_seed, seed) for seed, of_seed in seeded]
        return Ready(loss, nets, data)

    def _sample(
        self, X: Any, y: Any, sample_weight: Any, loss: Loss, first: bool, shelf: Shelf
    ) -> Sample:
        def make() -> Sample:
            checked_X, checked_y = self._validated(X, y, first, shelf)
            weights = self._checked_weights(sample_weight, checked_X)
            kept, n_rows = np.flatnonzero(weights), len(weights)
            if len(kept) < n_rows:
                checked_X, checked_y, weights = checked_X[kept], checked_y[kept], weights[kept]
            if first:
                self._input_facts = self._inputs.facts(checked_X)
            encoded = self._encode(checked_y, first)
            reweighted = self._reweighted(encoded, weights)
            return Sample(checked_X, encoded, weights, reweighted, kept, n_rows)

        made_by = (
            type(self),
            self._inputs,
            getattr(loss, "ordinal", False),
            frozen(getattr(self, "class_weight", None)),
        )
        key = ("sample", id(X), id(y), id(sample_weight), *made_by)
        return shelf.learnt(self, key, make, keep=(X, y, sample_weight))

    def _checked_weights(self, sample_weight: Any, X: Any) -> np.ndarray:
        """Return one weight per row of the engine."""
        return checked_weights(sample_weight, X)

    def _learns_from_all_at_once(self, loss: Loss, sample: Sample, epochs: int | None) -> bool:
        """Tell whether each step sums over all rows, so that rows count by their weight alone."""
        sets_rows_aside = self.early_stopping and epochs is None
        rows_count_alone = loss.weighs_rows and isinstance(self.module, str)
        n_rows = len(sample.y)
        one_batch = n_rows <= min(EXACT_ROWS, self._batch_size(n_rows))
        return rows_count_alone and one_batch and not sets_rows_aside

    def _validated(self, X: Any, y: Any, first: bool, shelf: Shelf) -> tuple[Any, np.ndarray]:
        def validate() -> tuple[Any, np.ndarray]:
            numeric = self._task == "regression"
            if not numeric:
                check_no_label_missing(y)
            checked = self._checked(X, first, y=y, multi_output=True, y_numeric=numeric)
            if first:
                self._input_shape = tuple(checked[0].shape[1:])
            return checked

        key = ("validated", id(X), id(y), self._task, self._inputs)
        return shelf.learnt(self, key, validate, keep=(X, y))

    def _checked(self, X: Any, first: bool, **options: Any) -> Any:
        """Return what ``validate_data`` makes of X, and of y where that is among its options."""
        inputs = self._inputs
        check_names(X)
        opened = inputs.opened(X)
        if not first:
            self._check_shape(opened)
        try:
            checked = validate_data(self, opened, reset=first, **inputs.options(opened), **options)
            if options.get("y_numeric"):
                checked[1].astype(np.float64, copy=False)  # scikit-learn lets arrays of text pass
        except (TypeError, ValueError) as error:
            numbers = options.get("y") if options.get("y_numeric") else None
            raise with_columns_named(X, numbers, error) from error
        values = checked[0] if "y" in options else checked
        inputs.check(values)
        if not first:
            inputs.check_alike(values, self._input_facts)
        return checked

    def _check_shape(self, X: Any) -> None:
        """Refuse rows of another shape than in training; the columns of tables are checked by scikit-learn."""
        shape = tuple(getattr(X, "shape", ())[1:])
        has_rows = tuple(getattr(X, "shape", (1,)))[:1] not in ((), (0,))
        if has_rows and len(self._input_shape) > 1 and shape != self._input_shape:
            raise ValueError(
                f"X has rows of shape {shape}; {type(self).__name__} was trained on rows of shape {self._input_shape}. Crop, pad or"
                " resize them to that."
            )

    def _targets(self, sample: Sample, loss: Loss, shelf: Shelf, first: bool) -> Tensor:
        """Return the scaled targets, learning their scale at the first call."""
        scaling, device = self._scaling_of(loss), self._device()
        dtype = torch.long if loss.y_is_index else self._dtype

        def scale() -> Tensor:
            scaled = self._scale_targets(sample, scaling, first)
            return torch.from_numpy(scaled).to(device, dtype)

        return shelf.learnt(self, ("targets", *sample.identity, scaling, dtype, device), scale)

    def _features(self, sample: Sample, shelf: Shelf, first: bool) -> Rows:
        """Return the scaled features, learning their scale at the first call."""
        device = self._device()

        def scale() -> tuple[InputScaler, Rows]:
            scaler = self._input_scaler if not first else self._fit_input_scaler(sample)
            return scaler, rows(scaler.transform(sample.X, self._dtype), self._dtype, device)

        how = (self._inputs, self.scale_inputs, self._dtype, device)
        key = ("features", *sample.identity_of_inputs, *how)
        self._input_scaler, features = shelf.once(key, scale, keep=sample.X)
        return features

    def _fit_input_scaler(self, sample: Sample) -> InputScaler:
        if not self.scale_inputs:
            return InputScaler()
        return self._inputs.scaler(*self._weighted_rows(sample))

    def _weighted_rows(self, sample: Sample) -> tuple[Any, np.ndarray]:
        """Return the rows that the network sees, one by one, and what each of them weighs."""
        return sample.X, sample.sample_weight

    def _parts(self, sample: Sample, epochs: int | None, seed: int, shelf: Shelf) -> Parts:
        """Return which rows train, and which decide the best epoch."""
        if not self.early_stopping or epochs is not None:
            n_rows = len(sample.y)
            return shelf.once(("all rows", n_rows), lambda: Parts(np.arange(n_rows), None))
        stratify, share = self._stratifies, self.validation_fraction

        def split() -> Parts:
            return validation_split(
                share, sample.y, sample.kept, sample.n_rows, stratify, seed, self._unit
            )

        how = share if isinstance(share, Real) else id(share)
        return shelf.once(("parts", *sample.identity, how, seed), split, keep=share)

    @property
    def _stratifies(self) -> bool:
        """Whether rows are set aside from every class alike."""
        return self._task == "classification" and not self._multi_label

    def _training_set(
        self, sample: Sample, targets: Tensor, features: Rows, parts: Parts, shelf: Shelf
    ) -> TrainingSet:
        device = self._device()
        on_device = id(parts), device

        def weights() -> Tensor:
            scaled = sample.sample_weight / sample.sample_weight[parts.train].mean()
            return torch.from_numpy(scaled).to(device, self._dtype)

        def indices() -> tuple[Tensor, Tensor | None]:
            train, valid = parts
            on = torch.from_numpy(train).to(device)
            return on, None if valid is None else torch.from_numpy(valid).to(device)

        of_weights = ("weights", sample.identity_of_weights, self._dtype, *on_device)
        return TrainingSet(
            features,
            targets,
            shelf.once(of_weights, weights, keep=parts),
            *shelf.once(("indices", *on_device), indices, keep=parts),
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
        return self._mean_said(self._scaled(X), value)

    def _mean_said(self, scaled: Any, value: Callable[[Tensor, State], Tensor]) -> Tensor:
        """Return the same for X on the scale that the network takes."""
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
            X = self._checked(X, first=False)
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
            and self._inputs.takes_any_floats
            and bool(np.isfinite(X).all())
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        self._inputs.tag(tags.input_tags)
        return tags


def _same(value: Any, other: Any) -> bool:
    """Tell whether two parameters are the same object or equal."""
    try:
        return value is other or bool(value == other)
    except (ValueError, RuntimeError):
        return False
