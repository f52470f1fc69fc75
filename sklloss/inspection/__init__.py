"""Pictures of losses, searches and predictions, and a report of a search."""

from .loss_comparison import LossComparisonDisplay
from .loss_shape import LossShapeDisplay
from .prediction_interval import PredictionIntervalDisplay
from .reliability import ReliabilityDisplay
from .training_curve import TrainingCurveDisplay

__all__ = [
    "LossComparisonDisplay",
    "LossShapeDisplay",
    "PredictionIntervalDisplay",
    "ReliabilityDisplay",
    "TrainingCurveDisplay",
]
