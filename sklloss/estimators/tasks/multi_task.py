"""NeuralMultiTask: one network that learns several tasks, each on the loss of your choice."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import torch
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
)
from torch import Tensor

from ...losses.base import State
from ...losses.tasks.joint import naming_task
from ...training import TargetScaler
from ..inputs.weights import checked_weights
from ..targets.answers import FittedModule, chosen_reading
from .heads import HeadOf, LabelHead
from .target_table import TargetTable
from .tasked import TaskedEstimator


def _some_task_has_probabilities(estimator: NeuralMultiTask) -> bool:
    loss = getattr(estimator, "loss_", None) or estimator._resolved_loss()
    if not any(hasattr(of_task, "predict_proba") for _, of_task in loss.losses):
        raise AttributeError(
            f"No task of {list(loss.names)} has a loss that gives probabilities. Those that do have predict_proba in"
            " list_losses('classification')."
        )
    return True


class NeuralMultiTask(TaskedEstimator):
    """A neural network that learns several tasks at once: one trunk, one head per task, and a loss for each.

    The heads are the last layer: linear in what the trunk puts out, which all tasks share.  A row may have the labels of some tasks
    only; it then teaches these.

    Parameters
    ----------
    losses : dict of task to loss, or one loss for every task, default="squared_error"
        The loss of each column of y, by the column's name; by its position, from 0, where y is an array.  A loss is what
        `NeuralRegressor` or `NeuralClassifier` takes, and says whether the column holds numbers or labels.  Of the names that both
        have, "squared_error", "absolute_error" and "huber" are for numbers and "cross_entropy" is for labels; classes and instances,
        as ``Brier()``, mean themselves.  A function is for numbers; ``get_loss(function, task="classification")`` is for labels.
        ``losses__price`` and ``losses__price__delta`` name them in ``set_params`` and grids.
    weighting : {"equal", "uncertainty", "dwa", "random"}, dict or Weighting, default="equal"
        What the tasks count in training: equally; by a dict of task to weight >= 0 (1 for tasks left out, only ratios count); divided
        by a variance that trains beside the network (Kendall 2018); most where the loss falls least (Liu 2019, also as
        ``sklloss.losses.DynamicWeightAverage(temperature=1.0)``); at random, anew at every step (Lin 2022).  "uncertainty" and "dwa" compare the
        sizes of losses, each measured from its least value, and so take no densities, such as "gaussian_nll".
    module : str, nn.Module class, instance or factory, default="mlp"
        The network, as in `NeuralRegressor`; one of your own puts out the numbers of all tasks side by side, in their order.
    module_params, hidden_layer_sizes, activation, dropout
        As in `NeuralRegressor`.
    optimizer, optimizer_params, lr, batch_size, max_epochs, weight_decay, l1
        As in `NeuralRegressor`.
    early_stopping, validation_fraction, n_iter_no_change, tol
        As in `NeuralRegressor`.  When to stop, and which epoch is kept, is decided by the mean over tasks of their losses: with equal
        weights whatever `weighting` does in training, for trained weights change a loss without any better prediction; with those of
        a dict where there is one.  So are the losses in ``history_``.
    scale_inputs, augment, dtype, callbacks, device, warm_start, random_state, verbose
        As in `NeuralRegressor`.
    scale_target : bool, default=True
        Whether columns of numbers are scaled inside as their losses allow.
    n_members : int, default=1
        Networks that are trained, with the seeds random_state, random_state + 1 ..., as one program; predictions and probabilities
        are means over them.

    Attributes
    ----------
    tasks_ : list
        The names of the tasks, in the order of the columns of y.
    losses_ : dict
        The resolved loss of each task.
    classes_ : dict
        The sorted labels of each task that has labels.
    task_weights_ : dict
        What each task's loss counted at the end of training, divided by their mean; of the first member.
    loss_ : JointLoss
        The loss of all tasks.
    loss_state_ : State
        What it learnt: the tasks' own entries as "price.delta", with "uncertainty" the ``log_variance`` of the tasks; tensors.
    net_, members_, history_, n_iter_, n_features_in_, feature_names_in_
        As in `NeuralRegressor`.

    References
    ----------
    Caruana, R., Multitask Learning, 1997, Machine Learning 28.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> targets = X[["bp"]].assign(progression=y, high=np.where(y > 200, "yes", "no"))
    >>> targets.loc[:100, "bp"] = np.nan
    >>> model = NeuralMultiTask(
    ...     {"bp": "huber", "progression": "mae", "high": "cross_entropy"},
    ...     weighting="uncertainty",
    ...     max_epochs=20,
    ...     random_state=0,
    ... ).fit(X.drop(columns="bp"), targets)
    >>> model.predict(X.drop(columns="bp")).columns.tolist()
    ['bp', 'progression', 'high']
    >>> model.predict_proba(X.drop(columns="bp"))["high"].shape
    (442, 2)
    """

    def __init__(
        self,
        losses: Any = "squared_error",
        *,
        weighting: Any = "equal",
        module: Any = "mlp",
        module_params: dict[str, Any] | None = None,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        dropout: float = 0.0,
        optimizer: Any = "adam",
        optimizer_params: dict[str, Any] | None = None,
        lr: float | str = "auto",
        batch_size: int | str = "auto",
        max_epochs: int = 200,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: Any = 0.1,
        n_iter_no_change: float = 10,
        tol: float = 1e-4,
        scale_inputs: bool = True,
        augment: Any = None,
        scale_target: bool = True,
        dtype: str = "auto",
        callbacks: Any = None,
        device: str = "cpu",
        warm_start: bool = False,
        random_state: Any = None,
        n_members: int = 1,
        verbose: int = 0,
    ) -> None:
        self.losses = losses
        self.weighting = weighting
        self.module = module
        self.module_params = module_params
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.optimizer = optimizer
        self.optimizer_params = optimizer_params
        self.lr = lr
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.weight_decay = weight_decay
        self.l1 = l1
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.scale_inputs = scale_inputs
        self.augment = augment
        self.scale_target = scale_target
        self.dtype = dtype
        self.callbacks = callbacks
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_members = n_members
        self.verbose = verbose

    # ------------------------------------------------------------------ fit

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NeuralMultiTask:
        """Train the network.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Features: numbers, none missing.
        y : DataFrame or array-like of shape (n_samples, n_tasks) or (n_samples,)
            A column per task, of numbers or of labels of any type.  Entries may be missing: NaN, None or pandas' NA.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights >= 0; weight 2 is a row repeated, weight 0 a row removed.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If data or parameters are outside what is allowed; the message names the task.
        FloatingPointError
            If training turns NaN or infinite.
        """
        with self._unchanged_by_failure():
            self._classes_told = {}
            return self._fit(X, y, sample_weight)

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> NeuralMultiTask:
        """Train for one epoch on these rows; scaling, classes and shares of labels are those of the first call.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`; from the second call on a task may lack all labels.
        classes : dict or None, default=None
            All labels that later calls may bring, by task; by default those of the first call's y.

        Returns
        -------
        self
        """
        with self._unchanged_by_failure():
            self._classes_told = self._checked_classes(classes)
            return self._fit_one_epoch(X, y, sample_weight)

    @property
    def task_weights_(self) -> dict[Any, float]:
        """What each task's loss counted at the end of training, divided by their mean."""
        weights = self.loss_state_["task_weights"].flatten().tolist()
        return dict(zip(self.tasks_, weights, strict=True))

    # ------------------------------------------------------------------ use

    def predict(self, X: Any) -> Any:
        """Predict every task: what its loss elicits, or labels.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        DataFrame, or ndarray of shape (n_samples, n_tasks) or (n_samples,)
            What y was in training; a DataFrame has the index of X, where X is one (as after steps with
            ``set_output(transform="pandas")``).  An array that has numbers and labels that are none is of objects.
        """
        columns = self._predicted(X)
        if self._frame is not None:
            index = X.index if hasattr(X, "iloc") else None
            return self._frame(dict(zip(self.tasks_, columns, strict=True)), index=index)
        if self._y_is_column:
            return columns[0]
        is_mixed = len({column.dtype.kind in "fiub" for column in columns}) > 1
        return np.column_stack([c.astype(object) for c in columns] if is_mixed else columns)

    @available_if(_some_task_has_probabilities)
    def predict_proba(self, X: Any) -> dict[Any, np.ndarray]:
        """Return the class probabilities of every task whose loss determines them.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        dict
            By task, ndarray of shape (n_samples, n_classes), columns in the order of ``classes_[task]``.
        """
        check_is_fitted(self, "net_")
        of_tasks: dict[int, Callable[[Tensor, State], Tensor]] = {
            t: head.probabilities
            for t, head in enumerate(self._heads)
            if isinstance(head, LabelHead) and hasattr(head.loss, "predict_proba")
        }
        means = self._means(X, of_tasks)
        return {self.tasks_[t]: mean.numpy() for t, mean in means.items()}

    def task_scores(self, X: Any, y: Any, sample_weight: Any = None) -> dict[Any, float]:
        """Score every task over the rows that have its label: R² of numbers, accuracy of labels.

        A search chooses by one of them with ``scoring=lambda model, X, y: model.task_scores(X, y)["price"]``.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        dict
            By task; without those of which no row with weight has a label.
        """
        predicted = self._predicted(X)
        targets = TargetTable.of(y).aligned(self.tasks_)
        check_consistent_length(predicted[0], targets)
        weights = checked_weights(sample_weight, predicted[0])
        found = {}
        for name, head, column, said in zip(
            self.tasks_, self._heads, targets.columns, predicted, strict=True
        ):
            known = column.known & (weights > 0)
            if known.any():
                with naming_task(name):
                    found[name] = head.score(column[known].labels, said[known], weights[known])
        return found

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean over tasks of `task_scores`.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If all labels are missing.
        """
        found = self.task_scores(X, y, sample_weight)
        if not found:
            raise ValueError(
                "score needs labels of some task; all of y are missing. Give rows that have some."
            )
        return float(np.mean(list(found.values())))

    def to_module(self, task: Any, output: str = "auto") -> FittedModule:
        """Return what the fitted model says of one task as a plain ``nn.Module``, from X as `predict` takes it.

        It is a copy of its own, in evaluation mode, runs without the estimator and exports with ``torch.export``, as shown in
        `NeuralRegressor.to_module`.

        Parameters
        ----------
        task : str or int
            One of ``tasks_``.
        output : {"auto", "predict", "predict_proba", "decision_function", "raw"}, default="auto"
            What comes out, as in `NeuralRegressor.to_module` for numbers, as in `NeuralClassifier.to_module` for labels; "auto" is the
            prediction of numbers, and of labels what the classifier's is.

        Returns
        -------
        FittedModule
            From a dense tensor of shape (n_samples, n_features), not scaled.

        Raises
        ------
        ValueError
            If there is no such task, or its loss has no such output.
        NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self, "net_")
        if not isinstance(task, Hashable) or task not in set(self.tasks_):
            raise ValueError(f"to_module needs task to be one of {self.tasks_}; got {task!r}.")
        t = self.tasks_.index(task)
        scaler = self._target_scaler
        own = TargetScaler(scaler.centre[[t]], scaler.scale[[t]])
        readings = self._heads[t].readings(own)
        reading = chosen_reading(readings, output, self.losses_[task].label)
        of_task = reading._replace(of_member=HeadOf(self.loss_, t, reading.of_member))
        return FittedModule.of_nets(self.members_, self._input_scaler, self._input_shape, of_task)

    def _predicted(self, X: Any) -> list[np.ndarray]:
        """Return the prediction of each task, (n_samples,), on the scale of y."""
        check_is_fitted(self, "net_")
        means = self._means(X, {t: head.said for t, head in enumerate(self._heads)})
        found = [head.decoded(means[t]) for t, head in enumerate(self._heads)]
        centre, scale = self._target_scaler.centre, self._target_scaler.scale
        return [
            column if isinstance(head, LabelHead) else column * scale[t] + centre[t]
            for t, (head, column) in enumerate(zip(self._heads, found, strict=True))
        ]

    def _means(
        self, X: Any, said: dict[int, Callable[[Tensor, State], Tensor]]
    ) -> dict[int, Tensor]:
        """Return the means over members of what functions make of the tasks' raw output, (n_samples, any), by position."""
        widths: list[int] = []

        def side_by_side(raw: Tensor, state: State) -> Tensor:
            found = [HeadOf(self.loss_, t, of_task)(raw, state) for t, of_task in said.items()]
            widths[:] = [each.shape[-1] for each in found]
            return torch.cat([each.double() for each in found], -1)

        parts = self._averaged(X, side_by_side).split(widths, -1)
        return dict(zip(said, parts, strict=True))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
