"""Estimators: scikit-learn's interface to the training of networks."""

from .box_regressor import NeuralBoxRegressor
from .classifier import NeuralClassifier
from .export import FittedModule
from .regressor import NeuralRegressor
from .segmenter import NeuralSegmenter
from .tokens import TokenVectorizer

__all__ = [
    "FittedModule",
    "NeuralBoxRegressor",
    "NeuralClassifier",
    "NeuralRegressor",
    "NeuralSegmenter",
    "TokenVectorizer",
]
