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
    "gives a decision but no probabilities: use decision_function, CalibratedClassifierCV, or a"
    " loss whose row in list_losses('classification') has predict_proba."
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

    With `early_stopping`, the same share of every class validates.  Where a loss gives
    probabilities, a network of your own needs one output for two classes, and otherwise one per
    class.  Several members predict by the mean of their probabilities, or of their decisions where
    the loss gives no probabilities.

    %(parameters)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; for multi-label y the indices of the labels.
    class_order_ : ndarray of shape (n_classes,)
        The labels from lowest to highest, as an ordinal loss ranks them: in the order of y where
        that is an ordered categorical of pandas or pyarrow or a ``pl.Enum``, otherwise sorted.
        Columns of probabilities and decisions stay in the order of ``classes_``.
    oof_ : ndarray of shape (n_samples, n_classes), or (n_samples, n_labels)
        What the member that has held a row out says of it: probabilities, or decisions where the
        loss gives none; NaN in rows that no member has held out.  Only where members hold out
        folds: several, with early stopping, and ``validation_fraction="auto"``.
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
            or instance; or your own, called with logits (n, classes) and class indices (n,) and
            returning one loss per row.""",
            kind="str, Loss, torch.nn loss, nn.Module or function",
        ),
    )

    decision: str = parameter(
        "argmax",
        Choice("argmax", "macro_f1", "median", "mode"),
        """How `decision_function` and `predict` choose: as the loss decides, mostly for the likeliest
        class ("argmax"); for the largest p / prior^τ, with the τ that gives the rows that members
        have held out the best macro-averaged F1 score ("macro_f1"); of an ordinal loss for the
        median rank, which serves the mean absolute error of ranks ("median"); for the likeliest
        class, whatever the loss ("mode").  Probabilities stay what they are.""",
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
            Numbers, missing ones as NaN; a DataFrame may also have text, categories and dates.
            With ``module="cnn"`` images, (n_samples, n_channels,
            height, width) or (n_samples, height, width), of whole numbers or floats; with
            ``module="text"`` token ids, (n_samples, length).
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of any type; for multi-label problems a matrix of 0 and 1.
        %(sample_weight)s

        %(fitted)s
        """
        return self._train(FitData(X, y, sample_weight), go_on=self.warm_start)

    def fit_encoder(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> NeuralClassifier:
        """Learn how X is encoded, and classes and their shares; train nothing: `partial_fit` goes on from here.

        Alone, `partial_fit` learns these from the rows of its first call, and keeps them: categories
        that come later are unknown, and numbers beyond are cut off.  Give rows from everywhere, such
        as each twentieth of a file; what was learned before is forgotten.

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
            Predicts the best constant.

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
        """Train for one epoch; what is learned of X and y is that of the first call.

        Or that of `fit_encoder`: scaling, categories, classes and their shares.

        Parameters
        ----------
        %(continued_with_classes)s
        """
        data = FitData(X, y, sample_weight, named=classes)
        return self._train(data, epochs=1, go_on=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels: the sign or the argmax of the decision function.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        return self._answer("predict", X)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the scores that decide.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, (n_samples, n_classes) or \
(n_samples, n_labels) otherwise
        """
        return self._answer("decision_function", X)

    @available_if(where_loss_has("predict_proba", A_DECISION))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the class probabilities that the loss determines; absent where it determines none.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples, n_labels) with the probability of \
each label
        """
        return self._answer("predict_proba", X)

    @available_if(where_loss_has("predict_proba", A_DECISION))
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        ndarray of the shape of `predict_proba`
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy; of several labels, how many rows have all of them right.

        Parameters
        ----------
        X, y
            As in `fit`.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            What each row counts, >= 0.

        Returns
        -------
        float
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
        """Return the fitted model as a plain ``nn.Module``, from X as `predict` takes it.

        %(module)s

        Parameters
        ----------
        output : {"auto", "predict_proba", "decision_function", "predict", "raw"}, default="auto"
            What comes out, in the shape of the method of this name, columns in the order of
            ``classes_``; "predict" gives indices into ``classes_`` (labels may be strings), for
            multi-label y 0 and 1; "raw" the network's output, (n_samples, n_targets, n_outputs).
            "auto" is "predict_proba" where the loss has it, else "decision_function".
        column : bool, default=False
            Whether one number per row is a column, (n_samples, 1), as explainers such as shap's
            want it, instead of (n_samples,).

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
