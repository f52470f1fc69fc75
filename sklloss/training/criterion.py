"""Any loss of sklloss as the criterion of a plain skorch net, or of your own training loop."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ..losses.base import ClassificationLoss, Loss, State, Task
from ..losses.resolve import get_loss
from .loss_module import StateModule, in_contract_shape, mean_loss

LOSS_PREFIX = "loss__"


class Criterion(StateModule):
    """Any loss of sklloss as the criterion of a plain skorch net or of your own training loop.

    Parameters
    ----------
    loss : str, Loss, or anything that `get_loss` takes, default="cross_entropy"
        The loss.
    task : {"auto", "regression", "classification", ...}, default="auto"
        The task of the loss.  "auto" takes y of an integer dtype for class indices, as torch does,
        and any other y for targets of regression.  Floats 0 and 1, as from skorch's
        ``NeuralNetBinaryClassifier``, are classes if there is no loss of this name for regression
        that suits the network.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        Training targets; required only by losses that learn from them, such as bins or class
        shares.
    **loss_params
        Hyperparameters of the loss, such as ``loss__delta=2.0``.

    Notes
    -----
    In skorch these arguments are ``criterion__loss="huber"`` and ``criterion__loss__delta=2.0``.
    For skorch's ``predict`` and ``predict_proba`` to return predictions instead of raw output, give
    the net ``predict_nonlinearity=Criterion.probabilities(loss)`` for a classifier, or
    ``Criterion.predictions(loss)`` for a regressor.

    Examples
    --------
    >>> import torch
    >>> criterion = Criterion("huber", loss__delta=2.0)
    >>> criterion(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0]))
    tensor(0.2500)
    """

    def __init__(
        self,
        loss: Any = "cross_entropy",
        *,
        task: Task | Literal["auto"] = "auto",
        y: Any = None,
        **loss_params: Any,
    ) -> None:
        super().__init__()
        self._given = loss
        self._params = _without_prefix(loss_params)
        self._task: Task | None = None if task == "auto" else task
        self._y = y
        # A Loss from the first forward on: before, neither task nor width of raw output is known.
        self.loss: Any = None

    def forward(self, prediction: Tensor, y: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Return the weighted mean loss of a batch.

        Parameters
        ----------
        prediction : Tensor
            Raw output of the network, of shape (n_samples,), (n_samples, width) or
            (n_samples, n_targets, n_outputs).
        y : Tensor of shape (n_samples,) or (n_samples, n_targets)
            Targets; class indices in classification.
        sample_weight : Tensor of shape (n_samples,) or None, default=None
            Weights of the rows.

        Returns
        -------
        Tensor of shape ()
            The weighted mean loss.

        Raises
        ------
        ValueError
            If prediction and y do not have the same number of rows or the wrong widths.
        """
        raw, targets = in_contract_shape(prediction, y)
        if self.loss is None:
            self._learn_loss(raw, targets)
        if self.loss.y_is_index and targets.is_floating_point():
            targets = _indices(targets)
        return mean_loss(self.loss, self.state, raw, targets, sample_weight)

    @staticmethod
    def probabilities(loss: Any, y: Any = None, **loss_params: Any) -> Probabilities:
        """Return the function from a classifier's raw output to class probabilities.

        Pass it to skorch as the net's ``predict_nonlinearity``.

        Parameters
        ----------
        loss : str, Loss, torch.nn loss, nn.Module, function or Criterion
            The same as in `Criterion`.  If the loss trains values of its own along with the
            network, the fitted net's ``criterion_``.
        y : array-like or None, default=None
            The same as in `Criterion`.
        **loss_params
            The same as in `Criterion`.

        Returns
        -------
        Probabilities
            A function from raw output to probabilities.

        Raises
        ------
        ValueError
            If the loss has no probabilities, or trains values that are not known here.
        """
        if isinstance(loss, StateModule):
            return Probabilities(loss.loss, loss.state.detached())
        resolved = get_loss(loss, task="classification", **_without_prefix(loss_params))
        return Probabilities(resolved, None, y)

    @staticmethod
    def predictions(loss: Any, y: Any = None, **loss_params: Any) -> Predictions:
        """Return the function from a regressor's raw output to predictions of y.

        Pass it to skorch as the net's ``predict_nonlinearity``.

        Parameters
        ----------
        loss : str, Loss, torch.nn loss, nn.Module or function
            The same as in `Criterion`.
        y : array-like or None, default=None
            The same as in `Criterion`.
        **loss_params
            The same as in `Criterion`.

        Returns
        -------
        Predictions
            A function from raw output to predictions.
        """
        return Predictions(get_loss(loss, task="regression", **_without_prefix(loss_params)), y)

    def _learn_loss(self, raw: Tensor, targets: Tensor) -> None:
        """Resolve the loss and prepare its state for targets and raw output of this kind."""
        if self._task is not None or not targets.is_floating_point():
            loss = self._suited(self._task or "classification", raw)
        else:
            try:
                loss = self._suited("regression", raw)
            except ValueError as error:
                if not is_zero_or_one(targets):
                    raise
                try:
                    loss = self._suited("classification", raw)
                except ValueError:
                    raise error from None
        self.hold(state_from(loss, self._y, raw))
        self.loss = loss

    def _suited(self, task: Task, raw: Tensor) -> Any:
        """Return the loss for a task, or raise if the network has not as many outputs."""
        loss = get_loss(self._given, task=task, **self._params)
        loss.check_params()
        if loss.task == "regression" and raw.shape[-1] != loss.n_outputs():
            raise ValueError(
                f"Loss {loss.label!r} needs {loss.n_outputs()} outputs per target; the network"
                f" gives {raw.shape[-1]}. Widen its last layer; if y are classes, set"
                " criterion__task='classification'."
            )
        return loss


def is_zero_or_one(targets: Tensor) -> bool:
    """Return whether there are no other numbers."""
    return bool(((targets == 0) | (targets == 1)).all())


def _indices(targets: Tensor) -> Tensor:
    """Return class indices that are given as floats."""
    indices = targets.long()
    if not torch.equal(indices.to(targets.dtype), targets):
        raise ValueError(
            "Criterion for classification needs class indices; y has numbers that are not whole."
            " Encode classes with LabelEncoder, or set criterion__task='regression'."
        )
    return indices


class Probabilities:
    """Raw output of a classifier to class probabilities (n_samples, n_classes)."""

    def __init__(self, loss: Any, state: State | None = None, y: Any = None) -> None:
        loss.check_params()
        if not hasattr(loss, "predict_proba"):
            raise ValueError(
                f"Loss {loss.label!r} gives a decision but no probabilities. Choose one whose row"
                " in list_losses('classification') has predict_proba, or use"
                " CalibratedClassifierCV."
            )
        self.loss, self.state, self.y = loss, state, y

    def __call__(self, raw: Tensor) -> Tensor:
        """Return probabilities for raw output of shape (n_samples,) or (n_samples, n_outputs)."""
        scores = raw.reshape(1, len(raw), 1, -1)
        state = state_from(self.loss, self.y, scores) if self.state is None else self.state
        if state.trained and self.state is None:
            raise ValueError(
                f"Loss {self.loss.label!r} trains {sorted(state.trained)} beside the network."
                " Once the net is fitted, call net.set_params("
                "predict_nonlinearity=Criterion.probabilities(net.criterion_))."
            )
        return self.loss.predict_proba(scores, state)[0, :, 0]


class Predictions:
    """Raw output of a regressor to predictions (n_samples, n_targets)."""

    def __init__(self, loss: Loss, y: Any) -> None:
        loss.check_params()
        self.loss = loss
        self.y = y

    def __call__(self, raw: Tensor) -> Tensor:
        """Return predictions for raw output of shape (n_samples, n_targets * n_outputs)."""
        shaped = raw.reshape(1, len(raw), -1, self.loss.n_outputs())
        return self.loss.predict(shaped, state_from(self.loss, self.y, shaped))[0]


def state_from(loss: Loss, y: Any, like: Tensor) -> State:
    """Return the stacked state of one model, learned from y where it is given.

    Parameters
    ----------
    loss : Loss
    y : array-like of shape (n_samples,) or (n_samples, n_targets), or None
    like : Tensor of shape (..., n_outputs)
        Raw output.

    Raises
    ------
    ValueError
        If the loss learns from y and there is none.
    """
    if y is None and loss.learns_from_y:
        raise ValueError(
            f"Loss {loss.label!r} learns from the training targets, and a plain net does"
            " not pass them to its criterion. Give them: criterion__y=y_train."
        )
    dtype = torch.long if loss.y_is_index else like.dtype
    values = torch.zeros(1, 1) if y is None else torch.as_tensor(np.asarray(y)).reshape(len(y), -1)
    values = values.to(device=like.device, dtype=dtype)
    weights = torch.ones(len(values), dtype=like.dtype, device=like.device)
    n_classes = None
    if isinstance(loss, ClassificationLoss):
        n_classes = max(loss.n_classes_of(like.shape[-1]), 1 + int(values.max()))
    return State.stack([loss.prepare(values, weights, n_classes)])


def _without_prefix(params: dict[str, Any]) -> dict[str, Any]:
    for key in params:
        if not key.startswith(LOSS_PREFIX):
            raise TypeError(
                f"Criterion has no argument {key!r}; a hyperparameter of the loss is"
                f" {LOSS_PREFIX}{key}."
            )
    return {key.removeprefix(LOSS_PREFIX): value for key, value in params.items()}
