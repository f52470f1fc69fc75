"""The small regressor that tests of the training loop train."""

from sklloss import NeuralRegressor

from ..laws import small_models

ONE_NETWORK = {**small_models.ONE_NETWORK, "random_state": 0}


def small(**params):
    """Return one network of one hidden layer, for a few epochs."""
    defaults = {**ONE_NETWORK, "max_epochs": 6, "hidden_layer_sizes": (8,), "lr": 0.005}
    return NeuralRegressor(**{**defaults, **params})
