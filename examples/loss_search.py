"""How much sooner does LossSearchCV have the answer?
=====================================================

Which loss should a network minimise that predicts the price of a diamond and is scored by its mean
absolute error? ``LossSearchCV`` trains the candidates together, as one program; ``GridSearchCV``
trains them one by one. Look at the two searches, which give the same scores to the last digit in
different times.

Run it with ``python examples/loss_search.py``; it needs the ``examples`` extra.
"""

# %%
# Give every loss its own parameters
# ----------------------------------
# A list of grids does that. The first step of the Pipeline makes numbers uniform and one-hot
# encodes text; ``LossSearchCV`` fits it once per split.
import time

import numpy as np
from data import as_numbers, diamonds
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import QuantileTransformer

from sklloss import LossSearchCV, NeuralRegressor
from sklloss.inspection import LossComparisonDisplay

GRID = [
    {"net__loss": ["mse", "mae", "log_cosh", "gamma"]},
    {"net__loss": ["huber"], "net__loss__delta": [0.5, 1, 2]},
    {"net__loss": ["cauchy"], "net__loss__scale": [1.0, 2.385]},
]

plain = {"n_members": 1, "early_stopping": False, "scale_inputs": True, "lr": 0.001}
shape = {"hidden_layer_sizes": (32, 32), "batch_size": 32, "max_epochs": 8}
net = NeuralRegressor(random_state=0, **plain, **shape)
model = Pipeline([("numbers", as_numbers(QuantileTransformer(n_quantiles=200))), ("net", net)])

# %%
# Time both searches
# ------------------
# Both use one process, so that their times can be compared on any machine.
X, y = diamonds()
X, X_rest, y, y_rest = train_test_split(X, y, train_size=6_000, random_state=0)
options = {
    "scoring": "neg_mean_absolute_error",
    "cv": KFold(3, shuffle=True, random_state=0),
}
stacked, one_by_one = LossSearchCV(model, GRID, **options), GridSearchCV(model, GRID, **options)
seconds = []
for search in (stacked, one_by_one):
    start = time.perf_counter()
    search.fit(X, y)
    seconds.append(time.perf_counter() - start)

is_same = np.array_equal(
    stacked.cv_results_["mean_test_score"], one_by_one.cv_results_["mean_test_score"]
)
print(f"The same scores: {is_same}.")
print(f"LossSearchCV: {seconds[0]:.1f} s. GridSearchCV: {seconds[1]:.1f} s.")

# %%
# Which loss won?
# ---------------
LossComparisonDisplay.from_search(stacked)

# %%
# What was learnt
# ---------------
# ``n_members`` trains the winner with eight seeds, again together, and averages the predictions.
winner = stacked.best_estimator_
members = model.set_params(**stacked.best_params_, net__n_members=8).fit(X, y)
errors = [mean_absolute_error(y_rest, fitted.predict(X_rest)) for fitted in (winner, members)]
n_candidates = len(stacked.cv_results_["params"])
print(f"{n_candidates} candidates x 3 folds and a refit: LossSearchCV has the same scores as")
print(f"GridSearchCV and is {seconds[1] / seconds[0]:.1f} times as fast.")
print(f"The winner, {stacked.best_params_}, is off by {errors[0]:.0f} dollars on {len(y_rest):,}")
print(f"other diamonds; eight of its networks, averaged, by {errors[1]:.0f}.")
