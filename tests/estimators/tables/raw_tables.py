"""Small models for raw tables."""

from sklloss import NeuralRegressor

N = 240


def quick(cls=NeuralRegressor, loss="mae", **params):
    settings = {"max_epochs": 8, "hidden_layer_sizes": (8,), "random_state": 0, "batch_size": 60}
    return cls(loss, **{**settings, **params})
