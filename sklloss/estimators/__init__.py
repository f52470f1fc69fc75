"""Estimators: scikit-learn's interface to the training of networks."""

from .classifier import NeuralClassifier
from .export import FittedModule
from .regressor import NeuralRegressor
from .tokens import TokenVectorizer

__all__ = ["FittedModule", "NeuralClassifier", "NeuralRegressor", "TokenVectorizer"]
