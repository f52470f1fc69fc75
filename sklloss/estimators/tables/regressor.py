"""NeuralRegressor: a neural network for regression whose loss is a hyperparameter."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ...losses.base import Task
from ...losses.resolve import get_loss
from ...parameters.domains import Interval, check_in_domain
from ..fit.parameters import where_loss_has
from ..targets.answers import FittedModule, chosen_reading, regression_readings
from ..targets.scaled_targets import ScaledTargets

OPEN_UNIT = Interval(0, 1, closed="neither")
A_POINT = (
    "does not tell a law of y. Losses that do: gaussian_nll, laplace_nll, student_t_nll, crps, cross_entropy, lognormal_nll,"
    " negative_binomial, adaptive; and multi_quantile for quantiles alone."
)


def _checked_levels(quantiles: Any) -> np.ndarray:
    levels = np.atleast_1d(np.asarray(quantiles))
    if (
        levels.dtype.kind not in "fiu"
        or levels.ndim != 1
        or not len(levels)
        or not OPEN_UNIT.inside(levels).all()
    ):
        raise ValueError(
            f"predict_quantiles needs levels with 0 < quantile < 1; got {quantiles!r}. Give a list such as [0.1, 0.5, 0.9]."
        )
    return levels.astype(np.float64)


class NeuralRegressor(RegressorMixin, ScaledTargets):
    """A neural network for regression, trained on the loss of your choice.

    Parameters
    ----------
    loss : str, Loss, torch.nn loss, nn.Module or function, default="squared_error"
        What is minimised: a name, alias or torch class name of ``list_losses("regression")``; a class or instance of it; a
        ``torch.nn`` loss class or instance; or your own, called with prediction and y of shape (n,) or (n, targets) and
        returning one loss per row.
    module : str, nn.Module class, instance or factory, default="mlp"
        The network: "mlp" for tables, "cnn" for images, "text" for token ids, or your own.  A class or factory receives the widths
        of input and output under the usual names (``n_features``, ``in_channels``, ``n_outputs``, ``num_classes`` ...), the shape
        of a row as ``input_shape``; one that takes any keywords, as torchvision's do, receives ``num_classes``.  An instance is
        copied at every fit.  Your own may take X of any number of axes.
    module_params : dict or None, default=None
        Further arguments of the class or factory; also as ``module__x`` of ``set_params`` and grids.
    hidden_layer_sizes : int or tuple of int, default=(100,)
        Widths of the hidden layers of ``module="mlp"``, and of the dense layers that end other built-in networks; ``()`` is the
        linear model.
    activation : {"relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"}, default="relu"
        Activation of the hidden layers.
    dropout : float, default=0.0
        Probability, in [0, 1), with which a hidden number is set to 0 in training.
    optimizer : str or type of torch.optim.Optimizer, default="adam"
        "sgd" (with momentum 0.9), "adam", "adamw", "rmsprop", "adagrad", "nadam", "radam", "lbfgs" (all rows at once), or a class.
    optimizer_params : dict or None, default=None
        Further arguments of the optimiser; also as ``optimizer__x`` of ``set_params`` and grids.
    lr : float or "auto", default="auto"
        Learning rate, > 0; "auto" is 0.02 for sgd, 0.05 for adagrad, 0.003 for radam, 1 for lbfgs, 0.001 otherwise.
    batch_size : int or "auto", default="auto"
        Rows per step; "auto" is a fiftieth of the rows, between 200 and 1024 (all rows, where there are fewer or for lbfgs).
    max_epochs : int, default=200
        Passes over the rows, at most.
    weight_decay : float, default=0.0
        L2 penalty on weights, >= 0: ``weight_decay * w`` joins the gradient (for adamw it is decoupled).
    l1 : float, default=0.0
        L1 penalty on weights, >= 0; weights become exactly 0 (with lbfgs only nearly).
    early_stopping : bool, default=False
        Whether rows are set aside that decide when to stop and which epoch's weights to keep, by the loss that is trained.
        Without, training stops when the training loss no longer falls.
    validation_fraction : float, splitter or pair of index arrays, default=0.1
        The rows that are set aside: a share, the first split of a splitter, or (train, valid) indices.
    n_iter_no_change : int or inf, default=10
        Epochs without improvement after which training stops.
    tol : float, default=1e-4
        The least improvement that counts, >= 0, relative to the loss of the best constant.
    scale_inputs : bool, default=True
        Whether features are standardised inside (sparse X: divided only; images: channel by channel; token ids: never).
    augment : callable or None, default=None
        Changes the rows of training batches, as the transforms of torchvision do: from a tensor (n, ...) on the scale of X to one of
        the same shape, with the global generators of torch, NumPy and Python seeded from `random_state`.
    scale_target : bool, default=True
        Whether y is scaled inside as the loss allows; thresholds such as Huber's delta are in units of that scale.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Precision of training; "auto" is float64 where all rows fit in one batch, else float32.
    callbacks : list of skorch callbacks or None, default=None
        Called as in skorch.
    device : str, default="cpu"
        Where to train; "auto" takes a GPU where there is one.
    warm_start : bool, default=False
        Whether another `fit` goes on where the last one ended.
    random_state : int, RandomState or None, default=None
        Where all randomness comes from; None takes fresh entropy.
    n_members : int, default=1
        Networks that are trained, with the seeds random_state, random_state + 1 ..., as one program; predictions, quantiles and
        standard deviations are means over them.
    verbose : int, default=0
        1 prints a line per epoch.

    Attributes
    ----------
    loss_ : Loss
        The resolved loss.
    loss_state_ : State
        What the loss learnt: hyperparameters, bins, class shares and trained parts as tensors.
    net_ : LossNet
        The fitted skorch net, from scaled X to raw output; the first member.
    members_ : list of LossNet
        One per member.
    history_ : skorch.history.History
        Training loss, validation loss and time per epoch; of the first member.
    n_iter_ : int
        Epochs trained; of the member that took longest.
    n_features_in_ : int
        Features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X had string column names.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import GridSearchCV
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> search = GridSearchCV(
    ...     NeuralRegressor(max_epochs=20, random_state=0),
    ...     {"loss": ["mse", "mae", "huber"]},
    ...     scoring="neg_mean_absolute_error",
    ... )
    >>> sorted(search.fit(X, y).best_params_)
    ['loss']
    """

    _task: Task = "regression"

    def __init__(
        self,
        loss: Any = "squared_error",
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
        scale_target: bool = True,
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
        self.scale_target = scale_target
        self.dtype = dtype
        self.callbacks = callbacks
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_members = n_members
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NeuralRegressor:
        """Train the network.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Features: numbers, none missing.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets, in the domain of the loss.
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
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> NeuralRegressor:
        """Train for one epoch on these rows; scaling and bins are those of the first call.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        self
        """
        return self._fit_one_epoch(X, y, sample_weight)

    def predict(self, X: Any) -> np.ndarray:
        """Predict what the loss elicits: mean, median, quantile ...

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            In units of y, float64.
        """
        prediction = self._averaged(X, lambda raw, state: self.loss_.predict(raw, state).double())
        restored = self._target_scaler.inverse_transform(prediction.numpy())
        return self._by_target(restored)

    @available_if(where_loss_has("predict_quantiles", A_POINT))
    def predict_quantiles(self, X: Any, quantiles: Any = (0.1, 0.5, 0.9)) -> np.ndarray:
        """Predict quantiles of y; for losses that give a law of y or several quantiles, absent for others.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        quantiles : array-like of shape (n_quantiles,), default=(0.1, 0.5, 0.9)
            Levels in (0, 1).  ``multi_quantile`` knows those between its lowest and its highest.

        Returns
        -------
        ndarray of shape (n_samples, n_quantiles) or (n_samples, n_targets, n_quantiles)
            In units of y, float64.

        Raises
        ------
        ValueError
            If a level is outside what the loss can tell.
        """
        levels = torch.from_numpy(_checked_levels(quantiles))
        predicted = self._averaged(
            X, lambda raw, state: self.loss_.predict_quantiles(raw, levels.to(raw), state).double()
        )
        columns = predicted.numpy().swapaxes(1, 2)  # (samples, quantiles, targets)
        restored = self._target_scaler.inverse_transform(columns).swapaxes(1, 2)
        return self._by_target(restored)

    @available_if(where_loss_has("predict_quantiles", A_POINT))
    def predict_interval(self, X: Any, coverage: float = 0.8) -> np.ndarray:
        """Predict the central interval that holds y with a given probability; where `predict_quantiles` is.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        coverage : float, default=0.8
            The probability, in (0, 1): the interval lies between the quantiles (1 - coverage) / 2 and (1 + coverage) / 2.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_targets, 2)
            Lower and upper end, in units of y.

        Raises
        ------
        ValueError
            If coverage is not in (0, 1), or the loss cannot tell the quantiles.
        """
        check_in_domain("predict_interval", "coverage", coverage, OPEN_UNIT, "0.8 is usual.")
        return self.predict_quantiles(X, ((1 - coverage) / 2, (1 + coverage) / 2))

    @available_if(where_loss_has("predict_std", A_POINT))
    def predict_std(self, X: Any) -> np.ndarray:
        """Predict the standard deviation of y given X; for losses that give a law of y, absent for others.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            In units of y, float64.
        """
        std = self._averaged(X, lambda raw, state: self.loss_.predict_std(raw, state).double())
        restored = std.numpy() * self._target_scaler.scale
        return self._by_target(restored)

    def to_module(self, output: str = "predict") -> FittedModule:
        """Return the fitted model as a plain ``nn.Module``, from X as `predict` takes it to the prediction.

        It is a copy of its own, in evaluation mode, runs without the estimator and exports with ``torch.export``.

        Parameters
        ----------
        output : {"predict", "raw"}, default="predict"
            What comes out: the prediction on the scale of y, float64, (n_samples,) or (n_samples, n_targets); or the network's raw
            output, (n_samples, n_targets, n_outputs).

        Returns
        -------
        FittedModule
            From a dense tensor of shape (n_samples, n_features), not scaled.

        Raises
        ------
        ValueError
            If `output` is none of these.
        NotFittedError
            If the estimator is not fitted.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = NeuralRegressor("huber", max_epochs=5, random_state=0).fit(X, y)
        >>> module, rows = model.to_module(), torch.from_numpy(X)
        >>> np.allclose(module(rows), model.predict(X))
        True
        >>> dynamic = ({0: torch.export.Dim("rows")},)
        >>> exported = torch.export.export(module, (rows[:2],), dynamic_shapes=dynamic).module()
        >>> np.allclose(exported(rows), model.predict(X))
        True
        """
        check_is_fitted(self, "net_")
        readings = regression_readings(self.loss_, self._target_scaler, self._y_is_column)
        reading = chosen_reading(readings, output, self.loss_.label)
        return FittedModule.of_nets(self.members_, self._input_scaler, self._input_shape, reading)

    def _by_target(self, values: np.ndarray) -> np.ndarray:
        """Drop the axis of targets, (n_samples, n_targets, ...), where y was a column."""
        return values[:, 0] if self._y_is_column else values

    def _encode(self, y: np.ndarray, first: bool) -> np.ndarray:
        is_column = y.ndim == 1 or y.shape[1] == 1
        y = column_or_1d(y, warn=True) if is_column else y
        values = np.array(y, dtype=np.float64).reshape(len(y), -1)
        if not first and values.shape[1] != len(self._target_scaler.scale):
            raise ValueError(
                f"y has {values.shape[1]} targets, and this estimator was trained with {len(self._target_scaler.scale)}. Give the"
                " same targets, or fit anew with warm_start=False."
            )
        self._y_is_column = is_column
        return values

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        try:
            bounded = bool(np.isfinite(get_loss(self.loss, task=self._task).y_domain.low))
        except (TypeError, ValueError):
            bounded = False
        tags.target_tags.positive_only = bounded
        # Every loss takes several targets, but scikit-learn's check of them brings negative y whatever positive_only says.
        tags.target_tags.multi_output = not bounded
        return tags
