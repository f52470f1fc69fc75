"""NeuralRegressor: a neural network for regression whose loss is a hyperparameter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ...parameters.declared import declare
from ..distributions.calibrated import calibrated
from ..distributions.of_members import distribution_of
from ..distributions.predictive import PredictiveDistribution, checked_levels, levels_of
from ..fit.documentation import documented
from ..fit.loss_parameter import LossParameter
from ..fit.nested import where_loss_has
from ..fit.parameters import (
    AugmentParameters,
    CalibrationParameters,
    TargetScaleParameters,
)
from ..fit.scikit_learn import RegressorMixin
from ..inputs.data import FitData
from ..inputs.floats import floats_of
from ..inputs.weights import checked_weights
from ..targets.fitted_module import FittedModule
from ..targets.mixture import Mixture
from ..targets.numbers import Numbers
from .learner import TableLearner

A_POINT = (
    "has no predictive distribution. Losses that have one: gaussian_nll, laplace_nll,"
    " student_t_nll, crps, cross_entropy, lognormal_nll, adaptive; for counts negative_binomial,"
    " zero_inflated_poisson, zero_inflated_negative_binomial, hurdle_poisson,"
    " hurdle_negative_binomial; and multi_quantile for quantiles alone. Or set calibrate=True, which"
    " gives every loss intervals."
)
NO_ROWS = (
    "calibrate=True corrects quantiles by held-out rows, but this fit held out none: there were"
    " fewer than 200 different rows, or the parameters rule it out. Set early_stopping=True, with"
    " n_members=8 for folds of all rows or with n_members=1 for one validation set, and call fit;"
    " or set calibrate=False."
)


def _is_calibrated(estimator: Any) -> bool:
    """Return whether quantiles are corrected: in the fit, if there was one."""
    is_fitted = hasattr(estimator, "_learned")
    return bool(estimator._learned.fixed["calibrate"] if is_fitted else estimator.calibrate)


def _gives_quantiles(estimator: Any) -> bool:
    """Return whether an estimator predicts quantiles, because of its loss or of held-out rows."""
    return _is_calibrated(estimator) or where_loss_has("predict_quantiles", A_POINT)(estimator)


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class NeuralRegressor(
    RegressorMixin,
    AugmentParameters,
    TargetScaleParameters,
    CalibrationParameters,
    TableLearner,
):
    """A neural network for regression, trained on the loss of your choice.

    %(parameters)s

    Attributes
    ----------
    oof_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Out-of-fold predictions: for each training row, the prediction of the member that did not
        train on it; NaN for rows on which all members trained.  Only with several members,
        `early_stopping` and ``validation_fraction="auto"``.
    %(attributes_and_names)s

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import GridSearchCV
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> search = GridSearchCV(
    ...     NeuralRegressor(n_members=1, max_epochs=20, random_state=0),
    ...     {"loss": ["mse", "mae", "huber"]},
    ...     scoring="neg_mean_absolute_error",
    ... )
    >>> sorted(search.fit(X, y).best_params_)
    ['loss']
    """

    _loss: ClassVar[LossParameter] = LossParameter("regression")

    loss: Any = field(
        default="squared_error",
        kw_only=False,
        metadata=declare(
            """What is minimised: a name, alias or torch class name of
            ``list_losses("regression")``; a class or instance of it; a ``torch.nn`` loss class or
            instance; or your own function or module, which is called with prediction and y of shape
            (n,) or (n, targets) and returns one loss per row.""",
            kind="str, Loss, torch.nn loss, nn.Module or function",
        ),
    )

    @property
    def _target(self) -> Numbers:
        return Numbers(self.scale_target, self.calibrate)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NeuralRegressor:
        """Train the network.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Numbers, with NaN for missing values; a DataFrame may also have text, categories and
            dates.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets, in the domain of the loss.
        %(sample_weight)s

        %(fitted)s
        """
        return self._train(FitData(X, y, sample_weight), go_on=self.warm_start)

    def fit_encoder(self, X: Any, y: Any, sample_weight: Any = None) -> NeuralRegressor:
        """Learn encoding and scale for `partial_fit`, without training.

        Without this call, `partial_fit` learns them from the rows of its first call: later
        categories are then unknown, numbers outside that range are clipped, and columns that do not
        vary there are ignored.  Give rows from all parts of the data, such as every twentieth row
        of a file.  Anything learned before is discarded.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            As `fit` takes it.  A category needs five rows, as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets, in the domain of the loss.
        %(sample_weight)s

        Returns
        -------
        self
            The estimator itself, which predicts the best constant.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.linspace(-1, 1, 4000)[:, None]
        >>> y = X[:, 0] ** 2
        >>> model = NeuralRegressor(random_state=0).fit_encoder(X[::20], y[::20])
        >>> for _ in range(5):
        ...     for chunk in np.array_split(np.arange(4000), 4):
        ...         _ = model.partial_fit(X[chunk], y[chunk])
        >>> model.score(X, y) > 0.9
        True
        """
        return self._train(FitData(X, y, sample_weight), epochs=0)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> NeuralRegressor:
        """Train for one epoch; scaling and bins are those of `fit_encoder` or of the first call.

        Parameters
        ----------
        %(continued)s
        """
        return self._train(FitData(X, y, sample_weight), epochs=1, go_on=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict what the loss estimates, such as the mean, the median or a quantile.

        Parameters
        ----------
        %(new_X)s

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            In units of y, float64.
        """
        return self._answer("predict", X)

    @available_if(_gives_quantiles)
    def predict_quantiles(self, X: Any, quantiles: Any = (0.1, 0.5, 0.9)) -> np.ndarray:
        """Predict quantiles of y.

        This method exists if the loss has a predictive distribution or quantiles, and for every
        loss with ``calibrate=True``.  With several members, the quantiles are those of the mean of
        their distributions; for ``multi_quantile``, the members' quantiles are averaged.

        Parameters
        ----------
        %(new_X)s
        quantiles : array-like of shape (n_quantiles,), default=(0.1, 0.5, 0.9)
            Levels in (0, 1); for ``multi_quantile`` between its lowest and its highest level.

        Returns
        -------
        ndarray of shape (n_samples, n_quantiles) or (n_samples, n_targets, n_quantiles)
            In units of y, float64.

        Raises
        ------
        ValueError
            If a level is outside those of the loss, or there are too few held-out rows to calibrate
            it.
        """
        levels = checked_levels(quantiles)
        return self.predict_distribution(X).ppf(levels)

    @available_if(_gives_quantiles)
    def predict_interval(self, X: Any, coverage: float = 0.8) -> np.ndarray:
        """Predict the central interval that contains y with a given probability.

        This method exists if `predict_quantiles` does, and ``calibrate=True`` corrects it likewise.

        Parameters
        ----------
        %(new_X)s
        coverage : float, default=0.8
            The probability, in (0, 1): the interval lies between the quantiles
            (1 - coverage) / 2 and (1 + coverage) / 2.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_targets, 2)
            Lower and upper end, in units of y.

        Raises
        ------
        ValueError
            If coverage is not in (0, 1), or the quantiles are outside those of the loss.
        """
        return self.predict_quantiles(X, levels_of(coverage))

    @available_if(where_loss_has("predict_std", A_POINT))
    def predict_std(self, X: Any) -> np.ndarray:
        """Predict the standard deviation of y given X.

        This method exists if the loss has a predictive distribution.  With several members, it is
        the standard deviation of the mean of their distributions.

        Parameters
        ----------
        %(new_X)s

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            In units of y, float64.
        """
        mixture, is_column = self._mixture(X), self._learned.target.is_column
        return distribution_of(mixture, is_column).std()

    @available_if(_gives_quantiles)
    def predict_distribution(self, X: Any) -> PredictiveDistribution:
        """Predict the distribution of y given X.

        This method exists if `predict_quantiles` does.

        Parameters
        ----------
        %(new_X)s

        Returns
        -------
        PredictiveDistribution
            With the methods ``cdf``, ``ppf``, ``pdf`` (``pmf`` for counts), ``mean``, ``std``,
            ``interval`` and ``sample``, in units of y.  With several members, it is the mean of
            their distributions.  For ``multi_quantile`` it is known between the lowest and the
            highest level.  With ``calibrate=True`` it has no density, and for a loss that predicts
            a point it is the distribution of the held-out residuals around that point.

        See Also
        --------
        sklloss.predict_distribution : The same for Pipelines, searches and transformed targets.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = NeuralRegressor("crps", n_members=1, max_epochs=9, random_state=0).fit(X, y)
        >>> predicted = model.predict_distribution(X)
        >>> above_200 = 1 - predicted.cdf(200)
        >>> above_200.shape, predicted.interval(0.8).shape
        ((442,), (442, 2))
        """
        mixture, learned = self._mixture(X), self._learned
        if not _is_calibrated(self):
            return distribution_of(mixture, learned.target.is_column)
        if learned.target.calibration is None:
            raise ValueError(NO_ROWS)
        return calibrated(mixture, learned.target.calibration, learned.target.is_column)

    def _mixture(self, X: Any) -> Mixture:
        """Return what the members predict together."""
        check_is_fitted(self, "net_")
        rows = self._prediction_rows(X)
        return Mixture.of(self.loss_, self.members_, rows, self._learned.target_scaler)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R², averaged over targets.

        Parameters
        ----------
        %(new_X)s
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            True targets.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows, >= 0.

        Returns
        -------
        float
            At most 1.
        """
        given = None if sample_weight is None else checked_weights(sample_weight, y)
        return super().score(X, floats_of(y, "y"), given)  # type: ignore[misc]

    def to_module(self, output: str = "predict", column: bool = False) -> FittedModule:
        """Return the fitted model as a plain ``nn.Module`` that takes X as `predict` does.

        The module is an independent copy in evaluation mode.  It needs no estimator and can be
        exported with ``torch.export``.

        Parameters
        ----------
        output : {"predict", "raw"}, default="predict"
            What the module returns: the prediction on the scale of y in float64, of shape
            (n_samples,) or (n_samples, n_targets), or the network's raw output, of shape
            (n_samples, n_targets, n_outputs).
        column : bool, default=False
            Whether one number per row has shape (n_samples, 1), as explainers such as shap's
            expect, instead of (n_samples,).

        %(exported)s

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = NeuralRegressor("huber", max_epochs=5, random_state=0).fit(X, y)
        >>> import torch
        >>> module, rows = model.to_module(), torch.from_numpy(X)
        >>> np.allclose(module(rows), model.predict(X))
        True
        >>> dynamic = ({0: torch.export.Dim("rows")},)
        >>> exported = torch.export.export(module, (rows[:2],), dynamic_shapes=dynamic).module()
        >>> np.allclose(exported(rows), model.predict(X))
        True
        """
        return self._exported(output, self._answers, column=column)
