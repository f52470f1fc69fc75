"""NeuralClassifier: a neural network for classification whose loss is a hyperparameter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.metaestimators import available_if

from ...parameters.declared import declare, parameter
from ...parameters.domains import Choice
from ..fit.documentation import documented
from ..fit.loss_parameter import LossParameter
from ..fit.nested import where_loss_has
from ..fit.parameters import (
    AugmentParameters,
    ClassWeightParameters,
)
from ..fit.scikit_learn import ClassifierMixin
from ..inputs.data import FitData
from ..inputs.missing import check_plain
from ..inputs.weights import checked_weights
from ..targets.fitted_module import FittedModule
from ..targets.labels import Labels
from .learner import TableLearner

A_DECISION = (
    "gives a decision but no probabilities. Use decision_function, CalibratedClassifierCV, or a"
    " loss with predict_proba in list_losses('classification')."
)


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class NeuralClassifier(
    ClassifierMixin,
    ClassWeightParameters,
    AugmentParameters,
    TableLearner,
):
    """A neural network for classification, trained on the loss of your choice.

    With `early_stopping`, the validation rows are stratified by class.  Several members predict by
    the mean of their probabilities, or of their decision functions if the loss has no
    probabilities.  If the loss has probabilities, your own network needs one output for two
    classes, and otherwise one output per class.

    %(parameters)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted; for multi-label y the indices of the labels.
    class_order_ : ndarray of shape (n_classes,)
        The labels from lowest to highest, as an ordinal loss ranks them: in the order of y if y is
        an ordered categorical of pandas or pyarrow or a ``pl.Enum``, otherwise sorted.  Columns of
        probabilities and decisions are always in the order of ``classes_``.
    oof_ : ndarray of shape (n_samples, n_classes), or (n_samples, n_labels)
        Out-of-fold predictions: for each training row, the probabilities of the member that did not
        train on it, or its decision function if the loss has no probabilities.  NaN for rows on
        which all members trained.  Only with several members, `early_stopping` and
        ``validation_fraction="auto"``.
    %(attributes_and_names)s

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> model = NeuralClassifier("huber", max_epochs=50, random_state=0).fit(X, y)
    >>> model.predict_proba(X).shape
    (178, 3)
    """

    _loss: ClassVar[LossParameter] = LossParameter("classification")

    loss: Any = field(
        default="cross_entropy",
        kw_only=False,
        metadata=declare(
            """What is minimised: a name, alias or torch class name of
            ``list_losses("classification")``; a class or instance of it; a ``torch.nn`` loss class
            or instance; or your own function or module, which is called with logits (n, classes)
            and class indices (n,) and returns one loss per row.""",
            kind="str, Loss, torch.nn loss, nn.Module or function",
        ),
    )

    decision: str = parameter(
        "argmax",
        Choice("argmax", "macro_f1", "median", "mode"),
        """How `decision_function` and `predict` choose a class.  "argmax" is the decision of the
        loss, mostly the likeliest class.  "macro_f1" takes the largest p / prior^τ, with the τ of
        the best macro-averaged F1 score on held-out rows.  "median" takes the median rank of an
        ordinal loss, for the mean absolute error of ranks.  "mode" takes the likeliest class,
        whatever the loss.  Probabilities do not change.""",
        kind='{"argmax", "macro_f1", "median", "mode"}',
        fixed=True,
    )

    @property
    def _target(self) -> Labels:
        return Labels(self.class_weight, self.decision)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NeuralClassifier:
        """Train the network.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Numbers, with NaN for missing values; a DataFrame may also have text, categories and
            dates.  With ``module="cnn"`` images of integers or floats, of shape
            (n_samples, n_channels, height, width) or (n_samples, height, width); with
            ``module="text"`` token ids of shape (n_samples, length).
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of any type; for multi-label problems a matrix of 0 and 1.
        %(sample_weight)s

        %(fitted)s
        """
        return self._train(FitData(X, y, sample_weight), go_on=self.warm_start)

    def fit_encoder(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> NeuralClassifier:
        """Learn encoding, classes and their shares for `partial_fit`, without training.

        Without this call, `partial_fit` learns them from the rows of its first call: later
        categories are then unknown, numbers outside that range are clipped, and columns that do not
        vary there are ignored.  Give rows from all parts of the data, such as every twentieth row
        of a file.  Anything learned before is discarded.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            As `fit` takes it.  A category needs five rows, as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of any type.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels; None for those of y.
        %(sample_weight)s

        Returns
        -------
        self
            The estimator itself, which predicts the best constant.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.linspace(-1, 1, 4000)[:, None]
        >>> y = X[:, 0] ** 2 > 0.3
        >>> model = NeuralClassifier(random_state=0).fit_encoder(X[::20], y[::20])
        >>> for _ in range(5):
        ...     for chunk in np.array_split(np.arange(4000), 4):
        ...         _ = model.partial_fit(X[chunk], y[chunk])
        >>> model.score(X, y) > 0.9
        True
        """
        return self._train(FitData(X, y, sample_weight, named=classes), epochs=0)

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> NeuralClassifier:
        """Train for one epoch.

        Scaling, categories, classes and their shares are those of `fit_encoder` or of the first
        call.

        Parameters
        ----------
        %(continued_with_classes)s
        """
        data = FitData(X, y, sample_weight, named=classes)
        return self._train(data, epochs=1, go_on=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict class labels: the sign or the argmax of the decision function.

        Parameters
        ----------
        %(new_X)s

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels, or 0 and 1 for multi-label y.
        """
        return self._answer("predict", X)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the scores from which `predict` chooses.

        Parameters
        ----------
        %(new_X)s

        Returns
        -------
        ndarray of shape (n_samples,), (n_samples, n_classes) or (n_samples, n_labels)
            One score per row for two classes, otherwise one per class or label.
        """
        return self._answer("decision_function", X)

    @available_if(where_loss_has("predict_proba", A_DECISION))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities, if the loss determines any.

        Otherwise there is no such method.

        Parameters
        ----------
        %(new_X)s

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Probability of each class, in the order of ``classes_``, or of each label.
        """
        return self._answer("predict_proba", X)

    @available_if(where_loss_has("predict_proba", A_DECISION))
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        %(new_X)s

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Logarithm of each probability, -inf for 0.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy; for multi-label y, the share of rows with all labels correct.

        Parameters
        ----------
        %(new_X)s
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            True labels.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows, >= 0.

        Returns
        -------
        float
            In [0, 1].
        """
        given = None if sample_weight is None else checked_weights(sample_weight, y)
        check_plain(y, "y")
        try:
            return super().score(X, y, given)  # type: ignore[misc]
        except TypeError as error:
            raise TypeError(
                f"y has labels that cannot be compared with those of training ({error}). Give labels"
                " of the same type."
            ) from error

    def to_module(self, output: str = "auto", column: bool = False) -> FittedModule:
        """Return the fitted model as a plain ``nn.Module`` that takes X as `predict` does.

        %(module)s

        Parameters
        ----------
        output : {"auto", "predict_proba", "decision_function", "predict", "raw"}, default="auto"
            What the module returns, in the shape of the method of this name, with columns in the
            order of ``classes_``.  "predict" returns indices into ``classes_``, because labels may
            be strings, or 0 and 1 for multi-label y.  "raw" returns the network's output, of shape
            (n_samples, n_targets, n_outputs).  "auto" is "predict_proba" if the loss has it, else
            "decision_function".
        column : bool, default=False
            Whether one number per row has shape (n_samples, 1), as explainers such as shap's
            expect, instead of (n_samples,).

        %(exported)s

        Examples
        --------
        >>> import torch
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = NeuralClassifier("focal", max_epochs=5, random_state=0).fit(X, y)
        >>> model.to_module()(torch.from_numpy(X)).shape
        torch.Size([150, 3])
        >>> index = model.to_module("predict")(torch.from_numpy(X))
        >>> bool((model.classes_[index] == model.predict(X)).all())
        True
        """
        return self._exported(output, self._answers, column=column)

    def __sklearn_tags__(self) -> Any:
        return self._tagged(super().__sklearn_tags__())
