"""Fitted searches that train for a moment, and tables of scores as a search would leave them."""

from functools import cache

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from sklloss import LossSearchCV, NeuralRegressor

X, Y = load_diabetes(return_X_y=True)
TINY = {"n_members": 1, "max_epochs": 4, "hidden_layer_sizes": (8,), "random_state": 0}


@cache
def loss_search() -> LossSearchCV:
    """Return a fitted search over losses with two metrics."""
    grid = [{"loss": ["mse", "mae"]}, {"loss": ["huber"], "loss__delta": [0.5, 2.0]}]
    scoring = ["neg_mean_absolute_error", "r2"]
    net = NeuralRegressor(early_stopping=True, **TINY)
    return LossSearchCV(net, grid, scoring=scoring, refit="r2", cv=4).fit(X, Y)


class Scored(GridSearchCV):
    """A search that has the scores that it is given, without any fit."""

    def __init__(self, scores, **params):
        super().__init__(Ridge(), {"alpha": [1.0]}, **params)
        self.scores = np.asarray(scores, dtype=float)

    @property
    def cv_results_(self):
        """Return the table of the scores."""
        splits = {f"split{k}_test_score": each for k, each in enumerate(self.scores.T)}
        params = [{"alpha": i} for i in range(len(self.scores))]
        return {"params": params, "mean_test_score": self.scores.mean(axis=1), **splits}
