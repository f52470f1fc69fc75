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
            f"None of the tasks {list(loss.names)} has a loss that gives probabilities. Choose one"
            " with predict_proba in list_losses('classification')."
        )
    return True


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class NeuralMultiTask(
    AugmentParameters,
    TargetScaleParameters,
    TableEstimator,
):
    """A neural network that learns several tasks at once, each with its own head and loss.

    All tasks share the hidden layers; each has a linear output layer of its own.  Labels may be
    missing: a row trains the tasks whose labels it has.  Your own network has to return the outputs
    of all tasks side by side, in their order.

    The mean of the tasks' losses decides when `early_stopping` stops and which epoch is kept, and
    is what ``history_`` shows.  It has equal weights, or those of a dict in `weighting`, because
    trained weights would change the loss without a better prediction.

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
        Weight of each task's loss at the end of training, with mean 1, of the first member.
    %(attributes_and_names)s

    Notes
    -----
    ``loss_`` is the JointLoss of all tasks.  ``loss_state_`` has entries such as "price.delta" for
    each task, and with ``weighting="uncertainty"`` the ``log_variance`` of the tasks.

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
            """The loss of each column of y, by its name, or by its position from 0 if y is an
            array.  It may be whatever `NeuralRegressor` or `NeuralClassifier` takes, and determines
            whether the column holds numbers or labels.  Of the names that both have,
            "squared_error", "absolute_error" and "huber" are for numbers and "cross_entropy" is for
            labels; for the others give a class or an instance, such as ``Brier()``.  A function is
            for numbers; ``get_loss(function, task="classification")`` is for labels.  Set losses
            and their parameters in ``set_params`` and grids as ``losses__price`` and
            ``losses__price__delta``.""",
            kind="dict of task to loss, or one loss for every task",
        ),
    )
    weighting: Any = parameter(
        "equal",
        None,
        """Weights of the tasks' losses in training.  "equal": all the same.  "uncertainty": each
        loss is divided by a variance that is trained with the network (Kendall 2018).  "dwa": more
        weight for tasks whose loss falls slowly (Liu 2019; with another temperature as
        ``sklloss.losses.DynamicWeightAverage(temperature=1.0)``).  "random": new random weights at
        every step (Lin 2022).  A dict: a weight >= 0 per task, 1 if left out; only ratios count.
        "uncertainty" and "dwa" need a lower bound of each loss, which densities such as
        "gaussian_nll" do not have.""",
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
            Numbers, with NaN for missing values; a DataFrame may also have text, categories and
            dates.
        y : DataFrame or array-like of shape (n_samples, n_tasks) or (n_samples,)
            One column per task, of numbers or of labels of any type.  Missing entries are NaN, None
            or pandas' NA.
        %(sample_weight)s

        %(fitted)s
        """
        return self._train(FitData(X, y, sample_weight), go_on=self.warm_start)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch; scaling, classes and shares of labels are those of the first call.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Rows, as in `fit`.
        y : DataFrame or array-like of shape (n_samples, n_tasks) or (n_samples,)
            Targets, as in `fit`; from the second call on, all labels of a task may be missing.
        classes : dict or None, default=None
            All labels that later calls may contain, by task; by default those in y of the first
            call.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights, as in `fit`.

        Returns
        -------
        self
            The estimator itself.
        """
        return self._train(FitData(X, y, sample_weight, named=classes), epochs=1, go_on=True)

    @property
    def task_weights_(self) -> dict[Any, float]:
        """Weight of each task's loss at the end of training, with mean 1."""
        weights = self.loss_state_["task_weights"].flatten().tolist()
        return dict(zip(self._learned.target.tasks, weights, strict=True))

    # ------------------------------------------------------------------ use

    def predict(self, X: Any) -> Any:
        """Predict every task: what its loss estimates, or labels.

        Parameters
        ----------
        %(new_X)s

        Returns
        -------
        DataFrame, or ndarray of shape (n_samples, n_tasks) or (n_samples,)
            Predictions, in the form of y in `fit`.  A DataFrame has the index of X, if X is a
            DataFrame.  An array with both numbers and labels has dtype object.
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
        """Return class probabilities of every task whose loss determines them.

        Parameters
        ----------
        %(new_X)s

        Returns
        -------
        dict
            One ndarray of shape (n_samples, n_classes) per task, with columns in the order of
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
        """Return the score of every task: R² for numbers, accuracy for labels.

        A task is scored on the rows that have its label.  For a search that selects by one task,
        give ``scoring=lambda model, X, y: model.task_scores(X, y)["price"]``.

        Parameters
        ----------
        %(new_X)s
        y : DataFrame or array-like of shape (n_samples, n_tasks) or (n_samples,)
            True targets, as in `fit`.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows, >= 0.

        Returns
        -------
        dict
            Scores by task, without tasks that have no labels in rows of weight > 0.
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
        """Return the mean of `task_scores` over tasks.

        Parameters
        ----------
        %(new_X)s
        y : DataFrame or array-like of shape (n_samples, n_tasks) or (n_samples,)
            True targets, as in `fit`.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows, >= 0.

        Returns
        -------
        float
            At most 1.

        Raises
        ------
        ValueError
            If all labels are missing.
        """
        found = self.task_scores(X, y, sample_weight)
        if not found:
            raise ValueError(
                "score needs labels of at least one task; all entries of y are missing. Give rows"
                " with labels."
            )
        return float(np.mean(list(found.values())))

    def to_module(self, task: Any, output: str = "auto") -> FittedModule:
        """Return the fitted model of one task as a plain ``nn.Module``.

        %(module)s

        Parameters
        ----------
        task : str or int
            The task, one of ``tasks_``.
        output : {"auto", "predict", "predict_proba", "decision_function", "raw"}, default="auto"
            What the module returns, as in `NeuralRegressor.to_module` for numbers and in
            `NeuralClassifier.to_module` for labels; "auto" is their default.

        Returns
        -------
        FittedModule
            A module that takes a dense tensor of unscaled rows, of shape (n_samples, n_features).

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
