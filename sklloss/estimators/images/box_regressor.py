"""NeuralBoxRegressor: a neural network that says where the object is, and whose loss is a hyperparameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import Tensor, nn

from ...losses.base import Task
from ...losses.images.boxes import in_order
from ...training import TargetScaler
from ..fit.prepared import Shelf
from ..fit.sample import Sample
from ..inputs.image_estimator import ImageEstimator
from ..inputs.weights import checked_weights
from ..targets.answers import RAW, FittedModule, OnScaleOfY, Reading, chosen_reading
from ..targets.scaled_targets import ScaledTargets
from .boxes import check_given, check_inside, checked_boxes
from .overlap import box_ious


class BoxesInside(nn.Module):
    """Four numbers per row as corners in order, cut to an image: (n_samples, 4) to (n_samples, 4)."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.register_buffer("end", torch.tensor([width, height] * 2, dtype=torch.float64))

    def forward(self, corners: Tensor) -> Tensor:
        """Order the corners, and cut the box."""
        end = self.get_buffer("end").to(corners.dtype)
        return torch.minimum(in_order(corners).clamp(min=0), end)


class NeuralBoxRegressor(RegressorMixin, ScaledTargets, ImageEstimator):
    """A neural network that draws one box around the object of an image, trained on the loss of your choice.

    Parameters
    ----------
    loss : str, Loss, torch.nn loss, nn.Module or function, default="giou"
        What is minimised: a name, alias or torch class name of ``list_losses("boxes")``, a class or instance of it; ``giou`` and ``ciou``
        compare boxes, the losses for regression (``mse``, ``mae``, ``smooth_l1`` ...) corners.  Or your own, called with prediction and y
        of shape (n, 4) and returning one loss per row.
    module : str, nn.Module class, instance or factory, default="locator"
        The network: ``"locator"``, whose maps of places find an object wherever it is; ``"cnn"``, faster, whose dense layers need far more
        images; or your own from images (n, channels, height, width) to (n, 4).  One that takes the mean over all places forgets them.
    module_params : dict or None, default=None
        Further arguments of the class or factory, as ``channels`` of the built-in networks; also as ``module__x`` of
        ``set_params`` and grids.
    hidden_layer_sizes : int or tuple of int, default=(100,)
        Widths of the dense layers of ``module="cnn"``.
    activation, dropout
        Of the built-in networks, as in `NeuralRegressor`.
    optimizer, optimizer_params, lr, weight_decay, l1
        As in `NeuralRegressor`.
    batch_size : int or "auto", default="auto"
        Images per step; "auto" is 32 (all, where there are fewer or for lbfgs).
    max_epochs : int, default=50
        Passes over the images, at most.
    early_stopping, validation_fraction, n_iter_no_change, tol
        As in `NeuralRegressor`.
    scale_inputs : bool, default=True
        Whether every channel is standardised inside.
    scale_target : bool, default=True
        Whether boxes are scaled inside: for ``giou`` and ``ciou`` divided by the longer side of the images, for losses of corners each
        corner as the loss allows; thresholds such as Huber's delta are in units of that scale.
    augment : callable or None, default=None
        From a batch of training images (n, channels, height, width), on the scale of X, to one of the same shape; of changes that leave
        the object where it is (noise, brightness, contrast).
    dtype, callbacks, device, warm_start, random_state, verbose
        As in `NeuralRegressor`.
    n_members : int, default=1
        Networks that are trained, with the seeds random_state, random_state + 1 ...; corners are means over them.

    Attributes
    ----------
    loss_, loss_state_, net_, members_, history_, n_iter_
        As in `NeuralRegressor`.
    n_features_in_ : int
        Channels of the images seen in fit.

    See Also
    --------
    NeuralSegmenter : which pixels belong to it.

    Examples
    --------
    Bright rectangles in noise:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> corner, size = rng.integers(0, 9, (300, 2)), rng.integers(3, 8, (300, 2))
    >>> y = np.column_stack((corner, corner + size))
    >>> X = rng.normal(0, 0.2, (300, 16, 16))
    >>> for image, (x1, y1, x2, y2) in zip(X, y):
    ...     image[y1:y2, x1:x2] += 1
    >>> model = NeuralBoxRegressor("giou", module_params={"channels": (8, 8)}, lr=0.01, random_state=0)
    >>> model = model.fit(X[:250], y[:250])
    >>> bool(model.score(X[250:], y[250:]) > 0.8)
    True
    """

    _task: Task = "boxes"
    _built_ins = ("locator", "cnn")

    def __init__(
        self,
        loss: Any = "giou",
        *,
        module: Any = "locator",
        module_params: dict[str, Any] | None = None,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        dropout: float = 0.0,
        optimizer: Any = "adam",
        optimizer_params: dict[str, Any] | None = None,
        lr: float | str = "auto",
        batch_size: int | str = "auto",
        max_epochs: int = 50,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: Any = 0.1,
        n_iter_no_change: float = 10,
        tol: float = 1e-4,
        scale_inputs: bool = True,
        scale_target: bool = True,
        augment: Any = None,
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
        self.scale_target = scale_target
        self.augment = augment
        self.dtype = dtype
        self.callbacks = callbacks
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_members = n_members
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NeuralBoxRegressor:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
            Images of one size, whole numbers or floats, none missing.
        y : array-like of shape (n_samples, 4)
            The corners x1, y1, x2, y2 of each object in pixels: x to the right, y downward, from the image's upper left corner;
            0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height, so that the object is ``image[y1:y2, x1:x2]``.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of images, >= 0; weight 2 is an image repeated, weight 0 an image removed.

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

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> NeuralBoxRegressor:
        """Train for one epoch on these images; scaling is that of the first call.

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
        """Predict one box per image.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        ndarray of shape (n_samples, 4)
            Corners x1 <= x2 and y1 <= y2 in pixels, float64, inside the image.
        """
        corners = self._averaged(X, lambda raw, state: self.loss_.predict(raw, state).double())
        restored = torch.from_numpy(self._target_scaler.inverse_transform(corners.numpy()))
        return BoxesInside(*self._grid)(restored).numpy()

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean over images of the intersection over union of the predicted and the true box.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
        y : array-like of shape (n_samples, 4)
            True corners x1, y1, x2, y2 in pixels.
        sample_weight : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        float
            In [0, 1].
        """
        predicted, boxes = self.predict(X), np.array(checked_boxes(y), dtype=np.float64)
        check_consistent_length(predicted, boxes)
        check_inside(boxes, *self._grid)
        weights = checked_weights(sample_weight, boxes)
        return float(np.average(box_ious(boxes, predicted), weights=weights))

    def to_module(self, output: str = "predict") -> FittedModule:
        """Return the fitted model as a plain ``nn.Module``, from X as `predict` takes it to boxes.

        It is a copy of its own, in evaluation mode, runs without the estimator and exports with ``torch.export``, as shown in
        `NeuralRegressor.to_module`.

        Parameters
        ----------
        output : {"predict", "raw"}, default="predict"
            What comes out: boxes as those of `predict`; or the network's raw output, (n_samples, 4, n_outputs).

        Returns
        -------
        FittedModule
            From a tensor of images, not scaled.

        Raises
        ------
        ValueError
            If `output` is none of these.
        NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self, "net_")
        on_scale = OnScaleOfY(self._target_scaler, y_is_column=False)
        boxes = nn.Sequential(on_scale, BoxesInside(*self._grid))
        readings = {"predict": Reading(self.loss_.predict, boxes), "raw": RAW}
        reading = chosen_reading(readings, output, self.loss_.label)
        return FittedModule.of_nets(self.members_, self._input_scaler, self._input_shape, reading)

    def _validated(self, X: Any, y: Any, first: bool, shelf: Shelf) -> tuple[Any, np.ndarray]:
        check_given(y)
        opened = self._inputs.opened(X)
        return super()._validated(opened, checked_boxes(y), first, shelf)

    def _encode(self, y: np.ndarray, first: bool) -> np.ndarray:
        boxes = np.array(y, dtype=np.float64)
        check_inside(boxes, *self._grid)
        return boxes

    def _module_params(self) -> Mapping[str, Any]:
        """Tell the locator how large half the longer side is on the scale of the targets."""
        params = dict(super()._module_params())
        if self.module == "locator":
            half = max(self._grid) / 2 / self._target_scaler.scale
            params.setdefault("scale", half.tolist())
        return params

    def _scaling_of(self, loss: Any) -> str:
        is_by_image = self.scale_target and loss.task == "boxes"
        return "image" if is_by_image else super()._scaling_of(loss)

    def _fit_target_scaler(self, sample: Sample, scaling: str) -> TargetScaler:
        if scaling != "image":
            return super()._fit_target_scaler(sample, scaling)
        return TargetScaler(np.zeros(4), np.full(4, float(max(self._grid))))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        tags.target_tags.positive_only = True
        return tags
