"""NeuralMultiTask: one network that learns several tasks, each on the loss of your choice."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ...losses.tasks.joint import naming_task
from ...parameters.declared import declare, parameter
from ..fit.documentation import documented
from ..fit.parameters import (
    AugmentParameters,
    TargetScaleParameters,
)
from ..fit.table_estimator import TableEstimator
from ..inputs.data import FitData
from ..inputs.weights import checked_weights
from ..targets.fitted_module import FittedModule
from .target_table import TargetTable
from .task_losses import LossPerTask
from .tasks import Tasks


def _some_task_has_probabilities(estimator: NeuralMultiTask) -> bool:
    loss = getattr(estimator, "loss_", None) or estimator._loss.resolved(estimator)
    if not any(hasattr(of_task, "predict_proba") for _, of_task in loss.losses):
        raise AttributeError(
            f"No task of {list(loss.names)} has a loss that gives probabilities. Those that do have"
            " predict_proba in list_losses('classification')."
        )
    return True


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class NeuralMultiTask(
    AugmentParameters,
    TargetScaleParameters,
    TableEstimator,
):
    """A neural network that learns several tasks at once: one trunk, one head and loss per task.

    The heads are the last layer: linear in what the trunk puts out, which all tasks share.  A row
    may have the labels of some tasks only; it then teaches these.  A network of your own puts out
    the numbers of all tasks side by side, in their order.

    When to stop with `early_stopping`, and which epoch is kept, is decided by the mean over tasks
    of their losses: with equal weights whatever `weighting` does in training, for trained weights
    change a loss without any better prediction; with those of a dict where there is one.  So are
    the losses in ``history_``.

    %(parameters)s

    Attributes
    ----------
    tasks_ : list
        The names of the tasks, in the order of the columns of y.
    losses_ : dict
        The resolved loss of each task.
    classes_ : dict
        The sorted labels of each task that has labels.
    task_weights_ : dict
        What each task's loss counted at the end of training, divided by their mean; of the first
        member.
    %(attributes_and_names)s

    Notes
    -----
    ``loss_`` is a JointLoss of all tasks.  ``loss_state_`` has the tasks' own entries as
    "price.delta", and with "uncertainty" the ``log_variance`` of the tasks.

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

    _loss: ClassVar[LossPerTask] = LossPerTask()

    losses: Any = field(
        default="squared_error",
        kw_only=False,
        metadata=declare(
            """The loss of each column of y, by the column's name; by its position, from 0, where y
            is an array.  A loss is what `NeuralRegressor` or `NeuralClassifier` takes, and says
            whether the column holds numbers or labels.  Of the names that both have,
            "squared_error", "absolute_error" and "huber" are for numbers and "cross_entropy" is
            for labels; classes and instances, as ``Brier()``, mean themselves.  A function is for
            numbers; ``get_loss(function, task="classification")`` is for labels.
            ``losses__price`` and ``losses__price__delta`` name them in ``set_params`` and
            grids.""",
            kind="dict of task to loss, or one loss for every task",
        ),
    )
    weighting: Any = parameter(
        "equal",
        None,
        """What the tasks count in training: equally; by a dict of task to weight >= 0 (1 for tasks
        left out, only ratios count); divided by a variance that trains beside the network (Kendall
        2018); most where the loss falls least (Liu 2019, also as
        ``sklloss.losses.DynamicWeightAverage(temperature=1.0)``); at random, anew at every step
        (Lin 2022).  "uncertainty" and "dwa" compare the sizes of losses, each measured from its
        least value, and so take no densities, such as "gaussian_nll".""",
        kind='{"equal", "uncertainty", "dwa", "random"}, dict or Weighting',
    )

    @property
    def _target(self) -> Tasks:
        return Tasks(self.scale_target)

    # ------------------------------------------------------------------ fit

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        %(X)s
            Numbers, missing ones as NaN; a DataFrame may also have text, categories and dates.
        y : DataFrame or array-like of shape (n_samples, n_tasks) or (n_samples,)
            A column per task, of numbers or of labels of any type.  Entries may be missing: NaN,
            None or pandas' NA.
        %(sample_weight)s

        %(fitted)s
        """
        return self._train(FitData(X, y, sample_weight), go_on=self.warm_start)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch; scaling, classes and shares of labels are those of the first call.

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
        return self._train(FitData(X, y, sample_weight, named=classes), epochs=1, go_on=True)

    @property
    def task_weights_(self) -> dict[Any, float]:
        """What each task's loss counted at the end of training, divided by their mean."""
        weights = self.loss_state_["task_weights"].flatten().tolist()
        return dict(zip(self._learned.target.tasks, weights, strict=True))

    # ------------------------------------------------------------------ use

    def predict(self, X: Any) -> Any:
        """Predict every task: what its loss elicits, or labels.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        DataFrame, or ndarray of shape (n_samples, n_tasks) or (n_samples,)
            What y was in training; a DataFrame has the index of X, where X is one (as after steps
            with ``set_output(transform="pandas")``).  An array that has numbers and labels that
            are none is of objects.
        """
        by_task = self._of_tasks("predict", X)
        learned = self._learned.target
        if learned.frame is not None:
            return learned.frame(by_task, index=X.index if hasattr(X, "iloc") else None)
        columns = list(by_task.values())
        if learned.is_column:
            return columns[0]
        is_mixed = len({column.dtype.kind in "fiub" for column in columns}) > 1
        return np.column_stack([c.astype(object) for c in columns] if is_mixed else columns)

    @available_if(_some_task_has_probabilities)
    def predict_proba(self, X: Any) -> dict[Any, np.ndarray]:
        """Return the class probabilities of every task whose loss determines them.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        dict
            By task, ndarray of shape (n_samples, n_classes), columns in the order of
            ``classes_[task]``.
        """
        return self._of_tasks("predict_proba", X)

    def _of_tasks(self, output: str, X: Any) -> dict[Any, Any]:
        """Return an output of all tasks that have it, by task; each net is run once."""
        answers = self._answers.items()
        found = {
            task: answer._replace(wide=True) for (task, name), answer in answers if name == output
        }
        return self._said(found, X)

    def task_scores(self, X: Any, y: Any, sample_weight: Any = None) -> dict[Any, float]:
        """Score every task over the rows that have its label: R² of numbers, accuracy of labels.

        A search chooses by one of them with
        ``scoring=lambda model, X, y: model.task_scores(X, y)["price"]``.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        dict
            By task; without those of which no row with weight has a label.
        """
        predicted, learned = self._of_tasks("predict", X), self._learned.target
        targets = TargetTable.of(y).aligned(learned.tasks)
        some = next(iter(predicted.values()))
        check_consistent_length(some, targets)
        weights = checked_weights(sample_weight, some)
        found = {}
        for name, column in targets.columns.items():
            rows = column.known & (weights > 0)
            if rows.any():
                of_rows = column.values[rows], predicted[name][rows], weights[rows]
                with naming_task(name):
                    found[name] = learned.tasks[name].score(*of_rows)
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
        """Return what the fitted model says of one task as a plain ``nn.Module``, from X.

        %(module)s

        Parameters
        ----------
        task : str or int
            One of ``tasks_``.
        output : {"auto", "predict", "predict_proba", "decision_function", "raw"}, default="auto"
            What comes out, as in `NeuralRegressor.to_module` for numbers, as in
            `NeuralClassifier.to_module` for labels; "auto" is the prediction of numbers, and of
            labels what the classifier's is.

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
        losses = self._learned.target.losses
        if not isinstance(task, Hashable) or task not in losses:
            raise ValueError(f"to_module needs task to be one of {list(losses)}; got {task!r}.")
        answers = self._answers.items()
        of_task = {name: answer for (of, name), answer in answers if of == task}
        return self._exported(output, of_task, label=losses[task].label)
