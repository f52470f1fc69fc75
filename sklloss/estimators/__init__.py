"""Estimators: scikit-learn's interface to the training of networks."""

from .classifier import NeuralClassifier
from .regressor import NeuralRegressor

__all__ = ["NeuralClassifier", "NeuralRegressor"]
