"""Can I train on what my own errors cost?
==========================================

A prediction that is one unit too low may cost four times as much as one that is too high; a missed
tumour may cost as much as ten false alarms. Write the cost as a loss, an ``nn.Module`` or a
function, and search over its parameters. Look at the share of predictions that are too low and at
the number of missed tumours: both fall as the parameter rises, and so does the cost, at first.

Run it with ``python examples/custom_loss.py``; it needs the ``plot`` extra.
"""

# %%
# Losses for numbers
# ------------------
# They get what torch losses get, the prediction and y, and return one loss per row. y is scaled, so
# the slope of ``linex`` is per standard deviation of y.
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
from sklloss.inspection import LossShapeDisplay


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
    """Exponential where the prediction is too low, nearly linear where too high (Varian 1975)."""
    missing = slope * (y - prediction)
    return torch.expm1(missing) - missing


LossShapeDisplay.from_losses(["mse", AsymmetricSquaredError(), linex], reach=2)

# %%
# Search over their parameters
# ----------------------------
# The pinball loss at 0.8 costs 0.8 per unit too low and 0.2 per unit too high.


def share_too_low(y: np.ndarray, prediction: np.ndarray) -> float:
    """Return the share of predictions below the truth."""
    return float(np.mean(prediction < y))


def table_of(search: GridSearchCV) -> pd.DataFrame:
    """Return the mean of every score over the folds, one row per candidate, the cheapest marked."""
    table = pd.DataFrame(
        {name: search.cv_results_[f"mean_test_{name}"] for name in search.scoring},
        index=[name_of(**params) for params in search.cv_results_["params"]],
    )
    # scikit-learn maximises scores, so the scorer is minus the cost.
    table["cost"] *= -1
    marks = np.where(table.index == table["cost"].idxmin(), "<- lowest cost", "")
    return table.assign(**{"": marks})


def name_of(loss: object, **params: object) -> str:
    """Return a candidate's name for the table: "mse", or "linex, slope=1.0"."""
    own = [f"{name.removeprefix('loss__')}={value}" for name, value in params.items()]
    return ", ".join([loss if isinstance(loss, str) else loss.__name__, *own])


X, y = load_diabetes(return_X_y=True, as_frame=True)
regression = GridSearchCV(
    NeuralRegressor(hidden_layer_sizes=(), optimizer="lbfgs", random_state=0),
    [
        {"loss": ["mse"]},
        {"loss": [AsymmetricSquaredError], "loss__weight": [2.0, 4.0, 8.0, 16.0]},
        {"loss": [linex], "loss__slope": [0.5, 1.0, 2.0]},
    ],
    scoring={
        "cost": make_scorer(mean_pinball_loss, alpha=0.8, greater_is_better=False),
        "too low": make_scorer(share_too_low),
        "R2": "r2",
    },
    refit="cost",
    cv=KFold(5, shuffle=True, random_state=0),
    n_jobs=2,
).fit(X, y)
costs = table_of(regression)
print("Diabetes, mean over 5 folds; a unit too low costs 0.8, a unit too high 0.2\n")
print(costs.to_string(float_format="{:.2f}".format))

# %%
# A loss for labels
# -----------------
# It gets logits and class indices, and asks for a margin in favour of "malignant", class 1.
MISS_COST = 10


def malignant_margin(logits: Tensor, labels: Tensor, margin: float = 1.0) -> Tensor:
    """Cross-entropy that wants the logit of "malignant" to lead by a margin."""
    return cross_entropy(logits - margin * torch.tensor([0.0, 1.0]), labels, reduction="none")


def missed(y: np.ndarray, prediction: np.ndarray) -> int:
    """Return how many malignant tumours were taken for benign."""
    return confusion_matrix(y, prediction, labels=["benign", "malignant"])[1, 0]


def false_alarms(y: np.ndarray, prediction: np.ndarray) -> int:
    """Return how many benign tumours were taken for malignant."""
    return confusion_matrix(y, prediction, labels=["benign", "malignant"])[0, 1]


def diagnosis_cost(y: np.ndarray, prediction: np.ndarray) -> int:
    """Return what the errors cost, in false alarms."""
    return MISS_COST * missed(y, prediction) + false_alarms(y, prediction)


X, y = breast_cancer()
classification = GridSearchCV(
    NeuralClassifier(hidden_layer_sizes=(), n_members=1, random_state=0),
    [
        {"loss": ["cross_entropy"]},
        {"loss": [malignant_margin], "loss__margin": [0.5, 1.0, 2.0, 3.0]},
    ],
    scoring={
        "cost": make_scorer(diagnosis_cost, greater_is_better=False),
        "missed": make_scorer(missed),
        "false alarms": make_scorer(false_alarms),
    },
    refit="cost",
    cv=StratifiedKFold(5, shuffle=True, random_state=0),
    n_jobs=2,
).fit(X, y)
counts = table_of(classification)
names = ["cost", "missed", "false alarms"]
counts[names] = (counts[names] * classification.n_splits_).round().astype(int)
print(f"Tumours, sum over 5 folds; a missed one costs as much as {MISS_COST} false alarms\n")
print(counts.to_string())

# %%
# What was learnt
# ---------------
mse, best = costs.loc["mse"], costs.loc[costs["cost"].idxmin()]
print(
    textwrap.fill(
        f"{best.name} predicts too low for {best['too low']:.0%} of the patients, mse for"
        f" {mse['too low']:.0%}. It costs {1 - best['cost'] / mse['cost']:.0%} less, at the price"
        f" of R2: {best['R2']:.2f} against {mse['R2']:.2f}.",
        width=80,
    )
)
plain, own = counts.loc["cross_entropy"], counts.loc[counts["cost"].idxmin()]
print(
    textwrap.fill(
        f"{own.name} misses {own['missed']} malignant tumours and raises {own['false alarms']}"
        f" false alarms; cross_entropy misses {plain['missed']} and raises"
        f" {plain['false alarms']}. These counts are small, and the margin was chosen on the same"
        " folds.",
        width=80,
    )
)
