"""NeuralBoxRegressor: a network that locates an object; its loss is a hyperparameter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_consistent_length

from ...parameters.declared import declare, redeclared
from ..fit.documentation import documented
from ..fit.loss_parameter import LossParameter
from ..fit.parameters import (
    AugmentParameters,
    HiddenLayerParameters,
    InputParameters,
    TargetScaleParameters,
)
from ..fit.scikit_learn import RegressorMixin
from ..inputs.data import FitData
from ..inputs.weights import checked_weights
from ..targets.fitted_module import FittedModule
from .box_target import Boxes
from .boxes import check_inside, checked_boxes
from .image_estimator import ImageEstimator
from .overlap import box_ious


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class NeuralBoxRegressor(
    RegressorMixin,
    AugmentParameters,
    TargetScaleParameters,
    InputParameters,
    HiddenLayerParameters,
    ImageEstimator,
):
    """A neural network that predicts the bounding box of the object in an image.

    %(parameters)s

    Attributes
    ----------
    %(attributes_of_images)s

    See Also
    --------
    NeuralSegmenter : Predicts the class of every pixel.

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
    >>> model = NeuralBoxRegressor(module_params={"channels": (8, 8)}, lr=0.01, random_state=0)
    >>> model = model.fit(X[:250], y[:250])
    >>> bool(model.score(X[250:], y[250:]) > 0.8)
    True
    """

    _loss: ClassVar[LossParameter] = LossParameter("boxes")
    _built_ins: ClassVar[tuple[str, ...]] = ("locator", "cnn")

    loss: Any = field(
        default="giou",
        kw_only=False,
        metadata=declare(
            """What is minimised: a name, alias or torch class name of ``list_losses("boxes")``; a
            class or instance of it; or your own function or module, which is called with prediction
            and y of shape (n, 4) and returns one loss per row.  ``giou`` and ``ciou`` compare
            boxes; the losses for regression (``mse``, ``mae``, ``smooth_l1`` ...) compare
            corners.""",
            kind="str, Loss, torch.nn loss, nn.Module or function",
        ),
    )
    module: Any = redeclared(
        ImageEstimator,
        "module",
        default="locator",
        doc="""The network: ``"locator"``, whose heat maps find an object wherever it is; ``"cnn"``,
        which is faster but needs many more images; or your own, from images
        (n, channels, height, width) to (n, 4).  A network with global average pooling cannot locate
        objects.""",
    )
    module_params: dict[str, Any] | None = redeclared(
        ImageEstimator,
        "module_params",
        doc="""Further arguments of the class or factory, such as ``channels`` of the built-in
        networks; also set as ``module__x`` in ``set_params`` and grids.""",
    )
    hidden_layer_sizes: Any = redeclared(
        HiddenLayerParameters,
        "hidden_layer_sizes",
        doc='Widths of the dense layers of ``module="cnn"``.',
    )
    scale_target: bool = redeclared(
        TargetScaleParameters,
        "scale_target",
        doc="""Whether boxes are scaled internally: for ``giou`` and ``ciou`` divided by the longer
        side of the images, for losses of corners as the loss allows.  Thresholds such as Huber's
        delta are in units of that scale.""",
    )
    augment: Any = redeclared(
        AugmentParameters,
        "augment",
        doc="""Random changes of training images and their boxes: a transform of
        torchvision.transforms.v2, called with each image and its box, or a function that takes and
        returns both, as tensors (n, channels, height, width) on the scale of X and (n, 4) in
        pixels.  An image whose object would leave it is not changed.  A function of one argument
        changes only images and must not move the object.""",
    )

    @property
    def _target(self) -> Boxes:
        return Boxes(self.scale_target)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        %(images)s
            Images of one size, as integers or floats, without missing values.
        y : array-like of shape (n_samples, 4)
            The corners x1, y1, x2, y2 of each object in pixels, x to the right and y downward from
            the upper left corner of the image.  0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height,
            so that the object is ``image[y1:y2, x1:x2]``.
        %(image_weight)s

        %(fitted)s
        """
        return self._train(FitData(X, y, sample_weight), go_on=self.warm_start)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch; scaling is that of the first call.

        Parameters
        ----------
        %(continued_with_images)s
        """
        return self._train(FitData(X, y, sample_weight), epochs=1, go_on=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict one box per image.

        Parameters
        ----------
        %(new_images)s

        Returns
        -------
        ndarray of shape (n_samples, 4)
            Corners x1, y1, x2, y2 in pixels, float64, inside the image, with x1 <= x2 and
            y1 <= y2.
        """
        return self._answer("predict", X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean intersection over union of predicted and true boxes.

        Parameters
        ----------
        %(new_images)s
        y : array-like of shape (n_samples, 4)
            True corners x1, y1, x2, y2 in pixels.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the images, >= 0.

        Returns
        -------
        float
            In [0, 1].
        """
        predicted, boxes = self.predict(X), np.array(checked_boxes(y), dtype=np.float64)
        check_consistent_length(predicted, boxes)
        check_inside(boxes, *self._learned.target.grid)
        weights = checked_weights(sample_weight, boxes)
        return float(np.average(box_ious(boxes, predicted), weights=weights))

    def to_module(self, output: str = "predict") -> FittedModule:
        """Return the fitted model as a plain ``nn.Module`` that takes X as `predict` does.

        %(module)s

        Parameters
        ----------
        output : {"predict", "raw"}, default="predict"
            What the module returns: boxes in pixels in float64, of shape (n_samples, 4), or the
            network's raw output, of shape (n_samples, 4, n_outputs).

        %(exported_from_images)s
        """
        return self._exported(output, self._answers)
