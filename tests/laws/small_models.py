"""Small regressors and classifiers, each with settings of its own, targets, and what they
decide."""

import numpy as np

from sklloss import NeuralClassifier, NeuralRegressor

RNG = np.random.default_rng(0)


FEATURES = RNG.standard_normal((230, 57))


POSITIVE = np.exp(0.5 * FEATURES[:, 0] + 0.2 * RNG.standard_normal(230))  # in every loss's domain


COUNTS = np.floor(3 * POSITIVE)


CLASSES = np.digitize(FEATURES[:, 0] + 0.3 * RNG.standard_normal(230), [-0.6, 0.4])


X = FEATURES[:, :7]


# One network on all rows, numbers standardised, instead of eight members with folds of their own.
ONE_NETWORK = {"n_members": 1, "early_stopping": False, "numeric_encoding": "standard"}


BAGGED = {"n_members": "auto", "early_stopping": "auto", "numeric_encoding": "auto"}


RATES = [0.001, 0.01, 0.003, 0.003, 0.02]  # neighbours with one rate are one parameter


REGRESSION = ["squared_error", "huber", "quantile", "poisson", "barron", "expectile", "gamma"]


POSTERIORS = ["cross_entropy", "focal", "hinge", "brier", "generalized_cross_entropy"]


def models_of(estimator, losses, n_models, params):
    defaults = {
        **ONE_NETWORK, "max_epochs": 3, "batch_size": 50, "hidden_layer_sizes": (32,),
    }  # fmt: skip
    return [
        estimator(
            losses[k % len(losses)],
            **{**defaults, "random_state": k // 2, "lr": RATES[k % 5], **params},
        )
        for k in range(n_models)
    ]


def regressors(n_models=5, losses=REGRESSION, **params):
    """Return regressors of different losses, seeds (some shared) and rates."""
    return models_of(NeuralRegressor, losses, n_models, params)


def classifiers(n_models=5, losses=POSTERIORS, **params):
    return models_of(NeuralClassifier, losses, n_models, params)


def varied(models, **values):
    """Give every model its own value of each parameter."""
    for k, model in enumerate(models):
        model.set_params(**{name: row[k % len(row)] for name, row in values.items()})
    return models


def decided(p):
    """Return the class that probabilities decide for, and where no rounding can change it."""
    largest = np.sort(p, 1)
    return p.argmax(1), largest[:, -1] - largest[:, -2] > 1e-5
