"""Search over your own losses: an `nn.Module`, a function, and one for labels.

Run it with

    python examples/custom_loss.py

The first part predicts the progression of diabetes. A prediction that is one unit too low costs
four times as much as one that is too high, and two losses know this. Look at the column "too low",
the share of predictions below the truth: it falls as the parameter rises, and so does the cost, at
first.

The second part diagnoses tumours. A loss on logits and class indices asks for a margin in favour
of "malignant". Look at how many malignant tumours are missed, and at the price in false alarms.
"""

import textwrap

import numpy as np
import pandas as pd
import torch
from data import breast_cancer
from sklearn.datasets import load_diabetes
from sklearn.metrics import confusion_matrix, make_scorer, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sklloss import NeuralClassifier, NeuralRegressor

# How many false alarms a missed tumour is worth.
MISS_COST = 10


class AsymmetricSquaredError(nn.Module):
    """Squared error, multiplied by ``weight`` where the prediction is too low."""

    def __init__(self, weight: float = 4.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, prediction: Tensor, y: Tensor) -> Tensor:
        """Return one loss per row."""
        missing = y - prediction
        return missing**2 * torch.where(missing > 0, self.weight, 1.0)


def linex(prediction: Tensor, y: Tensor, slope: float = 1.0) -> Tensor:
    """Exponential where the prediction is too low, nearly linear where too high (Varian 1975).

    y is scaled, so the slope is per standard deviation of y.
    """
    missing = slope * (y - prediction)
    return torch.expm1(missing) - missing


def malignant_margin(logits: Tensor, labels: Tensor, margin: float = 1.0) -> Tensor:
    """Cross-entropy that wants the logit of "malignant" (class 1) to lead by a margin."""
    return cross_entropy(logits - margin * torch.tensor([0.0, 1.0]), labels, reduction="none")


def share_too_low(y: np.ndarray, prediction: np.ndarray) -> float:
    """Return the share of predictions below the truth."""
    return float(np.mean(prediction < y))


def missed(y: np.ndarray, prediction: np.ndarray) -> int:
    """Return how many malignant tumours were taken for benign."""
    return confusion_matrix(y, prediction, labels=["benign", "malignant"])[1, 0]


def false_alarms(y: np.ndarray, prediction: np.ndarray) -> int:
    """Return how many benign tumours were taken for malignant."""
    return confusion_matrix(y, prediction, labels=["benign", "malignant"])[0, 1]


def diagnosis_cost(y: np.ndarray, prediction: np.ndarray) -> int:
    """Return what the errors cost, in false alarms."""
    return MISS_COST * missed(y, prediction) + false_alarms(y, prediction)


def search_regressor() -> GridSearchCV:
    """Search over own losses and "mse", scored by the asymmetric cost."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    grids = [
        {"loss": ["mse"]},
        {"loss": [AsymmetricSquaredError], "loss__weight": [2.0, 4.0, 8.0, 16.0]},
        {"loss": [linex], "loss__slope": [0.5, 1.0, 2.0]},
    ]
    # The pinball loss at 0.8 costs 0.8 per unit too low and 0.2 per unit too high.
    cost = make_scorer(mean_pinball_loss, alpha=0.8, greater_is_better=False)
    model = NeuralRegressor(hidden_layer_sizes=(), optimizer="lbfgs", random_state=0)
    scoring = {"cost": cost, "too low": make_scorer(share_too_low), "R2": "r2"}
    splits = KFold(5, shuffle=True, random_state=0)
    return GridSearchCV(model, grids, scoring=scoring, refit="cost", cv=splits, n_jobs=2).fit(X, y)


def search_classifier() -> GridSearchCV:
    """Search over the margin, scored by the cost of missed tumours and false alarms."""
    X, y = breast_cancer()
    grids = [
        {"loss": ["cross_entropy"]},
        {"loss": [malignant_margin], "loss__margin": [0.5, 1.0, 2.0, 3.0]},
    ]
    scoring = {
        "cost": make_scorer(diagnosis_cost, greater_is_better=False),
        "missed": make_scorer(missed),
        "false alarms": make_scorer(false_alarms),
    }
    model = NeuralClassifier(hidden_layer_sizes=(), n_members=1, random_state=0)
    splits = StratifiedKFold(5, shuffle=True, random_state=0)
    return GridSearchCV(model, grids, scoring=scoring, refit="cost", cv=splits, n_jobs=2).fit(X, y)


def name_of(params: dict[str, object]) -> str:
    """Return a candidate's name for the table: "mse", or "linex, slope=1.0"."""
    loss = params["loss"]
    own = [f"{k.removeprefix('loss__')}={v}" for k, v in params.items() if k != "loss"]
    return ", ".join([loss if isinstance(loss, str) else loss.__name__, *own])


def table_of(search: GridSearchCV) -> pd.DataFrame:
    """Return the mean of every score over the folds, one row per candidate."""
    names = [name_of(params) for params in search.cv_results_["params"]]
    means = {name: search.cv_results_[f"mean_test_{name}"] for name in search.scoring}
    table = pd.DataFrame(means, index=names)
    # scikit-learn maximises scores, so the scorer is minus the cost.
    return table.assign(cost=-table["cost"])


def with_mark(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the cheapest row marked."""
    best = table["cost"].idxmin()
    return table.assign(**{"": ["<- lowest cost" if name == best else "" for name in table.index]})


def print_regression(table: pd.DataFrame) -> None:
    print("Diabetes, mean over 5 folds; a unit too low costs 0.8, a unit too high 0.2\n")
    print(with_mark(table).to_string(float_format="{:.2f}".format))
    best = table["cost"].idxmin()
    mse, own = table.loc["mse"], table.loc[best]
    text = (
        f"{best} predicts too low for {own['too low']:.0%} of the patients, mse for"
        f" {mse['too low']:.0%}. It costs {1 - own['cost'] / mse['cost']:.0%} less, at the price of"
        f" R2: {own['R2']:.2f} against {mse['R2']:.2f}."
    )
    print("\n" + textwrap.fill(text, width=90) + "\n")


def print_classification(table: pd.DataFrame) -> None:
    print(f"Tumours, sum over 5 folds; a missed one costs as much as {MISS_COST} false alarms\n")
    print(with_mark(table).to_string(float_format="{:.0f}".format))
    best = table["cost"].idxmin()
    plain, own = table.loc["cross_entropy"], table.loc[best]
    text = (
        f"{best} misses {own['missed']:.0f} malignant tumours and raises"
        f" {own['false alarms']:.0f} false alarms; cross_entropy misses {plain['missed']:.0f} and"
        f" raises {plain['false alarms']:.0f}. These counts are small, and the margin was chosen"
        " on the same folds."
    )
    print("\n" + textwrap.fill(text, width=90))


def main() -> None:
    print_regression(table_of(search_regressor()))
    classifier = search_classifier()
    print_classification(table_of(classifier) * classifier.n_splits_)


if __name__ == "__main__":
    main()
