"""Which loss suits counts and amounts?
=======================================

Visits to a doctor and patents of a company are counts, whose spread grows with their mean. The
price of a house and the seconds that a check takes are amounts, whose errors are relative. Losses
with a log link know both, and never predict a number below 0. Look at the deviance on test rows,
Poisson for counts and gamma for amounts, beside that of scikit-learn's boosted trees and of the
mean.

Run it with ``python examples/counts.py``; it needs the ``examples`` extra.
"""

# %%
# Keep groups together
# --------------------
# People and companies appear in several years, so a person or company is either in the training
# rows or in the test rows, and likewise for the rows that stop the training.
import textwrap
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from data import ames_houses, check_times, doctor_visits, patents
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_gamma_deviance, mean_poisson_deviance
from sklearn.model_selection import GroupShuffleSplit

from sklloss import NeuralRegressor

COUNT_LOSSES = ["poisson", "tweedie", "negative_binomial"]
SIZE_LOSSES = ["gamma", "squared_log_error"]


def held_out(groups: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of training and test rows; no group has rows in both."""
    splits = GroupShuffleSplit(1, test_size=0.25, random_state=0)
    return next(splits.split(groups, groups=groups))


# %%
# Train beside boosted trees
# --------------------------
# Sales of companies span seven orders of magnitude, and a log link would raise the largest to a
# power, so ``numeric_encoding="quantile"`` gives every column the same distribution. The trees
# minimise the deviance that is measured.


def compare(
    X: pd.DataFrame,
    y: pd.Series,
    groups: pd.Series,
    losses: list[str],
    deviance: Callable[[pd.Series, np.ndarray], float],
) -> pd.Series:
    """Return the deviance of every loss, of boosted trees on the first one, and of the mean."""
    texts = X.select_dtypes(exclude="number").columns
    X, (train, test) = X.astype(dict.fromkeys(texts, "category")), held_out(groups)
    X_train, y_train = X.iloc[train], y.iloc[train]
    net = NeuralRegressor(n_members=1, numeric_encoding="quantile", random_state=0)
    net.set_params(validation_fraction=held_out(groups.iloc[train]))
    trees = HistGradientBoostingRegressor(loss=losses[0], random_state=0)
    predictions = {}
    for loss in losses:
        predictions[loss] = net.set_params(loss=loss).fit(X_train, y_train).predict(X.iloc[test])
    predictions["boosted trees"] = trees.fit(X_train, y_train).predict(X.iloc[test])
    predictions["mean"] = np.full(len(test), y_train.mean())
    return pd.Series({name: deviance(y.iloc[test], p) for name, p in predictions.items()})


def each_alone(X: pd.DataFrame, y: pd.Series) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return the data with every row as a group of its own."""
    return X, y, pd.Series(np.arange(len(y)), index=y.index)


counts = {
    "doctor visits": compare(*doctor_visits(), COUNT_LOSSES, mean_poisson_deviance),
    "patents": compare(*patents(), COUNT_LOSSES, mean_poisson_deviance),
}
print("Counts, mean Poisson deviance (lower is better)\n")
print(pd.DataFrame(counts).to_string(float_format="{:.4g}".format))

# %%
# Amounts: ``squared_log_error`` predicts exp(E log(1 + y)) - 1, which lies below the mean.
sizes = {
    "house prices": compare(*each_alone(*ames_houses()), SIZE_LOSSES, mean_gamma_deviance),
    "check times": compare(*each_alone(*check_times()), SIZE_LOSSES, mean_gamma_deviance),
}
print("Amounts, mean gamma deviance (lower is better)\n")
print(pd.DataFrame(sizes).to_string(float_format="{:.4g}".format))

# %%
# Draw them beside the trees
# --------------------------
# A network left of the dashed line has a lower deviance than the boosted trees.
_, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
table = pd.DataFrame(counts | sizes)
ratios = (table / table.loc["boosted trees"]).drop(["boosted trees", "mean"])
for (loss, row), marker in zip(ratios.iterrows(), "os^DX", strict=True):
    ax.plot(row.dropna(), row.dropna().index, marker, label=loss, markersize=8, alpha=0.8)
ax.axvline(1, color="0.4", linestyle="--", label="boosted trees")
ax.set(xlabel="deviance, relative to boosted trees", xlim=(0, None))
ax.margins(y=0.15)
ax.invert_yaxis()
_ = ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)

# %%
# What was learnt
# ---------------
for name, deviances in (counts | sizes).items():
    best = deviances.drop(["boosted trees", "mean"]).idxmin()
    ratio = deviances[best] / deviances["boosted trees"]
    explained = 1 - deviances[best] / deviances["mean"]
    text = (
        f"{name}: the best network, {best}, explains {explained:.0%} of the deviance; what is left"
        f" is {ratio:.2f} times that of boosted trees."
    )
    print(textwrap.fill(text, width=80))
