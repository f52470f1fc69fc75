"""What a user might bring: a network, losses, a callback, a transformer, none of which are ours."""

from dataclasses import dataclass

import torch
from sklearn.base import BaseEstimator, TransformerMixin
from skorch.callbacks import Callback
from torch import nn

from sklloss import NeuralRegressor
from sklloss.losses import RegressionLoss

HERE = __name__


class Net(nn.Module):
    """One hidden layer, with a buffer and a function as attributes."""

    def __init__(self, n_features, n_outputs=1, width=4):
        super().__init__()
        self.first = nn.Linear(n_features, width)
        self.norm = nn.BatchNorm1d(width)
        self.last = nn.Linear(width, n_outputs)
        self.activation = torch.tanh

    def forward(self, X):
        return self.last(self.activation(self.norm(self.first(X))))


def factory(n_features, n_outputs=1):
    return nn.Sequential(nn.Linear(n_features, 3), nn.ReLU(), nn.Linear(3, n_outputs))


def cubic(prediction, y):
    return (prediction - y).abs() ** 3


class Quartic(nn.Module):
    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = factor

    def forward(self, prediction, y):
        return self.factor * (prediction - y) ** 4


@dataclass(frozen=True)
class Doubled(RegressionLoss):
    """Twice the square."""

    name = "doubled_square"
    functional = "mean"
    factor: float = 2.0

    def pointwise(self, raw, y, state):
        return self.factor * (raw[..., 0] - y) ** 2


class Counts(Callback):
    def __init__(self, start=0):
        self.start = start

    def initialize(self):
        self.seen_ = self.start
        return self

    def on_epoch_end(self, net, **kwargs):
        self.seen_ += 1


class Shift(TransformerMixin, BaseEstimator):
    def __init__(self, by=0.0):
        self.by = by

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        self.mean_ = X.mean(0)
        return self

    def transform(self, X):
        return X - self.mean_ + self.by

    def __sklearn_is_fitted__(self):
        return hasattr(self, "mean_")


class Mine(NeuralRegressor):
    """A subclass with a constructor of its own."""

    def __init__(self, width=5, random_state=0):
        super().__init__(
            "mae", hidden_layer_sizes=(width,), max_epochs=2, random_state=random_state
        )
        self.width = width


def jitter(X):
    return X + 0.01 * torch.randn_like(X)


class Stateful:
    """Is pickled in a way of its own."""

    def __reduce__(self):
        return (Stateful, ())
