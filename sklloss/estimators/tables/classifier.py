"""NeuralClassifier: a neural network for classification whose loss is a hyperparameter."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ...losses.base import ClassificationLoss, Task
from ...losses.resolve import get_loss
from ..fit.parameters import where_loss_has
from ..fit.sample import Sample
from ..inputs.weights import class_weights
from ..targets.answers import FittedModule, chosen_reading, classification_readings
from ..targets.labels import LabelledEstimator

A_DECISION = (
    "gives a decision but no probabilities: use decision_function, CalibratedClassifierCV, or a loss whose row in"
    " list_losses('classification') has predict_proba."
)


class NeuralClassifier(ClassifierMixin, LabelledEstimator):
    """A neural network for classification, trained on the loss of your choice.

    Parameters
    ----------
    loss : str, Loss, torch.nn loss, nn.Module or function, default="cross_entropy"
        What is minimised: a name, alias or torch class name of ``list_losses("classification")``; a class or instance of it; a
        ``torch.nn`` loss class or instance; or your own, called with logits (n, classes) and class indices (n,) and returning
        one loss per row.
    module : str, nn.Module class, instance or factory, default="mlp"
        The network: "mlp" for tables, "cnn" for images, "text" for token ids, or your own, as in `NeuralRegressor`.  Losses of
        probabilities need one output for two classes, else one per class.
    module_params, hidden_layer_sizes, activation, dropout
        As in `NeuralRegressor`.
    optimizer, optimizer_params, lr, batch_size, max_epochs, weight_decay, l1
        As in `NeuralRegressor`.
    early_stopping, validation_fraction, n_iter_no_change, tol
        As in `NeuralRegressor`; a share of rows is taken from every class alike.
    class_weight : dict, "balanced" or None, default=None
        Weights of classes, as in scikit-learn: they change the law that is learnt, and ``predict_proba`` is of that law.
    scale_inputs, augment, dtype, callbacks, device, warm_start, random_state, verbose
        As in `NeuralRegressor`.
    n_members : int, default=1
        Networks that are trained, with the seeds random_state, random_state + 1 ..., as one program; probabilities are means
        over them, and so are decisions where the loss has none.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; for multi-label y the indices of the labels.
    class_order_ : ndarray of shape (n_classes,)
        The labels from lowest to highest, as an ordinal loss ranks them: in the order of a pandas ordered categorical y,
        otherwise sorted.  Columns of probabilities and decisions stay in the order of ``classes_``.
    loss_, loss_state_, net_, members_, history_, n_iter_, n_features_in_, feature_names_in_
        As in `NeuralRegressor`.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> model = NeuralClassifier("huber", max_epochs=50, random_state=0).fit(X, y)
    >>> model.predict_proba(X).shape
    (178, 3)
    """

    _task: Task = "classification"

    def __init__(
        self,
        loss: Any = "cross_entropy",
        *,
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
        class_weight: Any = None,
        dtype: str = "auto",
        callbacks: Any = None,
        device: str = "cpu",
        warm_start: bool = False,
        random_state: Any = None,
        n_members: int = 1,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
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
        self.class_weight = class_weight
        self.dtype = dtype
        self.callbacks = callbacks
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_members = n_members
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NeuralClassifier:
        """Train the network.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Features: numbers, none missing.  With ``module="cnn"`` images, (n_samples, n_channels, height, width) or
            (n_samples, height, width), of whole numbers or floats; with ``module="text"`` token ids, (n_samples, length).
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of any type; for multi-label problems a matrix of 0 and 1.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights >= 0; weight 2 is a row repeated, weight 0 a row removed.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If data or parameters are outside what is allowed; the message names which.
        FloatingPointError
            If training turns NaN or infinite.
        """
        with self._unchanged_by_failure():
            self._classes_given, self._order_of_classes = False, None
            return self._fit(X, y, sample_weight)

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> NeuralClassifier:
        """Train for one epoch on these rows; scaling, classes and their shares are those of the first call.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels that later calls may bring; by default those of the first call's y.

        Returns
        -------
        self
        """
        with self._unchanged_by_failure():
            self._take_classes(classes)
            return self._fit_one_epoch(X, y, sample_weight)

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels: the sign or the argmax of the decision function.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        index = self._decided(X).numpy()
        return index if self._multi_label else self.class_order_[index[:, 0]]

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the scores that decide.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, (n_samples, n_classes) or (n_samples, n_labels) otherwise
        """
        scores = self._scores(X).numpy()
        if self._multi_label:
            return scores[..., 0]
        if scores.shape[-1] == 1:
            return scores[:, 0, 0] if self._rank[0] == 0 else -scores[:, 0, 0]
        return scores[:, 0, self._rank]

    @available_if(where_loss_has("predict_proba", A_DECISION))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the class probabilities that the loss determines; absent where it determines none.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples, n_labels) with the probability of each label
        """
        check_is_fitted(self, "net_")
        probabilities = self._averaged(X, self.loss_.predict_proba).numpy()
        return probabilities[..., 1] if self._multi_label else probabilities[:, 0, self._rank]

    @available_if(where_loss_has("predict_proba", A_DECISION))
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of the shape of `predict_proba`
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def to_module(self, output: str = "auto") -> FittedModule:
        """Return the fitted model as a plain ``nn.Module``, from X as `predict` takes it to probabilities or a decision.

        It is a copy of its own, in evaluation mode, runs without the estimator and exports with ``torch.export``, as shown in
        `NeuralRegressor.to_module`.

        Parameters
        ----------
        output : {"auto", "predict_proba", "decision_function", "predict", "raw"}, default="auto"
            What comes out, in the shape of the method of this name, columns in the order of ``classes_``; "predict" gives indices into
            ``classes_`` (labels may be strings), for multi-label y 0 and 1; "raw" the network's output, (n_samples, n_targets,
            n_outputs).  "auto" is "predict_proba" where the loss has it, else "decision_function".

        Returns
        -------
        FittedModule
            From a dense tensor of shape (n_samples, n_features), not scaled.

        Raises
        ------
        ValueError
            If `output` is none of these, or probabilities are asked of a loss that has none.
        NotFittedError
            If the estimator is not fitted.

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
        check_is_fitted(self, "net_")
        rank = np.arange(len(self.classes_)) if self._multi_label else self._rank
        by_mean = self._decides_by_mean_posterior
        readings = classification_readings(self.loss_, rank, self._multi_label, by_mean)
        reading = chosen_reading(readings, output, self.loss_.label)
        return FittedModule.of_nets(self.members_, self._input_scaler, self._input_shape, reading)

    def _reweighted(self, y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
        if self.class_weight is None:
            return sample_weight
        if self._multi_label:
            raise ValueError(
                f"class_weight={self.class_weight!r} needs one class per row; y is multi-label. Use sample_weight."
            )
        return sample_weight * class_weights(
            self.class_weight, y[:, 0], sample_weight, self.class_order_
        )

    def _check_suits(self, loss: ClassificationLoss, sample: Sample) -> None:
        n_classes, other = len(self.classes_), "Choose another of list_losses('classification')"
        if self._multi_label and not loss.multi_label:
            raise ValueError(f"Loss {loss.label!r} does not take multi-label y. {other}.")
        if not self._multi_label and n_classes > 2 and not loss.multi_class:
            raise ValueError(
                f"Only binary classification is supported by loss {loss.label!r}; y has {n_classes} classes. {other}, or wrap the"
                " classifier in OneVsRestClassifier."
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        try:
            loss = get_loss(self.loss, task="classification")
        except (TypeError, ValueError):
            return tags
        tags.classifier_tags.multi_class = loss.multi_class
        tags.classifier_tags.multi_label = loss.multi_label
        # scikit-learn's check of several columns wants predict and predict_proba to agree
        tags.target_tags.multi_output = loss.multi_label and loss.decides_by_posterior
        return tags
