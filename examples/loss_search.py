"""Search over losses in about the time of a few fits: LossSearchCV beside GridSearchCV.

Run it with

    python examples/loss_search.py

It needs the `examples` extra: pip install -c constraints.txt -e ".[examples]".

Which loss should a network minimise that predicts the price of a diamond and is scored by its mean
absolute error? Look at the list of grids, where every loss has its own parameters; at the Pipeline,
whose first step is fitted once per split; at the two searches, which give the same scores to the
last digit in different times; and at `n_members`, which trains the winner with eight seeds in one
stack and averages the predictions.
"""

import time

import numpy as np
import pandas as pd
from data import as_numbers, diamonds
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import QuantileTransformer

from sklloss import LossSearchCV, NeuralRegressor

ROWS = 6_000
GRID = [
    {"net__loss": ["mse", "mae", "log_cosh", "gamma"]},
    {"net__loss": ["huber"], "net__loss__delta": [0.5, 1, 2]},
    {"net__loss": ["cauchy"], "net__loss__scale": [1.0, 2.385]},
]


def pipeline() -> Pipeline:
    """Return a network after a step that makes numbers uniform and one-hot encodes text."""
    plain = {"n_members": 1, "early_stopping": False, "scale_inputs": True, "lr": 0.001}
    shape = {"hidden_layer_sizes": (32, 32), "batch_size": 32, "max_epochs": 8}
    net = NeuralRegressor(random_state=0, **plain, **shape)
    return Pipeline([("numbers", as_numbers(QuantileTransformer(n_quantiles=200))), ("net", net)])


def timed(search: GridSearchCV, X: pd.DataFrame, y: pd.Series) -> float:
    """Fit a search and return the seconds that it took."""
    start = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - start


def setting(params: dict) -> str:
    """Return a short name of a candidate."""
    loss, *values = params.values()
    return f"{loss}({', '.join(map(str, values))})" if values else loss


def main() -> None:
    X, y = diamonds()
    X, X_rest, y, y_rest = train_test_split(X, y, train_size=ROWS, random_state=0)
    options = {
        "scoring": "neg_mean_absolute_error",
        "cv": KFold(3, shuffle=True, random_state=0),
        "n_jobs": 2,
    }
    # Start the workers before anything is timed.
    LossSearchCV(pipeline(), {"net__max_epochs": [1, 2]}, **options).fit(X[:300], y[:300])
    stacked = LossSearchCV(pipeline(), GRID, **options)
    one_by_one = GridSearchCV(pipeline(), GRID, **options)
    seconds = [timed(search, X, y) for search in (stacked, one_by_one)]

    results = pd.DataFrame(stacked.cv_results_).sort_values("rank_test_score")
    table = pd.DataFrame(
        {
            "loss": [setting(params) for params in results["params"]],
            "MAE": -results["mean_test_score"],
            "+-": results["std_test_score"],
        }
    )
    print(f"Diamonds, {ROWS} rows, mean absolute error in dollars over 3 folds\n")
    print(table.to_string(index=False, float_format="{:.0f}".format))
    same = np.array_equal(
        stacked.cv_results_["mean_test_score"], one_by_one.cv_results_["mean_test_score"]
    )
    print(f"\nThe same scores as GridSearchCV: {same}.")
    print(
        f"{len(results)} candidates x 3 folds and a refit: GridSearchCV takes"
        f" {seconds[1] / seconds[0]:.1f} times as long."
    )

    winner = stacked.best_estimator_
    members = pipeline().set_params(**stacked.best_params_, net__n_members=8).fit(X, y)
    for name, model in (("one network", winner), ("eight, averaged", members)):
        error = mean_absolute_error(y_rest, model.predict(X_rest))
        print(f"{name:16} {error:.0f} dollars on {len(y_rest)} other diamonds")


if __name__ == "__main__":
    main()
