"""Which losses give intervals that keep their promise?
=======================================================

An 80 % interval should hold 80 % of new values, with one in ten below it and one in ten above.
"quantile" trains one network per level, "multi_quantile" one for all levels; the others learn a
whole distribution: normal (gaussian_nll, crps), Student's t (student_t_nll) or a histogram
(cross_entropy). Look at how far each share is from its nominal value, and at the mean width: of two
intervals with the right coverage the narrower one says more.

Run it with ``python examples/quantiles.py``; it needs the ``examples`` extra.
"""

# %%
# Six ways to an interval
# -----------------------
# One network per fit is enough for a comparison; it takes the table as it is.
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from data import diamonds, flight_delays
from sklearn.model_selection import train_test_split

from sklloss import NeuralRegressor
from sklloss.inspection import PredictionIntervalDisplay
from sklloss.losses import Quantile

LEVELS = [0.1, 0.5, 0.9]
COVERAGE = 0.8
DISTRIBUTIONS = ["multi_quantile", "gaussian_nll", "student_t_nll", "crps", "cross_entropy"]
ROWS = 8_000


def fitted(loss: object, X: pd.DataFrame, y: pd.Series) -> NeuralRegressor:
    return NeuralRegressor(loss, n_members=1, random_state=0).fit(X, y)


def single_quantiles(X: pd.DataFrame, y: pd.Series, X_test: pd.DataFrame) -> np.ndarray:
    """Return predictions (n_samples, levels), with one network per level."""
    return np.stack([fitted(Quantile(q), X, y).predict(X_test) for q in LEVELS], axis=1)


def interval_and_median(model: NeuralRegressor, X_test: pd.DataFrame) -> np.ndarray:
    """Return the ends of the interval and the median, (n_samples, levels), of one network."""
    low, high = model.predict_interval(X_test, coverage=COVERAGE).T
    (median,) = model.predict_quantiles(X_test, [0.5]).T
    return np.stack((low, median, high), axis=1)


# %%
# Check them on test rows
# -----------------------
# The shares are of the values below each quantile and inside the interval. A distribution of the
# wrong shape can have the right coverage with both ends wrong.
def shares(quantiles: np.ndarray, y: pd.Series) -> dict[str, float]:
    """Return the shares of y below each quantile and inside the interval, and its width."""
    values = y.to_numpy()
    low, _, high = quantiles.T
    below = (values[:, None] <= quantiles).mean(axis=0)
    named = {f"below {level}": share for level, share in zip(LEVELS, below, strict=True)}
    inside = (low <= values) & (values <= high)
    return {**named, "inside": inside.mean(), "mean width": (high - low).mean()}


tables, models, tests = {}, {}, {}
for title, (X, y) in {
    "diamonds, $": diamonds(),
    "flight delays, minutes": flight_delays(2 * ROWS),
}.items():
    X, X_test, y, y_test = train_test_split(X, y, train_size=ROWS, test_size=ROWS, random_state=0)
    models[title], tests[title] = (
        {loss: fitted(loss, X, y) for loss in DISTRIBUTIONS},
        (X_test, y_test),
    )
    rows = {"quantile (three nets)": shares(single_quantiles(X, y, X_test), y_test)}
    for loss, model in models[title].items():
        rows[loss] = shares(interval_and_median(model, X_test), y_test)
    tables[title] = pd.DataFrame.from_dict(rows, orient="index")
    width = {"mean width": "{:,.0f}".format}
    print(f"{title}, {ROWS:,} test rows\n")
    print(tables[title].to_string(formatters=width, float_format="{:.3f}".format), end="\n\n")

# %%
# The bar of each loss should reach from .1 to .9, with the tick at .5.
_, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", sharey=True)
for ax, (title, table) in zip(axes, tables.items(), strict=True):
    ax.hlines(table.index, table["below 0.1"], table["below 0.9"], linewidth=6, color="C0")
    ax.plot(table["below 0.5"], table.index, "k|", markersize=14)
    for level in LEVELS:
        ax.axvline(level, color="0.4", linestyle=":", linewidth=1)
    ax.set(title=title, xlabel="share of test rows below the quantile", xlim=(0, 1))
axes[0].invert_yaxis()

# %%
# Look at the intervals themselves
# --------------------------------
# The spread of prices grows with the price, and so do the intervals.
PredictionIntervalDisplay.from_estimator(
    models["diamonds, $"]["multi_quantile"], *tests["diamonds, $"], coverage=COVERAGE
)

# %%
# What was learnt
# ---------------
# A few diamonds are 0 mm or 59 mm wide: data errors, which the default encoding of numbers bounds.
CLOSE = 0.03
for title, table in tables.items():
    off = (table.drop(columns="mean width") - [*LEVELS, COVERAGE]).abs().max(axis=1)
    kept = table[off <= CLOSE]
    text = f"{title}: all four shares are within {CLOSE} of their nominal values for"
    if kept.empty:
        text = f"{title}: no loss has all four shares within {CLOSE} of their nominal values;"
        text += f" {off.idxmin()} is closest, within {off.min():.3f}."
    else:
        text += f" {', '.join(kept.index)}; of these, {kept['mean width'].idxmin()} has the"
        text += " narrowest intervals."
    print(textwrap.fill(text, width=80))
