"""What the estimators of images have in common."""

from __future__ import annotations

from dataclasses import dataclass

from ...parameters.declared import redeclared
from ..fit.estimator import NeuralEstimator
from ..fit.parameters import NetworkParameters, OptimizationParameters
from ..inputs.images import Images


@dataclass(kw_only=True, eq=False, repr=False)
class ImageEstimator(NetworkParameters, NeuralEstimator):
    """Base of the estimators of images."""

    batch_size: int | str = redeclared(
        OptimizationParameters,
        "batch_size",
        doc='Images per step; "auto" is 32 (all, if there are fewer or for lbfgs).',
    )
    max_epochs: int = redeclared(
        OptimizationParameters,
        "max_epochs",
        default=50,
        doc="Maximum number of passes over the images.",
    )

    @property
    def _inputs(self) -> Images:
        return Images(batch=32)
