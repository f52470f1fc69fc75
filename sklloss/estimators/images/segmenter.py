"""NeuralSegmenter: a network that classifies every pixel; its loss is a hyperparameter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length

from ...parameters.declared import declare, redeclared
from ..fit.documentation import documented
from ..fit.loss_parameter import LossParameter
from ..fit.nested import where_loss_has
from ..fit.parameters import AugmentParameters, ClassWeightParameters, InputParameters
from ..inputs.data import FitData
from ..inputs.weights import checked_weights
from ..targets.fitted_module import FittedModule
from .image_estimator import ImageEstimator
from .mask_target import Masks
from .masks import check_one_kind, flat_masks
from .overlap import mean_iou

A_DECISION = (
    "gives a decision but no probabilities. Use decision_function, or a loss with predict_proba in"
    " list_losses('segmentation')."
)


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class NeuralSegmenter(ClassWeightParameters, AugmentParameters, InputParameters, ImageEstimator):
    """A neural network that predicts the class of every pixel, trained on the loss of your choice.

    Several members predict by the mean of their probabilities, or of their decision functions if
    the loss has no probabilities.

    %(parameters)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels of pixels, sorted.
    %(attributes_of_images)s

    See Also
    --------
    NeuralBoxRegressor : Predicts one bounding box per image.

    Notes
    -----
    scikit-learn's metrics for classes take one label per row, so that their names, such as
    ``scoring="f1_macro"``, give NaN for masks.  For a search, write a function of model, X and y
    that flattens the masks, as in the last example.

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

    _loss: ClassVar[LossParameter] = LossParameter("segmentation")
    _built_ins: ClassVar[tuple[str, ...]] = ("unet",)

    loss: Any = field(
        default="cross_entropy",
        kw_only=False,
        metadata=declare(
            """What is minimised: a name, alias or torch class name of
            ``list_losses("segmentation")``; a class or instance of it; or your own function or
            module, which is called with logits (n, classes, pixels) and class indices (n, pixels)
            and returns one loss per pixel or per image.  ``dice`` and ``tversky`` compare regions;
            the losses for classification (``cross_entropy``, ``mse``, ``focal`` ...) compare
            pixels.""",
            kind="str, Loss, torch.nn loss, nn.Module or function",
        ),
    )
    module: Any = redeclared(
        ImageEstimator,
        "module",
        default="unet",
        doc="""The network: ``"unet"``, or your own, from images (n, channels, height, width) to
        (n, classes, height, width), or (n, 1, height, width) for two classes.  It may return a dict
        with this tensor as ``"out"``, as torchvision's networks for segmentation do.  A class or
        factory receives the channels of X and the number of classes under the usual names
        (``in_channels``, ``num_classes`` ...).""",
    )
    module_params: dict[str, Any] | None = redeclared(
        ImageEstimator,
        "module_params",
        doc="""Further arguments of the class or factory, such as ``channels`` of the U-Net; also
        set as ``module__x`` in ``set_params`` and grids.""",
    )
    activation: str = redeclared(
        ImageEstimator, "activation", doc="Activation of the built-in networks."
    )
    dropout: float = redeclared(
        ImageEstimator,
        "dropout",
        doc="""Probability, in [0, 1), of setting a channel of the U-Net's coarsest grid to 0 in
        training.""",
    )
    augment: Any = redeclared(
        AugmentParameters,
        "augment",
        doc="""Random changes of training images and their masks: a transform of
        torchvision.transforms.v2, called with each image and its mask, or a function that takes and
        returns both, as tensors (n, channels, height, width) on the scale of X and
        (n, height, width) of indices into ``classes_``.  A function of one argument changes only
        images and must not move pixels.""",
    )
    class_weight: Any = redeclared(
        ClassWeightParameters,
        "class_weight",
        doc="""Weights of the classes: of their pixels for losses of pixels, of their regions for
        ``dice`` and ``tversky``.  "balanced" gives all classes the same total weight over the
        pixels of all images.""",
    )

    @property
    def _target(self) -> Masks:
        return Masks(self.class_weight)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        %(images)s
            Images of one size, as integers or floats, without missing values.
        y : array-like of shape (n_samples, height, width)
            The class label of each pixel, of any type.
        %(image_weight)s

        %(fitted)s
        """
        return self._train(FitData(X, y, sample_weight), go_on=self.warm_start)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch; scaling, classes and their shares are those of the first call.

        Parameters
        ----------
        %(continued_with_images_and_classes)s
        """
        return self._train(FitData(X, y, sample_weight, named=classes), epochs=1, go_on=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each pixel: the sign or the argmax of the decision function.

        Parameters
        ----------
        %(new_images)s

        Returns
        -------
        ndarray of shape (n_samples, height, width)
            Class labels.
        """
        return self._answer("predict", X)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the scores from which `predict` chooses.

        Parameters
        ----------
        %(new_images)s

        Returns
        -------
        ndarray of shape (n_samples, height, width) or (n_samples, n_classes, height, width)
            One score per pixel for two classes, otherwise one per pixel and class.
        """
        return self._answer("decision_function", X)

    @available_if(where_loss_has("predict_proba", A_DECISION))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the class probabilities of each pixel, if the loss determines any.

        Otherwise there is no such method.

        Parameters
        ----------
        %(new_images)s

        Returns
        -------
        ndarray of shape (n_samples, n_classes, height, width)
            One map per class, in the order of ``classes_``; they sum to 1 over axis 1.
        """
        return self._answer("predict_proba", X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean intersection over union of the predicted classes.

        The pixels of all images are counted together: for each class, the pixels of that class in
        both `y` and the prediction, divided by those of that class in either.  The score is the
        mean over classes, which equals scikit-learn's ``jaccard_score(average="macro")`` of all
        pixels.

        Parameters
        ----------
        %(new_images)s
        y : array-like of shape (n_samples, height, width)
            True labels.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the images, >= 0.

        Returns
        -------
        float
            In [0, 1].
        """
        predicted = self.predict(X)
        grid = predicted.shape[1:]
        masks = flat_masks(y, grid).reshape(-1, *grid)
        check_consistent_length(predicted, masks)
        check_one_kind(np.unique(masks), self._learned.target.classes)
        return mean_iou(masks, predicted, checked_weights(sample_weight, masks))

    def to_module(self, output: str = "auto") -> FittedModule:
        """Return the fitted model as a plain ``nn.Module`` that takes X as `predict` does.

        %(module)s

        Parameters
        ----------
        output : {"auto", "predict_proba", "decision_function", "predict", "raw"}, default="auto"
            What the module returns, in the shape of the method of this name.  "predict" returns
            indices into ``classes_``, "raw" the network's output, of shape
            (n_samples, height * width, n_outputs).  "auto" is "predict_proba" if the loss has it,
            else "decision_function".

        %(exported_from_images)s
        """
        return self._exported(output, self._answers)
