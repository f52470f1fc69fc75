"""Does a robust loss help when targets have outliers?
======================================================

Flights arrive a few minutes early, or up to a day late. Most people spend little on health, and a
few spend thousands of dollars. Squared error predicts the mean, which the few pull up; robust
losses predict a typical value. Look at RMSE and MAE on the same test rows: they have opposite
winners, because the mean minimises RMSE and the median MAE.

Run it with ``python examples/outliers.py``; it needs the ``examples`` extra.
"""

# %%
# Two targets with long tails
# ---------------------------
# The same people appear in several years, so they are split by person.
import textwrap

import matplotlib.pyplot as plt
import pandas as pd
from data import flight_delays, health_spending
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from sklloss import NeuralRegressor

X, y = flight_delays(15_000)
flights = train_test_split(X, y, test_size=0.4, random_state=0)

X, y, person = health_spending()
train, test = next(GroupShuffleSplit(1, test_size=0.4, random_state=0).split(X, y, person))
people = X.iloc[train], X.iloc[test], y.iloc[train], y.iloc[test]

# %%
# Train on seven losses
# ---------------------
# One network per loss is enough for a comparison; it takes the table as it is. The column "mean
# prediction" shows what robust losses leave out: whoever plans a budget needs the mean.
LOSSES = ["squared_error", "huber", "pseudo_huber", "adaptive", "absolute_error", "cauchy", "tukey"]


def compare(X: pd.DataFrame, X_test: pd.DataFrame, y: pd.Series, y_test: pd.Series) -> pd.DataFrame:
    """Return the errors of every loss on the test rows."""
    rows = {}
    for loss in LOSSES:
        model = NeuralRegressor(loss, n_members=1, random_state=0).fit(X, y)
        prediction = model.predict(X_test)
        rows[loss] = {
            "RMSE": root_mean_squared_error(y_test, prediction),
            "MAE": mean_absolute_error(y_test, prediction),
            "mean prediction": prediction.mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


tables = {}
for title, split in {"flight delays, minutes": flights, "health spending, $": people}.items():
    tables[title] = compare(*split)
    y_test = split[-1]
    print(f"{title}: mean {y_test.mean():.1f}, median {y_test.median():.1f}\n")
    print(tables[title].to_string(float_format="{:.1f}".format), end="\n\n")

# %%
# Draw one error against the other
# --------------------------------
# Lower is better on both axes.
_, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, (title, table) in zip(axes, tables.items(), strict=True):
    for loss, marker in zip(table.index, "os^vDPX", strict=True):
        ax.plot(table.loc[loss, "MAE"], table.loc[loss, "RMSE"], marker, markersize=9, label=loss)
    ax.set(title=title, xlabel="MAE", ylabel="RMSE")
    ax.grid(color="0.9")
    ax.locator_params(nbins=6)
_ = axes[0].legend(frameon=False)

# %%
# What was learnt
# ---------------
# It depends on the metric: choose the loss that estimates what the metric asks for.
for title, table in tables.items():
    change = table.drop(index="squared_error") / table.loc["squared_error"] - 1
    opposite = change[(change["MAE"] < 0) & (change["RMSE"] > 0)]
    mae, rmse = -opposite["MAE"], opposite["RMSE"]
    text = (
        f"{title}: compared with squared_error, {len(opposite)} of the {len(change)} other losses"
        f" lower MAE by {mae.min():.0%} to {mae.max():.0%} and raise RMSE by {rmse.min():.0%} to"
        f" {rmse.max():.0%}."
    )
    print(textwrap.fill(text, width=80))
