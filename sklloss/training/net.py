"""One model as a skorch net: what a user sees of the training engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from sklearn.utils import ClassifierTags
from torch import Tensor

from .model import Trainable
from .precision import fastest_products
from .programs import train
from .rows.data import TrainingSet, rows

# Rows whose raw output is computed at once, where nothing is trained.
EVALUATION_ROWS = 4096


class LossNet(Trainable):
    """One model, trained alone or in a stack with others.

    Parameters
    ----------
    module, criterion, optimizer, lr, ...
        As in `Trainable`.

    Notes
    -----
    It takes scaled X; `forward` returns raw output, `predict` answers in units of y.  ``module_`` is the plain module during training too:
    its parameters are views into the buffer that the optimiser steps, so that callbacks and
    checkpoints are skorch's own.  Callbacks that look at batches are called, and cost their time,
    only where there are any.
    """

    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, **fit_params: Any) -> LossNet:
        """Train on; unlike in skorch, an interruption by the user is raised."""
        if not self.initialized_:
            self.initialize()
        return self.fit_loop(X, y, **fit_params)

    def fit_loop(
        self,
        X: Any,
        y: Any = None,
        epochs: int | None = None,
        on_epoch: Callable[[int], None] | None = None,
        **fit_params: Any,
    ) -> LossNet:
        """Train for some epochs, or until the stopping rule ends training.

        Parameters
        ----------
        X : TrainingSet, or array-like of shape (n_samples, n_features)
            What to learn from.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), or None
            Targets, where X is an array.
        epochs : int or None
            How many; by default `max_epochs`.
        on_epoch : callable or None
            Called with the number of epochs that are done or no longer needed.

        Raises
        ------
        FloatingPointError
            If the loss or the parameters turn NaN or infinite.
        """
        data = X if isinstance(X, TrainingSet) else self._training_set(X, y)
        (error,) = train([self], [data], epochs, on_epoch)
        if error is not None:
            raise error
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities (n, classes), or (n, labels), of scaled X.

        Where the loss has none, they are raw output.
        """
        if not hasattr(self.loss, "predict_proba"):
            return self.forward(X).numpy()
        probabilities = self.loss.predict_proba(self.raw(X), self.criterion_.state)[0]
        return probabilities.squeeze(1).cpu().numpy()

    @property
    def classes_(self) -> np.ndarray:
        """The class indices, for scikit-learn's scorers; nets of other tasks have none."""
        state = getattr(self, "criterion_", None) and self.criterion_.state
        if not state or "prior" not in state:
            raise AttributeError("This net has no classes_: its loss knows no classes.")
        return np.arange(state["prior"].shape[-1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if getattr(self, "criterion_", None) is not None and self.loss.task == "classification":
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags

    def predict(self, X: Any) -> np.ndarray:
        """Return class indices, or predictions of y, (n,) or (n, targets), of scaled X."""
        prediction = self.loss.predict(self.raw(X), self.criterion_.state)[0]
        return self.in_units_of_y(prediction, column=False)

    def raw(self, X: Any) -> Tensor:
        """Return raw output for scaled X in the contract's shape, (1, n, targets, outputs)."""
        pieces = list(self._infer(X))
        raw = pieces[0] if len(pieces) == 1 else torch.cat(pieces, 1)
        return raw.unflatten(-1, self.raw_shape or (self.criterion_.baseline.shape[1], -1))

    def forward_iter(self, X: Any, training: bool = False, device: str = "cpu") -> Iterator[Tensor]:
        """Yield raw output (n, width) for slices of scaled X, an array, tensor or CSR matrix."""
        return (piece.squeeze(0).to(device) for piece in self._infer(X))

    def _infer(self, X: Any) -> Iterator[Tensor]:
        stack = self.attach()
        features = rows(X, stack.flat.values.dtype, stack.flat.values.device)
        size, infer = stack.rows_at_once(EVALUATION_ROWS, features.row_shape), stack.inference()
        for start in range(0, max(len(features), 1), size):
            piece = stack.pad(features.slice(start, start + size))
            with fastest_products():
                raw = infer(piece.unsqueeze(0))
            yield raw

    def _training_set(self, X: Any, y: Any) -> TrainingSet:
        values = self.attach().flat.values
        dtype, device = values.dtype, values.device
        scaled = np.asarray(y).reshape(len(y), -1)
        if self.target_scaler is not None:
            scaled = self.target_scaler.transform(scaled)
        targets = torch.as_tensor(scaled)
        targets = targets.to(device, torch.long if self.loss.y_is_index else dtype)
        weights = torch.ones(len(y), dtype=dtype, device=device)
        train = torch.arange(len(y), device=device)
        return TrainingSet(rows(X, dtype, device), targets, weights, train, given=(X, y))
