"""NeuralSegmenter: a neural network that gives every pixel a class, and whose loss is a hyperparameter."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import torch
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import Tensor, nn

from ...losses.base import Loss, State, Task
from ...modules import build_module, check_widths
from ...modules.images.per_pixel import PerPixel
from ..fit.loss_values import check_loss_values
from ..fit.nets import Start
from ..fit.parameters import where_loss_has
from ..fit.prepared import Shelf, frozen
from ..fit.sample import Sample
from ..inputs.image_estimator import ImageEstimator
from ..inputs.weights import checked_weights, factors_of_classes
from ..targets.answers import FittedModule, chosen_reading
from ..targets.labels import LabelledEstimator
from .grid import OnGrid, segmentation_readings
from .masks import check_one_kind, flat_masks, stacked_masks
from .overlap import mean_iou

A_DECISION = "gives a decision but no probabilities: use decision_function, or a loss whose row in list_losses('segmentation') has predict_proba."
NUMBERS_AT_ONCE = 2**24  # of what is predicted


class NeuralSegmenter(ImageEstimator, LabelledEstimator):
    """A neural network that says the class of every pixel, trained on the loss of your choice.

    Parameters
    ----------
    loss : str, Loss, torch.nn loss, nn.Module or function, default="cross_entropy"
        What is minimised: a name, alias or torch class name of ``list_losses("segmentation")``, a class or instance of it; ``dice`` and
        ``tversky`` compare regions, the losses for classification (``cross_entropy``, ``mse``, ``focal`` ...) pixels.  Or a loss of your
        own, called with logits (n, classes, pixels) and class indices (n, pixels), which returns one loss per pixel or per image.
    module : str, nn.Module class, instance or factory, default="unet"
        The network: ``"unet"``, or your own from images (n, channels, height, width) to (n, classes, height, width), for two classes also
        (n, 1, height, width); or to a dict that has that as ``"out"``, as torchvision's networks for segmentation.  A class or factory
        receives the channels of X and the number of classes under the usual names (``in_channels``, ``num_classes`` ...).
    module_params : dict or None, default=None
        Further arguments of the class or factory, as ``channels`` of the U-Net; also as ``module__x`` of ``set_params`` and grids.
    activation : {"relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"}, default="relu"
        Of the built-in networks.
    dropout : float, default=0.0
        Probability, in [0, 1), with which a channel of the U-Net's coarsest grid is set to 0 in training.
    optimizer, optimizer_params, lr, weight_decay, l1
        As in `NeuralRegressor`.
    batch_size : int or "auto", default="auto"
        Images per step; "auto" is 32 (all, where there are fewer or for lbfgs).
    max_epochs : int, default=50
        Passes over the images, at most.
    early_stopping, validation_fraction, n_iter_no_change, tol
        As in `NeuralRegressor`; a share is one of images.
    scale_inputs : bool, default=True
        Whether every channel is standardised inside.
    augment : callable or None, default=None
        From a batch of training images (n, channels, height, width), on the scale of X, to one of the same shape; of changes that leave
        every pixel where it is (noise, brightness, contrast), because the masks stay as they are.
    class_weight : dict, "balanced" or None, default=None
        Weights of classes: of their pixels, for losses of pixels; of their regions, for ``dice`` and ``tversky``.  "balanced" makes the
        classes' total weights over the pixels of all images equal.
    dtype, callbacks, device, warm_start, random_state, verbose
        As in `NeuralRegressor`.
    n_members : int, default=1
        Networks that are trained, with the seeds random_state, random_state + 1 ...; probabilities are means over them, and so are
        decisions where the loss has none.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels of pixels, sorted.
    loss_, loss_state_, net_, members_, history_, n_iter_
        As in `NeuralRegressor`.
    n_features_in_ : int
        Channels of the images seen in fit.

    See Also
    --------
    NeuralBoxRegressor : where the object is, as one box per image.

    Notes
    -----
    scikit-learn's metrics of classes take one label per row: by name, as ``scoring="f1_macro"``, they give NaN for masks.  A function
    of model, X and y that makes a column of all pixels, as in the last example, is a score for every search.

    Examples
    --------
    Bright squares in noise:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.full((60, 8, 8), "ground", dtype=object)
    >>> for mask, (row, column) in zip(y, rng.integers(0, 6, (60, 2))):
    ...     mask[row : row + 3, column : column + 3] = "square"
    >>> X = (y == "square") + rng.normal(0, 0.3, y.shape)
    >>> model = NeuralSegmenter("dice", module_params={"channels": (4, 8)}, lr=0.01, random_state=0)
    >>> model = model.fit(X[:40], y[:40])
    >>> bool(model.score(X[40:], y[40:]) > 0.8)
    True
    >>> model.predict(X[40:]).shape
    (20, 8, 8)

    Another score, of all pixels:

    >>> from sklearn.metrics import f1_score
    >>> def f1(model, X, y):
    ...     return f1_score(y.ravel(), model.predict(X).ravel(), average="macro")
    >>> bool(f1(model, X[40:], y[40:]) > 0.8)
    True
    """

    _task: Task = "segmentation"
    _built_ins = ("unet",)

    def __init__(
        self,
        loss: Any = "cross_entropy",
        *,
        module: Any = "unet",
        module_params: dict[str, Any] | None = None,
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NeuralSegmenter:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
            Images of one size, whole numbers or floats, none missing.
        y : array-like of shape (n_samples, height, width)
            The class of each pixel, of any type of label.
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
        with self._unchanged_by_failure():
            self._classes_given, self._order_of_classes = False, None
            return self._fit(X, y, sample_weight)

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> NeuralSegmenter:
        """Train for one epoch on these images; scaling, classes and their shares are those of the first call.

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
        """Predict the class of each pixel: the sign or the argmax of the decision function.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        ndarray of shape (n_samples, height, width)
        """
        index = self._decided(X).numpy()
        return self.classes_[index].reshape(-1, *self._grid)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the scores that decide.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        ndarray of shape (n_samples, height, width) for two classes, (n_samples, n_classes, height, width) otherwise
        """
        return OnGrid(*self._grid_once_fitted)(self._scores(X)).numpy()

    @available_if(where_loss_has("predict_proba", A_DECISION))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the class probabilities of each pixel that the loss determines; absent where it determines none.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        ndarray of shape (n_samples, n_classes, height, width)
            One image per class, in the order of ``classes_``; they sum to 1 over axis 1.
        """
        check_is_fitted(self, "net_")
        return OnGrid(*self._grid)(self._averaged(X, self.loss_.predict_proba)).numpy()

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean intersection over union of the predicted classes.

        The pixels of all images are counted together: of each class, those which both `y` and the prediction give it, divided by those
        which either gives it; the mean is over the classes that either gives a pixel.  It is scikit-learn's
        ``jaccard_score(average="macro")`` of all pixels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
        y : array-like of shape (n_samples, height, width)
            True labels.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            What the pixels of each image count.

        Returns
        -------
        float
            In [0, 1].
        """
        predicted = self.predict(X)
        masks = flat_masks(y, self._grid).reshape(-1, *self._grid)
        check_consistent_length(predicted, masks)
        check_one_kind(np.unique(masks), self.classes_)
        weights = checked_weights(sample_weight, masks)
        return mean_iou(masks, predicted, weights)

    def to_module(self, output: str = "auto") -> FittedModule:
        """Return the fitted model as a plain ``nn.Module``, from X as `predict` takes it to probabilities or a decision.

        It is a copy of its own, in evaluation mode, runs without the estimator and exports with ``torch.export``, as shown in
        `NeuralRegressor.to_module`.

        Parameters
        ----------
        output : {"auto", "predict_proba", "decision_function", "predict", "raw"}, default="auto"
            What comes out, in the shape of the method of this name; "predict" gives indices into ``classes_``; "raw" the network's
            output, (n_samples, height * width, n_outputs).  "auto" is "predict_proba" where the loss has it, else "decision_function".

        Returns
        -------
        FittedModule
            From a tensor of images, not scaled.

        Raises
        ------
        ValueError
            If `output` is none of these, or probabilities are asked of a loss that has none.
        NotFittedError
            If the estimator is not fitted.
        """
        height, width = self._grid_once_fitted
        readings = segmentation_readings(
            self.loss_, height, width, by_mean_posterior=self._decides_by_mean_posterior
        )
        reading = chosen_reading(readings, output, self.loss_.label)
        return FittedModule.of_nets(self.members_, self._input_scaler, self._input_shape, reading)

    # ------------------------------------------------------------------ parts of the fit

    @property
    def _grid_once_fitted(self) -> tuple[int, ...]:
        check_is_fitted(self, "net_")
        return self._grid

    @property
    def _n_pixels(self) -> int:
        return prod(self._grid)

    def _validated(self, X: Any, y: Any, first: bool, shelf: Shelf) -> tuple[Any, np.ndarray]:
        masks = stacked_masks(y)
        grid = self._inputs.opened(X).shape[2:]
        return super()._validated(X, flat_masks(masks, grid), first, shelf)

    def _encode(self, y: np.ndarray, first: bool) -> np.ndarray:
        """Return class indices, (n_samples, height * width)."""
        if first and not self._classes_given:
            self.classes_ = np.unique(y)
        if first:
            self._is_multi_label = False
            self._rank_classes()
        if len(self.classes_) < 2:
            raise ValueError(
                f"NeuralSegmenter needs at least two classes; all {y.size} pixels of y have the class {self.classes_.tolist()[0]!r}. Give"
                " masks that have another class, too."
            )
        return self._rank[self._indices(y)]

    def _check_suits(self, loss: Any, sample: Sample) -> None:
        if loss.whole_batch:
            raise ValueError(
                f"Loss {loss.label!r} has a value per batch, but none per pixel or image. Its twin for images is 'dice'; 'cross_entropy' and"
                " 'focal' are losses of pixels."
            )

    def _start(
        self, loss: Any, sample: Sample, targets: Tensor, weighted: bool, shelf: Shelf
    ) -> Start:
        """Return where training starts: what a loss learns from pixels, each a row with the weight of its image."""

        def start() -> Start:
            image_weight = torch.from_numpy(sample.row_weight).to(targets.device, self._dtype)
            weights = image_weight.repeat_interleave(targets.shape[1])
            pixels, factors = targets.reshape(-1, 1), self._factors(sample, targets)
            state = loss.prepare(pixels, weights, self._n_classes)
            check_loss_values(
                loss, targets, state, self._n_outputs(loss), self._dtype, weighted=weighted
            )
            baseline = loss.baseline(pixels, weights * factors[pixels[:, 0]], state)
            if self.class_weight is not None:
                state["weight_by_class"] = factors.reshape(1, 1, -1)
            return Start(loss, state, baseline)

        told = self._n_classes, self._dtype, weighted, frozen(self.class_weight)
        key = ("start", loss, *sample.identity, id(targets), *told)
        return shelf.once(key, start, targets)

    def _factors(self, sample: Sample, targets: Tensor) -> Tensor:
        """Return the weight of each class, (n_classes,), so that the mean over all pixels is 1."""
        y, weights = sample.y.ravel(), np.repeat(sample.row_weight, sample.y.shape[1])
        factors = factors_of_classes(self.class_weight, y, weights, self.classes_)
        mass = np.bincount(y, weights, len(factors))
        factors = factors * mass.sum() / (factors * mass).sum()
        return torch.from_numpy(factors).to(targets.device, self._dtype)

    def _n_outputs(self, loss: Loss) -> int:
        return loss.n_outputs(self._n_classes, False)

    @property
    def _raw_shape(self) -> tuple[int, int]:
        return self._n_pixels, -1

    def _built(self, start: Start, source: torch.Generator) -> nn.Module:
        """Return the U-Net for all pixels, or a network of one's own for the numbers of each."""
        n_outputs, params = start.baseline.shape[-1], self._module_params()
        if isinstance(self.module, str):
            width = n_outputs * self._n_pixels
            return build_module(self.module, self._input_shape, width, params, source)
        return PerPixel(build_module(self.module, self._input_shape, n_outputs, params, source))

    def _check_module(self, module: nn.Module, few: Tensor, start: Start) -> None:
        n_outputs = start.baseline.shape[-1]
        allowed = [n_outputs, 2] if n_outputs == 1 and self._n_classes == 2 else [n_outputs]
        height, width = self._grid
        why = f"{start.loss.label} for {n_outputs} x {height} x {width} (classes x height x width)"
        check_widths(module, few, [n * self._n_pixels for n in allowed], why)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags

    # ------------------------------------------------------------------ prediction

    def _averaged(self, X: Any, value: Callable[[Tensor, State], Tensor]) -> Tensor:
        """Return the same as for tables, from a few images at a time."""
        scaled = self._scaled(X)
        size = max(1, NUMBERS_AT_ONCE // (self._n_pixels * self._n_classes))
        starts = range(0, max(len(scaled), 1), size)
        return torch.cat([self._mean_said(scaled[i : i + size], value) for i in starts])
